/**
 * RunInstances and CreateInstance, after the request has written every instance as `Pending` and every disk as
 * `Creating`, attached.
 *
 * diskd makes the disks' folders; the instances are `Starting`; their drivers start them; they are `Running`. Those of
 * CreateInstance are not started: they stay `Pending` and are `Stopped` at the end. All of the request's instances come to
 * be, or none: undone, they are stopped, the folders go, then the rows and the client token. A folder that does not go is
 * tried again for ever: its name must not go first.
 */
import { listDisksOfInstance, updateDisk } from '../../catalog/disks.ts';
import { purgeDeletedImage } from '../../catalog/images.ts';
import { deleteInstance, findInstance, updateInstance } from '../../catalog/instances.ts';
import type { Queries } from '../../catalog/schema.ts';
import { deleteTags } from '../../catalog/tags.ts';
import { forgetResult } from '../client-token.ts';
import type { TokenRef } from '../client-token.ts';
import { createDiskFolder, forgetDisk } from '../disk-folder.ts';
import { markRunning, runningInstance } from '../instance-rows.ts';
import type { OperationKind, Undone } from '../operation-kind.ts';
import type { Parts } from '../parts.ts';

export const RUN_INSTANCES = 'run-instances';

export interface RunInstancesState {
  instanceIds: string[];
  token: TokenRef | null;
  /** Absent in operations of servers that always started them. */
  start?: boolean;
}

export function runInstancesOperation(parts: Parts, ended: () => void): OperationKind<RunInstancesState> {
  return {
    kind: RUN_INSTANCES,
    ended,
    steps: [
      {
        name: 'create',
        run: async ({ instanceIds }) => {
          for (const row of await disksOf(parts.catalog.queries, instanceIds)) await createDiskFolder(parts, row);
        },
        record: markStarting,
        undo: async ({ instanceIds }) => {
          for (const { disk_id: diskId } of await disksOf(parts.catalog.queries, instanceIds)) {
            await parts.dataPlane.call('deleteDisk', { diskId });
          }
        },
      },
      {
        name: 'start',
        run: async (state) => {
          for (const id of started(state)) await parts.driver.start(await runningInstance(parts.catalog.queries, id));
        },
        record: async (transaction, state) => {
          for (const id of started(state)) await markRunning(transaction, id, parts.clock.nowMs());
          for (const id of unstarted(state)) await updateInstance(transaction, id, { status: 'Stopped' });
        },
        undo: async (state) => {
          for (const id of started(state)) {
            await parts.driver.undoStart((await runningInstance(parts.catalog.queries, id)).disks);
          }
        },
      },
    ],
    abandon,
  };
}

function started({ instanceIds, start = true }: RunInstancesState): string[] {
  return start ? instanceIds : [];
}

function unstarted({ instanceIds, start = true }: RunInstancesState): string[] {
  return start ? [] : instanceIds;
}

async function disksOf(queries: Queries, instanceIds: string[]) {
  const rows = [];
  for (const instanceId of instanceIds) rows.push(...(await listDisksOfInstance(queries, instanceId)));
  return rows;
}

async function markStarting(transaction: Queries, state: RunInstancesState): Promise<void> {
  for (const instanceId of started(state)) await updateInstance(transaction, instanceId, { status: 'Starting' });
  for (const row of await disksOf(transaction, state.instanceIds)) {
    await updateDisk(transaction, row.disk_id, { status: 'In_use' });
  }
}

async function abandon(transaction: Queries, { state }: Undone<RunInstancesState>): Promise<void> {
  for (const row of await disksOf(transaction, state.instanceIds)) await forgetDisk(transaction, row.disk_id);
  for (const instanceId of state.instanceIds) {
    const row = await findInstance(transaction, instanceId);
    await deleteTags(transaction, instanceId);
    await deleteInstance(transaction, instanceId);
    if (row !== undefined) await purgeDeletedImage(transaction, row.image_id);
  }
  await forgetResult(transaction, state.token);
}
