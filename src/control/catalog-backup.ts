/**
 * A copy of the catalog for `hupo backup`, made beside all that a server does. It is marked so that whoever restores it must import
 * before it writes (R6): what it knows of the repository may be gone by then. A crash leaves `cache/backup-….db`, which the
 * next backup removes when it is old.
 */
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Catalog } from '../catalog/catalog.ts';
import type { Random } from '../lib/random.ts';

const LEFT_MS = 3_600_000;

/** The path of the copy (0600), which the caller removes. */
export async function copyCatalog(
  catalog: Catalog,
  cacheFolder: string,
  { random, nowMs }: { random: Random; nowMs: number },
): Promise<string> {
  removeLeft(cacheFolder, nowMs);
  const file = path.join(cacheFolder, `backup-${random.bytes(8).toString('hex')}.db`);
  fs.closeSync(fs.openSync(file, 'wx', 0o600));
  try {
    await catalog.copyTo(file);
    markRestored(file);
  } catch (error) {
    fs.rmSync(file, { force: true });
    throw error;
  }
  return file;
}

/** No owner of the repository ever has these marks: to it, the catalog is behind (`ownership.ts`). */
function markRestored(file: string): void {
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA journal_mode = DELETE');
    database
      .prepare(`UPDATE settings SET value = ? WHERE name = 'repository-marks'`)
      .run(JSON.stringify({ latest: 'restored from a backup', before: null }));
  } finally {
    database.close();
  }
}

function removeLeft(cacheFolder: string, nowMs: number): void {
  for (const name of fs.readdirSync(cacheFolder).filter((each) => each.startsWith('backup-'))) {
    const file = path.join(cacheFolder, name);
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    if (stat !== undefined && stat.mtimeMs < nowMs - LEFT_MS) fs.rmSync(file, { force: true });
  }
}
