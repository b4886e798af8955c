/** Many digests asked for at once: the answers are those that `PackIndex` gives for each alone. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { digestOf } from './digest.ts';
import { BatchLookup, KnownDigests } from './digest-questions.ts';
import { PackWriter } from './pack-writer.ts';
import { anyFence, chunkBytes, memoryStores, seededRandom } from '../../test/support/repositories.ts';
import type { MemoryStores } from '../../test/support/repositories.ts';

const digestOfSeed = (seed: number) => digestOf(chunkBytes(seed));

/** A pack with the chunks of these seeds, whether or not they are stored already. */
async function storeAgain(stores: MemoryStores, seeds: number[], random: number): Promise<void> {
  const options = { random: seededRandom(random), fence: anyFence, isKnown: () => false };
  const packs = new PackWriter({ ...stores, ...options });
  for (const seed of seeds) await packs.put('chunk', digestOfSeed(seed), chunkBytes(seed));
  await packs.finish();
}

test('many digests are found where each alone would be, copies that are bad or leave last', async () => {
  const stores = memoryStores();
  const seeds = Array.from({ length: 300 }, (_, seed) => seed);
  await storeAgain(stores, seeds, 1);
  await storeAgain(stores, seeds.slice(50, 150), 2);
  await storeAgain(stores, seeds.slice(100, 200), 3);
  const packIds = stores.index.listPacks().map(({ packId }) => packId);
  assert.equal(packIds.length, 3);
  for (const [index, packId] of packIds.slice(0, 2).entries()) {
    const bad = seeds.filter((seed) => seed % (3 * (index + 1)) === 0);
    for (const seed of bad) stores.index.markBad(digestOfSeed(seed), packId);
  }
  stores.index.database.prepare('UPDATE packs SET isCondemned = 1 WHERE number = 3').run();

  const wanted = [...seeds, 1000, 7, 7, 1001].map(digestOfSeed);
  const found = new BatchLookup(stores.index).locate(wanted);
  assert.equal(found.length, wanted.length);
  for (const [index, digest] of wanted.entries()) {
    const [first] = stores.index.locate(digest);
    assert.equal(found[index]?.packId, first?.packId, `digest ${index}`);
    assert.equal(found[index]?.groupOffset, first?.groupOffset, `digest ${index}`);
    assert.equal(found[index]?.position, first?.position, `digest ${index}`);
  }
  assert.equal(found[300], undefined);
  assert.equal(new Set(found.map((location) => location?.packId)).size, 4, 'each pack has some, and unknown ones none');
});

test('no digests are found nowhere', () => {
  assert.deepEqual(new BatchLookup(memoryStores().index).locate([]), []);
});

test('copies that are bad or leave are not known, others are, however many are asked for', async () => {
  const stores = memoryStores();
  const seeds = Array.from({ length: 60 }, (_, seed) => seed);
  await storeAgain(stores, seeds, 1);
  await storeAgain(stores, seeds.slice(10, 40), 2);
  await storeAgain(stores, seeds.slice(30), 3);
  const [first, second] = stores.index.listPacks().map(({ packId }) => packId);
  assert.ok(first !== undefined && second !== undefined);
  for (const seed of seeds.filter((number) => number % 2 === 0)) stores.index.markBad(digestOfSeed(seed), first);
  for (const seed of seeds.filter((number) => number % 3 === 0)) stores.index.markBad(digestOfSeed(seed), second);
  stores.index.database.prepare('UPDATE packs SET isCondemned = 1 WHERE number = 3').run();

  const known = new KnownDigests(stores.index);
  const digests = [...seeds, 1000, 7, 7, 1001].map(digestOfSeed);
  const expected = digests.map((digest) => stores.index.has(digest));
  assert.deepEqual(new Set(expected), new Set([true, false]));
  for (const count of [0, 1, 2, 15, 16, 17, 33, digests.length]) {
    assert.deepEqual(known.hasEach(digests.slice(0, count)), expected.slice(0, count), `${count} digests`);
  }
});
