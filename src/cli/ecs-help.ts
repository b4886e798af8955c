/** `hupo ecs --help`: what can be called, and with which flags. */
import { knownActions } from './action-parameters.ts';
import { actionGroups, actionNames } from './ecs-actions.ts';
import { flagGroups, type Flag } from './ecs-flags.ts';
import { wrap } from './wrap.ts';

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
