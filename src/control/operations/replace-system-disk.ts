/**
 * ReplaceSystemDisk, after the request has written the new disk as `Creating`, attached to nothing, and the old one as `ReIniting`:
 * nothing is begun with either then, and the instance cannot be started.
 *
 * diskd makes the new folder; in one transaction the old disk is gone from the catalog, with what is kept of it for undoing
 * rollbacks (what of that is being stored is cancelled), and the new one is `In_use` in its place; last, when nobody stores
 * anything of the old one, its folder goes, or stays in the recycle bin. So the instance has exactly one system disk throughout.
 *
 * | died after    | durable state                                        | the next server                               |
 * | ------------- | ---------------------------------------------------- | --------------------------------------------- |
 * | record        | old `ReIniting`, new `Creating`, at `create`         | makes the folder (again: nothing), goes on    |
 * | `create`      | new `In_use`, old row gone, its id in the state      | ends what is stored of it, removes the folder |
 * | the folder    | likewise                                             | removes it again (absent: nothing)            |
 * | a failure     | as after record, undoing                             | new folder, row and token gone, old `In_use`  |
 *
 * From the swap on it is never given up: undone, it goes forward, for there is no old disk any more to go back to.
 */
import { findDisk, updateDisk } from '../../catalog/disks.ts';
import { purgeDeletedImage } from '../../catalog/images.ts';
import { findInstance, updateInstance } from '../../catalog/instances.ts';
import type { Queries } from '../../catalog/schema.ts';
import type { BaseRef } from '../../disk/protocol.ts';
import { SYSTEM_DEVICE_NAME } from '../../ecs/device-names.ts';
import { assert } from '../../lib/assert.ts';
import { OperationalError } from '../../lib/errors.ts';
import { forgetResult } from '../client-token.ts';
import type { TokenRef } from '../client-token.ts';
import { createDiskFolder, forgetDisk, removeFolders } from '../disk-folder.ts';
import type { OperationKind, Undone } from '../operation-kind.ts';
import type { Parts } from '../parts.ts';
import type { OperationRunner } from '../runner.ts';
import { discardDisk } from '../recycle.ts';
import { dropWithDisk, endUndoOf, removeDisks } from '../undo-of-disks.ts';

export const REPLACE_SYSTEM_DISK = 'replace-system-disk';

export interface ReplaceSystemDiskState {
  instanceId: string;
  imageId: string;
  diskId: string;
  replacedDiskId: string;
  /** What the old disk stands on: a view is not released before its folder is gone (C12). */
  replacedBase: BaseRef;
  token: TokenRef | null;
  /** Whether the new disk is in the place of the old one. */
  isSwapped?: boolean;
  /** Whether the old disk went into the recycle bin: its folder stays. */
  isRecycled?: boolean;
  /** What was kept of the old disk for undoing rollbacks. */
  droppedSnapshotIds?: string[];
}

export function replaceSystemDiskOperation(
  parts: Parts,
  runner: () => OperationRunner,
  ended: () => void,
): OperationKind<ReplaceSystemDiskState> {
  return {
    kind: REPLACE_SYSTEM_DISK,
    ended,
    steps: [
      {
        name: 'create',
        run: async ({ diskId }) => {
          const row = await findDisk(parts.catalog.queries, diskId);
          if (row === undefined) throw new OperationalError(`${diskId} is not in the catalog`, { retryable: false });
          await createDiskFolder(parts, row);
        },
        record: (transaction, state) => swap(parts, runner(), transaction, state),
        undo: async ({ diskId, isSwapped = false }) => {
          if (!isSwapped) await parts.dataPlane.call('deleteDisk', { diskId });
        },
      },
      {
        name: 'release',
        run: ({ replacedDiskId, droppedSnapshotIds, isRecycled = false }, { signal }) => {
          const replaced = { diskIds: [replacedDiskId], droppedSnapshotIds };
          if (isRecycled) return endUndoOf(parts, runner(), replaced);
          return removeDisks(parts, runner(), replaced, { signal });
        },
        undo: ({ replacedDiskId, isRecycled = false }) => removeFolders(parts, isRecycled ? [] : [replacedDiskId]),
      },
    ],
    abandon,
  };
}

async function swap(
  parts: Parts,
  runner: OperationRunner,
  transaction: Queries,
  { instanceId, imageId, diskId, replacedDiskId }: ReplaceSystemDiskState,
): Promise<Partial<ReplaceSystemDiskState>> {
  const instance = await findInstance(transaction, instanceId);
  assert(instance !== undefined, `${instanceId} went while its system disk was replaced`);
  const droppedSnapshotIds = await dropWithDisk(parts, runner, transaction, replacedDiskId);
  const replaced = await findDisk(transaction, replacedDiskId);
  assert(replaced !== undefined, `${replacedDiskId} went while it was replaced`);
  const isRecycled = await discardDisk(parts, transaction, replaced);
  await updateDisk(transaction, diskId, {
    status: 'In_use',
    instance_id: instanceId,
    home_instance_id: instanceId,
    device: SYSTEM_DEVICE_NAME,
    attached_at_ms: parts.clock.nowMs(),
  });
  await updateInstance(transaction, instanceId, { image_id: imageId });
  await purgeDeletedImage(transaction, instance.image_id);
  return { isSwapped: true, isRecycled, droppedSnapshotIds };
}

async function abandon(transaction: Queries, { state }: Undone<ReplaceSystemDiskState>): Promise<void> {
  const { imageId, diskId, replacedDiskId, token, isSwapped = false } = state;
  if (isSwapped) return;
  await forgetDisk(transaction, diskId);
  await purgeDeletedImage(transaction, imageId);
  await updateDisk(transaction, replacedDiskId, { status: 'In_use' });
  await forgetResult(transaction, token);
}
