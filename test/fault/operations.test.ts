/**
 * Every operation, with every call to diskd that it makes failing for ever in a way that waiting does not mend, and then
 * with every call of the undoing failing too. It must end with everything in a state that a user can go on from; where it
 * is documented never to be given up, it must say why, at long intervals, and end once the cause is gone.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { listOperations } from '../../src/catalog/operations.ts';
import type { DiskdCalls } from '../../src/disk/protocol.ts';
import { CorruptionError, OperationalError, RequestError } from '../../src/lib/errors.ts';
import { World, allRows, diskRequest, runRequest, snapshotRequest, token } from '../control/world.ts';

type Call = keyof DiskdCalls;

interface Scenario {
  name: string;
  act: (world: World, at: { instanceId: string; diskId: string; snapshotId: string }) => Promise<unknown>;
  /** The instance runs, with a disk that cannot be flushed when it is closed. */
  unflushed?: true;
  /** It is stopped first. */
  stopped?: true;
  /** A disk is frozen for it, which must not take long. */
  freezes?: true;
  /** Disks that it cannot close it cannot remove either. */
  removesOpenDisks?: true;
}

const WHY = 'it is broken for good';
const failures: { name: string; make: () => Error }[] = [
  { name: 'damage', make: () => new CorruptionError('the checkpoint', WHY) },
  { name: 'a refusal', make: () => new RequestError('OperationDenied', WHY) },
  { name: 'a failure for good', make: () => new OperationalError(WHY, { retryable: false }) },
];

const detach: Scenario['act'] = (world, { diskId, instanceId }) =>
  world.control.detachDisk({ diskId, instanceId, deleteWithInstance: null });
const stop: Scenario['act'] = (world, { instanceId }) => world.power('stop', instanceId);
const reboot: Scenario['act'] = (world, { instanceId }) => world.power('reboot', instanceId);
const deleteInstance: Scenario['act'] = (world, { instanceId }) =>
  world.control.deleteInstances({ instanceIds: [instanceId], force: true }, token('DeleteInstances'));

const scenarios: Scenario[] = [
  { name: 'CreateDisk', act: (world) => world.control.createDisk(diskRequest(), token('CreateDisk')) },
  { name: 'AttachDisk', act: attachNew },
  { name: 'DetachDisk', act: detach },
  { name: 'DetachDisk without a flush', act: detach, unflushed: true },
  { name: 'DeleteDisk', act: deleteDetached, stopped: true },
  { name: 'ResizeDisk', act: (world, { diskId }) => world.control.resizeDisk({ diskId, sizeGib: 30, online: true }) },
  {
    name: 'ResetDisk',
    act: (world, { diskId, snapshotId }) => world.control.resetDisk({ diskId, snapshotId }),
    freezes: true,
    stopped: true,
  },
  {
    name: 'ReInitDisk',
    act: (world, { diskId }) => world.control.reInitDisk({ diskId, autoStartInstance: true }),
    stopped: true,
  },
  {
    name: 'CreateSnapshot',
    act: (world, { diskId }) => world.control.createSnapshot(snapshotRequest(diskId)),
    freezes: true,
  },
  { name: 'CreateDisk from a snapshot that is not stored yet', act: makeEarly, freezes: true },
  { name: 'ResetDisk to a snapshot that is not stored yet', act: resetEarly, freezes: true, stopped: true },
  {
    name: 'DeleteSnapshot',
    act: (world, { snapshotId }) => world.control.deleteSnapshot({ snapshotId, force: false }),
    freezes: true,
  },
  {
    name: 'RunInstances',
    act: (world) => world.control.runInstances(runRequest(), token('RunInstances')),
    removesOpenDisks: true,
  },
  { name: 'StartInstance', act: (world, { instanceId }) => world.power('start', instanceId), stopped: true },
  { name: 'StopInstance', act: stop },
  { name: 'StopInstance without a flush', act: stop, unflushed: true },
  { name: 'RebootInstance', act: reboot },
  { name: 'RebootInstance without a flush', act: reboot, unflushed: true },
  { name: 'DeleteInstance', act: deleteInstance },
  { name: 'DeleteInstance without a flush', act: deleteInstance, unflushed: true },
  { name: 'CreateImage', act: createImage, freezes: true },
  { name: 'an import', act: importDisk, removesOpenDisks: true },
  {
    name: 'an import that is left alone',
    act: (world) => world.control.beginImport(diskRequest()),
    removesOpenDisks: true,
  },
];

async function attachNew(world: World, { instanceId }: { instanceId: string }): Promise<void> {
  const { diskId } = await world.control.createDisk(diskRequest());
  await world.control.attachDisk({ diskId, instanceId, device: null, deleteWithInstance: false, bootable: false });
}

async function deleteDetached(
  world: World,
  at: { instanceId: string; diskId: string; snapshotId: string },
): Promise<void> {
  await detach(world, at);
  await world.control.deleteDisk(at);
}

/** What `use` does with a snapshot that is Available, or failed, while nothing can be stored. */
async function useEarly(world: World, diskId: string, use: (snapshotId: string) => Promise<unknown>): Promise<void> {
  const held = world.holdUploads();
  try {
    const { snapshotId } = await world.control.createSnapshot(snapshotRequest(diskId));
    await world.until('the snapshot', async () => {
      const snapshot = await world.snapshot(snapshotId);
      return snapshot === undefined || snapshot.available || snapshot.status !== 'progressing';
    });
    await use(snapshotId);
  } finally {
    held.release();
  }
}

function makeEarly(world: World, { diskId }: { diskId: string }): Promise<void> {
  return useEarly(world, diskId, (snapshotId) => world.control.createDisk(diskRequest({ snapshotId })));
}

function resetEarly(world: World, { diskId }: { diskId: string }): Promise<void> {
  return useEarly(world, diskId, (snapshotId) => world.control.resetDisk({ diskId, snapshotId }));
}

async function createImage(world: World, { instanceId }: { instanceId: string }): Promise<void> {
  await world.control.createImage({
    ...{ instanceId, disks: null, snapshotId: null, imageName: null, description: '', imageFamily: '' },
    ...{ imageVersion: '', architecture: null, platform: null, bootMode: null, resourceGroupId: 'rg-1', tags: [] },
  });
}

async function importDisk(world: World): Promise<void> {
  const { diskId } = await world.control.beginImport(diskRequest());
  await world.control.completeImport({ diskId });
}

/** Runs the scenario while `broken` fail; the calls that it made. */
async function play(scenario: Scenario, broken: Call[], make: () => Error): Promise<Set<Call>> {
  const world = await World.create(scenario.freezes ? 500 : 5000);
  try {
    const { diskId, instanceId } = await world.runOne();
    const snapshotId = scenario.freezes ? await world.takeSnapshot(diskId) : '';
    if (scenario.stopped) await world.power('stop', instanceId);
    await world.settle();
    const disk = world.diskd.disks.get(diskId);
    if (scenario.unflushed && disk !== undefined) disk.syncFailure = 'a sync failed (EIO)';
    world.diskd.calls.length = 0;
    world.diskd.before = async (call) => {
      if (broken.includes(call)) throw make();
    };
    await scenario.act(world, { instanceId, diskId, snapshotId }).catch(() => undefined);
    await awaitEnd(world, isKeptUp(scenario, broken, make()));
    await assertSettled(world);
    return new Set(world.diskd.calls as Call[]);
  } catch (error) {
    throw new Error(`${broken.join(' and ')} failed (${make().name})`, { cause: error });
  } finally {
    await world.end();
  }
}

/**
 * Folders that must go before their names, views that would block an undamaged disk, and views that a disk stands on
 * (documented with each operation).
 */
function isKeptUp(scenario: Scenario, broken: Call[], failure: Error): boolean {
  const isDamage = failure instanceof CorruptionError;
  const neverLeft =
    broken.includes('rebase') || broken.includes('deleteDisk') || (broken.includes('cancelFreeze') && !isDamage);
  return neverLeft || (scenario.removesOpenDisks === true && broken.includes('closeDisk'));
}

async function awaitEnd(world: World, mayStay: boolean): Promise<void> {
  const slow = /failed, next try in 15000 ms: .*(broken for good|is in use)/;
  const stays = () => world.warnings.some((warning) => slow.test(warning));
  const isOver = async () => (await listOperations(world.catalog.queries)).length === 0;
  await world.until('the end', async () => (await isOver()) || stays());
  if (!stays()) return;
  assert.ok(mayStay, `it never ends: ${world.warnings.at(-1)}`);
  world.diskd.before = async () => undefined;
  for (const disk of world.diskd.disks.values())
    if ((await world.disk(disk.diskId))?.status === 'Creating') disk.open = false;
  await world.until('the end, once it is mended', isOver);
}

async function assertSettled(world: World): Promise<void> {
  const { queries } = world.catalog;
  const disks = await queries.selectFrom('disks').selectAll().execute();
  const statuses = [
    ...disks,
    ...(await queries.selectFrom('instances').select('status').execute()),
    ...(await queries.selectFrom('snapshots').select('status').execute()),
    ...(await queries.selectFrom('images').select('status').execute()),
  ].map(({ status }) => status);
  const settled = ['Available', 'In_use', 'Running', 'Stopped', 'accomplished', 'failed', 'CreateFailed'];
  for (const status of statuses) assert.ok(settled.includes(status), `something is left ${status}`);
  for (const row of disks) {
    const stored = world.diskd.disks.get(row.disk_id);
    assert.equal(stored?.sizeBytes, row.size_gib * 2 ** 30, `the size of ${row.disk_id}`);
    assert.equal(stored.incarnation, row.incarnation, `the incarnation of ${row.disk_id}`);
  }
  for (const diskId of world.diskd.disks.keys())
    assert.ok(
      disks.some((row) => row.disk_id === diskId),
      `${diskId} is left`,
    );
}

for (const scenario of scenarios) {
  test(`${scenario.name} ends, whatever call to diskd fails for good`, async () => {
    for (const { make } of failures) {
      for (const call of await play(scenario, [], make)) {
        for (const other of await play(scenario, [call], make)) {
          if (other !== call) await play(scenario, [call, other], make);
        }
      }
    }
  });
}

test('an instance with a damaged disk runs on without it, and can be stopped, started when it is mended, and deleted', async (t) => {
  const world = await World.create(200);
  t.after(() => world.end());
  const { diskId, instanceId } = await world.runOne();
  const disk = world.diskd.disks.get(diskId);
  assert.ok(disk);
  disk.syncFailure = 'a sync failed (EIO)';
  world.diskd.before = async (call) => {
    if (call === 'openDisk') throw new CorruptionError('the checkpoint', WHY);
  };
  await assert.rejects(world.power('stop', instanceId), {
    code: 'IncorrectInstanceStatus',
    message: /was not flushed/,
  });
  await world.settle();
  assert.equal((await world.instance(instanceId))?.status, 'Running');
  assert.equal((await world.disk(diskId))?.nbdUri, null);
  assert.match(world.warnings.join('\n'), new RegExp(`${diskId} stays closed; .*${WHY}`));
  await world.restart();
  await world.power('stop', instanceId);
  assert.equal((await world.instance(instanceId))?.status, 'Stopped');
  world.diskd.before = async () => undefined;
  await world.power('start', instanceId);
  assert.notEqual((await world.disk(diskId))?.nbdUri, null);
  await world.checkSettled();
});

test('a disk whose folder is lost can still be stopped, detached and deleted, and its rollback ends', async (t) => {
  const world = await World.create(200);
  t.after(() => world.end());
  const { diskId, instanceId } = await world.runOne();
  const snapshotId = await world.takeSnapshot(diskId);
  world.diskd.disks.delete(diskId);
  await world.power('stop', instanceId);
  assert.equal((await world.instance(instanceId))?.status, 'Stopped');
  await assert.rejects(world.control.resetDisk({ diskId, snapshotId }), { code: 'InvalidDiskId.NotFound' });
  await world.settle();
  assert.equal((await world.disk(diskId))?.status, 'In_use');
  await assert.rejects(world.control.resizeDisk({ diskId, sizeGib: 30, online: false }), RequestError);
  await world.settle();
  assert.equal((await world.disk(diskId))?.sizeGib, 20);
  await world.control.detachDisk({ diskId, instanceId, deleteWithInstance: null });
  await world.control.deleteDisk({ diskId });
  await world.settle();
  assert.equal((await world.control.listDisks({ diskIds: [diskId] }, allRows)).items.length, 0);
});

test('a resize that failed in its last sync waits until the disk was closed, and takes the size that it has then', async (t) => {
  const world = await World.create(200);
  t.after(() => world.end());
  const { diskId, instanceId } = await world.runOne();
  const disk = world.diskd.disks.get(diskId);
  assert.ok(disk);
  world.diskd.before = async (call) => {
    if (call !== 'resizeDisk') return;
    disk.syncFailure = 'a sync failed (EIO)';
    throw new OperationalError('a sync failed (EIO)', { retryable: false });
  };
  await assert.rejects(world.control.resizeDisk({ diskId, sizeGib: 30, online: true }), OperationalError);
  await world.until('it to wait', async () => world.warnings.some((each) => /not sure of its state until/.test(each)));
  assert.equal((await listOperations(world.catalog.queries)).length, 1);
  disk.sizeBytes = 30 * 2 ** 30; // what the files had all along, an opening finds
  await assert.rejects(world.power('stop', instanceId), {
    code: 'IncorrectInstanceStatus',
    message: /was not flushed/,
  });
  await world.settle();
  assert.equal((await world.disk(diskId))?.sizeGib, 30);
  await world.checkSettled();
});
