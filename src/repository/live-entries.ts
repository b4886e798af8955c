/**
 * The collector's mark: which digests are live, and which of a digest's copies is kept. It lies in temporary tables of
 * the index's connection (on disk, private, gone with it), so memory stays bounded however large the repository is.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Digest } from './digest.ts';
import type { EntryReader } from './entry-reader.ts';
import type { PackIndex } from './pack-index.ts';
import type { PageReader } from './page-reader.ts';
import type { PackUsage } from './plan-collect.ts';
import type { TreeRef } from './tree-ref.ts';

export class LiveEntries {
  readonly #index: PackIndex;
  readonly #database: DatabaseSync;
  readonly #add: StatementSync;
  readonly #isKept: StatementSync;

  constructor(index: PackIndex) {
    this.#index = index;
    this.#database = index.database;
    this.#database.exec(`
      PRAGMA temp_store = FILE;
      DROP TABLE IF EXISTS temp.live;
      CREATE TEMP TABLE live (digest BLOB PRIMARY KEY, isPage INTEGER NOT NULL, pack INTEGER) WITHOUT ROWID;
    `);
    this.#add = this.#database.prepare('INSERT OR IGNORE INTO temp.live (digest, isPage) VALUES (?, ?)');
    this.#isKept = this.#database.prepare(
      'SELECT 1 FROM temp.live JOIN packs ON packs.number = live.pack WHERE digest = ? AND packs.id = ?',
    );
  }

  close(): void {
    this.#database.exec('DROP TABLE IF EXISTS temp.live');
  }

  /** Marks everything that the tree reaches; parts that are marked already are not walked again. Throws CorruptionError. */
  async mark(tree: TreeRef, pages: PageReader): Promise<void> {
    if (tree.root !== null) await this.#markPage(Buffer.from(tree.root, 'hex'), tree.levels, pages);
  }

  async #markPage(digest: Digest, level: number, pages: PageReader): Promise<void> {
    if (this.#add.run(digest, 1).changes === 0) return;
    const { children } = await pages.read(digest, level);
    for (const child of children) {
      if (child === null) continue;
      if (level === 1) this.#add.run(child, 0);
      else await this.#markPage(child, level - 1, pages);
    }
  }

  /** Chooses the copy that stays. Where there are several, one that reads well: the others may then go. */
  async chooseCopies(entries: EntryReader): Promise<void> {
    this.#database.exec(`
      UPDATE temp.live SET pack = (SELECT min(pack) FROM entries WHERE entries.digest = live.digest);
    `);
    const doubled = this.#database
      .prepare(
        `SELECT digest, isPage FROM temp.live
         WHERE (SELECT count(*) FROM entries WHERE entries.digest = live.digest) > 1`,
      )
      .all() as { digest: Uint8Array; isPage: number }[];
    const choose = this.#database.prepare(
      'UPDATE temp.live SET pack = (SELECT number FROM packs WHERE id = ?) WHERE digest = ?',
    );
    for (const { digest, isPage } of doubled) {
      const name = Buffer.from(digest);
      for (const location of this.#index.locate(name)) {
        if (!Buffer.isBuffer(await entries.readAt(location, name, isPage === 1 ? 'page' : 'chunk'))) continue;
        choose.run(Buffer.from(location.packId, 'hex'), name);
        break;
      }
    }
  }

  /** Whether this copy is live. */
  isKept(digest: Digest, packId: string): boolean {
    return this.#isKept.get(digest, Buffer.from(packId, 'hex')) !== undefined;
  }

  /** How much of each indexed pack is live and dead. */
  measurePacks(): PackUsage[] {
    const rows = this.#database
      .prepare(
        `SELECT lower(hex(packs.id)) AS packId,
           coalesce(sum(share) FILTER (WHERE isLive), 0) AS liveBytes,
           coalesce(sum(share) FILTER (WHERE NOT isLive), 0) AS deadBytes
         FROM packs LEFT JOIN (
           SELECT entries.pack, 1.0 * storedLength * length / plainLength AS share,
             coalesce(live.pack = entries.pack, 0) AS isLive
           FROM entries LEFT JOIN temp.live ON live.digest = entries.digest
         ) AS shares ON shares.pack = packs.number
         GROUP BY packs.number`,
      )
      .all();
    return rows as unknown as PackUsage[];
  }
}
