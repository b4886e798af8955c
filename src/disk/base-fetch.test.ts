/** Fetching all of a base (D7): what is read once, what views need, what breaks, and that the base is left for good. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { CHUNK_BYTES, DiskHarness, baseByte, baseRef } from '../../test/model/disk-harness.ts';
import { systemError } from '../../test/crash/recording-files.ts';
import { baseEnd } from './lineage.ts';

async function whole(real: DiskHarness): Promise<void> {
  while (!(await real.disk.baseFetch.slice(1)).isOver);
  assert.ok(await real.disk.baseFetch.leave());
}

function expected(): Buffer {
  return Buffer.concat(Array.from({ length: 8 }, (_, chunk) => Buffer.alloc(CHUNK_BYTES, baseByte(1, chunk))));
}

test('a base comes in chunk by chunk and is left, over a power cut too', async () => {
  const real = await DiskHarness.create({ base: baseRef(1) });
  await real.read(CHUNK_BYTES, 4096);
  real.disk.device.commit();
  const made = [];
  for (let isOver = false; !isOver;) {
    const progress = await real.disk.baseFetch.slice(2);
    made.push(progress.chunkCount, progress.fetchedBytes / CHUNK_BYTES);
    ({ isOver } = progress);
    assert.equal(progress.totalCount, 3);
  }
  assert.deepEqual(made, [2, 1, 3, 1], 'the chunk that was read before is not fetched again');
  assert.ok(await real.disk.baseFetch.leave());
  const { base } = real.disk.describe();
  assert.deepEqual(base, { snapshotId: 's-1', tree: { root: null, levels: 0, dataChunkCount: 0 } });
  real.source.readChunk = async () => assert.fail('the base is read');
  assert.ok((await real.readAll()).equals(expected()));
  assert.equal((await real.disk.baseFetch.slice(2)).isOver, true, 'again: nothing');
  await real.reopen({ anotherBoot: true });
  assert.ok((await real.readAll()).equals(expected()));
  await real.finish();
});

test('what only a view still has in the base is fetched for it, and nothing that nobody needs', async () => {
  const real = await DiskHarness.create({ base: baseRef(1) });
  await real.fill(0, 0x55);
  real.disk.freeze('s-view');
  await real.fill(1, 0x66);
  await real.fill(2, 0x77, 0, 4096);
  const { readCount } = real.source;
  await whole(real);
  assert.equal(real.source.readCount - readCount, 2, 'chunk 0 is covered for everybody');
  const all = [0, 1, 2, 3];
  const view = Buffer.concat([0x55, baseByte(1, 1), baseByte(1, 2), 0].map((byte) => Buffer.alloc(CHUNK_BYTES, byte)));
  assert.ok((await real.readViewChunks('s-view', all)).equals(view));
  assert.equal(baseEnd(real.disk.store.map.views[0]!.lineage), 0, 'views leave the base too');
  await real.finish();
});

test('a chunk that cannot be read, or kept, ends a slice there; the next goes on', async () => {
  const real = await DiskHarness.create({ base: baseRef(1) });
  real.source.broken.add(1);
  await assert.rejects(whole(real), /1 chunks of the base cannot be read, all others .* chunk 1/);
  const { readCount } = real.source;
  assert.equal((await real.read(2 * CHUNK_BYTES, 1))[0], baseByte(1, 2));
  assert.equal(real.source.readCount, readCount, 'what comes after it is fetched');
  real.source.broken.clear();
  real.machine.fault = (call) => (call.name === 'write' ? { error: systemError('ENOSPC', call.path) } : undefined);
  await assert.rejects(whole(real), { code: 'ENOSPC' });
  real.machine.fault = undefined;
  await whole(real);
  assert.ok((await real.readAll()).equals(expected()));
  await real.finish();
});

test('a rollback in between begins anew with the other base', async () => {
  const real = await DiskHarness.create({ base: baseRef(1) });
  await real.disk.baseFetch.slice(2);
  await real.disk.rollback(baseRef(2), 2);
  await whole(real);
  assert.equal((await real.read(0, 1))[0], baseByte(2, 0));
  assert.equal(real.disk.describe().base.snapshotId, 's-2');
  await real.finish();
});

test('what is trimmed after the base was left is a change against the snapshot that was the base', async () => {
  const real = await DiskHarness.create({ base: baseRef(1) });
  await whole(real);
  await real.trim(0, CHUNK_BYTES);
  await real.zero(CHUNK_BYTES, CHUNK_BYTES);
  const { baseGeneration } = real.disk.freeze('s-next');
  const { chunks } = await real.listView('s-next', baseGeneration - 1);
  assert.deepEqual([...chunks.keys()], [0, 1]);
  await real.disk.awaitDurable('s-next');
  await real.finish();
});

test('a read of the base that ends after the base was left brings nothing back', async () => {
  const real = await DiskHarness.create({ base: baseRef(1) });
  const gate = Promise.withResolvers<void>();
  const { readChunk } = real.source;
  let isSlow = true;
  real.source.readChunk = async (base, chunk) => {
    const bytes = await readChunk.call(real.source, base, chunk);
    if (isSlow) {
      isSlow = false;
      await gate.promise;
    }
    return bytes;
  };
  const reading = real.read(CHUNK_BYTES, 4096);
  await whole(real);
  await real.trim(CHUNK_BYTES, CHUNK_BYTES);
  gate.resolve();
  await reading;
  assert.equal((await real.read(CHUNK_BYTES, 1))[0], 0);
  await real.finish();
});

test('a read of the base that ends after the disk was closed touches nothing of the next opening', async () => {
  const real = await DiskHarness.create({ base: baseRef(1) });
  const gate = Promise.withResolvers<void>();
  real.source.gate = gate.promise;
  const fetching = real.disk.baseFetch.slice(8);
  const { store } = real.disk;
  await store.abandon();
  real.source.gate = Promise.resolve();
  await real.open();
  await real.fill(5, 0x55);
  await real.disk.device.flush();
  gate.resolve();
  await assert.rejects(fetching, /closed/);
  assert.throws(() => store.slots.allocate(), /closed/);
  assert.equal((await real.read(5 * CHUNK_BYTES, 1))[0], 0x55);
  await real.finish();
});
