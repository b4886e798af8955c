/**
 * Starting, stopping and rebooting instances as requests: what is checked and written before anything is done. The actions
 * for one instance and for several come here alike; all that is accepted is written in one transaction, so a crash leaves
 * each of the instances untouched or with an operation that goes on.
 */
import { listDisksOfInstance } from '../catalog/disks.ts';
import { findInstance, updateInstance } from '../catalog/instances.ts';
import type { StoredOperation } from '../catalog/operations.ts';
import type { InstanceRow, Queries } from '../catalog/schema.ts';
import { refuseStartInstance, refuseStopInstance } from '../ecs/instance-rules.ts';
import type { LockedAction } from '../ecs/operation-locks.ts';
import type { InstanceStatus } from '../ecs/resources.ts';
import type { Refusal } from '../ecs/states.ts';
import { RequestError } from '../lib/errors.ts';
import { change } from './change.ts';
import { REBOOT_INSTANCE } from './operations/reboot-instance.ts';
import { START_INSTANCE } from './operations/start-instance.ts';
import { STOP_INSTANCE } from './operations/stop-instance.ts';
import { assertUnlocked } from './instance-locks.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions, PowerOutcome, PowerRequest } from './requests.ts';
import { assertAllowed, diskFacts, getInstance, instanceFacts, listUnfinished } from './rows.ts';
import type { OperationRunner } from './runner.ts';
import { waitSoon } from './wait-soon.ts';

interface Answered {
  outcome: PowerOutcome;
  /** Null when the instance was refused. */
  operation: StoredOperation | null;
}

const changes: Record<
  PowerRequest['change'],
  { kind: string; action: LockedAction; during: InstanceStatus; done: string }
> = {
  start: { kind: START_INSTANCE, action: 'StartInstance', during: 'Starting', done: 'started' },
  stop: { kind: STOP_INSTANCE, action: 'StopInstance', during: 'Stopping', done: 'stopped' },
  reboot: { kind: REBOOT_INSTANCE, action: 'RebootInstance', during: 'Stopping', done: 'rebooted' },
};

/** An outcome for each different instance, in the order of the request. Without `successFirst`, throws the first refusal. */
export async function powerInstances(
  parts: Parts,
  runner: OperationRunner,
  request: PowerRequest,
  options: ChangeOptions,
): Promise<PowerOutcome[]> {
  const answered = await change(parts, options, async (transaction) => {
    const all: Answered[] = [];
    for (const instanceId of new Set(request.instanceIds)) {
      all.push(await answer(transaction, runner, request, instanceId));
    }
    return all;
  });
  const runs = answered.map(({ outcome, operation }) => perform(runner, request, outcome, operation));
  await waitSoon(
    parts.clock,
    Promise.all(runs).then(() => undefined),
  );
  return answered.map(({ outcome }) => outcome);
}

/** Refused, nothing of the instance is written: its checks come before its writes. */
async function answer(
  transaction: Queries,
  runner: OperationRunner,
  request: PowerRequest,
  instanceId: string,
): Promise<Answered> {
  try {
    return await accept(transaction, runner, request, instanceId);
  } catch (error) {
    if (!request.successFirst || !(error instanceof RequestError)) throw error;
    const status = (await findInstance(transaction, instanceId))?.status ?? null;
    const { code, message } = error;
    return { outcome: { instanceId, code, message, previousStatus: status, currentStatus: status }, operation: null };
  }
}

async function accept(
  transaction: Queries,
  runner: OperationRunner,
  request: PowerRequest,
  instanceId: string,
): Promise<Answered> {
  const row = await getInstance(transaction, instanceId);
  const { kind, during, action } = changes[request.change];
  await assertUnlocked(transaction, action, instanceId);
  assertAllowed(await refuse(transaction, request.change, row));
  await updateInstance(transaction, instanceId, { status: during });
  return {
    outcome: { instanceId, code: '200', message: 'success', previousStatus: row.status, currentStatus: during },
    operation: await runner.record(transaction, kind, instanceId, { instanceId }),
  };
}

async function refuse(transaction: Queries, wanted: PowerRequest['change'], row: InstanceRow): Promise<Refusal | null> {
  const instance = instanceFacts(row);
  const rows = await listDisksOfInstance(transaction, row.instance_id);
  const disks = rows.map(diskFacts);
  if (wanted === 'start') {
    return refuseStartInstance({ instance, disks, hasSystemDisk: rows.some(({ type }) => type === 'system') });
  }
  const unfinished = await listUnfinished(
    transaction,
    rows.map((disk) => disk.disk_id),
  );
  return refuseStopInstance({ change: wanted, instance, disks, unfinished });
}

/** Rejects when it comes to nothing; where each instance counts by itself, its outcome tells so instead. */
async function perform(
  runner: OperationRunner,
  request: PowerRequest,
  outcome: PowerOutcome,
  operation: StoredOperation | null,
): Promise<void> {
  if (operation === null) return;
  try {
    await runner.start(operation).done();
  } catch (error) {
    if (!request.successFirst) throw error;
    const { done } = changes[request.change];
    outcome.code = error instanceof RequestError ? error.code : 'InternalError';
    outcome.message = `The instance ${outcome.instanceId} could not be ${done}: the server log says why.`;
    outcome.currentStatus = outcome.previousStatus;
  }
}
