/** SQLite files that may be lost at any time, for what they hold can be had again: one that is of no use is made again. */
import fs from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { OperationalError, messageOf } from './errors.ts';
import { explainSqlite } from './sqlite-errors.ts';

export interface CacheSchema {
  /** For messages: what it belongs to, and the file's name. */
  what: string;
  file: string;
  /** `PRAGMA user_version`. */
  version: number;
  /** Makes the tables. */
  sql: string;
  pragmas: string;
  /** How long others are waited for. */
  busyTimeoutMs: number;
}

/** Opens or makes the file at `path` (`:memory:` for tests). It is made again when it is damaged or of another version. */
export function openCacheDatabase(path: string, schema: CacheSchema): DatabaseSync {
  try {
    return openFile(path, schema);
  } catch (error) {
    if (!/malformed|not a database|other version/.test(messageOf(error))) {
      throw explainSqlite(schema.what, schema.file, error);
    }
    for (const name of [path, `${path}-wal`, `${path}-shm`]) fs.rmSync(name, { force: true });
    return openFile(path, schema);
  }
}

function openFile(path: string, { file, version, sql, pragmas, busyTimeoutMs }: CacheSchema): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: busyTimeoutMs });
  try {
    database.exec(`PRAGMA journal_mode = WAL; ${pragmas}`);
    inTransaction(database, () => {
      const found = database.prepare('PRAGMA user_version').get()?.['user_version'];
      if (found === version) return;
      if (found !== 0) throw new OperationalError(`${file} is of an other version`, { retryable: false });
      database.exec(`${sql}; PRAGMA user_version = ${version}`);
    });
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** All of `act`, or nothing, in the transaction that is under way, or in a new one that waits for other writers. */
export function inTransaction<T>(database: DatabaseSync, act: () => T): T {
  if (database.isTransaction) return act();
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
