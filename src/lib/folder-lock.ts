/**
 * One writer a folder: an exclusive SQLite transaction held open on a small file. The kernel drops the lock when the
 * process dies, however it dies; a leftover file means nothing.
 */
import { DatabaseSync } from 'node:sqlite';
import { OperationalError, messageOf } from './errors.ts';

export interface FolderLock {
  release(): void;
}

/** Takes the lock at once, or throws an OperationalError with `heldMessage` when another process has it. */
export function acquireFolderLock(file: string, heldMessage: string): FolderLock {
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (messageOf(error).includes('locked')) {
      throw new OperationalError(heldMessage, { retryable: true, cause: error });
    }
    throw error;
  }
  return { release: () => database.close() };
}
