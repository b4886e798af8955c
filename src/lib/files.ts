/**
 * The file system as the stores see it: the few calls they use, so that tests can put a recording or failing one in
 * its place (test/crash). Reads and writes are synchronous because a page-cache copy is cheaper than a thread hand-over;
 * syncing is asynchronous because it waits for the device.
 *
 * What survives: a written byte survives the death of any process at once, and a power cut after `syncData` of its
 * file; a created, renamed or removed name survives a power cut after `syncFolder` of its folder.
 */
import fs from 'node:fs';
import { promisify } from 'node:util';
import path from 'node:path';
import { OperationalError } from './errors.ts';
import type { ByteRange } from './fallocate.ts';
import { canFallocate, layOutRange, punchRanges } from './fallocate.ts';

export type OpenMode = 'read' | 'read-write' | 'create' | 'create-new';

export interface FileInfo {
  sizeBytes: number;
  /** Bytes that the file holds on the device; less than the size when it is sparse. */
  allocatedBytes: number;
  isFolder: boolean;
  modifiedAtMs: number;
}

export interface Files {
  /** `create` opens for reading and writing and makes the file when absent; `create-new` fails with EEXIST if it is there. */
  open(path: string, mode: OpenMode): number;
  close(fd: number): void;
  /** Reads up to `length` bytes at `position`; returns the count, less only at the end of the file. */
  read(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number;
  /** `read` on the thread pool, for bytes that are likely to be on the device only. */
  readLater(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): Promise<number>;
  /** Writes all `length` bytes at `position`, or throws. */
  write(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): void;
  truncate(fd: number, sizeBytes: number): void;
  /** Gives a range its room on the device ahead of its bytes. False where that is not to be had. */
  layOut?: ((fd: number, range: ByteRange) => boolean) | undefined;
  /** Gives ranges back to the file system; they read as zeros. Absent where the system cannot. */
  punch?: ((fd: number, ranges: readonly ByteRange[]) => Promise<void>) | undefined;
  /** fdatasync: what was written to `fd` before the call is on the device when it resolves. */
  syncData(fd: number): Promise<void>;
  /** fsync of a folder: names made, renamed and removed in it before the call are on the device when it resolves. */
  syncFolder(path: string): Promise<void>;
  rename(from: string, to: string): void;
  /** One more name for a file. Throws EEXIST when `to` is there, and EPERM or ENOTSUP where a file has one name only. */
  link(from: string, to: string): void;
  unlink(path: string): void;
  /** `unlink` for a large file: freeing its blocks takes the file system a while, so it is done off this thread. */
  unlinkLarge(path: string): Promise<void>;
  /** Makes the folder and its parents, mode 0700, if absent. */
  ensureFolder(path: string): void;
  /** Removes a folder and all it holds, if present. */
  removeFolder(path: string): void;
  /** The names in a folder, sorted; empty when the folder is absent. */
  list(path: string): string[];
  find(path: string): FileInfo | undefined;
}

const flags: Record<OpenMode, number> = {
  read: fs.constants.O_RDONLY,
  'read-write': fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT,
  'create-new': fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
};

const fdatasync = promisify(fs.fdatasync);
const readInPool = promisify(fs.read);

export const systemFiles: Files = {
  open: (name, mode) => fs.openSync(name, flags[mode], 0o600),
  close: (fd) => fs.closeSync(fd),
  read: readAll,
  readLater: readAllLater,
  write: writeAll,
  truncate: (fd, sizeBytes) => fs.ftruncateSync(fd, sizeBytes),
  layOut: canFallocate ? layOutRange : undefined,
  punch: canFallocate ? punchRanges : undefined,
  syncData: async (fd) => {
    await fdatasync(fd);
  },
  syncFolder: async (name) => {
    const handle = await fs.promises.open(name, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  rename: (from, to) => fs.renameSync(from, to),
  link: (from, to) => fs.linkSync(from, to),
  unlink: (name) => fs.unlinkSync(name),
  unlinkLarge: (name) => fs.promises.unlink(name),
  ensureFolder: (name) => void fs.mkdirSync(name, { recursive: true, mode: 0o700 }),
  removeFolder: (name) => fs.rmSync(name, { recursive: true, force: true }),
  list: (name) => (fs.existsSync(name) ? fs.readdirSync(name).sort() : []),
  find: (name) => {
    const stat = fs.statSync(name, { throwIfNoEntry: false });
    return stat === undefined
      ? undefined
      : {
          sizeBytes: stat.size,
          allocatedBytes: stat.blocks * 512,
          isFolder: stat.isDirectory(),
          modifiedAtMs: stat.mtimeMs,
        };
  },
};

function readAll(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
  let done = 0;
  while (done < length) {
    const count = fs.readSync(fd, buffer, offset + done, length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

async function readAllLater(
  fd: number,
  buffer: Uint8Array,
  offset: number,
  length: number,
  position: number,
): Promise<number> {
  let done = 0;
  while (done < length) {
    const { bytesRead } = await readInPool(fd, buffer, offset + done, length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

function writeAll(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): void {
  let done = 0;
  while (done < length) {
    const count = fs.writeSync(fd, buffer, offset + done, length - done, position + done);
    if (count === 0) throw new OperationalError('the file system wrote nothing', { retryable: true });
    done += count;
  }
}

/** The whole content of a file, or undefined when there is none. */
export function findFileBytes(files: Files, name: string): Buffer | undefined {
  const info = files.find(name);
  if (info === undefined) return undefined;
  const fd = files.open(name, 'read');
  try {
    const bytes = Buffer.alloc(info.sizeBytes);
    return bytes.subarray(0, files.read(fd, bytes, 0, bytes.length, 0));
  } finally {
    files.close(fd);
  }
}

/**
 * Replaces a small file's content so that a crash or power cut leaves the old content or the new, never a mixture and
 * never neither. Resolves when the new content survives a power cut. A crash may leave `<name>.new` behind, which the
 * next call overwrites.
 */
export async function replaceFile(files: Files, name: string, bytes: Uint8Array): Promise<void> {
  const fresh = `${name}.new`;
  const fd = files.open(fresh, 'create');
  try {
    files.truncate(fd, 0);
    files.write(fd, bytes, 0, bytes.length, 0);
    await files.syncData(fd);
  } finally {
    files.close(fd);
  }
  files.rename(fresh, name);
  await files.syncFolder(path.dirname(name));
}
