/** User data of instances, apart from their rows: only who asks for it reads it. */
import type { Queries } from './schema.ts';

export async function putUserData(queries: Queries, instanceId: string, userData: string): Promise<void> {
  await queries
    .insertInto('user_data')
    .values({ instance_id: instanceId, user_data: userData })
    .onConflict((conflict) => conflict.column('instance_id').doUpdateSet({ user_data: userData }))
    .execute();
}

/** Base64; undefined for an instance without any. */
export async function findUserData(queries: Queries, instanceId: string): Promise<string | undefined> {
  const row = await queries
    .selectFrom('user_data')
    .select('user_data')
    .where('instance_id', '=', instanceId)
    .executeTakeFirst();
  return row?.user_data;
}
