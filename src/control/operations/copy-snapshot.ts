/**
 * CopySnapshot, after the request has written the copy as `progressing`.
 *
 * A worker copies what differs from the tree that is `reached`, at first that of the latest copy of the chain that is here; it
 * ends now and then, and what it reached is written down as its session ends, so that a crash or a pause costs little. When
 * the source's own tree is reached, which is the proof that nothing is missing, the manifest is committed, and the row has the
 * tree and is `accomplished`. Within one region there is nothing to copy: the tree is reached when it begins.
 *
 * | died after         | durable state                                  | the next server                                            |
 * | ------------------ | ---------------------------------------------- | ---------------------------------------------------------- |
 * | record             | `progressing`; `reached` is kept by this       | copies                                                     |
 * | a part             | packs that nothing needs, `reached` as before  | copies that part again: what is still known is not read    |
 * | a part's record    | `reached` is what it came to                   | goes on from there                                         |
 * | the manifest       | the snapshot is there, its row `progressing`   | commits again, which changes nothing                       |
 * | a failure          | undoing, with its reason                       | the manifest goes, the row is `failed`; it went already when it was DeleteSnapshot |
 *
 * The source is read without anything that keeps it there: deleting it is refused meanwhile, and when it is gone all the same
 * (its region may be served by itself), the copy fails and says so.
 */
import { findLatestCopy, findSnapshot } from '../../catalog/snapshots.ts';
import type { Queries, SnapshotRow } from '../../catalog/schema.ts';
import { OperationalError, isRetryable, messageOf } from '../../lib/errors.ts';
import { CHUNK_BYTES, GIB } from '../../lib/geometry.ts';
import type { Manifest, ManifestStatistics } from '../../repository/manifest.ts';
import { emptyTree } from '../../repository/tree-ref.ts';
import type { TreeRef } from '../../repository/tree-ref.ts';
import type { CopyResult } from '../../transfer/job.ts';
import { raiseGarbageMark } from '../garbage.ts';
import type { OperationKind, StepContext, Undone } from '../operation-kind.ts';
import type { Parts } from '../parts.ts';
import { createProgressRecorder } from '../progress.ts';
import type { CopySource, RegionDesk } from '../regions.ts';
import { inSession } from '../repository-book.ts';
import { accomplishSnapshot, failSnapshot } from '../snapshot-end.ts';
import type { UploadGate } from '../upload-gate.ts';

export const COPY_SNAPSHOT = 'copy-snapshot';

/** After so much was read, what was reached is written down. */
const PART_BYTES = 512 * 1024 * 1024;
const noStatistics: ManifestStatistics = { changedChunkCount: 0, newChunkCount: 0, readBytes: 0, storedBytes: 0 };

export interface CopySnapshotState {
  snapshotId: string;
  source: CopySource;
  /** The image of the source's region that it is copied for, or null. */
  imageId: string | null;
  /** In this region: what the copy is so far. */
  reached: TreeRef;
  /** What differed when the copy began; null: that is not counted yet. */
  totalBytes: number | null;
  statistics: ManifestStatistics;
  /** It began again without what was here of the chain. */
  isFromNothing?: true;
  /** Of the owner that it was stored for: it is in the manifest, which must be the same whenever it is committed. */
  ownerEpoch?: number;
}

/** The state that it begins with: what is here of the chain already. */
export async function beginCopy(
  transaction: Queries,
  regionId: string,
  copy: { snapshotId: string; source: CopySource; imageId: string | null },
): Promise<CopySnapshotState> {
  const { source } = copy;
  const latest = await findLatestCopy(transaction, source);
  const near = latest === null ? emptyTree : (JSON.parse(latest) as TreeRef);
  return {
    ...copy,
    reached: source.regionId === regionId ? source.tree : near,
    totalBytes: null,
    statistics: noStatistics,
  };
}

export function copySnapshotOperation(
  parts: Parts,
  gate: UploadGate,
  ended: () => void,
): OperationKind<CopySnapshotState> {
  return {
    kind: COPY_SNAPSHOT,
    ended,
    steps: [
      {
        name: 'copy',
        run: async (state, context) => {
          if (!isWhole(state)) await copyParts(parts, gate, state, context);
          return { ownerEpoch: parts.repository.fenceOf(0).ownerEpoch };
        },
      },
      {
        name: 'commit',
        run: async (state) => {
          const row = await findSnapshot(parts.catalog.queries, state.snapshotId);
          if (row?.status === 'progressing') await parts.repository.commitManifest(manifestOf(row, state));
        },
        record: (transaction, state) => accomplish(parts, transaction, state),
        undo: async ({ snapshotId }) => {
          await parts.repository.deleteManifest(snapshotId);
        },
      },
    ],
    abandon: (transaction, undone) => abandon(parts, transaction, undone),
    treesOf: ({ reached }) => [reached],
  };
}

function isWhole({ reached, source }: Pick<CopySnapshotState, 'reached' | 'source'>): boolean {
  return reached.root === source.tree.root;
}

/**
 * Until all is there; each part in a session, which ends as what it reached is written down. Others take their turn in between.
 * What it began with may be damaged here: then it begins again with nothing, once.
 */
async function copyParts(
  parts: Parts,
  gate: UploadGate,
  begin: CopySnapshotState,
  { signal, save }: StepContext<CopySnapshotState>,
): Promise<void> {
  const { snapshotId, source } = begin;
  const from = findSource(parts, source.regionId);
  const progress = createProgressRecorder(parts, snapshotId);
  let state = begin;
  while (!isWhole(state)) {
    const { reached, statistics, totalBytes } = state;
    const job = {
      ...{ source: from.repositoryPlace, tree: source.tree, repository: parts.repositoryPlace },
      ...{ snapshotId, begin: reached, totalBytes, mostBytes: PART_BYTES },
    };
    const doneBytes = statistics.changedChunkCount * CHUNK_BYTES;
    const onProgress = (done: number, total: number) => progress.report(doneBytes + done, total);
    const copyPart = async (): Promise<Partial<CopySnapshotState>> =>
      await inSession(parts, async (session, end) => {
        const result = await parts.transfer.copy({ ...job, session }, { signal, onProgress });
        const { reached: next, totalBytes: total } = result;
        const addition = { reached: next, totalBytes: total, statistics: add(statistics, result) };
        await save(addition, end);
        return addition;
      });
    try {
      state = { ...state, ...(await gate.upload(copyPart, signal)) };
    } catch (error) {
      signal.throwIfAborted();
      if (isRetryable(error) || state.isFromNothing === true || reached.root === null) {
        throw await explain(from, source, error);
      }
      parts.log.warn(`${snapshotId}: begins again, with nothing of the copy before it: ${messageOf(error)}`);
      const anew = { reached: emptyTree, isFromNothing: true as const, totalBytes: null, statistics: noStatistics };
      await save(anew);
      state = { ...state, ...anew };
    }
  }
  await progress.settled();
  const { changedChunkCount, newChunkCount, storedBytes } = state.statistics;
  parts.log.info(
    `${snapshotId}: copied from ${source.snapshotId} of ${source.regionId}: ${changedChunkCount} chunks differed, ${newChunkCount} were new, ${storedBytes} bytes stored`,
  );
}

function findSource(parts: Parts, regionId: string): RegionDesk {
  const found = parts.regions.find(regionId);
  if (found !== undefined) return found;
  throw new OperationalError(
    `the region ${regionId} is not served here any more: start the server with it, and copy again`,
    { retryable: false },
  );
}

/** A source that is gone looks like damage. */
async function explain(from: RegionDesk, { snapshotId, regionId }: CopySource, error: unknown): Promise<unknown> {
  if (isRetryable(error) || (await from.hasSnapshot(snapshotId))) return error;
  return new OperationalError(`the snapshot ${snapshotId} of ${regionId} was deleted before it was copied`, {
    retryable: false,
    cause: error,
  });
}

function add(before: ManifestStatistics, result: CopyResult): ManifestStatistics {
  return {
    changedChunkCount: before.changedChunkCount + result.changedChunkCount,
    newChunkCount: before.newChunkCount + result.newChunkCount,
    readBytes: before.readBytes + result.readBytes,
    storedBytes: before.storedBytes + result.storedBytes,
  };
}

function manifestOf(row: SnapshotRow, { source, reached, statistics, ownerEpoch = 0 }: CopySnapshotState): Manifest {
  return {
    snapshotId: row.snapshot_id,
    diskId: source.diskId,
    diskType: source.diskType,
    sizeBytes: source.sizeGib * GIB,
    tree: reached,
    generation: source.generation,
    incarnation: source.incarnation,
    createdAtMs: row.created_at_ms,
    parentSnapshotId: null,
    name: row.snapshot_name,
    description: row.description,
    statistics,
    ownerEpoch,
    copyOf: { regionId: source.regionId, snapshotId: source.snapshotId },
  };
}

/** Its row takes what the source's has. */
function accomplish(
  parts: Parts,
  transaction: Queries,
  { snapshotId, reached, source }: CopySnapshotState,
): Promise<void> {
  const { generation, incarnation } = source;
  return accomplishSnapshot(parts, transaction, snapshotId, { tree: JSON.stringify(reached), generation, incarnation });
}

async function abandon(
  parts: Parts,
  transaction: Queries,
  { state, reason }: Undone<CopySnapshotState>,
): Promise<void> {
  await raiseGarbageMark(transaction);
  await failSnapshot(parts, transaction, state.snapshotId, reason);
}
