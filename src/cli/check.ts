/**
 * `hupo check`: asks the server of a folder, or looks at the files itself while no server runs (a data plane may). It
 * changes nothing, except with `--repair`, which wants the folder for itself; and on a file system that is full to the last byte
 * it uses `DIR/reserve` as a server does, for the catalog writes a little when it is opened.
 */
import type { CliContext } from '../cli.ts';
import { checkEverything } from '../control/check.ts';
import { repairDisks } from '../control/repair.ts';
import type { DataFolder } from '../control/data-folder.ts';
import type { CheckReport, ServeCalls } from '../control/serve-calls.ts';
import { formatBytes } from '../lib/byte-units.ts';
import { OperationalError } from '../lib/errors.ts';
import { systemFiles } from '../lib/files.ts';
import { LineClient } from '../lib/line-channel.ts';
import { systemRandom } from '../lib/random.ts';
import { openRepository } from '../repository/repository.ts';
import { repositoryIn } from '../repository/stores.ts';
import { formatCommand } from './connection.ts';
import { knownFolder } from './known-folder.ts';
import { lockDisks, openCatalog, openDisks } from './open-folder.ts';
import { UsageError } from './usage-error.ts';

/** How a finding of a disk says what would be done about it (`control/check.ts`). */
const REPAIR_WORDS = '`hupo check --repair` would ';

/** The exit code: 1 when anything is wrong. */
export async function runCheck(
  options: { data: string; readData?: boolean; heal?: boolean; repair?: boolean },
  context: CliContext,
): Promise<number> {
  const folder = knownFolder(options.data, context);
  const heal = options.heal ?? false;
  const readData = heal || (options.readData ?? false);
  if (heal && options.repair === true) {
    throw new UsageError('--heal wants a data plane, and --repair that none runs: one after the other');
  }
  if (options.repair === true) {
    for (const done of await repairFiles(folder, context)) context.out(`repaired: ${done}\n`);
  }
  const report = (await askServer(folder, { readData, heal })) ?? (await checkFiles(folder, { readData, heal }));
  for (const finding of report.findings) context.out(`${finding}\n`);
  context.out(`${formatSummary(report, readData)}\n`);
  const advice = options.repair === true ? null : adviseRepair(report.findings, folder, context);
  if (advice !== null) context.out(`${advice}\n`);
  return report.findings.length === 0 ? 0 : 1;
}

function formatSummary(report: CheckReport, readData: boolean): string {
  const { findings, diskCount, snapshotCount, comparedBytes, uncomparedBytes } = report;
  const compared =
    comparedBytes === null
      ? ' (disks are compared with their snapshots while the service runs)'
      : `, ${formatBytes(comparedBytes)} of disks compared with their snapshots (of ${formatBytes(uncomparedBytes)} more none says what they must be)`;
  const looked = `${diskCount} disks and ${snapshotCount} snapshots checked${readData ? `, every byte of the repository read${compared}` : ''}`;
  if (findings.length === 0) return `${looked}: all is well.`;
  return `${looked}: ${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}.`;
}

/** What to do about findings that can be mended; null when there are none. A server's findings are lines, too. */
export function adviseRepair(
  findings: readonly string[],
  folder: Pick<DataFolder, 'root'>,
  context: Pick<CliContext, 'environment'>,
): string | null {
  const count = findings.filter((finding) => finding.includes(REPAIR_WORDS)).length;
  if (count === 0) return null;
  const stop = formatCommand(context, 'stop', folder.root);
  const repair = formatCommand(context, 'check --repair', folder.root);
  return `Nothing was changed. ${count === 1 ? 'One finding' : `${count} findings`} can be mended: \`${stop}\`, then \`${repair}\`.`;
}

async function askServer(folder: DataFolder, asked: ServeCalls['check']['request']): Promise<CheckReport | null> {
  const client = await LineClient.connect<ServeCalls>(folder.serveSocket).catch(() => null);
  if (client === null) return null;
  try {
    return await client.call('check', asked);
  } finally {
    client.close();
  }
}

async function checkFiles(folder: DataFolder, asked: ServeCalls['check']['request']): Promise<CheckReport> {
  const held = `another hupo is starting or ending on ${folder.root}: try again`;
  await using cleanup = new AsyncDisposableStack();
  const catalog = await openCatalog(folder, held, cleanup);
  const disks = await openDisks(folder, cleanup);
  if (asked.heal && disks.dataPlane === null) {
    const message = 'nothing was healed, for that is done by the data plane: start the service first';
    throw new OperationalError(message, { retryable: false });
  }
  const repository = await openRepository(repositoryIn(folder.root), systemRandom);
  cleanup.defer(() => repository.close());
  return await checkEverything(catalog.queries, disks, repository, asked);
}

/** What was done. Refused while the server or the data plane has the disks open. */
async function repairFiles(folder: DataFolder, context: CliContext): Promise<string[]> {
  const stop = formatCommand(context, 'stop', folder.root);
  const held = `something runs on ${folder.root}, and a repair needs it stopped: \`${stop}\`, then again`;
  await using cleanup = new AsyncDisposableStack();
  const catalog = await openCatalog(folder, held, cleanup);
  lockDisks(folder, held, cleanup);
  return await repairDisks(catalog.queries, systemFiles, folder.disksFolder);
}
