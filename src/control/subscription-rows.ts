/** What rows say of subscriptions, and in which time. */
import type { InstanceRow } from '../catalog/schema.ts';
import type { Disk, Instance, Page } from '../ecs/resources.ts';
import type { InstanceFilter } from '../ecs/list-filters.ts';
import { planEnd, refuseLateEnd } from '../ecs/subscription.ts';
import type { Period } from '../ecs/subscription.ts';
import type { LockClock } from './lock-clock.ts';
import type { Parts } from './parts.ts';
import { assertAllowed } from './rows.ts';

type Subscribed = Pick<InstanceRow, 'expires_at_ms' | 'renew_period' | 'renew_unit' | 'renewal_status'>;

/** Of a PostPaid instance. */
const unsubscribed: Subscribed = {
  ...{ expires_at_ms: null, renew_period: null, renew_unit: null },
  renewal_status: 'Normal',
};

/** Of a disk that is paid with its instance: it goes with that, and nowhere else. */
export const paidWithInstance = { prepaid: 1, portable: 0, delete_with_instance: 1 };

/** Of an instance whose subscription begins now. Throws a RequestError where it would end too late. */
export function subscriptionOf(
  { lockClock }: Pick<Parts, 'lockClock'>,
  asked: { period: Period; renewal: Period | null } | null,
): Subscribed {
  if (asked === null) return unsubscribed;
  const { period, renewal } = asked;
  const nowMs = lockClock.toClock(lockClock.nowMs());
  const endMs = planEnd(nowMs, period);
  assertAllowed(refuseLateEnd(endMs, nowMs, 'InvalidPeriod'));
  return {
    expires_at_ms: lockClock.fromClock(endMs),
    ...{ renew_period: renewal?.count ?? null, renew_unit: renewal?.unit ?? null },
    renewal_status: renewal === null ? 'Normal' : 'AutoRenewal',
  };
}

const ORDER_DIGITS = 15;

/** Nothing is ordered: a number that no other answer has. */
export function newOrderId({ random }: Pick<Parts, 'random'>): string {
  const digits = [...random.bytes(ORDER_DIGITS)].map((byte) => byte % 10);
  return `2${digits.join('')}`;
}

const MINUTE_MS = 60_000;

/** As people's clock shows an end, which is a whole minute. */
export function showEnd(lockClock: Pick<LockClock, 'toClock'>, atMs: number): number {
  return Math.round(lockClock.toClock(atMs) / MINUTE_MS) * MINUTE_MS;
}

export function showEnds<Item extends Pick<Instance | Disk, 'expiresAtMs'>>(
  lockClock: LockClock,
  page: Page<Item>,
): Page<Item> {
  const items = page.items.map((item) =>
    item.expiresAtMs === null ? item : { ...item, expiresAtMs: showEnd(lockClock, item.expiresAtMs) },
  );
  return { ...page, items };
}

/** What the filter says of ends, in the time that they are kept in. */
export function endsFilter(lockClock: LockClock, filter: InstanceFilter): InstanceFilter {
  const { expiresFromMs: fromMs, expiresUntilMs: untilMs } = filter;
  return {
    ...filter,
    ...(fromMs !== undefined && { expiresFromMs: lockClock.fromClock(fromMs) - MINUTE_MS / 2 }),
    ...(untilMs !== undefined && { expiresUntilMs: lockClock.fromClock(untilMs) + MINUTE_MS / 2 - 1 }),
  };
}
