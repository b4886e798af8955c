/** What is refused before anything is sent: an action or a parameter that does not exist, one that is missing. */
import {
  exampleOf,
  findActionName,
  findDocumentedName,
  knownActions,
  nameOf,
  parametersOf,
  type ActionParameter,
} from './action-parameters.ts';
import { actionNames } from './ecs-actions.ts';
import { flags } from './ecs-flags.ts';
import { readTextFile } from './ecs-options.ts';
import { formatSuggestions, suggest } from './suggestions.ts';
import { UsageError } from './usage-error.ts';

/** The action's name for one in any case. Throws a UsageError for one that ECS has not, with suggestions of what is built, if any. */
export function checkAction(action: string, command: string): string {
  const name = findActionName(action);
  if (name !== null) return name;
  const built = suggest(action, actionNames);
  const near = formatSuggestions(built.length > 0 ? built : suggest(action, knownActions));
  throw new UsageError(`'${action}' is not a valid action. See \`${command} ecs --help\`.${near}`);
}

/**
 * The parameters under their documented names. `formNames` are given in a body. `findBuiltPatterns` tells what the server takes
 * beside the documented parameters; it is only asked when a name is not documented. Throws a UsageError.
 */
export async function checkParameters(
  action: string,
  given: ReadonlyMap<string, string>,
  options: { command: string; formNames: readonly string[]; findBuiltPatterns: () => Promise<readonly string[]> },
): Promise<Record<string, string>> {
  const documented = parametersOf(action);
  const patterns = documented.map(({ pattern }) => pattern);
  const checked: Record<string, string> = {};
  for (const [typed, value] of given) {
    const name =
      findDocumentedName([...patterns, 'RegionId'], typed) ??
      findDocumentedName(await options.findBuiltPatterns(), typed);
    if (name === null) throw unknownParameter(action, typed, patterns, options.command);
    if (Object.hasOwn(checked, name)) throw new UsageError(`--${name} is given twice`);
    checked[name] = value;
  }
  checkRequired(action, documented, [...Object.keys(checked), ...options.formNames], options.command);
  return checked;
}

/** `--Name-FILE path`: the value is the text of the file. */
export function readFileParameters(given: ReadonlyMap<string, string>): Map<string, string> {
  return new Map(
    [...given].map(([name, value]) =>
      name.endsWith('-FILE') ? [name.slice(0, -'-FILE'.length), readTextFile(value, `--${name}`)] : [name, value],
    ),
  );
}

function unknownParameter(action: string, typed: string, patterns: readonly string[], command: string): UsageError {
  const lists = patterns.filter((pattern) => pattern.toLowerCase().startsWith(`${typed.toLowerCase()}.`));
  const see = `See \`${command} ecs help ${action}\`.`;
  if (lists.length > 0) {
    const forms = lists.slice(0, 4).map(exampleOf).join(', ');
    return new UsageError(`'--${typed}' is not a valid parameter or flag: write its parts, as in ${forms}. ${see}`);
  }
  const number = /\.(\d+)/.exec(typed)?.[1] ?? '1';
  const names = [...patterns.map((pattern) => nameOf(pattern, number)), ...flags.map(({ name }) => name)];
  const near = suggest(typed, names).map((name) => `--${name}`);
  return new UsageError(`'--${typed}' is not a valid parameter or flag. ${see}${formatSuggestions(near)}`);
}

/** RegionId is never missing: the server takes its own. */
function checkRequired(
  action: string,
  documented: readonly ActionParameter[],
  given: readonly string[],
  command: string,
): void {
  const lowerGiven = given.map((name) => name.toLowerCase());
  const isGiven = (pattern: string) => {
    const [root = ''] = pattern.toLowerCase().split(/\.n(?:\.|$)/);
    return lowerGiven.some((name) => name === root || name.startsWith(`${root}.`));
  };
  const missing = documented.filter(
    ({ pattern, isRequired }) => isRequired && pattern.toLowerCase() !== 'regionid' && !isGiven(pattern),
  );
  if (missing.length === 0) return;
  const lines = missing.map(({ pattern, type }) => `  ${exampleOf(pattern)}  ${type}`).join('\n');
  throw new UsageError(
    `required parameters not assigned:\n${lines}\n\nSee \`${command} ecs help ${action}\`; --force sends the call without them.`,
  );
}
