/** What chains of snapshots took, as marks: of each chain and category, from which hour on how much (`ecs/billing.ts`). */
import { sql } from 'kysely';
import type { UsageMark } from '../ecs/billing.ts';
import type { Queries, Schema } from './schema.ts';

export async function putMark(queries: Queries, mark: UsageMark): Promise<void> {
  const { diskId: disk_id, category, hour, sizeBytes: size_bytes } = mark;
  await queries
    .insertInto('usage_marks')
    .values({ disk_id, category, hour, size_bytes })
    .onConflict((conflict) => conflict.columns(['disk_id', 'category', 'hour']).doUpdateSet({ size_bytes }))
    .execute();
}

/** The last mark of each chain and category. */
export async function listLatestMarks(queries: Queries): Promise<UsageMark[]> {
  const { rows } = await sql<Schema['usage_marks']>`SELECT disk_id, category, hour, size_bytes FROM usage_marks AS mark
    WHERE hour = (SELECT max(hour) FROM usage_marks AS other
      WHERE other.disk_id = mark.disk_id AND other.category = mark.category)`.execute(queries);
  return rows.map(toMark);
}

/** Those of one chain after another that say something of the hours from one to before another, in order. */
export async function* listMarks(
  queries: Queries,
  { fromHour, untilHour, diskId }: { fromHour: number; untilHour: number; diskId: string | null },
): AsyncGenerator<UsageMark[]> {
  let query = queries.selectFrom('usage_marks').select(['disk_id', 'category']).distinct();
  if (diskId !== null) query = query.where('disk_id', '=', diskId);
  for (const chain of await query.orderBy('disk_id').orderBy('category').execute()) {
    const before = queries
      .selectFrom('usage_marks')
      .select(({ fn }) => fn.max('hour').as('hour'))
      .where('disk_id', '=', chain.disk_id)
      .where('category', '=', chain.category)
      .where('hour', '<=', fromHour);
    const { hour } = await before.executeTakeFirstOrThrow();
    const rows = await queries
      .selectFrom('usage_marks')
      .selectAll()
      .where('disk_id', '=', chain.disk_id)
      .where('category', '=', chain.category)
      .where('hour', '>=', hour ?? fromHour)
      .where('hour', '<', untilHour)
      .orderBy('hour')
      .execute();
    yield rows.map(toMark);
  }
}

function toMark(row: Schema['usage_marks']): UsageMark {
  return { diskId: row.disk_id, category: row.category, hour: row.hour, sizeBytes: row.size_bytes };
}
