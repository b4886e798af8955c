/**
 * `hupo check --read-data`: what a disk holds itself and was not written since a snapshot of it, or since it was made, against
 * that (D8). Uploads and collections go on beside it: a snapshot that is deleted meanwhile is nothing to compare with any more.
 */
import { findAnyDisk } from '../catalog/disks.ts';
import type { DiskRow, Queries } from '../catalog/schema.ts';
import { findSnapshot, listStoredSnapshots } from '../catalog/snapshots.ts';
import { isViewBase } from '../disk/protocol.ts';
import type { Comparison, Differing, DiskdCalls } from '../disk/protocol.ts';
import { formatBytes } from '../lib/byte-units.ts';
import { RequestError, messageOf } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { baseOf, treeOfBase } from './disk-folder.ts';
import type { DataPlane } from './parts.ts';

/** 4 MiB a call of diskd. */
const SLICE_CHUNKS = 64;
/** What a disk may be compared with: the generation is null for what it was made from, or rolled back to. */
interface Candidate {
  snapshotId: string;
  tree: TreeRef;
  generation: number | null;
}

export interface Compared {
  comparedBytes: number;
  findings: string[];
}

/** `heal`: what differs is written anew. Null when the data plane that runs is too old to compare. */
export async function compareDisk(
  queries: Queries,
  dataPlane: DataPlane,
  diskId: string,
  heal: boolean,
): Promise<Compared | null> {
  const row = await findAnyDisk(queries, diskId);
  if (row === undefined) return { comparedBytes: 0, findings: [] };
  const found = new DifferingRanges(diskId);
  let comparedBytes = 0;
  for (const candidate of await listCandidates(queries, row)) {
    try {
      for await (const slice of compareWith(dataPlane, row, candidate, heal)) {
        comparedBytes += slice.comparedCount * CHUNK_BYTES;
        for (const differing of slice.differing) found.add(candidate.snapshotId, differing);
      }
      if (comparedBytes > 0) break;
    } catch (error) {
      if (error instanceof RequestError && error.code === 'OperationDenied') return null;
      if ((await findAnyDisk(queries, diskId)) === undefined) break;
      if ((await findSnapshot(queries, candidate.snapshotId))?.tree == null) continue;
      const message = `the disk ${diskId} cannot be compared with ${candidate.snapshotId}: ${messageOf(error)}`;
      return { comparedBytes, findings: [...found.describe(), message] };
    }
  }
  return { comparedBytes, findings: found.describe() };
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

/** Ends early when the disk is not made of it any more, or is rolled back meanwhile. */
async function* compareWith(
  dataPlane: DataPlane,
  { disk_id: diskId, incarnation }: DiskRow,
  { tree, generation }: Candidate,
  heal: boolean,
): AsyncGenerator<Comparison> {
  const asked = { diskId, incarnation, tree, generation, limit: SLICE_CHUNKS, heal };
  for (let fromChunk: number | null = 0; fromChunk !== null;) {
    const request: DiskdCalls['compareDisk']['request'] = { ...asked, fromChunk };
    const slice: Comparison = await dataPlane.call('compareDisk', request, { timeoutMs: Infinity });
    yield slice;
    fromChunk = slice.isComparable ? slice.next : null;
  }
}

/** Ranges that are told one by one. */
const TOLD_RANGES = 20;

/** What differs, neighbours together; of many ranges only the number is kept. */
export class DifferingRanges {
  readonly #diskId: string;
  readonly #ranges: { snapshotId: string; first: number; end: number; differing: Differing }[] = [];
  #moreChunks = 0;

  constructor(diskId: string) {
    this.#diskId = diskId;
  }

  /** In rising order. */
  add(snapshotId: string, differing: Differing): void {
    const { chunk, isHealed, failure } = differing;
    const last = this.#ranges.at(-1);
    const isLike = last?.differing.isHealed === isHealed && last.differing.failure === failure;
    if (last !== undefined && isLike && last.end === chunk && last.snapshotId === snapshotId) last.end++;
    else if (this.#ranges.length === TOLD_RANGES) this.#moreChunks++;
    else this.#ranges.push({ snapshotId, first: chunk, end: chunk + 1, differing });
  }

  describe(): string[] {
    const told = this.#ranges.map(({ snapshotId, first, end, differing }) => {
      const bytes = `bytes ${first * CHUNK_BYTES}–${end * CHUNK_BYTES}`;
      const done = describeHealing(differing);
      return `the disk ${this.#diskId}: ${bytes} are not as in ${snapshotId}, and were not written since (${done})`;
    });
    const more = this.#moreChunks * CHUNK_BYTES;
    return more === 0 ? told : [...told, `the disk ${this.#diskId}: and ${formatBytes(more)} more`];
  }
}

function describeHealing({ isHealed, failure }: Differing): string {
  if (isHealed) return 'written anew from it';
  if (failure !== null) return `not written anew: ${failure}`;
  return '`hupo check --heal` would write them anew from it';
}
