/**
 * StopInstance, after the request has written `Stopping`: the driver stops it (its disks are flushed), and it is `Stopped`.
 * When a disk cannot be flushed, it is started again and stays `Running`, and whoever asked is told why. A disk that cannot
 * be opened again, for it is damaged, stays closed, which the log tells; the instance can be stopped then.
 */
import { updateInstance } from '../../catalog/instances.ts';
import { OperationalError, RequestError } from '../../lib/errors.ts';
import { toPublicReason } from '../failure-reason.ts';
import { runningInstance } from '../instance-rows.ts';
import type { OperationKind } from '../operation-kind.ts';
import type { Parts } from '../parts.ts';
import type { InstanceState } from './start-instance.ts';

export const STOP_INSTANCE = 'stop-instance';

export function stopInstanceOperation(parts: Parts): OperationKind<InstanceState> {
  const { driver, catalog } = parts;
  return {
    kind: STOP_INSTANCE,
    steps: [
      {
        name: 'stop',
        run: (state) => stop(parts, state),
        record: (transaction, { instanceId }) => updateInstance(transaction, instanceId, { status: 'Stopped' }),
        undo: async ({ instanceId }) => driver.undoStop((await runningInstance(catalog.queries, instanceId)).disks),
      },
    ],
    abandon: (transaction, { state }) => updateInstance(transaction, state.instanceId, { status: 'Running' }),
  };
}

/** A failed flush is told as what it is; the disk is then as of the flush before, and asking again stops the instance. */
async function stop({ driver, catalog, dataFolder }: Parts, { instanceId }: InstanceState): Promise<void> {
  try {
    await driver.stop(await runningInstance(catalog.queries, instanceId));
  } catch (error) {
    if (!(error instanceof OperationalError) || error.retryable) throw error;
    const reason = toPublicReason(error.message, dataFolder);
    throw new RequestError('IncorrectInstanceStatus', `${instanceId} goes on running, for ${reason}.`);
  }
}
