/**
 * `hupo disk fetch`: all of the tree that a disk stands on comes into the disk, in the background, and the disk leaves it (D7).
 * Guests, snapshots and everything else go on meanwhile; only its own kind of operation keeps another from the disk.
 *
 * diskd brings one slice after the other, slowly while guests use their disks, and leaves the base with the last one; then
 * the row says so, and what only this disk kept of the repository is garbage. Until then the tree is a root by the row. What
 * keeps it (a full device, a snapshot that is not stored yet) is waited for, and told. A rollback or the end of the disk ends
 * it. Given up, what was fetched stays in the disk.
 */
import { findAnyDisk, findDisk, setBase } from '../../catalog/disks.ts';
import type { DiskRow, Queries } from '../../catalog/schema.ts';
import { isViewBase } from '../../disk/protocol.ts';
import type { BaseRef, DiskdCalls, FetchProgress } from '../../disk/protocol.ts';
import { RequestError, isRetryable, messageOf } from '../../lib/errors.ts';
import { baseOf, formatBase } from '../disk-folder.ts';
import { findDiskState } from '../disk-state.ts';
import { raiseGarbageMark } from '../garbage.ts';
import type { OperationKind } from '../operation-kind.ts';
import type { Parts } from '../parts.ts';

export const FETCH_BASE = 'fetch-base';

/** 2 MiB: the disk's lane is held for so long at a time. */
const SLICE_CHUNKS = 32;
const WAIT_MS = 1000;

type Reached = { base: BaseRef; incarnation: number } | null;

export interface FetchBaseState {
  diskId: string;
  /** Of the disk when it was asked for: another one has another base. */
  incarnation: number;
  /** What diskd has at the end. */
  reached?: Reached;
}

/** What is known of the fetches of this server's time, by disk. */
export class FetchNotes {
  readonly progress = new Map<string, FetchProgress>();
  readonly waits = new Map<string, string>();
  readonly failures = new Map<string, string>();

  forget(diskId: string): void {
    for (const notes of [this.progress, this.waits, this.failures]) notes.delete(diskId);
  }
}

export function fetchBaseOperation(parts: Parts, notes: FetchNotes, ended: () => void): OperationKind<FetchBaseState> {
  return {
    kind: FETCH_BASE,
    ended,
    steps: [
      {
        name: 'fetch',
        run: async (state, { signal }) => ({ reached: await fetchAll(parts, notes, state, signal) }),
        record: takeBase,
        undo: async ({ diskId }) => {
          const disk = await findDiskState(parts, diskId);
          return { reached: disk && { base: disk.base, incarnation: disk.incarnation } };
        },
      },
    ],
    abandon: async (transaction, { state, reason }) => {
      notes.failures.set(state.diskId, reason);
      await takeBase(transaction, state);
    },
  };
}

/** Null when the disk was rolled back or deleted meanwhile; in the recycle bin it keeps what it has come to. */
async function fetchAll(
  parts: Parts,
  notes: FetchNotes,
  { diskId, incarnation }: FetchBaseState,
  signal: AbortSignal,
): Promise<Reached> {
  for (;;) {
    signal.throwIfAborted();
    const row = await findDisk(parts.catalog.queries, diskId);
    if (row === undefined) return await describeRecycled(parts, diskId);
    if (row.incarnation !== incarnation) return null;
    const made = await fetchSlice(parts, row);
    if ('waitsFor' in made) {
      notes.waits.set(diskId, made.waitsFor);
      await parts.clock.sleep(WAIT_MS, signal);
      continue;
    }
    notes.waits.delete(diskId);
    notes.progress.set(diskId, made.progress);
    if (made.progress.isOver) return { base: made.disk.base, incarnation };
  }
}

/** What a disk in the recycle bin has: its last slice may have come before it was deleted. */
async function describeRecycled(parts: Parts, diskId: string): Promise<Reached> {
  if ((await findAnyDisk(parts.catalog.queries, diskId)) === undefined) return null;
  const disk = await findDiskState(parts, diskId);
  return disk && { base: disk.base, incarnation: disk.incarnation };
}

/** The row has a tree before diskd is asked: a base that is a view becomes one in diskd first, then in the row. */
async function fetchSlice(
  { dataPlane }: Parts,
  row: DiskRow,
): Promise<DiskdCalls['fetchBase']['reply'] | { waitsFor: string }> {
  const { disk_id: diskId, incarnation } = row;
  const base = baseOf(row);
  if (isViewBase(base)) return { waitsFor: `the snapshot ${base.snapshotId}, which the disk stands on, to be stored` };
  try {
    return await dataPlane.call('fetchBase', { diskId, incarnation, chunkLimit: SLICE_CHUNKS });
  } catch (error) {
    const isBetween = error instanceof RequestError && error.code === 'OperationConflict';
    if (isBetween || isRetryable(error)) return { waitsFor: messageOf(error) };
    throw error;
  }
}

/** The row's base is the one that diskd had: only a rollback gives another, and with it another incarnation. */
async function takeBase(transaction: Queries, { diskId, reached }: FetchBaseState): Promise<void> {
  const row = await findAnyDisk(transaction, diskId);
  if (row === undefined || reached === undefined || reached === null) return;
  if (row.incarnation !== reached.incarnation || isViewBase(baseOf(row))) return;
  await setBase(transaction, diskId, formatBase(reached.base));
  await raiseGarbageMark(transaction);
}
