/** Event subscriptions in the catalog: whom events are told to, and how far they have been. */
import type { Updateable } from 'kysely';
import type { EventSubscriptionRow, Queries } from './schema.ts';

export async function insertSubscription(queries: Queries, row: EventSubscriptionRow): Promise<void> {
  await queries.insertInto('event_subscriptions').values(row).execute();
}

export async function findSubscription(queries: Queries, id: string): Promise<EventSubscriptionRow | undefined> {
  return await queries
    .selectFrom('event_subscriptions')
    .selectAll()
    .where('subscription_id', '=', id)
    .executeTakeFirst();
}

/** Oldest first; there are few. */
export async function listSubscriptions(queries: Queries): Promise<EventSubscriptionRow[]> {
  return await queries
    .selectFrom('event_subscriptions')
    .selectAll()
    .orderBy('created_at_ms')
    .orderBy('subscription_id')
    .execute();
}

export async function updateSubscription(
  queries: Queries,
  id: string,
  change: Updateable<EventSubscriptionRow>,
): Promise<void> {
  await queries.updateTable('event_subscriptions').set(change).where('subscription_id', '=', id).execute();
}

/** Whether it was there. */
export async function deleteSubscription(queries: Queries, id: string): Promise<boolean> {
  const result = await queries.deleteFrom('event_subscriptions').where('subscription_id', '=', id).executeTakeFirst();
  return result.numDeletedRows > 0n;
}
