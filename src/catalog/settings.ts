/** Single values that the catalog remembers: the region, the epoch, whether garbage waits. */
import type { Queries } from './schema.ts';

export async function findSetting(queries: Queries, name: string): Promise<string | undefined> {
  const row = await queries.selectFrom('settings').select('value').where('name', '=', name).executeTakeFirst();
  return row?.value;
}

export async function putSetting(queries: Queries, name: string, value: string): Promise<void> {
  await queries
    .insertInto('settings')
    .values({ name, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute();
}

/** Removes a setting if it still has that value; tells whether it did. */
export async function clearSetting(queries: Queries, name: string, value: string): Promise<boolean> {
  const result = await queries
    .deleteFrom('settings')
    .where('name', '=', name)
    .where('value', '=', value)
    .executeTakeFirst();
  return result.numDeletedRows > 0n;
}

export async function deleteSetting(queries: Queries, name: string): Promise<void> {
  await queries.deleteFrom('settings').where('name', '=', name).execute();
}
