/** Operations as they are kept: what is being done, to what, which step is next, and the state of its own. */
import type { OperationRow, Queries } from './schema.ts';

/** An operation with its state decoded. */
export interface StoredOperation {
  operationId: string;
  kind: string;
  subjectId: string;
  step: string;
  state: unknown;
  undoing: boolean;
  reason: string | null;
}

export async function insertOperation(
  queries: Queries,
  operation: StoredOperation,
  stamp: { epoch: number; createdAtMs: number },
): Promise<void> {
  await queries
    .insertInto('operations')
    .values({
      operation_id: operation.operationId,
      kind: operation.kind,
      subject_id: operation.subjectId,
      step: operation.step,
      state: JSON.stringify(operation.state),
      undoing: operation.undoing ? 1 : 0,
      reason: operation.reason,
      epoch: stamp.epoch,
      created_at_ms: stamp.createdAtMs,
    })
    .execute();
}

/** All operations, oldest first. */
export async function listOperations(queries: Queries): Promise<StoredOperation[]> {
  const rows = await queries
    .selectFrom('operations')
    .selectAll()
    .orderBy('created_at_ms')
    .orderBy('operation_id')
    .execute();
  return rows.map(toOperation);
}

/** Those of a kind, oldest first. */
export async function listOperationsOfKind(queries: Queries, kind: string): Promise<StoredOperation[]> {
  return (await listOperations(queries)).filter((operation) => operation.kind === kind);
}

export async function findOperation(
  queries: Queries,
  kind: string,
  subjectId: string,
): Promise<StoredOperation | undefined> {
  const row = await queries
    .selectFrom('operations')
    .selectAll()
    .where('kind', '=', kind)
    .where('subject_id', '=', subjectId)
    .executeTakeFirst();
  return row === undefined ? undefined : toOperation(row);
}

/** Whether any operation works on the subject, but one of the kind that goes on beside everything. */
export async function isBeingWorkedOn(
  queries: Queries,
  subjectId: string,
  { besides }: { besides: string },
): Promise<boolean> {
  const operations = queries
    .selectFrom('operations')
    .select('operation_id')
    .where('subject_id', '=', subjectId)
    .where('kind', '!=', besides);
  return (await operations.limit(1).executeTakeFirst()) !== undefined;
}

/** Takes every operation over from servers before `epoch`. */
export async function takeOperations(queries: Queries, epoch: number): Promise<void> {
  await queries.updateTable('operations').set({ epoch }).where('epoch', '<', epoch).execute();
}

/** Records progress of an operation in `epoch`'s hands. False when it is gone, another server's, or being undone. */
export async function advanceOperation(
  queries: Queries,
  operation: { operationId: string; step: string; state: unknown },
  epoch: number,
): Promise<boolean> {
  const result = await queries
    .updateTable('operations')
    .set({ step: operation.step, state: JSON.stringify(operation.state) })
    .where('operation_id', '=', operation.operationId)
    .where('epoch', '=', epoch)
    .where('undoing', '=', 0)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

/** From now on the operation is undone, for `reason`. Again: the first reason stays. */
export async function markUndoing(queries: Queries, operationId: string, reason: string): Promise<void> {
  await queries
    .updateTable('operations')
    .set({ undoing: 1, reason })
    .where('operation_id', '=', operationId)
    .where('undoing', '=', 0)
    .execute();
}

/** Ends an operation that is (`undoing`) or is not being undone. False when it is not there like that. */
export async function endOperation(
  queries: Queries,
  operationId: string,
  owner: { epoch: number; undoing: boolean },
): Promise<boolean> {
  const result = await queries
    .deleteFrom('operations')
    .where('operation_id', '=', operationId)
    .where('epoch', '=', owner.epoch)
    .where('undoing', '=', owner.undoing ? 1 : 0)
    .executeTakeFirst();
  return result.numDeletedRows > 0n;
}

function toOperation(row: OperationRow): StoredOperation {
  return {
    operationId: row.operation_id,
    kind: row.kind,
    subjectId: row.subject_id,
    step: row.step,
    state: JSON.parse(row.state) as unknown,
    undoing: row.undoing === 1,
    reason: row.reason,
  };
}
