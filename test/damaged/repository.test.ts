/**
 * One damaged repository per kind of damage and kind of object: the checker always finds it, blames the right object,
 * names the snapshots it hurts and no others; reading never returns bad bytes; what is not hurt reads as before.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { CorruptionError } from '../../src/lib/errors.ts';
import { CHUNK_BYTES } from '../../src/lib/geometry.ts';
import { listCopyNames, putCopy } from '../../src/repository/catalog-copy.ts';
import { verifyPack } from '../../src/repository/check-packs.ts';
import { checkRepository } from '../../src/repository/check.ts';
import type { RepositoryFinding } from '../../src/repository/check.ts';
import { EntryReader } from '../../src/repository/entry-reader.ts';
import { commitManifest, deleteManifest, findManifest } from '../../src/repository/manifest.ts';
import { assertOwner, findOwner, takeRepository } from '../../src/repository/owner.ts';
import { PackIndex } from '../../src/repository/pack-index.ts';
import { PageReader } from '../../src/repository/page-reader.ts';
import { findChunkDigest } from '../../src/repository/tree.ts';
import {
  assertChecksClean,
  chunkBytes,
  collectAlone,
  imageOf,
  manifestOf,
  memoryStores,
  seededRandom,
  storeImage,
} from '../support/repositories.ts';
import type { Image, MemoryStores } from '../support/repositories.ts';
import { MemoryBook } from '../support/memory-book.ts';

interface Fixture {
  stores: MemoryStores;
  images: Map<string, Image>;
  /** Object name → the snapshots that need it. */
  packs: [string, string];
}

const sizeBytes = 400 * CHUNK_BYTES;

/** Two snapshots that share nothing, each in a pack of its own, and a third that was deleted. */
async function createFixture(): Promise<Fixture> {
  const stores = memoryStores();
  const images = new Map([
    ['s-1', imageOf(0, 12, 1)],
    ['s-2', imageOf(200, 12, 100)],
  ]);
  for (const [snapshotId, image] of images) {
    const tree = await storeImage(stores, image, { random: seededRandom(Number(snapshotId.slice(2))) });
    await commitManifest(stores.store, manifestOf(snapshotId, tree, sizeBytes));
  }
  await deleteManifest(stores.store, 's-3');
  const [first, second] = [...stores.store.objects.keys()].filter((name) => name.startsWith('packs/'));
  assert.ok(first !== undefined && second !== undefined);
  return { stores, images, packs: [first, second] };
}

function bytesOf({ stores }: Fixture, name: string): Buffer {
  const bytes = stores.store.objects.get(name);
  assert.ok(bytes, name);
  return bytes;
}

/** Every chunk of every snapshot reads as it was or fails, from `index`; returns which chunks fail. */
async function readAll({ stores: { store }, images }: Fixture, index: PackIndex): Promise<Map<string, number[]>> {
  const failed = new Map<string, number[]>();
  for (const [snapshotId, image] of images) {
    const manifest = await findManifest(store, snapshotId).catch(toCorruption);
    const chunks: number[] = [];
    for (const [chunk, seed] of image) {
      if (!(manifest instanceof CorruptionError) && manifest !== undefined) {
        const entries = new EntryReader(store, index);
        const pages = new PageReader(entries);
        const read = async () => {
          const digest = await findChunkDigest(manifest.tree, pages, chunk);
          return digest === null ? Buffer.alloc(CHUNK_BYTES) : entries.read(digest, 'chunk');
        };
        const bytes = await read().catch(toCorruption);
        if (Buffer.isBuffer(bytes)) {
          assert.ok(bytes.equals(chunkBytes(seed ?? 0)), `chunk ${chunk} of ${snapshotId} is never bad`);
          continue;
        }
      }
      chunks.push(chunk);
    }
    if (chunks.length > 0) failed.set(snapshotId, chunks);
  }
  return failed;
}

function toCorruption(error: unknown): CorruptionError {
  assert.ok(error instanceof CorruptionError, String(error));
  return error;
}

/** What the findings say cannot be read, in the form of `readAll`. */
function hurtChunks(findings: RepositoryFinding[], images: Map<string, Image>): Map<string, number[]> {
  const hurt = new Map<string, number[]>();
  for (const [snapshotId, image] of images) {
    const ranges = findings.flatMap(({ hurts }) => hurts.filter((each) => each.name === snapshotId));
    const isHurt = (offset: number) =>
      ranges.some(
        (each) =>
          each.ranges.length === 0 || each.ranges.some((r) => r.offset <= offset && offset < r.offset + r.length),
      );
    const chunks = [...image.keys()].filter((chunk) => isHurt(chunk * CHUNK_BYTES));
    if (chunks.length > 0) hurt.set(snapshotId, chunks);
  }
  return hurt;
}

/** What reading every pack whole finds. */
async function verifyAll(stores: MemoryStores): Promise<string[]> {
  const findings: string[] = [];
  for (const pack of stores.index.listPacks()) findings.push((await verifyPack(stores, pack)).join('; '));
  return findings.filter((finding) => finding !== '');
}

/** The checker blames `object`, and hurt is what cannot be read; also without the index, of which what fails is returned. */
async function assertFound(fixture: Fixture, object: string | null): Promise<Map<string, number[]>> {
  const findings = await checkRepository(fixture.stores, { readData: true, listRoots: async () => [] });
  assert.deepEqual(
    findings.map((finding) => finding.object),
    [object],
    JSON.stringify(findings),
  );
  assert.ok(findings.every(({ what }) => what !== ''));
  assert.deepEqual(hurtChunks(findings, fixture.images), await readAll(fixture, fixture.stores.index));
  const lost = { ...fixture.stores, index: PackIndex.open(':memory:') };
  const alone = await checkRepository(lost, { readData: true, listRoots: async () => [] });
  const failed = await readAll(fixture, PackIndex.open(':memory:'));
  assert.deepEqual(hurtChunks(alone, fixture.images), failed);
  return failed;
}

test('an undamaged repository checks clean and reads', async () => {
  const fixture = await createFixture();
  assert.deepEqual(await checkRepository(fixture.stores, { readData: true, listRoots: async () => [] }), []);
  assert.deepEqual(await readAll(fixture, fixture.stores.index), new Map());
});

test('a flipped bit anywhere in a pack is found, and hurts only what is under it', async () => {
  const { packs } = await createFixture();
  const sizeBytesOfPack = bytesOf(await createFixture(), packs[0]).length;
  const isDense = (at: number) => at < 32 || at >= sizeBytesOfPack - 80;
  const step = (at: number) =>
    isDense(at) ? 1 : Math.min(sizeBytesOfPack - 80 - at, at > sizeBytesOfPack - 900 ? 17 : 9973);
  for (let at = 0; at < sizeBytesOfPack; at += step(at)) {
    const fixture = await createFixture();
    const bytes = bytesOf(fixture, packs[0]);
    bytes[at] = bytes.readUInt8(at) ^ (1 << (at % 8));
    const failed = await assertFound(fixture, packs[0]);
    assert.equal(failed.has('s-2'), false, `byte ${at}`);
  }
});

test('a flipped bit is found after the index was lost, too', async () => {
  const fixture = await createFixture();
  const bytes = bytesOf(fixture, fixture.packs[0]);
  bytes[5000] = bytes.readUInt8(5000) ^ 1;
  fixture.stores.index = PackIndex.open(':memory:');
  const failed = await assertFound(fixture, fixture.packs[0]);
  assert.deepEqual([...failed.keys()], ['s-1']);
});

test('a pack whose end alone is damaged hurts nobody, and the next collection writes it anew', async () => {
  const fixture = await createFixture();
  const bytes = bytesOf(fixture, fixture.packs[0]);
  bytes[bytes.length - 1] = bytes.readUInt8(bytes.length - 1) ^ 1;
  const findings = await checkRepository(fixture.stores, { readData: false, listRoots: async () => [] });
  assert.deepEqual(findings, [
    {
      object: fixture.packs[0],
      what: `pack ${fixture.packs[0].slice(-32)} is damaged: its end is missing; what the index knows of it can be read; the next collection writes that anew`,
      hurts: [],
    },
  ]);
  await collectAlone(fixture.stores);
  assert.equal(fixture.stores.store.objects.has(fixture.packs[0]), false);
  await assertChecksClean(fixture.stores);
  assert.equal((await readAll(fixture, PackIndex.open(':memory:'))).size, 0);
});

test('a damaged end beside damaged copies: these stay told, all else is written anew', async () => {
  const fixture = await createFixture();
  const { stores, images, packs } = fixture;
  const bytes = bytesOf(fixture, packs[0]);
  bytes[5000] = bytes.readUInt8(5000) ^ 1;
  bytes[bytes.length - 1] = bytes.readUInt8(bytes.length - 1) ^ 1;
  const failed = await readAll(fixture, stores.index);
  assert.ok((failed.get('s-1') ?? []).length > 0 && (failed.get('s-1') ?? []).length < 12);
  await checkRepository(stores, { readData: true, listRoots: async () => [] });
  for (let times = 0; times < 2; times++) {
    await collectAlone(stores, { random: seededRandom(80 + times) });
    assert.ok(stores.store.objects.has(packs[0]), 'it stays while something is nowhere else');
    assert.deepEqual(await readAll(fixture, stores.index), failed);
    assert.deepEqual(await readAll(fixture, PackIndex.open(':memory:')), failed, 'the rest is elsewhere');
  }
  const { freedBytes, rewrittenPacks, leftDeadBytes } = await collectAlone(stores, { random: seededRandom(90) });
  assert.deepEqual([freedBytes, rewrittenPacks, leftDeadBytes], [0, 0, 0], 'there is nothing more to do');
  await storeImage(stores, images.get('s-1') ?? new Map(), { random: seededRandom(77) });
  await collectAlone(stores);
  assert.equal(stores.store.objects.has(packs[0]), false);
  await assertChecksClean(stores);
  assert.equal((await readAll(fixture, PackIndex.open(':memory:'))).size, 0);
});

test('whatever ends are damaged between deletions and collections, snapshots read, and in the end no pack is hurt', async () => {
  const acts = fc.array(fc.tuple(fc.constantFrom('store', 'delete', 'damage', 'damage', 'collect'), fc.nat(99)), {
    minLength: 5,
    maxLength: 25,
  });
  const property = fc.asyncProperty(acts, async (plan) => {
    const stores = memoryStores();
    const random = seededRandom(plan.length);
    const images = new Map<string, Image>();
    const collect = async () => {
      await checkRepository(stores, { readData: false, listRoots: async () => [] });
      await collectAlone(stores, { random });
    };
    for (const [step, [act, number]] of plan.entries()) {
      const names = [...stores.store.objects.keys()].filter((name) => name.startsWith('packs/'));
      const victim = stores.store.objects.get(names[number % names.length] ?? '');
      const snapshotId = [...images.keys()][number % images.size] ?? '';
      if (act === 'store') {
        images.set(`s-${step}`, imageOf(number, 1 + (number % 7), number % 12));
        const tree = await storeImage(stores, images.get(`s-${step}`) ?? new Map(), { random });
        await commitManifest(stores.store, manifestOf(`s-${step}`, tree, sizeBytes));
      }
      if (act === 'delete' && images.delete(snapshotId)) await deleteManifest(stores.store, snapshotId);
      if (act === 'damage' && victim !== undefined) victim[victim.length - 5] = victim.readUInt8(victim.length - 5) ^ 1;
      if (act === 'collect') await collect();
      assert.equal((await readAll({ stores, images, packs: ['', ''] }, stores.index)).size, 0);
    }
    // Twice: what was damaged is condemned with what it leaves, and then deleted.
    await collect();
    await collect();
    await assertChecksClean(stores);
    assert.equal((await readAll({ stores, images, packs: ['', ''] }, PackIndex.open(':memory:'))).size, 0);
  });
  await fc.assert(property, { numRuns: 40 });
});

test('a pack that nobody can read goes when all that is needed is elsewhere, not before', async () => {
  const fixture = await createFixture();
  const { stores, images, packs } = fixture;
  const bytes = bytesOf(fixture, packs[0]);
  bytes[bytes.length - 1] = bytes.readUInt8(bytes.length - 1) ^ 1;
  const lost = { ...stores, index: PackIndex.open(':memory:') };
  await assert.rejects(collectAlone(lost), CorruptionError);
  assert.ok(stores.store.objects.has(packs[0]));
  await storeImage(lost, images.get('s-1') ?? new Map(), { random: seededRandom(77) });
  const book = new MemoryBook();
  assert.equal((await collectAlone(lost, { book })).deletedPacks, 0, 'it may have been a moment only');
  const { freedBytes, damaged } = await collectAlone(lost, { book });
  assert.equal(freedBytes, bytes.length);
  assert.deepEqual(damaged, []);
  assert.equal(stores.store.objects.has(packs[0]), false);
  await assertChecksClean(lost);
});

test('a pack that nobody can read stays while the only copy that is known of something is bad', async () => {
  const fixture = await createFixture();
  const { stores, images, packs } = fixture;
  const bytes = bytesOf(fixture, packs[0]);
  bytes[bytes.length - 1] = bytes.readUInt8(bytes.length - 1) ^ 1;
  const lost = { ...stores, index: PackIndex.open(':memory:') };
  await storeImage(lost, images.get('s-1') ?? new Map(), { random: seededRandom(77) });
  const book = new MemoryBook();
  assert.equal((await collectAlone(lost, { book })).unknownPacks, 1);
  const [other] = lost.index.listPacks().slice(-1);
  const [entry] = lost.index.listEntries(other?.packId ?? '');
  lost.index.markBad(entry?.digest ?? Buffer.alloc(0), other?.packId ?? '');
  for (let times = 0; times < 3; times++) {
    const { deletedPacks, rewrittenPacks } = await collectAlone(lost, { book, random: seededRandom(200 + times) });
    assert.deepEqual([deletedPacks, rewrittenPacks], [0, 0]);
  }
  assert.ok(stores.store.objects.has(packs[0]));
});

test('of a pack that was cut what is left is read and written anew', async () => {
  for (const isKnownByCheck of [true, false]) {
    const fixture = await createFixture();
    const { stores, packs } = fixture;
    const bytes = bytesOf(fixture, packs[0]);
    stores.store.objects.set(packs[0], bytes.subarray(0, bytes.length - 10));
    if (isKnownByCheck) assert.equal((await verifyAll(stores)).length, 1);
    await collectAlone(stores);
    assert.equal(stores.store.objects.has(packs[0]), false);
    await assertChecksClean(stores);
    assert.equal((await readAll(fixture, PackIndex.open(':memory:'))).size, 0);
  }
  const fixture = await createFixture();
  const { stores, packs } = fixture;
  const bytes = bytesOf(fixture, packs[0]);
  stores.store.objects.set(packs[0], bytes.subarray(0, Math.floor(bytes.length / 2)));
  await stores.index.reconcile(stores.store);
  const known = stores.index.listEntries(packs[0].slice(-32));
  const lostCount = () => known.filter(({ digest }) => !stores.index.has(digest)).length;
  assert.ok(lostCount() > 0 && lostCount() < known.length, 'what was beyond its end is stored again');
  assert.equal((await readAll(fixture, stores.index)).has('s-2'), false);
  // Somebody puts it back whole.
  stores.store.objects.set(packs[0], bytes);
  assert.deepEqual(await verifyAll(stores), []);
  assert.equal(lostCount(), 0);
  await assertChecksClean(stores);
});

test('a copy that reads again is not bad any more, and a pack that is gone has no bad copies', async () => {
  const fixture = await createFixture();
  const { stores, packs } = fixture;
  const packId = packs[0].slice(-32);
  for (const { digest } of stores.index.listEntries(packId).slice(0, 1)) stores.index.markBad(digest, packId);
  assert.equal(stores.index.listBad().length, 1);
  const bytes = bytesOf(fixture, packs[0]);
  bytes[bytes.length - 1] = bytes.readUInt8(bytes.length - 1) ^ 1;
  await verifyAll(stores);
  assert.deepEqual(stores.index.listBad(), []);
  stores.store.objects.delete(packs[0]);
  assert.deepEqual(
    (await verifyAll(stores)).map((finding) => finding.includes('can be read')),
    [false],
  );
  await stores.index.reconcile(stores.store);
  assert.deepEqual(stores.index.listBad(), []);
});

test('a pack cut at any length is found', async () => {
  const { packs } = await createFixture();
  const whole = bytesOf(await createFixture(), packs[0]).length;
  for (const length of [0, 1, 31, 32, 63, 64, 1000, whole - 65, whole - 64, whole - 1]) {
    const fixture = await createFixture();
    fixture.stores.store.objects.set(packs[0], bytesOf(fixture, packs[0]).subarray(0, length));
    const findings = await checkRepository(fixture.stores, { readData: true, listRoots: async () => [] });
    assert.deepEqual(
      findings.map(({ object }) => object),
      [packs[0]],
    );
    const failed = await readAll(fixture, fixture.stores.index);
    assert.deepEqual(hurtChunks(findings, fixture.images), failed);
    assert.equal(failed.size, length < whole - 1000 ? 1 : 0, `${length} of ${whole}`);
    assert.deepEqual([...(await readAll(fixture, PackIndex.open(':memory:'))).keys()], ['s-1']);
  }
});

test('a missing pack is found, with the ranges that it held', async () => {
  const fixture = await createFixture();
  fixture.stores.store.objects.delete(fixture.packs[0]);
  const failed = await assertFound(fixture, fixture.packs[0]);
  assert.deepEqual([...failed], [['s-1', Array.from({ length: 12 }, (_, i) => i)]]);
});

test('a missing pack is found after the index was lost, with the ranges', async () => {
  const fixture = await createFixture();
  fixture.stores.store.objects.delete(fixture.packs[0]);
  fixture.stores.index = PackIndex.open(':memory:');
  const failed = await assertFound(fixture, null);
  assert.deepEqual([...failed.keys()], ['s-1']);
});

test('swapped packs are found', async () => {
  const fixture = await createFixture();
  const [a, b] = fixture.packs.map((name) => bytesOf(fixture, name));
  assert.ok(a && b);
  fixture.stores.store.objects.set(fixture.packs[0], b).set(fixture.packs[1], a);
  const findings = await checkRepository(fixture.stores, { readData: true, listRoots: async () => [] });
  assert.deepEqual(new Set(findings.map(({ object }) => object)), new Set(fixture.packs));
  assert.deepEqual(hurtChunks(findings, fixture.images), await readAll(fixture, PackIndex.open(':memory:')));
});

test('a damaged, cut or swapped manifest is found and hurts its snapshot only', async () => {
  const damages: ((fixture: Fixture) => void)[] = [
    (fixture) => void (bytesOf(fixture, 'snapshots/s-1')[60] = 0),
    (fixture) =>
      void fixture.stores.store.objects.set('snapshots/s-1', bytesOf(fixture, 'snapshots/s-1').subarray(0, 50)),
    (fixture) => void fixture.stores.store.objects.set('snapshots/s-1', Buffer.alloc(0)),
    (fixture) => void fixture.stores.store.objects.set('snapshots/s-1', bytesOf(fixture, 'snapshots/s-2')),
  ];
  for (const damage of damages) {
    const fixture = await createFixture();
    damage(fixture);
    const failed = await assertFound(fixture, 'snapshots/s-1');
    assert.deepEqual([...failed.keys()], ['s-1']);
  }
});

test('a damaged or swapped tombstone is found and hurts nothing', async () => {
  const fixture = await createFixture();
  await deleteManifest(fixture.stores.store, 's-4');
  fixture.stores.store.objects.set('tombstones/s-3', bytesOf(fixture, 'tombstones/s-4'));
  assert.deepEqual(await assertFound(fixture, 'tombstones/s-3'), new Map());
  const another = await createFixture();
  bytesOf(another, 'tombstones/s-3')[2] = 0;
  assert.deepEqual(await assertFound(another, 'tombstones/s-3'), new Map());
});

test('index rows that are wrong are put right, whatever they claimed', async () => {
  const fixture = await createFixture();
  fixture.stores.index.database.exec('UPDATE entries SET position = 0, groupOffset = 32');
  assert.deepEqual(await checkRepository(fixture.stores, { readData: true, listRoots: async () => [] }), []);
  assert.deepEqual(await readAll(fixture, fixture.stores.index), new Map());
});

test('an object in the wrong place below packs/ is found', async () => {
  const fixture = await createFixture();
  fixture.stores.store.objects.set('packs/zz/stranger', Buffer.from('x'));
  assert.deepEqual(await assertFound(fixture, 'packs/zz/stranger'), new Map());
});

test('a good second copy heals a damaged one', async () => {
  const fixture = await createFixture();
  const elsewhere: MemoryStores = { store: fixture.stores.store, index: PackIndex.open(':memory:') };
  await storeImage(elsewhere, imageOf(0, 12, 1), { random: seededRandom(55) });
  bytesOf(fixture, fixture.packs[0]).fill(0, 1000, 100_000);
  assert.deepEqual(await assertFound(fixture, fixture.packs[0]), new Map());
});

test('damage to a tree that only a disk needs is found, and told by the name of the disk', async () => {
  const fixture = await createFixture();
  const tree = await storeImage(fixture.stores, imageOf(300, 4, 200), { random: seededRandom(9) });
  const pack = [...fixture.stores.store.objects.keys()].find(
    (name) => name.startsWith('packs/') && !fixture.packs.includes(name),
  );
  assert.ok(pack !== undefined);
  const roots = [{ name: 'the base of the disk d-1', tree, sizeBytes }];
  assert.deepEqual(await checkRepository(fixture.stores, { readData: true, listRoots: async () => roots }), []);
  const bytes = bytesOf(fixture, pack);
  bytes[100] = bytes.readUInt8(100) ^ 1;
  const [damaged, ...others] = await checkRepository(fixture.stores, { readData: true, listRoots: async () => roots });
  assert.equal(damaged?.object, pack);
  assert.deepEqual(
    damaged.hurts.map(({ name }) => name),
    ['the base of the disk d-1'],
  );
  assert.deepEqual(others, []);
  fixture.stores.store.objects.delete(pack);
  const [missing] = await checkRepository(fixture.stores, { readData: false, listRoots: async () => roots });
  assert.deepEqual(
    missing?.hurts.map(({ name }) => name),
    ['the base of the disk d-1'],
  );
});

test('damage to a copy of the catalog, or to the owner, is found and hurts no snapshot', async () => {
  const fixture = await createFixture();
  const { stores } = fixture;
  const tree = await storeImage(stores, imageOf(350, 3, 300), { random: seededRandom(12) });
  const facts = { catalogId: 'a', ownerEpoch: 1, takenAtMs: 1, sizeBytes: 353 * CHUNK_BYTES, tree };
  for (const number of [1, 2]) await putCopy(stores.store, { ...facts, number }, 5);
  await takeRepository(stores.store, { ownerEpoch: 1, catalogId: 'a', mark: 'b', takenAtMs: 1 }, null);
  const check = async () => checkRepository(stores, { readData: true, listRoots: async () => [] });
  assert.deepEqual(await check(), []);
  const [name] = await listCopyNames(stores.store);
  const copy = bytesOf(fixture, `catalogs/${name}`);
  copy[30] = copy.readUInt8(30) ^ 4;
  assert.deepEqual(
    (await check()).map(({ object, hurts }) => [object, hurts]),
    [[`catalogs/${name}`, []]],
  );
  await stores.store.delete(`catalogs/${name}`);
  const owner = bytesOf(fixture, 'owners/0000000001');
  owner[30] = owner.readUInt8(30) ^ 4;
  assert.deepEqual(
    (await check()).map(({ object }) => object),
    ['owners/'],
  );
  await assert.rejects(findOwner(stores.store), CorruptionError);
});

test('the latest owner counts, of two that come at once one becomes it, and what another has taken is not ours', async () => {
  const { store } = memoryStores();
  const first = { ownerEpoch: 1, catalogId: 'a', mark: 'first', takenAtMs: 1 };
  assert.equal(await findOwner(store), null);
  assert.equal(await takeRepository(store, first, null), true);
  const rivals = ['second', 'third'].map((mark) => ({ ownerEpoch: 2, catalogId: 'b', mark, takenAtMs: 2 }));
  const taken = await Promise.all(rivals.map(async (rival) => takeRepository(store, rival, first)));
  assert.deepEqual(taken.filter(Boolean).length, 1);
  const winner = rivals[taken.indexOf(true)];
  assert.deepEqual(await findOwner(store), winner);
  await assertOwner(store, winner ?? first);
  await assert.rejects(assertOwner(store, first), /taken over: it belongs to the catalog b, at epoch 2/);
  assert.deepEqual(await Array.fromAsync(store.list('owners/')).then((list) => list.length), 1);
});
