/**
 * What snapshots cost (`ecs-api.md` 4.9), from what they took in each hour. Pure.
 *
 * A fee is the price of a GiB and month, a month having 30 days of 24 hours, times GiB, for each clock hour that is begun. Each
 * hour of a chain is rounded to 0.00001 of the currency, as the documented example is (50, 220 and 40 GiB in 13 hours at 0.12 make
 * 0.67171), so sums of whatever kind agree with their parts.
 */
export const HOUR_MS = 3_600_000;
const HOURS_OF_MONTH = 30 * 24;
const GIB = 1024 ** 3;
/** Fees are whole numbers of this part of the currency. */
export const FEE_UNITS = 100_000;

export type PricedCategory = 'standard' | 'archive';

/** Of a region, per GiB and month. */
export type Prices = Record<PricedCategory, number>;

/** From its hour on a chain took so much, until its next mark. Hours are numbered since 1970. */
export interface UsageMark {
  diskId: string;
  category: PricedCategory;
  hour: number;
  sizeBytes: number;
}

/** What a chain took in some hours one after the other, which are within one month of UTC+8. */
export interface UsageSpan {
  diskId: string;
  category: PricedCategory;
  fromHour: number;
  hourCount: number;
  sizeBytes: number;
}

export function hourOf(atMs: number): number {
  return Math.floor(atMs / HOUR_MS);
}

/** In units of 0.00001 of the currency. */
export function feeOfHour(sizeBytes: number, pricePerGibMonth: number): number {
  return Math.round((sizeBytes / GIB) * (pricePerGibMonth / HOURS_OF_MONTH) * FEE_UNITS);
}

export function feeOfSpan({ category, sizeBytes, hourCount }: UsageSpan, prices: Prices): number {
  return feeOfHour(sizeBytes, prices[category]) * hourCount;
}

/** `1.23456`. */
export function formatFee(units: number): string {
  const digits = String(units).padStart(6, '0');
  return `${digits.slice(0, -5)}.${digits.slice(-5)}`;
}

/** By what costs are summed up: spans are cut where it changes. */
export type Period = 'month' | 'day' | 'hour';

/** UTC+8, as bills are made. */
const OFFSET_HOURS = 8;

/** `2026-11`, `2026-11-23` or `2026-11-23 14:00`, in UTC+8. */
export function nameOfPeriod(period: Period, hour: number): string {
  const text = new Date((hour + OFFSET_HOURS) * HOUR_MS).toISOString();
  if (period === 'month') return text.slice(0, 7);
  return period === 'day' ? text.slice(0, 10) : `${text.slice(0, 10)} ${text.slice(11, 13)}:00`;
}

/** Of UTC+8. */
export function startOfMonth(atMs: number): number {
  const there = new Date(atMs + OFFSET_HOURS * HOUR_MS);
  return Date.UTC(there.getUTCFullYear(), there.getUTCMonth(), 1) - OFFSET_HOURS * HOUR_MS;
}

/** The first hour of the period after the one that the hour is in. */
function endOfPeriod(period: Period, hour: number): number {
  if (period === 'hour') return hour + 1;
  const there = new Date((hour + OFFSET_HOURS) * HOUR_MS);
  const [year, month, day] = [there.getUTCFullYear(), there.getUTCMonth(), there.getUTCDate()];
  const endMs = period === 'month' ? Date.UTC(year, month + 1, 1) : Date.UTC(year, month, day + 1);
  return endMs / HOUR_MS - OFFSET_HOURS;
}

/** What the marks of one chain and category, in order, say of the hours from one to before another, cut into periods. */
export function planSpans(
  marks: readonly UsageMark[],
  { fromHour, untilHour, period }: { fromHour: number; untilHour: number; period: Period },
): UsageSpan[] {
  const spans: UsageSpan[] = [];
  for (const [index, { diskId, category, hour, sizeBytes }] of marks.entries()) {
    const end = Math.min(marks[index + 1]?.hour ?? untilHour, untilHour);
    if (sizeBytes === 0) continue;
    for (let at = Math.max(hour, fromHour); at < end;) {
      const until = Math.min(end, endOfPeriod(period, at));
      spans.push({ diskId, category, fromHour: at, hourCount: until - at, sizeBytes });
      at = until;
    }
  }
  return spans;
}

/**
 * What is to be written down when a chain takes so much now; null: nothing. In an hour the most counts that was seen in it, so that
 * a snapshot that is there for a part of an hour counts for all of it.
 */
export function planMark(
  latest: Pick<UsageMark, 'hour' | 'sizeBytes'> | null,
  hour: number,
  sizeBytes: number,
): number | null {
  if (latest === null) return sizeBytes === 0 ? null : sizeBytes;
  if (latest.hour >= hour) return sizeBytes > latest.sizeBytes ? sizeBytes : null;
  return sizeBytes === latest.sizeBytes ? null : sizeBytes;
}
