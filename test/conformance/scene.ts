/**
 * A world with one of everything: instances that run and that are stopped, disks in each state that lasts, snapshots, a
 * custom image, tags on all of them. Each test of the suite starts from one.
 */
import assert from 'node:assert/strict';
import type { ControlPlane } from '../../src/api/control-plane.ts';
import { unconditionally } from '../../src/control/change.ts';
import type { RunInstancesRequest } from '../../src/control/requests.ts';
import { policyRequest } from '../control/policies.ts';
import { FakeRegion } from '../control/fake-region.ts';
import { call, openApi, type Answer, type ApiFixture } from '../clients/api-fixture.ts';
import {
  allRows,
  dataDisk,
  diskRequest,
  groupRequest,
  imageRequest,
  runRequest,
  snapshotRequest,
  type World,
} from '../control/world.ts';

const tags = [
  { key: 'team', value: 'storage' },
  { key: 'note', value: 'a b&<测>' },
];

/** In the year 2100. */
const IN_FAR_FUTURE_MS = Date.UTC(2100, 0);

/** Ids of what is there. */
export interface Scene extends AsyncDisposable {
  api: ApiFixture;
  world: World;
  /** A running instance, and its disks. */
  running: string;
  systemDisk: string;
  dataDisk: string;
  /** A stopped instance, and its disks. */
  stopped: string;
  stoppedSystemDisk: string;
  stoppedDisk: string;
  /** A running PrePaid instance that renews itself, and its disks. */
  subscribed: string;
  subscribedSystemDisk: string;
  subscribedDisk: string;
  /** Available, and attached once. */
  usedDisk: string;
  /** Available, never attached. */
  freshDisk: string;
  /** Available, in the other zone. */
  farDisk: string;
  /** Available, made from `stoppedSnapshot`. */
  clonedDisk: string;
  /** Accomplished: of `dataDisk`, of `stoppedDisk`, of `stoppedSystemDisk`. */
  snapshot: string;
  stoppedSnapshot: string;
  systemSnapshot: string;
  /** Accomplished, of `dataDisk`, 20 days old, and nothing is made from it. */
  spareSnapshot: string;
  /** Accomplished, of `dataDisk`; its lock is in its cool-off. */
  lockedSnapshot: string;
  /** Of `usedDisk`; `failed`. */
  failedSnapshot: string;
  /** Accomplished, of the stopped instance's data disk, and its snapshot. */
  group: string;
  groupSnapshot: string;
  /** A custom image of the stopped instance's disks. */
  image: string;
  /** In the recycle bin. */
  recycledDisk: string;
  /** Another, shared with an account. */
  sharedImage: string;
  /** Automatic snapshot policies: applied to `dataDisk`, to nothing, and to instances that are tagged `team`. */
  policy: string;
  sparePolicy: string;
  tagPolicy: string;
  /** Finished: it changed the category of `farDisk`. */
  task: string;
  /** Processing until the scene ends: it exports `stoppedSnapshot`. */
  exportTask: string;
  /** Creating until the scene ends: it is copied from another region. */
  copyingImage: string;
  call: (action: string, parameters?: Record<string, string>) => Promise<Answer>;
}

export async function openScene(
  options: { overrides?: Partial<ControlPlane>; checkAtEnd?: boolean } = {},
): Promise<Scene> {
  const api = await openApi(options.overrides ?? {}, { checkAtEnd: options.checkAtEnd ?? true });
  try {
    const release = holdWork(api.world);
    return { api, world: api.world, ...(await build(api.world)), call: callOf(api), ...endOf(api, release) };
  } catch (error) {
    await api[Symbol.asyncDispose]();
    throw error;
  }
}

const callOf =
  (api: ApiFixture): Scene['call'] =>
  (action, parameters = {}) =>
    call(api, action, parameters);

/** Nothing is copied, or read or written of files, until the scene ends, or whoever asked cancels it. */
function holdWork(world: World): () => void {
  const held = Promise.withResolvers<void>();
  const wait = (signal: AbortSignal) =>
    Promise.race([
      held.promise,
      new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
    ]);
  world.exchange.during = ({ signal }) => wait(signal);
  world.transfer.duringCopy = wait;
  return held.resolve;
}

const endOf = (api: ApiFixture, release: () => void) => ({
  [Symbol.asyncDispose]: () => {
    release();
    return api[Symbol.asyncDispose]();
  },
});

type Ids = Omit<Scene, 'api' | 'world' | 'call' | typeof Symbol.asyncDispose>;

async function build(world: World): Promise<Ids> {
  const { control } = world;
  world.exchange.put('linux.raw', { 1: 'linux' });
  const running = await run(world, 'web');
  const stopped = await run(world, 'db');
  const subscription = { period: month, renewal: month };
  const subscribed = await run(world, 'paid', { subscription });
  world.diskd.write(stopped.dataDisk, 1, 'one');
  world.diskd.write(running.dataDisk, 1, 'uno');
  const usedDisk = await useDisk(world, running.instanceId);
  const freshDisk = await makeDisk(world, { diskName: 'fresh' });
  const farDisk = await makeDisk(world, { zoneId: 'cn-hangzhou-b' });
  await world.power('stop', stopped.instanceId);
  const { taskId: task } = await control.modifyDiskSpec({
    diskId: farDisk,
    category: 'cloud_ssd',
    performanceLevel: null,
  });
  const snapshot = await takeSnapshot(world, running.dataDisk, 'nightly');
  const stoppedSnapshot = await takeSnapshot(world, stopped.dataDisk, 'before-upgrade');
  const systemSnapshot = await takeSnapshot(world, stopped.systemDisk, 'system');
  const spareSnapshot = await takeSnapshot(world, running.dataDisk, 'spare');
  const lockedSnapshot = await takeSnapshot(world, running.dataDisk, 'locked');
  await control.lockSnapshot({ snapshotId: lockedSnapshot, lockDays: 7, coolOffHours: 72 });
  await world.catalog.queries
    .updateTable('snapshots')
    .set({ created_at_ms: world.clock.nowMs() - 20 * 24 * 3_600_000 })
    .where('snapshot_id', '=', spareSnapshot)
    .execute();
  const failedSnapshot = await takeSnapshot(world, usedDisk, 'broken');
  await world.repository.deleteManifest(failedSnapshot);
  await world.catalog.queries
    .updateTable('snapshots')
    .set({ status: 'failed', failure_reason: 'the disk was full', tree: null })
    .where('snapshot_id', '=', failedSnapshot)
    .execute();
  const undoSnapshot = await takeSnapshot(world, usedDisk, 'before-rollback');
  await world.catalog.queries
    .updateTable('snapshots')
    .set({ undo_until_ms: IN_FAR_FUTURE_MS })
    .where('snapshot_id', '=', undoSnapshot)
    .execute();
  const { group, groupSnapshot } = await takeGroup(world, stopped.instanceId, stopped.systemDisk);
  const clonedDisk = await makeDisk(world, { snapshotId: stoppedSnapshot });
  const recycledDisk = await makeDisk(world, { diskName: 'recycled' });
  await control.deleteDisk({ diskId: recycledDisk });
  const { imageId: image } = await control.createImage({
    instanceId: null,
    disks: [
      { device: null, type: 'system', sizeGib: null, snapshotId: systemSnapshot },
      { device: null, type: 'data', sizeGib: null, snapshotId: snapshot },
    ],
    snapshotId: null,
    imageName: 'golden',
    description: 'made for tests',
    imageFamily: 'golden-family',
    imageVersion: '1',
    architecture: 'x86_64',
    platform: 'Ubuntu',
    bootMode: 'BIOS',
    resourceGroupId: 'rg-1',
    tags,
  });
  await world.settle();
  sample(world, running.dataDisk);
  const sharedImage = await makeSharedImage(world, systemSnapshot);
  await copyWithin(world, systemSnapshot);
  const copyingImage = await copyFromFar(world);
  const policies = await makePolicies(world, running.dataDisk);
  const { taskId: exportTask } = await control.exportSnapshot({ snapshotId: stoppedSnapshot, bucket: 'images' });
  return {
    exportTask,
    ...policies,
    copyingImage,
    sharedImage,
    running: running.instanceId,
    systemDisk: running.systemDisk,
    dataDisk: running.dataDisk,
    stopped: stopped.instanceId,
    stoppedSystemDisk: stopped.systemDisk,
    stoppedDisk: stopped.dataDisk,
    subscribed: subscribed.instanceId,
    subscribedSystemDisk: subscribed.systemDisk,
    subscribedDisk: subscribed.dataDisk,
    usedDisk,
    freshDisk,
    farDisk,
    clonedDisk,
    snapshot,
    stoppedSnapshot,
    systemSnapshot,
    spareSnapshot,
    lockedSnapshot,
    failedSnapshot,
    group,
    groupSnapshot,
    image,
    recycledDisk,
    task: task ?? '',
  };
}

async function makePolicies(world: World, diskId: string) {
  const { policies } = world.control;
  const keepRules = { last: 1, hourly: 2, daily: 3, weekly: 4, monthly: 5, yearly: 6 };
  const terms = { policyName: 'golden-policy', retentionDays: 7, keepRules, resourceGroupId: 'rg-team', tags };
  const { policyId: policy } = await policies.create(policyRequest(terms));
  await policies.apply({ policyId: policy, diskIds: [diskId] });
  const { policyId: sparePolicy } = await policies.create(policyRequest());
  const targetTags = [{ key: 'team', value: null }];
  const { policyId: tagPolicy } = await policies.create(policyRequest({ targetTags }));
  return { policy, sparePolicy, tagPolicy };
}

/** As if the server had looked, two and one minutes ago. */
function sample({ monitor, clock }: World, diskId: string): void {
  const minute = Math.floor(clock.nowMs() / 60_000);
  const counted = { ms: 60_000, readCount: 600, writeCount: 60, readBytes: 6_000_000, writtenBytes: 600_000 };
  const work = { ...counted, answeredReads: 600, readMicros: 60_000, answeredWrites: 60, writeMicros: 60_000 };
  for (const before of [2, 1]) {
    monitor.addDiskMinute(minute - before, new Map([[diskId, work]]));
    monitor.putSnapshotMinute(minute - before, 'standard', 65_536 * before);
  }
}

const month = { count: 1, unit: 'Month' } as const;

async function run(world: World, name: string, more: Partial<RunInstancesRequest> = {}) {
  const disk = dataDisk({ diskName: `${name}-data`, description: 'what it works on' });
  const described = { instanceNames: [name], description: `the ${name} machine`, dataDisks: [disk], tags };
  const request = runRequest({ ...described, ...more });
  const { instanceIds } = await world.control.runInstances(request);
  const [instanceId = ''] = instanceIds;
  await world.until('it to run', async () => (await world.instance(instanceId))?.status === 'Running');
  const { items } = await world.control.listDisks({ instanceId }, allRows);
  const idOf = (type: string) => items.find((item) => item.type === type)?.diskId ?? '';
  return { instanceId, systemDisk: idOf('system'), dataDisk: idOf('data') };
}

async function makeDisk(world: World, change: Parameters<typeof diskRequest>[0]): Promise<string> {
  const { diskId } = await world.control.createDisk(diskRequest({ tags, description: 'a spare disk', ...change }));
  await world.until('the disk', async () => (await world.disk(diskId))?.status === 'Available');
  return diskId;
}

async function makeSharedImage(world: World, snapshotId: string): Promise<string> {
  const { imageId } = await world.control.createImage(imageRequest({ snapshotId, imageName: 'shared' }));
  await world.settle();
  await world.control.shareImage({ imageId, added: ['987654321'], removed: [] });
  return imageId;
}

const copied = { description: '', resourceGroupId: 'rg-1', tags: [] };

/** Accomplished at once. */
async function copyWithin(world: World, snapshotId: string): Promise<void> {
  const request = { ...copied, snapshotId, destinationRegionId: world.regionId, snapshotName: 'twin' };
  await world.control.copySnapshot(request);
  await world.settle();
}

async function copyFromFar(world: World): Promise<string> {
  const far = new FakeRegion(world, 'cn-beijing');
  const image = far.image('m-far', far.snapshot('s-far', { 1: 'far' }));
  const request = { ...copied, imageId: 'm-far', destinationRegionId: world.regionId, imageName: 'from far' };
  const desk = world.regions.find(world.regionId);
  assert.ok(desk);
  return (await desk.receiveImage(request, async () => image, unconditionally)).imageId;
}

/** A disk that a running instance had once. */
async function useDisk(world: World, instanceId: string): Promise<string> {
  const diskId = await makeDisk(world, { diskName: 'used' });
  await world.control.attachDisk({ diskId, instanceId, device: null, deleteWithInstance: false, bootable: false });
  await world.until('it to be attached', async () => (await world.disk(diskId))?.status === 'In_use');
  world.diskd.write(diskId, 1, 'used');
  await world.control.detachDisk({ diskId, instanceId, deleteWithInstance: null });
  await world.until('it to be free', async () => (await world.disk(diskId))?.status === 'Available');
  return diskId;
}

async function takeSnapshot(world: World, diskId: string, snapshotName: string): Promise<string> {
  const request = { ...snapshotRequest(diskId), snapshotName, description: 'made for tests', tags };
  const { snapshotId } = await world.control.createSnapshot(request);
  await world.until('the snapshot', async () => (await world.snapshot(snapshotId))?.status === 'accomplished');
  return snapshotId;
}

/** Of the instance's data disk. */
async function takeGroup(world: World, instanceId: string, systemDisk: string) {
  const { groupId: group } = await world.control.createSnapshotGroup(
    groupRequest({
      instanceId,
      excludedDiskIds: [systemDisk],
      groupName: 'together',
      description: 'made for tests',
      tags,
      resourceGroupId: 'rg-team',
    }),
  );
  const find = async () => (await world.control.listSnapshotGroups({ groupIds: [group] }, allRows)).items[0];
  await world.until('the group', async () => (await find())?.status === 'accomplished');
  return { group, groupSnapshot: (await find())?.snapshots[0]?.snapshotId ?? '' };
}

/** Every row of every table, for telling whether anything changed. */
export async function catalogRows(world: World): Promise<Record<string, unknown[]>> {
  const tables = [
    'settings',
    'images',
    'image_disks',
    'image_shares',
    'instances',
    'user_data',
    'disks',
    'snapshots',
    'snapshot_groups',
    'snapshot_locks',
    'auto_snapshot_policies',
    'policy_disks',
    'tags',
    'operations',
    'tasks',
    'client_tokens',
  ] as const;
  const rows = tables.map(async (table) => {
    const found = await world.catalog.queries.selectFrom(table).selectAll().execute();
    return [table, found.map((row) => JSON.stringify(row)).sort()] as const;
  });
  return Object.fromEntries(await Promise.all(rows));
}

/** The answer without what differs each time. */
export function withoutRequestId({ status, body }: Answer): object {
  const { RequestId: requestId, Recommend: _recommend, ...rest } = body;
  assert.match(String(requestId), /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/);
  return { status, ...rest };
}
