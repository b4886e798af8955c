/**
 * `hupo check --read-data`: what a disk holds itself and was not written since a snapshot of it, or since it was made, against
 * that (D8). Uploads and collections go on beside it: a snapshot that is deleted meanwhile is nothing to compare with any more.
 */
import { findDisk } from '../catalog/disks.ts';
import type { DiskRow, Queries } from '../catalog/schema.ts';
import { findSnapshot, listStoredSnapshots } from '../catalog/snapshots.ts';
import { isViewBase } from '../disk/protocol.ts';
import type { Comparison, DiskdCalls, TreeBase } from '../disk/protocol.ts';
import { messageOf } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { baseOf } from './disk-folder.ts';
import type { DataPlane } from './parts.ts';

/** 4 MiB a call of diskd. */
const SLICE_CHUNKS = 64;
/** Ranges that are told one by one. */
const TOLD_RANGES = 20;

/** What a disk may be compared with: the generation is null for what it was made from, or rolled back to. */
interface Candidate {
  snapshotId: string;
  tree: TreeRef;
  generation: number | null;
}

interface Compared {
  comparedBytes: number;
  findings: string[];
}

/** `heal`: what differs is written anew. */
export async function compareDisk(
  queries: Queries,
  dataPlane: DataPlane,
  diskId: string,
  heal: boolean,
): Promise<Compared> {
  const row = await findDisk(queries, diskId);
  if (row === undefined) return { comparedBytes: 0, findings: [] };
  for (const candidate of await listCandidates(queries, row)) {
    try {
      const compared = await compareWith(dataPlane, row, candidate, heal);
      if (compared !== null) return compared;
    } catch (error) {
      if ((await findSnapshot(queries, candidate.snapshotId))?.tree == null) continue;
      const message = `the disk ${diskId} cannot be compared with ${candidate.snapshotId}: ${messageOf(error)}`;
      return { comparedBytes: 0, findings: [message] };
    }
  }
  return { comparedBytes: 0, findings: [] };
}

/** Newest first. */
async function listCandidates(queries: Queries, row: DiskRow): Promise<Candidate[]> {
  const stored = await listStoredSnapshots(queries, row.disk_id);
  const candidates: Candidate[] = stored.map((one) => ({ ...one, tree: JSON.parse(one.tree) as TreeRef }));
  const base = baseOf(row);
  if (isViewBase(base) || base.snapshotId === null) return candidates;
  const { tree } = await treeOfBase(queries, base);
  return tree.root === null ? candidates : [...candidates, { snapshotId: base.snapshotId, tree, generation: null }];
}

/** A disk that has left its base (`operations/fetch-base.ts`) was made from that all the same, while its snapshot is there. */
export async function treeOfBase(queries: Queries, base: TreeBase): Promise<TreeBase> {
  if (base.snapshotId === null || base.tree.root !== null) return base;
  const row = await findSnapshot(queries, base.snapshotId);
  if (row?.status !== 'accomplished' || row.tree === null) return base;
  return { snapshotId: base.snapshotId, tree: JSON.parse(row.tree) as TreeRef };
}

/** Null when the disk is not made of it any more, or is rolled back meanwhile. */
async function compareWith(
  dataPlane: DataPlane,
  { disk_id: diskId, incarnation }: DiskRow,
  { snapshotId, tree, generation }: Candidate,
  heal: boolean,
): Promise<Compared | null> {
  const differing: { chunk: number; isHealed: boolean }[] = [];
  let comparedBytes = 0;
  const asked = { diskId, incarnation, tree, generation, limit: SLICE_CHUNKS, heal };
  for (let fromChunk: number | null = 0; fromChunk !== null;) {
    const request: DiskdCalls['compareDisk']['request'] = { ...asked, fromChunk };
    const slice: Comparison = await dataPlane.call('compareDisk', request, { timeoutMs: Infinity });
    if (!slice.isComparable) return null;
    differing.push(...slice.differing);
    comparedBytes += slice.comparedCount * CHUNK_BYTES;
    fromChunk = slice.next;
  }
  return { comparedBytes, findings: describeDiffering(diskId, snapshotId, differing) };
}

function describeDiffering(
  diskId: string,
  snapshotId: string,
  differing: { chunk: number; isHealed: boolean }[],
): string[] {
  const ranges: { first: number; end: number; isHealed: boolean }[] = [];
  for (const { chunk, isHealed } of differing) {
    const last = ranges.at(-1);
    if (last?.end === chunk && last.isHealed === isHealed) last.end++;
    else ranges.push({ first: chunk, end: chunk + 1, isHealed });
  }
  const told = ranges.slice(0, TOLD_RANGES).map(({ first, end, isHealed }) => {
    const bytes = `bytes ${first * CHUNK_BYTES}–${end * CHUNK_BYTES}`;
    const done = isHealed ? 'written anew from it' : '`hupo check --heal` would write them anew from it';
    return `the disk ${diskId}: ${bytes} are not as in ${snapshotId}, and were not written since (${done})`;
  });
  const more = ranges.length - told.length;
  return more === 0 ? told : [...told, `the disk ${diskId}: and ${more} more ranges`];
}
