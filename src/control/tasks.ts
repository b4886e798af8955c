/**
 * Tasks (`ecs-api.md` 2.6): how an operation shows what it does after its request was answered. The request writes the
 * task in the transaction that records the operation, whose state has its id as `taskId`; the operation ends it in the transaction
 * in which it ends itself, or comes to its result. So a task that is `Processing` always has an operation, whatever died.
 */
import { listOperations, markUndoing } from '../catalog/operations.ts';
import type { Queries } from '../catalog/schema.ts';
import { deleteEndedTasks, findTask, insertTask, updateTask } from '../catalog/tasks.ts';
import { newId } from '../ecs/ids.ts';
import type { Task, TaskAction, TaskPart } from '../ecs/resources.ts';
import { refuseCancelTask } from '../ecs/task-rules.ts';
import { assert } from '../lib/assert.ts';
import { RequestError, messageOf } from '../lib/errors.ts';
import { change } from './change.ts';
import { toPublicReason } from './failure-reason.ts';
import type { Parts } from './parts.ts';
import { estimateProgress } from './progress.ts';
import type { ChangeOptions } from './requests.ts';
import { assertAllowed } from './rows.ts';
import type { OperationRunner } from './runner.ts';
import { waitSoon } from './wait-soon.ts';

const KEPT_MS = 30 * 24 * 3_600_000;
const PROGRESS_INTERVAL_MS = 1000;
const CANCELLED = 'it was cancelled';

interface NewTask {
  action: TaskAction;
  resourceId: string;
  cancellable: boolean;
  /** In how many parts it succeeds or fails. */
  partCount: number;
}

/** Its id. Those that ended long ago go. */
export async function createTask(parts: Parts, transaction: Queries, task: NewTask): Promise<string> {
  const nowMs = parts.clock.nowMs();
  await deleteEndedTasks(transaction, nowMs - KEPT_MS);
  const taskId = newId('t-', parts.region.regionId, parts.random);
  await insertTask(transaction, {
    task_id: taskId,
    task_action: task.action,
    status: 'Processing',
    resource_id: task.resourceId,
    cancellable: task.cancellable ? 1 : 0,
    progress_percent: 0,
    created_at_ms: nowMs,
    finished_at_ms: null,
    part_count: task.partCount,
    ended_parts: '[]',
  });
  return taskId;
}

/** `items` are what each of its parts tells of what it made. */
export async function finishTask(
  parts: Parts,
  transaction: Queries,
  taskId: string,
  items: TaskPart['items'][],
): Promise<void> {
  const ended = items.map((of): TaskPart => ({ errorCode: null, errorMessage: null, items: of }));
  await endTask(parts, transaction, taskId, { status: 'Finished', progress_percent: 100 }, ended);
}

/** All of its parts have failed. One that was cancelled has failed, too. */
export async function failTask(
  parts: Parts,
  transaction: Queries,
  taskId: string,
  failure: { code: string; reason: string },
): Promise<void> {
  const task = await findTask(transaction, taskId);
  const isCancelled = isCancellation(failure.reason);
  const failed: TaskPart = {
    errorCode: isCancelled ? 'TaskCancelled' : failure.code,
    errorMessage: toPublicReason(failure.reason, parts.dataFolder),
    items: {},
  };
  const ended = Array.from({ length: task?.partCount ?? 1 }, () => failed);
  await endTask(parts, transaction, taskId, { status: 'Failed' }, ended);
}

/** Of an operation that is undone. */
export function isCancellation(reason: string): boolean {
  return reason === CANCELLED;
}

async function endTask(
  { clock }: Parts,
  transaction: Queries,
  taskId: string,
  end: { status: 'Finished' | 'Failed'; progress_percent?: number },
  parts: TaskPart[],
): Promise<void> {
  await updateTask(transaction, taskId, {
    ...end,
    finished_at_ms: clock.nowMs(),
    ended_parts: JSON.stringify(parts),
  });
}

/** What tells a task's progress, at most once a second; below 100 until it is finished. It never fails what goes on. */
export function createTaskProgress(parts: Parts, taskId: string): (done: number, total: number) => void {
  let writtenMs = -Infinity;
  return (done, total) => {
    const nowMs = parts.clock.monotonicMs();
    if (nowMs - writtenMs < PROGRESS_INTERVAL_MS) return;
    writtenMs = nowMs;
    void writeProgress(parts, taskId, estimateProgress(done, total, 0).percent);
  };
}

async function writeProgress({ catalog, log }: Parts, taskId: string, percent: number): Promise<void> {
  try {
    await updateTask(catalog.queries, taskId, { progress_percent: percent });
  } catch (error) {
    log.warn(`the progress of ${taskId} could not be written: ${messageOf(error)}`);
  }
}

export async function getTask(queries: Queries, taskId: string): Promise<Task> {
  const task = await findTask(queries, taskId);
  if (task !== undefined) return task;
  throw new RequestError(
    'InvalidTaskId.NotFound',
    `There is no task ${taskId}: DescribeTasks lists those that there are; a task is forgotten 30 days after its end.`,
  );
}

/** Its operation is undone; answers when it is, or soon. */
export async function cancelTask(
  parts: Parts,
  runner: OperationRunner,
  { taskId }: { taskId: string },
  options: ChangeOptions,
): Promise<void> {
  const operationId = await change(parts, options, async (transaction) => {
    assertAllowed(refuseCancelTask(await getTask(transaction, taskId)));
    const operations = await listOperations(transaction);
    const operation = operations.find(({ state }) => (state as { taskId?: string }).taskId === taskId);
    assert(operation !== undefined, `${taskId} is Processing and nobody works on it`);
    await markUndoing(transaction, operation.operationId, CANCELLED);
    return operation.operationId;
  });
  await waitSoon(parts.clock, runner.interrupt(operationId));
}
