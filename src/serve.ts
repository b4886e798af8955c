/**
 * `hupo serve`: starts a server on a data folder, says how to use it, and ends it on Ctrl-C or SIGTERM. A second signal leaves
 * at once, as a crash would: the next start goes on.
 */
import path from 'node:path';
import type { CliContext } from './cli.ts';
import { systemClock } from './lib/clock.ts';
import { OperationalError } from './lib/errors.ts';
import { createLog } from './lib/log.ts';
import { systemRandom } from './lib/random.ts';
import { startServer } from './server.ts';
import type { Server, StopOutcome } from './server.ts';

const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

export interface ServeOptions {
  data: string;
  listen: string;
  region: string;
}

/** Runs until it is told to end; the exit code. Throws when it cannot start. */
export async function runServe(options: ServeOptions, context: CliContext): Promise<number> {
  const log = createLog('hupo', systemClock, context.err);
  const address = parseAddress(options.listen);
  const signals = watchSignals();
  try {
    const server = await startServer({
      dataFolder: path.resolve(options.data),
      ...address,
      regionId: options.region,
      environment: context.environment,
      program: context.program,
      clock: systemClock,
      random: systemRandom,
      log,
    });
    context.out(formatBanner(server, options));
    endWhenAsked(server, signals.asked, context);
    context.out(formatFarewell(await server.stopped, server));
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

/** `HOST:PORT`, `[IPv6]:PORT`. Throws an OperationalError. */
export function parseAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host !== undefined && port <= 65_535) return { host, port };
  throw new OperationalError(`--listen ${text} is not HOST:PORT, as in 127.0.0.1:7400`, { retryable: false });
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

function formatBanner(server: Server, options: ServeOptions): string {
  const { folder, endpoint, key } = server;
  const lines = [
    `Hupo 琥珀 serves ${folder.root}`,
    `  API      http://${endpoint}   region ${options.region}   zones ${options.region}-a, ${options.region}-b`,
  ];
  if (!key.isStored) lines.push(`  Key      ${key.accessKeyId}, from HUPO_ACCESS_KEY_ID`);
  else if (!key.isNew) lines.push(`  Key      ${key.accessKeyId}; its secret is in ${folder.keysFolder}/root.json`);
  else lines.push(...formatNewKey(server));
  lines.push('', 'Try', ...formatExamples(server, options), '', 'Ctrl-C ends it.', '');
  return `${lines.join('\n')}\n`;
}

function formatNewKey({ key, folder }: Server): string[] {
  return [
    '',
    'The root AccessKey was made. Its secret is shown only now:',
    `  AccessKeyId      ${key.accessKeyId}`,
    `  AccessKeySecret  ${key.accessKeySecret}`,
    `  (kept in ${folder.keysFolder}/root.json, readable by you alone)`,
  ];
}

function formatExamples({ endpoint, key, folder }: Server, options: ServeOptions): string[] {
  const secret = key.isNew ? key.accessKeySecret : '"$SECRET"';
  return [
    `  hupo ecs DescribeDisks --data ${folder.root}`,
    `  aliyun ecs DescribeDisks --endpoint ${endpoint} --insecure --mode AK --region ${options.region} \\`,
    `    --access-key-id ${key.accessKeyId} --access-key-secret ${secret}`,
  ];
}

function formatFarewell(outcome: StopOutcome, { folder }: Server): string {
  if (!outcome.dataPlaneStays) return 'Hupo has ended.\n';
  const clients = outcome.clientCount === 1 ? '1 client is' : `${outcome.clientCount} clients are`;
  return `Hupo's control plane has ended. The data plane goes on, for ${clients} connected to its disks:\n\`hupo stop --data ${folder.root}\` ends it.\n`;
}
