/**
 * CreateSnapshot, after the request has written a hidden row (`docs/design.md`, the crash table).
 *
 * diskd freezes the disk; only then is the row shown, with the instant as its CreationTime, and the caller answered. When
 * everything before the freeze is synced, a snapshot of an ESSD disk is Available: disks may stand on its frozen view. Snapshots
 * of one disk are stored in the order of their freezes: when the earlier ones are, the parent is chosen and written down, and a
 * worker uploads what differs from it; the manifest is committed under the same lock, so no collection comes between. From
 * then on the tree is in the row, and whoever comes takes that; those that stand on the view are moved to the tree (C12). Then
 * the view is released, and last the row says `accomplished`: whoever waited for that finds the disk free.
 *
 * Undone at any step, the manifest goes, the view is released and no later freeze of this snapshot can happen. The row stays
 * as `failed`, or is gone already when DeleteSnapshot cancelled it. A server that ends before the freeze is recorded has
 * answered nobody: the snapshot is `failed`, and its client token is forgotten so that asking again makes another. A view
 * that is not released is tried again for ever: it would keep the disk from every later snapshot, and from being deleted.
 *
 * While a disk stands on the view nothing is undone (D7): a snapshot that cannot be stored is `failed`, and one that is deleted
 * has no row, but storing it is tried again until it works; then the disks have their tree, and the view goes.
 */
import { findDisk, replaceFirstBase } from '../../catalog/disks.ts';
import { findSnapshot, listEarlierUnstored, listStoredSnapshots, updateSnapshot } from '../../catalog/snapshots.ts';
import { findOperation } from '../../catalog/operations.ts';
import type { Queries } from '../../catalog/schema.ts';
import { isViewBase } from '../../disk/protocol.ts';
import type { BaseRef, FreezeReply, TreeBase, ViewBase } from '../../disk/protocol.ts';
import { hasInstantSnapshots } from '../../ecs/disk-categories.ts';
import { assert } from '../../lib/assert.ts';
import { CorruptionError, RequestError } from '../../lib/errors.ts';
import type { ManifestGroup } from '../../repository/manifest.ts';
import type { TreeRef } from '../../repository/tree-ref.ts';
import type { UploadResult } from '../../transfer/job.ts';
import { forgetResult } from '../client-token.ts';
import type { TokenRef } from '../client-token.ts';
import { formatBase, treeOfBase, treesOfBase } from '../disk-folder.ts';
import { askToFreeze } from '../freeze.ts';
import { raiseGarbageMark } from '../garbage.ts';
import type { OperationKind, Undone } from '../operation-kind.ts';
import { planParent } from '../parent.ts';
import type { ParentChoice } from '../parent.ts';
import type { Parts } from '../parts.ts';
import { accomplishSnapshot, failSnapshot } from '../snapshot-end.ts';
import { storeSnapshot } from '../snapshot-upload.ts';
import type { UploadGate } from '../upload-gate.ts';
import { isStoodOn, moveToTree } from '../view-bases.ts';

export const CREATE_SNAPSHOT = 'create-snapshot';

const LOOK_AGAIN_MS = 250;

export interface CreateSnapshotState {
  diskId: string;
  snapshotId: string;
  token: TokenRef | null;
  /** It keeps what a rollback replaced (`undo.ts`). */
  isUndo?: boolean;
  /** Told in its manifest. */
  group?: ManifestGroup;
  /** What its disk stood on when it was asked for, where that was a view, until the parent is chosen. */
  standsOn?: ViewBase | null;
  /** Its base is a tree when the parent is chosen; until then it may be that view. */
  frozen?: FreezeReply;
  parent?: ParentChoice;
  result?: UploadResult;
  /** Of the owner that it was stored for: it is in the manifest, which must be the same whenever it is committed. */
  ownerEpoch?: number;
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
        run: async (state) => ({
          frozen: await askToFreeze(parts, 'freeze', names(state), `the disk ${state.diskId}`),
        }),
        record: show,
        undo: (state) => ignoreLostDisk(dataPlane.call('cancelFreeze', names(state))),
      },
      {
        name: 'sync',
        run: async (state, { signal }) => {
          await dataPlane.call('awaitDurable', names(state), { timeoutMs: Infinity, signal });
        },
        record: markAvailable,
      },
      {
        name: 'choose',
        run: async (state, { signal }) => {
          await awaitEarlier(parts, state, signal);
          return { frozen: await resolveBase(parts, state, signal), standsOn: null };
        },
        record: chooseParent,
      },
      {
        name: 'store',
        run: (state, context) => gate.upload(() => storeSnapshot(parts, state, context), context.signal),
        record: showTree,
        undo: async ({ snapshotId }) => {
          await parts.repository.deleteManifest(snapshotId);
        },
      },
      {
        name: 'rebase',
        run: (state, { signal }) => moveToTree(parts, { view: viewOf(state), tree: treeOf(state) }, signal),
      },
      {
        name: 'release',
        run: (state) => ignoreLostDisk(dataPlane.call('releaseView', { ...names(state), committed: true })),
      },
      { name: 'accomplish', record: (transaction, state) => accomplishSnapshot(parts, transaction, state.snapshotId) },
    ],
    keep: (transaction, undone) => keep(parts, transaction, undone),
    abandon: (transaction, undone) => abandon(parts, transaction, undone),
    treesOf: ({ frozen, parent, result }) => [
      ...treesOfBase(frozen?.base),
      ...[parent?.tree, result?.tree].filter((found) => found !== undefined),
    ],
  };
}

/** What others name when they stand on it. */
export function viewOf({ diskId, snapshotId }: { diskId: string; snapshotId: string }): ViewBase {
  return { snapshotId, viewOf: diskId };
}

function treeOf({ snapshotId, result }: CreateSnapshotState): TreeRef {
  assert(result !== undefined, `${snapshotId} has no tree before it is stored`);
  return result.tree;
}

export async function show(transaction: Queries, { snapshotId, frozen }: CreateSnapshotState): Promise<void> {
  assert(frozen !== undefined, `${snapshotId} is shown before its freeze`);
  await updateSnapshot(transaction, snapshotId, {
    frozen: 1,
    created_at_ms: frozen.frozenAtMs,
    modified_at_ms: frozen.frozenAtMs,
    generation: frozen.generation,
    incarnation: frozen.incarnation,
  });
}

async function markAvailable(transaction: Queries, { diskId, snapshotId }: CreateSnapshotState): Promise<void> {
  const disk = await findDisk(transaction, diskId);
  if (disk !== undefined && hasInstantSnapshots(disk.category)) {
    await updateSnapshot(transaction, snapshotId, { instant: 1 });
  }
}

/**
 * Each is compared with the one before. Those that failed, or were deleted, are not waited for; nor is what is kept for undoing a
 * rollback, by a snapshot that does not descend from it.
 */
async function awaitEarlier(parts: Parts, state: CreateSnapshotState, signal: AbortSignal): Promise<void> {
  const { frozen, diskId, isUndo = false } = state;
  assert(frozen !== undefined, `${state.snapshotId} has a parent before its freeze`);
  const descendsFrom = (one: number) => frozen.history.some(([first, last]) => first <= one && one <= last);
  for (;;) {
    const earlier = await listEarlierUnstored(parts.catalog.queries, diskId, frozen.generation);
    if (!earlier.some((one) => isUndo || !one.isUndo || descendsFrom(one.generation))) return;
    await parts.clock.sleep(LOOK_AGAIN_MS, signal);
  }
}

/**
 * What the freeze told, with a tree as its base: where that was a view of another disk, the tree that this became. The disk
 * is moved to it here, for its view stands on the other even when the disk itself does not any more.
 */
async function resolveBase(parts: Parts, state: CreateSnapshotState, signal: AbortSignal): Promise<FreezeReply> {
  const { frozen, diskId } = state;
  assert(frozen !== undefined, `${state.snapshotId} has a base before its freeze`);
  if (!isViewBase(frozen.base)) return frozen;
  const { snapshotId } = frozen.base;
  for (;;) {
    // It is there: it does not end while this operation names its view.
    const below = await findOperation(parts.catalog.queries, CREATE_SNAPSHOT, snapshotId);
    assert(below !== undefined, `nobody works on ${snapshotId}, which ${state.snapshotId} stands on`);
    const tree = (below.state as CreateSnapshotState).result?.tree;
    if (tree !== undefined) {
      await parts.dataPlane.call('rebase', { diskId, snapshotId, tree });
      return { ...frozen, base: { snapshotId, tree } };
    }
    await parts.clock.sleep(LOOK_AGAIN_MS, signal);
  }
}

async function chooseParent(transaction: Queries, state: CreateSnapshotState): Promise<Partial<CreateSnapshotState>> {
  const { frozen, diskId } = state;
  assert(frozen !== undefined, `${state.snapshotId} has a parent before its freeze`);
  const rows = await listStoredSnapshots(transaction, diskId);
  const stored = rows.map((row) => ({ ...row, tree: JSON.parse(row.tree) as TreeRef }));
  return { parent: planParent({ ...frozen, base: await treeOfBase(transaction, assertTree(frozen.base)) }, stored) };
}

function assertTree(base: BaseRef): TreeBase {
  assert(!isViewBase(base), `a parent is chosen over a view of ${base.snapshotId}`);
  return base;
}

/** Whoever comes from now on takes the tree. Who began as the view has begun as the tree. */
async function showTree(transaction: Queries, state: CreateSnapshotState): Promise<void> {
  const { snapshotId } = state;
  const row = await findSnapshot(transaction, snapshotId);
  if (row?.status !== 'progressing') return;
  const tree = treeOf(state);
  await updateSnapshot(transaction, snapshotId, { tree: JSON.stringify(tree) });
  await replaceFirstBase(transaction, formatBase(viewOf(state)), formatBase({ snapshotId, tree }));
}

/** It is `failed` in the same transaction, so nobody comes to stand on it any more. */
async function keep(
  parts: Parts,
  transaction: Queries,
  { state, reason }: Undone<CreateSnapshotState>,
): Promise<boolean> {
  const row = await findSnapshot(transaction, state.snapshotId);
  if (row?.instant === 0) return false;
  if (row?.status === 'progressing') await failSnapshot(parts, transaction, state.snapshotId, reason);
  return await isStoodOn(transaction, viewOf(state));
}

async function abandon(
  parts: Parts,
  transaction: Queries,
  { state, step, reason }: Undone<CreateSnapshotState>,
): Promise<void> {
  await raiseGarbageMark(transaction);
  if (step === 'freeze') await forgetResult(transaction, state.token);
  await failSnapshot(parts, transaction, state.snapshotId, reason);
}

/** A disk that is gone, or damaged, has no view that anybody could read. */
export async function ignoreLostDisk(call: Promise<object>): Promise<void> {
  try {
    await call;
  } catch (error) {
    const isGone = error instanceof RequestError && error.code === 'InvalidDiskId.NotFound';
    if (!isGone && !(error instanceof CorruptionError)) throw error;
  }
}
