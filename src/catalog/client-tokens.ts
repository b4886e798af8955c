/**
 * Client tokens (`ecs-api.md` 1.9): written in the transaction that creates what they name, so a repeated request finds
 * either both or neither.
 */
import type { ClientTokenRow, Queries } from './schema.ts';

/** Longer than the week that clients may count on. */
export const TOKEN_KEPT_MS = 30 * 24 * 3_600_000;

export async function findClientToken(
  queries: Queries,
  action: string,
  token: string,
): Promise<ClientTokenRow | undefined> {
  return await queries
    .selectFrom('client_tokens')
    .selectAll()
    .where('action', '=', action)
    .where('token', '=', token)
    .executeTakeFirst();
}

export async function insertClientToken(queries: Queries, row: ClientTokenRow): Promise<void> {
  await queries.insertInto('client_tokens').values(row).execute();
}

/** Forgets a token, so that the same request tries anew. */
export async function deleteClientToken(queries: Queries, action: string, token: string): Promise<void> {
  await queries.deleteFrom('client_tokens').where('action', '=', action).where('token', '=', token).execute();
}

export async function deleteOldClientTokens(queries: Queries, nowMs: number): Promise<void> {
  await queries
    .deleteFrom('client_tokens')
    .where('created_at_ms', '<', nowMs - TOKEN_KEPT_MS)
    .execute();
}
