/**
 * Where the sockets of a data folder are: `DIR/run`, or, where that path is too long for a unix socket (107 bytes), a
 * folder of the user's runtime folder whose name follows from DIR's identity, so that every process finds the same.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

const SOCKET_PATH_LIMIT_BYTES = 107;
const LONGEST_SOCKET_NAME = `${'d-'.padEnd(22, 'x')}.sock`;

/** `dataFolder` must exist and be absolute. Makes the folder, mode 0700. */
export function ensureRunFolder(dataFolder: string, runtimeFolder: string): string {
  const inside = path.join(dataFolder, 'run');
  const chosen =
    Buffer.byteLength(path.join(inside, LONGEST_SOCKET_NAME)) <= SOCKET_PATH_LIMIT_BYTES
      ? inside
      : path.join(runtimeFolder, `hupo-${hash(folderIdentity(dataFolder))}`);
  fs.mkdirSync(chosen, { recursive: true, mode: 0o700 });
  return chosen;
}

/** `<device>:<inode>`: the same for every path to one folder, another for its copy. */
export function folderIdentity(folder: string): string {
  const stat = fs.statSync(folder, { bigint: true });
  return `${stat.dev}:${stat.ino}`;
}

function hash(text: string): string {
  return crypto.hash('sha256', text).slice(0, 16);
}
