/** Whole restores to a file: exact, sparse, refused or undone as a whole. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { CorruptionError, OperationalError } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { digestOf } from './digest.ts';
import { PackWriter } from './pack-writer.ts';
import { restoreToFile } from './restore.ts';
import { openStores, repositoryIn } from './stores.ts';
import { emptyTree } from './tree-ref.ts';
import type { TreeRef } from './tree-ref.ts';
import { anyFence, chunkBytes, imageOf, newPlace, seededRandom, storeImage } from '../../test/support/repositories.ts';
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

function assertFile(file: string, expected: Image): void {
  const bytes = fs.readFileSync(file);
  assert.equal(bytes.length, sizeBytes);
  for (let chunk = 0; chunk < 1600; chunk++) {
    const seed = expected.get(chunk) ?? null;
    const good = seed === null ? Buffer.alloc(CHUNK_BYTES) : chunkBytes(seed);
    assert.ok(bytes.subarray(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES).equals(good), `chunk ${chunk}`);
  }
}

function listPackFiles(folder: string): string[] {
  const packs = path.join(folder, 'repository', 'packs');
  const names = fs.readdirSync(packs, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.length > 10).map((name) => path.join(packs, name));
}

/** Its first group. */
function damage(packFile: string): void {
  const fd = fs.openSync(packFile, 'r+');
  fs.writeSync(fd, Buffer.alloc(1000, 1), 0, 1000, 5000);
  fs.closeSync(fd);
}

/** More than all threads take at once. */
const largeImage = imageOf(0, 900, 100);

async function storeLarge(folder: string): Promise<TreeRef> {
  const stores = await openStores(repositoryIn(folder));
  const tree = await storeImage(stores, largeImage);
  stores.index.close();
  return tree;
}

/** The image's chunks once more, in packs of their own. */
async function storeAgain(folder: string): Promise<void> {
  const stores = await openStores(repositoryIn(folder));
  const options = { random: seededRandom(77), fence: anyFence, isKnown: () => false };
  const packs = new PackWriter({ ...stores, ...options });
  for (const seed of new Set(image.values())) {
    if (seed !== null) await packs.put('chunk', digestOf(chunkBytes(seed)), chunkBytes(seed));
  }
  await packs.finish();
  stores.index.close();
}

test('a restored file is the image, byte for byte, and sparse', async () => {
  await withImage(async ({ folder, file, tree }) => {
    const progress: number[] = [];
    const onProgress = (doneBytes: number, totalBytes: number) => {
      progress.push(doneBytes);
      assert.equal(totalBytes, image.size * CHUNK_BYTES);
    };
    await restoreToFile({ repository: repositoryIn(folder), tree, sizeBytes, file, onProgress });
    assertFile(file, image);
    assert.ok(fs.statSync(file).blocks * 512 < 2 * image.size * CHUNK_BYTES);
    assert.equal(progress.at(-1), image.size * CHUNK_BYTES);
  });
});

test('several threads tell of progress that grows to the whole', async () => {
  await withImage(async ({ folder, file }) => {
    const tree = await storeLarge(folder);
    const progress: number[] = [];
    const onProgress = (doneBytes: number) => progress.push(doneBytes);
    await restoreToFile({ repository: repositoryIn(folder), tree, sizeBytes, file, onProgress });
    assertFile(file, largeImage);
    assert.ok(progress.length > 4, `${progress.length} pieces`);
    assert.deepEqual(
      progress,
      [...new Set(progress)].sort((a, b) => a - b),
    );
    assert.equal(progress.at(-1), largeImage.size * CHUNK_BYTES);
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
    const [pack] = listPackFiles(folder);
    assert.ok(pack);
    damage(pack);
    await assert.rejects(restoreToFile({ repository: repositoryIn(folder), tree, sizeBytes, file }), CorruptionError);
    assert.equal(fs.existsSync(file), false);
  });
});

test('a chunk that is damaged in one pack is taken from another', async () => {
  await withImage(async ({ folder, file, tree }) => {
    const packFiles = listPackFiles(folder);
    await storeAgain(folder);
    for (const name of packFiles) damage(name);
    await restoreToFile({ repository: repositoryIn(folder), tree, sizeBytes, file });
    assertFile(file, image);
  });
});

test('chunks that lie otherwise in their groups, or go to several places, are restored like any', async () => {
  await withImage(async ({ folder, file }) => {
    const stores = await openStores(repositoryIn(folder));
    const seeds = [...image.values()];
    const other: Image = new Map(Array.from({ length: 300 }, (_, chunk) => [chunk * 3, seeds[(chunk * 7) % 40] ?? 1]));
    const tree = await storeImage(stores, other);
    stores.index.close();
    await restoreToFile({ repository: repositoryIn(folder), tree, sizeBytes, file });
    assertFile(file, other);
  });
});

test('an aborted restore leaves no file', async () => {
  await withImage(async ({ folder, file }) => {
    const tree = await storeLarge(folder);
    const abort = new AbortController();
    const { signal } = abort;
    const request = { repository: repositoryIn(folder), tree, sizeBytes, file, signal };
    await assert.rejects(restoreToFile({ ...request, onProgress: () => abort.abort() }), { name: 'AbortError' });
    assert.equal(fs.existsSync(file), false);
    await assert.rejects(restoreToFile(request), { name: 'AbortError' });
    assert.equal(fs.existsSync(file), false);
  });
});

test('a restore from no repository says so', async () => {
  await assert.rejects(
    restoreToFile({ repository: repositoryIn('/nowhere'), tree: emptyTree, sizeBytes, file: '/nowhere/x' }),
    OperationalError,
  );
});
