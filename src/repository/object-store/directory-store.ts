/**
 * An object store in a directory: an object is a file of that path. It is written below `tmp/`, synced, given its name, which
 * only one can have, and its folder synced, so a crash leaves the whole object or a file in `tmp/`, which `removeLeftovers`
 * removes when nobody can be writing it any more, or both. Where the file system has no second names for files, "create only"
 * holds in one process only.
 */
import fs from 'node:fs';
import path from 'node:path';
import { systemClock } from '../../lib/clock.ts';
import type { Clock } from '../../lib/clock.ts';
import { CorruptionError, OperationalError, errnoOf, messageOf } from '../../lib/errors.ts';
import { findFileBytes, systemFiles } from '../../lib/files.ts';
import type { Files } from '../../lib/files.ts';
import { Mutex } from '../../lib/mutex.ts';
import { DirectWriter, directBuffer, readDirect, readInPool } from '../direct-file.ts';
import { assertObjectName, assertPrefix } from './object-store.ts';
import type { ByteRange, ObjectInfo, ObjectStore } from './object-store.ts';

/** From this size on an object is written past the page cache: packs, nothing else. */
const DIRECT_BYTES = 1024 * 1024;

/** What file systems say that give a file one name only (exFAT, some network and user-space ones). */
const HAS_NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/** A file in `tmp/` that nobody has written to for so long is taken for one whose writer has died. */
const LEFTOVER_AGE_MS = 60 * 60 * 1000;

export class DirectoryStore implements ObjectStore {
  readonly #root: string;
  readonly #files: Files;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #naming = new Mutex();
  /** Folders whose own names are known to survive a power cut. */
  readonly #durableFolders: Set<string>;
  readonly #spareBuffers: Buffer[] = [];
  /** Files in `tmp/` of puts that have not ended. */
  readonly #temporaries = new Set<string>();
  #putCount = 0;

  /** `root` must exist. */
  constructor(root: string, files: Files = systemFiles, clock: Pick<Clock, 'nowMs'> = systemClock) {
    this.#root = root;
    this.#files = files;
    this.#clock = clock;
    this.#durableFolders = new Set([root]);
  }

  async put(name: string, parts: readonly Uint8Array[]): Promise<boolean> {
    assertObjectName(name);
    return explaining(`cannot write ${name}`, async () => {
      const target = this.#path(name);
      if (this.#files.find(target) === undefined) {
        if (await this.#create(name, parts)) return true;
      }
      await this.persist(name);
      return false;
    });
  }

  /** False when the name is taken. */
  async #create(name: string, parts: readonly Uint8Array[]): Promise<boolean> {
    const folder = path.join(this.#root, 'tmp');
    this.#files.ensureFolder(folder);
    const { temporary, fd } = this.#createTemporary(path.join(folder, name.replaceAll('/', '~')));
    this.#temporaries.add(temporary);
    try {
      await this.#fill(temporary, fd, parts);
      return await this.#naming.run(async () => this.#moveInPlace(temporary, this.#path(name)));
    } finally {
      this.#temporaries.delete(temporary);
    }
  }

  /** Closes `fd`. */
  async #fill(temporary: string, fd: number, parts: readonly Uint8Array[]): Promise<void> {
    try {
      const sizeBytes = parts.reduce((sum, part) => sum + part.length, 0);
      if (this.#files === systemFiles && sizeBytes >= DIRECT_BYTES) await this.#writeDirect(temporary, parts);
      else this.#write(fd, parts);
      this.#files.truncate(fd, sizeBytes);
      await this.#files.syncData(fd);
    } catch (error) {
      this.#files.unlink(temporary);
      throw error;
    } finally {
      this.#files.close(fd);
    }
  }

  /** A file that nobody else has: another process, or a crash, may have left one of the same name. */
  #createTemporary(file: string): { temporary: string; fd: number } {
    for (;;) {
      const temporary = `${file}.${this.#putCount++}`;
      try {
        return { temporary, fd: this.#files.open(temporary, 'create-new') };
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
      }
    }
  }

  #write(fd: number, parts: readonly Uint8Array[]): void {
    let position = 0;
    for (const part of parts) {
      this.#files.write(fd, part, 0, part.length, position);
      position += part.length;
    }
  }

  /** On the thread pool, past the page cache: a large object must not hold up whoever fills the next. */
  async #writeDirect(temporary: string, parts: readonly Uint8Array[]): Promise<void> {
    const buffers: [Buffer, Buffer] = [this.#takeBuffer(), this.#takeBuffer()];
    const writer = new DirectWriter(temporary, buffers);
    try {
      let position = 0;
      for (const part of parts) {
        await writer.add(part, position);
        position += part.length;
      }
      await writer.finish();
    } finally {
      await writer.close();
      this.#spareBuffers.push(...buffers);
    }
  }

  #takeBuffer(): Buffer {
    return this.#spareBuffers.pop() ?? directBuffer();
  }

  async #moveInPlace(temporary: string, target: string): Promise<boolean> {
    if (this.#files.find(target) !== undefined) {
      this.#files.unlink(temporary);
      return false;
    }
    const folder = path.dirname(target);
    await this.#ensureDurableFolder(folder);
    const created = this.#name(temporary, target);
    if (created) await this.#files.syncFolder(folder);
    return created;
  }

  /** False when the name is taken. */
  #name(temporary: string, target: string): boolean {
    try {
      this.#files.link(temporary, target);
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') {
        this.#files.unlink(temporary);
        return false;
      }
      if (!HAS_NO_LINKS.includes(errnoOf(error) ?? '')) throw error;
      this.#files.rename(temporary, target);
      return true;
    }
    this.#files.unlink(temporary);
    return true;
  }

  async #ensureDurableFolder(folder: string): Promise<void> {
    if (this.#durableFolders.has(folder)) return;
    const parent = path.dirname(folder);
    await this.#ensureDurableFolder(parent);
    this.#files.ensureFolder(folder);
    await this.#files.syncFolder(parent);
    this.#durableFolders.add(folder);
  }

  async find(name: string, range?: ByteRange, room?: Buffer): Promise<Buffer | undefined> {
    assertObjectName(name);
    return explaining(`cannot read ${name}`, async () => {
      const file = this.#path(name);
      // The real file system is read on the thread pool: a cold read must not hold a thread that serves disks.
      if (this.#files === systemFiles) return findInPool(file, range, room);
      const bytes = findFileBytes(this.#files, file);
      return range === undefined ? bytes : bytes?.subarray(range.offset, range.offset + range.length);
    });
  }

  async stat(name: string): Promise<ObjectInfo | undefined> {
    assertObjectName(name);
    const info = this.#files.find(this.#path(name));
    return info === undefined || info.isFolder ? undefined : { name, sizeBytes: info.sizeBytes };
  }

  list(prefix: string): AsyncIterable<ObjectInfo> {
    assertPrefix(prefix);
    return this.#walk(prefix);
  }

  async *#walk(prefix: string): AsyncGenerator<ObjectInfo> {
    const entries: { key: string; sizeBytes: number }[] = [];
    for (const leaf of this.#files.list(this.#path(prefix))) {
      const info = this.#files.find(this.#path(prefix + leaf));
      if (info !== undefined) entries.push({ key: info.isFolder ? `${leaf}/` : leaf, sizeBytes: info.sizeBytes });
    }
    entries.sort((a, b) => (a.key < b.key ? -1 : 1));
    for (const { key, sizeBytes } of entries) {
      if (key.endsWith('/')) yield* this.#walk(prefix + key);
      else yield { name: prefix + key, sizeBytes };
    }
  }

  async delete(name: string): Promise<void> {
    assertObjectName(name);
    await explaining(`cannot delete ${name}`, async () => {
      const file = this.#path(name);
      if (this.#files.find(file) !== undefined) this.#files.unlink(file);
      const folder = path.dirname(file);
      if (this.#files.find(folder) !== undefined) await this.#files.syncFolder(folder);
    });
  }

  async persist(name: string): Promise<void> {
    assertObjectName(name);
    await explaining(`cannot sync the folder of ${name}`, async () => {
      const folder = path.dirname(this.#path(name));
      await this.#ensureDurableFolder(folder);
      await this.#files.syncFolder(folder);
    });
  }

  async removeLeftovers(): Promise<number> {
    const folder = path.join(this.#root, 'tmp');
    const oldestMs = this.#clock.nowMs() - LEFTOVER_AGE_MS;
    let freedBytes = 0;
    for (const leaf of this.#files.list(folder)) {
      const file = path.join(folder, leaf);
      const info = this.#files.find(file);
      if (info === undefined || info.modifiedAtMs >= oldestMs || this.#temporaries.has(file)) continue;
      this.#files.unlink(file);
      freedBytes += info.sizeBytes;
    }
    return freedBytes;
  }

  #path(name: string): string {
    return path.join(this.#root, name);
  }
}

async function findInPool(
  file: string,
  range: ByteRange | undefined,
  room: Buffer | undefined,
): Promise<Buffer | undefined> {
  try {
    const direct = range && room && (await readDirect(file, range, room));
    return direct ?? (await readPlain(file, range));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function readPlain(file: string, range: ByteRange | undefined): Promise<Buffer> {
  const fd = fs.openSync(file, 'r');
  try {
    const bytes = Buffer.allocUnsafeSlow(range?.length ?? fs.fstatSync(fd).size);
    return bytes.subarray(0, await readInPool(fd, bytes, range?.offset ?? 0));
  } finally {
    fs.closeSync(fd);
  }
}

/** Turns a system error into an OperationalError that says what could not be done. Waiting may mend a full disk. */
async function explaining<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    // A bad sector: waiting brings nothing back, another copy may.
    if (errnoOf(error) === 'EIO' && what.startsWith('cannot read'))
      throw new CorruptionError(what.slice('cannot read '.length), 'the device cannot read it');
    throw new OperationalError(`${what}: ${messageOf(error)}`, { retryable: true, cause: error });
  }
}
