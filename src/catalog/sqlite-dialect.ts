/** Kysely over `node:sqlite`: Kysely's SQLite dialect expects a better-sqlite3 database, which this makes of ours. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { SqliteDialect } from 'kysely';
import { systemClock } from '../lib/clock.ts';
import { systemRandom } from '../lib/random.ts';
import type { Random } from '../lib/random.ts';
import { guardSqlite } from '../lib/sqlite-errors.ts';
import { defineEventFunctions } from './event-schema.ts';
import type { EventSources } from './event-schema.ts';

const STATEMENT_LIMIT = 200;

interface Statement {
  readonly reader: boolean;
  all(parameters: readonly unknown[]): unknown[];
  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  iterate(parameters: readonly unknown[]): IterableIterator<unknown>;
}

const systemSources: EventSources = {
  nowMs: () => systemClock.nowMs(),
  newEventId: () => newEventId(systemRandom),
};

/** 24 hexadecimal digits. */
export function newEventId(random: Random): string {
  return random.bytes(12).toString('hex');
}

/**
 * The dialect for an open database; `destroy()` of the Kysely instance closes it. Statements are prepared once each. The triggers
 * that tell of changes take time and ids from `sources`.
 */
export function createSqliteDialect(database: DatabaseSync, sources = systemSources): SqliteDialect {
  defineEventFunctions(database, sources);
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

const guarded = <T>(act: () => T): T => guardSqlite('the catalog', 'catalog.db', act);

function bind(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters as SQLInputValue[];
}
