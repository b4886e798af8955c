/** Frozen views of one disk: how many, for how long, rolling back to them, and standing on those of others. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { CHUNK_BYTES, DISK_ID, DiskHarness, ZERO_BASE, baseByte, baseRef } from '../../test/model/disk-harness.ts';
import { OperationalError } from '../lib/errors.ts';
import { isMadeWith } from './disk.ts';
import { VIEW_LIMIT } from './protocol.ts';

async function frozen(real: DiskHarness, snapshotId: string): Promise<Buffer> {
  const bytes = await real.readAll();
  real.disk.freeze(snapshotId);
  await real.disk.awaitDurable(snapshotId);
  return bytes;
}

async function sweepAll(real: DiskHarness): Promise<void> {
  await real.disk.store.maintain();
  while (real.disk.sweep.isDue) real.disk.sweep.slice(() => false);
}

test('thirteen views are there at once, each as the disk was; the next is refused until one ends', async () => {
  const real = await DiskHarness.create();
  const images = new Map<string, Buffer>();
  for (let i = 0; i < VIEW_LIMIT; i++) {
    await real.fill(0, i + 1, i * 4096, 8192);
    await real.fill(i % 4, 100 + i, 0, 512);
    images.set(`s-${i}`, await frozen(real, `s-${i}`));
  }
  assert.throws(() => real.disk.freeze('s-13'), { code: 'IncorrectDiskStatus.CreatingSnapshot' });
  await real.fill(0, 0xee);
  await sweepAll(real);
  for (const isReopened of [false, true]) {
    if (isReopened) await real.reopen({ anotherBoot: true });
    for (const [snapshotId, image] of images) assert.ok((await real.readView(snapshotId)).equals(image), snapshotId);
  }
  assert.deepEqual(
    real.disk.describe().views.map(({ snapshotId, durable }) => [snapshotId, durable]),
    [...images.keys()].map((snapshotId) => [snapshotId, true]),
  );
  for (const released of ['s-4', 's-0', 's-9', 's-5']) {
    real.disk.releaseView(released, true);
    images.delete(released);
    await sweepAll(real);
    for (const [snapshotId, image] of images) assert.ok((await real.readView(snapshotId)).equals(image), snapshotId);
  }
  real.disk.freeze('s-13');
  for (const { snapshotId } of real.disk.describe().views) real.disk.releaseView(snapshotId, true);
  await sweepAll(real);
  assert.deepEqual(real.disk.describe().mapping.olderLayerCount, 0);
  await real.finish();
});

test('a freeze is idempotent by snapshot, and never happens again once it was cancelled or released', async () => {
  const real = await DiskHarness.create();
  await real.fill(0, 1);
  const reply = real.disk.freeze('s-1');
  assert.deepEqual(real.disk.freeze('s-1'), reply);
  assert.equal(real.disk.describe().views.length, 1);
  real.disk.cancelFreeze('s-1');
  assert.throws(() => real.disk.freeze('s-1'), { code: 'OperationConflict' });
  await assert.rejects(real.disk.awaitDurable('s-1'), OperationalError);
  real.disk.cancelFreeze('s-2');
  assert.throws(
    () => real.disk.freeze('s-2'),
    { code: 'OperationConflict' },
    'a freeze that comes after its cancellation',
  );
  real.disk.freeze('s-3');
  await real.disk.awaitDurable('s-3');
  real.disk.releaseView('s-3', true);
  real.disk.releaseView('s-3', true);
  assert.throws(() => real.disk.freeze('s-3'), { code: 'OperationConflict' });
  await real.restart();
  assert.throws(() => real.disk.freeze('s-3'), { code: 'OperationConflict' });
  await real.finish();
});

test('a release that could not be written down is, by the next call, and the freeze does not come back', async () => {
  const real = await DiskHarness.create();
  await frozen(real, 's-1');
  real.machine.fault = (call) =>
    call.name === 'write' ? { error: Object.assign(new Error('full'), { code: 'ENOSPC' }) } : undefined;
  assert.throws(() => real.disk.releaseView('s-1', true), { code: 'ENOSPC' });
  assert.throws(() => real.disk.releaseView('s-1', true), { code: 'ENOSPC' }, 'it was told to be released, and is not');
  assert.throws(() => real.disk.freeze('s-1'), { code: 'OperationConflict' });
  real.machine.fault = undefined;
  real.disk.releaseView('s-1', true);
  await real.restart();
  assert.deepEqual(real.disk.describe().views, []);
  await real.finish();
});

test('rolling back to a view brings its bytes, in the next generation, and other views stay as they are', async () => {
  const real = await DiskHarness.create({ base: baseRef(2) });
  await real.fill(0, 1);
  const first = await frozen(real, 's-1');
  await real.fill(1, 2, 0, 4096);
  const second = await frozen(real, 's-2');
  await real.fill(0, 3);
  await real.trim(CHUNK_BYTES, CHUNK_BYTES);
  const { generation } = real.disk.store.map.head;
  await real.disk.rollback({ snapshotId: 's-1', viewOf: DISK_ID }, 2);
  assert.ok((await real.readAll()).equals(first));
  assert.ok((await real.readView('s-2')).equals(second));
  assert.ok(real.disk.store.map.head.generation > generation);
  await real.fill(2, 4);
  const { history } = real.disk.freeze('s-3');
  assert.deepEqual(
    history,
    [
      [1, 1],
      [generation + 1, generation + 1],
    ],
    'what was undone counts as history',
  );
  await real.restart();
  await real.disk.rollback({ snapshotId: 's-2', viewOf: DISK_ID }, 3);
  assert.ok((await real.readAll()).equals(second));
  await real.disk.rollback({ snapshotId: 's-2', viewOf: DISK_ID }, 3); // done already
  for (const snapshotId of ['s-1', 's-2', 's-3']) real.disk.releaseView(snapshotId, true);
  await sweepAll(real);
  await real.reopen();
  assert.ok((await real.readAll()).equals(second));
  await real.finish();
});

test('a rollback is refused to a view of another disk, one that is not there, or an incarnation of the past', async () => {
  const real = await DiskHarness.create();
  await frozen(real, 's-1');
  const here = { snapshotId: 's-1', viewOf: DISK_ID };
  await assert.rejects(real.disk.rollback({ ...here, viewOf: 'd-other' }, 2), { code: 'InvalidParameter.Mismatch' });
  await assert.rejects(real.disk.rollback({ ...here, snapshotId: 's-0' }, 2), OperationalError);
  await real.disk.rollback(here, 5);
  await assert.rejects(real.disk.rollback(here, 4), { code: 'OperationConflict' });
  assert.equal(real.disk.store.map.head.incarnation, 5);
  real.disk.releaseView('s-1', false);
  await real.finish();
});

test('a rollback that cannot be written down has not happened, and can be asked for again', async () => {
  const real = await DiskHarness.create();
  await real.fill(0, 1);
  await frozen(real, 's-1');
  await real.fill(0, 2);
  real.machine.fault = (call) =>
    call.path.endsWith('checkpoint.new') ? { error: Object.assign(new Error('full'), { code: 'ENOSPC' }) } : undefined;
  await assert.rejects(real.disk.rollback({ snapshotId: 's-1', viewOf: DISK_ID }, 2), { code: 'ENOSPC' });
  real.machine.fault = undefined;
  assert.equal((await real.read(0, 1))[0], 2);
  await real.restart();
  assert.equal((await real.read(0, 1))[0], 2);
  await real.disk.rollback({ snapshotId: 's-1', viewOf: DISK_ID }, 2);
  assert.equal((await real.read(0, 1))[0], 1);
  real.disk.releaseView('s-1', false);
  await sweepAll(real);
  await real.finish();
});

test('a disk over the view of another reads it, keeps what it read, and goes on over the tree that replaces it', async () => {
  const viewBase = { snapshotId: 's-3', viewOf: 'd-other' };
  const real = await DiskHarness.create({ base: viewBase });
  const bytesOf = (chunk: number): Buffer | null => {
    const byte = baseByte(3, chunk);
    return byte === 0 ? null : Buffer.alloc(CHUNK_BYTES, byte);
  };
  let viewReads = 0;
  real.source.readView = async (_base, chunk) => {
    viewReads++;
    return bytesOf(chunk);
  };
  assert.equal((await real.read(CHUNK_BYTES, 1))[0], baseByte(3, 1));
  await real.fill(2, 9, 100, 10);
  assert.equal(viewReads, 2);
  const own = await frozen(real, 's-own');
  const before = viewReads;
  await real.disk.rebase('s-none', baseRef(3).tree); // not its base: nothing
  assert.deepEqual(real.disk.describe().base, viewBase);
  await real.disk.rebase('s-3', baseRef(3).tree);
  await real.disk.rebase('s-3', baseRef(3).tree);
  assert.deepEqual(real.disk.describe().base, baseRef(3));
  await real.reopen();
  assert.ok((await real.readAll()).equals(own));
  assert.ok((await real.readView('s-own')).equals(own));
  assert.equal(viewReads, before, 'it still reads the view');
  assert.equal((await real.read(2 * CHUNK_BYTES + 100, 1))[0], 9);
  real.disk.releaseView('s-own', true);
  await real.finish();
});

test('a disk counts as made with a base that a rollback or its tree replaced', async () => {
  const real = await DiskHarness.create({ base: { snapshotId: 's-3', viewOf: 'd-other' } });
  const state = () => ({ ...real.disk.describe(), socketPath: null, clientCount: 0, limits: null });
  const asked = state().base;
  assert.equal(isMadeWith(state(), asked), true);
  assert.equal(isMadeWith(state(), ZERO_BASE), false);
  await real.disk.rebase('s-3', baseRef(3).tree);
  assert.equal(isMadeWith(state(), asked), true);
  assert.equal(isMadeWith(state(), { snapshotId: 's-4', viewOf: 'd-other' }), false);
  await real.disk.rollback(ZERO_BASE, 2);
  assert.equal(isMadeWith(state(), asked), true);
  await real.finish();
});

test('what a view lists since another is what changed between them, across a rollback too', async () => {
  const real = await DiskHarness.create({ chunkCount: 600, base: baseRef(2) });
  for (const chunk of [0, 5, 300]) await real.fill(chunk, 1);
  const first = real.disk.freeze('s-1');
  await real.fill(5, 2, 0, 4096);
  await real.trim(300 * CHUNK_BYTES, CHUNK_BYTES);
  await real.read(CHUNK_BYTES, 1); // fetched, and unchanged
  real.disk.freeze('s-2');
  await real.fill(599, 3);
  const list = async (snapshotId: string, sinceGeneration: number): Promise<number[]> => {
    const request = { snapshotId, sinceGeneration, fromChunk: 0, limit: 100 };
    return (await real.disk.listViewChunks(request)).chunks.map(({ chunk }) => chunk);
  };
  assert.deepEqual(await list('s-2', first.generation), [5, 300]);
  assert.deepEqual(await list('s-1', first.baseGeneration - 1), [0, 5, 300]);
  assert.deepEqual(await list('s-2', -1), [0, 1, 5, 300]);
  await real.disk.rollback({ snapshotId: 's-1', viewOf: DISK_ID }, 2);
  await real.fill(7, 4);
  real.disk.freeze('s-3');
  assert.deepEqual(await list('s-3', first.generation), [7]);
  for (const snapshotId of ['s-1', 's-2', 's-3']) real.disk.releaseView(snapshotId, true);
  await real.finish();
});
