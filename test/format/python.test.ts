/** The reader in Python, which knows the document only, restores what the program stores, and refuses what is not whole. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import zlib from 'node:zlib';
import { CHUNK_BYTES, GIB } from '../../src/lib/geometry.ts';
import { digestOf, digestOfParts } from '../../src/repository/digest.ts';
import { commitManifest } from '../../src/repository/manifest.ts';
import { packName } from '../../src/repository/pack.ts';
import type { Location } from '../../src/repository/pack.ts';
import { readPackContents } from '../../src/repository/pack-end.ts';
import { PackWriter } from '../../src/repository/pack-writer.ts';
import { encodePage, noChildren } from '../../src/repository/page.ts';
import { openStores } from '../../src/repository/stores.ts';
import { expectationFile, expectationOfFile, fixtureFolder } from '../compat/expectation.ts';
import type { Expectation } from '../compat/expectation.ts';
import { needsPrograms } from '../requires.ts';
import { anyFence, assertChecksClean, manifestOf, seededRandom } from '../support/repositories.ts';
import { writeExample } from './example.ts';
import { writeSample } from './sample-repository.ts';
import type { Sample, SampleSnapshot } from './sample-repository.ts';

const script = path.join(import.meta.dirname, 'restore.py');
const skip = needsPrograms('python3', 'zstd');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-python-'));
const out = path.join(folder, 'out');
let sample: Sample;
let noiseAt: Location;
let rootAt: Location;

before(async () => {
  sample = await writeSample(folder);
  const stores = await openStores(sample.place);
  noiseAt = only(stores.index.locate(digestOf(sample.noise)));
  rootAt = only(stores.index.locate(Buffer.from(sample.snapshots[1].tree.root ?? '', 'hex')));
  stores.index.close();
});
after(() => fs.rmSync(folder, { recursive: true }));

function only<T>(list: T[]): T {
  const [first, ...others] = list;
  assert.ok(first !== undefined && others.length === 0, `${list.length} instead of one`);
  return first;
}

function restore(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync('/usr/bin/python3', [script, ...args], { encoding: 'utf8' });
}

function restoreWell(...args: string[]): string {
  const { status, stdout, stderr } = restore(...args);
  assert.deepEqual([stderr, status], ['', 0]);
  return stdout;
}

function assertImage(file: string, { sizeBytes, chunks }: SampleSnapshot): void {
  assert.equal(fs.statSync(file).size, sizeBytes);
  const zeros = Buffer.alloc(CHUNK_BYTES);
  const bytes = Buffer.alloc(CHUNK_BYTES);
  const fd = fs.openSync(file, 'r');
  for (let chunk = 0; chunk * CHUNK_BYTES < sizeBytes; chunk++) {
    assert.equal(fs.readSync(fd, bytes, 0, CHUNK_BYTES, chunk * CHUNK_BYTES), CHUNK_BYTES);
    assert.ok(bytes.equals(chunks.get(chunk) ?? zeros), `chunk ${chunk}`);
  }
  fs.closeSync(fd);
}

test('the sample has what the format knows, and checks clean', { skip }, async () => {
  const stores = await openStores(sample.place);
  await assertChecksClean(stores);
  const packs = await Array.fromAsync(stores.store.list('packs/'));
  const contents = await Promise.all(
    packs.map(({ name, sizeBytes }) => readPackContents(stores.store, path.basename(name), sizeBytes)),
  );
  stores.index.close();
  const groups = contents.flatMap(({ isDense, groups: of }) => of.map((group) => ({ ...group, isDense })));
  const kinds = new Set(groups.map(({ kind, codec, isDense }) => `${kind} ${codec} ${isDense}`));
  for (const kind of ['chunk 0 false', 'chunk 1 false', 'chunk 1 true', 'page 1 true'])
    assert.ok(kinds.has(kind), kind);
  assert.equal(Math.max(...groups.map(({ plainLength }) => plainLength)), 16 * CHUNK_BYTES);
  const digests = groups.flatMap(({ entries }) => entries.map(({ digest }) => digest.toString('hex')));
  assert.ok(new Set(digests).size < digests.length, 'something is in two packs');
  assert.deepEqual(
    sample.snapshots.map(({ tree }) => tree.levels),
    [2, 2, 3, 0],
  );
});

test('every snapshot restores byte for byte, into a sparse file', { skip }, () => {
  for (const snapshot of sample.snapshots) {
    restoreWell(sample.place.storeFolder, snapshot.snapshotId, out);
    assertImage(out, snapshot);
    assert.ok(fs.statSync(out).blocks * 512 < 8 * 1024 * 1024);
    fs.rmSync(out);
  }
});

test('the list has the snapshots that are there, in order', { skip }, () => {
  const lines = sample.snapshots.map(
    ({ snapshotId, diskId, sizeBytes, createdAtMs }) =>
      `${snapshotId} ${diskId} ${sizeBytes} ${new Date(createdAtMs).toISOString().replace('Z', '+00:00')}\n`,
  );
  assert.equal(restoreWell(sample.place.storeFolder, '--list'), lines.join(''));
});

test('the latest copy of the catalog restores byte for byte', { skip }, () => {
  restoreWell(sample.place.storeFolder, '--catalog', out);
  assert.ok(fs.readFileSync(out).equals(sample.catalog));
  fs.rmSync(out);
});

test('the example of the document restores', { skip }, () => {
  const example = path.join(folder, 'example');
  writeExample(example);
  restoreWell(example, 's-example', out);
  const chunks = [Buffer.alloc(CHUNK_BYTES, 'A'), Buffer.alloc(2 * CHUNK_BYTES), Buffer.alloc(CHUNK_BYTES, 'B')];
  assert.ok(fs.readFileSync(out).equals(Buffer.concat(chunks)));
  fs.rmSync(out);
});

test('what the first release wrote restores', { skip }, async () => {
  const { snapshots } = JSON.parse(fs.readFileSync(expectationFile(1), 'utf8')) as Expectation;
  for (const { snapshotId, sizeBytes, sha256 } of snapshots.filter((snapshot) => snapshot.sizeBytes < GIB)) {
    restoreWell(fixtureFolder(1), snapshotId, out);
    assert.deepEqual(await expectationOfFile(out), { sizeBytes, sha256 });
    fs.rmSync(out);
  }
});

test('a file that is there is left alone', { skip }, () => {
  fs.writeFileSync(out, 'mine');
  assertRefusal(restore(sample.place.storeFolder, sample.snapshots[0].snapshotId, out), /File exists/);
  assert.equal(fs.readFileSync(out, 'utf8'), 'mine');
  fs.rmSync(out);
});

test('a snapshot that was deleted, or never was, is refused', { skip }, () => {
  for (const [snapshotId, sentence] of [
    [sample.deletedId, /was deleted/],
    ['s-stranger', /there is no snapshot s-stranger/],
    ['../snapshots/s', /is no SnapshotId/],
  ] as const) {
    assertRefusal(restore(sample.place.storeFolder, snapshotId, out), sentence);
  }
});

function assertRefusal({ status, stderr }: ReturnType<typeof restore>, sentence: RegExp): void {
  assert.match(stderr, sentence);
  assert.match(stderr, /^[^\n]+\.\n$/);
  assert.equal(status, 1);
}

interface Damage {
  what: string;
  /** Of the second snapshot's repository, a copy. */
  damage: (store: string) => void;
  sentence: RegExp;
}

const noisePack = (store: string): string => path.join(store, packName(noiseAt.packId));
const rootPack = (store: string): string => path.join(store, packName(rootAt.packId));
const manifestFile = (store: string): string => path.join(store, 'snapshots', sample.snapshots[1].snapshotId);

function change(file: string, edit: (bytes: Buffer) => Buffer | undefined): void {
  const bytes = fs.readFileSync(file);
  fs.writeFileSync(file, edit(bytes) ?? bytes);
}

/** `at` counts from the end where it is negative. */
function flip(file: string, at: number): void {
  change(file, (bytes) => {
    const index = at < 0 ? bytes.length + at : at;
    bytes[index] = bytes.readUInt8(index) ^ 4;
    return undefined;
  });
}

/** Edits header, footer or trailer of a pack, and seals it again. */
function reseal(file: string, edit: (parts: { header: Buffer; footer: Buffer; trailer: Buffer }) => void): void {
  change(file, (bytes) => {
    const trailer = bytes.subarray(-80);
    const header = bytes.subarray(0, 32);
    const footer = bytes.subarray(bytes.length - 80 - trailer.readUInt32LE(0), -80);
    edit({ header, footer, trailer });
    digestOfParts([header, footer, trailer.subarray(0, 40)]).copy(trailer, 40);
    return undefined;
  });
}

function resealManifest(file: string, edit: (sealed: Buffer) => Buffer | undefined): void {
  change(file, (bytes) => {
    const sealed = bytes.subarray(0, -32);
    const edited = edit(sealed) ?? sealed;
    return Buffer.concat([edited, digestOf(edited)]);
  });
}

const damages: Damage[] = [
  {
    what: 'a bit of a group of chunks',
    damage: (store) => flip(noisePack(store), noiseAt.groupOffset + 1000),
    sentence: /is damaged: the group at \d+ has another CRC-32/,
  },
  {
    what: 'a bit of a group of pages',
    damage: (store) => flip(rootPack(store), rootAt.groupOffset + 20),
    sentence: /is damaged: the group at \d+ has another CRC-32/,
  },
  {
    what: 'a bit of a chunk, under a right CRC-32',
    damage: (store) => {
      flip(noisePack(store), noiseAt.groupOffset + 1000);
      reseal(noisePack(store), ({ footer }) => footer.writeUInt32LE(crcOf(noisePack(store)), 8 + 12));
    },
    sentence: /[0-9a-f]{64} in .* is damaged/,
  },
  { what: 'a bit of a footer', damage: (store) => flip(noisePack(store), -90), sentence: /the seal of its footer/ },
  { what: 'a bit of a trailer', damage: (store) => flip(noisePack(store), -50), sentence: /the seal of its footer/ },
  { what: 'a bit of a pack id', damage: (store) => flip(noisePack(store), 20), sentence: /is the pack/ },
  {
    what: 'the end of a pack',
    damage: (store) => change(noisePack(store), (bytes) => bytes.subarray(0, -1000)),
    sentence: /does not end with HUPOKCAP/,
  },
  {
    what: 'all of a pack but its name',
    damage: (store) => fs.truncateSync(noisePack(store)),
    sentence: /is too short for a pack/,
  },
  {
    what: 'a pack',
    damage: (store) => fs.rmSync(noisePack(store)),
    sentence: /the page [0-9a-f]{64} is in no pack/,
  },
  {
    what: 'a pack that lies under the name of another',
    damage: (store) => fs.renameSync(noisePack(store), path.join(path.dirname(noisePack(store)), otherId())),
    sentence: /is the pack/,
  },
  {
    what: 'a bit of a manifest',
    damage: (store) => flip(manifestFile(store), 60),
    sentence: /its seal does not match/,
  },
  {
    what: 'the end of a manifest',
    damage: (store) => change(manifestFile(store), (bytes) => bytes.subarray(0, -1)),
    sentence: /has another length than it says/,
  },
  {
    what: 'the manifest of another snapshot',
    damage: (store) =>
      fs.copyFileSync(path.join(store, 'snapshots', sample.snapshots[0].snapshotId), manifestFile(store)),
    sentence: /is the manifest of/,
  },
  {
    what: 'a wrong number of chunks',
    damage: (store) =>
      resealManifest(manifestFile(store), (sealed) =>
        Buffer.from(sealed.toString('latin1').replace('"dataChunkCount":23', '"dataChunkCount":24'), 'latin1'),
      ),
    sentence: /a tree has 23 chunks, not 24/,
  },
];

const newer: Damage[] = [
  {
    what: 'version 2 of a manifest',
    damage: (store) => resealManifest(manifestFile(store), (sealed) => (sealed.writeUInt16LE(2, 8), undefined)),
    sentence: /has version 2/,
  },
  {
    what: 'a codec of a manifest',
    damage: (store) => resealManifest(manifestFile(store), (sealed) => (sealed.writeUInt8(1, 10), undefined)),
    sentence: /has codec 1/,
  },
  {
    what: 'version 2 of a pack',
    damage: (store) =>
      reseal(noisePack(store), ({ header, trailer }) => {
        header.writeUInt16LE(2, 8);
        trailer.writeUInt16LE(2, 4);
      }),
    sentence: /has version 2/,
  },
  {
    what: 'a cipher of a pack',
    damage: (store) =>
      reseal(noisePack(store), ({ header, trailer }) => {
        header.writeUInt8(1, 11);
        trailer.writeUInt8(1, 7);
      }),
    sentence: /has cipher 1/,
  },
  {
    what: 'a codec of a group',
    damage: (store) => reseal(noisePack(store), ({ footer }) => footer.writeUInt8(2, 8 + 18)),
    sentence: /has codec 2/,
  },
  {
    what: 'a kind of a group',
    damage: (store) => reseal(noisePack(store), ({ footer }) => footer.writeUInt8(3, 8 + 19)),
    sentence: /is of kind 3/,
  },
  {
    what: 'a reserved byte',
    damage: (store) => reseal(noisePack(store), ({ trailer }) => trailer.writeUInt8(1, 29)),
    sentence: /reserved bytes that are not zero/,
  },
];

function crcOf(pack: string): number {
  const { groupOffset, storedLength } = noiseAt;
  return zlib.crc32(fs.readFileSync(pack).subarray(groupOffset, groupOffset + storedLength));
}

function otherId(): string {
  return noiseAt.packId.slice(0, 2) + '0'.repeat(30);
}

for (const [heading, list] of [
  ['damage', damages],
  ['what is not known', newer],
] as const) {
  test(`${heading} is refused with a sentence, and leaves no file`, { skip }, () => {
    for (const { what, damage, sentence } of list) {
      const store = path.join(folder, 'copy');
      fs.cpSync(sample.place.storeFolder, store, { recursive: true });
      damage(store);
      const result = restore(store, sample.snapshots[1].snapshotId, out);
      assert.notEqual(result.status, 0, what);
      assertRefusal(result, sentence);
      assert.equal(fs.existsSync(out), false, what);
      fs.rmSync(store, { recursive: true });
    }
  });
}

test('a page of a newer version is refused', { skip }, async () => {
  const place = { storeFolder: path.join(folder, 'newer'), cacheFolder: path.join(folder, 'newer-cache') };
  fs.cpSync(sample.place.storeFolder, place.storeFolder, { recursive: true });
  const stores = await openStores(place);
  const page = encodePage({ level: 1, children: noChildren().with(2, digestOf(sample.noise)) });
  page[4] = 2;
  const packs = new PackWriter({ ...stores, random: seededRandom(200), fence: anyFence });
  await packs.put('page', digestOf(page), page);
  await packs.finish();
  const tree = { root: digestOf(page).toString('hex'), levels: 1, dataChunkCount: 1 };
  await commitManifest(stores.store, manifestOf('s-newer', tree));
  stores.index.close();
  assertRefusal(restore(place.storeFolder, 's-newer', out), /a page has version 2/);
});

test('damage to a copy of the catalog is refused', { skip }, () => {
  const store = path.join(folder, 'copy');
  fs.cpSync(sample.place.storeFolder, store, { recursive: true });
  flip(path.join(store, 'catalogs', '0000000002-0000000002'), 40);
  assertRefusal(restore(store, '--catalog', out), /its seal does not match/);
  assert.equal(fs.existsSync(out), false);
});
