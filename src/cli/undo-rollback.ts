/**
 * `hupo disk undo DISK`: brings back what the disk held before it was rolled back or re-initialised, which a service that is started so keeps as
 * a snapshot for a while (`serve --undo-hours`). It is a rollback itself, so that it can be undone in turn.
 */
import type { CliContext, ConnectOptions } from '../cli.ts';
import { systemClock } from '../lib/clock.ts';
import { OperationalError } from '../lib/errors.ts';
import type { DescribeDisksAnswer, DescribeSnapshotsAnswer, SnapshotAnswer } from './answers.ts';
import { findConnection } from './connection.ts';
import type { EcsClient } from './ecs-client.ts';
import { withInterrupt } from './interrupt.ts';
import { waitFor } from './wait.ts';

const PATIENCE_MS = 600_000;

export interface UndoOptions extends ConnectOptions {
  list?: true;
}

/** Returns the exit code. Throws an OperationalError when nothing is kept of the disk. */
export async function runUndo(diskId: string, options: UndoOptions, context: CliContext): Promise<number> {
  const { client } = findConnection(options, context);
  await withInterrupt(async (signal) => {
    const kept = await listKept(client, diskId, signal);
    if (options.list === true) context.out(kept.map(formatKept).join(''));
    const [latest] = kept;
    if (latest === undefined) {
      await checkDisk(client, diskId, signal);
      throw new OperationalError(
        `nothing is kept of what ${diskId} held before a rollback: there was none, its time is over, or the service keeps nothing (\`serve --undo-hours\`)`,
        { retryable: false },
      );
    }
    if (options.list === true) return;
    await client.call('ResetDisk', { DiskId: diskId, SnapshotId: latest.SnapshotId }, signal);
    await awaitRollback(client, diskId, signal);
    context.out(`${diskId} holds again what it held at ${latest.CreationTime} (${latest.SnapshotId}).\n`);
  });
  return 0;
}

/** Throws an OperationalError when there is none. */
async function checkDisk(client: EcsClient, diskId: string, signal: AbortSignal): Promise<void> {
  const ids = JSON.stringify([diskId]);
  const { Disks } = await client.call<DescribeDisksAnswer>('DescribeDisks', { DiskIds: ids }, signal);
  if (Disks.Disk.length === 0) throw new OperationalError(`there is no disk ${diskId}`, { retryable: false });
}

/** Newest first. */
async function listKept(client: EcsClient, diskId: string, signal: AbortSignal): Promise<SnapshotAnswer[]> {
  const kept: SnapshotAnswer[] = [];
  let token = '';
  do {
    const page = { DiskId: diskId, SnapshotType: 'undo', MaxResults: '100', ...(token !== '' && { NextToken: token }) };
    const answer = await client.call<DescribeSnapshotsAnswer>('DescribeSnapshots', page, signal);
    kept.push(...answer.Snapshots.Snapshot);
    token = answer.NextToken;
  } while (token !== '');
  return kept.filter((each) => each.Status !== 'failed');
}

function formatKept({ SnapshotId, CreationTime, UndoUntil, Description }: SnapshotAnswer): string {
  return `${SnapshotId}  as of ${CreationTime}, kept until ${UndoUntil}  ${Description}\n`;
}

async function awaitRollback(client: EcsClient, diskId: string, signal: AbortSignal): Promise<void> {
  const what = `the rollback of ${diskId}`;
  await waitFor({ what, timeoutMs: PATIENCE_MS, clock: systemClock, signal }, async () => {
    const ids = JSON.stringify([diskId]);
    const { Disks } = await client.call<DescribeDisksAnswer>('DescribeDisks', { DiskIds: ids }, signal);
    return Disks.Disk[0]?.Status === 'ReIniting' ? undefined : true;
  });
}
