import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { sql } from 'kysely';
import { allRows, checked, createWorld, snapshotRequest, token } from '../../test/control/world.ts';
import type { World } from '../../test/control/world.ts';
import { manifestOf } from '../../test/support/repositories.ts';
import { deleteSnapshot } from '../catalog/snapshots.ts';
import { DAY_MS, HOUR_MS } from '../ecs/lock-rules.ts';
import type { Clock } from '../lib/clock.ts';
import { commitManifest } from '../repository/manifest.ts';
import { MemoryStore } from '../repository/object-store/memory-store.ts';
import { emptyTree } from '../repository/tree-ref.ts';
import { importInto } from './import-repository.ts';

const firm = { lockDays: 2, coolOffHours: 0 };

/** Sets the world's clock, and lets its time pass, by hand. */
function takeClock(world: World): { set: (byMs: number) => void; pass: (byMs: number) => void } {
  const clock = world.clock as { -readonly [K in keyof Clock]: Clock[K] };
  const { nowMs, monotonicMs } = clock;
  let setMs = 0;
  let passedMs = 0;
  clock.nowMs = () => nowMs() + setMs + passedMs;
  clock.monotonicMs = () => monotonicMs() + passedMs;
  return { set: (byMs) => void (setMs += byMs), pass: (byMs) => void (passedMs += byMs) };
}

async function worldWithSnapshot(t: TestContext) {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  const snapshotId = await world.takeSnapshot(diskId);
  const lock = (asked = firm) => world.control.lockSnapshot({ snapshotId, ...asked });
  const remove = (force = true) => world.control.deleteSnapshot({ snapshotId, force });
  const status = async () => {
    const { items } = await world.control.listLockedSnapshots({}, allRows);
    return items.find((found) => found.snapshotId === snapshotId)?.status;
  };
  return { world, diskId, snapshotId, lock, remove, status, time: takeClock(world) };
}

const locked = { code: 'InvalidOperation.SnapshotLocked' };
const over = { code: 'InvalidOperation.CoolOffPeriodExpired' };

test('a locked snapshot is deleted by nobody until its lock has expired, in the cool-off too', async (t) => {
  const { world, snapshotId, lock, remove, status, time } = await worldWithSnapshot(t);
  const first = await lock({ lockDays: 2, coolOffHours: 3 });
  assert.deepEqual(
    [first.status, first.coolOffUntilMs - first.createdAtMs, first.startedAtMs, first.expiresAtMs],
    ['compliance-cooloff', 3 * HOUR_MS, first.createdAtMs, first.createdAtMs + 2 * DAY_MS],
  );
  await assert.rejects(remove(), locked);
  time.pass(3 * HOUR_MS + 1);
  assert.equal(await status(), 'compliance');
  await assert.rejects(remove(), locked);
  await assert.rejects(world.control.unlockSnapshot({ snapshotId }), over);
  time.pass(2 * DAY_MS - 3 * HOUR_MS - 60_000);
  await assert.rejects(remove(), locked);
  time.pass(60_000);
  assert.equal(await status(), 'expired');
  await remove();
  assert.equal(await status(), undefined);
  await checked(world);
});

test('the database itself refuses that a snapshot goes and its lock stays', async (t) => {
  const { world, snapshotId, lock } = await worldWithSnapshot(t);
  await lock();
  await assert.rejects(
    world.catalog.transaction((transaction) => deleteSnapshot(transaction, snapshotId)),
    /FOREIGN KEY/,
  );
  assert.ok(await world.snapshot(snapshotId));
});

test('in its cool-off a lock is replaced or taken away, afterwards only made longer', async (t) => {
  const { world, snapshotId, lock, remove, time } = await worldWithSnapshot(t);
  await lock({ lockDays: 9, coolOffHours: 72 });
  time.pass(HOUR_MS);
  const again = await lock({ lockDays: 1, coolOffHours: 1 });
  assert.deepEqual([again.lockDays, again.coolOffHours], [1, 1]);
  assert.equal(again.startedAtMs, again.createdAtMs, 'as if there had been none');
  await world.control.unlockSnapshot({ snapshotId });
  await assert.rejects(world.control.unlockSnapshot({ snapshotId }), { code: 'InvalidSnapshotLock.NotFound' });
  const { createdAtMs } = await lock({ lockDays: 2, coolOffHours: 0 });
  time.pass(DAY_MS);
  for (const asked of [firm, { lockDays: 1, coolOffHours: 0 }, { lockDays: 3, coolOffHours: 1 }]) {
    await assert.rejects(lock(asked), over);
  }
  const longer = await lock({ lockDays: 3, coolOffHours: 0 });
  assert.deepEqual([longer.createdAtMs, longer.expiresAtMs], [createdAtMs, createdAtMs + 3 * DAY_MS]);
  time.pass(2 * DAY_MS + 1000);
  const renewed = await lock({ lockDays: 1, coolOffHours: 1 });
  assert.equal(renewed.status, 'compliance-cooloff', 'an expired one is followed by a new one');
  await assert.rejects(remove(), locked);
});

test('setting the clock forth or back ends no lock and no cool-off earlier, over restarts too', async (t) => {
  const { world, snapshotId, lock, remove, status, time } = await worldWithSnapshot(t);
  await lock();
  time.set(100 * DAY_MS);
  await assert.rejects(remove(), locked);
  const { items } = await world.control.listLockedSnapshots({ snapshotIds: [snapshotId] }, allRows);
  const leftMs = (items[0]?.expiresAtMs ?? 0) - world.clock.nowMs();
  assert.ok(leftMs > 2 * DAY_MS - HOUR_MS && leftMs <= 2 * DAY_MS, 'shown as the clock has it now');
  await world.control.lockSnapshot({ snapshotId, lockDays: 3, coolOffHours: 0 }); // writes the time down
  await world.restart();
  await assert.rejects(remove(), locked);
  time.set(-200 * DAY_MS);
  await world.restart();
  assert.equal(await status(), 'compliance');
  await assert.rejects(world.control.unlockSnapshot({ snapshotId }), over);
  time.pass(3 * DAY_MS);
  assert.equal(await status(), 'expired', 'its days pass all the same');
  await remove();
});

test('a clock that was set is noticed and written down, so that a crash afterwards ends no lock', async (t) => {
  const { world, lock, remove, time } = await worldWithSnapshot(t);
  await lock();
  time.set(100 * DAY_MS);
  const setting = async () =>
    await world.catalog.queries.selectFrom('settings').selectAll().where('name', '=', 'lock-clock').executeTakeFirst();
  const before = await setting();
  await world.until('the look of every minute', async () => (await setting())?.value !== before?.value);
  await world.restart();
  await assert.rejects(remove(), locked);
});

test('time in which no server runs counts', async (t) => {
  const { world, lock, remove, time } = await worldWithSnapshot(t);
  await lock();
  time.pass(2 * DAY_MS);
  await world.restart();
  await remove();
});

test('the days of a lock of a snapshot that is being made count from when it is accomplished', async (t) => {
  const { world, diskId, status: _status, time } = await worldWithSnapshot(t);
  const uploads = world.holdUploads();
  const snapshotId = await world.beginSnapshot(diskId);
  const { startedAtMs, expiresAtMs, status } = await world.control.lockSnapshot({ snapshotId, ...firm });
  assert.deepEqual([startedAtMs, expiresAtMs, status], [null, null, 'compliance']);
  await assert.rejects(world.control.deleteSnapshot({ snapshotId, force: true }), locked, 'it cannot be cancelled');
  time.pass(5 * DAY_MS);
  uploads.release();
  await world.until('it to be accomplished', async () => (await world.snapshot(snapshotId))?.status === 'accomplished');
  const { items } = await world.control.listLockedSnapshots({ snapshotIds: [snapshotId] }, allRows);
  assert.ok((items[0]?.startedAtMs ?? 0) >= (items[0]?.createdAtMs ?? 0) + 5 * DAY_MS);
  time.pass(2 * DAY_MS - 60_000);
  await assert.rejects(world.control.deleteSnapshot({ snapshotId, force: true }), locked);
  time.pass(60_000);
  await world.control.deleteSnapshot({ snapshotId, force: true });
  await checked(world);
});

test('a snapshot that fails loses its lock, and can be deleted', async (t) => {
  const { world, diskId } = await worldWithSnapshot(t);
  const uploads = world.holdUploads();
  const snapshotId = await world.beginSnapshot(diskId);
  await world.control.lockSnapshot({ snapshotId, ...firm });
  world.transfer.failuresLeft = 1;
  uploads.release();
  await world.until('it to fail', async () => (await world.snapshot(snapshotId))?.status === 'failed');
  await world.control.deleteSnapshot({ snapshotId, force: false });
  await checked(world);
});

test('a lock ends with the retention of its snapshot at the latest', async (t) => {
  const { world, snapshotId, lock, time } = await worldWithSnapshot(t);
  await world.catalog.queries
    .updateTable('snapshots')
    .set({ retention_days: 5 })
    .where('snapshot_id', '=', snapshotId)
    .execute();
  time.pass(2 * DAY_MS);
  const tooLong = { code: 'InvalidLockDuration.ExceedRetentionDays' };
  await assert.rejects(lock({ lockDays: 4, coolOffHours: 0 }), tooLong);
  await lock(firm);
  await assert.rejects(lock({ lockDays: 4, coolOffHours: 0 }), tooLong, 'a longer one counts from where it began');
});

test('a request that is repeated gets the first answer, and one that is only tried changes nothing', async (t) => {
  const { world, snapshotId, lock, status } = await worldWithSnapshot(t);
  const request = { snapshotId, lockDays: 2, coolOffHours: 5 };
  await assert.rejects(world.control.lockSnapshot(request, { idempotency: null, dryRun: true }), {
    code: 'DryRunOperation',
  });
  assert.equal(await status(), undefined);
  const first = await world.control.lockSnapshot(request, token('LockSnapshot'));
  await lock({ lockDays: 9, coolOffHours: 5 });
  assert.deepEqual(await world.control.lockSnapshot(request, token('LockSnapshot')), first);
  const { items } = await world.control.listLockedSnapshots({}, allRows);
  assert.equal(items[0]?.lockDays, 9, 'and it does nothing again');
  await world.control.unlockSnapshot({ snapshotId }, token('UnlockSnapshot'));
  await world.control.unlockSnapshot({ snapshotId }, token('UnlockSnapshot'));
});

test('locks are listed newest first, by status, by snapshot and page by page, through the index', async (t) => {
  const { world, diskId, time } = await worldWithSnapshot(t);
  const ids: string[] = [];
  for (let count = 0; count < 5; count++) {
    const { snapshotId } = await world.control.createSnapshot(snapshotRequest(diskId));
    await world.until('it', async () => (await world.snapshot(snapshotId))?.status === 'accomplished');
    ids.unshift(snapshotId);
    await world.control.lockSnapshot({ snapshotId, lockDays: count + 1, coolOffHours: count });
    time.pass(10);
  }
  const all: string[] = [];
  let nextToken: string | null = null;
  do {
    const page = await world.control.listLockedSnapshots({}, { pageNumber: 1, pageSize: 2, nextToken });
    assert.ok(page.items.length <= 2);
    all.push(...page.items.map(({ snapshotId }) => snapshotId));
    ({ nextToken } = page);
  } while (nextToken !== null);
  assert.deepEqual(all, ids);
  const listed = async (filter: Parameters<typeof world.control.listLockedSnapshots>[0]) =>
    (await world.control.listLockedSnapshots(filter, allRows)).items.map(({ snapshotId }) => snapshotId);
  assert.deepEqual(await listed({ status: 'compliance' }), ids.slice(4));
  assert.deepEqual(await listed({ status: 'compliance-cooloff' }), ids.slice(0, 4));
  assert.deepEqual(await listed({ snapshotIds: ['s-none', ids[2] ?? ''] }), [ids[2]]);
  await assert.rejects(listed({ snapshotIds: ['s-none'] }), { code: 'InvalidSnapshotLock.NotFound' });
  time.pass(DAY_MS);
  assert.deepEqual(await listed({ status: 'expired' }), ids.slice(4));
  assert.deepEqual(await listed({ status: 'expired', snapshotIds: [ids[0] ?? ''] }), [], 'it is locked');
  const { rows } = await sql<{ detail: string }>`EXPLAIN QUERY PLAN SELECT * FROM snapshot_locks
    WHERE (created_at_ms, snapshot_id) < (1, 's') ORDER BY created_at_ms DESC, snapshot_id DESC`.execute(
    world.catalog.queries,
  );
  assert.match(
    rows.map(({ detail }) => detail).join('\n'),
    /^SEARCH snapshot_locks USING INDEX snapshot_locks_by_creation/,
  );
});

test('an import keeps locks, begins those of snapshots that it finds stored, and ends those of what is gone', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  const gone = await world.takeSnapshot(diskId);
  world.holdUploads();
  const stored = await world.beginSnapshot(diskId);
  for (const snapshotId of [gone, stored]) await world.control.lockSnapshot({ snapshotId, ...firm });
  await world.control.stop();
  const store = new MemoryStore();
  await commitManifest(store, { ...manifestOf(stored, emptyTree), diskId });
  await world.catalog.queries.deleteFrom('operations').execute();
  const given = { store, hasTree: () => true, disks: [], zoneId: 'cn-hangzhou-a', isOld: false };
  await importInto(world.catalog, { ...given, clock: world.clock });
  const { queries } = world.catalog;
  const rows = await queries.selectFrom('snapshots').select(['snapshot_id', 'status']).execute();
  assert.deepEqual(
    rows.map((row) => [row.snapshot_id, row.status]),
    [[stored, 'accomplished']],
  );
  const [lock, ...others] = await queries.selectFrom('snapshot_locks').selectAll().execute();
  assert.deepEqual([lock?.snapshot_id, others.length], [stored, 0]);
  assert.ok(lock?.started_at_ms && lock.started_at_ms >= lock.created_at_ms);
  assert.equal(lock.expires_at_ms, lock.started_at_ms + 2 * DAY_MS);
});
