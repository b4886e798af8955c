/**
 * The mark in the catalog that says that the repository holds bytes which nothing needs. It is raised in the transaction
 * that makes them garbage, and lowered after a collection, unless it was raised again meanwhile: it counts.
 */
import { sql } from 'kysely';
import { clearSetting, findSetting } from '../catalog/settings.ts';
import type { Queries } from '../catalog/schema.ts';

const NAME = 'garbage';

export async function raiseGarbageMark(queries: Queries): Promise<void> {
  const raised = sql<string>`CAST(CAST(settings.value AS INTEGER) + 1 AS TEXT)`;
  await queries
    .insertInto('settings')
    .values({ name: NAME, value: '1' })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: raised }))
    .execute();
}

export async function findGarbageMark(queries: Queries): Promise<string | undefined> {
  return await findSetting(queries, NAME);
}

/** Lowers the mark that `findGarbageMark` told of, if it is still that one. */
export async function lowerGarbageMark(queries: Queries, mark: string): Promise<void> {
  await clearSetting(queries, NAME, mark);
}
