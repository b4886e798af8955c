/**
 * StartInstance, after the request has written `Starting`: the driver starts it, and it is `Running`. Undone, the driver
 * stops what it started, and the instance is `Stopped` as before.
 */
import { updateInstance } from '../../catalog/instances.ts';
import { markRunning, runningInstance } from '../instance-rows.ts';
import type { OperationKind } from '../operation-kind.ts';
import type { Parts } from '../parts.ts';

export const START_INSTANCE = 'start-instance';

export interface InstanceState {
  instanceId: string;
}

export function startInstanceOperation(parts: Parts): OperationKind<InstanceState> {
  const { driver, catalog } = parts;
  return {
    kind: START_INSTANCE,
    steps: [
      {
        name: 'start',
        run: async ({ instanceId }) => driver.start(await runningInstance(catalog.queries, instanceId)),
        record: (transaction, { instanceId }) => markRunning(transaction, instanceId, parts.clock.nowMs()),
        undo: async ({ instanceId }) => driver.undoStart((await runningInstance(catalog.queries, instanceId)).disks),
      },
    ],
    abandon: (transaction, { state }) => updateInstance(transaction, state.instanceId, { status: 'Stopped' }),
  };
}
