/** `hupo policy`: automatic snapshot policies through the public API, in words for people. */
import type { CliContext, ConnectOptions } from '../cli.ts';
import { OperationalError } from '../lib/errors.ts';
import { findConnection } from './connection.ts';
import { formatRows } from './columns.ts';
import type { EcsClient } from './ecs-client.ts';
import { withInterrupt } from './interrupt.ts';
import { DAYS, RULES, keepUnnamed, parseDays, tagsOf, termsOf, type PolicyOptions } from './policy-terms.ts';
import { UsageError } from './usage-error.ts';

export interface ListOptions extends ConnectOptions {
  json?: true;
}

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
  CreationTime: string;
  MissedRuns?: string;
  TargetTags: { TargetTag: { TagKey: string; TagValue: string }[] };
}

interface AssociationsAnswer {
  NextToken: string;
  AutoSnapshotPolicyAssociations: { AutoSnapshotPolicyAssociation: { DiskId: string }[] };
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
  const all: PolicyAnswer[] = [];
  for (let page = 1; ; page += 1) {
    const { policies, totalCount } = await askPolicies(client, { PageNumber: String(page), PageSize: '100' }, signal);
    all.push(...policies);
    if (all.length >= totalCount || policies.length === 0) return all;
  }
}

async function askPolicies(
  client: EcsClient,
  asked: Record<string, string>,
  signal: AbortSignal,
): Promise<{ policies: PolicyAnswer[]; totalCount: number }> {
  const answer = await client.call<{
    TotalCount: number;
    AutoSnapshotPolicies: { AutoSnapshotPolicy: PolicyAnswer[] };
  }>('DescribeAutoSnapshotPolicyEx', asked, signal);
  return { policies: answer.AutoSnapshotPolicies.AutoSnapshotPolicy, totalCount: answer.TotalCount };
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
  return formatRows(titles, rows);
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
  await withInterrupt(async (signal) => {
    const { Keep: rules = {} } = await getPolicy(client, policyId, signal);
    const parameters = { autoSnapshotPolicyId: policyId, ...keepUnnamed(terms, rules) };
    await client.call('ModifyAutoSnapshotPolicyEx', parameters, signal);
  });
  return 0;
}

export async function runPolicyShow(policyId: string, options: ListOptions, context: CliContext): Promise<number> {
  const { client } = findConnection(options, context);
  const [policy, diskIds] = await withInterrupt(async (signal) => [
    await getPolicy(client, policyId, signal),
    await listDisksOf(client, policyId, signal),
  ]);
  if (options.json === true) context.out(`${JSON.stringify({ ...policy, DiskIds: diskIds }, null, 2)}\n`);
  else context.out(formatPolicy(policy, diskIds));
  return 0;
}

/** Throws an OperationalError when there is none. */
async function getPolicy(client: EcsClient, policyId: string, signal: AbortSignal): Promise<PolicyAnswer> {
  const [policy] = (await askPolicies(client, { AutoSnapshotPolicyId: policyId }, signal)).policies;
  if (policy !== undefined) return policy;
  throw new OperationalError(`there is no policy ${policyId}`, { retryable: false });
}

async function listDisksOf(client: EcsClient, policyId: string, signal: AbortSignal): Promise<string[]> {
  const diskIds: string[] = [];
  let token = '';
  do {
    const page = { MaxResults: '100', ...(token !== '' && { NextToken: token }) };
    const answer = await client.call<AssociationsAnswer>(
      'DescribeAutoSnapshotPolicyAssociations',
      { AutoSnapshotPolicyId: policyId, ...page },
      signal,
    );
    const { AutoSnapshotPolicyAssociation: found } = answer.AutoSnapshotPolicyAssociations;
    diskIds.push(...found.map(({ DiskId }) => DiskId));
    token = answer.NextToken;
  } while (token !== '');
  return diskIds;
}

function formatPolicy(policy: PolicyAnswer, diskIds: readonly string[]): string {
  const { AutoSnapshotPolicyId: id, AutoSnapshotPolicyName: name, CreationTime: made } = policy;
  const lines: [string, string][] = [
    ['Policy', name === '' ? id : `${id} (${name}), made ${made}`],
    ['At (UTC+8)', `${formatHours(policy.TimePoints)}, ${formatDays(policy.RepeatWeekdays)}`],
    ['Keeps', formatKeep(policy)],
    ['Missed runs', policy.MissedRuns === 'skip' ? 'are left out' : 'are made up for, once'],
    ['Copies to', formatCopies(policy)],
    ['Applied to', formatApplied(policy)],
    ...diskIds.map((diskId): [string, string] => ['', diskId]),
  ];
  return lines.map(([title, text]) => `${title.padEnd(12)} ${text}\n`).join('');
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
    context.out(formatRows(['RUN', 'POLICY', 'DISK', 'STATE', 'SNAPSHOT', 'NOTE'], rows));
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
