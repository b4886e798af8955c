/**
 * Where the sockets of a data folder are: `DIR/run`, or, where that path is too long for a unix socket (107 bytes), a
 * folder of the user's runtime folder whose name follows from DIR's identity, so that every process finds the same.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { OperationalError, errnoOf } from './errors.ts';

const SOCKET_PATH_LIMIT_BYTES = 107;
const LONGEST_SOCKET_NAME = `${'d-'.padEnd(22, 'x')}.sock`;

/**
 * `dataFolder` must exist and be absolute. Makes the folder, mode 0700. Outside of DIR its name can be guessed and others may
 * write beside it: one that is there already is used only if it is a folder, of this user, and closed to all others.
 */
export function ensureRunFolder(dataFolder: string, runtimeFolder: string): string {
  const inside = path.join(dataFolder, 'run');
  if (Buffer.byteLength(path.join(inside, LONGEST_SOCKET_NAME)) <= SOCKET_PATH_LIMIT_BYTES) {
    fs.mkdirSync(inside, { recursive: true, mode: 0o700 });
    return inside;
  }
  const outside = path.join(runtimeFolder, `hupo-${hash(folderIdentity(dataFolder))}`);
  if (Buffer.byteLength(path.join(outside, LONGEST_SOCKET_NAME)) > SOCKET_PATH_LIMIT_BYTES) {
    throw refusal(`${outside} is too long for a unix socket: set XDG_RUNTIME_DIR to a shorter folder`);
  }
  fs.mkdirSync(runtimeFolder, { recursive: true, mode: 0o700 });
  try {
    fs.mkdirSync(outside, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
  assertOwn(outside);
  return outside;
}

function assertOwn(folder: string): void {
  const stat = fs.lstatSync(folder);
  const isOwn = stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o077) === 0;
  if (isOwn) return;
  throw refusal(`${folder} is not a folder of this user alone (0700), so no sockets are put there: remove it`);
}

function refusal(message: string): OperationalError {
  return new OperationalError(message, { retryable: false });
}

/** `<device>:<inode>`: the same for every path to one folder, another for its copy. */
export function folderIdentity(folder: string): string {
  const stat = fs.statSync(folder, { bigint: true });
  return `${stat.dev}:${stat.ino}`;
}

function hash(text: string): string {
  return crypto.hash('sha256', text).slice(0, 16);
}
