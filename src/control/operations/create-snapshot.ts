/**
 * CreateSnapshot, after the request has written a hidden row (`docs/design.md`, the crash table).
 *
 * diskd freezes the disk; only then is the row shown, with the instant as its CreationTime, and the caller answered. When
 * everything before the freeze is synced, the parent is chosen and written down, and a worker uploads what differs from it;
 * the manifest is committed under the same lock, so no collection comes between. Then the view is released, and last the
 * row says `accomplished`: whoever waited for that finds the disk free.
 *
 * Undone at any step, the manifest goes, the view is released and no later freeze of this snapshot can happen. The row stays
 * as `failed`, or is gone already when DeleteSnapshot cancelled it. A server that ends before the freeze is recorded has
 * answered nobody: the snapshot is `failed`, and its client token is forgotten so that asking again makes another. A view
 * that is not released is tried again for ever: it would keep the disk from every later snapshot, and from being deleted.
 */
import path from 'node:path';
import { findNewestSnapshot, findSnapshot, updateSnapshot } from '../../catalog/snapshots.ts';
import type { Queries, SnapshotRow } from '../../catalog/schema.ts';
import type { FreezeReply } from '../../disk/protocol.ts';
import { assert } from '../../lib/assert.ts';
import { CorruptionError, OperationalError, RequestError } from '../../lib/errors.ts';
import type { Manifest } from '../../repository/manifest.ts';
import type { TreeRef } from '../../repository/tree-ref.ts';
import type { UploadJob, UploadResult } from '../../transfer/job.ts';
import { forgetResult } from '../client-token.ts';
import type { TokenRef } from '../client-token.ts';
import { toPublicReason } from '../failure-reason.ts';
import { raiseGarbageMark } from '../garbage.ts';
import type { OperationKind, StepContext, Undone } from '../operation-kind.ts';
import { planParent } from '../parent.ts';
import type { ParentChoice } from '../parent.ts';
import type { Parts } from '../parts.ts';
import { createProgressRecorder } from '../progress.ts';
import type { UploadGate } from '../upload-gate.ts';

export const CREATE_SNAPSHOT = 'create-snapshot';

/** How long one answer of diskd is waited for, and all in all. */
const FREEZE_ASK_MS = 1000;
const FREEZE_LIMIT_MS = 2000;

export interface CreateSnapshotState {
  diskId: string;
  snapshotId: string;
  token: TokenRef | null;
  frozen?: FreezeReply;
  parent?: ParentChoice;
  result?: UploadResult;
}

export function createSnapshotOperation(
  parts: Parts,
  gate: UploadGate,
  ended: () => void,
): OperationKind<CreateSnapshotState> {
  const { dataPlane } = parts;
  const names = ({ diskId, snapshotId }: CreateSnapshotState) => ({ diskId, snapshotId });
  return {
    kind: CREATE_SNAPSHOT,
    ended,
    steps: [
      {
        name: 'freeze',
        endsWithServer: true,
        run: async (state) => ({ frozen: await freeze(parts, state) }),
        record: show,
        undo: (state) => ignoreLostDisk(dataPlane.call('cancelFreeze', names(state))),
      },
      {
        name: 'sync',
        run: async (state, { signal }) => {
          await dataPlane.call('awaitDurable', names(state), { timeoutMs: Infinity, signal });
        },
      },
      { name: 'choose', record: chooseParent },
      {
        name: 'store',
        run: (state, context) => gate.upload(() => store(parts, state, context)),
        undo: async ({ snapshotId }) => {
          await parts.repository.deleteManifest(snapshotId);
        },
      },
      {
        name: 'release',
        run: (state) => ignoreLostDisk(dataPlane.call('releaseView', { ...names(state), committed: true })),
      },
      { name: 'accomplish', record: (transaction, state) => accomplish(parts, transaction, state) },
    ],
    abandon: (transaction, undone) => abandon(parts, transaction, undone),
    treesOf: ({ frozen, parent, result }) =>
      [frozen?.base.tree, parent?.tree, result?.tree].filter((found) => found !== undefined),
  };
}

/** Asks again after a second without an answer, and gives up after two: a guest's moment must not come late. */
async function freeze(parts: Parts, { diskId, snapshotId }: CreateSnapshotState): Promise<FreezeReply> {
  const limitMs = parts.clock.monotonicMs() + FREEZE_LIMIT_MS;
  for (;;) {
    try {
      return await parts.dataPlane.call('freeze', { diskId, snapshotId }, { timeoutMs: FREEZE_ASK_MS });
    } catch (error) {
      if (!(error instanceof OperationalError) || !error.retryable) throw error;
      if (parts.clock.monotonicMs() < limitMs) continue;
      throw new RequestError(
        'CreateSnapshot.Failed',
        `The data plane did not freeze the disk ${diskId} within ${FREEZE_LIMIT_MS / 1000} s: no snapshot was made, try again.`,
      );
    }
  }
}

async function show(transaction: Queries, { snapshotId, frozen }: CreateSnapshotState): Promise<void> {
  assert(frozen !== undefined, `${snapshotId} is shown before its freeze`);
  await updateSnapshot(transaction, snapshotId, {
    frozen: 1,
    created_at_ms: frozen.frozenAtMs,
    modified_at_ms: frozen.frozenAtMs,
    generation: frozen.generation,
    incarnation: frozen.incarnation,
  });
}

async function chooseParent(transaction: Queries, state: CreateSnapshotState): Promise<Partial<CreateSnapshotState>> {
  const { frozen, diskId } = state;
  assert(frozen !== undefined, `${state.snapshotId} has a parent before its freeze`);
  const newest = await findNewestSnapshot(transaction, diskId, frozen.incarnation);
  if (newest === undefined) return { parent: planParent(frozen, null) };
  assert(newest.tree !== null && newest.generation !== null, `${newest.snapshot_id} is accomplished without a tree`);
  const tree = JSON.parse(newest.tree) as TreeRef;
  return { parent: planParent(frozen, { snapshotId: newest.snapshot_id, tree, generation: newest.generation }) };
}

/**
 * Uploads and commits, beside other uploads and never beside the collector. The result is saved before the commit: the
 * manifest holds its figures, and is then the same however often it is committed.
 */
async function store(
  parts: Parts,
  state: CreateSnapshotState,
  context: StepContext<CreateSnapshotState>,
): Promise<void> {
  const { snapshotId, frozen, parent } = state;
  assert(frozen !== undefined && parent !== undefined, `${snapshotId} is stored before it has a parent`);
  context.signal.throwIfAborted();
  const result = state.result ?? (await upload(parts, state, { frozen, parent, signal: context.signal }));
  await context.save({ result });
  const row = await findSnapshot(parts.catalog.queries, snapshotId);
  if (row === undefined) throw new OperationalError(`${snapshotId} was deleted meanwhile`, { retryable: false });
  await parts.repository.commitManifest(manifestOf(row, { frozen, parent, result }));
}

async function upload(
  parts: Parts,
  { diskId, snapshotId }: CreateSnapshotState,
  options: { frozen: FreezeReply; parent: ParentChoice; signal: AbortSignal },
): Promise<UploadResult> {
  const { frozen, parent, signal } = options;
  const progress = createProgressRecorder(parts, snapshotId);
  const job: UploadJob = {
    repositoryFolder: parts.repositoryFolder,
    diskdSocket: parts.diskdSocket,
    diskId,
    snapshotId,
    sizeBytes: frozen.sizeBytes,
    parent: parent.tree,
    sinceGeneration: parent.sinceGeneration,
  };
  const result = await parts.transfer.upload(job, {
    signal,
    onProgress: (done, total) => progress.report(done, total),
  });
  await progress.settled();
  const compared = frozen.compareReason === null ? '' : `, all compared because ${frozen.compareReason}`;
  parts.log.info(
    `${snapshotId}: ${result.changedChunkCount} chunks read, ${result.newChunkCount} new, ${result.storedBytes} bytes stored${compared}`,
  );
  return result;
}

function manifestOf(
  row: SnapshotRow,
  facts: { frozen: FreezeReply; parent: ParentChoice; result: UploadResult },
): Manifest {
  const { frozen, parent, result } = facts;
  const { tree, ...statistics } = result;
  return {
    snapshotId: row.snapshot_id,
    diskId: row.source_disk_id,
    sizeBytes: frozen.sizeBytes,
    tree,
    generation: frozen.generation,
    incarnation: frozen.incarnation,
    createdAtMs: frozen.frozenAtMs,
    parentSnapshotId: parent.snapshotId,
    name: row.snapshot_name,
    description: row.description,
    statistics,
  };
}

async function accomplish(parts: Parts, transaction: Queries, state: CreateSnapshotState): Promise<void> {
  assert(state.result !== undefined, `${state.snapshotId} is accomplished without a tree`);
  await updateSnapshot(transaction, state.snapshotId, {
    status: 'accomplished',
    progress_percent: 100,
    remaining_seconds: 0,
    modified_at_ms: parts.clock.nowMs(),
    tree: JSON.stringify(state.result.tree),
  });
}

async function abandon(
  parts: Parts,
  transaction: Queries,
  { state, step, reason }: Undone<CreateSnapshotState>,
): Promise<void> {
  const nowMs = parts.clock.nowMs();
  await raiseGarbageMark(transaction);
  if (step === 'freeze') await forgetResult(transaction, state.token);
  await updateSnapshot(transaction, state.snapshotId, {
    status: 'failed',
    frozen: 1,
    failure_reason: toPublicReason(reason, path.dirname(parts.repositoryFolder)),
    remaining_seconds: 0,
    modified_at_ms: nowMs,
  });
}

/** A disk that is gone, or damaged, has no view that anybody could read. */
async function ignoreLostDisk(call: Promise<object>): Promise<void> {
  try {
    await call;
  } catch (error) {
    const isGone = error instanceof RequestError && error.code === 'InvalidDiskId.NotFound';
    if (!isGone && !(error instanceof CorruptionError)) throw error;
  }
}
