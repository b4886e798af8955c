/**
 * `hupo serve`: starts a server on a data folder, says how to use it, and ends it on Ctrl-C or SIGTERM. A second signal leaves
 * at once, as a crash would: the next start goes on.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { CliContext } from './cli.ts';
import { formatCommand } from './cli/connection.ts';
import { readTextFile } from './cli/ecs-options.ts';
import { parseSize } from './cli/size-option.ts';
import type { Rate } from './access/throttle.ts';
import { parsePriceLists } from './ecs/price-list.ts';
import type { PriceList } from './ecs/price-list.ts';
import { systemClock } from './lib/clock.ts';
import { OperationalError, messageOf } from './lib/errors.ts';
import { createLog } from './lib/log.ts';
import type { LogLevel, LogStyle } from './lib/log.ts';
import { systemRandom } from './lib/random.ts';
import { startServer } from './server.ts';
import type { RegionPlace, StopOutcome } from './region-server.ts';
import type { Machine, Server } from './server.ts';

const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

export interface ServeOptions {
  data: string;
  listen: string;
  region: string;
  addRegion?: string[];
  tls?: true;
  diskLimits?: true;
  reserve?: string;
  highWater?: string;
  verifyDays?: string;
  compactDays?: string;
  undoHours?: string;
  retentionShare?: string;
  recycleHours?: string;
  expiredDays?: string;
  eventDays?: string;
  logFormat?: LogStyle['format'];
  logLevel?: LogLevel;
  metrics?: 'loopback' | 'public' | 'off';
  metricsTokenFile?: string;
  diskMetrics?: true;
  prices?: string;
  exchange?: string;
  auditDays?: string;
  requestsPerSecond?: string;
  changesPerSecond?: string;
}

/** Runs until it is told to end; the exit code. Throws when it cannot start. */
export async function runServe(options: ServeOptions, context: CliContext): Promise<number> {
  const style = { format: options.logFormat ?? 'text', level: options.logLevel ?? 'info' } as const;
  const log = createLog('hupo', systemClock, context.err, style);
  const address = parseAddress(options.listen);
  const addedRegions = (options.addRegion ?? []).map((text) => parseRegion(text, options.data));
  const signals = watchSignals();
  try {
    const server = await startServer({
      dataFolder: path.resolve(options.data),
      exchangeFolder: options.exchange === undefined ? null : path.resolve(options.exchange),
      ...address,
      regionId: options.region,
      addedRegions,
      priceLists: readPriceLists(options.prices, [options.region, ...addedRegions.map(({ regionId }) => regionId)]),
      tls: options.tls === true ? describeMachine() : null,
      metrics: {
        open: options.metrics ?? 'loopback',
        token: readToken(options.metricsTokenFile),
        hasDisks: options.diskMetrics === true,
      },
      limitsDisks: options.diskLimits === true,
      spaceLimits: {
        reserveBytes: parseSize('--reserve', options.reserve),
        highWaterBytes: parseSize('--high-water', options.highWater),
      },
      verifyPeriodMs: parseDays('--verify-days', options.verifyDays ?? '30') * DAY_MS,
      retentionShare: parseShare(options.retentionShare ?? '50'),
      undoMs: parseHours('--undo-hours', options.undoHours ?? '24') * HOUR_MS,
      recycleMs: parseHours('--recycle-hours', options.recycleHours ?? '24') * HOUR_MS,
      expiredKeptMs: parseDays('--expired-days', options.expiredDays ?? '15') * DAY_MS,
      eventsKeptMs: parseDays('--event-days', options.eventDays ?? '7') * DAY_MS,
      compactAfterMs: parseDays('--compact-days', options.compactDays ?? '1') * DAY_MS,
      auditDays: parseDays('--audit-days', options.auditDays ?? '90'),
      requestRates: {
        reads: parseRate('--requests-per-second', options.requestsPerSecond ?? '1000'),
        changes: parseRate('--changes-per-second', options.changesPerSecond ?? '200'),
      },
      environment: context.environment,
      program: context.program,
      clock: systemClock,
      random: systemRandom,
      log,
    });
    context.out(formatBanner(server, options, context));
    endWhenAsked(server, signals.asked, context);
    context.out(formatFarewell(await server.stopped, context));
    return 0;
  } finally {
    signals.stop();
  }
}

function endWhenAsked(server: Server, asked: AbortSignal, context: CliContext): void {
  const end = () => {
    context.err('\nhupo: ending; once more leaves at once\n');
    server.stop({ force: false }).catch(() => undefined); // told by `stopped`
  };
  if (asked.aborted) end();
  else asked.addEventListener('abort', end, { once: true });
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function parseHours(option: string, text: string): number {
  const hours = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && hours <= 87_600) return hours;
  throw new OperationalError(`${option} ${text} is no number of hours up to 87600; 0 is not at all`, {
    retryable: false,
  });
}

function parseShare(text: string): number {
  const percent = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && percent <= 100) return percent / 100;
  throw new OperationalError(`--retention-share ${text} is no percentage from 0 to 100`, { retryable: false });
}

/** Of each region that is served; without a file: of none. Throws an OperationalError. */
export function readPriceLists(file: string | undefined, regionIds: readonly string[]): Map<string, PriceList> {
  if (file === undefined) return new Map();
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new OperationalError(`--prices ${file} cannot be read: ${messageOf(error)}`, { retryable: false });
  }
  return parsePriceLists(text, file, regionIds);
}

function parseDays(option: string, text: string): number {
  const days = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && days <= 3650) return days;
  throw new OperationalError(`${option} ${text} is no number of days up to 3650; 0 is never`, { retryable: false });
}

/** At once there may be ten times as many. */
const BURST_SECONDS = 10;

function parseRate(option: string, text: string): Rate {
  const perSecond = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || perSecond > 1_000_000) {
    throw new OperationalError(`${option} ${text} is no number up to 1000000; 0 is without limit`, {
      retryable: false,
    });
  }
  return perSecond === 0 ? null : { perSecond, burst: Math.max(1, perSecond * BURST_SECONDS) };
}

/** The first line of the file. */
function readToken(file: string | undefined): string | null {
  if (file === undefined) return null;
  const [token = ''] = readTextFile(file, '--metrics-token-file').split('\n');
  if (token.trim() !== '') return token.trim();
  throw new OperationalError(`--metrics-token-file ${file} holds no token in its first line`, { retryable: false });
}

/** `HOST:PORT`, `[IPv6]:PORT`. Throws an OperationalError. */
export function parseAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host !== undefined && port <= 65_535) return { host, port };
  throw new OperationalError(`--listen ${text} is not HOST:PORT, as in 127.0.0.1:7400`, { retryable: false });
}

/** `ID`, or `ID=DIR`; without a folder of its own it is in `regions/ID` of the first one's. */
function parseRegion(text: string, data: string): RegionPlace {
  const at = text.indexOf('=');
  const regionId = at < 0 ? text : text.slice(0, at);
  const dataFolder = at < 0 ? path.join(data, 'regions', regionId) : text.slice(at + 1);
  if (regionId !== '' && dataFolder !== '') return { regionId, dataFolder: path.resolve(dataFolder) };
  throw new OperationalError(`--add-region ${text} is not ID or ID=DIR, as in cn-beijing=/mnt/other/hupo`, {
    retryable: false,
  });
}

/** What this machine is called, and where others reach it. */
function describeMachine(): Machine {
  const others = Object.values(os.networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:')); // link-local ones are not unique
  return { hostName: os.hostname(), addresses: others.map(({ address }) => address) };
}

/** `asked` fires at the first signal, also one that comes while the server starts; the second leaves at once. */
function watchSignals(): { asked: AbortSignal; stop: () => void } {
  const asked = new AbortController();
  const listeners = (['SIGINT', 'SIGTERM'] as const).map((signal) => {
    const listener = () => {
      if (asked.signal.aborted) process.exit(SIGNAL_EXIT_CODES[signal]);
      asked.abort();
    };
    process.on(signal, listener);
    return { signal, listener };
  });
  const stop = () => {
    for (const { signal, listener } of listeners) process.off(signal, listener);
  };
  return { asked: asked.signal, stop };
}

/** What a person is told at the start: where it is, how to sign, what to trust, and what to type first. */
export function formatBanner(
  server: Pick<Server, 'folder' | 'endpoint' | 'key' | 'caFile' | 'isExposed'>,
  options: ServeOptions,
  context: Pick<CliContext, 'environment'>,
): string {
  const { folder, endpoint, key, caFile } = server;
  const url = `${caFile === null ? 'http' : 'https'}://${endpoint}`;
  const lines = [
    `Hupo 琥珀 serves ${folder.root}`,
    `  API      ${url}   region ${options.region}   zones ${options.region}-a, ${options.region}-b`,
    `  Console  ${url}/console/`,
  ];
  for (const text of options.addRegion ?? []) {
    const { regionId, dataFolder } = parseRegion(text, options.data);
    lines.push(`           the same, for region ${regionId}, in ${dataFolder}`);
  }
  if (!key.isStored) lines.push(`  Key      ${key.accessKeyId}, from HUPO_ACCESS_KEY_ID`);
  else if (!key.isNew) lines.push(`  Key      ${key.accessKeyId}; its secret is in ${folder.keysFolder}/root.json`);
  else lines.push(...formatNewKey(server));
  if (caFile !== null) lines.push(...formatTrust(caFile));
  else if (server.isExposed) lines.push(...formatExposure(options));
  const ask = formatCommand(context, 'ecs DescribeDisks', folder.root);
  lines.push('', 'Try', `  ${ask}`, ...formatExample(server, options), '', 'Ctrl-C ends it.', '');
  return `${lines.join('\n')}\n`;
}

/** `clients.md` 1.5. */
function formatTrust(caFile: string): string[] {
  return [
    '',
    'Clients must trust the CA of this folder:',
    `  aliyun CLI, Terraform, Go   SSL_CERT_FILE=${caFile}`,
    `  Node SDKs                   NODE_EXTRA_CA_CERTS=${caFile}`,
    `  Python SDK                  verify='${caFile}'`,
    `  curl                        --cacert ${caFile}`,
  ];
}

function formatExposure({ listen }: ServeOptions): string[] {
  return [
    '',
    `WARNING  Other machines reach this server (--listen ${listen}), and nothing on the way is hidden: whoever is there`,
    '         reads every request and answer, and may hold a signed request back and send it later. --tls prevents that.',
  ];
}

function formatNewKey({ key, folder }: Pick<Server, 'key' | 'folder'>): string[] {
  return [
    '',
    'The root AccessKey was made. Its secret is shown only now:',
    `  AccessKeyId      ${key.accessKeyId}`,
    `  AccessKeySecret  ${key.accessKeySecret}`,
    `  (kept in ${folder.keysFolder}/root.json, readable by you alone)`,
  ];
}

function formatExample(
  { endpoint, key, caFile }: Pick<Server, 'endpoint' | 'key' | 'caFile'>,
  options: ServeOptions,
): string[] {
  const secret = key.isNew ? key.accessKeySecret : '…';
  const scheme = caFile === null ? ' --insecure' : '';
  const trust = caFile === null ? '' : ` SSL_CERT_FILE=${caFile}`;
  return [
    '  export ALIBABA_CLOUD_IGNORE_PROFILE=TRUE' + trust,
    `  export ALIBABA_CLOUD_ACCESS_KEY_ID=${key.accessKeyId} ALIBABA_CLOUD_ACCESS_KEY_SECRET=${secret}`,
    `  aliyun ecs DescribeDisks --endpoint ${endpoint}${scheme} --region ${options.region}`,
  ];
}

/** Says so when the data plane stays, for whom, and how it is ended. */
export function formatFarewell(outcomes: readonly StopOutcome[], context: Pick<CliContext, 'environment'>): string {
  const staying = outcomes.filter(({ dataPlaneStays }) => dataPlaneStays);
  if (staying.length === 0) return 'Hupo has ended.\n';
  const lines = staying.map(
    (outcome) =>
      `The data plane goes on, for ${formatUse(outcome)}:\n\`${formatCommand(context, 'stop', outcome.root)}\` ends it.\n`,
  );
  return `Hupo's control plane has ended. ${lines.join('')}`;
}

/** `1 disk that is in use (4 connections)`. */
function formatUse({ clientCount, usedDiskCount }: StopOutcome): string {
  const connections = clientCount === 1 ? '1 connection' : `${clientCount} connections`;
  if (usedDiskCount === null) return `${connections} to its disks`;
  return `${usedDiskCount === 1 ? '1 disk that is' : `${usedDiskCount} disks that are`} in use (${connections})`;
}
