/**
 * RunInstances, after the request has written every instance as `Pending` and every disk as `Creating`, attached.
 *
 * diskd makes the disks' folders; the instances are `Starting`; their drivers start them; they are `Running`. All of the
 * request's instances come to be, or none: undone, they are stopped, the folders go, then the rows and the client token.
 */
import { listDisksOfInstance, updateDisk } from '../../catalog/disks.ts';
import { deleteInstance, updateInstance } from '../../catalog/instances.ts';
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
        run: async ({ instanceIds }) => {
          for (const id of instanceIds) await parts.driver.start(await runningInstance(parts.catalog.queries, id));
        },
        record: async (transaction, { instanceIds }) => {
          for (const id of instanceIds) await markRunning(transaction, id, parts.clock.nowMs());
        },
        undo: async ({ instanceIds }) => {
          for (const id of instanceIds) await parts.driver.stop(await runningInstance(parts.catalog.queries, id));
        },
      },
    ],
    abandon,
  };
}

async function disksOf(queries: Queries, instanceIds: string[]) {
  const rows = [];
  for (const instanceId of instanceIds) rows.push(...(await listDisksOfInstance(queries, instanceId)));
  return rows;
}

async function markStarting(transaction: Queries, { instanceIds }: RunInstancesState): Promise<void> {
  for (const instanceId of instanceIds) await updateInstance(transaction, instanceId, { status: 'Starting' });
  for (const row of await disksOf(transaction, instanceIds)) {
    await updateDisk(transaction, row.disk_id, { status: 'In_use' });
  }
}

async function abandon(transaction: Queries, { state }: Undone<RunInstancesState>): Promise<void> {
  for (const row of await disksOf(transaction, state.instanceIds)) await forgetDisk(transaction, row.disk_id);
  for (const instanceId of state.instanceIds) {
    await deleteTags(transaction, instanceId);
    await deleteInstance(transaction, instanceId);
  }
  await forgetResult(transaction, state.token);
}
