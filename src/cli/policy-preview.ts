/** `hupo policy preview`: the next runs of a policy, and what each of them leaves of the snapshots that are there now. */
import type { CliContext } from '../cli.ts';
import { formatBytes } from '../lib/byte-units.ts';
import { formatRows } from './columns.ts';
import { findConnection } from './connection.ts';
import { withInterrupt } from './interrupt.ts';
import type { ListOptions } from './policy.ts';

export interface PreviewOptions extends ListOptions {
  runs: string;
  disk?: string;
}

interface DiskAnswer {
  DiskId: string;
  FreedSize: number;
  HeldSnapshotIds: { SnapshotId: string[] };
  DeletedSnapshots: { Snapshot: (ToldSnapshot & { DeletionTime: string; NeedsApproval: boolean })[] };
  KeptSnapshots: { Snapshot: ToldSnapshot[] };
}

export interface PreviewAnswer {
  Runs: { Run: string[] };
  Disks: { Disk: DiskAnswer[] };
}

interface ToldSnapshot {
  SnapshotId: string;
  CreationTime: string;
  Reason: string;
}

/** How those who look tell the time. */
export interface Zone {
  command: string;
  /** An IANA name; undefined is that of this machine. */
  timeZone?: string;
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
  const { command } = context.environment;
  context.out(options.json === true ? `${JSON.stringify(preview, null, 2)}\n` : formatPreview(preview, { command }));
  return 0;
}

export function formatPreview(preview: PreviewAnswer, zone: Zone): string {
  const { Disk: disks } = preview.Disks;
  const parts = [formatRuns(preview, zone)];
  if (disks.length === 0) parts.push('It is applied to no disk.\n');
  return parts.concat(disks.map((disk) => formatDisk(disk, zone))).join('');
}

/** A line a run: when, and what goes after the run before and up to this one. */
function formatRuns({ Runs: { Run: runs }, Disks: { Disk: disks } }: PreviewAnswer, zone: Zone): string {
  const local = new Intl.DateTimeFormat('en', { timeZone: zone.timeZone }).resolvedOptions().timeZone;
  const count = (fromMs: number, untilMs: number) =>
    disks
      .flatMap((disk) => disk.DeletedSnapshots.Snapshot)
      .filter((one) => !one.NeedsApproval && Date.parse(one.DeletionTime) > fromMs)
      .filter((one) => Date.parse(one.DeletionTime) <= untilMs).length;
  const rows = runs.map((run, index) => {
    const going = count(Date.parse(runs[index - 1] ?? '') || -Infinity, Date.parse(run));
    return [formatTime(run, 'Asia/Shanghai'), formatTime(run, local), describeRun(disks.length, going)];
  });
  return formatRows(['NEXT RUN (UTC+8)', `LOCAL (${local})`, 'BY THEN'], rows);
}

function describeRun(diskCount: number, goingCount: number): string {
  if (diskCount === 0) return '-';
  const made = `${diskCount} made`;
  return goingCount === 0 ? made : `${made}, ${goingCount} deleted`;
}

/** `Tue 2026-11-24 02:00`. */
function formatTime(time: string, timeZone: string): string {
  const fields = { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' } as const;
  const format = new Intl.DateTimeFormat('en', { timeZone, weekday: 'short', ...fields, hourCycle: 'h23' });
  const part = Object.fromEntries(format.formatToParts(Date.parse(time)).map(({ type, value }) => [type, value]));
  const { weekday, year, month, day, hour, minute } = part;
  return `${weekday} ${year}-${month}-${day} ${hour}:${minute}`;
}

function formatDisk(disk: DiskAnswer, { command }: Zone): string {
  const { Snapshot: going } = disk.DeletedSnapshots;
  const { Snapshot: staying } = disk.KeptSnapshots;
  const told = `${going.length} go by then, which frees ${formatBytes(disk.FreedSize)}; ${staying.length} stay`;
  const rows = [
    ...going.map(
      (one) => [one, one.NeedsApproval ? 'waits' : `goes ${formatTime(one.DeletionTime, 'Asia/Shanghai')}`] as const,
    ),
    ...staying.map((one) => [one, 'stays'] as const),
  ].map(([one, what]) => [one.SnapshotId, formatTime(one.CreationTime, 'Asia/Shanghai'), what, one.Reason]);
  const held = disk.HeldSnapshotIds.SnapshotId.length > 0;
  return [
    `\n${disk.DiskId}: of the snapshots that are there now, ${told}\n`,
    rows.length === 0 ? '' : formatRows(['SNAPSHOT', 'OF (UTC+8)', 'WHAT', 'WHY'], rows),
    held ? `\`${command} policy approve ${disk.DiskId}\` agrees to what waits.\n` : '',
  ].join('');
}
