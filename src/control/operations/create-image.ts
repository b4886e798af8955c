/**
 * CreateImage, after the request has written the image as `Creating` with its disks and, when it is made of an instance, hidden rows
 * of the snapshots that are taken for it.
 *
 * diskd freezes all disks of the instance at one instant, or none. In the transaction that records it the snapshots are shown, and
 * each gets an operation of its own, which stands where CreateSnapshot's does after its freeze; whoever asked is answered.
 * Then, and at once when it is made of snapshots, it waits until every snapshot is accomplished; what each disk begins as, and
 * `Available`, are written in one transaction. A snapshot that fails makes the image `CreateFailed`, with the reason; the other
 * snapshots stay.
 *
 * | died after                         | durable state                               | the next server                                    |
 * | ---------------------------------- | ------------------------------------------- | -------------------------------------------------- |
 * | record, of an instance             | hidden rows, at `freeze`; perhaps views     | `cancelFreeze` of each, the rows go; `CreateFailed` ¹ |
 * | `freeze`                           | snapshots, each with an operation at `sync` | goes on with all of them                           |
 * | record, of snapshots; `start`      | at `gather`                                 | waits again                                        |
 *
 * ¹ Nobody was answered: the client token is forgotten so that asking again makes another image; the name is free too.
 */
import { listAwaitedSnapshots, setImageDiskBase, updateImage } from '../../catalog/images.ts';
import type { AwaitedSnapshot } from '../../catalog/images.ts';
import type { Queries } from '../../catalog/schema.ts';
import type { BaseRef, FreezeReply } from '../../disk/protocol.ts';
import { OperationalError } from '../../lib/errors.ts';
import type { TreeRef } from '../../repository/tree-ref.ts';
import { forgetResult } from '../client-token.ts';
import type { TokenRef } from '../client-token.ts';
import { toPublicReason } from '../failure-reason.ts';
import type { OperationKind, Undone } from '../operation-kind.ts';
import type { Parts } from '../parts.ts';
import type { OperationRunner } from '../runner.ts';
import { CREATE_SNAPSHOT } from './create-snapshot.ts';
import type { CreateSnapshotState } from './create-snapshot.ts';
import { cancelMembers, forgetMembers, freezeMembers, showMembers } from './freeze-members.ts';

export const CREATE_IMAGE = 'create-image';

const LOOK_AGAIN_MS = 250;

export interface CreateImageState {
  imageId: string;
  token: TokenRef | null;
  /** Those that are taken for it. */
  snapshots: { diskId: string; snapshotId: string }[];
  /** Of a copy (CopyImage): the snapshots that are copied for it. */
  copies?: string[];
  /** As the operations of those begin; none once they have begun, for what they name would be named for as long as this. */
  members?: CreateSnapshotState[];
  /** In the order of the members. */
  frozen?: FreezeReply[];
}

export function createImageOperation(parts: Parts, runner: () => OperationRunner): OperationKind<CreateImageState> {
  return {
    kind: CREATE_IMAGE,
    steps: [
      {
        name: 'freeze',
        endsWithServer: true,
        run: async ({ imageId, members = [] }) => ({
          frozen: await freezeMembers(parts, { groupId: imageId, members }, `the disks for the image ${imageId}`),
        }),
        record: async (transaction, { members = [], frozen = [] }) => {
          await showMembers(transaction, runner(), { members, frozen });
          return { members: [], frozen: [] };
        },
        undo: ({ members = [] }) => cancelMembers(parts, members),
      },
      {
        name: 'start',
        run: async ({ snapshots }) => {
          for (const { snapshotId } of snapshots) await runner().startRecorded(CREATE_SNAPSHOT, snapshotId);
        },
      },
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
    awaited.forEach(assertNotLost);
    if (awaited.every(({ status }) => status === 'accomplished')) return;
    await parts.clock.sleep(LOOK_AGAIN_MS, signal);
  }
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
  const { imageId, token, members = [] } = state;
  await forgetMembers(transaction, members);
  const awaited = await listAwaitedSnapshots(transaction, imageId);
  if (!awaited.every(({ isFrozen }) => isFrozen)) await forgetResult(transaction, token);
  await updateImage(transaction, imageId, {
    status: 'CreateFailed',
    failure_reason: toPublicReason(reason, parts.dataFolder),
  });
}
