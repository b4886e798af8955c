/** Kysely over `node:sqlite`: Kysely's SQLite dialect expects a better-sqlite3 database, which this makes of ours. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { SqliteDialect } from 'kysely';
import { CorruptionError, OperationalError, messageOf } from '../lib/errors.ts';

const STATEMENT_LIMIT = 200;

interface Statement {
  readonly reader: boolean;
  all(parameters: readonly unknown[]): unknown[];
  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  iterate(parameters: readonly unknown[]): IterableIterator<unknown>;
}

/** The dialect for an open database; `destroy()` of the Kysely instance closes it. Statements are prepared once each. */
export function createSqliteDialect(database: DatabaseSync): SqliteDialect {
  const prepared = new Map<string, Statement>();
  const prepare = (sql: string): Statement => {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    if (prepared.size >= STATEMENT_LIMIT) prepared.clear();
    const statement = adaptStatement(guarded(() => database.prepare(sql)));
    const safe = sql === 'rollback' ? onlyWithin(database, statement) : statement;
    prepared.set(sql, safe);
    return safe;
  };
  return new SqliteDialect({ database: { prepare, close: () => database.close() } });
}

function adaptStatement(statement: StatementSync): Statement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => guarded(() => statement.all(...bind(parameters))),
    run: (parameters) => guarded(() => statement.run(...bind(parameters))),
    iterate: (parameters) => statement.iterate(...bind(parameters)),
  };
}

/** A full disk makes SQLite roll back by itself; rolling back once more would hide why behind an error of its own. */
function onlyWithin(database: DatabaseSync, rollback: Statement): Statement {
  const nothing = { changes: 0, lastInsertRowid: 0 };
  return { ...rollback, run: (parameters) => (database.isTransaction ? rollback.run(parameters) : nothing) };
}

/** Result codes that are the world's, not ours. Source: sqlite.org/rescode.html. */
const DISK_FULL = 13;
const IO_ERROR = 10;
const DAMAGED = [11, 26];

function guarded<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw explained(error);
  }
}

/** `extended` codes carry the primary one in their low byte. */
function explained(error: unknown): unknown {
  const extended = error instanceof Error ? (error as { errcode?: unknown }).errcode : undefined;
  const code = typeof extended === 'number' ? extended & 0xff : 0;
  if (DAMAGED.includes(code)) return new CorruptionError('the catalog', `catalog.db: ${messageOf(error)}`);
  if (code !== DISK_FULL && code !== IO_ERROR) return error;
  return new OperationalError(`catalog.db: ${messageOf(error)}`, { retryable: true, cause: error });
}

function bind(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters as SQLInputValue[];
}
