/** Tasks in the catalog: what is shown of work that goes on after its request was answered. */
import { sql } from 'kysely';
import type { Updateable } from 'kysely';
import type { Paging, TaskFilter } from '../ecs/list-filters.ts';
import type { Page, Task, TaskPart } from '../ecs/resources.ts';
import { isIn, listPage } from './listing.ts';
import type { List, Wanted } from './listing.ts';
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

const list: List = { table: 'tasks', id: 'task_id', listed: sql<boolean>`1 = 1` };

/** A page, newest first. */
export async function listTasks(queries: Queries, wanted: TaskFilter, paging: Paging): Promise<Page<Task>> {
  const page = await listPage<TaskRow>(queries, list, wantedOf(wanted), paging);
  return { ...page, items: page.items.map(toTask) };
}

function wantedOf({ taskIds, resourceIds, action, status, ...wanted }: TaskFilter): Wanted {
  const few = [...isIn('task_id', taskIds), ...isIn('resource_id', resourceIds)];
  return { ...wanted, few, many: { task_action: action, status } };
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
