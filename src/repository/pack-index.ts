/**
 * Where each chunk and page is stored: a local SQLite file (`index.db`), many processes at once. It is a cache of the
 * packs' footers and may be lost at any time. It never claims what is not there: a pack's rows are written after the pack
 * is durable, removed before the pack is, and never written again for a pack that was deleted (ids are not used twice), however
 * late somebody who was held up comes: it knows which packs are gone, and where it has missed some (a _lapse_), who has seen a
 * pack before that must see it again. A power cut may bring removed rows back or lose new ones: whoever opens it first
 * after a boot compares it with the store, in both directions (`reconcile`).
 *
 * A digest may be in several packs (two uploads at once, an interrupted collection): all places are kept. Those in packs without
 * an end are read late. Those in condemned packs, those that were found damaged, and those beyond what is left of a pack are read
 * last and never taken for known: what is met again is stored again.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { inTransaction, openCacheDatabase } from '../lib/cache-database.ts';
import type { CacheSchema } from '../lib/cache-database.ts';
import { CorruptionError } from '../lib/errors.ts';
import { guardSqlite } from '../lib/sqlite-errors.ts';
import type { CondemnedPacks } from './collector-book.ts';
import type { Digest } from './digest.ts';
import type { ObjectStore } from './object-store/object-store.ts';
import { PACK_PREFIX, findPackId, locationsOf, packName } from './pack.ts';
import { readPackContents } from './pack-end.ts';
import type { Location, PackContents } from './pack.ts';

/** 32 MiB: a pack's digests are everywhere in the file, so a checkpoint, which syncs, would else come with every pack. */
const CHECKPOINT_PAGES = 8192;

const LAPSES = 'lapses';

/** Of an entry that was joined with its pack: it was found damaged, or lies beyond what is left of the pack. */
export const IS_BAD = `(groupOffset + storedLength > packs.sizeBytes
  OR EXISTS (SELECT 1 FROM bad WHERE bad.digest = entries.digest AND bad.packId = packs.id))`;

const SCHEMA: CacheSchema = {
  what: 'the repository',
  file: 'index.db',
  version: 4,
  busyTimeoutMs: 15_000,
  pragmas: `PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
  sql: `
  CREATE TABLE packs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, sizeBytes INTEGER NOT NULL, groupBytes INTEGER NOT NULL,
    session INTEGER NOT NULL, isCondemned INTEGER NOT NULL, isEndDamaged INTEGER NOT NULL DEFAULT 0, verifiedAtMs INTEGER,
    plainBytes INTEGER NOT NULL, isDense INTEGER NOT NULL, addedAtMs INTEGER NOT NULL DEFAULT (unixepoch() * 1000)
  );
  CREATE TABLE entries (
    digest BLOB NOT NULL, pack INTEGER NOT NULL, groupOffset INTEGER NOT NULL, storedLength INTEGER NOT NULL,
    plainLength INTEGER NOT NULL, codec INTEGER NOT NULL, position INTEGER NOT NULL, length INTEGER NOT NULL,
    PRIMARY KEY (digest, pack)
  ) WITHOUT ROWID;
  CREATE TABLE bad (digest BLOB NOT NULL, packId BLOB NOT NULL, PRIMARY KEY (digest, packId)) WITHOUT ROWID;
  CREATE TABLE condemned (id BLOB PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE gone (id BLOB PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
`,
};

export interface IndexedPack {
  packId: string;
  sizeBytes: number;
  /** What its groups take, stored and plain. */
  groupBytes: number;
  plainBytes: number;
  /** Written by background rewriting. */
  isDense: boolean;
  /** When it came into this index. */
  addedAtMs: number;
  /** The session that wrote it. */
  session: number;
  isCondemned: boolean;
  /** What it holds is known from here only. */
  isEndDamaged: boolean;
  /** When every byte of it was last read; null: not yet. */
  verifiedAtMs: number | null;
}

/** A pack whose end cannot be read: what it holds is not known. */
export interface UnreadablePack {
  packId: string;
  sizeBytes: number;
  error: CorruptionError;
}

export interface ReconcileResult {
  unreadable: UnreadablePack[];
  /** Whether it was not as the store was. */
  hasChanged: boolean;
}

export class PackIndex {
  /** For the checker, which adds temporary tables of its own. */
  readonly database: DatabaseSync;
  readonly #locate: StatementSync;
  readonly #has: StatementSync;
  readonly #insertEntry: StatementSync;
  readonly #deleteEntry: StatementSync;
  readonly #findEntry: StatementSync;

  private constructor(database: DatabaseSync) {
    this.database = database;
    this.#locate = database.prepare(
      `SELECT lower(hex(packs.id)) AS packId, groupOffset, storedLength, plainLength, codec, position, length
       FROM entries JOIN packs ON packs.number = entries.pack WHERE digest = ?
       ORDER BY ${IS_BAD}, isEndDamaged, isCondemned, pack`,
    );
    this.#has = database.prepare(
      `SELECT 1 FROM entries JOIN packs ON packs.number = entries.pack WHERE digest = ? AND NOT isCondemned
         AND NOT ${IS_BAD} LIMIT 1`,
    );
    this.#insertEntry = database.prepare('INSERT OR IGNORE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
    this.#deleteEntry = database.prepare('DELETE FROM entries WHERE digest = ? AND pack = ?');
    this.#findEntry = database.prepare(
      `SELECT concat_ws(',', groupOffset, storedLength, plainLength, codec, position, length) AS place
       FROM entries JOIN packs ON packs.number = entries.pack WHERE digest = ? AND packs.id = ?`,
    );
  }

  /** `file`: `:memory:` for tests. */
  static open(file: string): PackIndex {
    return new PackIndex(openCacheDatabase(file, SCHEMA));
  }

  close(): void {
    this.database.close();
  }

  /** Forgets everything. */
  clear(): void {
    this.transaction(() => {
      const lapses = this.lapses + 1;
      for (const table of ['packs', 'entries', 'bad', 'condemned', 'gone', 'facts']) {
        this.database.exec(`DELETE FROM ${table}`);
      }
      this.setFact(LAPSES, lapses);
    });
  }

  /** How often it has missed what was deleted: a pack that was seen before the latest time may be gone. */
  get lapses(): number {
    return this.findFact(LAPSES) ?? 0;
  }

  /** Whether the chunk or page need not be stored: a copy that is not known to be bad is in a pack that stays. */
  has(digest: Digest): boolean {
    return guarded(() => this.#has.get(digest) !== undefined);
  }

  /** Every known place of the digest, those that are likely to be good and to stay first. */
  locate(digest: Digest): Location[] {
    return guarded(() => this.#locate.all(digest) as unknown as Location[]);
  }

  /**
   * Adds a pack that is durable in the store; again: replaces its rows. `lapses` are as they were before it was put, or read. False,
   * and nothing, when it was deleted before.
   */
  async add(pack: PackContents, lapses: number, store: Pick<ObjectStore, 'stat'>): Promise<boolean> {
    for (let known = lapses; ;) {
      const added = this.#addUnlessMissed(pack, known);
      if (added !== null) return added;
      known = this.lapses;
      if ((await store.stat(packName(pack.packId))) === undefined) return false;
    }
  }

  /** Null, and nothing, when something was missed since. */
  #addUnlessMissed(pack: PackContents, lapses: number): boolean | null {
    return this.transaction(() => {
      const id = idOf(pack.packId);
      if (lapses !== this.lapses) return null;
      if (this.database.prepare('SELECT 1 FROM gone WHERE id = ?').get(id) !== undefined) return false;
      this.#removeRows(id);
      const isCondemned = this.database.prepare('SELECT 1 FROM condemned WHERE id = ?').get(id) !== undefined;
      const groupBytes = pack.groups.reduce((sum, { storedLength }) => sum + storedLength, 0);
      const plainBytes = pack.groups.reduce((sum, { plainLength }) => sum + plainLength, 0);
      const { lastInsertRowid } = this.database
        .prepare(
          `INSERT INTO packs (id, sizeBytes, groupBytes, plainBytes, session, isDense, isCondemned)
           VALUES (?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          ...[
            id,
            pack.sizeBytes,
            groupBytes,
            plainBytes,
            pack.fence.session,
            pack.isDense ? 1 : 0,
            isCondemned ? 1 : 0,
          ],
        );
      for (const { digest, location } of locationsOf(pack)) {
        const { groupOffset, storedLength, plainLength, codec, position, length } = location;
        const row = [groupOffset, storedLength, plainLength, codec, position, length];
        this.#insertEntry.run(digest, lastInsertRowid, ...row);
      }
      return true;
    });
  }

  /**
   * Forgets a pack for ever, before it is deleted. Its rows count no more; without its `entries` they stay until the next
   * comparison with the store.
   */
  remove(packId: string, entries: Iterable<{ digest: Digest }> = []): void {
    const id = idOf(packId);
    this.transaction(() => {
      this.database.prepare('INSERT OR IGNORE INTO gone VALUES (?)').run(id);
      this.#removeRows(id, entries);
      this.database.prepare('DELETE FROM bad WHERE packId = ?').run(id);
    });
  }

  #removeRows(id: Buffer, entries: Iterable<{ digest: Digest }> = []): void {
    const number = this.database.prepare('SELECT number FROM packs WHERE id = ?').get(id)?.['number'] as
      number | undefined;
    if (number === undefined) return;
    for (const { digest } of entries) this.#deleteEntry.run(digest, number);
    this.database.prepare('DELETE FROM packs WHERE number = ?').run(number);
  }

  /** Indexed packs, in the order in which they came. */
  listPacks(): IndexedPack[] {
    const rows = guarded(() =>
      this.database
        .prepare(
          `SELECT lower(hex(id)) AS packId, sizeBytes, groupBytes, plainBytes, session, isDense, isCondemned,
             isEndDamaged, verifiedAtMs, addedAtMs FROM packs
           ORDER BY number`,
        )
        .all(),
    );
    return rows.map((row) => ({
      ...row,
      isDense: row['isDense'] === 1,
      isCondemned: row['isCondemned'] === 1,
      isEndDamaged: row['isEndDamaged'] === 1,
    })) as unknown as IndexedPack[];
  }

  /** What the index says of an entry of a pack: groupOffset,storedLength,plainLength,codec,position,length. */
  findEntry(digest: Digest, packId: string): string | undefined {
    return guarded(() => this.#findEntry.get(digest, idOf(packId))?.['place']) as string | undefined;
  }

  /** What is known to be in a pack, in order. Reads all of the index. */
  listEntries(packId: string): { digest: Digest; location: Location }[] {
    const rows = guarded(() =>
      this.database
        .prepare(
          `SELECT digest, groupOffset, storedLength, plainLength, codec, position, length
           FROM entries JOIN packs ON packs.number = entries.pack WHERE packs.id = ? ORDER BY groupOffset, position`,
        )
        .all(idOf(packId)),
    ) as unknown as ({ digest: Uint8Array } & Omit<Location, 'packId'>)[];
    return rows.map(({ digest, ...place }) => ({ digest: Buffer.from(digest), location: { packId, ...place } }));
  }

  /** Rows of each pack. Reads all of the index. */
  countEntries(): Map<string, number> {
    const rows = guarded(() =>
      this.database
        .prepare(
          `SELECT lower(hex(packs.id)) AS packId, count FROM packs
           JOIN (SELECT pack, count(*) AS count FROM entries GROUP BY pack) AS counts ON counts.pack = packs.number`,
        )
        .all(),
    );
    return new Map(rows.map((row) => [row['packId'] as string, row['count'] as number]));
  }

  /**
   * Takes over which packs are condemned, and which were deleted by other servers; an older list than the one it has changes
   * nothing. Whoever begins a session makes sure that the list of the session's epoch is here before the first `has`. False,
   * and nothing but a lapse, when it has missed deletions: it must be compared with the store first.
   */
  condemn({ epoch, packs, dying, deleted, deletedSince }: CondemnedPacks): boolean {
    return this.transaction(() => {
      const known = this.findFact('condemnedEpoch') ?? 0;
      if (epoch <= known) return true;
      if (known < deletedSince) {
        this.setFact(LAPSES, this.lapses + 1);
        return false;
      }
      this.database.exec('UPDATE packs SET isCondemned = 0 WHERE isCondemned; DELETE FROM condemned');
      const insert = this.database.prepare('INSERT OR IGNORE INTO condemned VALUES (?)');
      const mark = this.database.prepare('UPDATE packs SET isCondemned = 1 WHERE id = ?');
      for (const { packId } of packs) {
        insert.run(idOf(packId));
        mark.run(idOf(packId));
      }
      for (const { packId } of [...dying, ...deleted].filter((pack) => pack.epoch > known)) this.remove(packId);
      this.setFact('condemnedEpoch', epoch);
      return true;
    });
  }

  /** Remembers that a copy is not good; it is read last, and stored again by whoever meets it. */
  markBad(digest: Digest, packId: string): void {
    guarded(() => this.database.prepare('INSERT OR IGNORE INTO bad VALUES (?, ?)').run(digest, idOf(packId)));
  }

  markGood(digest: Digest, packId: string): void {
    guarded(() => this.database.prepare('DELETE FROM bad WHERE digest = ? AND packId = ?').run(digest, idOf(packId)));
  }

  /** Copies that were found damaged, in packs that are there. */
  listBad(): { digest: Digest; packId: string }[] {
    const rows = guarded(() =>
      this.database
        .prepare('SELECT digest, lower(hex(packId)) AS packId FROM bad JOIN packs ON packs.id = bad.packId')
        .all(),
    );
    return rows.map((row) => ({ digest: Buffer.from(row['digest'] as Uint8Array), packId: row['packId'] as string }));
  }

  /** A pack that it knows has no end that can be read, and `sizeBytes` bytes: what lay beyond is lost until it is longer again. */
  setEndDamaged(packId: string, sizeBytes: number): void {
    this.#setEnd(packId, sizeBytes, 1);
  }

  setEndWhole(packId: string, sizeBytes: number): void {
    this.#setEnd(packId, sizeBytes, 0);
  }

  #setEnd(packId: string, sizeBytes: number, isEndDamaged: 0 | 1): void {
    const update = this.database.prepare(
      'UPDATE packs SET isEndDamaged = ?1, sizeBytes = ?2 WHERE id = ?3 AND (isEndDamaged, sizeBytes) <> (?1, ?2)',
    );
    guarded(() => update.run(isEndDamaged, sizeBytes, idOf(packId)));
  }

  /** The number of the latest pack. */
  get latestNumber(): number {
    return guarded(
      () => this.database.prepare('SELECT max(number) AS latest FROM packs').get()?.['latest'] ?? 0,
    ) as number;
  }

  /** The first pack up to `number` that was not read since `sinceMs`. */
  findUnverified(number: number, sinceMs: number): { packId: string; sizeBytes: number } | undefined {
    return guarded(() =>
      this.database
        .prepare(
          `SELECT lower(hex(id)) AS packId, sizeBytes FROM packs
           WHERE number <= ? AND coalesce(verifiedAtMs, 0) < ? ORDER BY number LIMIT 1`,
        )
        .get(number, sinceMs),
    ) as { packId: string; sizeBytes: number } | undefined;
  }

  /** Bytes of the packs that `findUnverified` would give, one after the other. */
  measureUnverified(number: number, sinceMs: number): number {
    return guarded(
      () =>
        this.database
          .prepare(
            `SELECT coalesce(sum(sizeBytes), 0) AS bytes FROM packs
             WHERE number <= ? AND coalesce(verifiedAtMs, 0) < ?`,
          )
          .get(number, sinceMs)?.['bytes'],
    ) as number;
  }

  setVerified(packId: string, atMs: number): void {
    guarded(() => this.database.prepare('UPDATE packs SET verifiedAtMs = ? WHERE id = ?').run(atMs, idOf(packId)));
  }

  findFact(name: string): number | undefined {
    return guarded(() => this.database.prepare('SELECT value FROM facts WHERE name = ?').get(name)?.['value']) as
      number | undefined;
  }

  setFact(name: string, value: number | string): void {
    guarded(() => this.database.prepare('INSERT OR REPLACE INTO facts VALUES (?, ?)').run(name, value));
  }

  /** Runs `act` in one write transaction; waits for other writers. */
  transaction<T>(act: () => T): T {
    return guarded(() => inTransaction(this.database, act));
  }

  /**
   * Makes the index agree with the store unless that was done since the machine booted: rows that were removed may be back
   * after a power cut, new ones lost.
   */
  async reconcileOnce(store: ObjectStore, bootId: string): Promise<void> {
    if ((this.findFact('bootId') as string | undefined) === bootId) return;
    await this.reconcile(store);
    this.#sweep();
    this.setFact('bootId', bootId);
  }

  /** Makes the index agree with the packs that are in the store. Packs whose end is damaged stay unknown. */
  async reconcile(store: ObjectStore): Promise<ReconcileResult> {
    const gone = new Map(this.listPacks().map(({ packId, sizeBytes }) => [packId, sizeBytes]));
    const unreadable: UnreadablePack[] = [];
    let hasChanged = false;
    for await (const { name, sizeBytes } of store.list(PACK_PREFIX)) {
      const packId = findPackId(name);
      if (packId === undefined) continue;
      const known = gone.get(packId);
      gone.delete(packId);
      if (known === sizeBytes) continue;
      // Whoever wrote it may have indexed it since the list began.
      if (known === undefined && this.#findSize(packId) === sizeBytes) continue;
      const added = await this.#addFromStore(store, packId, sizeBytes);
      hasChanged ||= added === true || known !== undefined;
      if (!(added instanceof CorruptionError)) continue;
      if (known === undefined) unreadable.push({ packId, sizeBytes, error: added });
      else this.setEndDamaged(packId, sizeBytes);
    }
    // A pack that was added since the list began is no stranger: only what the store denies is forgotten.
    const denied: string[] = [];
    for (const packId of gone.keys()) {
      if ((await store.stat(packName(packId))) === undefined) denied.push(packId);
    }
    if (denied.length > 0) this.#forget(denied);
    return { unreadable, hasChanged: hasChanged || denied.length > 0 };
  }

  #findSize(packId: string): number | undefined {
    const find = this.database.prepare('SELECT sizeBytes FROM packs WHERE id = ?');
    return guarded(() => find.get(idOf(packId))?.['sizeBytes']) as number | undefined;
  }

  /** They may come back, as what the store had lost for a while does. */
  #forget(packIds: readonly string[]): void {
    this.transaction(() => {
      const remove = this.database.prepare('DELETE FROM packs WHERE id = ?');
      for (const packId of packIds) remove.run(idOf(packId));
    });
  }

  /** Rows of packs that are not there: one pass over all. */
  #sweep(): void {
    this.transaction(() =>
      this.database.exec(`
        DELETE FROM entries WHERE pack NOT IN (SELECT number FROM packs);
        DELETE FROM bad WHERE packId NOT IN (SELECT id FROM packs)
      `),
    );
  }

  async #addFromStore(store: ObjectStore, packId: string, sizeBytes: number): Promise<CorruptionError | boolean> {
    try {
      const { lapses } = this;
      const contents = await readPackContents(store, packId, sizeBytes);
      // Whoever wrote it may have died before it was durable.
      await store.persist(packName(packId));
      return await this.add(contents, lapses, store);
    } catch (error) {
      if (error instanceof CorruptionError) return error;
      throw error;
    }
  }
}

function idOf(packId: string): Buffer {
  return Buffer.from(packId, 'hex');
}

function guarded<T>(act: () => T): T {
  return guardSqlite('the repository', 'index.db', act);
}
