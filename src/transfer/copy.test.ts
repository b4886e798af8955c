/** Copies of trees between repositories: what is read, what is stored, and that what was reached is always whole. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../lib/clock.ts';
import { CorruptionError } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { openStores } from '../repository/stores.ts';
import type { RepositoryPlace, Stores } from '../repository/stores.ts';
import { emptyTree } from '../repository/tree-ref.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { copyTree } from './copy.ts';
import type { CopyJob, CopyResult } from './job.ts';
import {
  anySession,
  assertChecksClean,
  assertImage,
  imageOf,
  newPlace,
  seededRandom,
  storeImage,
} from '../../test/support/repositories.ts';
import type { Image } from '../../test/support/repositories.ts';

class Pair implements AsyncDisposable {
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-copy-'));
  readonly sourcePlace: RepositoryPlace = newPlace(path.join(this.#folder, 'a'));
  readonly place: RepositoryPlace = newPlace(path.join(this.#folder, 'b'));
  source!: Stores;
  stores!: Stores;
  #seed = 1;

  static async open(): Promise<Pair> {
    const pair = new Pair();
    pair.source = await openStores(pair.sourcePlace);
    pair.stores = await openStores(pair.place);
    return pair;
  }

  async store(image: Image, parent = emptyTree): Promise<TreeRef> {
    return await storeImage(this.source, image, { parent, random: seededRandom(1000 + this.#seed++) });
  }

  async copy(tree: TreeRef, options: Partial<CopyJob> = {}, told: [number, number][] = []): Promise<CopyResult> {
    const job: CopyJob = {
      ...{ source: this.sourcePlace, repository: this.place, session: anySession, snapshotId: 's-copy' },
      ...{ tree, begin: emptyTree, totalBytes: null, mostBytes: Infinity },
      ...options,
    };
    return await copyTree(job, {
      clock: systemClock,
      random: seededRandom(this.#seed++),
      onProgress: (done, total) => void told.push([done, total]),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.source.index.close();
    this.stores.index.close();
    fs.rmSync(this.#folder, { recursive: true });
  }
}

test('a copy has every chunk, verified, and a second one of the same reads nothing', async () => {
  await using pair = await Pair.open();
  const image = new Map([...imageOf(0, 40, 1), ...imageOf(300, 5, 1), ...imageOf(20_000, 3, 500)]);
  const tree = await pair.store(image);
  const told: [number, number][] = [];
  const result = await pair.copy(tree, {}, told);
  assert.deepEqual(result.reached, tree);
  // 45 chunks lie in two places, and five of them twice.
  assert.equal(result.changedChunkCount, 48);
  assert.equal(result.newChunkCount, 43);
  assert.equal(result.readBytes, 43 * CHUNK_BYTES);
  assert.equal(result.totalBytes, 48 * CHUNK_BYTES);
  assert.deepEqual(told.at(0), [0, 48 * CHUNK_BYTES]);
  assert.deepEqual(told.at(-1), [48 * CHUNK_BYTES, 48 * CHUNK_BYTES]);
  await assertImage(pair.stores, tree, image);
  await assertChecksClean(pair.stores);
  const again = await pair.copy(tree);
  assert.deepEqual([again.reached, again.readBytes, again.newChunkCount], [tree, 0, 0]);
  const known = await pair.copy(tree, { begin: tree });
  assert.deepEqual([known.reached, known.totalBytes, known.storedBytes], [tree, 0, 0]);
});

test('the copy of the next snapshot of a chain looks at what changed alone', async () => {
  await using pair = await Pair.open();
  const first = await pair.store(imageOf(0, 600, 1));
  const changes: Image = new Map([
    [3, 9001],
    [128, null],
    [599, 9002],
    [700, 9003],
  ]);
  const second = await pair.store(changes, first);
  await pair.copy(first);
  const result = await pair.copy(second, { begin: first });
  assert.deepEqual(result.reached, second);
  assert.deepEqual([result.changedChunkCount, result.newChunkCount], [4, 3]);
  assert.equal(result.readBytes, 3 * CHUNK_BYTES);
});

test('a copy that ends early goes on from what it reached, whatever was there, and reads no chunk twice', async () => {
  const chunk = fc.oneof(fc.nat(400), fc.nat(40_000));
  const images = fc.array(fc.tuple(chunk, fc.option(fc.integer({ min: 1, max: 60 }))), { maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(images, images, fc.integer({ min: 1, max: 50 }), async (wanted, there, most) => {
      await using pair = await Pair.open();
      const image: Image = new Map(wanted);
      const tree = await pair.store(image);
      const begin = (await pair.copy(await pair.store(new Map(there)))).reached;
      const known = new Set(new Map(there).values());
      let reached = begin;
      let readBytes = 0;
      let rounds = 0;
      while (reached.root !== tree.root) {
        const result = await pair.copy(tree, { begin: reached, mostBytes: most * CHUNK_BYTES });
        readBytes += result.readBytes;
        reached = result.reached;
        assert.ok(++rounds <= wanted.length + 1, 'every round but the last reads something');
      }
      assert.deepEqual(reached, tree);
      const strangers = new Set([...image.values()].filter((seed) => seed !== null && !known.has(seed)));
      assert.equal(readBytes, strangers.size * CHUNK_BYTES);
      await assertImage(pair.stores, reached, image);
    }),
    { numRuns: 25 },
  );
});

test('a chunk that is damaged, or gone, ends the copy and says which', async () => {
  await using pair = await Pair.open();
  const tree = await pair.store(imageOf(0, 10, 1));
  const packs = path.join(pair.sourcePlace.storeFolder, 'packs');
  const [pack] = fs.readdirSync(packs, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  assert.ok(pack);
  const file = path.join(pack.parentPath, pack.name);
  const bytes = fs.readFileSync(file);
  fs.chmodSync(file, 0o600);
  fs.writeFileSync(file, Buffer.from(bytes.map((byte, at) => (at === 5000 ? byte ^ 1 : byte))));
  await assert.rejects(
    pair.copy(tree),
    (error: unknown) => error instanceof CorruptionError && /chunk/.test(error.message),
  );
  fs.rmSync(file);
  await assert.rejects(pair.copy(tree), CorruptionError);
});
