/** Packs written from chunks that come one by one or as neighbours: each is stored once, in the order in which it came. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { digestOf } from './digest.ts';
import { EntryReader } from './entry-reader.ts';
import { GroupThreads } from './group-threads.ts';
import { GROUP_PLAIN_BYTES } from './pack.ts';
import type { PackContents } from './pack.ts';
import { PackWriter } from './pack-writer.ts';
import type { PackWriterOptions } from './pack-writer.ts';
import {
  anyFence,
  assertChecksClean,
  chunkBytes,
  memoryStores,
  seededRandom,
} from '../../test/support/repositories.ts';

const CHUNKS = GROUP_PLAIN_BYTES / CHUNK_BYTES;
const SEEDS = 40;
const bytesOf = Array.from({ length: SEEDS }, (_, seed) => chunkBytes(seed));
const digests = bytesOf.map((bytes) => digestOf(bytes));

/** A chunk alone, or some buffers of up to four each; null: zeros. */
type Step = number | (number | null)[][];

const seeds = fc.nat(SEEDS - 1);
const fourFresh = seeds.map((seed) => Array.from({ length: CHUNKS }, (_, i) => (seed + i) % SEEDS));
const buffers = fc.oneof(fourFresh, fc.array(fc.option(seeds, { freq: 6 }), { minLength: 1, maxLength: CHUNKS }));
const steps = fc.array(
  fc.oneof({ weight: 1, arbitrary: seeds }, { weight: 3, arbitrary: fc.array(buffers, { maxLength: 4 }) }),
  { maxLength: 12 },
);

async function take(writer: PackWriter, step: Step): Promise<number> {
  if (typeof step === 'number') return (await writer.put('chunk', digestFor(step), bytesFor(step))) ? 1 : 0;
  const neighbours = step.map((seedsOfBuffer) => {
    const buffer = writer.takeBuffer();
    buffer.fill(0);
    for (const [i, seed] of seedsOfBuffer.entries()) if (seed !== null) bytesFor(seed).copy(buffer, i * CHUNK_BYTES);
    return { buffer, digests: seedsOfBuffer.map((seed) => (seed === null ? null : digestFor(seed))) };
  });
  return writer.putNeighbours(neighbours);
}

const digestFor = (seed: number) => digests[seed] ?? assert.fail();
const bytesFor = (seed: number) => bytesOf[seed] ?? assert.fail();

/** Stores all steps; every second one that is stored before is known. Each run has a repository of its own. */
async function assertStored(list: Step[], options: Partial<PackWriterOptions>): Promise<void> {
  const stores = memoryStores();
  const before = new PackWriter({ ...stores, random: seededRandom(1), fence: anyFence });
  const known = [3, 4, 17, 30];
  for (const seed of known) await before.put('chunk', digestFor(seed), bytesFor(seed));
  await before.finish();

  const packs: PackContents[] = [];
  const onIndexed = (contents: PackContents) => void packs.push(contents);
  const writer = new PackWriter({ ...stores, random: seededRandom(2), fence: anyFence, onIndexed, ...options });
  let newCount = 0;
  for (const step of list) newCount += await take(writer, step);
  await writer.finish();

  const wanted = list.flat(2).filter((seed) => seed !== null);
  const fresh = [...new Set(wanted)].filter((seed) => !known.includes(seed));
  assert.equal(newCount, fresh.length);
  const groups = packs.flatMap((pack) => pack.groups);
  const stored = groups.flatMap(({ entries }) => entries.map(({ digest }) => digest.toString('hex')));
  assert.deepEqual(
    stored,
    fresh.map((seed) => digestFor(seed).toString('hex')),
    'each once, in order',
  );
  const reader = new EntryReader(stores.store, stores.index);
  for (const seed of wanted) assert.ok((await reader.read(digestFor(seed), 'chunk')).equals(bytesFor(seed)));
  await assertChecksClean(stores);
  stores.index.close();
}

test('each chunk is stored once and in order, alone or with neighbours, on the thread pool', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (list) => assertStored(list, { packBytes: 1000 })),
    { numRuns: 60 },
  );
});

test('each chunk is stored once and in order, by the threads of an upload and without threads', async () => {
  for (const threadCount of [0, 2]) {
    await fc.assert(
      fc.asyncProperty(steps, async (list) => assertStored(list, { compressor: new GroupThreads(threadCount) })),
      { numRuns: 15 },
    );
  }
});

test('a buffer of new chunks is a group, and what came before it another', async () => {
  const stores = memoryStores();
  const packs: PackContents[] = [];
  const onIndexed = (contents: PackContents) => void packs.push(contents);
  const writer = new PackWriter({ ...stores, random: seededRandom(2), fence: anyFence, onIndexed });
  await take(writer, 1);
  await take(writer, [
    [2, null, 5, 2],
    [6, 7, 8, 9],
    [10, 11, 12, 13],
    [14, 6, 15, 16],
    [18, 19],
  ]);
  await writer.finish();
  const counts = packs.flatMap(({ groups }) => groups.map(({ entries }) => entries.length));
  assert.deepEqual(counts, [3, 4, 4, 4, 1]);
  stores.index.close();
});
