/**
 * DeleteInstance, after the request has written `Stopping`, whether it ran or not: nothing else is begun with it then.
 *
 * A running one is stopped by its driver (its disks are flushed). Then, in one transaction, the instance, its tags and the
 * disks that go with it are gone from the catalog with what is kept of them for undoing rollbacks (what of that is being
 * stored is cancelled), and the other disks are `Available`; last, when nobody stores anything of those that went, diskd
 * removes their folders, if they are not in the recycle bin. What only they kept is garbage from the transaction on: nobody can read it any more, while the base of
 * a disk that is kept stays in its row, a root for the collector throughout.
 *
 * | died after         | durable state                                      | the next server                            |
 * | ------------------ | -------------------------------------------------- | ------------------------------------------ |
 * | record             | `Stopping`, at `stop`                              | stops it (again: nothing), goes on         |
 * | `stop`             | rows gone, the folders' ids in the state           | ends what is being stored, then as below   |
 * | some folders       | likewise                                           | removes the others (absent: nothing)       |
 * | a disk not flushed | `Stopping`, undoing                                | opens its disks again; status as before ¹  |
 *
 * ¹ One that can never be opened again, for it is damaged, stays closed; the log says so.
 *
 * From `stop` on it is never given up: there is no name any more to go back to.
 */
import { findInstance, updateInstance } from '../../catalog/instances.ts';
import type { DiskRow } from '../../catalog/schema.ts';
import type { BaseRef } from '../../disk/protocol.ts';
import type { InstanceStatus } from '../../ecs/resources.ts';
import { assert } from '../../lib/assert.ts';
import { forgetPart } from '../client-token.ts';
import type { TokenRef } from '../client-token.ts';
import { baseOf } from '../disk-folder.ts';
import { forgetInstance, listGoing, runningInstance } from '../instance-rows.ts';
import type { OperationKind, StepContext } from '../operation-kind.ts';
import type { Parts } from '../parts.ts';
import type { OperationRunner } from '../runner.ts';
import { discardDisk } from '../recycle.ts';
import { dropWithDisk, endUndoOf, removeDisks } from '../undo-of-disks.ts';

export const DELETE_INSTANCE = 'delete-instance';

export interface DeleteInstanceState {
  instanceId: string;
  statusBefore: InstanceStatus;
  token: TokenRef | null;
  /** The disks that went with it for good, once it is gone. */
  releasedDiskIds?: string[];
  /** Those that went into the recycle bin: their folders stay. */
  recycledDiskIds?: string[];
  /** What the others stood on: a view is not released before their folders are gone (C12). */
  bases?: BaseRef[];
  /** What was kept of them for undoing rollbacks and is deleted with them. */
  droppedSnapshotIds?: string[];
}

export function deleteInstanceOperation(
  parts: Parts,
  runner: () => OperationRunner,
  ended: () => void,
): OperationKind<DeleteInstanceState> {
  const { driver, catalog } = parts;
  return {
    kind: DELETE_INSTANCE,
    ended,
    steps: [
      {
        name: 'stop',
        run: async ({ instanceId, statusBefore }) => {
          if (statusBefore === 'Running') await driver.stop(await runningInstance(catalog.queries, instanceId));
        },
        record: async (transaction, { instanceId }) => {
          const row = await findInstance(transaction, instanceId);
          assert(row !== undefined, `${instanceId} went before it was stopped`);
          const going = await listGoing(transaction, instanceId);
          const droppedSnapshotIds: string[] = [];
          for (const disk of going) {
            droppedSnapshotIds.push(...(await dropWithDisk(parts, runner(), transaction, disk.disk_id)));
          }
          const released: DiskRow[] = [];
          const discard = async (disk: DiskRow) => {
            if (!(await discardDisk(parts, transaction, disk))) released.push(disk);
          };
          await forgetInstance(transaction, row, { going, nowMs: parts.clock.nowMs(), discard });
          const recycled = going.filter((disk) => !released.includes(disk));
          return {
            ...{
              releasedDiskIds: released.map((disk) => disk.disk_id),
              bases: released.map(baseOf),
              droppedSnapshotIds,
            },
            recycledDiskIds: recycled.map((disk) => disk.disk_id),
          };
        },
        undo: async ({ instanceId, statusBefore }) => {
          if (statusBefore !== 'Running') return;
          await driver.undoStop((await runningInstance(catalog.queries, instanceId)).disks);
        },
      },
      { name: 'release', run: (state, context) => release(parts, runner(), state, context) },
    ],
    abandon: async (transaction, { state }) => {
      await updateInstance(transaction, state.instanceId, { status: state.statusBefore });
      await forgetPart(transaction, state.token, state.instanceId);
    },
  };
}

/** What is left stands on nothing that a removed one stood on. */
async function release(
  parts: Parts,
  runner: OperationRunner,
  { releasedDiskIds = [], recycledDiskIds = [], bases = [], droppedSnapshotIds }: DeleteInstanceState,
  { signal, save }: StepContext<DeleteInstanceState>,
): Promise<void> {
  const removed = (leftIds: string[]) => {
    const isLeft = (_base: BaseRef, i: number) => leftIds.includes(releasedDiskIds[i] ?? '');
    return save({ releasedDiskIds: leftIds, bases: bases.filter(isLeft) });
  };
  await endUndoOf(parts, runner, { diskIds: recycledDiskIds, droppedSnapshotIds });
  await removeDisks(parts, runner, { diskIds: releasedDiskIds, droppedSnapshotIds }, { signal, removed });
}
