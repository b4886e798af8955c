/**
 * CreateImage, after the request has written the image as `Creating` with its disks, and the operations of the snapshots
 * that are taken for it.
 *
 * It waits until every snapshot is accomplished; then what each disk begins as, and `Available`, are written in one
 * transaction. A snapshot that fails makes the image `CreateFailed`, with the reason; the other snapshots stay. After a
 * crash it waits again.
 */
import { listAwaitedSnapshots, setImageDiskBase, updateImage } from '../../catalog/images.ts';
import type { AwaitedSnapshot } from '../../catalog/images.ts';
import type { Queries } from '../../catalog/schema.ts';
import type { BaseRef } from '../../disk/protocol.ts';
import { OperationalError } from '../../lib/errors.ts';
import type { TreeRef } from '../../repository/tree-ref.ts';
import type { OperationKind, Undone } from '../operation-kind.ts';
import type { Parts } from '../parts.ts';

export const CREATE_IMAGE = 'create-image';

const LOOK_AGAIN_MS = 250;

export interface CreateImageState {
  imageId: string;
}

export function createImageOperation(parts: Parts): OperationKind<CreateImageState> {
  return {
    kind: CREATE_IMAGE,
    steps: [
      {
        name: 'gather',
        run: ({ imageId }, { signal }) => awaitSnapshots(parts, imageId, signal),
        record: complete,
      },
    ],
    abandon,
  };
}

async function awaitSnapshots(parts: Parts, imageId: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const awaited = await listAwaitedSnapshots(parts.catalog.queries, imageId);
    awaited.forEach(assertNotLost);
    if (awaited.every(({ status }) => status === 'accomplished')) return;
    await parts.clock.sleep(LOOK_AGAIN_MS, signal);
  }
}

function assertNotLost({ device, snapshotId, status, failureReason }: AwaitedSnapshot): void {
  if (status === 'progressing' || status === 'accomplished') return;
  const what = status === null ? 'was deleted' : `failed: ${failureReason}`;
  throw new OperationalError(`the snapshot ${snapshotId} of ${device} ${what}`, { retryable: false });
}

async function complete(transaction: Queries, { imageId }: CreateImageState): Promise<void> {
  for (const awaited of await listAwaitedSnapshots(transaction, imageId)) {
    assertNotLost(awaited);
    const { device, snapshotId, tree } = awaited;
    const base: BaseRef = { snapshotId, tree: JSON.parse(tree ?? 'null') as TreeRef };
    await setImageDiskBase(transaction, { imageId, device }, JSON.stringify(base));
  }
  await updateImage(transaction, imageId, { status: 'Available' });
}

async function abandon(transaction: Queries, { state, reason }: Undone<CreateImageState>): Promise<void> {
  await updateImage(transaction, state.imageId, { status: 'CreateFailed', failure_reason: reason });
}
