/**
 * What `hupo completion` prints for each shell: a function that asks `hupo __complete` what may come next. It names this very
 * program, not the `hupo` of the PATH, so that it is quick in a clone as well (npx takes half a second).
 */
import type { CliContext } from '../cli.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

export function formatCompletionScript(shell: Shell, { execPath, args }: CliContext['program']): string {
  const program = [execPath, ...args].map(quote).join(' ');
  return { bash: formatBash, zsh: formatZsh, fish: formatFish }[shell](program);
}

/** For all three shells. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function formatBash(program: string): string {
  return `# Completion of hupo for bash. For this shell: eval "$(hupo completion bash)". For all: that line in ~/.bashrc.
# (In a clone: npx hupo completion bash, and alias hupo='npx hupo'.)
_hupo() {
  local line word
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      compopt -o default
      return
    fi
    word=\${line%%$'\\t'*}
    COMPREPLY+=("$word")
    [[ $word == *= ]] && compopt -o nospace
  done < <(${program} __complete bash "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _hupo hupo
`;
}

function formatZsh(program: string): string {
  return `#compdef hupo
# Completion of hupo for zsh. For this shell: eval "$(hupo completion zsh)", after compinit. For all: that line in ~/.zshrc.
# (In a clone: npx hupo completion zsh, and alias hupo='npx hupo'.)
_hupo() {
  local line
  local -a names fields shown
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      _files
      return
    fi
    if [[ $line == *= ]]; then
      fields+=("$line")
    else
      names+=("\${line%%$'\\t'*}")
      shown+=("\${line/$'\\t'/  }")
    fi
  done < <(${program} __complete zsh "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#fields} )) && compadd -S '' -a fields
  (( \${#names} )) && compadd -M 'm:{a-z}={A-Z}' -l -d shown -a names
}
compdef _hupo hupo
`;
}

function formatFish(program: string): string {
  return `# Completion of hupo for fish. For this shell: hupo completion fish | source. For all: hupo completion fish >
# ~/.config/fish/completions/hupo.fish (In a clone: npx hupo completion fish, and alias hupo='npx hupo'.)
function __hupo_complete
    set -l typed (commandline -opc)
    set -l found (${program} __complete fish $typed[2..-1] (commandline -ct) 2>/dev/null)
    if test "$found[1]" = :files
        __fish_complete_path (commandline -ct)
    else
        printf '%s\\n' $found
    end
end
complete -c hupo -f -a '(__hupo_complete)'
`;
}
