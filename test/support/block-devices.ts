/** Block devices that stand in for the engine: one in memory, and one on a plain file to measure the server with. */
import fs from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BlockDevice, Extent } from '../../src/nbd/device.ts';

const ZEROS = Buffer.alloc(4096);

/** Remembers what was asked of it, so that tests can check order and pieces. */
export class MemoryDevice implements BlockDevice {
  readonly bytes: Buffer;
  readOnly = false;
  commitCount = 0;
  flushCount = 0;
  readonly pieces: { offset: number; lengthBytes: number }[] = [];
  /** Answers each call after a turn of the event loop instead of at once. */
  isSlow = false;
  /** Thrown by the calls that it names. */
  readonly failures = new Map<'read' | 'write' | 'trim' | 'commit' | 'flush' | 'status', Error>();

  constructor(sizeBytes: number) {
    this.bytes = Buffer.alloc(sizeBytes);
  }

  get sizeBytes(): number {
    return this.bytes.length;
  }

  read(offset: number, target: Buffer): Promise<void> | undefined {
    return this.#perform('read', () => void this.bytes.copy(target, 0, offset, offset + target.length));
  }

  write(offset: number, data: Buffer): Promise<void> | undefined {
    this.pieces.push({ offset, lengthBytes: data.length });
    const kept = this.isSlow ? Buffer.from(data) : data;
    return this.#perform('write', () => void kept.copy(this.bytes, offset));
  }

  trim(offset: number, lengthBytes: number): Promise<void> | undefined {
    return this.#perform('trim', () => void this.bytes.fill(0, offset, offset + lengthBytes));
  }

  writeZeroes(offset: number, lengthBytes: number): Promise<void> | undefined {
    return this.#perform('write', () => void this.bytes.fill(0, offset, offset + lengthBytes));
  }

  /** Each 4 KiB of zeros is a hole. */
  status(offset: number, lengthBytes: number, limit: number): Extent[] {
    this.#fail('status');
    const extents: Extent[] = [];
    const end = offset + lengthBytes;
    for (let at = offset; at < end;) {
      const next = Math.min(end, at - (at % ZEROS.length) + ZEROS.length);
      const isZero = this.bytes.compare(ZEROS, 0, next - at, at, next) === 0;
      const last = extents.at(-1);
      if (last?.isZero === isZero) last.lengthBytes += next - at;
      else if (extents.length === limit) break;
      else extents.push({ lengthBytes: next - at, isHole: isZero, isZero });
      at = next;
    }
    return extents;
  }

  commit(): void {
    this.#fail('commit');
    this.commitCount++;
  }

  async flush(): Promise<void> {
    this.flushCount++;
    await nextTurn();
    this.#fail('flush');
  }

  #perform(call: 'read' | 'write' | 'trim', act: () => void): Promise<void> | undefined {
    if (this.isSlow) return this.#performLater(call, act);
    this.#fail(call);
    act();
    return undefined;
  }

  async #performLater(call: 'read' | 'write' | 'trim', act: () => void): Promise<void> {
    await nextTurn();
    this.#fail(call);
    act();
  }

  #fail(call: 'read' | 'write' | 'trim' | 'commit' | 'flush' | 'status'): void {
    const failure = this.failures.get(call);
    if (failure !== undefined) throw failure;
  }
}

/** A sparse file as it is: no map, no journal. */
export function openFileDevice(file: string, sizeBytes: number): BlockDevice & { close(): void } {
  const fd = fs.openSync(file, 'w+', 0o600);
  fs.ftruncateSync(fd, sizeBytes);
  const fill = (offset: number, lengthBytes: number) => {
    const zeros = Buffer.alloc(Math.min(lengthBytes, 65536));
    for (let done = 0; done < lengthBytes; done += zeros.length) {
      fs.writeSync(fd, zeros, 0, Math.min(zeros.length, lengthBytes - done), offset + done);
    }
    return undefined;
  };
  return {
    sizeBytes,
    readOnly: false,
    read: (offset, target) => void fs.readSync(fd, target, 0, target.length, offset),
    write: (offset, data) => void fs.writeSync(fd, data, 0, data.length, offset),
    trim: () => undefined,
    writeZeroes: fill,
    status: (_offset, lengthBytes) => [{ lengthBytes, isHole: false, isZero: false }],
    commit: () => undefined,
    flush: () => new Promise((resolve, reject) => fs.fdatasync(fd, (error) => (error ? reject(error) : resolve()))),
    close: () => fs.closeSync(fd),
  };
}
