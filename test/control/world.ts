/**
 * A control plane on a real catalog with fake diskd, transfer and repository, which outlive it: `restart` is what a new
 * server finds after a crash. `crashAt` lets the server die before or after its n-th act on the world.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { Catalog } from '../../src/catalog/catalog.ts';
import { listAllDisks } from '../../src/catalog/disks.ts';
import { listAccomplishedSnapshots } from '../../src/catalog/snapshots.ts';
import { checkEvents } from '../../src/catalog/event-schema.ts';
import { listOperations } from '../../src/catalog/operations.ts';
import type { StoredOperation } from '../../src/catalog/operations.ts';
import type { Queries } from '../../src/catalog/schema.ts';
import { ExternalDriver } from '../../src/compute/external.ts';
import { Control } from '../../src/control/control.ts';
import { EMPTY_IMAGE_ID } from '../../src/control/empty-image.ts';
import { zonesOf } from '../../src/control/region.ts';
import { Regions } from '../../src/control/regions.ts';
import { compareRecords } from '../../src/control/check.ts';
import { MonitorStore } from '../../src/control/monitor-store.ts';
import { OpenDisks } from '../../src/control/open-disks.ts';
import { COPY_SNAPSHOT } from '../../src/control/operations/copy-snapshot.ts';
import { CREATE_IMAGE } from '../../src/control/operations/create-image.ts';
import { CREATE_SNAPSHOT } from '../../src/control/operations/create-snapshot.ts';
import { FETCH_BASE } from '../../src/control/operations/fetch-base.ts';
import { IMPORT_IMAGE } from '../../src/control/operations/import-image.ts';
import { DELETE_DISK } from '../../src/control/operations/delete-disk.ts';
import { DELETE_INSTANCE } from '../../src/control/operations/delete-instance.ts';
import { REPLACE_SYSTEM_DISK } from '../../src/control/operations/replace-system-disk.ts';
import { DELETE_SNAPSHOT } from '../../src/control/operations/delete-snapshot.ts';
import type { DataPlane } from '../../src/control/parts.ts';
import { within } from '../../src/control/patience.ts';
import type {
  ChangeOptions,
  CreateDiskRequest,
  CreateImageRequest,
  CreateSnapshotGroupRequest,
  NewDisk,
  RunInstancesRequest,
} from '../../src/control/requests.ts';
import type { Paging } from '../../src/ecs/list-filters.ts';
import { isViewBase } from '../../src/disk/protocol.ts';
import type { BaseRef } from '../../src/disk/protocol.ts';
import { DEFAULT_RESOURCE_GROUP_ID } from '../../src/ecs/resource-groups.ts';
import type { PriceList } from '../../src/ecs/price-list.ts';
import type { Disk, Instance, Snapshot } from '../../src/ecs/resources.ts';
import { GIB } from '../../src/lib/geometry.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Log } from '../../src/lib/log.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { repositoryIn } from '../../src/repository/stores.ts';
import type { TreeRef } from '../../src/repository/tree-ref.ts';
import { Crash, CrashPoint, crashing, crashingCatalog } from './crash-point.ts';
import { FakeDiskd } from './fake-diskd.ts';
import { FakeExchange } from './fake-exchange.ts';
import { FakeRepository, FakeTransfer, fakeRepositories } from './fake-stores.ts';
import { createFastClock } from './fast-clock.ts';

export const allRows: Paging = { pageNumber: 1, pageSize: 100, nextToken: null };

export class World {
  /** In memory where there is such a folder: the tests start hundreds of servers, and each commit is synced. */
  readonly folder = fs.mkdtempSync(path.join(fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir(), 'hupo-control-'));
  readonly clock: Clock;
  readonly diskd: FakeDiskd;
  readonly repository = new FakeRepository();
  readonly transfer: FakeTransfer;
  readonly exchange: FakeExchange;
  readonly warnings: string[] = [];
  /** A server that starts finds what was sampled. */
  readonly monitor = MonitorStore.open(':memory:', { info: () => undefined, warn: () => undefined });
  /** From the next start on: `serve --disk-limits`. */
  limitsDisks = false;
  /** From the next start on: `serve --undo-hours`. */
  undoMs = 0;
  /** From the next start on: `serve --retention-share`, of 1. */
  retentionShare = 0.5;
  /** From the next start on: `serve --recycle-hours`. */
  recycleMs = 0;
  /** From the next start on: `serve --prices`. */
  priceList: PriceList | null = null;
  /** Throws when a test says that there is no room. */
  assertRoom: (code: string, what: string) => void = () => undefined;
  /** As when room is short. */
  giveWay: (facts: string) => Promise<boolean> = async () => false;
  catalog!: Catalog;
  control!: Control;

  readonly regionId: string;
  /** Another world that is made with them is another region of the same server. */
  readonly regions: Regions;

  private constructor(clock: Clock, regionId: string, regions: Regions) {
    this.regionId = regionId;
    this.regions = regions;
    fakeRepositories.set(repositoryIn(this.folder).storeFolder, this.repository);
    this.clock = clock;
    this.diskd = new FakeDiskd({ nowMs: () => this.clock.nowMs() });
    this.transfer = new FakeTransfer(this.diskd, this.repository);
    this.exchange = new FakeExchange(this.diskd, this.repository);
    this.diskd.wordsOfTree = (tree) => this.repository.words(tree);
  }

  /** Its time passes `speed` times as fast as ours. */
  static async create(speed: number | Clock = 20, regionId = 'cn-hangzhou', regions = new Regions()): Promise<World> {
    const clock = typeof speed === 'number' ? createFastClock(speed) : speed;
    const world = new World(clock, regionId, regions);
    await world.start();
    return world;
  }

  async start(crash = new CrashPoint(Infinity, false)): Promise<void> {
    this.catalog = await Catalog.open(path.join(this.folder, 'catalog.db'), 'held', {
      clock: this.clock,
      random: systemRandom,
    });
    this.control = this.#createControl(crash);
    try {
      await this.control.reopenDisks();
      await this.control.start();
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
  }

  #createControl(crash: CrashPoint): Control {
    const log: Log = { info: () => undefined, warn: (message) => void this.warnings.push(message) };
    const dataPlane = crashing(this.#dataPlane(), crash);
    const openDisks = new OpenDisks(dataPlane, { isLimited: this.limitsDisks });
    const { catalog, repository, transfer, exchange } = this;
    return new Control({
      catalog: crashingCatalog(catalog, crash),
      dataPlane,
      openDisks,
      driver: new ExternalDriver(openDisks, log),
      transfer: {
        upload: (job, options) => crash.act(() => transfer.upload(job, options)),
        copy: (job, options) => crash.act(() => transfer.copy(job, options)),
      },
      repository: {
        commitManifest: (manifest) => crash.act(() => repository.commitManifest(manifest)),
        deleteManifest: (snapshotId) => crash.act(() => repository.deleteManifest(snapshotId)),
        expectStrangers: () => repository.expectStrangers(),
        fenceOf: (session) => repository.fenceOf(session),
        hasBadCopies: () => false,
        count: () => repository.count(),
        sizeChain: (trees) => repository.sizeChain(trees),
        collect: (book) => crash.act(() => repository.collect(book)),
      },
      exchange: {
        assertConverter: (code) => exchange.assertConverter(code),
        assertBucket: (bucket) => exchange.assertBucket(bucket),
        inspect: (place, wanted) => exchange.inspect(place, wanted),
        load: (order, options) => crash.act(() => exchange.load(order, options)),
        write: (order, options) => crash.act(() => exchange.write(order, options)),
        remove: (bucket, objects) => crash.act(() => exchange.remove(bucket, objects)),
      },
      space: {
        assertRoom: async (code, what) => this.assertRoom(code, what),
        onShort: (giveWay) => (this.giveWay = giveWay),
      },
      clock: this.clock,
      random: systemRandom,
      log,
      region: { regionId: this.regionId, zoneIds: zonesOf(this.regionId) },
      regions: this.regions,
      monitor: this.monitor,
      repositoryPlace: repositoryIn(this.folder),
      dataFolder: this.folder,
      ...{ retentionShare: this.retentionShare, priceList: this.priceList },
      undoMs: this.undoMs,
      recycleMs: this.recycleMs,
      diskdSocket: path.join(this.folder, 'diskd.sock'),
    });
  }

  #dataPlane(): DataPlane {
    const handlers = this.diskd.handlers();
    return {
      call: async (name, body, { timeoutMs = 30_000, signal } = {}) => {
        const handler = handlers[name] as (body: object, connection: AbortSignal) => Promise<never>;
        const work = handler(JSON.parse(JSON.stringify(body)) as object, new AbortController().signal);
        return await within(this.clock, work, { timeoutMs, signal, message: `no answer to ${name}` });
      },
    };
  }

  /** As after a crash: nothing of the old server goes on. */
  async restart(crash?: CrashPoint): Promise<void> {
    await this.control.stop();
    await this.catalog.close();
    await this.start(crash);
  }

  async end(): Promise<void> {
    await this.control.stop();
    await this.catalog.close();
    this.monitor.close();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  /** Waits until no operation is left and no garbage waits. */
  async settle(): Promise<void> {
    await this.until('everything to settle', async () => {
      const mark = await this.catalog.queries
        .selectFrom('settings')
        .select('value')
        .where('name', '=', 'garbage')
        .executeTakeFirst();
      return mark === undefined && (await listOperations(this.catalog.queries)).length === 0;
    });
  }

  /** Waits until nothing is left but uploads, which a test holds up, and what waits for them. */
  async quiet(): Promise<void> {
    let rest: StoredOperation[] = [];
    await this.until(
      () => `an end of ${rest.map(({ kind, step, subjectId }) => `${kind} of ${subjectId} at ${step}`).join(', ')}`,
      async () => {
        const all = await listOperations(this.catalog.queries);
        rest = all.filter((one) => !isWaitingForUpload(one, all));
        return rest.length === 0;
      },
    );
  }

  async until(what: string | (() => string), condition: () => Promise<boolean>): Promise<void> {
    const untilMs = performance.now() + 5000;
    while (!(await condition())) {
      const reason = () => `waited 5 s for ${typeof what === 'string' ? what : what()}: ${this.warnings.join('; ')}`;
      if (performance.now() >= untilMs) assert.fail(reason());
      await delay(1);
    }
  }

  /** Uploads (of snapshots that are `isHeld`) wait in their middle until they are released; one that is cancelled ends. */
  holdUploads(isHeld: (snapshotId: string) => Promise<boolean> = async () => true): { release: () => void } {
    const held = Promise.withResolvers<void>();
    this.transfer.during = async (signal, { snapshotId }) => {
      if (!(await isHeld(snapshotId))) return;
      const cancelled = new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      if (!signal.aborted) await Promise.race([held.promise, cancelled]);
    };
    const release = () => {
      this.transfer.during = async () => undefined;
      held.resolve();
    };
    return { release };
  }

  /** As if the upload had come this far; hold it. */
  async setProgress(snapshotId: string, progressPercent: number, remainingSeconds: number): Promise<void> {
    await this.catalog.queries
      .updateTable('snapshots')
      .set({ progress_percent: progressPercent, remaining_seconds: remainingSeconds })
      .where('snapshot_id', '=', snapshotId)
      .execute();
  }

  async disk(diskId: string): Promise<Disk | undefined> {
    return (await this.control.listDisks({ diskIds: [diskId] }, allRows)).items[0];
  }

  async snapshot(snapshotId: string): Promise<Snapshot | undefined> {
    return (await this.control.listSnapshots({ snapshotIds: [snapshotId] }, allRows)).items[0];
  }

  async instance(instanceId: string): Promise<Instance | undefined> {
    return (await this.control.listInstances({ instanceIds: [instanceId] }, allRows)).items[0];
  }

  async power(change: 'start' | 'stop' | 'reboot', instanceId: string, force = false): Promise<void> {
    await this.control.powerInstances({ change, instanceIds: [instanceId], force, successFirst: false });
  }

  /** A running instance with one data disk, of an ESSD category unless `change` says another, and that disk. */
  async runOne(change: Partial<NewDisk> = {}): Promise<{ instanceId: string; diskId: string }> {
    const { instanceIds } = await this.control.runInstances(
      runRequest({ dataDisks: [dataDisk(change)], zoneId: `${this.regionId}-a` }),
    );
    const instanceId = instanceIds[0] ?? '';
    await this.until('it to run', async () => (await this.instance(instanceId))?.status === 'Running');
    const { items } = await this.control.listDisks({ instanceId, type: 'data' }, allRows);
    return { instanceId, diskId: items[0]?.diskId ?? '' };
  }

  /** A free disk that was made from the snapshot. */
  async makeDisk(snapshotId: string): Promise<string> {
    const zoneId = `${this.regionId}-a`;
    const { diskId } = await this.control.createDisk(diskRequest({ snapshotId, zoneId }));
    await this.until('the disk', async () => (await this.disk(diskId))?.status === 'Available');
    return diskId;
  }

  async attach(diskId: string, instanceId: string): Promise<void> {
    await this.control.attachDisk({ diskId, instanceId, device: null, deleteWithInstance: false, bootable: false });
    await this.until('it to be attached', async () => (await this.disk(diskId))?.status === 'In_use');
  }

  /** Frozen durably, and not stored while uploads are held. */
  async beginSnapshot(diskId: string): Promise<string> {
    const { snapshotId } = await this.control.createSnapshot(snapshotRequest(diskId));
    await this.until('it to be Available', async () => (await this.snapshot(snapshotId))?.available === true);
    return snapshotId;
  }

  async takeSnapshot(diskId: string): Promise<string> {
    const { snapshotId } = await this.control.createSnapshot(snapshotRequest(diskId));
    await this.until('the snapshot', async () => (await this.snapshot(snapshotId))?.status === 'accomplished');
    return snapshotId;
  }

  /** What a guest reads from the disk. */
  diskWords(diskId: string): Record<string, string> {
    const disk = this.diskd.disks.get(diskId);
    assert.ok(disk, `${diskId} is not in diskd`);
    return { ...this.baseWords(disk.base), ...this.diskd.ownWords(diskId) };
  }

  baseWords(base: BaseRef): Record<string, string> {
    return this.diskd.baseWords(base);
  }

  /** What restoring the snapshot gives; of one that is not stored yet, what its frozen view holds. */
  snapshotWords(snapshotId: string, viewOf: string | null = null): Record<string, string> {
    const manifest = this.repository.manifests.get(snapshotId);
    if (manifest === undefined && viewOf !== null) return this.baseWords({ snapshotId, viewOf });
    assert.ok(manifest, `${snapshotId} has no manifest`);
    return this.repository.words(manifest.tree);
  }

  /** How the catalog would run the statement. */
  async explain(statement: string): Promise<string> {
    const { rows } = await sql<{ detail: string }>`EXPLAIN QUERY PLAN ${sql.raw(statement)}`.execute(
      this.catalog.queries,
    );
    return rows.map(({ detail }) => detail).join('; ');
  }

  /** What every state must satisfy once nothing is under way. */
  async checkSettled(): Promise<void> {
    const { queries } = this.catalog;
    const rows = await queries.selectFrom('disks').selectAll().execute();
    const snapshots = await queries.selectFrom('snapshots').selectAll().execute();
    const stored = [...this.diskd.disks.values()];
    const findings = compareRecords(
      {
        disks: (await listAllDisks(queries)).map((row) => ({
          diskId: row.disk_id,
          sizeBytes: row.size_gib * GIB,
          incarnation: row.incarnation,
          base: JSON.parse(row.base) as BaseRef,
        })),
        snapshots: (await listAccomplishedSnapshots(queries)).map((row) => ({
          snapshotId: row.snapshot_id,
          tree: JSON.parse(row.tree ?? '') as TreeRef,
        })),
        changing: '',
      },
      stored,
      await this.repository.listManifests(),
    );
    assert.deepEqual(findings, []);
    assert.deepEqual(await checkEvents(queries), []);
    for (const { base, diskId } of stored) {
      assert.ok(!isViewBase(base), `${diskId} still stands on a view`);
      this.repository.words(base.tree);
    }
    assert.deepEqual(this.diskd.violations, []);
    for (const row of snapshots) assert.notEqual(row.status, 'progressing', `${row.snapshot_id} is left behind`);
    for (const disk of stored) {
      assert.deepEqual(disk.views, [], `a view of ${disk.diskId} is left behind`);
      assert.equal(disk.open, await isOfRunningInstance(queries, disk.diskId), `${disk.diskId} open or closed`);
    }
    const tasks = await queries.selectFrom('tasks').select('task_id').where('status', '=', 'Processing').execute();
    assert.deepEqual(tasks, [], 'tasks are left that nobody works on');
    const busy = rows.filter(({ status }) => !['Available', 'In_use'].includes(status));
    assert.deepEqual(busy, [], 'disks are left half-way');
  }
}

function isWaitingForUpload({ kind, step, undoing }: StoredOperation, all: StoredOperation[]): boolean {
  const isRemoving =
    kind === DELETE_DISK || (step === 'release' && [DELETE_INSTANCE, REPLACE_SYSTEM_DISK].includes(kind));
  if (isRemoving) return all.some((one) => one.kind === CREATE_SNAPSHOT && !one.undoing);
  if (kind === FETCH_BASE) return true;
  if (kind === IMPORT_IMAGE) return step === 'store';
  if (kind === COPY_SNAPSHOT) return !undoing && step === 'copy';
  if (kind === CREATE_SNAPSHOT) return !undoing && (step === 'choose' || step === 'store');
  return kind === CREATE_IMAGE || (kind === DELETE_SNAPSHOT && step === 'await');
}

async function isOfRunningInstance(queries: Queries, diskId: string): Promise<boolean> {
  const row = await queries
    .selectFrom('disks')
    .innerJoin('instances', 'instances.instance_id', 'disks.instance_id')
    .select('instances.status')
    .where('disk_id', '=', diskId)
    .executeTakeFirst();
  return row?.status === 'Running';
}

export function dataDisk(change: Partial<NewDisk> = {}): NewDisk {
  return {
    category: 'cloud_essd',
    performanceLevel: 'PL1',
    sizeGib: 20,
    snapshotId: null,
    diskName: '',
    description: '',
    device: null,
    deleteWithInstance: true,
    ...change,
  };
}

/** A category whose snapshots are Available only when they are accomplished. */
export const plainDisk = { category: 'cloud_efficiency', performanceLevel: null };

export function runRequest(change: Partial<RunInstancesRequest> = {}): RunInstancesRequest {
  return {
    zoneId: 'cn-hangzhou-a',
    imageId: EMPTY_IMAGE_ID,
    imageFamily: null,
    instanceType: 'ecs.external.large',
    instanceNames: [null],
    hostNames: [null],
    description: '',
    amount: 1,
    systemDisk: dataDisk({ sizeGib: null }),
    dataDisks: [dataDisk()],
    deletionProtection: false,
    userData: null,
    start: true,
    resourceGroupId: DEFAULT_RESOURCE_GROUP_ID,
    tags: [],
    ...change,
  };
}

export function imageRequest(change: Partial<CreateImageRequest> = {}): CreateImageRequest {
  return {
    instanceId: null,
    disks: null,
    snapshotId: null,
    imageName: null,
    description: '',
    imageFamily: '',
    imageVersion: '',
    architecture: null,
    platform: null,
    bootMode: null,
    resourceGroupId: DEFAULT_RESOURCE_GROUP_ID,
    tags: [],
    ...change,
  };
}

export function diskRequest(change: Partial<CreateDiskRequest> = {}): CreateDiskRequest {
  return {
    zoneId: 'cn-hangzhou-a',
    category: 'cloud_essd',
    performanceLevel: 'PL1',
    sizeGib: 20,
    snapshotId: null,
    diskName: '',
    description: '',
    resourceGroupId: DEFAULT_RESOURCE_GROUP_ID,
    tags: [],
    ...change,
  };
}

export function snapshotRequest(diskId: string) {
  return {
    diskId,
    snapshotName: null,
    description: '',
    retentionDays: null,
    resourceGroupId: DEFAULT_RESOURCE_GROUP_ID,
    tags: [],
  };
}

export function groupRequest(change: Partial<CreateSnapshotGroupRequest> = {}): CreateSnapshotGroupRequest {
  return {
    instanceId: null,
    diskIds: [],
    excludedDiskIds: [],
    groupName: 'g',
    description: '',
    tags: [],
    resourceGroupId: DEFAULT_RESOURCE_GROUP_ID,
    ...change,
  };
}

/** The options of a change with a client token. */
export function token(action: string, parametersDigest = 'digest'): ChangeOptions {
  return { idempotency: { action, token: `token-${action}`, parametersDigest }, dryRun: false };
}

/** A world that ends with its test. */
export async function createWorld(t: TestContext, speed?: number | Clock): Promise<World> {
  const world = await World.create(speed);
  t.after(() => world.end());
  return world;
}

/** What must hold at the end of a test, whatever it was about. */
export async function checked(world: World): Promise<void> {
  await world.settle();
  await world.checkSettled();
}
