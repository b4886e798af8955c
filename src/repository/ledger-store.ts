/**
 * The tables of the ledger (`ledger.ts`), in an SQLite file of its own that one process has open at a time. Like the index it
 * may be lost at any time: it is counted anew from the trees. What is committed survives a power cut, for packs are deleted on
 * the strength of it.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { inTransaction, openCacheDatabase } from '../lib/cache-database.ts';
import type { CacheSchema } from '../lib/cache-database.ts';
import { CorruptionError } from '../lib/errors.ts';
import { guardSqlite } from '../lib/sqlite-errors.ts';
import type { Digest } from './digest.ts';
import type { TreeRef } from './tree-ref.ts';

/** What is damaged, in a CorruptionError, when it is the ledger itself. */
export const LEDGER = 'the ledger';
const LIVE_CHUNKS = 'liveChunkCount';
const KNOWN_NUMBERS = 1000;
/** 64 MiB: digests are everywhere in the file, so what is written again soon is best written once. */
const CHECKPOINT_PAGES = 16_384;

const SCHEMA: CacheSchema = {
  what: LEDGER,
  file: 'ledger.db',
  /** 3: names are in the order in which they came. */
  version: 3,
  busyTimeoutMs: 0,
  pragmas: `PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
  sql: `
  CREATE TABLE trees (
    id INTEGER PRIMARY KEY AUTOINCREMENT, root BLOB NOT NULL, levels INTEGER NOT NULL, dataChunkCount INTEGER NOT NULL,
    chain TEXT NOT NULL, parent INTEGER, heir INTEGER, seat INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('adding', 'whole', 'removing')), nextChunk INTEGER NOT NULL,
    ownChunkCount INTEGER NOT NULL, freedBytes INTEGER, inPass INTEGER NOT NULL DEFAULT 0, verifiedAtMs INTEGER,
    UNIQUE (root, levels)
  );
  CREATE INDEX treesByParent ON trees (parent);
  CREATE TABLE names (name TEXT PRIMARY KEY, tree INTEGER NOT NULL);
  CREATE INDEX namesByTree ON names (tree);
  CREATE TABLE refs (
    digest BLOB PRIMARY KEY, count INTEGER NOT NULL, seats INTEGER NOT NULL, pack INTEGER NOT NULL, bytes INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX homelessRefs ON refs (digest) WHERE pack = 0;
  CREATE TABLE packs (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, liveBytes INTEGER NOT NULL);
  CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
`,
};

/** A tree that something needs, and how it is counted. */
export interface CountedTree {
  id: number;
  tree: TreeRef;
  /** Whose snapshot it is of; empty when of none. */
  chain: string;
  /** The tree that it is compared with; null: none, all of it counts. */
  parent: number | null;
  /** While it is being removed: who takes its place. */
  heir: number | null;
  /** What its references are summed under; it goes on to the heir. */
  seat: number;
  state: 'adding' | 'whole' | 'removing';
  /** Where adding or removing goes on. */
  nextChunk: number;
  /** Chunks in which it differs from its parent. */
  ownChunkCount: number;
  /** What would be garbage without it, stored; null: to be measured. */
  freedBytes: number | null;
  /** When every byte that it needs was last read and right; null: not since it is counted. */
  verifiedAtMs: number | null;
}

export type TreePlace = Pick<CountedTree, 'id' | 'parent' | 'chain' | 'ownChunkCount' | 'state'>;

const PLACE = 'id, parent, chain, ownChunkCount, state';

/** Where a chunk or page has its home: the pack that is kept for it. 0: nobody knows one. */
export interface Home {
  pack: number;
  bytes: number;
}

interface RefRow extends Home {
  count: number;
  seats: number;
}

export class LedgerStore {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #findRef;
  readonly #insertRef;
  readonly #updateRef;
  readonly #deleteRef;
  /** What the running transaction adds to packs' live bytes. */
  readonly #liveBytes = new Map<number, number>();
  /** What it adds to the number of different chunks that are needed. */
  #liveChunks = 0;
  readonly #numbers = new Map<string, number>();
  /** Seats that have got or lost what they alone refer to. */
  readonly #touchedSeats = new Set<number>();

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.#findRef = database.prepare('SELECT count, seats, pack, bytes FROM refs WHERE digest = ?');
    this.#insertRef = database.prepare('INSERT INTO refs VALUES (?, 1, ?, ?, ?)');
    this.#updateRef = database.prepare('UPDATE refs SET count = ?, seats = ? WHERE digest = ?');
    this.#deleteRef = database.prepare('DELETE FROM refs WHERE digest = ?');
  }

  /** `file`: `:memory:` for tests. */
  static open(file: string): LedgerStore {
    return new LedgerStore(openCacheDatabase(file, SCHEMA));
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  /** Each statement is prepared once. */
  #prepare(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#database.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  /** Forgets everything. */
  clear(): void {
    this.#numbers.clear();
    this.transaction(() => {
      this.#database.exec(
        'DELETE FROM refs; DELETE FROM packs; DELETE FROM names; DELETE FROM trees; DELETE FROM facts',
      );
    });
  }

  /** All of `act`, durably, or nothing. */
  transaction<T>(act: () => T): T {
    return guardSqlite(LEDGER, 'ledger.db', () => {
      try {
        return inTransaction(this.#database, () => {
          const result = act();
          this.#flush();
          return result;
        });
      } catch (error) {
        this.#numbers.clear();
        throw error;
      } finally {
        this.#liveBytes.clear();
        this.#liveChunks = 0;
        this.#touchedSeats.clear();
      }
    });
  }

  #flush(): void {
    const addLive = this.#prepare('UPDATE packs SET liveBytes = liveBytes + ? WHERE number = ?');
    for (const [pack, bytes] of this.#liveBytes) if (bytes !== 0) addLive.run(bytes, pack);
    if (this.#liveChunks !== 0) this.setFact(LIVE_CHUNKS, this.liveChunkCount + this.#liveChunks);
    const forget = this.#prepare('UPDATE trees SET freedBytes = NULL WHERE seat = ?');
    for (const seat of this.#touchedSeats) forget.run(seat);
  }

  /** In a transaction: one reference more. `home` is used where it is the first. */
  addRef(digest: Digest, seat: number, home: Home, isChunk: boolean): void {
    const row = this.#find(digest);
    if (row === undefined) {
      this.#insertRef.run(digest, seat, home.pack, home.bytes);
      this.#addLive(home.pack, home.bytes);
      if (isChunk) this.#liveChunks++;
      return;
    }
    this.#touch(row);
    this.#updateRef.run(row.count + 1, row.seats + seat, digest);
  }

  /** In a transaction: one reference less. Throws CorruptionError when there is none: the ledger is of no use. */
  dropRef(digest: Digest, seat: number, isChunk: boolean): void {
    const row = this.#find(digest);
    if (row === undefined || row.count < 1) {
      throw new CorruptionError(LEDGER, `it has no reference to ${digest.toString('hex')}`);
    }
    if (row.count === 1) {
      this.#deleteRef.run(digest);
      this.#addLive(row.pack, -row.bytes);
      if (isChunk) this.#liveChunks--;
      return;
    }
    const left = { ...row, count: row.count - 1, seats: row.seats - seat };
    this.#updateRef.run(left.count, left.seats, digest);
    this.#touch(left);
  }

  /** In a transaction: a reference goes from one seat to another. */
  moveRef(digest: Digest, from: number, to: number): void {
    const row = this.#find(digest);
    if (row === undefined) throw new CorruptionError(LEDGER, `it has no reference to ${digest.toString('hex')}`);
    this.#updateRef.run(row.count, row.seats - from + to, digest);
  }

  hasRef(digest: Digest): boolean {
    return this.#find(digest) !== undefined;
  }

  /** In a transaction: where it lies from now on; nothing, when nobody refers to it. */
  setHome(digest: Digest, home: Home): void {
    const row = this.#find(digest);
    if (row === undefined) return;
    this.#addLive(row.pack, -row.bytes);
    this.#addLive(home.pack, home.bytes);
    this.#touch(row);
    this.#prepare('UPDATE refs SET pack = ?, bytes = ? WHERE digest = ?').run(home.pack, home.bytes, digest);
  }

  /** Where it has its home; pack 0 when nobody knows, undefined when nobody refers to it. */
  findHome(digest: Digest): Home | undefined {
    return this.#find(digest);
  }

  listHomeless(): Digest[] {
    const rows = this.#prepare('SELECT digest FROM refs WHERE pack = 0').all();
    return rows.map((row) => Buffer.from(row['digest'] as Uint8Array));
  }

  #find(digest: Digest): RefRow | undefined {
    return this.#findRef.get(digest) as unknown as RefRow | undefined;
  }

  /** All references of one seat make its mean that seat. Any other mean only has somebody measured for nothing. */
  #touch({ count, seats }: RefRow): void {
    if (seats % count === 0) this.#touchedSeats.add(seats / count);
  }

  #addLive(pack: number, bytes: number): void {
    if (pack !== 0) this.#liveBytes.set(pack, (this.#liveBytes.get(pack) ?? 0) + bytes);
  }

  /** The ledger's number for a pack. */
  numberOf(packId: string): number {
    const known = this.#numbers.get(packId) ?? this.#findNumber(packId);
    if (this.#numbers.size >= KNOWN_NUMBERS) this.#numbers.clear();
    this.#numbers.set(packId, known);
    return known;
  }

  #findNumber(packId: string): number {
    const id = Buffer.from(packId, 'hex');
    const known = this.#prepare('SELECT number FROM packs WHERE id = ?').get(id)?.['number'];
    if (known !== undefined) return known as number;
    const { lastInsertRowid } = this.#prepare('INSERT INTO packs (id, liveBytes) VALUES (?, 0)').run(id);
    return Number(lastInsertRowid);
  }

  /** Live bytes of the packs that anything has its home in, or had. */
  listLiveBytes(): Map<string, number> {
    return new Map(this.#list('SELECT lower(hex(id)), liveBytes FROM packs') as [string, number][]);
  }

  /** A pack that is gone: what had its home there has none. */
  forgetPack(packId: string): void {
    const number = this.numberOf(packId);
    this.transaction(() => {
      const live = this.#prepare('SELECT liveBytes FROM packs WHERE number = ?').get(number)?.['liveBytes'];
      if (live !== 0) this.#prepare('UPDATE refs SET pack = 0, bytes = 0 WHERE pack = ?').run(number);
      this.#prepare('DELETE FROM packs WHERE number = ?').run(number);
      this.#numbers.delete(packId);
    });
  }

  listTrees(): CountedTree[] {
    return this.#prepare('SELECT * FROM trees ORDER BY id').all().map(toTree);
  }

  /** What an earlier process was at. */
  listUnfinished(): CountedTree[] {
    return this.#prepare("SELECT * FROM trees WHERE state <> 'whole' ORDER BY id").all().map(toTree);
  }

  listUnmeasured(): CountedTree[] {
    return this.#prepare("SELECT * FROM trees WHERE freedBytes IS NULL AND state = 'whole' ORDER BY id")
      .all()
      .map(toTree);
  }

  /** By `treeKeyOf`, of all trees. */
  listIds(): Map<string, number> {
    const rows = this.#list("SELECT lower(hex(root)) || ':' || levels, id FROM trees ORDER BY id");
    return new Map(rows as [string, number][]);
  }

  /** The tree of each chain that was added last. */
  listLatestIds(): Map<string, number> {
    return new Map(this.#list('SELECT chain, max(id) FROM trees GROUP BY chain') as [string, number][]);
  }

  /** Names with what they name, in the order in which they came. */
  listNamed(): Map<string, { tree: TreeRef; chain: string }> {
    const rows = this.#list(`
      SELECT name, lower(hex(root)), levels, dataChunkCount, chain FROM names JOIN trees ON trees.id = names.tree
      ORDER BY names.rowid
    `) as [string, string, number, number, string][];
    return new Map(
      rows.map(([name, root, levels, dataChunkCount, chain]) => [
        name,
        { tree: { root, levels, dataChunkCount }, chain },
      ]),
    );
  }

  /** Rows as arrays: they take a third of the time that objects do. */
  #list(text: string): unknown[][] {
    const statement = this.#prepare(text);
    statement.setReturnArrays(true);
    return statement.all() as unknown as unknown[][];
  }

  findTree(id: number): CountedTree | undefined {
    const row = this.#prepare('SELECT * FROM trees WHERE id = ?').get(id);
    return row === undefined ? undefined : toTree(row);
  }

  /** Where a tree stands, and what it recorded: quick, for it is asked of thousands. */
  findPlaceOf({ root, levels }: TreeRef): TreePlace | undefined {
    const find = this.#prepare(`SELECT ${PLACE} FROM trees WHERE root = ? AND levels = ?`);
    return toPlace(find, [Buffer.from(root ?? '', 'hex'), levels]);
  }

  findPlace(id: number): TreePlace | undefined {
    return toPlace(this.#prepare(`SELECT ${PLACE} FROM trees WHERE id = ?`), [id]);
  }

  listChildren(id: number): CountedTree[] {
    return this.#prepare('SELECT * FROM trees WHERE parent = ? ORDER BY id').all(id).map(toTree);
  }

  insertTree(tree: TreeRef, chain: string, parent: number | null): CountedTree {
    const { lastInsertRowid } = this.#database
      .prepare(
        `INSERT INTO trees (root, levels, dataChunkCount, chain, parent, seat, state, nextChunk, ownChunkCount)
         VALUES (?, ?, ?, ?, ?, 0, 'adding', 0, 0)`,
      )
      .run(Buffer.from(tree.root ?? '', 'hex'), tree.levels, tree.dataChunkCount, chain, parent);
    const id = Number(lastInsertRowid);
    this.updateTree(id, { seat: id });
    return this.#tree(id);
  }

  updateTree(
    id: number,
    change: Partial<Pick<CountedTree, 'parent' | 'heir' | 'seat' | 'state' | 'nextChunk' | 'freedBytes'>>,
  ): void {
    const names = Object.keys(change);
    const set = names.map((name) => `${name} = ?`).join(', ');
    this.#prepare(`UPDATE trees SET ${set} WHERE id = ?`).run(...Object.values(change), id);
  }

  addOwnChunks(id: number, count: number): void {
    if (count === 0) return;
    this.#prepare('UPDATE trees SET ownChunkCount = ownChunkCount + ? WHERE id = ?').run(count, id);
  }

  deleteTree(id: number): void {
    this.#prepare('DELETE FROM trees WHERE id = ?').run(id);
  }

  #tree(id: number): CountedTree {
    const found = this.findTree(id);
    if (found === undefined) throw new CorruptionError(LEDGER, `it has no tree ${id}`);
    return found;
  }

  /** Name → tree, in the order in which they came. */
  listNames(): Map<string, number> {
    return new Map(this.#list('SELECT name, tree FROM names ORDER BY rowid') as [string, number][]);
  }

  setName(name: string, tree: number | null): void {
    if (tree === null) this.#prepare('DELETE FROM names WHERE name = ?').run(name);
    else this.#prepare('INSERT OR REPLACE INTO names VALUES (?, ?)').run(name, tree);
  }

  /** What is counted now is verified when the pass that begins ends. */
  beginPass(): void {
    this.#database.exec("UPDATE trees SET inPass = (state = 'whole')");
  }

  /** All of the pass but those that are hurt. */
  endPass(atMs: number, hurt: readonly number[]): void {
    this.transaction(() => {
      this.#prepare('UPDATE trees SET verifiedAtMs = ? WHERE inPass').run(atMs);
      for (const id of hurt) this.#prepare('UPDATE trees SET verifiedAtMs = NULL WHERE id = ?').run(id);
    });
  }

  /** Begins an empty tally of references that would go. */
  beginTally(): void {
    this.#database.exec(`
      DROP TABLE IF EXISTS temp.tally;
      CREATE TEMP TABLE tally (digest BLOB PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
    `);
  }

  /** Adds to it. */
  tally(changes: readonly { digest: Digest; count: number }[]): void {
    this.transaction(() => {
      const add = this.#prepare(
        'INSERT INTO temp.tally VALUES (?, ?) ON CONFLICT (digest) DO UPDATE SET count = count + excluded.count',
      );
      for (const { digest, count } of changes) add.run(digest, count);
    });
  }

  /** What nobody else refers to, of what was tallied; bytes. CROSS: the tally is what is gone over, never all references. */
  endTally(): number {
    const row = this.#database
      .prepare(
        `SELECT coalesce(sum(refs.bytes), 0) AS bytes FROM temp.tally CROSS JOIN refs ON refs.digest = tally.digest
         WHERE refs.count <= tally.count`,
      )
      .get();
    this.#database.exec('DROP TABLE temp.tally');
    return row?.['bytes'] as number;
  }

  /** Different chunks that are needed. */
  get liveChunkCount(): number {
    return this.findFact(LIVE_CHUNKS) ?? 0;
  }

  findFact(name: string): number | undefined {
    return this.#prepare('SELECT value FROM facts WHERE name = ?').get(name)?.['value'] as number | undefined;
  }

  setFact(name: string, value: number): void {
    this.#prepare('INSERT OR REPLACE INTO facts VALUES (?, ?)').run(name, value);
  }
}

/** Trees with the same key are the same. */
export function treeKeyOf({ root, levels }: Pick<TreeRef, 'root' | 'levels'>): string {
  return `${root}:${levels}`;
}

function toPlace(find: StatementSync, key: (Buffer | number)[]): TreePlace | undefined {
  find.setReturnArrays(true);
  const row = find.get(...key) as unknown as [number, number | null, string, number, TreePlace['state']] | undefined;
  if (row === undefined) return undefined;
  const [id, parent, chain, ownChunkCount, state] = row;
  return { id, parent, chain, ownChunkCount, state };
}

function toTree(row: Record<string, unknown>): CountedTree {
  const { root, levels, dataChunkCount, ...rest } = row as unknown as CountedTree & TreeRef & { root: unknown };
  const hex = Buffer.from(root as unknown as Uint8Array).toString('hex');
  return { ...rest, tree: { root: hex, levels, dataChunkCount } };
}
