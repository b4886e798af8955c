/**
 * Subscriptions (PrePaid): for how long one is bought or renewed, when it ends, and what comes then. Pure. Times are those that
 * people's clock shows; months are those of UTC+8, where ECS counts them, and a day that a month has not is its last one.
 */
import { DAY_MS, HOUR_MS } from './lock-rules.ts';
import { refusal } from './states.ts';
import type { Refusal } from './states.ts';

export type ChargeType = 'PostPaid' | 'PrePaid';
export type PeriodUnit = 'Week' | 'Month' | 'Year';
export type RenewalStatus = 'AutoRenewal' | 'Normal' | 'NotRenewal';

export const chargeTypes: readonly ChargeType[] = ['PostPaid', 'PrePaid'];
export const renewalStatuses: readonly RenewalStatus[] = ['AutoRenewal', 'Normal', 'NotRenewal'];

export interface Period {
  count: number;
  unit: PeriodUnit;
}

/** How many of each unit there may be. */
export type PeriodTable = Readonly<Partial<Record<PeriodUnit, readonly number[]>>>;

const weeks = [1, 2, 3, 4];
const years = [1, 2, 3, 4, 5];
const months = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 24, 36, 48, 60];

/** RunInstances, CreateInstance, ModifyInstanceChargeType. */
export const boughtPeriods: PeriodTable = { Week: weeks, Month: months };
/** RenewInstance. */
export const renewedPeriods: PeriodTable = { ...boughtPeriods, Year: years };
/** What renews by itself: AutoRenewPeriod, and Duration of ModifyInstanceAutoRenewAttribute. */
export const automaticPeriods: PeriodTable = { Week: weeks, Month: [1, 2, 3, 6, 12, 24, 36, 48, 60], Year: years };

/** The end that ECS shows for what is paid as it goes: 2999-09-08T16:00Z. */
export const NEVER_EXPIRES_MS = Date.UTC(2999, 8, 8, 16);

const MINUTE_MS = 60_000;
const ZONE_MS = 8 * HOUR_MS;
/** No subscription ends later from now on. */
const MOST_AHEAD_MS = 10 * 366 * DAY_MS;

export function isPeriod({ count, unit }: Period, table: PeriodTable): boolean {
  return table[unit]?.includes(count) ?? false;
}

/** As late in the day as it was; from 31 January on a month it is the last day of February. */
export function addPeriod(atMs: number, { count, unit }: Period): number {
  if (unit === 'Week') return atMs + count * 7 * DAY_MS;
  const local = new Date(atMs + ZONE_MS);
  const year = local.getUTCFullYear();
  const month = local.getUTCMonth() + count * (unit === 'Year' ? 12 : 1);
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const day = Date.UTC(year, month, Math.min(local.getUTCDate(), lastDay));
  return day + ((atMs + ZONE_MS) % DAY_MS) - ZONE_MS;
}

/** The end of what begins now: a whole minute, for minutes are what is shown. */
export function planEnd(nowMs: number, period: Period): number {
  return addPeriod(Math.ceil(nowMs / MINUTE_MS) * MINUTE_MS, period);
}

/** Renewed by hand: from its end on, or from now where that is over. */
export function planRenewal(expiresAtMs: number, nowMs: number, period: Period): number {
  return expiresAtMs > nowMs ? addPeriod(expiresAtMs, period) : planEnd(nowMs, period);
}

/**
 * The next end of one that is renewed by itself, period by period: the same whether somebody looked at each end or only at the
 * last. An end that is not over stays.
 */
export function planAutomaticEnd(expiresAtMs: number, nowMs: number, period: Period): number {
  let endMs = expiresAtMs;
  while (endMs <= nowMs) endMs = addPeriod(endMs, period);
  return endMs;
}

export function refuseLateEnd(endMs: number, nowMs: number, code: string): Refusal | null {
  if (endMs <= nowMs + MOST_AHEAD_MS) return null;
  return refusal(code, 'A subscription ends ten years from now at the latest: choose a shorter period.');
}
