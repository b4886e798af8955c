/** Uploads of a frozen view, against a small diskd: what is stored, what is reported, and the worker as a process. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import type { DiskdCalls, ViewChunk } from '../disk/protocol.ts';
import { SEGMENT_BYTES, SEGMENT_SLOTS, slotFile, slotOffset } from '../disk/slot-address.ts';
import { systemClock } from '../lib/clock.ts';
import { CorruptionError } from '../lib/errors.ts';
import { BLOCK_BYTES, CHUNK_BYTES } from '../lib/geometry.ts';
import { serveLines } from '../lib/line-channel.ts';
import type { Handlers } from '../lib/line-channel.ts';
import { EntryReader } from '../repository/entry-reader.ts';
import { PageReader } from '../repository/page-reader.ts';
import { openStores } from '../repository/stores.ts';
import type { Stores } from '../repository/stores.ts';
import { emptyTree } from '../repository/tree-ref.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { walkTree } from '../repository/tree.ts';
import type { UploadJob, WorkerMessage } from './job.ts';
import { uploadView } from './upload.ts';
import {
  anySession,
  assertChecksClean,
  assertImage,
  chunkBytes,
  newPlace,
  seededRandom,
} from '../../test/support/repositories.ts';
import type { Image } from '../../test/support/repositories.ts';

interface Fixture {
  folder: string;
  dataFolder: string;
  job: UploadJob;
}

async function withFixture(body: (fixture: Fixture) => Promise<void>): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-upload-'));
  try {
    const dataFolder = path.join(folder, 'data');
    fs.mkdirSync(dataFolder);
    fs.mkdirSync(path.join(folder, 'repository'));
    const job: UploadJob = {
      repository: newPlace(folder),
      session: anySession,
      diskdSocket: path.join(folder, 'diskd.sock'),
      diskId: 'd-1',
      snapshotId: 's-1',
      sizeBytes: 40_000 * CHUNK_BYTES,
      parent: emptyTree,
      sinceGeneration: 0,
    };
    await body({ folder, dataFolder, job });
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

/** Writes each chunk with a seed of 1 or more to a slot; seed 0 is a slot of zeros, null a zero chunk without a slot. */
function writeSlots(dataFolder: string, image: Image, firstSlot: number): ViewChunk[] {
  let slot = firstSlot;
  return [...image].map(([chunk, seed]) => {
    if (seed === null) return { chunk, slot: null };
    const fd = fs.openSync(slotFile(dataFolder, slot), fs.constants.O_CREAT | fs.constants.O_RDWR);
    fs.ftruncateSync(fd, SEGMENT_BYTES);
    if (seed > 0) fs.writeSync(fd, chunkBytes(seed), 0, CHUNK_BYTES, slotOffset(slot));
    fs.closeSync(fd);
    return { chunk, slot: slot++ };
  });
}

/** Every chunk of a tree that is not zeros, with its bytes. */
async function readStored(stores: Stores, tree: TreeRef): Promise<Map<number, Buffer>> {
  const entries = new EntryReader(stores.store, stores.index);
  const stored = new Map<number, Buffer>();
  for await (const { chunk, digest } of walkTree(tree, new PageReader(entries))) {
    stored.set(chunk, Buffer.from(await entries.read(digest, 'chunk')));
  }
  return stored;
}

/** Answers pages of at most so many chunks. */
function viewOf(dataFolder: string, chunks: ViewChunk[], mostChunks = 3) {
  return async ({ fromChunk, limit }: DiskdCalls['listViewChunks']['request']) => {
    const rest = chunks.filter(({ chunk }) => chunk >= fromChunk);
    const pageLength = Math.min(limit, mostChunks);
    return { dataFolder, chunks: rest.slice(0, pageLength), next: rest[pageLength]?.chunk ?? null };
  };
}

async function upload(
  job: UploadJob,
  list: ReturnType<typeof viewOf>,
  onProgress = (_done: number, _total: number) => {},
) {
  const call = async (_name: string, body: object) => list(body as DiskdCalls['listViewChunks']['request']);
  const diskd = { call } as unknown as Parameters<typeof uploadView>[1]['diskd'];
  return uploadView(job, { diskd, clock: systemClock, random: seededRandom(job.sinceGeneration + 2), onProgress });
}

test('a view is stored whole, then what changed, zeros free, equal chunks once', async () => {
  await withFixture(async ({ dataFolder, job }) => {
    const first: Image = new Map([
      [0, 1],
      [1, 2],
      [2, 0],
      [3, null],
      [9, 1],
      [20_000, 3],
      [20_001, 4],
    ]);
    const progress: [number, number][] = [];
    const chunks = writeSlots(dataFolder, first, SEGMENT_SLOTS - 2);
    const result = await upload(job, viewOf(dataFolder, chunks), (done, total) => void progress.push([done, total]));
    const { changedChunkCount, newChunkCount, readBytes, tree } = result;
    assert.deepEqual([changedChunkCount, newChunkCount, readBytes], [7, 4, 6 * CHUNK_BYTES]);
    assert.deepEqual(
      [progress[0], progress.at(-1)],
      [
        [0, 6 * CHUNK_BYTES],
        [6 * CHUNK_BYTES, 6 * CHUNK_BYTES],
      ],
    );
    const stores = await openStores(job.repository);
    const image: Image = new Map([
      [0, 1],
      [1, 2],
      [9, 1],
      [20_000, 3],
      [20_001, 4],
    ]);
    await assertImage(stores, tree, image);

    const second: Image = new Map([
      [1, null],
      [9, 8],
      [20_001, 4],
      [30_000, 2],
    ]);
    const changed = writeSlots(dataFolder, second, 100);
    const next = await upload({ ...job, parent: tree, sinceGeneration: 1 }, viewOf(dataFolder, changed));
    assert.equal(next.newChunkCount, 1);
    await assertImage(
      stores,
      next.tree,
      new Map([
        [0, 1],
        [9, 8],
        [20_000, 3],
        [20_001, 4],
        [30_000, 2],
      ]),
    );
    await assertImage(stores, tree, image);
    await assertChecksClean(stores);
    stores.index.close();
  });
});

test('a large view is stored by threads, with its zeros, its equal chunks and what is stored already', async () => {
  await withFixture(async ({ dataFolder, job }) => {
    const image: Image = new Map(
      Array.from({ length: 700 }, (_, chunk) => [
        2 * chunk,
        chunk % 50 === 0 ? null : chunk % 45 === 0 ? 0 : 1 + (chunk % 600),
      ]),
    );
    const seeds = new Set([...image.values()].filter((seed) => seed !== null).filter((seed) => seed > 0));
    const known: Image = new Map([...seeds].filter((seed) => seed % 37 === 0).map((seed) => [seed, seed]));
    await upload(job, viewOf(dataFolder, writeSlots(dataFolder, known, 5000), 100));

    const chunks = writeSlots(dataFolder, image, SEGMENT_SLOTS - 333);
    const result = await upload({ ...job, sinceGeneration: 1 }, viewOf(dataFolder, chunks, 210));
    assert.deepEqual(
      [result.changedChunkCount, result.newChunkCount, result.readBytes],
      [700, seeds.size - known.size, 686 * CHUNK_BYTES],
    );
    const stores = await openStores(job.repository);
    await assertImage(stores, result.tree, new Map([...image].filter(([, seed]) => seed !== 0)));
    await assertChecksClean(stores);
    stores.index.close();
  });
});

test('a chunk that is put together from several slots is stored as one, and all of a view with generation −1', async () => {
  await withFixture(async ({ dataFolder, job }) => {
    const ALL = 0xffff;
    const older = { chunk: 7, slot: 2 };
    writeSlots(dataFolder, new Map([[older.chunk, 5]]), older.slot);
    const [redirected] = writeSlots(dataFolder, new Map([[older.chunk, 6]]), 40);
    assert.deepEqual(redirected, { chunk: 7, slot: 40 });
    const parts = [
      { slot: 2, mask: ALL - 0b1110 },
      { slot: 40, mask: 0b0110 },
      { slot: null, mask: 0b1000 },
    ];
    const zeros = { chunk: 8, parts: [{ slot: null, mask: ALL }] };
    const asked: number[] = [];
    const list = viewOf(dataFolder, [{ chunk: older.chunk, parts }, zeros]);
    const result = await upload({ ...job, sinceGeneration: -1 }, async (request) => {
      asked.push(request.sinceGeneration);
      return list(request);
    });
    assert.deepEqual(new Set(asked), new Set([-1]));
    const { tree, ...counts } = result;
    assert.deepEqual([counts.changedChunkCount, counts.newChunkCount, counts.readBytes], [2, 1, CHUNK_BYTES]);
    const expected = chunkBytes(5);
    chunkBytes(6).copy(expected, BLOCK_BYTES, BLOCK_BYTES, 3 * BLOCK_BYTES);
    expected.fill(0, 3 * BLOCK_BYTES, 4 * BLOCK_BYTES);
    const stores = await openStores(job.repository);
    const stored = await readStored(stores, tree);
    assert.deepEqual([...stored.keys()], [7]);
    assert.ok(stored.get(7)?.equals(expected));
    stores.index.close();
  });
});

test('an unchanged view is the parent and stores nothing', async () => {
  await withFixture(async ({ dataFolder, job }) => {
    const result = await upload(job, viewOf(dataFolder, []));
    assert.deepEqual(result, { tree: emptyTree, changedChunkCount: 0, newChunkCount: 0, readBytes: 0, storedBytes: 0 });
  });
});

test('a slot that is not there whole fails the upload for good, as damage that names the file', async () => {
  await withFixture(async ({ dataFolder, job }) => {
    fs.writeFileSync(slotFile(dataFolder, 0), Buffer.alloc(CHUNK_BYTES - 1, 1));
    for (const slot of [0, SEGMENT_SLOTS]) {
      await assert.rejects(upload(job, viewOf(dataFolder, [{ chunk: 5, slot }])), (error: Error) => {
        assert.ok(error instanceof CorruptionError);
        assert.match(error.message, /\.seg is (too short|missing)/);
        return true;
      });
    }
  });
});

test('a parent that is not in the repository fails the upload as damage', async () => {
  await withFixture(async ({ dataFolder, job }) => {
    const parent = { root: 'ab'.repeat(32), levels: 1, dataChunkCount: 1 };
    await assert.rejects(upload({ ...job, parent }, viewOf(dataFolder, [])), CorruptionError);
  });
});

function startWorker(): ChildProcess {
  const main = path.join(import.meta.dirname, '..', 'main.ts');
  return fork(main, ['transfer'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

async function serveView(job: UploadJob, list: ReturnType<typeof viewOf>) {
  return serveLines<DiskdCalls>(job.diskdSocket, { listViewChunks: list } as unknown as Handlers<DiskdCalls>);
}

async function runWorker(job: UploadJob): Promise<{ messages: WorkerMessage[]; code: number | null }> {
  const worker = startWorker();
  const messages: WorkerMessage[] = [];
  worker.on('message', (message) => messages.push(message as WorkerMessage));
  worker.send(job);
  const [code] = (await once(worker, 'exit')) as [number | null];
  return { messages, code };
}

test('the worker uploads one view, tells progress and result, and ends', async () => {
  await withFixture(async ({ dataFolder, job }) => {
    const server = await serveView(job, viewOf(dataFolder, writeSlots(dataFolder, new Map([[4, 9]]), 0)));
    const { messages, code } = await runWorker(job);
    await server.close();
    assert.equal(code, 0);
    const last = messages.at(-1);
    assert.ok(last?.type === 'done', JSON.stringify(messages));
    assert.equal(last.result.newChunkCount, 1);
    assert.deepEqual(messages[0], { type: 'progress', doneBytes: 0, totalBytes: CHUNK_BYTES });
    const stores = await openStores(job.repository);
    await assertImage(stores, last.result.tree, new Map([[4, 9]]));
    stores.index.close();
  });
});

test('without diskd the worker says that it failed and may be tried again', async () => {
  await withFixture(async ({ job }) => {
    const { messages, code } = await runWorker(job);
    assert.equal(code, 1);
    assert.deepEqual(
      messages.map((message) => message.type === 'failed' && message.retryable),
      [true],
    );
  });
});

test('the worker ends at once when its channel closes', async () => {
  await withFixture(async ({ job }) => {
    const asked = Promise.withResolvers<void>();
    const server = await serveView(job, async () => {
      asked.resolve();
      return new Promise(() => {});
    });
    const worker = startWorker();
    worker.send(job);
    await asked.promise;
    assert.equal(os.getPriority(worker.pid), 19);
    worker.disconnect();
    const [code] = (await once(worker, 'exit')) as [number | null];
    assert.equal(code, 1);
    await server.close();
  });
});
