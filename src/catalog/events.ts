/** Events in the catalog: what triggers wrote (`event-schema.ts`), read in the order of their numbers and forgotten after a while. */
import { sql } from 'kysely';
import type { EventFilter } from '../ecs/events.ts';
import type { StoredEvent } from '../ecs/events.ts';
import type { Random } from '../lib/random.ts';
import type { EventRow, Queries } from './schema.ts';
import { findSetting, putSetting } from './settings.ts';

const LINE = 'event-line';

/** The first opening of a catalog names its history. */
export async function ensureEventLine(queries: Queries, random: Random): Promise<void> {
  if ((await findSetting(queries, LINE)) === undefined) await renewEventLine(queries, random);
}

/** A catalog that was restored from a copy goes on with numbers that another history has used: it gets another name. */
export async function renewEventLine(queries: Queries, random: Random): Promise<void> {
  await putSetting(queries, LINE, random.bytes(6).toString('hex'));
}

export async function getEventLine(queries: Queries): Promise<string> {
  return (await findSetting(queries, LINE)) ?? '';
}

/** Up to `limit` events after a number, and where to go on: after the last one looked at. */
export async function listEvents(
  queries: Queries,
  filter: EventFilter,
  { after, limit }: { after: number; limit: number },
): Promise<StoredEvent[]> {
  const { types, resourceIds, fromMs, untilMs } = filter;
  let rows = queries.selectFrom('events').selectAll().where('sequence', '>', after);
  if (types !== undefined) rows = rows.where('type', 'in', types);
  if (resourceIds !== undefined) rows = rows.where('resource_id', 'in', resourceIds);
  if (fromMs !== undefined) rows = rows.where('at_ms', '>=', fromMs);
  if (untilMs !== undefined) rows = rows.where('at_ms', '<=', untilMs);
  return (await rows.orderBy('sequence').limit(limit).execute()).map(toEvent);
}

/** The numbers of the oldest event that is kept and of the last one that there ever was; `oldest` is one more where none is kept. */
export async function findEventRange(queries: Queries): Promise<{ oldest: number; newest: number }> {
  const { rows: last } = await sql<{ seq: number }>`SELECT seq FROM sqlite_sequence WHERE name = 'events'`.execute(
    queries,
  );
  const newest = last[0]?.seq ?? 0;
  const first = await queries.selectFrom('events').select('sequence').orderBy('sequence').limit(1).executeTakeFirst();
  return { oldest: first?.sequence ?? newest + 1, newest };
}

/** How many wanted events come after a number. */
export async function countEvents(queries: Queries, types: readonly string[], after: number): Promise<number> {
  let rows = queries
    .selectFrom('events')
    .select((count) => count.fn.countAll<number>().as('count'))
    .where('sequence', '>', after);
  if (types.length > 0) rows = rows.where('type', 'in', types);
  return (await rows.executeTakeFirstOrThrow()).count;
}

/**
 * Forgets up to `limit` of the oldest events that are older than `beforeMs` or not among the last `keptCount`; how many. By
 * their numbers: one that is younger by a clock that jumped ends it.
 */
export async function forgetEvents(
  queries: Queries,
  { beforeMs, keptCount, limit }: { beforeMs: number; keptCount: number; limit: number },
): Promise<number> {
  const { oldest, newest } = await findEventRange(queries);
  const oldRows = await queries
    .selectFrom('events')
    .select(['sequence', 'at_ms'])
    .orderBy('sequence')
    .limit(limit)
    .execute();
  const isOld = (row: Pick<EventRow, 'sequence' | 'at_ms'>) =>
    row.at_ms < beforeMs || row.sequence <= newest - keptCount;
  const end = oldRows.findIndex((row) => !isOld(row));
  const last = oldRows.at(end === -1 ? -1 : end - 1);
  if (last === undefined || end === 0) return 0;
  await queries.deleteFrom('events').where('sequence', '>=', oldest).where('sequence', '<=', last.sequence).execute();
  return end === -1 ? oldRows.length : end;
}

function toEvent(row: EventRow): StoredEvent {
  return {
    sequence: row.sequence,
    id: row.event_id,
    atMs: row.at_ms,
    type: row.type,
    resourceType: row.resource_type as StoredEvent['resourceType'],
    resourceId: row.resource_id,
    oldStatus: row.old_status,
    newStatus: row.new_status,
    facts: JSON.parse(row.data) as StoredEvent['facts'],
  };
}
