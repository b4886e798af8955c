/** `hupo policy`: automatic snapshot policies through the public API, in words for people. */
import type { CliContext, ConnectOptions } from '../cli.ts';
import { formatBytes } from '../lib/byte-units.ts';
import { findConnection } from './connection.ts';
import { alignCells } from './disk-table.ts';
import type { EcsClient } from './ecs-client.ts';
import { withInterrupt } from './interrupt.ts';
import { UsageError } from './usage-error.ts';

export interface ListOptions extends ConnectOptions {
  json?: true;
}

export interface PreviewOptions extends ListOptions {
  runs: string;
  disk?: string;
}

export interface PolicyOptions extends ConnectOptions {
  at?: string;
  days?: string;
  keepDays?: string;
  name?: string;
  keepLast?: string;
  keepHourly?: string;
  keepDaily?: string;
  keepWeekly?: string;
  keepMonthly?: string;
  keepYearly?: string;
  missed?: string;
  copyTo?: string;
  copyKeepDays?: string;
  instancesWith?: string[];
  disk?: string[];
}

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const RULES = ['Last', 'Hourly', 'Daily', 'Weekly', 'Monthly', 'Yearly'] as const;

interface PolicyAnswer {
  AutoSnapshotPolicyId: string;
  AutoSnapshotPolicyName: string;
  TimePoints: string;
  RepeatWeekdays: string;
  RetentionDays: number;
  DiskNums: number;
  EnableCrossRegionCopy: boolean;
  TargetCopyRegions: string;
  CopiedSnapshotsRetentionDays: number;
  Keep?: Record<(typeof RULES)[number], number>;
  TargetTags: { TargetTag: { TagKey: string; TagValue: string }[] };
}

export async function runPolicyList(options: ListOptions, context: CliContext): Promise<number> {
  const { client } = findConnection(options, context);
  const policies = await withInterrupt((signal) => listPolicies(client, signal));
  if (options.json === true) context.out(`${JSON.stringify(policies, null, 2)}\n`);
  else if (policies.length === 0) {
    context.out(`There is no policy. \`${context.environment.command} policy create --help\` says how to make one.\n`);
  } else context.out(formatPolicies(policies));
  return 0;
}

async function listPolicies(client: EcsClient, signal: AbortSignal): Promise<PolicyAnswer[]> {
  const policies: PolicyAnswer[] = [];
  for (let page = 1; ; page += 1) {
    const answer = await client.call<{
      TotalCount: number;
      AutoSnapshotPolicies: { AutoSnapshotPolicy: PolicyAnswer[] };
    }>('DescribeAutoSnapshotPolicyEx', { PageNumber: String(page), PageSize: '100' }, signal);
    policies.push(...answer.AutoSnapshotPolicies.AutoSnapshotPolicy);
    if (policies.length >= answer.TotalCount || answer.AutoSnapshotPolicies.AutoSnapshotPolicy.length === 0) {
      return policies;
    }
  }
}

function formatPolicies(policies: readonly PolicyAnswer[]): string {
  const titles = ['POLICY', 'AT (UTC+8)', 'ON', 'KEEPS', 'APPLIED TO', 'COPIES TO', 'NAME'];
  const rows = policies.map((policy) => [
    policy.AutoSnapshotPolicyId,
    formatHours(policy.TimePoints),
    formatDays(policy.RepeatWeekdays),
    formatKeep(policy),
    formatApplied(policy),
    formatCopies(policy),
    policy.AutoSnapshotPolicyName,
  ]);
  return formatRows([titles, ...rows]);
}

function formatRows(rows: readonly (readonly string[])[]): string {
  const columns = (rows[0] ?? []).map(() => ({ align: 'left', width: 0 }) as const);
  return `${alignCells(rows, columns).join('\n')}\n`;
}

function formatHours(list: string): string {
  return (JSON.parse(list) as string[]).map((hour) => `${hour.padStart(2, '0')}:00`).join(' ');
}

function formatDays(list: string): string {
  const days = JSON.parse(list) as string[];
  return days.length === DAYS.length ? 'every day' : days.map((day) => DAYS[Number(day) - 1] ?? day).join(' ');
}

function formatKeep({ RetentionDays: days, Keep: rules }: PolicyAnswer): string {
  if (days === -1) return 'for ever';
  const named = RULES.filter((rule) => (rules?.[rule] ?? 0) > 0).map(
    (rule) => `${rules?.[rule]} ${rule.toLowerCase()}`,
  );
  return [`${days} days`, ...named].join(', ');
}

function formatApplied({ DiskNums: count, TargetTags: { TargetTag: tags } }: PolicyAnswer): string {
  const disks = count === 1 ? '1 disk' : `${count} disks`;
  if (tags.length === 0) return disks;
  const wanted = tags.map(({ TagKey, TagValue }) => (TagValue === '' ? TagKey : `${TagKey}=${TagValue}`));
  return `${disks} of instances with ${wanted.join(' ')}`;
}

function formatCopies(policy: PolicyAnswer): string {
  if (!policy.EnableCrossRegionCopy) return '-';
  const days = policy.CopiedSnapshotsRetentionDays;
  return `${(JSON.parse(policy.TargetCopyRegions) as string[]).join(' ')}, ${days === -1 ? 'for ever' : `${days} days`}`;
}

export async function runPolicyCreate(options: PolicyOptions, context: CliContext): Promise<number> {
  const { client } = findConnection(options, context);
  const { instancesWith = [], disk = [] } = options;
  if (instancesWith.length > 0 && disk.length > 0) {
    throw new UsageError('a policy is for disks (--disk) or for instances with tags (--instances-with), not for both');
  }
  const terms = { repeatWeekdays: parseDays('daily'), ...termsOf(options), ...tagsOf(instancesWith) };
  const policyId = await withInterrupt(async (signal) => {
    const made = await client.call<{ AutoSnapshotPolicyId: string }>('CreateAutoSnapshotPolicy', terms, signal);
    const { AutoSnapshotPolicyId: autoSnapshotPolicyId } = made;
    const diskIds = JSON.stringify(disk);
    if (disk.length === 0) return autoSnapshotPolicyId;
    try {
      await client.call('ApplyAutoSnapshotPolicy', { autoSnapshotPolicyId, diskIds }, signal);
    } catch (error) {
      await client.call('DeleteAutoSnapshotPolicy', { autoSnapshotPolicyId });
      throw error;
    }
    return autoSnapshotPolicyId;
  });
  context.out(`${policyId}\n`);
  if (disk.length === 0 && instancesWith.length === 0) {
    context.err(`It is applied to no disk yet: ${context.environment.command} policy apply ${policyId} d-…\n`);
  }
  return 0;
}

export async function runPolicyModify(policyId: string, options: PolicyOptions, context: CliContext): Promise<number> {
  const { client } = findConnection(options, context);
  const terms = termsOf(options);
  if (Object.keys(terms).length === 0) throw new UsageError('say what is to be changed, as --at 2,14');
  const parameters = { autoSnapshotPolicyId: policyId, ...terms };
  await withInterrupt((signal) => client.call('ModifyAutoSnapshotPolicyEx', parameters, signal));
  return 0;
}

export async function runPolicyDelete(policyId: string, options: ConnectOptions, context: CliContext): Promise<number> {
  const { client } = findConnection(options, context);
  await withInterrupt((signal) => client.call('DeleteAutoSnapshotPolicy', { autoSnapshotPolicyId: policyId }, signal));
  return 0;
}

export async function runPolicyOfDisks(
  action: 'ApplyAutoSnapshotPolicy' | 'CancelAutoSnapshotPolicy',
  { policyId, diskIds }: { policyId: string; diskIds: string[] },
  { options, context }: { options: ConnectOptions; context: CliContext },
): Promise<number> {
  const { client } = findConnection(options, context);
  const parameters = { autoSnapshotPolicyId: policyId, diskIds: JSON.stringify(diskIds) };
  await withInterrupt((signal) => client.call(action, parameters, signal));
  return 0;
}

/** The parameters of the API; those that were not given are absent. */
export function termsOf(options: PolicyOptions): Record<string, string> {
  const rules = RULES.flatMap((rule) => {
    const value = options[`keep${rule}`];
    return value === undefined ? [] : [[`Keep.${rule}`, value] as const];
  });
  const { copyTo } = options;
  return {
    ...(options.at !== undefined && { timePoints: parseHours(options.at) }),
    ...(options.days !== undefined && { repeatWeekdays: parseDays(options.days) }),
    ...(options.keepDays !== undefined && { retentionDays: parseKeepDays(options.keepDays) }),
    ...(options.name !== undefined && { autoSnapshotPolicyName: options.name }),
    ...Object.fromEntries(rules),
    ...(options.missed !== undefined && { MissedRuns: options.missed }),
    ...(copyTo === 'none' && { EnableCrossRegionCopy: 'false' }),
    ...(copyTo !== undefined &&
      copyTo !== 'none' && { EnableCrossRegionCopy: 'true', TargetCopyRegions: JSON.stringify([copyTo]) }),
    ...(options.copyKeepDays !== undefined && { CopiedSnapshotsRetentionDays: parseKeepDays(options.copyKeepDays) }),
  };
}

function parseHours(text: string): string {
  const hours = text.split(',').map((hour) => hour.trim().replace(/:00$/, ''));
  const wrong = hours.find((hour) => !/^\d{1,2}$/.test(hour) || Number(hour) > 23);
  if (wrong === undefined) return JSON.stringify(hours.map((hour) => String(Number(hour))));
  throw new UsageError(`--at ${text}: ${JSON.stringify(wrong)} is no hour from 0 to 23; several are given as 2,14`);
}

function parseDays(text: string): string {
  if (text === 'daily') return JSON.stringify(DAYS.map((_day, index) => String(index + 1)));
  const days = text.split(',').map((day) => DAYS.findIndex((name) => day.trim().toLowerCase().startsWith(name)) + 1);
  if (!days.includes(0)) return JSON.stringify(days.map(String));
  throw new UsageError(`--days ${text}: give ${DAYS.join(', ')}, several as mon,thu, or daily`);
}

function parseKeepDays(text: string): string {
  return text === 'forever' ? '-1' : text;
}

function tagsOf(tags: readonly string[]): Record<string, string> {
  if (tags.length === 0) return {};
  const pairs = tags.flatMap((tag, index) => {
    const [key = '', ...value] = tag.split('=');
    const name = `TargetTags.${index + 1}`;
    return [
      [`${name}.Key`, key] as const,
      ...(value.length === 0 ? [] : [[`${name}.Value`, value.join('=')] as const]),
    ];
  });
  return { AssociationType: 'AssociatedWithInstanceTag', ...Object.fromEntries(pairs) };
}

interface PreviewAnswer {
  Runs: { Run: string[] };
  Disks: {
    Disk: {
      DiskId: string;
      FreedSize: number;
      HeldSnapshotIds: { SnapshotId: string[] };
      DeletedSnapshots: {
        Snapshot: (ToldSnapshot & { DeletionTime: string; NeedsApproval: boolean })[];
      };
      KeptSnapshots: { Snapshot: ToldSnapshot[] };
    }[];
  };
}

interface ToldSnapshot {
  SnapshotId: string;
  CreationTime: string;
  Reason: string;
}

export async function runPolicyPreview(
  policyId: string,
  options: PreviewOptions,
  context: CliContext,
): Promise<number> {
  const { client } = findConnection(options, context);
  const parameters = {
    ...{ AutoSnapshotPolicyId: policyId, Runs: options.runs },
    ...(options.disk !== undefined && { DiskId: options.disk }),
  };
  const preview = await withInterrupt((signal) => client.call<PreviewAnswer>('HupoPreviewPolicy', parameters, signal));
  context.out(options.json === true ? `${JSON.stringify(preview, null, 2)}\n` : formatPreview(preview, context));
  return 0;
}

function formatPreview({ Runs: { Run: runs }, Disks: { Disk: disks } }: PreviewAnswer, context: CliContext): string {
  const parts = [`Next runs (UTC): ${runs.join(' ')}\n`];
  if (disks.length === 0) parts.push('It is applied to no disk.\n');
  for (const disk of disks) {
    const { Snapshot: going } = disk.DeletedSnapshots;
    const { Snapshot: staying } = disk.KeptSnapshots;
    parts.push(
      `\n${disk.DiskId}: ${going.length} go by then, which frees ${formatBytes(disk.FreedSize)}; ${staying.length} stay\n`,
    );
    if (going.length + staying.length > 0) {
      parts.push(
        formatRows([
          ...going.map((one) => [
            `  ${one.SnapshotId}`,
            one.CreationTime,
            one.NeedsApproval ? 'waits' : `goes ${one.DeletionTime}`,
            one.Reason,
          ]),
          ...staying.map((one) => [`  ${one.SnapshotId}`, one.CreationTime, 'stays', one.Reason]),
        ]),
      );
    }
    if (disk.HeldSnapshotIds.SnapshotId.length > 0) {
      parts.push(`  \`${context.environment.command} policy approve ${disk.DiskId}\` agrees to what waits.\n`);
    }
  }
  return parts.join('');
}

interface RunsAnswer {
  Runs: {
    Run: {
      AutoSnapshotPolicyId: string;
      TimePoint: string;
      MissedRuns: number;
      Disks: { Disk: { DiskId: string; State: string; SnapshotId: string; Reason: string }[] };
    }[];
  };
}

export async function runPolicyRuns(
  policyId: string | null,
  options: ListOptions,
  context: CliContext,
): Promise<number> {
  const { client } = findConnection(options, context);
  const parameters = { MaxResults: '100', ...(policyId !== null && { AutoSnapshotPolicyId: policyId }) };
  const { Runs } = await withInterrupt((signal) =>
    client.call<RunsAnswer>('HupoDescribePolicyRuns', parameters, signal),
  );
  if (options.json === true) context.out(`${JSON.stringify(Runs.Run, null, 2)}\n`);
  else if (Runs.Run.length === 0) context.out('No run yet.\n');
  else {
    const rows = Runs.Run.flatMap((run) =>
      run.Disks.Disk.map((disk) => [
        ...[run.TimePoint, run.AutoSnapshotPolicyId, disk.DiskId, disk.State, disk.SnapshotId || '-'],
        [disk.Reason, run.MissedRuns > 0 ? `makes up for ${run.MissedRuns} missed` : ''].filter(Boolean).join('; '),
      ]),
    );
    context.out(formatRows([['RUN', 'POLICY', 'DISK', 'STATE', 'SNAPSHOT', 'NOTE'], ...rows]));
  }
  return 0;
}

export async function runPolicyApprove(diskId: string, options: ConnectOptions, context: CliContext): Promise<number> {
  const { client } = findConnection(options, context);
  const { SnapshotIds } = await withInterrupt((signal) =>
    client.call<{ SnapshotIds: { SnapshotId: string[] } }>('HupoApproveRetention', { DiskId: diskId }, signal),
  );
  context.out(`Retention deletes ${SnapshotIds.SnapshotId.length} snapshots of ${diskId}.\n`);
  return 0;
}
