/** Reads and writes of any bytes over layers, bases and zeros, and what `status` knows. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { CHUNK_BYTES, DiskHarness, ZERO_BASE, baseByte, baseRef } from '../../test/model/disk-harness.ts';

/** Before a write, a chunk is one of these. */
const GROUNDS = ['base', 'fetched', 'zeros', 'data', 'partly', 'layered', 'trimmed over data'] as const;
type Ground = (typeof GROUNDS)[number];

/** Makes chunk `chunk` of a disk over base 2 what is asked, and tells its bytes. */
async function prepare(real: DiskHarness, chunk: number, ground: Ground, bytes: Buffer): Promise<void> {
  const write = async (at: number, length: number, byte: number): Promise<void> => {
    bytes.fill(byte, at, at + length);
    await real.fill(chunk, byte, at, length);
  };
  if (ground === 'fetched') await real.read(chunk * CHUNK_BYTES, 1);
  if (ground === 'data' || ground === 'layered' || ground === 'trimmed over data') await write(0, CHUNK_BYTES, 50);
  if (ground === 'partly') await write(8192, 8192, 51);
  if (ground === 'zeros' || ground === 'trimmed over data') {
    bytes.fill(0);
    await real.trim(chunk * CHUNK_BYTES, CHUNK_BYTES);
  }
  real.disk.freeze(`s-${chunk}`);
  if (ground === 'layered') {
    await write(4096, 4096, 52);
    real.disk.freeze(`s-${chunk}-1`);
    await write(12_288, 20_480, 53);
    real.disk.releaseView(`s-${chunk}-1`, false);
  }
  real.disk.releaseView(`s-${chunk}`, false);
}

const range = fc
  .tuple(fc.nat(CHUNK_BYTES - 1), fc.oneof(fc.integer({ min: 1, max: 9000 }), fc.constant(4096)))
  .map(([at, length]) => ({ at, length: Math.min(length, CHUNK_BYTES - at) }));

for (const ground of GROUNDS) {
  test(`writes and reads of any bytes come out right over: ${ground}`, async () => {
    const property = fc.asyncProperty(fc.array(range, { minLength: 1, maxLength: 4 }), range, async (writes, read) => {
      const real = await DiskHarness.create({ chunkCount: 4, base: baseRef(2) });
      const bytes = Buffer.alloc(CHUNK_BYTES, baseByte(2, 1));
      await prepare(real, 1, ground, bytes);
      for (const [i, { at, length }] of writes.entries()) {
        bytes.fill(200 + i, at, at + length);
        await real.fill(1, 200 + i, at, length);
      }
      const found = await real.read(CHUNK_BYTES + read.at, read.length);
      assert.ok(found.equals(bytes.subarray(read.at, read.at + read.length)));
      assert.ok((await real.read(CHUNK_BYTES, CHUNK_BYTES)).equals(bytes));
      const neighbours = [(await real.read(0, 1))[0], (await real.read(2 * CHUNK_BYTES, 1))[0]];
      assert.deepEqual(neighbours, [baseByte(2, 0), baseByte(2, 2)]);
      await real.restart();
      assert.ok((await real.read(CHUNK_BYTES, CHUNK_BYTES)).equals(bytes));
      await real.finish();
    });
    await fc.assert(property, { numRuns: 25 });
  });
}

test('a write that covers whole blocks needs nothing of the base; one that cuts a block fetches its chunk once', async () => {
  const real = await DiskHarness.create({ base: baseRef(2) });
  await real.fill(0, 9, 4096, 8192);
  await real.write(CHUNK_BYTES - 4096, Buffer.alloc(8192, 9));
  assert.equal(real.source.readCount, 0);
  await real.fill(2, 9, 100, 10);
  await real.fill(2, 9, 5000, 10);
  assert.equal(real.source.readCount, 1);
  await real.finish();
});

test('the first write over zeros into a new slot makes all of the chunk its own', async () => {
  const real = await DiskHarness.create();
  await real.fill(0, 9, 4096, 512);
  const { olderLayerCount, usedSlotCount } = real.disk.describe().mapping;
  assert.deepEqual([olderLayerCount, usedSlotCount], [0, 1]);
  assert.equal(real.disk.store.map.pageOf(0)!.mask(0), 0xffff);
  const chunk = await real.read(0, CHUNK_BYTES);
  assert.deepEqual([chunk[4095], chunk[4096], chunk[4607], chunk[4608]], [0, 9, 9, 0]);
  await real.finish();
});

test('status knows zeros from data, joins what is alike, and looks no further than it is asked', async () => {
  const real = await DiskHarness.create({ chunkCount: 1024, base: baseRef(2) });
  const zeroExtent = (chunks: number) => ({ lengthBytes: chunks * CHUNK_BYTES, isHole: true, isZero: true });
  const dataExtent = (chunks: number) => ({ lengthBytes: chunks * CHUNK_BYTES, isHole: false, isZero: false });
  const all = 1024 * CHUNK_BYTES;
  // Of the base nothing is known until it is read, but where it ends.
  assert.deepEqual(real.disk.device.status(0, all, 9), [dataExtent(128), zeroExtent(896)]);
  await real.fill(500, 1, 0, 512);
  await real.trim(2 * CHUNK_BYTES, 3 * CHUNK_BYTES);
  const expected = [dataExtent(2), zeroExtent(3), dataExtent(123), zeroExtent(372), dataExtent(1), zeroExtent(523)];
  assert.deepEqual(real.disk.device.status(0, all, 9), expected);
  assert.deepEqual(real.disk.device.status(0, all, 2), expected.slice(0, 2));
  assert.deepEqual(real.disk.device.status(2 * CHUNK_BYTES + 100, 200, 9), [
    { lengthBytes: 200, isHole: true, isZero: true },
  ]);
  await real.restart();
  assert.deepEqual(real.disk.device.status(0, all, 9), expected);
  await real.disk.rollback(ZERO_BASE, 2);
  assert.deepEqual(real.disk.device.status(0, all, 9), [zeroExtent(1024)]);
  await real.finish();
});

test('requests are counted', async () => {
  const real = await DiskHarness.create();
  await real.fill(0, 1, 0, 5000);
  await real.read(0, 700);
  await real.trim(0, CHUNK_BYTES);
  await real.zero(0, 100);
  await real.disk.device.flush();
  assert.deepEqual(real.disk.describe().counters, {
    ...{ readCount: 1, writeCount: 1, flushCount: 1, zeroCount: 2 },
    ...{ readBytes: 700, writtenBytes: 5000 },
  });
  await real.finish();
});
