/**
 * The metadata database, `DIR/catalog.db`: SQLite in WAL mode, synchronous FULL, so a committed transaction survives a
 * power cut and an uncommitted one leaves nothing. Opening takes the file's lock for as long as it is open; the kernel drops
 * it with the process, so this is also what refuses a second server on the folder (C1).
 */
import { DatabaseSync, backup } from 'node:sqlite';
import fs from 'node:fs';
import { Kysely } from 'kysely';
import { createSqliteDialect, newEventId } from './sqlite-dialect.ts';
import { ensureEventLine } from './events.ts';
import { migrate } from './migrations.ts';
import { findSetting, putSetting } from './settings.ts';
import type { Queries, Schema } from './schema.ts';
import { systemClock } from '../lib/clock.ts';
import type { Clock } from '../lib/clock.ts';
import { OperationalError, messageOf } from '../lib/errors.ts';
import { systemRandom } from '../lib/random.ts';
import type { Random } from '../lib/random.ts';
import { mayBeFull } from '../lib/sqlite-errors.ts';

export class Catalog {
  /** For reads, and for single statements. Inside `transaction`, use its argument only. */
  readonly queries: Queries;
  /** How many times the catalog was opened: each server has a higher one than those before it. */
  readonly epoch: number;
  /** Called when the device is full, to make room on it; whether it did. */
  makeRoom: () => boolean = () => false;
  /** Called within a transaction that writes an event: whoever then asks for events waits for its end, and finds it. */
  onEvent: () => void = () => undefined;

  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync, queries: Queries, epoch: number) {
    this.#database = database;
    this.queries = queries;
    this.epoch = epoch;
  }

  /**
   * Opens `file`, making it (0600) when absent, and brings it to the newest schema. Throws a retryable OperationalError
   * with `heldMessage` when another process has it. Events have their times and ids from `outside`.
   */
  static async open(
    file: string,
    heldMessage: string,
    outside: { clock: Clock; random: Random } = { clock: systemClock, random: systemRandom },
  ): Promise<Catalog> {
    const database = openLocked(file, heldMessage);
    let opened: Catalog | null = null;
    const sources = {
      nowMs: () => outside.clock.nowMs(),
      newEventId: () => {
        opened?.onEvent();
        return newEventId(outside.random);
      },
    };
    const queries = new Kysely<Schema>({ dialect: createSqliteDialect(database, sources) });
    try {
      await migrate(queries);
      const epoch = 1 + Number((await findSetting(queries, 'epoch')) ?? '0');
      await putSetting(queries, 'epoch', String(epoch));
      await ensureEventLine(queries, outside.random);
      opened = new Catalog(database, queries, epoch);
      return opened;
    } catch (error) {
      await queries.destroy();
      throw error;
    }
  }

  /**
   * All of `work` or, when it throws, nothing. One transaction at a time; others wait. On a device that is full it is done
   * once more when room was made, so `work` must not act on anything but the catalog.
   */
  async transaction<T>(work: (transaction: Queries) => Promise<T>): Promise<T> {
    try {
      return await this.queries.transaction().execute(work);
    } catch (error) {
      if (!mayBeFull(error) || !this.makeRoom()) throw error;
      return await this.queries.transaction().execute(work);
    }
  }

  /** Writes all that is committed to a new file, as of some moment before it resolves, beside all else. */
  async copyTo(file: string): Promise<void> {
    await backup(this.#database, file);
  }

  close(): Promise<void> {
    return this.queries.destroy();
  }
}

function openLocked(file: string, heldMessage: string): DatabaseSync {
  fs.closeSync(fs.openSync(file, 'a', 0o600));
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL');
    database.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    database.exec('BEGIN EXCLUSIVE; COMMIT');
    return database;
  } catch (error) {
    database.close();
    if (messageOf(error).includes('locked')) throw new OperationalError(heldMessage, { retryable: true, cause: error });
    throw new OperationalError(`${file}: ${messageOf(error)}`, { retryable: false, cause: error });
  }
}
