/**
 * What disks and images of a catalog stand on whose repository was taken over: only that catalog knows, and its servers may still
 * read. Its latest copy in the repository tells; it is kept for ever, in a setting.
 */
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Queries } from '../catalog/schema.ts';
import { findSetting, putSetting } from '../catalog/settings.ts';
import type { NamedTree } from '../repository/ledger.ts';
import type { ObjectStore } from '../repository/object-store/object-store.ts';
import type { RepositoryPlace } from '../repository/stores.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { baseOf, treesOfBase } from './disk-folder.ts';
import { restoreCatalog } from './import-repository.ts';

const FORMER_TREES = 'former-trees';

/** Empty where there is no copy that is whole. */
export async function readFormerTrees(place: RepositoryPlace, store: ObjectStore): Promise<TreeRef[]> {
  fs.mkdirSync(place.cacheFolder, { recursive: true, mode: 0o700 });
  const file = path.join(place.cacheFolder, 'former-catalog.db');
  fs.rmSync(file, { force: true });
  try {
    if ((await restoreCatalog(place, store, file, () => undefined)) === null) return [];
    const database = new DatabaseSync(file);
    try {
      const bin = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'recycle_bin'").get(); // absent from earlier ones
      const tables = ['disks', 'image_disks', ...(bin === undefined ? [] : ['recycle_bin'])];
      const rows = database.prepare(tables.map((table) => `SELECT base FROM ${table}`).join(' UNION ')).all();
      return rows.flatMap(({ base }) => (base === null ? [] : treesOfBase(baseOf({ base: String(base) }))));
    } finally {
      database.close();
    }
  } finally {
    for (const name of ['', '-wal', '-shm']) fs.rmSync(`${file}${name}`, { force: true });
  }
}

export async function keepFormerTrees(transaction: Queries, trees: readonly TreeRef[]): Promise<void> {
  const known = (await listFormerTrees(transaction)).map(({ tree }) => tree);
  const wanted = new Map([...known, ...trees].flatMap((tree) => (tree.root === null ? [] : [[tree.root, tree]])));
  if (wanted.size > 0) await putSetting(transaction, FORMER_TREES, JSON.stringify([...wanted.values()]));
}

export async function listFormerTrees(queries: Queries): Promise<NamedTree[]> {
  const trees = JSON.parse((await findSetting(queries, FORMER_TREES)) ?? '[]') as TreeRef[];
  return trees.map((tree, position) => ({ name: `former catalog ${position}`, tree, near: [], chain: '' }));
}
