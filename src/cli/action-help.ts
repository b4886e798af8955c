/**
 * `hupo ecs help <Action>`: the parameters that can be used, with what each may be; then, one line a reason, those that are taken
 * with one value only, those that are refused, and those that change nothing here.
 */
import { exampleOf, findDocumentedName, nameOf, parametersOf } from './action-parameters.ts';
import { findBuiltPatterns, findUse, type ParameterUse } from './built-parameters.ts';
import { describeAction } from './ecs-actions.ts';
import { wrap } from './wrap.ts';

interface Listed {
  pattern: string;
  type: string;
  isRequired: boolean;
  /** Null for an action that is not built. */
  found: ParameterUse | null;
}

type Kind = 'usable' | 'neutral' | 'refused' | 'no effect';

const TITLES: Readonly<Record<Exclude<Kind, 'usable'>, string>> = {
  neutral: 'Taken only with the value shown',
  refused: 'Refused',
  'no effect': 'Taken, without effect here',
};

/** Of a documented action; also of one that is not built. */
export function formatActionHelp(action: string, command: string): string {
  const description = describeAction(action);
  const parameters = [...documentedOf(action), ...undocumentedOf(action)];
  const kinds = Map.groupBy(parameters, kindOf);
  const usable = (kinds.get('usable') ?? []).toSorted((a, b) => Number(b.isRequired) - Number(a.isRequired));
  const others = (['neutral', 'refused', 'no effect'] as const).filter((kind) => kinds.has(kind));
  return `${[
    `Usage: ${command} ecs ${action} [--Parameter value …] [flags]`,
    description === undefined
      ? `${action} is documented and not in this version of Hupo.`
      : `${action}: ${description}.`,
    ...(parameters.length === 0 ? ['It has no parameters.'] : []),
    ...(usable.length === 0
      ? []
      : [`Parameters${usable[0]?.isRequired === true ? ' (* must be given)' : ''}:\n${formatRows(usable)}`]),
    ...(usable.some(({ pattern }) => pattern.includes('.N'))
      ? ['A list is written --Name.1, --Name.2, …; a list of groups --Name.1.Member, --Name.2.Member, …']
      : []),
    ...others.map((kind) => `${TITLES[kind]}:\n${formatReasons(kinds.get(kind) ?? [], parameters)}`),
    `\`${command} ecs --help\` lists the flags.`,
  ].join('\n\n')}\n`;
}

/** A group that is documented as a whole is listed by its members. */
function documentedOf(action: string): Listed[] {
  const built = findBuiltPatterns(action);
  return parametersOf(action)
    .flatMap((parameter) => {
      const members = built.filter(
        (name) => parameter.pattern === `${name.split('.', 1)[0]}.*` && !name.endsWith('.*'),
      );
      return members.length === 0 ? [parameter] : members.map((pattern) => ({ ...parameter, pattern, type: 'String' }));
    })
    .map(({ pattern, type, isRequired }) => {
      const found = findUse(action, pattern);
      return { pattern, type, isRequired: (isRequired || found?.isRequired === true) && !isRegion(pattern), found };
    });
}

function undocumentedOf(action: string): Listed[] {
  const patterns = [...parametersOf(action).map(({ pattern }) => pattern), 'RegionId'];
  const isDocumented = (name: string) =>
    findDocumentedName(patterns, nameOf(name)) !== null || patterns.some((pattern) => pattern.startsWith(`${name}.`));
  return findBuiltPatterns(action)
    .filter((name) => !name.endsWith('.*') && !isDocumented(name) && !isDocumented(name.replace(/\.N$/, '')))
    .map((pattern) => {
      const found = findUse(action, pattern);
      const type = pattern === 'DryRun' ? 'Boolean' : 'String';
      return { pattern, type, isRequired: false, found: withNote(found, 'not documented for this action') };
    });
}

function withNote(found: ParameterUse | null, note: string): ParameterUse | null {
  return found && { ...found, shape: [found.shape, note].filter(Boolean).join('; ') };
}

function isRegion(pattern: string): boolean {
  return pattern.toLowerCase() === 'regionid';
}

function kindOf({ pattern, found }: Listed): Kind {
  if (found === null || found.use === 'used' || isRegion(pattern)) return 'usable';
  return found.use === 'refused' && found.accepts.length > 0 ? 'neutral' : found.use;
}

function formatRows(parameters: readonly Listed[]): string {
  const rows = parameters.map(({ pattern, type, isRequired, found }) => ({
    mark: isRequired ? '*' : ' ',
    name: exampleOf(pattern),
    type,
    note: isRegion(pattern) ? "the server's own when left out" : shapeBeside(type, found?.shape ?? ''),
  }));
  const nameWidth = Math.max(...rows.map(({ name }) => name.length));
  const typeWidth = Math.max(...rows.map(({ type }) => type.length));
  const indent = nameWidth + typeWidth + 8;
  return rows
    .map(({ mark, name, type, note }) => {
      const start = `  ${mark} ${name.padEnd(nameWidth)}  ${type.padEnd(typeWidth)}`;
      return (note === '' ? start : `${start}  ${wrap(note, indent).trimStart()}`).trimEnd();
    })
    .join('\n');
}

/** Beside `Boolean` the two words say nothing more. */
function shapeBeside(type: string, shape: string): string {
  return type === 'Boolean' ? shape.replace(/^(true or false|false or true)(; )?/, '') : shape;
}

/** `--Names, --of, --all: reason`, once a reason. A list or group of which all is in `parameters` is one name. */
function formatReasons(parameters: readonly Listed[], all: readonly Listed[]): string {
  const rootOf = ({ pattern }: Listed) => pattern.split('.', 1)[0] ?? '';
  const reasons = Map.groupBy(parameters, ({ found }) => found?.reason ?? '');
  return [...reasons]
    .map(([reason, list]) => {
      const names = [...Map.groupBy(list, rootOf)].flatMap(([root, members]) => {
        const isWhole = members.length > 1 && all.filter((each) => rootOf(each) === root).length === members.length;
        if (!isWhole) return members.map(exampleWithValue);
        return exampleOf(`${root}${members[0]?.pattern.startsWith(`${root}.N`) === true ? '.N' : ''}.*`);
      });
      return `  ${wrap(`${names.join(', ')}: ${reason}`, 4).trimStart()}`;
    })
    .join('\n');
}

function exampleWithValue({ pattern, found }: Listed): string {
  return [exampleOf(pattern), (found?.accepts ?? []).join('|')].filter(Boolean).join(' ');
}
