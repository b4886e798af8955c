/** Subscriptions in the catalog: columns of instances and disks. Their ends are moments of `control/lock-clock.ts`. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { InstanceFilter } from '../ecs/list-filters.ts';
import { NEVER_EXPIRES_MS } from '../ecs/subscription.ts';
import { atLeastOne } from './disks.ts';
import type { Queries } from './schema.ts';

/** When the subscription of each of them ends; those that are PostPaid are absent. */
export async function listEnds(queries: Queries, instanceIds: readonly string[]): Promise<Map<string, number>> {
  const rows = await queries
    .selectFrom('instances')
    .select(['instance_id', 'expires_at_ms'])
    .where('instance_id', 'in', atLeastOne([...instanceIds]))
    .where('expires_at_ms', 'is not', null)
    .execute();
  return new Map(rows.map((row) => [row.instance_id, row.expires_at_ms ?? 0]));
}

/** Instances whose subscription is over by then, and that are not locked for it. */
export async function listExpired(queries: Queries, untilMs: number): Promise<string[]> {
  const rows = await queries
    .selectFrom('instances')
    .select('instance_id')
    .where('expires_at_ms', '<=', untilMs)
    .where(
      sql<boolean>`NOT EXISTS (SELECT 1 FROM instance_locks
      WHERE instance_locks.instance_id = instances.instance_id AND reason = 'financial')`,
    )
    .orderBy('expires_at_ms')
    .orderBy('instance_id')
    .execute();
  return rows.map((row) => row.instance_id);
}

/** What a filter says of charging. */
export function endsAsWanted(
  wanted: Pick<InstanceFilter, 'chargeType' | 'expiresFromMs' | 'expiresUntilMs'>,
): RawBuilder<boolean>[] {
  const { chargeType, expiresFromMs: fromMs, expiresUntilMs: untilMs } = wanted;
  const conditions: RawBuilder<boolean>[] = [];
  if (chargeType !== undefined) {
    conditions.push(chargeType === 'PrePaid' ? sql`expires_at_ms IS NOT NULL` : sql`expires_at_ms IS NULL`);
  }
  if (fromMs !== undefined) conditions.push(sql`coalesce(expires_at_ms, ${NEVER_EXPIRES_MS}) >= ${fromMs}`);
  if (untilMs !== undefined) conditions.push(sql`coalesce(expires_at_ms, ${NEVER_EXPIRES_MS}) <= ${untilMs}`);
  return conditions;
}
