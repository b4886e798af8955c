/** `hupo ecs --help` and `hupo ecs help <Action>`: what can be called, what each parameter is and what this server does with it. */
import {
  exampleOf,
  findDocumentedName,
  knownActions,
  nameOf,
  parametersOf,
  type ActionParameter,
} from './action-parameters.ts';
import { describeUse, findBuiltPatterns } from './built-parameters.ts';
import { actionGroups, actionNames, describeAction } from './ecs-actions.ts';
import { flagGroups, type Flag } from './ecs-flags.ts';

const WIDTH = 100;

/** The actions in their groups, then the flags. */
export function formatEcsHelp(command: string): string {
  const absent = knownActions.filter((name) => !actionNames.includes(name)).toSorted();
  const groups = actionGroups.map(({ title, actions }) => `${title}:\n${formatPairs(Object.entries(actions))}`);
  return [
    `Usage: ${command} ecs <Action> [--Parameter value …] [flags]`,
    'Calls an action of the ECS API (2014-05-26) and prints its answer as JSON.',
    `\`${command} ecs help <Action>\` lists the parameters of an action.`,
    ...groups,
    `Documented and not in this version:\n${wrap(absent.join(', '), 2)}`,
    formatFlags(),
    formatExamples(command),
  ].join('\n\n');
}

/** Of a documented action; also of one that is not built. */
export function formatActionHelp(action: string, command: string): string {
  const description = describeAction(action);
  const parameters = parametersOf(action);
  const rows = [...parameters.map((parameter) => rowOf(action, parameter)), ...undocumentedRows(action, parameters)];
  const hasList = parameters.some(({ pattern }) => pattern.includes('.N'));
  return `${[
    `Usage: ${command} ecs ${action} [--Parameter value …] [flags]`,
    description === undefined
      ? `${action} is documented and not in this version of Hupo.`
      : `${action}: ${description}.`,
    ...(rows.length === 0 ? ['It has no parameters.'] : [`Parameters (* must be given):\n${formatRows(rows)}`]),
    ...(hasList
      ? ['A list is written --Name.1, --Name.2, …; a list of groups --Name.1.Member, --Name.2.Member, …']
      : []),
    `\`${command} ecs --help\` lists the flags.`,
  ].join('\n\n')}\n`;
}

function rowOf(action: string, { pattern, type, isRequired }: ActionParameter): Row {
  const isRegion = pattern.toLowerCase() === 'regionid';
  return {
    mark: isRequired && !isRegion ? '*' : ' ',
    name: exampleOf(pattern),
    type,
    note: isRegion ? "the server's own when left out" : (describeUse(action, pattern) ?? ''),
  };
}

function undocumentedRows(action: string, documented: readonly ActionParameter[]): Row[] {
  const patterns = [...documented.map(({ pattern }) => pattern), 'RegionId'];
  const isDocumented = (name: string) =>
    findDocumentedName(patterns, nameOf(name)) !== null || patterns.some((pattern) => pattern.startsWith(`${name}.`));
  return findBuiltPatterns(action)
    .filter((name) => !name.endsWith('.*') && !isDocumented(name))
    .map((pattern) => ({
      mark: ' ',
      name: exampleOf(pattern),
      type: pattern === 'DryRun' ? 'Boolean' : 'String',
      note: describeUse(action, pattern) || 'taken here, not documented for this action',
    }));
}

interface Row {
  mark: string;
  name: string;
  type: string;
  note: string;
}

function formatRows(rows: readonly Row[]): string {
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

function formatPairs(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, text]) => `  ${name.padEnd(width)}  ${wrap(text, width + 4).trimStart()}`).join('\n');
}

function formatFlags(): string {
  return flagGroups.map(({ title, flags }) => `${title}:\n${flags.map(formatFlag).join('\n')}`).join('\n\n');
}

function formatFlag(flag: Flag): string {
  const names = flag.short === undefined ? `--${flag.name}` : `-${flag.short}, --${flag.name}`;
  const head = flag.form === undefined ? names : `${names} ${flag.form}`;
  const text = wrap(flag.help, 28);
  return head.length <= 24 ? `  ${head.padEnd(26)}${text.trimStart()}` : `  ${head}\n${text}`;
}

function formatExamples(command: string): string {
  return `Examples:
  ${command} ecs DescribeInstances --output cols=InstanceId,InstanceName rows=Instances.Instance[]
  ${command} ecs CreateSnapshot --DiskId d-… --Tag.1.Key project --Tag.1.Value amber
  ${command} ecs DescribeSnapshots --SnapshotIds '["s-…"]' \\
      --waiter expr='Snapshots.Snapshot[0].Status' to=accomplished
  ${command} ecs DescribeDisks --pager --cli-query 'Disks.Disk[].DiskId'
`;
}

/** Lines of at most `WIDTH`, each indented; a single word may be longer. */
function wrap(text: string, indent: number): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    const isFull = line !== '' && indent + line.length + 1 + word.length > Math.max(WIDTH, indent + 50);
    if (isFull) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.map((line) => ' '.repeat(indent) + line).join('\n');
}
