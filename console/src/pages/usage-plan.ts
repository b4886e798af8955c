/** From costs to what a chart, a table and a file have of them. Pure. */
import type { Cost } from '../api/shapes-observe.ts';

/** Bills are made by the days of UTC+8. */
const OFFSET_MS = 8 * 3_600_000;
const DAY_MS = 86_400_000;
/** So many bars fit; for a longer time there is one a month. */
const MOST_DAYS_BY_DAY = 92;
/** Fees are told to 0.00001 of the currency. */
const FEE_UNITS = 100_000;

export interface UsageSpan {
  from: string;
  to: string;
  StartTime: string;
  EndTime: string;
  Period: 'Day' | 'Month';
}

/** Days as in the address; what is no day: the last thirty days. */
export function planSpan(from: string, to: string, nowMs: number): UsageSpan {
  const today = dayOf(nowMs);
  const last = isDay(to) ? to : today;
  const first = isDay(from) ? from : dayOf(startOf(last) - 29 * DAY_MS);
  const untilMs = startOf(last) + DAY_MS;
  return {
    from: first,
    to: last,
    StartTime: timeText(startOf(first)),
    EndTime: timeText(untilMs),
    Period: untilMs - startOf(first) > MOST_DAYS_BY_DAY * DAY_MS ? 'Month' : 'Day',
  };
}

/** Each day or month of the span, none left out; not beyond today. */
export function listPeriods({ from, to, Period: period }: UsageSpan, nowMs: number): string[] {
  const lastMs = Math.min(startOf(to), startOf(dayOf(nowMs)));
  const names = new Set<string>();
  for (let atMs = startOf(from); atMs <= lastMs; atMs += DAY_MS)
    names.add(period === 'Day' ? dayOf(atMs) : dayOf(atMs).slice(0, 7));
  return [...names];
}

export interface UsageRow {
  /** A disk, a tag's value, or a period. */
  subject: string;
  standard: number;
  archive: number;
  gibHours: number;
  /** In units of 0.00001. */
  fee: number;
}

/** What each one took in all, the most first. */
export function sumUp(costs: readonly Cost[], subjectOf: (cost: Cost) => string): UsageRow[] {
  const rows = new Map<string, UsageRow>();
  for (const cost of costs) {
    const subject = subjectOf(cost);
    const row = rows.get(subject) ?? { subject, standard: 0, archive: 0, gibHours: 0, fee: 0 };
    rows.set(subject, {
      ...row,
      [cost.Category]: row[cost.Category] + cost.GiBHours,
      gibHours: row.gibHours + cost.GiBHours,
      fee: row.fee + Math.round(Number(cost.Cost) * FEE_UNITS),
    });
  }
  return [...rows.values()].sort((one, other) => other.gibHours - one.gibHours);
}

export function feeText(units: number): string {
  return (units / FEE_UNITS).toFixed(5);
}

/** To four figures, but no more than three behind the point. */
export function gibHoursText(gibHours: number): string {
  if (gibHours > 0 && gibHours < 0.001) return '< 0.001';
  return gibHours >= 1000 ? String(Math.round(gibHours)) : String(Number(gibHours.toPrecision(4)));
}

/**
 * RFC 4180, with the mark by which spreadsheets know UTF-8. What others wrote and a spreadsheet would take for a formula gets an apostrophe.
 */
export function formatCsv(costs: readonly Cost[], subjectTitle: string | null, currency: string): string {
  const titles = ['period', ...(subjectTitle === null ? [] : [plain(subjectTitle)])];
  const rows = costs.map((cost) => [
    cost.Period,
    ...(subjectTitle === null ? [] : [plain(cost.DiskId ?? cost.TagValue ?? '')]),
    cost.Category,
    String(cost.GiBHours),
    ...(currency === '' ? [] : [currency, cost.Cost]),
  ]);
  const all = [[...titles, 'category', 'gib_hours', ...(currency === '' ? [] : ['currency', 'cost'])], ...rows];
  return `\uFEFF${all.map((row) => `${row.map(quote).join(',')}\r\n`).join('')}`;
}

function plain(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

function quote(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(startOf(text)) && dayOf(startOf(text)) === text;
}

function startOf(day: string): number {
  return Date.parse(`${day}T00:00:00+08:00`);
}

function dayOf(timeMs: number): string {
  return new Date(timeMs + OFFSET_MS).toISOString().slice(0, 10);
}

function timeText(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
}
