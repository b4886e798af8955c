/**
 * What can come next on a command line that is being typed. Pure, and quick: it runs at every Tab, so it loads no connection, and
 * the actions' own tables (`findUse`) only where the parameters of an action are asked for.
 */
import type { Command } from 'commander';
import { findActionName, findDocumentedName, nameOf, parametersOf } from './action-parameters.ts';
import type { ParameterUse } from './built-parameters.ts';
import { actionGroups } from './ecs-actions.ts';
import { findFlag, findShortFlag, flags, type Flag } from './ecs-flags.ts';

export interface Candidate {
  word: string;
  /** Shown beside it by shells that do. */
  description?: string;
}

/** Candidates, or `files`: the shell knows better. */
export type Completion = readonly Candidate[] | 'files';

export interface CompletionOptions {
  /** Bash breaks words at `=` and `:` and wants only what follows the last of them. */
  shell: string;
  commands: readonly Command[];
  /** What the server does with a parameter of an action that is built. */
  findUse: (action: string, pattern: string) => ParameterUse | null;
}

/** Whether `findUse` is asked for these words at all. */
export function needsParameters(words: readonly string[]): boolean {
  return words[0] === 'ecs' && words[1] !== 'help' && findActionIn(words.slice(1, -1)) !== undefined;
}

/** `words` are those after the program's name up to the cursor; the last one is being typed and may be empty. */
export function completeWords(words: readonly string[], options: CompletionOptions): Completion {
  const whole = options.shell === 'bash' ? joinBroken(words) : words;
  const current = whole.at(-1) ?? '';
  const found = candidatesFor(whole.slice(0, -1), current, options);
  if (found === 'files') return found;
  const cut = options.shell === 'bash' ? Math.max(current.lastIndexOf('='), current.lastIndexOf(':')) + 1 : 0;
  return found
    .filter(({ word }) => word.toLowerCase().startsWith(current.toLowerCase()))
    .map((candidate) => ({ ...candidate, word: candidate.word.slice(cut) }))
    .filter(({ word }) => word !== '');
}

/** One a line, with its description after a tab; a first line `:files` asks the shell for file names. */
export function formatCandidates(found: Completion): string {
  if (found === 'files') return ':files\n';
  return found
    .map(({ word, description }) => (description === undefined ? `${word}\n` : `${word}\t${description}\n`))
    .join('');
}

/** `cols`, `=`, `A` → `cols=A`. */
function joinBroken(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (const [index, word] of words.entries()) {
    const isBreak = /^[=:]+$/.test(word) || /^[=:]+$/.test(words[index - 1] ?? '');
    if (isBreak && joined.length > 0) joined[joined.length - 1] += word;
    else joined.push(word);
  }
  return joined;
}

function candidatesFor(before: readonly string[], current: string, options: CompletionOptions): Completion {
  const { commands } = options;
  const [first, ...rest] = before;
  if (first === undefined) return describeCommands(commands);
  if (first === 'ecs') return completeEcs(rest, current, options.findUse);
  if (first === 'help') return rest[0] === 'ecs' ? completeAction(rest.slice(1)) : describeCommands(commands);
  const command = commands.find((candidate) => candidate.name() === first);
  return command === undefined ? [] : completeCommand(command, rest, current);
}

/** A hidden command has no description. */
function describeCommands(commands: readonly Command[]): Candidate[] {
  return commands
    .filter((command) => command.description() !== '')
    .map((command) => ({ word: command.name(), description: command.description() }));
}

function completeCommand(command: Command, before: readonly string[], current: string): Completion {
  const [first, ...rest] = before;
  const subcommand = command.commands.find((candidate) => candidate.name() === first);
  if (subcommand !== undefined) return completeCommand(subcommand, rest, current);
  const previous = command.options.find((option) => option.long === before.at(-1));
  if (previous !== undefined && (previous.required || previous.optional)) return isPath(previous.flags) ? 'files' : [];
  if (current.startsWith('-')) {
    return command.options
      .filter((option) => option.long !== undefined && !before.includes(option.long))
      .map((option) => ({ word: option.long ?? '', description: option.description }));
  }
  if (command.commands.length > 0) return describeCommands(command.commands);
  const [argument] = command.registeredArguments;
  if (argument?.argChoices !== undefined) return argument.argChoices.map((word) => ({ word }));
  return command.registeredArguments.some((each) => isPath(each.name())) ? 'files' : [];
}

function isPath(text: string): boolean {
  return /FILE|DIR|IMAGE/.test(text);
}

type FindUse = CompletionOptions['findUse'];

function completeEcs(before: readonly string[], current: string, findUse: FindUse): Completion {
  const action = findActionIn(before);
  if (before[0] === 'help') return completeAction(before.slice(1));
  const open = findOpenFlag(before, current);
  if (open !== null) return completeFlag(open.flag, open.given);
  const parameter = /^--(.+)$/.exec(before.at(-1) ?? '')?.[1];
  if (
    action !== undefined &&
    parameter !== undefined &&
    !current.startsWith('--') &&
    findFlag(parameter) === undefined
  ) {
    return completeValue(action, parameter, findUse);
  }
  if (action === undefined && !current.startsWith('-')) return completeAction(before);
  return [
    ...(action === undefined ? [] : describeParameters({ action, before, current, findUse })),
    ...describeFlags(before),
  ];
}

function completeAction(before: readonly string[]): Candidate[] {
  if (findActionIn(before) !== undefined) return [];
  return actionGroups.flatMap(({ actions }) =>
    Object.entries(actions).map(([word, description]) => ({ word, description })),
  );
}

/** The first word that no flag takes. */
function findActionIn(before: readonly string[]): string | undefined {
  const word = before.find((candidate, index) => {
    const previous = before[index - 1] ?? '';
    const isValue = previous.startsWith('-') && findTyped(previous)?.takes === 'value';
    return !isValue && findActionName(candidate) !== null;
  });
  return word === undefined ? undefined : (findActionName(word) ?? undefined);
}

function findTyped(word: string): Flag | undefined {
  return word.startsWith('--') ? findFlag(word.slice(2)) : findShortFlag(word.slice(1));
}

/** The flag whose value is being typed: the word before, or for those with several words the last one that was named. */
function findOpenFlag(before: readonly string[], current: string): { flag: Flag; given: readonly string[] } | null {
  if (current.startsWith('-')) return null;
  const at = before.findLastIndex((word) => word.startsWith('-'));
  const flag = findTyped(before[at] ?? '');
  if (flag === undefined || flag.takes === 'nothing') return null;
  const given = before.slice(at + 1);
  return flag.takes === 'value' && given.length > 0 ? null : { flag, given };
}

function completeFlag(flag: Flag, given: readonly string[]): Completion {
  if (flag.isPath === true) return 'files';
  const fields = (flag.fields ?? []).filter((field) => !given.some((word) => word.startsWith(`${field}=`)));
  return [...(flag.values ?? []), ...fields.map((field) => `${field}=`)].map((word) => ({ word }));
}

function completeValue(action: string, parameter: string, findUse: FindUse): Candidate[] {
  const known = parametersOf(action).find(({ pattern }) => findDocumentedName([pattern], parameter) !== null);
  if (known === undefined) return [];
  const { accepts = [], use } = findUse(action, known.pattern) ?? {};
  if (accepts.length > 0 || use === 'refused') return accepts.map((word) => ({ word }));
  return known.type === 'Boolean' ? [{ word: 'true' }, { word: 'false' }] : [];
}

/** Those that can be used and are not given yet; of a list, the next number. */
function describeParameters({
  action,
  before,
  current,
  findUse,
}: {
  action: string;
  before: readonly string[];
  current: string;
  findUse: FindUse;
}): Candidate[] {
  const given = new Set(before.map((word) => word.toLowerCase().split(/[=:]/, 1)[0]));
  const typedNumber = /\.(\d+)\b/.exec(current)?.[1];
  return parametersOf(action).flatMap(({ pattern, type, isRequired }) => {
    const at = (number: number | string) => `--${nameOf(pattern, number)}`;
    let number = 1;
    while (at(1) !== at(2) && given.has(at(number).toLowerCase())) number++;
    const word = at(typedNumber ?? number);
    if (given.has(word.toLowerCase()) || pattern.endsWith('.*')) return [];
    const found = findUse(action, pattern);
    if (found !== null && found.use !== 'used' && pattern.toLowerCase() !== 'regionid') return [];
    const notes = [type, ...(isRequired ? ['must be given'] : []), ...(found?.shape ? [found.shape] : [])];
    return [{ word, description: notes.join(', ') }];
  });
}

function describeFlags(before: readonly string[]): Candidate[] {
  return flags
    .filter(({ name }) => !before.includes(`--${name}`))
    .map(({ name, help }) => ({ word: `--${name}`, description: help }));
}
