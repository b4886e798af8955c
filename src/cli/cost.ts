/** `hupo cost`: what snapshots took and cost, through the public API, as a table, CSV or JSON. */
import type { CliContext, ConnectOptions } from '../cli.ts';
import { findConnection } from './connection.ts';
import { alignCells } from './columns.ts';
import type { EcsClient } from './ecs-client.ts';
import { withInterrupt } from './interrupt.ts';
import { UsageError } from './usage-error.ts';

export interface CostOptions extends ConnectOptions {
  by: string;
  per: string;
  from?: string;
  to?: string;
  disk?: string;
  csv?: true;
  json?: true;
}

export interface CostAnswer {
  EndTime: string;
  NextToken: string;
  Currency: string;
  TotalCost: string;
  TotalGiBHours: number;
  Costs: { Cost: CostRow[] };
}

interface CostRow {
  Period: string;
  DiskId?: string;
  TagValue?: string;
  Category: string;
  GiBHours: number;
  Cost: string;
}

const PERIODS: Readonly<Record<string, string>> = { month: 'Month', day: 'Day', hour: 'Hour' };

export async function runCost(options: CostOptions, context: CliContext): Promise<number> {
  const parameters = parametersOf(options);
  const { client } = findConnection(options, context);
  const costs = await withInterrupt((signal) => readCosts(client, parameters, signal));
  if (options.json === true) {
    const { EndTime, Currency, TotalCost, TotalGiBHours, Costs } = costs;
    context.out(`${JSON.stringify({ EndTime, Currency, TotalCost, TotalGiBHours, Costs }, null, 2)}\n`);
    return 0;
  }
  if (options.csv === true) context.out(formatCsv(costs, options.by));
  else context.out(formatTable(costs, options.by));
  if (costs.Currency === '') {
    const { command } = context.environment;
    context.err(`Costs are not told: no prices are set. \`${command} serve --prices FILE\` sets them.\n`);
  }
  return 0;
}

/** To the end; an hour that ends meanwhile is in no page. */
async function readCosts(
  client: EcsClient,
  parameters: Record<string, string>,
  signal: AbortSignal,
): Promise<CostAnswer> {
  const ask = (more: Record<string, string>) =>
    client.call<CostAnswer>('HupoDescribeSnapshotCost', { ...parameters, MaxResults: '1000', ...more }, signal);
  const first = await ask({});
  const rows = [...first.Costs.Cost];
  for (let token = first.NextToken; token !== '';) {
    const { NextToken, Costs } = await ask({ NextToken: token, EndTime: first.EndTime });
    rows.push(...Costs.Cost);
    token = NextToken;
  }
  return { ...first, Costs: { Cost: rows } };
}

/** The parameters of the API; those that were not given are absent. */
export function parametersOf({ by, per, from, to, disk }: Omit<CostOptions, 'csv' | 'json'>): Record<string, string> {
  const period = PERIODS[per];
  if (period === undefined) throw new UsageError(`--per ${per}: give month, day or hour`);
  return {
    Period: period,
    ...groupOf(by),
    ...(from !== undefined && { StartTime: parseDate('--from', from) }),
    ...(to !== undefined && { EndTime: parseDate('--to', to) }),
    ...(disk !== undefined && { DiskId: disk }),
  };
}

function groupOf(by: string): Record<string, string> {
  if (by === 'disk') return { GroupBy: 'Disk' };
  if (by === 'none') return { GroupBy: 'None' };
  const key = /^tag:(.+)$/.exec(by)?.[1];
  if (key !== undefined) return { GroupBy: 'Tag', TagKey: key };
  throw new UsageError(`--by ${by}: give disk, tag:KEY or none`);
}

/** A day of UTC+8 begins at 16:00 of the day before in UTC. */
function parseDate(option: string, text: string): string {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const atMs = isDay ? Date.parse(`${text}T00:00:00+08:00`) : Date.parse(text);
  const isTime = isDay ? existsDay(text) : /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(text);
  if (isTime && Number.isFinite(atMs)) return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
  throw new UsageError(`${option} ${text}: give a day as 2026-11-01, or a time as 2026-11-01T00:00:00Z`);
}

/** 30 February parses as 2 March. */
function existsDay(text: string): boolean {
  const atMs = Date.parse(`${text}T00:00:00Z`);
  return Number.isFinite(atMs) && new Date(atMs).toISOString().startsWith(text);
}

function subjectTitle(by: string): string[] {
  if (by === 'none') return [];
  return [by === 'disk' ? 'disk' : by.slice('tag:'.length)];
}

function subjectOf({ DiskId, TagValue }: CostRow): string[] {
  const subject = DiskId ?? TagValue;
  return subject === undefined ? [] : [subject];
}

/** RFC 4180. Without prices the last column is empty. */
export function formatCsv({ Currency, Costs }: CostAnswer, by: string): string {
  const titles = ['period', ...subjectTitle(by), 'category', 'gib_hours', 'currency', 'cost'];
  const rows = Costs.Cost.map((row) => [
    ...[row.Period, ...subjectOf(row), row.Category, String(row.GiBHours), Currency, row.Cost],
  ]);
  return [titles, ...rows].map((row) => `${row.map(quote).join(',')}\r\n`).join('');
}

function quote(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

function formatTable({ Currency, TotalCost, TotalGiBHours, Costs }: CostAnswer, by: string): string {
  const hasPrices = Currency !== '';
  const subjects = subjectTitle(by);
  const titles = ['PERIOD', ...subjects.map((title) => (by === 'disk' ? 'DISK' : title)), 'CATEGORY', 'GIB HOURS'];
  const rows = Costs.Cost.map((row) => [
    ...[row.Period, ...subjectOf(row).map((subject) => subject || '-'), row.Category, row.GiBHours.toFixed(3)],
    ...(hasPrices ? [row.Cost] : []),
  ]);
  const total = ['total', ...subjects.map(() => ''), '', TotalGiBHours.toFixed(3), ...(hasPrices ? [TotalCost] : [])];
  const all = [[...titles, ...(hasPrices ? [Currency] : [])], ...rows, total];
  const numbersFrom = titles.length - 1;
  const columns = titles.concat('').map((_title, column) => ({
    align: column < numbersFrom ? ('left' as const) : ('right' as const),
    width: 0,
  }));
  return `${alignCells(all, columns).join('\n')}\n`;
}
