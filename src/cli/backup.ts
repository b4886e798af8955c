/**
 * `hupo backup FILE` and `hupo restore FILE`: the catalog and the keys in one file, as of one moment, while the service runs or not.
 * Disks and the repository are not in it. Restoring writes the catalog last, so that a crash before leaves a folder without one, where it
 * is done again.
 */
import fs from 'node:fs';
import path from 'node:path';
import { findSetting } from '../catalog/settings.ts';
import type { CliContext } from '../cli.ts';
import { extractFile, verifyBackup, writeBackup } from '../control/backup-file.ts';
import { copyCatalog } from '../control/catalog-backup.ts';
import { ensureDataFolder } from '../control/data-folder.ts';
import type { DataFolder } from '../control/data-folder.ts';
import type { ServeCalls } from '../control/serve-calls.ts';
import { formatBytes } from '../lib/byte-units.ts';
import { systemClock } from '../lib/clock.ts';
import { OperationalError } from '../lib/errors.ts';
import { LineClient } from '../lib/line-channel.ts';
import { systemRandom } from '../lib/random.ts';
import { formatCommand } from './connection.ts';
import { isThere, knownFolder } from './known-folder.ts';
import { lockDisks, openCatalog } from './open-folder.ts';

const CATALOG = 'catalog.db';

/** The exit code. */
export async function runBackup(
  file: string,
  options: { data: string },
  context: CliContext & { version: string },
): Promise<number> {
  const folder = knownFolder(options.data, context);
  if (fs.existsSync(file)) throw refusal(`${file} is there already: name another file`);
  const { copy, regionId } = (await askServer(folder)) ?? (await copyHere(folder));
  try {
    const about = { takenAtMs: systemClock.nowMs(), hupoVersion: context.version, regionId };
    const header = writeBackup(file, about, [{ name: CATALOG, from: copy }, ...listSecrets(folder)]);
    const sizeBytes = header.files.reduce((sum, one) => sum + one.sizeBytes, 0);
    context.out(
      `${file} holds the catalog and ${header.files.length - 1} files of keys (${formatBytes(sizeBytes)}), secrets too: keep it as safe as them.\n`,
    );
    context.out('Disks and the repository are not in it.\n');
  } finally {
    fs.rmSync(copy, { force: true });
  }
  return 0;
}

async function askServer(folder: DataFolder): Promise<{ copy: string; regionId: string } | null> {
  const client = await LineClient.connect<ServeCalls>(folder.serveSocket).catch(() => null);
  if (client === null) return null;
  try {
    return await client.call('backup', {});
  } finally {
    client.close();
  }
}

async function copyHere(folder: DataFolder): Promise<{ copy: string; regionId: string }> {
  await using cleanup = new AsyncDisposableStack();
  const catalog = await openCatalog(folder, `a server is starting or ending on ${folder.root}: try again`, cleanup);
  const outside = { random: systemRandom, nowMs: systemClock.nowMs() };
  const copy = await copyCatalog(catalog, folder.cacheFolder, outside);
  return { copy, regionId: (await findSetting(catalog.queries, 'region')) ?? '' };
}

/** Keys, and the CA that clients trust. */
function listSecrets(folder: DataFolder): { name: string; from: string }[] {
  return [folder.keysFolder, folder.tlsFolder].flatMap((at) =>
    (fs.existsSync(at) ? fs.readdirSync(at, { withFileTypes: true }) : [])
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.new'))
      .map(({ name }) => ({ name: `${path.basename(at)}/${name}`, from: path.join(at, name) })),
  );
}

/** The exit code. Refuses a folder that has a catalog or runs; what is wrong with the file is said before anything is written. */
export async function runRestore(file: string, options: { data: string }, context: CliContext): Promise<number> {
  const root = path.resolve(options.data);
  if (!isThere(file)) throw refusal(`${file} is not there`);
  const header = verifyBackup(file);
  if (isThere(path.join(root, CATALOG)))
    throw refusal(
      `${path.join(root, CATALOG)} is there: \`${formatCommand(context, 'stop', root)}\`, then move it (and its -wal) away, or choose another folder`,
    );
  const folder = ensureDataFolder(root, context.environment.runtimeFolder);
  await using cleanup = new AsyncDisposableStack();
  lockDisks(folder, `a data plane runs on ${root}: \`${formatCommand(context, 'stop', root)}\`, then again`, cleanup);
  for (const name of ['-wal', '-shm']) fs.rmSync(`${folder.catalogFile}${name}`, { force: true });
  for (const { name } of header.files.filter((one) => one.name !== CATALOG)) {
    const target = path.join(root, name);
    fs.mkdirSync(path.dirname(target), { recursive: true, mode: 0o700 });
    if (isThere(target)) context.out(`${target} is left as it is.\n`);
    else extractFile(file, name, target);
  }
  extractFile(file, CATALOG, folder.catalogFile);
  context.out(
    `The catalog of ${header.regionId} is that of ${new Date(header.takenAtMs).toISOString()}. It does not know what came since, so it has to import before it is served:\n` +
      `  ${formatCommand(context, 'repository import', root)}\n`,
  );
  return 0;
}

function refusal(message: string): OperationalError {
  return new OperationalError(message, { retryable: false });
}
