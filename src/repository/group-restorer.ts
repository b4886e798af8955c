/**
 * Reads groups, verifies their chunks and writes them to the file, on the thread that it is used on. A group whose bytes go
 * to one place is expanded where it is written from. One that is not good is read again chunk by chunk through the index,
 * which finds other copies and packs that were moved meanwhile.
 */
import crypto from 'node:crypto';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { DIRECT_BUFFER_BYTES, DirectWriter, directBuffer, directReadBytes } from './direct-file.ts';
import { EntryReader } from './entry-reader.ts';
import { freeBuffer, keepFreedMemory } from './free-buffer.ts';
import { GroupDecoder } from './group-decoder.ts';
import type { ObjectStore } from './object-store/object-store.ts';
import { packName } from './pack.ts';
import type { PackIndex } from './pack-index.ts';
import { SPAN_BYTES, findStretch, planSpans } from './plan-restore.ts';
import type { EntryTask, GroupTask, Span } from './plan-restore.ts';
import { openObjectStore, openStores } from './stores.ts';
import type { RepositoryPlace } from './stores.ts';

/** Some spans: one is being restored, two are being read. */
const KEPT_BYTES = 4 * 1024 * 1024;

/** Plain data: it goes to a thread. */
export interface RestoreStart {
  repository: RepositoryPlace;
  /** Must exist. */
  file: string;
}

/** Opened at the first chunk that is not good where it was thought to be. */
interface Elsewhere {
  index: PackIndex;
  entries: EntryReader;
}

export class GroupRestorer {
  readonly #start: RestoreStart;
  readonly #store: ObjectStore;
  readonly #writer: DirectWriter;
  readonly #decoder = new GroupDecoder();
  /** Holds a group that is not written as it is; as large as the largest. */
  #plain = Buffer.alloc(0);
  /** For spans: one is being restored, two are being read. */
  readonly #spareRooms: Buffer[] = [];
  #elsewhere: Elsewhere | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(start: RestoreStart) {
    keepFreedMemory(KEPT_BYTES);
    this.#start = start;
    this.#store = openObjectStore(start.repository);
    this.#writer = new DirectWriter(start.file, [directBuffer(), directBuffer()]);
  }

  /**
   * Does one call after the other, but begins to read at once. Resolves to the bytes of the chunks, which are in the file
   * when `finish` has resolved too. Rejects with a CorruptionError, an OperationalError or the system's.
   */
  async run(tasks: readonly GroupTask[]): Promise<number> {
    const spans = planSpans(tasks);
    const reading = this.#read(spans[0]);
    const restoring = this.#last.then(async () => this.#restore(spans, reading));
    this.#last = restoring.catch(() => undefined);
    return restoring;
  }

  /** Resolves when all is in the file that was asked for. Not yet durable. */
  async finish(): Promise<void> {
    await this.#last;
    await this.#writer.finish();
  }

  /** Stops where it is, and resolves when the file is no longer in use. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#last;
    await this.#writer.close();
    this.#decoder.close();
    this.#elsewhere?.index.close();
  }

  async #restore(spans: readonly Span[], first: Promise<Buffer | undefined>): Promise<number> {
    let writtenBytes = 0;
    let reading = first;
    for (const [index, span] of spans.entries()) {
      const bytes = await reading;
      reading = this.#read(spans[index + 1]);
      for (const task of span.tasks) {
        if (this.#isClosed) return writtenBytes;
        const at = task.groupOffset - span.offset;
        writtenBytes += await this.#restoreGroup(task, bytes?.subarray(at, at + task.storedLength));
      }
      this.#takeBack(bytes);
    }
    return writtenBytes;
  }

  /** The span's stored bytes; a failure shows as damage and is then looked at closely. */
  async #read(span: Span | undefined): Promise<Buffer | undefined> {
    if (span === undefined || this.#isClosed) return undefined;
    const { packId, offset, length } = span;
    const room = this.#spareRooms.pop() ?? directBuffer(directReadBytes(SPAN_BYTES));
    const bytes = await this.#store.find(packName(packId), { offset, length }, room).catch(() => undefined);
    if (bytes?.buffer !== room.buffer) this.#spareRooms.push(room);
    return bytes;
  }

  /** A store answers in the room that it was given, or in memory of its own. */
  #takeBack(bytes: Buffer | undefined): void {
    if (bytes === undefined) return;
    if (bytes.buffer.byteLength === directReadBytes(SPAN_BYTES)) this.#spareRooms.push(Buffer.from(bytes.buffer));
    else freeBuffer(bytes);
  }

  async #restoreGroup(task: GroupTask, bytes: Buffer | undefined): Promise<number> {
    if (await this.#restoreInPlace(task, bytes)) return task.plainLength;
    const plain = this.#expandAside(task, bytes);
    let writtenBytes = 0;
    for (const entry of task.entries) {
      const chunkBytes = findGood(entry, plain) ?? (await this.#findElsewhere(entry));
      for (const chunk of entry.targets) await this.#writer.add(chunkBytes, chunk * CHUNK_BYTES);
      writtenBytes += entry.targets.length * CHUNK_BYTES;
    }
    return writtenBytes;
  }

  /** False, and nothing is written, when the group does not go to one place, or is not good. */
  async #restoreInPlace(task: GroupTask, bytes: Buffer | undefined): Promise<boolean> {
    const chunk = findStretch(task);
    if (chunk === undefined || task.plainLength > DIRECT_BUFFER_BYTES) return false;
    const room = await this.#writer.reserve(task.plainLength, chunk * CHUNK_BYTES);
    if (bytes === undefined || !this.#decoder.expand({ codec: task.codec, bytes }, room)) return false;
    if (!task.entries.every((entry) => findGood(entry, room) !== undefined)) return false;
    this.#writer.commit(task.plainLength);
    return true;
  }

  #expandAside({ codec, plainLength }: GroupTask, bytes: Buffer | undefined): Buffer | undefined {
    if (bytes === undefined) return undefined;
    if (this.#plain.length < plainLength) this.#plain = Buffer.allocUnsafeSlow(plainLength);
    const plain = this.#plain.subarray(0, plainLength);
    return this.#decoder.expand({ codec, bytes }, plain) ? plain : undefined;
  }

  async #findElsewhere(entry: EntryTask): Promise<Buffer> {
    this.#elsewhere ??= await openElsewhere(this.#start.repository);
    return this.#elsewhere.entries.read(Buffer.from(entry.digest, 'hex'), 'chunk');
  }
}

async function openElsewhere(repository: RepositoryPlace): Promise<Elsewhere> {
  const { store, index } = await openStores(repository);
  return { index, entries: new EntryReader(store, index) };
}

/** The chunk's bytes in those of its group, if they are what its digest says. */
function findGood({ digest, position }: EntryTask, plain: Buffer | undefined): Buffer | undefined {
  const bytes = plain?.subarray(position, position + CHUNK_BYTES);
  return bytes !== undefined && crypto.hash('sha256', bytes) === digest ? bytes : undefined;
}
