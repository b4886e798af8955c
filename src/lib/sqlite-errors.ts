/** Which of SQLite's failures are the world's, which mean damage, and which are our own mistakes, for every database we keep. */
import { CorruptionError, OperationalError, messageOf } from './errors.ts';

/** Primary result codes. Source: sqlite.org/rescode.html. */
const WORLDLY = [
  5, // SQLITE_BUSY: another process holds it for too long
  6, // SQLITE_LOCKED
  10, // SQLITE_IOERR
  13, // SQLITE_FULL
];
const DAMAGED = [
  11, // SQLITE_CORRUPT
  26, // SQLITE_NOTADB
];

/** Whether it is, or may be, that the device is full. */
export function mayBeFull(error: unknown): boolean {
  return error instanceof OperationalError && [10, 13].includes(primaryCodeOf(error.cause));
}

/** Does `act`; a failure of SQLite is thrown as what it means for the database `what`, whose file is `file`. */
export function guardSqlite<T>(what: string, file: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw explainSqlite(what, file, error);
  }
}

export function explainSqlite(what: string, file: string, error: unknown): unknown {
  const code = primaryCodeOf(error);
  if (DAMAGED.includes(code)) return new CorruptionError(what, `${file}: ${messageOf(error)}`);
  if (!WORLDLY.includes(code)) return error;
  return new OperationalError(`${what}'s ${file}: ${messageOf(error)}`, { retryable: true, cause: error });
}

/** Extended codes carry the primary one in their low byte. */
function primaryCodeOf(error: unknown): number {
  const extended = error instanceof Error ? (error as { errcode?: unknown }).errcode : undefined;
  return typeof extended === 'number' ? extended & 0xff : 0;
}
