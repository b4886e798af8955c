/**
 * A thread of a restore: reads groups, verifies their chunks and writes them to the file. A group that is not good is
 * read again chunk by chunk through the index, which finds other copies and packs that were moved meanwhile.
 */
import fs from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { AssertionError, CorruptionError, OperationalError, errnoOf, messageOf } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { expandGroupNow } from './compression.ts';
import { digestOf } from './digest.ts';
import { EntryReader } from './entry-reader.ts';
import { DirectoryStore } from './object-store/directory-store.ts';
import { packName } from './pack.ts';
import type { EntryTask, GroupTask } from './plan-restore.ts';
import { openStores } from './stores.ts';

export interface RestoreStart {
  repositoryFolder: string;
  file: string;
}

export type RestoreReply =
  | { type: 'done'; writtenBytes: number }
  | { type: 'damaged'; what: string; where: string; digests: { expected?: string; actual?: string } }
  | { type: 'failed'; message: string; retryable: boolean };

class RestoreTarget {
  readonly #start: RestoreStart;
  readonly #store: DirectoryStore;
  readonly #fd: number;

  constructor(start: RestoreStart) {
    this.#start = start;
    this.#store = new DirectoryStore(start.repositoryFolder);
    this.#fd = fs.openSync(start.file, 'r+');
  }

  async run(tasks: readonly GroupTask[]): Promise<number> {
    let writtenBytes = 0;
    let reading = this.#read(tasks[0]);
    for (const [index, task] of tasks.entries()) {
      const bytes = await reading;
      reading = this.#read(tasks[index + 1]);
      writtenBytes += await this.#restoreGroup(task, bytes);
    }
    return writtenBytes;
  }

  /** The group's stored bytes; a failure shows as damage and is then looked at closely. */
  async #read(task: GroupTask | undefined): Promise<Buffer | undefined> {
    if (task === undefined) return undefined;
    const range = { offset: task.groupOffset, length: task.storedLength };
    return this.#store.find(packName(task.packId), range).catch(() => undefined);
  }

  async #restoreGroup(task: GroupTask, bytes: Buffer | undefined): Promise<number> {
    const isWhole = bytes?.length === task.storedLength;
    const plain = isWhole ? expandGroupNow({ codec: task.codec, bytes }, task.plainLength) : undefined;
    let writtenBytes = 0;
    for (const run of runsOf(task.entries)) {
      const bytesOfRun = plain?.subarray(run.position, run.position + run.length);
      if (bytesOfRun !== undefined && run.entries.every((entry) => isGood(entry, plain))) {
        writtenBytes += this.#write(run.targets, bytesOfRun);
      } else {
        for (const entry of run.entries) writtenBytes += this.#write(entry.targets, await this.#findElsewhere(entry));
      }
    }
    return writtenBytes;
  }

  async #findElsewhere(entry: EntryTask): Promise<Buffer> {
    const { store, index } = await openStores(this.#start.repositoryFolder);
    try {
      return await new EntryReader(store, index).read(Buffer.from(entry.digest, 'hex'), 'chunk');
    } finally {
      index.close();
    }
  }

  /** Writes `bytes` at each target chunk. */
  #write(targets: readonly number[], bytes: Buffer): number {
    for (const chunk of targets) {
      for (let done = 0; done < bytes.length;) {
        done += fs.writeSync(this.#fd, bytes, done, bytes.length - done, chunk * CHUNK_BYTES + done);
      }
    }
    return targets.length * bytes.length;
  }
}

interface Run {
  entries: EntryTask[];
  position: number;
  length: number;
  targets: number[];
}

/** Entries that follow one another in the group and in the file are written at once. */
function runsOf(entries: readonly EntryTask[]): Run[] {
  const runs: Run[] = [];
  for (const entry of entries) {
    const { position, length, targets } = entry;
    if (length !== CHUNK_BYTES) throw new CorruptionError(`chunk ${entry.digest}`, `it has ${length} bytes`);
    const last = runs.at(-1);
    const isNext = last !== undefined && last.position + last.length === position && isOnlyTarget(last, targets);
    if (isNext) {
      last.entries.push(entry);
      last.length += length;
    } else {
      runs.push({ entries: [entry], position, length, targets });
    }
  }
  return runs;
}

function isOnlyTarget(run: Run, targets: readonly number[]): boolean {
  const [first] = run.targets;
  return (
    first !== undefined && run.targets.length === 1 && targets.length === 1 && targets[0] === first + run.entries.length
  );
}

function isGood(entry: EntryTask, plain: Buffer | undefined): boolean {
  const bytes = plain?.subarray(entry.position, entry.position + entry.length);
  return bytes !== undefined && digestOf(bytes).toString('hex') === entry.digest;
}

async function answer(target: RestoreTarget, tasks: readonly GroupTask[]): Promise<RestoreReply> {
  try {
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
  port.on('message', (tasks: GroupTask[]) => {
    void answer(target, tasks).then((reply) => port.postMessage(reply));
  });
}
