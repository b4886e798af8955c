/** The folder that a command of this machine is about: one that a service has used, never a new one. */
import fs from 'node:fs';
import path from 'node:path';
import type { CliContext } from '../cli.ts';
import { ensureDataFolder } from '../control/data-folder.ts';
import type { DataFolder } from '../control/data-folder.ts';
import { OperationalError, errnoOf, messageOf } from '../lib/errors.ts';

/** `data` as typed. */
export function knownFolder(data: string, context: CliContext): DataFolder {
  const root = path.resolve(data);
  if (isThere(path.join(root, 'catalog.db'))) return ensureDataFolder(root, context.environment.runtimeFolder);
  const message = `${root} is no data folder of hupo: it has no catalog.db; name one with --data`;
  throw new OperationalError(message, { retryable: false });
}

/** Throws where it is not known, for this user may not look. */
export function isThere(file: string): boolean {
  try {
    return fs.statSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') throw error;
    const message = `${messageOf(error)}: run this as the one who runs the service`;
    throw new OperationalError(message, { retryable: false, cause: error });
  }
}
