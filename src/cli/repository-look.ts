/** `hupo repository show`, `snapshots`, `check` and `collect`: asks the server of a folder, or looks itself while none runs. */
import type { CliContext } from '../cli.ts';
import type { DataFolder } from '../control/data-folder.ts';
import { behindError, findStanding } from '../control/ownership.ts';
import { RepositoryDesk } from '../control/repository-desk.ts';
import type { ServeCalls } from '../control/serve-calls.ts';
import { formatBytes } from '../lib/byte-units.ts';
import { systemClock } from '../lib/clock.ts';
import { OperationalError } from '../lib/errors.ts';
import { LineClient } from '../lib/line-channel.ts';
import { systemRandom } from '../lib/random.ts';
import { openRepository } from '../repository/repository.ts';
import { openObjectStore, repositoryIn } from '../repository/stores.ts';
import { formatCommand } from './connection.ts';
import { withInterrupt } from './interrupt.ts';
import { knownFolder } from './known-folder.ts';
import { openCatalog } from './open-folder.ts';
import { Progress } from './progress.ts';
import { formatReport, formatSnapshots } from './repository-report.ts';
import { parseSize } from './size-option.ts';
import { UsageError } from './usage-error.ts';

export interface LookOptions {
  data: string;
  json?: boolean;
}

type Asked = ServeCalls['repository'];

/** Asks whoever has the folder. */
type Ask = (request: Asked['request']) => Promise<Asked['reply']>;

export async function runRepositoryShow(options: LookOptions, context: CliContext): Promise<number> {
  return await withDesk(options, context, async (ask) => {
    const { report } = await ask({ action: 'describe' });
    if (report === undefined) return 1;
    context.out(options.json === true ? `${JSON.stringify(report)}\n` : formatReport(report));
    return 0;
  });
}

export async function runRepositorySnapshots(options: LookOptions, context: CliContext): Promise<number> {
  return await withDesk(options, context, async (ask) => {
    const { report } = await ask({ action: 'describe' });
    if (report === undefined) return 1;
    context.out(options.json === true ? `${JSON.stringify(report.snapshots)}\n` : formatSnapshots(report));
    return 0;
  });
}

export async function runRepositoryCheck(
  options: LookOptions & { readData?: boolean; budget?: string },
  context: CliContext,
): Promise<number> {
  const budgetBytes = parseSize('--budget', options.budget) ?? undefined;
  if (budgetBytes !== undefined && options.readData !== true) {
    throw new UsageError('--budget says how much --read-data reads: give both');
  }
  return await withDesk(options, context, async (ask, signal) => {
    const damage: string[] = [];
    let readBytes = 0;
    if (options.readData === true)
      readBytes = await readData(ask, budgetBytes ?? Infinity, { damage, context, signal });
    const isJson = options.json === true;
    const { findings = [], texts = [], healedCount = 0 } = await ask({ action: 'check', asData: isJson });
    const count = damage.length + findings.length + texts.length;
    if (isJson) {
      context.out(`${JSON.stringify({ readBytes, damage, findings, healedCount })}\n`);
      return count === 0 ? 0 : 1;
    }
    for (const line of [...damage, ...texts]) context.out(`${line}\n`);
    if (healedCount > 0)
      context.out(`Damaged chunks that were stored again, from disks that have them: ${healedCount}.\n`);
    const read = options.readData === true ? `, ${formatBytes(readBytes)} read` : '';
    const found = count === 0 ? 'all is well' : `${count} ${count === 1 ? 'finding' : 'findings'}`;
    context.out(`The repository is checked${read}: ${found}.\n`);
    return count === 0 ? 0 : 1;
  });
}

/** Pack by pack, so that it can be ended and others come between. */
async function readData(
  ask: Ask,
  budgetBytes: number,
  { damage, context, signal }: { damage: string[]; context: CliContext; signal: AbortSignal },
): Promise<number> {
  const isTerminal = process.stderr.isTTY;
  const progress = new Progress({ label: 'reading', write: context.err, isTerminal, clock: systemClock });
  // Without a budget everything is read from now on, whatever a pass has read before.
  const since = budgetBytes === Infinity ? { sinceMs: systemClock.nowMs() } : {};
  let readBytes = 0;
  try {
    for (;;) {
      signal.throwIfAborted();
      const { step } = await ask({ action: 'verify', ...since });
      if (step === undefined) return readBytes;
      readBytes += step.readBytes;
      damage.push(...step.findings);
      progress.update(readBytes, Math.min(budgetBytes, readBytes + step.leftBytes));
      if (step.isEnd || readBytes >= budgetBytes) return readBytes;
    }
  } finally {
    progress.clear();
  }
}

export async function runRepositoryCollect(
  options: LookOptions & { dryRun?: boolean },
  context: CliContext,
): Promise<number> {
  const dryRun = options.dryRun === true;
  return await withDesk(options, context, async (ask) => {
    const { collected } = await ask({ action: dryRun ? 'plan' : 'collect' });
    if (collected === undefined) return 1;
    if (options.json === true) {
      context.out(`${JSON.stringify(collected)}\n`);
      return 0;
    }
    const { deletedPacks, rewrittenPacks, freedBytes, leftDeadBytes, waiting, damaged } = collected;
    const [would, frees] = dryRun ? ['would be', 'would free up to'] : ['are', 'frees'];
    context.out(
      `Packs that ${would} deleted: ${deletedPacks}, rewritten: ${rewrittenPacks}; that ${frees} ${formatBytes(Math.max(0, freedBytes))}.\n`,
    );
    if (waiting.packCount > 0) {
      context.out(
        `Packs that wait for uploads which had begun before: ${waiting.packCount} (${formatBytes(waiting.bytes)}).\n`,
      );
    }
    for (const what of damaged) context.out(`Left alone: ${what}.\n`);
    if (leftDeadBytes > 0) context.out(`${formatBytes(leftDeadBytes)} of garbage stay, among what is needed.\n`);
    return 0;
  });
}

export async function runRepositoryCompact(options: LookOptions, context: CliContext): Promise<number> {
  return await withDesk(options, context, async (ask, signal) => {
    let packs = 0;
    let savedBytes = 0;
    for (;;) {
      signal.throwIfAborted();
      const { collected } = await ask({ action: 'compact' });
      if (collected === undefined || collected.rewrittenPacks === 0) break;
      packs += collected.rewrittenPacks;
      savedBytes += collected.freedBytes;
      if (process.stderr.isTTY) context.err(`${packs} packs, ${formatBytes(Math.max(0, savedBytes))} saved\n`);
    }
    if (options.json === true) {
      context.out(`${JSON.stringify({ rewrittenPacks: packs, freedBytes: savedBytes })}\n`);
      return 0;
    }
    context.out(`Packs that are rewritten: ${packs}; that saves ${formatBytes(Math.max(0, savedBytes))}.\n`);
    return 0;
  });
}

/** Through the server when one runs. */
async function withDesk(
  options: LookOptions,
  context: CliContext,
  work: (ask: Ask, signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const folder = knownFolder(options.data, context);
  const client = await LineClient.connect<ServeCalls>(folder.serveSocket).catch(() => null);
  if (client === null) return await withOwnDesk(folder, context, work);
  try {
    const ask: Ask = (request) => client.call('repository', request);
    return await withInterrupt((signal) => work(ask, signal));
  } finally {
    client.close();
  }
}

async function withOwnDesk(
  folder: DataFolder,
  context: CliContext,
  work: (ask: Ask, signal: AbortSignal) => Promise<number>,
): Promise<number> {
  await using cleanup = new AsyncDisposableStack();
  const held = `another hupo is starting or ending on ${folder.root}: try again`;
  const catalog = await openCatalog(folder, held, cleanup);
  const repository = await openRepository(repositoryIn(folder.root), systemRandom);
  cleanup.defer(() => repository.close());
  const standing = await findStanding({ catalog, store: openObjectStore(repositoryIn(folder.root)) });
  if (standing.is === 'behind') throw behindError((command) => formatCommand(context, command, folder.root));
  const desk = new RepositoryDesk({ catalog, repository, clock: systemClock, server: null });
  const ask: Ask = async (request) => {
    if (request.action !== 'collect' && request.action !== 'compact') return desk.answer(request);
    const serve = formatCommand(context, 'serve', folder.root);
    throw new OperationalError(`that is done by a server: \`${serve}\`, which does it by itself`, {
      retryable: false,
    });
  };
  return await withInterrupt((signal) => work(ask, signal));
}
