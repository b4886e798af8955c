/**
 * DeleteInstance and DeleteInstances as a request: what is checked and written before anything is done. All of the request's
 * instances are accepted in one transaction or none; from there each goes by an operation of its own.
 */
import { listDueReasons } from '../catalog/instance-locks.ts';
import { listDetachedSystemDisks, listDisksOfInstance } from '../catalog/disks.ts';
import { updateInstance } from '../catalog/instances.ts';
import type { StoredOperation } from '../catalog/operations.ts';
import type { InstanceRow, Queries } from '../catalog/schema.ts';
import { refuseDeleteInstance, refuseDeleteSubscription } from '../ecs/instance-rules.ts';
import { RequestError } from '../lib/errors.ts';
import { change } from './change.ts';
import { awaitEarlier, planParts, rememberResult } from './client-token.ts';
import { goesWith } from './instance-rows.ts';
import { DELETE_INSTANCE } from './operations/delete-instance.ts';
import type { DeleteInstanceState } from './operations/delete-instance.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions, DeleteInstancesRequest } from './requests.ts';
import { assertIdle } from './idle-disk.ts';
import { assertAllowed, diskFacts, getInstance, instanceFacts, listUnfinished } from './rows.ts';
import type { OperationRunner } from './runner.ts';
import { waitSoon } from './wait-soon.ts';

/** Answers when they are gone from every list; the folders of their disks go afterwards. */
export async function deleteInstances(
  parts: Parts,
  runner: OperationRunner,
  request: DeleteInstancesRequest,
  options: ChangeOptions,
): Promise<void> {
  const operations = await change(parts, options, async (transaction) => {
    const instanceIds = await planParts(transaction, options.idempotency, request.instanceIds);
    if (instanceIds.length === 0) return [];
    const rows: InstanceRow[] = [];
    for (const instanceId of new Set(instanceIds)) {
      rows.push(await getDeletable(parts, transaction, instanceId, request));
    }
    const token = await rememberResult(transaction, options.idempotency, {}, parts.clock.nowMs());
    return await recordDeletions(transaction, runner, rows, token);
  });
  const gone = operations.map((operation) => runner.start(operation).past('stop'));
  await waitSoon(
    parts.clock,
    Promise.all(gone).then(() => undefined),
  );
  await awaitEarlier(parts, runner, options.idempotency, 'stop');
}

async function getDeletable(
  { lockClock }: Parts,
  transaction: Queries,
  instanceId: string,
  request: DeleteInstancesRequest,
): Promise<InstanceRow> {
  const { force, terminate = false, dueAtMs = null } = request;
  const row = await getInstance(transaction, instanceId);
  if (dueAtMs !== null) await assertDue(transaction, instanceId, dueAtMs);
  else if (row.expires_at_ms !== null) {
    const isOver = row.expires_at_ms <= lockClock.nowMs();
    assertAllowed(refuseDeleteSubscription({ instanceId, isOver, terminate }));
  }
  const disks = await listDisksOfInstance(transaction, instanceId);
  const detached = await listDetachedSystemDisks(transaction, instanceId);
  const going = detached.filter((disk) => goesWith(disk, instanceId));
  const concerned = [...disks, ...going].map((disk) => disk.disk_id);
  const unfinished = await listUnfinished(transaction, concerned);
  assertAllowed(
    refuseDeleteInstance({
      instance: instanceFacts(row),
      deletionProtection: row.deletion_protection === 1,
      force,
      disks: disks.map(diskFacts),
      unfinished,
    }),
  );
  for (const diskId of concerned) {
    await assertIdle(transaction, diskId, { releasing: 'OperationConflict', resizing: 'OperationConflict' });
  }
  return row;
}

async function recordDeletions(
  transaction: Queries,
  runner: OperationRunner,
  rows: InstanceRow[],
  token: DeleteInstanceState['token'],
): Promise<StoredOperation[]> {
  const operations: StoredOperation[] = [];
  for (const { instance_id: instanceId, status: statusBefore } of rows) {
    await updateInstance(transaction, instanceId, { status: 'Stopping' });
    const state: DeleteInstanceState = { instanceId, statusBefore, token };
    operations.push(await runner.record(transaction, DELETE_INSTANCE, instanceId, state));
  }
  return operations;
}

/** Renewed or unlocked meanwhile it stays. */
async function assertDue(transaction: Queries, instanceId: string, dueAtMs: number): Promise<void> {
  if ((await listDueReasons(transaction, instanceId, dueAtMs)).length > 0) return;
  throw new RequestError('OperationConflict', `The instance ${instanceId} is not to be released any more.`);
}
