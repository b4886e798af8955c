/** `hupo disk fetch`: asks the server of a folder for it, and shows how far it is until it is over. */
import path from 'node:path';
import type { CliContext } from '../cli.ts';
import type { FetchReport, ServeCalls } from '../control/serve-calls.ts';
import { systemClock } from '../lib/clock.ts';
import type { Clock } from '../lib/clock.ts';
import { formatBytes } from '../lib/byte-units.ts';
import { OperationalError, isRetryable } from '../lib/errors.ts';
import { LineClient } from '../lib/line-channel.ts';
import { formatCommand } from './connection.ts';
import { withInterrupt } from './interrupt.ts';
import { knownFolder } from './known-folder.ts';
import { Progress } from './progress.ts';

const LOOK_EVERY_MS = 200;

export interface FetchOptions {
  data: string;
  background?: boolean;
  stop?: boolean;
}

export type AskFetch = (action: ServeCalls['fetch']['request']['action']) => Promise<FetchReport>;

export async function runFetch(diskId: string, options: FetchOptions, context: CliContext): Promise<number> {
  const { root, serveSocket } = knownFolder(options.data, context);
  const client = await LineClient.connect<ServeCalls>(serveSocket).catch((cause: unknown) => {
    const message = `no server runs on ${root}: start it with \`${formatCommand(context, 'serve', root)}\``;
    throw new OperationalError(message, { retryable: true, cause });
  });
  const ask: AskFetch = (action) => client.call('fetch', { diskId, action });
  const stage = { context, clock: systemClock, isTerminal: process.stderr.isTTY };
  try {
    return await withInterrupt((signal) => fetchBase(diskId, options, { ask, ...stage }, signal));
  } finally {
    client.close();
  }
}

/** Returns the exit code. A signal ends the looking, not the fetching. */
export async function fetchBase(
  diskId: string,
  options: FetchOptions,
  stage: { context: CliContext; clock: Clock; isTerminal: boolean; ask: AskFetch },
  signal: AbortSignal,
): Promise<number> {
  const { context, ask } = stage;
  if (options.stop === true) {
    const { isRunning } = await ask('look');
    await ask('stop');
    context.out(isRunning ? `Stopped. What was fetched stays in ${diskId}.\n` : `Nothing is being fetched.\n`);
    return 0;
  }
  const report = await ask('start');
  if (!report.isRunning && report.isWhole) {
    context.out(`There is nothing to fetch: ${diskId} needs nothing of the repository.\n`);
    return 0;
  }
  if (options.background === true) {
    context.out(`The base of ${diskId} is fetched in the background.\n`);
    return 0;
  }
  try {
    return await watch(diskId, report, stage, signal);
  } catch (error) {
    const command = formatCommand(context, `disk fetch ${diskId} --stop`, path.resolve(options.data));
    if (signal.aborted) context.err(`It goes on in the background; \`${command}\` ends it.\n`);
    else if (isRetryable(error)) context.err('The server has ended; the next one goes on with it.\n');
    throw error;
  }
}

async function watch(
  diskId: string,
  first: FetchReport,
  { context, clock, isTerminal, ask }: { context: CliContext; clock: Clock; isTerminal: boolean; ask: AskFetch },
  signal: AbortSignal,
): Promise<number> {
  let progress: Progress | null = null;
  let report = first;
  let told: string | null = null;
  try {
    while (report.isRunning) {
      if (report.totalBytes > 0) {
        progress ??= new Progress({ label: 'fetched', write: context.err, isTerminal, clock });
        progress.update(report.doneBytes, report.totalBytes);
      }
      if (report.waitsFor !== null && report.waitsFor !== told) {
        progress?.clear();
        context.err(`It waits: ${report.waitsFor}\n`);
      }
      told = report.waitsFor;
      await clock.sleep(LOOK_EVERY_MS, signal);
      report = await ask('look');
    }
  } finally {
    progress?.clear();
  }
  if (report.isWhole) {
    context.out(
      `${diskId} has all of its base, ${formatBytes(report.totalBytes)}, and needs nothing of the repository.\n`,
    );
    return 0;
  }
  const why = report.failure ?? 'the disk was rolled back or deleted meanwhile';
  context.err(`hupo: the base of ${diskId} was not fetched whole: ${why}\n`);
  return 1;
}
