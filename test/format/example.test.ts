/** The worked example of `docs/format.md` is what the program reads, and what it writes. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { CHUNK_BYTES } from '../../src/lib/geometry.ts';
import { expandGroup } from '../../src/repository/compression.ts';
import { digestOf } from '../../src/repository/digest.ts';
import {
  checkTombstone,
  commitManifest,
  decodeManifest,
  deleteManifest,
  encodeManifest,
} from '../../src/repository/manifest.ts';
import type { Manifest } from '../../src/repository/manifest.ts';
import { findOwner, takeRepository } from '../../src/repository/owner.ts';
import {
  PACK_HEADER_BYTES,
  PACK_TRAILER_BYTES,
  decodeFooterLength,
  decodePackEnd,
  encodePackEnd,
  encodePackHeader,
  packName,
} from '../../src/repository/pack.ts';
import type { PackContents, PackGroup } from '../../src/repository/pack.ts';
import { PackWriter } from '../../src/repository/pack-writer.ts';
import { decodePage, encodePage, noChildren } from '../../src/repository/page.ts';
import { PageReader } from '../../src/repository/page-reader.ts';
import { EntryReader } from '../../src/repository/entry-reader.ts';
import { restoreToFile } from '../../src/repository/restore.ts';
import { openStores } from '../../src/repository/stores.ts';
import { updateTree } from '../../src/repository/tree.ts';
import { emptyTree } from '../../src/repository/tree-ref.ts';
import { assertChecksClean, memoryStores, newPlace } from '../support/repositories.ts';
import type { MemoryStores } from '../support/repositories.ts';
import { readExample, writeExample } from './example.ts';

const packId = '000102030405060708090a0b0c0d0e0f';
const chunks = new Map([
  [0, Buffer.alloc(CHUNK_BYTES, 0x41)],
  [3, Buffer.alloc(CHUNK_BYTES, 0x42)],
]);
const fence = { ownerEpoch: 1, session: 7 };
const owner = { ownerEpoch: 1, catalogId: 'a catalog', mark: 'a mark', takenAtMs: 1_790_000_000_000 };
const page = encodePage({
  level: 1,
  children: noChildren().map((_none, chunk) => digestOfChunk(chunk)),
});
const manifest: Manifest = {
  snapshotId: 's-example',
  diskId: 'd-example',
  diskType: 'data',
  sizeBytes: 4 * CHUNK_BYTES,
  tree: { root: digestOf(page).toString('hex'), levels: 1, dataChunkCount: 2 },
  generation: 1,
  incarnation: 1,
  createdAtMs: 1_790_000_000_000,
  parentSnapshotId: null,
  name: null,
  description: '',
  statistics: { changedChunkCount: 2, newChunkCount: 2, readBytes: 131_072, storedBytes: 390 },
  ownerEpoch: 1,
};

function digestOfChunk(chunk: number): Buffer | null {
  const bytes = chunks.get(chunk);
  return bytes === undefined ? null : digestOf(bytes);
}

function exampleStores(): MemoryStores {
  const stores = memoryStores();
  for (const [name, bytes] of readExample()) stores.store.objects.set(name, bytes);
  return stores;
}

function objectOf({ store }: MemoryStores, name: string): Buffer {
  const bytes = store.objects.get(name);
  assert.ok(bytes, `${name} is not there`);
  return bytes;
}

function contentsOf(pack: Buffer): PackContents {
  const footerLength = decodeFooterLength(pack.subarray(-PACK_TRAILER_BYTES), packId);
  return decodePackEnd(packId, pack.length, pack.subarray(-PACK_TRAILER_BYTES - footerLength));
}

async function plainOf(pack: Buffer, { offset, storedLength, plainLength, codec }: PackGroup): Promise<Buffer> {
  const plain = await expandGroup({ codec, bytes: pack.subarray(offset, offset + storedLength) }, plainLength);
  assert.ok(plain, `the group at ${offset} expands`);
  return plain;
}

test('the example is a repository that checks clean, and its parts are what the document says', async () => {
  const stores = exampleStores();
  assert.deepEqual(
    [...stores.store.objects.keys()],
    [packName(packId), 'snapshots/s-example', 'tombstones/s-deleted', 'owners/0000000001'],
  );
  assert.deepEqual(decodeManifest(objectOf(stores, 'snapshots/s-example'), 's-example'), manifest);
  assert.equal(await checkTombstone(stores.store, 's-deleted'), true);
  assert.deepEqual(await findOwner(stores.store), owner);
  const pack = objectOf(stores, packName(packId));
  const { groups, ...rest } = contentsOf(pack);
  assert.deepEqual(rest, { packId, sizeBytes: 390, fence, isDense: false });
  assert.deepEqual(
    groups.map(({ offset, codec, kind, entries }) => [offset, codec, kind, entries.length]),
    [
      [32, 1, 'chunk', 2],
      [58, 0, 'page', 1],
    ],
  );
  assert.deepEqual(await Promise.all(groups.map((group) => plainOf(pack, group))), [
    Buffer.concat([...chunks.values()]),
    page,
  ]);
  const { level, children } = decodePage(page, 1, 'of the example');
  assert.deepEqual([level, children], [1, noChildren().map((_none, chunk) => digestOfChunk(chunk))]);
  await assertChecksClean(stores);
});

test('the snapshot of the example restores to the bytes that the document tells of', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-example-'));
  try {
    const place = newPlace(folder);
    writeExample(place.storeFolder);
    const file = path.join(folder, 'disk.img');
    await restoreToFile({ repository: place, tree: manifest.tree, sizeBytes: manifest.sizeBytes, file });
    const zeros = Buffer.alloc(CHUNK_BYTES);
    const image = Array.from({ length: 4 }, (_, chunk) => chunks.get(chunk) ?? zeros);
    assert.ok(fs.readFileSync(file).equals(Buffer.concat(image)));
    const stores = await openStores(place);
    await assertChecksClean(stores);
    stores.index.close();
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test('what the program makes of what it read is the same bytes', () => {
  const stores = exampleStores();
  const pack = objectOf(stores, packName(packId));
  assert.ok(encodePackHeader(packId).equals(pack.subarray(0, PACK_HEADER_BYTES)));
  const end = encodePackEnd(contentsOf(pack));
  assert.ok(end.equals(pack.subarray(-end.length)));
  const bytes = objectOf(stores, 'snapshots/s-example');
  assert.ok(encodeManifest(decodeManifest(bytes, 's-example')).equals(bytes));
});

test('what the program stores of the same disk is the example, but for what zstd makes of a group', async () => {
  const written = memoryStores();
  const random = { bytes: () => Buffer.from(packId, 'hex') };
  const packs = new PackWriter({ ...written, random, fence });
  async function* put() {
    for (const [chunk, bytes] of chunks) {
      await packs.put('chunk', digestOf(bytes), bytes);
      yield { chunk, digest: digestOf(bytes) };
    }
  }
  const pages = new PageReader(new EntryReader(written.store, written.index));
  assert.deepEqual(await updateTree(emptyTree, put(), pages, packs), manifest.tree);
  await packs.finish();
  await commitManifest(written.store, manifest);
  await deleteManifest(written.store, 's-deleted');
  await takeRepository(written.store, owner, null);
  const example = exampleStores();
  assert.deepEqual([...written.store.objects.keys()], [...example.store.objects.keys()]);
  for (const name of written.store.objects.keys()) {
    if (name !== packName(packId)) assert.ok(objectOf(written, name).equals(objectOf(example, name)), name);
  }
  await assertSamePack(objectOf(written, packName(packId)), objectOf(example, packName(packId)));
});

/** Alike in all that does not hang on how well zstd compresses. */
async function assertSamePack(actual: Buffer, expected: Buffer): Promise<void> {
  const outline = ({ groups, fence: by, isDense }: PackContents) => ({
    ...{ by, isDense },
    groups: groups.map(({ plainLength, codec, kind, entries }) => ({ plainLength, codec, kind, entries })),
  });
  const [actualContents, expectedContents] = [contentsOf(actual), contentsOf(expected)];
  assert.deepEqual(outline(actualContents), outline(expectedContents));
  for (const [index, group] of actualContents.groups.entries()) {
    const other = expectedContents.groups[index];
    assert.ok(other && (await plainOf(actual, group)).equals(await plainOf(expected, other)));
  }
}
