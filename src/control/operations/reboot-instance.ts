/**
 * RebootInstance, after the request has written `Stopping`: the driver stops it (its disks are flushed), it is `Starting`;
 * the driver starts it again, and it is `Running`. A forced reboot is the same: no guest's write is thrown away here.
 *
 * | died after            | durable state             | the next server                                  |
 * | --------------------- | ------------------------- | ------------------------------------------------ |
 * | record                | `Stopping`, at `stop`     | stops it (again: nothing), goes on               |
 * | `stop`                | `Starting`, at `start`    | starts it (again: the same sockets)              |
 * | a disk not flushed    | `Stopping`, undoing       | opens its disks again: `Running`, not rebooted   |
 * | a disk not opened     | `Starting`, undoing       | closes its disks: `Stopped`, for nothing is lost |
 *
 * A disk that can never be opened (or closed) again in an undoing is told in the log and left so: the undoing ends.
 */
import { updateInstance } from '../../catalog/instances.ts';
import { markRunning, runningInstance } from '../instance-rows.ts';
import type { OperationKind } from '../operation-kind.ts';
import type { Parts } from '../parts.ts';

export const REBOOT_INSTANCE = 'reboot-instance';

export interface RebootInstanceState {
  instanceId: string;
  /** It was stopped: from here on a failure leaves it so. */
  stopped?: boolean;
}

export function rebootInstanceOperation(parts: Parts): OperationKind<RebootInstanceState> {
  const { driver, catalog } = parts;
  const start = async ({ instanceId }: RebootInstanceState) =>
    driver.start(await runningInstance(catalog.queries, instanceId));
  const stop = async ({ instanceId }: RebootInstanceState) =>
    driver.stop(await runningInstance(catalog.queries, instanceId));
  const disksOf = async ({ instanceId }: RebootInstanceState) =>
    (await runningInstance(catalog.queries, instanceId)).disks;
  return {
    kind: REBOOT_INSTANCE,
    steps: [
      {
        name: 'stop',
        run: stop,
        record: async (transaction, { instanceId }) => {
          await updateInstance(transaction, instanceId, { status: 'Starting' });
          return { stopped: true };
        },
        undo: async (state) => {
          if (state.stopped !== true) await driver.undoStop(await disksOf(state));
        },
      },
      {
        name: 'start',
        run: start,
        record: (transaction, { instanceId }) => markRunning(transaction, instanceId, parts.clock.nowMs()),
        undo: async (state) => driver.undoStart(await disksOf(state)),
      },
    ],
    abandon: async (transaction, { state }) => {
      await updateInstance(transaction, state.instanceId, { status: state.stopped === true ? 'Stopped' : 'Running' });
    },
  };
}
