import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { Kysely } from 'kysely';
import { allRows, checked, createWorld } from '../../test/control/world.ts';
import type { World } from '../../test/control/world.ts';
import { migrate } from '../catalog/migrations.ts';
import { formatTextToken } from '../catalog/paging.ts';
import type { Schema } from '../catalog/schema.ts';
import { listChains, listMembers } from '../catalog/snapshot-chains.ts';
import { createSqliteDialect } from '../catalog/sqlite-dialect.ts';
import type { SnapshotChainFilter } from '../ecs/list-filters.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';

async function listed(world: World, filter: SnapshotChainFilter = {}) {
  return (await world.control.listSnapshotChains(filter, allRows)).items;
}

async function worldWithChains(t: TestContext) {
  const world = await createWorld(t);
  const one = await world.runOne({ diskName: 'first' });
  const two = await world.runOne({ diskName: 'second' });
  const take = (diskId: string, ...words: [number, string][]) => {
    for (const [chunk, word] of words) world.diskd.write(diskId, chunk, word);
    return world.takeSnapshot(diskId);
  };
  const ofOne = [await take(one.diskId, [1, 'a'], [2, 'b']), await take(one.diskId, [2, 'c'])];
  const ofTwo = await take(two.diskId, [1, 'a']);
  return { world, one, two, ofOne, ofTwo, take };
}

const nothingBeside = { undoCount: 0, undoBytes: 0, recycledCount: 0, recycledBytes: 0 };

test('a chain for each disk that has snapshots, with what they take and how many they are', async (t) => {
  const { world, one, two } = await worldWithChains(t);
  const found = await listed(world);
  assert.deepEqual(
    found.map(({ diskId, totals }) => [diskId, totals]),
    [
      [one.diskId, { snapshotCount: 2, sizeBytes: 3 * CHUNK_BYTES, uncountedCount: 0, unstoredCount: 0 }],
      [two.diskId, { snapshotCount: 1, sizeBytes: CHUNK_BYTES, uncountedCount: 0, unstoredCount: 0 }],
    ].sort(([a = ''], [b = '']) => (a < b ? -1 : 1)),
  );
  const { totals: _totals, ...chain } = found.find(({ diskId }) => diskId === one.diskId)!;
  const instance = await world.instance(one.instanceId);
  assert.deepEqual(chain, {
    diskId: one.diskId,
    diskName: 'first',
    diskSizeGib: 20,
    diskType: 'data',
    instanceId: one.instanceId,
    instanceName: instance?.instanceName,
  });
  const usage = { snapshotCount: 3, sizeBytes: 4 * CHUNK_BYTES, uncountedCount: 0, unstoredCount: 0 };
  assert.deepEqual(await world.control.measureSnapshots(), { ...usage, ...nothingBeside });
  assert.deepEqual(
    (await listed(world, { instanceId: two.instanceId })).map(({ diskId }) => diskId),
    [two.diskId],
  );
  assert.deepEqual(
    (await listed(world, { diskIds: [one.diskId, 'd-none'] })).map(({ diskId }) => diskId),
    [one.diskId],
  );
  await checked(world);
});

test('what is progressing, and what is not counted yet, is told and in no sum; what failed is in nothing', async (t) => {
  const { world, one, two, ofTwo } = await worldWithChains(t);
  const uploads = world.holdUploads();
  const third = await world.beginSnapshot(one.diskId);
  const row = await world.catalog.queries
    .selectFrom('snapshots')
    .select('tree')
    .where('snapshot_id', '=', ofTwo)
    .executeTakeFirstOrThrow();
  const { root } = JSON.parse(row.tree ?? '') as { root: string };
  world.repository.uncounted.add(root);
  const totals = new Map((await listed(world)).map((chain) => [chain.diskId, chain.totals]));
  assert.deepEqual(totals.get(one.diskId), {
    snapshotCount: 3,
    sizeBytes: 3 * CHUNK_BYTES,
    uncountedCount: 1,
    unstoredCount: 1,
  });
  assert.deepEqual(totals.get(two.diskId), { snapshotCount: 1, sizeBytes: 0, uncountedCount: 1, unstoredCount: 0 });
  const usage = { snapshotCount: 4, sizeBytes: 3 * CHUNK_BYTES, uncountedCount: 2, unstoredCount: 1 };
  assert.deepEqual(await world.control.measureSnapshots(), { ...usage, ...nothingBeside });
  world.transfer.failuresLeft = 1;
  uploads.release();
  await world.until('it to fail', async () => (await world.snapshot(third))?.status === 'failed');
  const [chain] = await listed(world, { diskIds: [one.diskId] });
  assert.deepEqual(chain?.totals, {
    snapshotCount: 2,
    sizeBytes: 3 * CHUNK_BYTES,
    uncountedCount: 0,
    unstoredCount: 0,
  });
  await checked(world);
});

test('what keeps the past of a disk for an undo is in no sum of snapshots, and its bytes are told by themselves', async (t) => {
  const { world, one, ofOne, ofTwo } = await worldWithChains(t);
  await world.catalog.queries
    .updateTable('snapshots')
    .set({ undo_until_ms: world.clock.nowMs() + 3_600_000 })
    .where('snapshot_id', 'in', [ofOne[1] ?? '', ofTwo])
    .execute();
  const usage = { snapshotCount: 1, sizeBytes: 2 * CHUNK_BYTES, uncountedCount: 0, unstoredCount: 0 };
  assert.deepEqual(await world.control.measureSnapshots(), {
    ...{ ...usage, ...nothingBeside },
    ...{ undoCount: 2, undoBytes: 2 * CHUNK_BYTES },
  });
  assert.deepEqual(
    (await listed(world)).map(({ diskId, totals }) => [diskId, totals]),
    [[one.diskId, usage]],
  );
  const plan = await world.explain(
    "SELECT DISTINCT source_disk_id FROM snapshots WHERE frozen = 1 AND status <> 'failed' AND undo_until_ms IS NULL",
  );
  assert.match(plan, /USING INDEX snapshots_by_chain/);
  await checked(world);
});

test('a chain outlives its disk, and ends with its last snapshot', async (t) => {
  const { world, one, ofOne } = await worldWithChains(t);
  await world.control.detachDisk({ ...one, deleteWithInstance: null });
  await world.until('it to be free', async () => (await world.disk(one.diskId))?.status === 'Available');
  await world.control.deleteDisk({ diskId: one.diskId });
  const [chain] = await listed(world, { diskIds: [one.diskId] });
  assert.deepEqual(
    [chain?.diskName, chain?.diskSizeGib, chain?.instanceId, chain?.totals.snapshotCount],
    [null, 20, null, 2],
  );
  for (const snapshotId of ofOne) await world.control.deleteSnapshot({ snapshotId, force: false });
  assert.deepEqual(await listed(world, { diskIds: [one.diskId] }), []);
  await checked(world);
});

test('chains are found through indexes', async () => {
  const database = new DatabaseSync(':memory:');
  const plans: string[] = [];
  const prepare = database.prepare.bind(database);
  database.prepare = (text) => {
    if (text.startsWith('select')) {
      const steps = prepare(`EXPLAIN QUERY PLAN ${text}`).all() as { detail: string }[];
      plans.push(...steps.map(({ detail }) => detail));
    }
    return prepare(text);
  };
  const queries = new Kysely<Schema>({ dialect: createSqliteDialect(database) });
  await migrate(queries);
  plans.length = 0;
  const nextToken = formatTextToken(['d-1', '']);
  const everyWay: SnapshotChainFilter[] = [{}, { diskIds: ['d-1'] }, { instanceId: 'i-1' }];
  for (const filter of everyWay) await listChains(queries, filter, { pageNumber: 1, pageSize: 10, nextToken });
  await Array.fromAsync(listMembers(queries));
  await queries.destroy();
  assert.ok(plans.length > 8);
  const isOrdered = (step: string) => step === 'SCAN chain_tally' || step.endsWith('INDEX snapshots_by_chain');
  const unindexed = plans.filter((step) => step.startsWith('SCAN') && !isOrdered(step));
  assert.deepEqual(unindexed, []);
});
