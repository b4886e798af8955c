/** Whole restores to a file: exact, sparse, refused or undone as a whole. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { CorruptionError, OperationalError } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { planRestore } from './plan-restore.ts';
import { restoreToFile } from './restore.ts';
import { openStores, repositoryIn } from './stores.ts';
import { emptyTree } from './tree-ref.ts';
import type { TreeRef } from './tree-ref.ts';
import { chunkBytes, imageOf, newPlace, storeImage } from '../../test/support/repositories.ts';
import type { Image } from '../../test/support/repositories.ts';

interface Fixture {
  folder: string;
  file: string;
  tree: TreeRef;
}

const image: Image = new Map([...imageOf(3, 50, 1), ...imageOf(900, 10, 20), [1500, 7]]);
const sizeBytes = 1600 * CHUNK_BYTES;

async function withImage(body: (fixture: Fixture) => Promise<void>): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-restore-'));
  try {
    const stores = await openStores(newPlace(folder));
    const tree = await storeImage(stores, image);
    stores.index.close();
    await body({ folder, file: path.join(folder, 'out.img'), tree });
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

test('a restored file is the image, byte for byte, and sparse', async () => {
  await withImage(async ({ folder, file, tree }) => {
    const progress: number[] = [];
    const onProgress = (doneBytes: number, totalBytes: number) => {
      progress.push(doneBytes);
      assert.equal(totalBytes, image.size * CHUNK_BYTES);
    };
    await restoreToFile({ repository: repositoryIn(folder), tree, sizeBytes, file, onProgress });
    const bytes = fs.readFileSync(file);
    assert.equal(bytes.length, sizeBytes);
    for (let chunk = 0; chunk < 1600; chunk++) {
      const seed = image.get(chunk);
      const expected = seed === undefined || seed === null ? Buffer.alloc(CHUNK_BYTES) : chunkBytes(seed);
      assert.ok(bytes.subarray(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES).equals(expected), `chunk ${chunk}`);
    }
    assert.ok(fs.statSync(file).blocks * 512 < 2 * image.size * CHUNK_BYTES);
    assert.equal(progress.at(-1), image.size * CHUNK_BYTES);
  });
});

test('an empty tree restores to a hole', async () => {
  await withImage(async ({ folder, file }) => {
    await restoreToFile({ repository: repositoryIn(folder), tree: emptyTree, sizeBytes, file });
    assert.equal(fs.statSync(file).size, sizeBytes);
    assert.equal(fs.statSync(file).blocks, 0);
  });
});

test('a file that is there is left alone', async () => {
  await withImage(async ({ folder, file, tree }) => {
    fs.writeFileSync(file, 'mine');
    await assert.rejects(restoreToFile({ repository: repositoryIn(folder), tree, sizeBytes, file }), /exists already/);
    assert.equal(fs.readFileSync(file, 'utf8'), 'mine');
  });
});

test('a damaged chunk fails the restore by name and leaves no file', async () => {
  await withImage(async ({ folder, file, tree }) => {
    const packs = fs.readdirSync(path.join(folder, 'repository', 'packs'), { recursive: true, encoding: 'utf8' });
    const pack = packs.find((name) => name.length > 10);
    assert.ok(pack);
    const fd = fs.openSync(path.join(folder, 'repository', 'packs', pack), 'r+');
    fs.writeSync(fd, Buffer.alloc(1000, 1), 0, 1000, 5000);
    fs.closeSync(fd);
    await assert.rejects(restoreToFile({ repository: repositoryIn(folder), tree, sizeBytes, file }), CorruptionError);
    assert.equal(fs.existsSync(file), false);
  });
});

test('an aborted restore leaves no file', async () => {
  await withImage(async ({ folder, file, tree }) => {
    const abort = new AbortController();
    const onProgress = () => abort.abort();
    const { signal } = abort;
    const restoring = restoreToFile({ repository: repositoryIn(folder), tree, sizeBytes, file, onProgress, signal });
    // The image has fewer groups than two threads take at once: the abort comes before or after the end.
    await restoring.catch((error: unknown) => assert.equal((error as Error).name, 'AbortError'));
    await assert.rejects(
      restoreToFile({ repository: repositoryIn(folder), tree, sizeBytes, file: `${file}2`, signal }),
      {
        name: 'AbortError',
      },
    );
    assert.equal(fs.existsSync(`${file}2`), false);
  });
});

test('a restore from no repository says so', async () => {
  await assert.rejects(
    restoreToFile({ repository: repositoryIn('/nowhere'), tree: emptyTree, sizeBytes, file: '/nowhere/x' }),
    OperationalError,
  );
});

test('a plan reads each group once, in order of the file, and writes equal chunks everywhere', () => {
  const digest = (text: string) => Buffer.from(text.padEnd(32, '.'));
  const at = (packId: string, groupOffset: number, position: number) => ({
    packId,
    groupOffset,
    storedLength: 10,
    plainLength: 131_072,
    codec: 1,
    position,
    length: CHUNK_BYTES,
  });
  const places = new Map([
    ['b', at('2', 32, 0)],
    ['a', at('1', 99, 65_536)],
    ['c', at('2', 32, 65_536)],
  ]);
  const locate = (name: Buffer) => places.get(name.toString().slice(0, 1));
  const window = [
    { chunk: 1, digest: digest('b') },
    { chunk: 2, digest: digest('a') },
    { chunk: 5, digest: digest('b') },
    { chunk: 6, digest: digest('c') },
  ];
  const plan = planRestore(window, locate);
  assert.deepEqual(
    plan.map(({ packId, entries }) => [packId, entries.map(({ position, targets }) => [position, targets])]),
    [
      [
        '2',
        [
          [0, [1, 5]],
          [65_536, [6]],
        ],
      ],
      ['1', [[65_536, [2]]]],
    ],
  );
  assert.throws(() => planRestore([{ chunk: 1, digest: digest('x') }], locate), CorruptionError);
});
