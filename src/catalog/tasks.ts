/** Tasks in the catalog: what is shown of work that goes on after its request was answered. */
import { sql } from 'kysely';
import type { Updateable } from 'kysely';
import type { Paging, TaskFilter } from '../ecs/list-filters.ts';
import type { Page, Task, TaskPart } from '../ecs/resources.ts';
import { atLeastOne } from './disks.ts';
import { toPage, startOf } from './paging.ts';
import type { Queries, TaskRow } from './schema.ts';

export async function insertTask(queries: Queries, row: TaskRow): Promise<void> {
  await queries.insertInto('tasks').values(row).execute();
}

export async function findTask(queries: Queries, taskId: string): Promise<Task | undefined> {
  const row = await queries.selectFrom('tasks').selectAll().where('task_id', '=', taskId).executeTakeFirst();
  return row === undefined ? undefined : toTask(row);
}

/** Of a task that is `Processing`; one that has ended stays as it ended. */
export async function updateTask(queries: Queries, taskId: string, change: Updateable<TaskRow>): Promise<void> {
  const tasks = queries.updateTable('tasks').set(change).where('task_id', '=', taskId);
  await tasks.where('status', '=', 'Processing').execute();
}

/** Those that ended before then. */
export async function deleteEndedTasks(queries: Queries, beforeMs: number): Promise<void> {
  await queries.deleteFrom('tasks').where('finished_at_ms', '<', beforeMs).execute();
}

/** A page, newest first. */
export async function listTasks(queries: Queries, wanted: TaskFilter, paging: Paging): Promise<Page<Task>> {
  const { after, offset } = startOf(paging);
  const matching = selectTasks(queries, wanted);
  const { total } = await matching.select((row) => row.fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
  let query = matching.selectAll().orderBy('created_at_ms', 'desc').orderBy('task_id', 'desc');
  if (after !== null) query = query.where(sql<boolean>`(created_at_ms, task_id) < (${after.createdAtMs}, ${after.id})`);
  const rows = await query
    .limit(paging.pageSize + 1)
    .offset(offset)
    .execute();
  const page = toPage(rows, paging, total, (row) => ({ createdAtMs: row.created_at_ms, id: row.task_id }));
  return { ...page, items: page.items.map(toTask) };
}

function selectTasks(queries: Queries, wanted: TaskFilter) {
  let query = queries.selectFrom('tasks');
  if (wanted.taskIds) query = query.where('task_id', 'in', atLeastOne(wanted.taskIds));
  if (wanted.resourceIds) query = query.where('resource_id', 'in', atLeastOne(wanted.resourceIds));
  if (wanted.action !== undefined) query = query.where(sql<string>`task_action`, '=', wanted.action);
  if (wanted.status !== undefined) query = query.where('status', '=', wanted.status);
  if (wanted.createdFromMs !== undefined) query = query.where('created_at_ms', '>=', wanted.createdFromMs);
  if (wanted.createdUntilMs !== undefined) query = query.where('created_at_ms', '<=', wanted.createdUntilMs);
  return query;
}

function toTask(row: TaskRow): Task {
  return {
    taskId: row.task_id,
    action: row.task_action,
    status: row.status,
    resourceId: row.resource_id,
    cancellable: row.cancellable === 1,
    progressPercent: row.progress_percent,
    createdAtMs: row.created_at_ms,
    finishedAtMs: row.finished_at_ms,
    partCount: row.part_count,
    endedParts: JSON.parse(row.ended_parts) as TaskPart[],
  };
}
