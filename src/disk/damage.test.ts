/** One disk for each kind of damage (F3): found, named, in nobody else's way, and mended where it can be. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { CHUNK_BYTES, DISK_ID, DiskHarness, FOLDER, ZERO_BASE } from '../../test/model/disk-harness.ts';
import { CorruptionError, OperationalError } from '../lib/errors.ts';
import { checkDisk } from './check.ts';
import { CHECKPOINT_NAME, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { UNIT_BYTES } from './map-file.ts';
import { MapStore } from './map-store.ts';
import { repairDisk } from './repair.ts';

/** On three pages of the map; page 1 is the one that gets damaged. */
const CHUNKS = 768;
const SAFE = 3;
const HURT = 300;
const ALSO_SAFE = 700;

async function closedDisk(): Promise<DiskHarness> {
  const real = await DiskHarness.create({ chunkCount: CHUNKS });
  await real.fill(SAFE, 1);
  await real.fill(HURT, 2);
  await real.fill(ALSO_SAFE, 3);
  await real.disk.close();
  return real;
}

function flip(real: DiskHarness, name: string, position: number): void {
  const file = `${FOLDER}/${name}`;
  const fd = real.process.open(file, 'read-write');
  const byte = Buffer.alloc(1);
  assert.equal(real.process.read(fd, byte, 0, 1, position), 1, 'there is nothing to flip');
  byte[0]! ^= 0x10;
  real.process.write(fd, byte, 0, 1, position);
  real.process.close(fd);
}

/** Where in the map file a block lies that the checkpoint uses. */
function positionOf(real: DiskHarness, what: string): number {
  const store = MapStore.open(real.process, FOLDER, readCheckpoint(real.process, FOLDER).groups, 'read');
  const found = [...store.listBlocks()].find((block) => block.what === what);
  store.close();
  assert.ok(found !== undefined, `the map has no ${what}`);
  return found.unit * UNIT_BYTES;
}

function findings(real: DiskHarness): { what: string; repair: string | null }[] {
  return checkDisk(real.process, FOLDER, real.bootId);
}

function repair(real: DiskHarness): Promise<string[]> {
  return repairDisk(real.process, FOLDER, { bootId: real.bootId, snapshotGeneration: 0 });
}

function segmentPath(real: DiskHarness): string {
  const { links } = readCheckpoint(real.process, FOLDER);
  return `${FOLDER}/data-${links.data}/000000.seg`;
}

async function first(real: DiskHarness, chunk: number): Promise<number> {
  return (await real.read(chunk * CHUNK_BYTES, 1))[0]!;
}

for (const spoil of ['flip', 'cut', 'unlink'] as const) {
  test(`a checkpoint that is damaged (${spoil}) keeps its disk from opening, and nothing is made up for it`, async () => {
    const real = await closedDisk();
    const name = `${FOLDER}/${CHECKPOINT_NAME}`;
    if (spoil === 'unlink') real.process.unlink(name);
    else if (spoil === 'flip') flip(real, CHECKPOINT_NAME, 60);
    else {
      const fd = real.process.open(name, 'read-write');
      real.process.truncate(fd, 100);
      real.process.close(fd);
    }
    const [finding, ...others] = findings(real);
    assert.match(finding!.what, /the checkpoint is damaged: .*\/checkpoint/);
    assert.deepEqual([finding!.repair, others], [null, []]);
    await assert.rejects(real.open(), CorruptionError);
    await assert.rejects(repair(real), CorruptionError);
    assert.equal(real.process.openCount, 0);
  });
}

test('a checkpoint of the first version is refused with words that say what it is', async () => {
  const real = await closedDisk();
  const checkpoint = readCheckpoint(real.process, FOLDER);
  await writeCheckpoint(real.process, FOLDER, checkpoint);
  const file = `${FOLDER}/${CHECKPOINT_NAME}`;
  const { default: crypto } = await import('node:crypto');
  const size = real.process.find(file)!.sizeBytes;
  const bytes = Buffer.alloc(size);
  const fd = real.process.open(file, 'read-write');
  real.process.read(fd, bytes, 0, size, 0);
  bytes.writeUInt16LE(1, 8);
  crypto.hash('sha256', bytes.subarray(0, size - 32), 'buffer').copy(bytes, size - 32);
  real.process.write(fd, bytes, 0, size, 0);
  real.process.close(fd);
  await assert.rejects(
    real.open(),
    (error) => error instanceof OperationalError && !error.retryable && /never released/.test(error.message),
  );
  assert.match(findings(real)[0]!.what, /never released/);
});

test('a damaged page of the map is EIO for its chunks; all else of the disk goes on', async () => {
  const real = await closedDisk();
  flip(real, 'map', positionOf(real, 'page 1') + 40);
  const expected = /page 1 of .*\/map at byte \d+ .*chunks 256 to 511 answer EIO/;
  const found = findings(real);
  assert.deepEqual([found.length, found[0]!.repair], [1, null]);
  assert.match(found[0]!.what, expected);

  await real.open();
  await assert.rejects(real.read(HURT * CHUNK_BYTES, 4096), CorruptionError);
  await assert.rejects(real.fill(HURT, 9), CorruptionError);
  await assert.rejects(real.zero(200 * CHUNK_BYTES, 200 * CHUNK_BYTES), CorruptionError);
  await assert.rejects(real.trim(0, CHUNKS * CHUNK_BYTES), CorruptionError);
  assert.deepEqual([await first(real, SAFE), await first(real, ALSO_SAFE)], [1, 3]);
  assert.deepEqual(
    real.disk.device.status(0, CHUNKS * CHUNK_BYTES, 100).filter(({ isZero }) => !isZero),
    [SAFE, HURT, ALSO_SAFE].map((chunk) => {
      const chunks = chunk === HURT ? 256 : 1; // of the damaged page nothing is known
      return { lengthBytes: chunks * CHUNK_BYTES, isHole: false, isZero: false };
    }),
  );

  // Views, layers and sweeps of other pages; a snapshot of what this page changed in is refused, later ones are not.
  const { generation } = real.disk.freeze('s-1');
  await real.disk.awaitDurable('s-1');
  await assert.rejects(
    real.disk.listViewChunks({ snapshotId: 's-1', sinceGeneration: -1, fromChunk: 0, limit: 99 }),
    /page 1 of/,
  );
  await real.fill(SAFE, 4, 0, 4096);
  real.disk.releaseView('s-1', false);
  real.disk.freeze('s-2');
  const request = { snapshotId: 's-2', sinceGeneration: generation, fromChunk: 0, limit: 99 };
  const { chunks } = await real.disk.listViewChunks(request);
  assert.deepEqual(
    chunks.map(({ chunk }) => chunk),
    [SAFE],
  );
  real.disk.releaseView('s-2', true);
  await real.disk.store.flush();
  while (real.disk.sweep.isDue) real.disk.sweep.slice(() => false);
  assert.equal(real.disk.store.map.head.olderLayerCount, 0, 'the sweep stops at the damaged page');
  await real.disk.store.checkpoint();
  await real.restart();
  assert.equal(await first(real, SAFE), 4);
  await assert.rejects(real.read(HURT * CHUNK_BYTES, 1), CorruptionError);
  await real.disk.close();
  assert.match(findings(real)[0]!.what, expected);
  assert.deepEqual(await repair(real), []);
});

test('a page that is damaged while the journal speaks of it costs what the journal says of that page, and no more', async () => {
  const real = await closedDisk();
  const position = positionOf(real, 'page 1');
  await real.open();
  await real.fill(SAFE, 5);
  await real.fill(HURT, 6);
  await real.zero(100 * CHUNK_BYTES, 600 * CHUNK_BYTES);
  await real.fill(ALSO_SAFE, 7);
  await real.disk.device.flush();
  await real.fill(50, 8);
  real.process.kill();
  real.process = real.machine.startProcess();
  flip(real, 'map', position + 40);
  assert.equal(findings(real).length, 1);
  await real.open();
  assert.deepEqual(
    [await first(real, SAFE), await first(real, ALSO_SAFE), await first(real, 120), await first(real, 50)],
    [5, 7, 0, 8],
  );
  await assert.rejects(real.read(HURT * CHUNK_BYTES, 1), CorruptionError);
  for (let chunk = 0; chunk < 40; chunk++) await real.fill(chunk, 9);
  await real.reopen();
  assert.deepEqual([await first(real, ALSO_SAFE), await first(real, 39)], [7, 9]);
  await real.disk.close();
  assert.equal(findings(real).length, 1);
});

test('a sweep leaves the layers of a damaged page alone, and tries again only some time later', async () => {
  let nowMs = 0;
  const clock = { nowMs: () => 1_800_000_000_000, monotonicMs: () => nowMs, sleep: async () => {} };
  const real = await DiskHarness.create({ chunkCount: CHUNKS, clock });
  for (const chunk of [SAFE, HURT]) await real.fill(chunk, 1);
  real.disk.freeze('s-1');
  await real.disk.awaitDurable('s-1');
  for (const chunk of [SAFE, HURT]) await real.fill(chunk, 2, 0, 4096);
  real.disk.releaseView('s-1', true);
  await real.disk.close();
  flip(real, 'map', positionOf(real, 'page 1') + 40);
  await real.open();
  await real.disk.store.flush();
  let slices = 0;
  while (real.disk.sweep.isDue && slices < 100) {
    real.disk.sweep.slice(() => false);
    slices++;
  }
  assert.ok(slices < 100, 'it tries without end');
  assert.equal(real.disk.store.map.head.olderLayerCount, 1);
  assert.equal(await first(real, SAFE), 2);
  nowMs += 60_000;
  assert.equal(real.disk.sweep.isDue, true);
  await real.disk.close();
});

test('a damaged group of pages is EIO for its 4 GiB, and named; all else of the disk goes on', async () => {
  const beyond = 70_000;
  const real = await DiskHarness.create({ chunkCount: beyond + 256 });
  for (const chunk of [SAFE, HURT, beyond]) await real.fill(chunk, chunk % 251);
  real.disk.freeze('s-old');
  await real.disk.awaitDurable('s-old');
  await real.disk.close();
  flip(real, 'map', positionOf(real, 'group 0 of the pages') + 100);
  const expected = /group 0 of the pages of .*\/map at byte .*: chunks 0 to 65535 answer EIO/;
  assert.deepEqual(findings(real).length, 1);
  assert.match(findings(real)[0]!.what, expected);

  await real.open();
  for (const chunk of [SAFE, HURT, 65_535]) {
    await assert.rejects(real.read(chunk * CHUNK_BYTES, 4096), CorruptionError);
    await assert.rejects(real.fill(chunk, 9), CorruptionError);
    await assert.rejects(real.trim(chunk * CHUNK_BYTES, CHUNK_BYTES), CorruptionError);
  }
  const before = { snapshotId: 's-old', sinceGeneration: -1, fromChunk: 0, limit: 99 };
  await assert.rejects(real.disk.listViewChunks(before), /group 0 of the pages/);
  await real.fill(beyond, 7, 0, 4096);
  await real.fill(beyond + 1, 8);
  real.disk.releaseView('s-old', false);
  await real.disk.store.flush();
  for (let slices = 0; real.disk.sweep.isDue; slices++) {
    assert.ok(slices < 100, 'the sweep tries without end');
    real.disk.sweep.slice(() => false);
  }
  for (let turn = 0; turn < 5; turn++) {
    await real.fill(beyond + 2 + turn, turn + 1);
    await real.disk.store.checkpoint();
  }
  await real.restart();
  assert.deepEqual(
    [await first(real, beyond), await first(real, beyond + 1), await first(real, beyond + 6)],
    [7, 8, 5],
  );
  await assert.rejects(real.read(SAFE * CHUNK_BYTES, 1), CorruptionError);
  assert.equal(real.disk.device.status(0, 70_000 * CHUNK_BYTES, 9)[0]!.isZero, false, 'nothing is known of it');
  await real.disk.close();
  assert.match(findings(real)[0]!.what, expected);
  assert.deepEqual(await repair(real), []);
  assert.equal(real.process.openCount, 0);
});

for (const what of ['the bitmap of segment 0', 'group 0 of the bitmaps']) {
  test(`damage of ${what} is named, and the slots are counted anew by a repair`, async () => {
    const real = await closedDisk();
    flip(real, 'map', positionOf(real, what) + 1000);
    const [finding, ...others] = findings(real);
    assert.match(finding!.what, new RegExp(`${what} of .*/map at byte`));
    assert.deepEqual([finding!.repair, others], ['count the slots anew by the map', []]);
    if (what.startsWith('the bitmap')) {
      await real.open();
      await real.fill(9, 9);
      await real.trim(SAFE * CHUNK_BYTES, CHUNK_BYTES);
      await real.fill(SAFE, 1);
      await real.reopen();
      assert.deepEqual([await first(real, SAFE), await first(real, HURT), await first(real, 9)], [1, 2, 9]);
      await real.disk.close();
      assert.equal(findings(real)[0]!.repair, 'count the slots anew by the map');
    } else await assert.rejects(real.open(), CorruptionError);
    assert.equal((await repair(real)).length, 1);
    assert.deepEqual(findings(real), []);
    await real.open();
    assert.deepEqual([await first(real, SAFE), await first(real, HURT), await first(real, ALSO_SAFE)], [1, 2, 3]);
    await real.fill(10, 9);
    await real.finish();
  });
}

for (const isFree of [true, false]) {
  test(`a bitmap that says of ${isFree ? 'a used slot that it is free' : 'a free slot that it is taken'} is found and mended`, async () => {
    const real = await closedDisk();
    const { head, views, links, groups } = readCheckpoint(real.process, FOLDER);
    const store = MapStore.open(real.process, FOLDER, groups);
    const taken = store.bitmaps.load(0);
    taken[0]! ^= isFree ? 2 : 8;
    const stored = await store.store([], [{ segment: 0, takenCount: isFree ? 2 : 4, taken }]);
    await writeCheckpoint(real.process, FOLDER, { head, views, links, groups: stored.groups });
    store.close();
    const [finding, ...others] = findings(real);
    assert.match(finding!.what, isFree ? /slot 1 is in use and counts as free/ : /4 slots count as taken.* uses 3/);
    assert.deepEqual([finding!.repair, others], ['count the slots anew by the map', []]);
    assert.equal((await repair(real)).length, 1);
    assert.deepEqual(findings(real), []);
    await real.open();
    await real.fill(9, 9);
    assert.deepEqual([await first(real, SAFE), await first(real, HURT), await first(real, ALSO_SAFE)], [1, 2, 3]);
    await real.finish();
  });
}

test('a missing segment is EIO for its chunks; what is written goes to another', async () => {
  const real = await closedDisk();
  real.process.unlink(segmentPath(real));
  assert.match(findings(real)[0]!.what, /000000\.seg is missing: its chunks answer EIO/);
  await real.open();
  await assert.rejects(real.read(SAFE * CHUNK_BYTES, 1), { code: 'ENOENT' });
  await real.fill(9, 9);
  await assert.rejects(real.fill(HURT, 8), { code: 'ENOENT' });
  real.disk.freeze('s-1');
  await real.fill(HURT, 8); // a slot of the new generation
  await real.disk.device.flush();
  real.disk.releaseView('s-1', false);
  await real.restart();
  assert.deepEqual([await first(real, 9), await first(real, HURT)], [9, 8]);
  await assert.rejects(real.read(SAFE * CHUNK_BYTES, 1), { code: 'ENOENT' });
  await real.disk.close();
  assert.equal(findings(real).length, 1);
});

test('a segment that was cut short is EIO where slots are lost, and is never made long again', async () => {
  const real = await closedDisk();
  const fd = real.process.open(segmentPath(real), 'read-write');
  real.process.truncate(fd, 2 * CHUNK_BYTES);
  real.process.close(fd);
  assert.match(findings(real)[0]!.what, /000000\.seg has 131072 bytes, its slots end at 196608/);
  await real.open();
  await assert.rejects(real.read(ALSO_SAFE * CHUNK_BYTES, 1), CorruptionError);
  await real.fill(9, 9);
  await real.trim(SAFE * CHUNK_BYTES, CHUNK_BYTES);
  await real.disk.device.flush();
  await real.fill(10, 9);
  await assert.rejects(real.read(ALSO_SAFE * CHUNK_BYTES, 1), CorruptionError);
  assert.deepEqual([await first(real, HURT), await first(real, 9), await first(real, SAFE)], [2, 9, 0]);
  await real.reopen();
  await assert.rejects(real.read(ALSO_SAFE * CHUNK_BYTES, 1), CorruptionError);
  await real.disk.close();
  assert.equal(findings(real).length, 1);
});

test('damage of one disk hurts no other on the machine', async () => {
  const real = await closedDisk();
  const other = await DiskHarness.createOn(real.machine, { diskId: 'd-other', base: ZERO_BASE });
  flip(real, CHECKPOINT_NAME, 60);
  await other.fill(0, 5);
  await other.restart();
  assert.equal((await other.read(0, 1))[0], 5);
  await other.disk.close();
  assert.deepEqual(checkDisk(other.process, other.folder, other.bootId), []);
  assert.equal(findings(real)[0]!.what.includes(DISK_ID), true);
});

test('a journal that is damaged beside a bitmap is repaired in one go', async () => {
  const real = await closedDisk();
  const position = positionOf(real, 'group 0 of the bitmaps');
  await real.open();
  await real.fill(8, 8);
  await real.fill(9, 9);
  real.process.kill();
  real.process = real.machine.startProcess();
  flip(real, 'map', position + 100);
  const { links } = readCheckpoint(real.process, FOLDER);
  flip(real, `journal-${links.journal}`, 512 + 40);
  assert.notEqual(findings(real)[0]!.repair, null);
  await repair(real);
  assert.deepEqual(findings(real), []);
  await real.open();
  assert.deepEqual([await first(real, SAFE), await first(real, 8)], [1, 0]);
  await real.fill(8, 7);
  await real.finish();
});
