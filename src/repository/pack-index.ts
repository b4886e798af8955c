/**
 * Where each chunk and page is stored: a local SQLite file (`index.db`), many processes at once. It is a cache of the
 * packs' footers and may be lost at any time; so that it never claims what is not there, a pack's rows are written
 * after the pack is durable and removed before the pack is. A power cut may bring removed rows back or lose new ones:
 * `reconcile` compares it with the store, in both directions, before anything is written.
 *
 * A digest may be in several packs (two uploads at once, an interrupted collection): all places are kept.
 */
import fs from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { CorruptionError, OperationalError, messageOf } from '../lib/errors.ts';
import { explainSqlite, guardSqlite } from '../lib/sqlite-errors.ts';
import type { Digest } from './digest.ts';
import type { ObjectStore } from './object-store/object-store.ts';
import { PACK_PREFIX, findPackId, packName } from './pack.ts';
import { readPackContents } from './pack-end.ts';
import type { PackContents } from './pack.ts';

/** `PRAGMA user_version`: another one means that the file is made again. */
const SCHEMA_VERSION = 1;
const BUSY_TIMEOUT_MS = 15_000;
/** 32 MiB: a pack's digests are everywhere in the file, so a checkpoint, which syncs, would else come with every pack. */
const CHECKPOINT_PAGES = 8192;

const SCHEMA = `
  CREATE TABLE packs (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, sizeBytes INTEGER NOT NULL);
  CREATE TABLE entries (
    digest BLOB NOT NULL, pack INTEGER NOT NULL, groupOffset INTEGER NOT NULL, storedLength INTEGER NOT NULL,
    plainLength INTEGER NOT NULL, codec INTEGER NOT NULL, position INTEGER NOT NULL, length INTEGER NOT NULL,
    PRIMARY KEY (digest, pack)
  ) WITHOUT ROWID;
  CREATE INDEX entriesByPack ON entries (pack);
  CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** One place of a chunk or page. */
export interface Location {
  packId: string;
  groupOffset: number;
  storedLength: number;
  plainLength: number;
  codec: number;
  /** Where in the group's plain bytes, and how long. */
  position: number;
  length: number;
}

export interface ReconcileResult {
  /** Packs whose end cannot be read: what they hold is not known. */
  damaged: CorruptionError[];
}

export class PackIndex {
  /** For the collector and the checker, which add temporary tables of their own. */
  readonly database: DatabaseSync;
  /** Whether the file was not there, or of no use, and is empty now. */
  readonly isNew: boolean;
  readonly #locate: StatementSync;
  readonly #has: StatementSync;
  readonly #insertEntry: StatementSync;

  private constructor(database: DatabaseSync, isNew: boolean) {
    this.database = database;
    this.isNew = isNew;
    this.#locate = database.prepare(
      `SELECT lower(hex(packs.id)) AS packId, groupOffset, storedLength, plainLength, codec, position, length
       FROM entries JOIN packs ON packs.number = entries.pack WHERE digest = ? ORDER BY pack`,
    );
    this.#has = database.prepare('SELECT 1 FROM entries WHERE digest = ? LIMIT 1');
    this.#insertEntry = database.prepare('INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  }

  /** Opens or makes the file (`:memory:` for tests). A file that SQLite finds unusable is made again. */
  static open(file: string): PackIndex {
    try {
      return PackIndex.#openFile(file);
    } catch (error) {
      if (!/malformed|not a database|other version/.test(messageOf(error)))
        throw explainSqlite('the repository', 'index.db', error);
      for (const name of [file, `${file}-wal`, `${file}-shm`]) fs.rmSync(name, { force: true });
      return PackIndex.#openFile(file);
    }
  }

  static #openFile(file: string): PackIndex {
    const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
    try {
      database.exec(`
        PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384;
        PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
      `);
      const isNew = transaction(database, () => {
        const version = database.prepare('PRAGMA user_version').get()?.['user_version'];
        if (version === SCHEMA_VERSION) return false;
        if (version !== 0) throw new OperationalError('index.db is of an other version', { retryable: false });
        database.exec(SCHEMA);
        return true;
      });
      return new PackIndex(database, isNew);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  close(): void {
    this.database.close();
  }

  has(digest: Digest): boolean {
    return guarded(() => this.#has.get(digest) !== undefined);
  }

  /** Every known place of the digest. */
  locate(digest: Digest): Location[] {
    return guarded(() => this.#locate.all(digest) as unknown as Location[]);
  }

  /** Adds a pack that is durable in the store; again: replaces its rows. */
  add(pack: PackContents): void {
    this.transaction(() => {
      this.#removeRows(pack.packId);
      const { lastInsertRowid } = this.database
        .prepare('INSERT INTO packs (id, sizeBytes) VALUES (?, ?)')
        .run(Buffer.from(pack.packId, 'hex'), pack.sizeBytes);
      for (const group of pack.groups) this.#addGroup(Number(lastInsertRowid), group);
    });
  }

  #addGroup(pack: number, group: PackContents['groups'][number]): void {
    let position = 0;
    const { offset, storedLength, plainLength, codec } = group;
    for (const { digest, length } of group.entries) {
      this.#insertEntry.run(digest, pack, offset, storedLength, plainLength, codec, position, length);
      position += length;
    }
  }

  /** Forgets a pack, before it is deleted or because it is gone. */
  remove(packId: string): void {
    this.transaction(() => this.#removeRows(packId));
  }

  #removeRows(packId: string): void {
    const id = Buffer.from(packId, 'hex');
    this.database.prepare('DELETE FROM entries WHERE pack = (SELECT number FROM packs WHERE id = ?)').run(id);
    this.database.prepare('DELETE FROM packs WHERE id = ?').run(id);
  }

  /** Indexed packs with their sizes, in no order. */
  listPacks(): Map<string, number> {
    const rows = guarded(() => this.database.prepare('SELECT lower(hex(id)) AS packId, sizeBytes FROM packs').all());
    return new Map(rows.map((row) => [row['packId'] as string, row['sizeBytes'] as number]));
  }

  /** What the index knows of a pack: digest (hex) → groupOffset,storedLength,plainLength,codec,position,length. */
  listEntries(packId: string): Map<string, string> {
    const rows = guarded(() =>
      this.database
        .prepare(
          `SELECT lower(hex(digest)) AS name, concat_ws(',', groupOffset, storedLength, plainLength, codec, position,
             length) AS place
           FROM entries JOIN packs ON packs.number = entries.pack WHERE packs.id = ?`,
        )
        .all(Buffer.from(packId, 'hex')),
    );
    return new Map(rows.map((row) => [row['name'] as string, row['place'] as string]));
  }

  findFact(name: string): number | undefined {
    return guarded(() => this.database.prepare('SELECT value FROM facts WHERE name = ?').get(name)?.['value']) as
      number | undefined;
  }

  setFact(name: string, value: number): void {
    guarded(() => this.database.prepare('INSERT OR REPLACE INTO facts VALUES (?, ?)').run(name, value));
  }

  /** Runs `act` in one write transaction; waits for other writers. */
  transaction<T>(act: () => T): T {
    return guarded(() => transaction(this.database, act));
  }

  /** Makes the index agree with the packs that are in the store. Packs whose end is damaged stay unknown. */
  async reconcile(store: ObjectStore): Promise<ReconcileResult> {
    const gone = this.listPacks();
    const damaged: CorruptionError[] = [];
    for await (const { name, sizeBytes } of store.list(PACK_PREFIX)) {
      const packId = findPackId(name);
      if (packId === undefined) continue;
      const known = gone.get(packId);
      gone.delete(packId);
      if (known === sizeBytes) continue;
      if (known !== undefined) this.remove(packId);
      const error = await this.#addFromStore(store, packId, sizeBytes);
      if (error !== undefined) damaged.push(error);
    }
    // A pack that was added since the list began is no stranger: only what the store denies is forgotten.
    for (const packId of gone.keys()) {
      if ((await store.stat(packName(packId))) === undefined) this.remove(packId);
    }
    return { damaged };
  }

  async #addFromStore(store: ObjectStore, packId: string, sizeBytes: number): Promise<CorruptionError | undefined> {
    try {
      const contents = await readPackContents(store, packId, sizeBytes);
      // Whoever wrote it may have died before it was durable.
      await store.persist(packName(packId));
      this.add(contents);
      return undefined;
    } catch (error) {
      if (error instanceof CorruptionError) return error;
      throw error;
    }
  }
}

function transaction<T>(database: DatabaseSync, act: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = act();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function guarded<T>(act: () => T): T {
  return guardSqlite('the repository', 'index.db', act);
}
