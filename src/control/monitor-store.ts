/**
 * What was sampled, in `DIR/monitor.db`: an SQLite file of its own that may be lost at any time, for it only tells what was.
 * A row is a minute: of a disk what it did and in how long that was counted, of a category of snapshots what they took. Rows
 * go when they are too old, and the oldest ones when the file is too large.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { inTransaction, openCacheDatabase } from '../lib/cache-database.ts';
import type { CacheSchema } from '../lib/cache-database.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { guardSqlite } from '../lib/sqlite-errors.ts';

const WHAT = 'the monitoring data';

const SCHEMA: CacheSchema = {
  what: WHAT,
  file: 'monitor.db',
  version: 1,
  busyTimeoutMs: 0,
  pragmas: 'PRAGMA synchronous = NORMAL',
  sql: `
  CREATE TABLE disks (number INTEGER PRIMARY KEY, diskId TEXT NOT NULL UNIQUE);
  CREATE TABLE diskMinutes (
    disk INTEGER NOT NULL, minute INTEGER NOT NULL, ms INTEGER NOT NULL, readCount INTEGER NOT NULL,
    writeCount INTEGER NOT NULL, readBytes INTEGER NOT NULL, writtenBytes INTEGER NOT NULL,
    answeredReads INTEGER NOT NULL, readMicros INTEGER NOT NULL, answeredWrites INTEGER NOT NULL,
    writeMicros INTEGER NOT NULL, PRIMARY KEY (disk, minute)
  ) WITHOUT ROWID;
  CREATE TABLE snapshotMinutes (
    category TEXT NOT NULL, minute INTEGER NOT NULL, sizeBytes INTEGER NOT NULL, PRIMARY KEY (category, minute)
  ) WITHOUT ROWID;
`,
};

/** What a disk did in `ms` milliseconds: sums. */
export interface DiskWork {
  ms: number;
  readCount: number;
  writeCount: number;
  readBytes: number;
  writtenBytes: number;
  /** Of those that are timed. */
  answeredReads: number;
  readMicros: number;
  answeredWrites: number;
  writeMicros: number;
}

const WORK: readonly (keyof DiskWork)[] = [
  'ms',
  'readCount',
  'writeCount',
  'readBytes',
  'writtenBytes',
  'answeredReads',
  'readMicros',
  'answeredWrites',
  'writeMicros',
];

/** Minutes since 1970, from the first to before the end; each `step` of them is a bucket, counted from 0. */
export interface MinuteSpan {
  first: number;
  end: number;
  step: number;
}

export class MonitorStore {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** `:memory:` for tests. A file that cannot be used keeps nobody from anything: then it is kept in memory. */
  static open(file: string, log: Log): MonitorStore {
    try {
      return new MonitorStore(openCacheDatabase(file, SCHEMA));
    } catch (error) {
      log.warn(`${WHAT} is lost when this server ends: ${messageOf(error)}`);
      return new MonitorStore(openCacheDatabase(':memory:', SCHEMA));
    }
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  /** What comes again for a minute, after the clock was set back, is added: rates are then averages. */
  addDiskMinute(minute: number, work: ReadonlyMap<string, DiskWork>): void {
    this.#transaction(() => {
      const add = this.#prepare(
        `INSERT INTO diskMinutes (disk, minute, ${WORK.join()}) VALUES (?, ?, ${WORK.map(() => '?').join()})
         ON CONFLICT DO UPDATE SET ${WORK.map((name) => `${name} = ${name} + excluded.${name}`).join()}`,
      );
      for (const [diskId, counted] of work) {
        add.run(this.#numberOf(diskId), minute, ...WORK.map((name) => Math.round(counted[name])));
      }
    });
  }

  putSnapshotMinute(minute: number, category: string, sizeBytes: number): void {
    this.#transaction(() => {
      this.#prepare('INSERT OR REPLACE INTO snapshotMinutes VALUES (?, ?, ?)').run(category, minute, sizeBytes);
    });
  }

  /** By bucket, summed up; those without a sample are absent. */
  readDisk(diskId: string, { first, end, step }: MinuteSpan): Map<number, DiskWork> {
    const rows = this.#prepare(
      `SELECT CAST((minute - ?) / ? AS INTEGER) AS bucket, ${WORK.map((name) => `sum(${name}) AS ${name}`).join()} FROM diskMinutes
       WHERE disk = (SELECT number FROM disks WHERE diskId = ?) AND minute >= ? AND minute < ? GROUP BY bucket`,
    ).all(first, step, diskId, first, end) as unknown as (DiskWork & { bucket: number })[];
    return new Map(rows.map(({ bucket, ...work }) => [bucket, work]));
  }

  /** By bucket, the last sample in it; those without one are absent. */
  readSnapshots(category: string, { first, end, step }: MinuteSpan): Map<number, number> {
    const rows = this.#prepare(
      `SELECT CAST((minute - ?) / ? AS INTEGER) AS bucket, sizeBytes, max(minute) FROM snapshotMinutes
       WHERE category = ? AND minute >= ? AND minute < ? GROUP BY bucket`,
    ).all(first, step, category, first, end) as unknown as { bucket: number; sizeBytes: number }[];
    return new Map(rows.map(({ bucket, sizeBytes }) => [bucket, sizeBytes]));
  }

  /** What is used of the file; what was used before is used again. */
  get usedBytes(): number {
    const read = (name: string) => this.#prepare(`PRAGMA ${name}`).get()?.[name] as number;
    return (read('page_count') - read('freelist_count')) * read('page_size');
  }

  /** The earliest minute of any sample; null: there is none. */
  findFirstMinute(): number | null {
    const row = this.#prepare(
      `SELECT min(minute) AS first FROM (SELECT min(minute) AS minute FROM snapshotMinutes UNION ALL
       SELECT (SELECT min(minute) FROM diskMinutes WHERE disk = number) FROM disks)`,
    ).get();
    return (row?.['first'] as number | null | undefined) ?? null;
  }

  /** Forgets what is before that minute, disk by disk: each `next` is short. */
  *forgetBefore(minute: number): Generator<void> {
    this.#prepare('DELETE FROM snapshotMinutes WHERE minute < ?').run(minute);
    const numbers = this.#prepare('SELECT number FROM disks').all() as { number: number }[];
    for (const { number } of numbers) {
      this.#transaction(() => {
        const { changes } = this.#prepare('DELETE FROM diskMinutes WHERE disk = ? AND minute < ?').run(number, minute);
        if (changes === 0) return;
        this.#prepare(
          'DELETE FROM disks WHERE number = ? AND NOT EXISTS (SELECT 1 FROM diskMinutes WHERE disk = number)',
        ).run(number);
      });
      yield;
    }
  }

  #numberOf(diskId: string): number {
    const found = this.#prepare('SELECT number FROM disks WHERE diskId = ?').get(diskId)?.['number'];
    if (found !== undefined) return found as number;
    return Number(this.#prepare('INSERT INTO disks (diskId) VALUES (?)').run(diskId).lastInsertRowid);
  }

  #transaction(act: () => void): void {
    guardSqlite(WHAT, SCHEMA.file, () => inTransaction(this.#database, act));
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
}
