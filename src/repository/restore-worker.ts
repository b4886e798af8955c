/**
 * A thread of a restore: reads groups, verifies their chunks and writes them to the file. A group that is not good is
 * read again chunk by chunk through the index, which finds other copies and packs that were moved meanwhile.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { AssertionError, CorruptionError, OperationalError, errnoOf, messageOf } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { expandGroupNow } from './compression.ts';
import { digestOf } from './digest.ts';
import { DirectWriter, directBuffer } from './direct-file.ts';
import { EntryReader } from './entry-reader.ts';
import { freeBuffer } from './free-buffer.ts';
import type { ObjectStore } from './object-store/object-store.ts';
import { packName } from './pack.ts';
import type { EntryTask, GroupTask } from './plan-restore.ts';
import { openObjectStore, openStores } from './stores.ts';
import type { RepositoryPlace } from './stores.ts';

export interface RestoreStart {
  repository: RepositoryPlace;
  file: string;
}

/** What a thread is told; it answers each in turn. `finish` comes last: what was accepted before is then in the file. */
export type RestoreOrder = readonly GroupTask[] | 'finish';

export type RestoreReply =
  | { type: 'done'; writtenBytes: number }
  | { type: 'damaged'; what: string; where: string; digests: { expected?: string; actual?: string } }
  | { type: 'failed'; message: string; retryable: boolean };

/** Groups that lie side by side in a pack are read at once, up to so many bytes. */
const SPAN_BYTES = 1024 * 1024;

interface Span {
  packId: string;
  offset: number;
  length: number;
  tasks: GroupTask[];
}

class RestoreTarget {
  readonly #start: RestoreStart;
  readonly #store: ObjectStore;
  readonly #writer: DirectWriter;

  constructor(start: RestoreStart) {
    this.#start = start;
    this.#store = openObjectStore(start.repository);
    this.#writer = new DirectWriter(start.file, [directBuffer(), directBuffer()]);
  }

  async finish(): Promise<void> {
    await this.#writer.finish();
  }

  /** Resolves to the bytes that are written, or will be when `finish` resolves. */
  async run(tasks: readonly GroupTask[]): Promise<number> {
    const spans = spansOf(tasks);
    let writtenBytes = 0;
    let reading = this.#read(spans[0]);
    for (const [index, span] of spans.entries()) {
      const bytes = await reading;
      reading = this.#read(spans[index + 1]);
      for (const task of span.tasks) {
        const at = task.groupOffset - span.offset;
        writtenBytes += await this.#restoreGroup(task, bytes?.subarray(at, at + task.storedLength));
      }
      if (bytes !== undefined) freeBuffer(bytes);
    }
    return writtenBytes;
  }

  /** The span's stored bytes; a failure shows as damage and is then looked at closely. */
  async #read(span: Span | undefined): Promise<Buffer | undefined> {
    if (span === undefined) return undefined;
    const { packId, offset, length } = span;
    return this.#store.find(packName(packId), { offset, length }).catch(() => undefined);
  }

  async #restoreGroup(task: GroupTask, bytes: Buffer | undefined): Promise<number> {
    const stored = bytes?.length === task.storedLength ? { codec: task.codec, bytes } : undefined;
    const plain = stored && expandGroupNow(stored, task.plainLength);
    let writtenBytes = 0;
    for (const entry of task.entries) {
      if (entry.length !== CHUNK_BYTES)
        throw new CorruptionError(`chunk ${entry.digest}`, `it has ${entry.length} bytes`);
      const chunkBytes = findGood(entry, plain) ?? (await this.#findElsewhere(entry));
      for (const chunk of entry.targets) await this.#writer.add(chunkBytes, chunk * CHUNK_BYTES);
      writtenBytes += entry.targets.length * CHUNK_BYTES;
    }
    if (plain !== undefined && plain.buffer !== bytes?.buffer) freeBuffer(plain);
    return writtenBytes;
  }

  async #findElsewhere(entry: EntryTask): Promise<Buffer> {
    const { store, index } = await openStores(this.#start.repository);
    try {
      return await new EntryReader(store, index).read(Buffer.from(entry.digest, 'hex'), 'chunk');
    } finally {
      index.close();
    }
  }
}

function spansOf(tasks: readonly GroupTask[]): Span[] {
  const spans: Span[] = [];
  for (const task of tasks) {
    const { packId, groupOffset: offset, storedLength } = task;
    const last = spans.at(-1);
    const isNext = last?.packId === packId && last.offset + last.length === offset;
    if (isNext && last.length + storedLength <= SPAN_BYTES) {
      last.tasks.push(task);
      last.length += storedLength;
    } else {
      spans.push({ packId, offset, length: storedLength, tasks: [task] });
    }
  }
  return spans;
}

/** The chunk's bytes in those of its group, if they are what its digest says. */
function findGood(entry: EntryTask, plain: Buffer | undefined): Buffer | undefined {
  const bytes = plain?.subarray(entry.position, entry.position + entry.length);
  return bytes !== undefined && digestOf(bytes).toString('hex') === entry.digest ? bytes : undefined;
}

async function answer(target: RestoreTarget, tasks: RestoreOrder): Promise<RestoreReply> {
  try {
    if (tasks === 'finish') {
      await target.finish();
      return { type: 'done', writtenBytes: 0 };
    }
    return { type: 'done', writtenBytes: await target.run(tasks) };
  } catch (error) {
    return describeFailure(error);
  }
}

function describeFailure(error: unknown): RestoreReply {
  if (error instanceof CorruptionError) {
    const { what, where, expected, actual } = error;
    const digests = expected === undefined || actual === undefined ? {} : { expected, actual };
    return { type: 'damaged', what, where, digests };
  }
  const message = error instanceof AssertionError ? (error.stack ?? error.message) : messageOf(error);
  const retryable = error instanceof OperationalError ? error.retryable : errnoOf(error) !== undefined;
  return { type: 'failed', message, retryable };
}

const port = parentPort;
if (port !== null) {
  const target = new RestoreTarget(workerData as RestoreStart);
  let last: Promise<void> = Promise.resolve();
  port.on('message', (tasks: RestoreOrder) => {
    last = last.then(async () => port.postMessage(await answer(target, tasks)));
  });
}
