/**
 * CreateImage, after the request has written the image as `Creating` with its disks, and the operations of the snapshots
 * that are taken for it.
 *
 * It waits until every snapshot is accomplished; then what each disk begins as, and `Available`, are written in one
 * transaction. A snapshot that fails makes the image `CreateFailed`, with the reason; the other snapshots stay. After a
 * crash it waits again.
 *
 * Whoever asked is answered once every disk is frozen. When one was never frozen, nobody was answered, and the client token
 * is forgotten so that asking again makes another image; the name is free too.
 */
import { listAwaitedSnapshots, setImageDiskBase, updateImage } from '../../catalog/images.ts';
import type { AwaitedSnapshot } from '../../catalog/images.ts';
import type { Queries } from '../../catalog/schema.ts';
import type { BaseRef } from '../../disk/protocol.ts';
import { OperationalError } from '../../lib/errors.ts';
import type { TreeRef } from '../../repository/tree-ref.ts';
import { forgetResult } from '../client-token.ts';
import type { TokenRef } from '../client-token.ts';
import { toPublicReason } from '../failure-reason.ts';
import type { OperationKind, Undone } from '../operation-kind.ts';
import type { Parts } from '../parts.ts';

export const CREATE_IMAGE = 'create-image';

const LOOK_AGAIN_MS = 250;

export interface CreateImageState {
  imageId: string;
  token: TokenRef | null;
  /** Those that are taken for it. */
  snapshots: { diskId: string; snapshotId: string }[];
}

export function createImageOperation(parts: Parts): OperationKind<CreateImageState> {
  return {
    kind: CREATE_IMAGE,
    steps: [
      {
        name: 'gather',
        run: ({ imageId }, { signal }) => awaitSnapshots(parts, imageId, signal),
        record: (transaction, { imageId }) => completeImage(transaction, imageId),
      },
    ],
    abandon: (transaction, undone) => abandon(parts, transaction, undone),
  };
}

async function awaitSnapshots(parts: Parts, imageId: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const awaited = await listAwaitedSnapshots(parts.catalog.queries, imageId);
    if (awaited.every(isSettled)) awaited.forEach(assertNotLost);
    if (awaited.every(({ status }) => status === 'accomplished')) return;
    await parts.clock.sleep(LOOK_AGAIN_MS, signal);
  }
}

/** Frozen, or it never will be: what becomes of the others is told when that is known of all. */
function isSettled({ status, isFrozen }: AwaitedSnapshot): boolean {
  return isFrozen || status !== 'progressing';
}

export function assertNotLost({ device, snapshotId, status, failureReason }: AwaitedSnapshot): void {
  if (status === 'progressing' || status === 'accomplished') return;
  const what = status === null ? 'was deleted' : `failed: ${failureReason}`;
  throw new OperationalError(`the snapshot ${snapshotId} of ${device} ${what}`, { retryable: false });
}

/** Its disks begin as their snapshots, which are accomplished, and it is `Available`. */
export async function completeImage(transaction: Queries, imageId: string): Promise<void> {
  for (const awaited of await listAwaitedSnapshots(transaction, imageId)) {
    assertNotLost(awaited);
    const { device, snapshotId, tree } = awaited;
    const base: BaseRef = { snapshotId, tree: JSON.parse(tree ?? 'null') as TreeRef };
    await setImageDiskBase(transaction, { imageId, device }, JSON.stringify(base));
  }
  await updateImage(transaction, imageId, { status: 'Available' });
}

async function abandon(parts: Parts, transaction: Queries, { state, reason }: Undone<CreateImageState>): Promise<void> {
  const { imageId, token } = state;
  const awaited = await listAwaitedSnapshots(transaction, imageId);
  if (!awaited.every(({ isFrozen }) => isFrozen)) await forgetResult(transaction, token);
  await updateImage(transaction, imageId, {
    status: 'CreateFailed',
    failure_reason: toPublicReason(reason, parts.dataFolder),
  });
}
