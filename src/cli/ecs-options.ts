/** The flags of `hupo ecs` as what they mean, each checked before anything is sent. */
import fs from 'node:fs';
import type { ConnectOptions } from '../cli.ts';
import { errnoOf, messageOf } from '../lib/errors.ts';
import { flags as allFlags } from './ecs-flags.ts';
import type { PagerFields } from './pager.ts';
import type { TableFields } from './table.ts';
import { UsageError } from './usage-error.ts';
import type { WaiterFields } from './waiter.ts';

export interface EcsOptions {
  table: TableFields | null;
  query: string | null;
  waiter: WaiterFields | null;
  pager: PagerFields | null;
  dryRun: boolean;
  quiet: boolean;
  force: boolean;
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  /** Parameters as a form, in place of the query. */
  body: string | null;
  retryCount: number;
  connect: ConnectOptions;
}

const EXCLUSIVE: readonly (readonly [string, string])[] = [
  ['pager', 'waiter'],
  ['dryrun', 'pager'],
  ['dryrun', 'waiter'],
  ['dryrun', 'quiet'],
  ['secure', 'insecure'],
  ['body', 'body-file'],
];

type Given = ReadonlyMap<string, readonly string[]>;

/** Throws a UsageError that names the flag and what it takes. */
export function readOptions(given: Given): EcsOptions {
  for (const [one, other] of EXCLUSIVE) {
    if (given.has(one) && given.has(other)) throw new UsageError(`flag --${one} is exclusive with --${other}`);
  }
  checkWords(given);
  return {
    table: readTable(given),
    query: valueOf(given, 'cli-query') ?? null,
    waiter: readWaiter(given),
    pager: given.has('pager') ? fieldsOf(given, 'pager') : null,
    dryRun: given.has('dryrun'),
    quiet: given.has('quiet'),
    force: given.has('force'),
    method: valueOf(given, 'method') === 'GET' ? 'GET' : 'POST',
    headers: Object.fromEntries((given.get('header') ?? []).map(splitPair)),
    body: readBody(given),
    retryCount: numberOf(given, 'retry-count', { least: 0, most: 100 }) ?? 0,
    connect: readConnect(given),
  };
}

/** Of the flags that take one of a few words. */
function checkWords(given: Given): void {
  for (const { name, values } of allFlags) {
    const value = valueOf(given, name);
    if (values === undefined || value === undefined || values.includes(value)) continue;
    throw new UsageError(`--${name} ${value} is not supported: it must be ${values.join(' or ')}`);
  }
}

function readTable(given: Given): TableFields | null {
  if (!given.has('output')) return null;
  const { cols = '', rows, num } = fieldsOf(given, 'output');
  const columns = unquote(cols)
    .split(',')
    .map((column) => column.trim());
  if (columns.includes('')) {
    throw new UsageError('--output needs the columns to print: --output cols=DiskId,Status rows=Disks.Disk[]');
  }
  if (num !== undefined && num !== 'true' && num !== 'false') throw new UsageError(`num=${num} must be true or false`);
  return { columns, rows: unquote(rows ?? '').trim() || null, isNumbered: num === 'true' };
}

function readWaiter(given: Given): WaiterFields | null {
  if (!given.has('waiter')) return null;
  const { expr, to, timeout, interval } = fieldsOf(given, 'waiter');
  if (expr === undefined || to === undefined) {
    throw new UsageError(
      "--waiter needs both, as in: --waiter expr='Snapshots.Snapshot[0].Status' to=accomplished [timeout=180] [interval=5]",
    );
  }
  return {
    expr,
    to,
    timeoutS: parseNumber('--waiter timeout', timeout ?? '180', { least: 1, most: 600 }),
    intervalS: parseNumber('--waiter interval', interval ?? '5', { least: 2, most: 10 }),
  };
}

function readBody(given: Given): string | null {
  const file = valueOf(given, 'body-file');
  return file === undefined ? (valueOf(given, 'body') ?? null) : readTextFile(file, '--body-file');
}

function readConnect(given: Given): ConnectOptions {
  const seconds = { least: 1, most: 86_400 };
  const connectTimeoutS = numberOf(given, 'connect-timeout', seconds);
  const readTimeoutS = numberOf(given, 'read-timeout', seconds);
  const token = valueOf(given, 'sts-token');
  const mode = valueOf(given, 'mode');
  if (mode === 'StsToken' && token === undefined && !given.has('profile')) {
    throw new UsageError('--mode StsToken needs --sts-token');
  }
  if (mode === 'AK' && token !== undefined) throw new UsageError('--sts-token belongs to --mode StsToken');
  return {
    ...text(given, 'endpoint', 'endpoint'),
    ...text(given, 'access-key-id', 'accessKeyId'),
    ...text(given, 'access-key-secret', 'accessKeySecret'),
    ...text(given, 'sts-token', 'stsToken'),
    ...text(given, 'region', 'region'),
    ...text(given, 'data', 'data'),
    ...text(given, 'ca', 'ca'),
    ...text(given, 'profile', 'profile'),
    ...text(given, 'config-path', 'profileFile'),
    ...(given.has('insecure') ? { insecure: true } : {}),
    ...(given.has('secure') ? { insecure: false } : {}),
    ...(given.has('skip-secure-verify') ? { skipSecureVerify: true } : {}),
    ...(connectTimeoutS === undefined ? {} : { connectTimeoutMs: connectTimeoutS * 1000 }),
    ...(readTimeoutS === undefined ? {} : { readTimeoutMs: readTimeoutS * 1000 }),
  };
}

function text<Name extends string>(given: Given, flag: string, name: Name): { [key in Name]?: string } {
  const value = valueOf(given, flag);
  return value === undefined ? {} : ({ [name]: value } as { [key in Name]: string });
}

function valueOf(given: Given, name: string): string | undefined {
  return given.get(name)?.[0];
}

/** The fields of a flag; one that is given twice is refused. */
function fieldsOf(given: Given, name: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [field, value] of (given.get(name) ?? []).map(splitPair)) {
    if (Object.hasOwn(fields, field)) throw new UsageError(`--${name} has ${field}= twice`);
    fields[field] = value;
  }
  return fields;
}

function splitPair(pair: string): [string, string] {
  const at = pair.indexOf('=');
  return [pair.slice(0, at), pair.slice(at + 1)];
}

/** Quotes that a shell left, as in a command that was written for another one. */
function unquote(value: string): string {
  return /^".*"$/s.test(value) ? value.slice(1, -1) : value;
}

function numberOf(given: Given, name: string, range: { least: number; most: number }): number | undefined {
  const value = valueOf(given, name);
  return value === undefined ? undefined : parseNumber(`--${name}`, value, range);
}

function parseNumber(what: string, value: string, { least, most }: { least: number; most: number }): number {
  const number = /^\d{1,6}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new UsageError(`${what}=${value} must be a whole number from ${least} to ${most}`);
}

/** `flag` is what named it. Throws a UsageError when it cannot be read. */
export function readTextFile(file: string, flag: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw new UsageError(`${flag}: there is no file ${file}`);
    throw new UsageError(`${flag}: ${file} cannot be read: ${messageOf(error)}`);
  }
}
