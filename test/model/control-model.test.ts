/**
 * The state machines of disks, instances, snapshots and images: random requests, several at once, with dry runs, repeated
 * client tokens, uploads that take long or fail, and deaths of the server anywhere. `control-oracle.ts` says what must be true afterwards.
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import test from 'node:test';
import { DEFAULT_RESOURCE_GROUP_ID } from '../../src/ecs/resource-groups.ts';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { unconditionally } from '../../src/control/change.ts';
import type { Control } from '../../src/control/control.ts';
import type { ChangeOptions, PowerRequest } from '../../src/control/requests.ts';
import type { Disk, Image, Instance, Snapshot, SnapshotGroup } from '../../src/ecs/resources.ts';
import { RequestError } from '../../src/lib/errors.ts';
import {
  World,
  allRows,
  dataDisk,
  diskRequest,
  groupRequest,
  plainDisk,
  runRequest,
  snapshotRequest,
} from '../control/world.ts';
import { CrashPoint } from '../control/crash-point.ts';
import { EMPTY_IMAGE_ID } from '../../src/control/empty-image.ts';
import { batch } from './control-batches.ts';
import type { Asked, Batch, Kind } from './control-batches.ts';
import { ControlOracle } from './control-oracle.ts';

/** Of real time; a batch takes milliseconds. */
const BATCH_LIMIT_MS = 15_000;

type Subject = 'diskId' | 'snapshotId' | 'instanceId' | 'imageId';

const any = () => true;
const stopped = ({ status }: Instance) => status === 'Stopped';
const running = ({ status }: Instance) => status === 'Running';
const free = ({ status }: Disk) => status === 'Available';
const attached = ({ status }: Disk) => status === 'In_use';
const ofStopped = (disk: Disk, { instances }: There) =>
  instances.some((instance) => instance.instanceId === disk.instanceId && stopped(instance));
const ofRunning = (disk: Disk, { instances }: There) =>
  instances.some((instance) => instance.instanceId === disk.instanceId && running(instance));
const canGoBack = (disk: Disk, there: There) =>
  (free(disk) || ofStopped(disk, there)) && there.snapshots.some(({ sourceDiskId }) => sourceDiskId === disk.diskId);
const early = ({ status, available }: Snapshot) => status === 'progressing' && available;
const ofSystem = ({ sourceDiskType }: Snapshot) => sourceDiskType === 'system';

/** What a request needs, more or less. */
const fitting: Partial<
  Record<
    Kind,
    {
      disk?: (disk: Disk, there: There) => boolean;
      snapshot?: (snapshot: Snapshot) => boolean;
      instance?: (instance: Instance) => boolean;
    }
  >
> = {
  attachDisk: { disk: free, instance: running },
  detachDisk: { disk: (disk) => attached(disk) && disk.type === 'data' },
  deleteDisk: { disk: free },
  reInitDisk: { disk: ofStopped },
  replaceSystemDisk: { instance: stopped },
  resetDisk: { disk: canGoBack },
  createSnapshot: { disk: ofRunning },
  createGroup: { disk: ofRunning },
  createDisk: { snapshot: early },
  copySnapshot: { snapshot: ({ status }) => status === 'accomplished' },
  deleteSnapshot: { snapshot: early },
  createImage: { snapshot: ofSystem },
  start: { instance: stopped },
  stop: { instance: running },
  reboot: { instance: running },
};

test('any requests, at once and with deaths of the server, leave a state that can be', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(batch, { minLength: 3, maxLength: 20, size: 'max' }),
      fc.boolean(),
      async (batches, keepsUndo) => {
        const player = new Player(await World.create(200), { keepsUndo });
        try {
          await player.begin();
          for (const one of batches) await inTime(player.play(one), JSON.stringify(one));
          await inTime(player.finish(), 'the end');
        } finally {
          await player.world.end();
        }
      },
    ),
    { numRuns: Number(process.env['HUPO_RUNS'] ?? 25), endOnFailure: process.env['HUPO_SHRINK'] === undefined },
  );
});

/** A request that is never answered, or an operation that never ends, is a failure and not a wait. */
async function inTime(work: Promise<void>, what: string): Promise<void> {
  const enough = new AbortController();
  const late = delay(BATCH_LIMIT_MS, undefined, { signal: enough.signal }).then(() => assert.fail(`it hangs: ${what}`));
  try {
    await Promise.race([work, late]);
  } finally {
    enough.abort();
    late.catch(() => undefined);
  }
}

const hasMember =
  (snapshotId: string) =>
  ({ snapshots }: SnapshotGroup) =>
    snapshots.some((member) => member.snapshotId === snapshotId);

/** Those that fit, or all where none does. */
function fallBack<T>(all: T[], fits: (item: T) => boolean): T[] {
  const found = all.filter(fits);
  return found.length === 0 ? all : found;
}

/** One of what is in the recycle bin, or two. */
function chooseRecycled({ pick, other, flag }: Asked, { recycled }: There): string[] {
  const choose = (number: number) => recycled[number % Math.max(1, recycled.length)] ?? 'none';
  return flag ? [choose(pick)] : [choose(pick), choose(other)];
}

/** What is there before a batch. */
interface There {
  disks: Disk[];
  snapshots: Snapshot[];
  instances: Instance[];
  images: Image[];
  groups: SnapshotGroup[];
  /** In the recycle bin. */
  recycled: string[];
}

/** A request, ready to be sent. */
interface Act {
  name: string;
  kind: Kind;
  dryRun: boolean;
  makes: boolean;
  /** With its parameters' digest; null without one. */
  token: string | null;
  /** What goes away by it. */
  dooms: string[];
  /** The id of what was made, or null. */
  run: () => Promise<string | null>;
}

class Player {
  readonly world: World;
  readonly #oracle: ControlOracle;
  /** What rollbacks replace is kept. */
  readonly #keepsUndo: boolean;
  #count = 0;
  /** An instance is deleted in this batch, perhaps with a disk that is attached just before. */
  #isDeleting = false;
  #held: { release: () => void } | null = null;

  constructor(world: World, { keepsUndo }: { keepsUndo: boolean }) {
    this.world = world;
    this.#keepsUndo = keepsUndo;
    this.#oracle = new ControlOracle(world);
  }

  /** An instance with a written disk, a snapshot of that, an image of both, and a stopped instance of the image. */
  async begin(): Promise<void> {
    const { world } = this;
    await this.#oracle.watch();
    world.undoMs = this.#keepsUndo ? 3_600_000 : 0;
    world.recycleMs = 24 * 3_600_000;
    await world.restart();
    const { instanceId, diskId } = await world.runOne();
    await this.#settle();
    this.#write(diskId, 1);
    await world.takeSnapshot(diskId);
    await this.#settle();
    const imageId = await this.#createImage({ instanceId, imageName: 'first' }, unconditionally);
    await this.#settle();
    const made = await world.control.runInstances(runRequest({ imageId, dataDisks: [] }));
    await this.#settle();
    await world.power('stop', made.instanceIds[0] ?? '');
    await this.#settle();
  }

  async #settle(): Promise<void> {
    const uploading = this.#held !== null;
    await this.#awaitRest();
    await this.#oracle.check({ uploading });
  }

  async #awaitRest(): Promise<void> {
    await (this.#held === null ? this.world.settle() : this.world.quiet());
  }

  /** Uploads go on, and everything ends. */
  async finish(): Promise<void> {
    this.#held?.release();
    this.#held = null;
    this.world.transfer.failuresLeft = 0;
    await this.#settle();
  }

  async play({ asked: all, death, holds, failures }: Batch): Promise<void> {
    if (holds) this.#held ??= this.world.holdUploads();
    this.world.transfer.failuresLeft = failures;
    this.#oracle.mayFail ||= failures > 0;
    const there = await this.#look();
    for (const { diskId } of there.disks) this.#write(diskId, this.#count % 3);
    const crash = new CrashPoint(death?.at ?? Infinity, death?.after ?? false);
    if (death !== null) await this.world.restart(crash);
    this.#isDeleting = all.some(({ kind }) => kind === 'deleteInstance');
    const acts: Act[] = [];
    for (const one of all) acts.push(await this.#act(one, there, `asked${++this.#count}`));
    crash.arm();
    const answers = Promise.all(acts.map((act) => this.#ask(act, crash)));
    if (!holds) {
      this.#held?.release();
      this.#held = null;
    }
    if (death !== null) {
      const settled = answers.then(() => this.#awaitRest()).catch(() => undefined);
      await Promise.race([crash.died.promise, settled]);
      await this.world.restart(); // what the dead server still owed an answer is refused by its end
    }
    await answers;
    await this.#settle();
  }

  /** To the open disks only, and between the batches: what a snapshot must hold is then known. */
  #write(diskId: string, chunk: number): void {
    if (!this.world.diskd.disks.get(diskId)?.open) return;
    const word = `w${++this.#count}`;
    this.world.diskd.write(diskId, chunk, word);
    this.#oracle.wrote(diskId, chunk, word);
  }

  async #look(): Promise<There> {
    const { control } = this.world;
    const [disks, snapshots] = [await control.listDisks({}, allRows), await control.listSnapshots({}, allRows)];
    const [instances, images] = [await control.listInstances({}, allRows), await control.listImages({}, allRows)];
    const { items: groups } = await control.listSnapshotGroups({}, allRows);
    const { items: undo } = await control.listSnapshots({ undo: true }, allRows);
    return {
      disks: disks.items,
      snapshots: [...snapshots.items, ...undo],
      instances: instances.items,
      images: images.items,
      groups,
      recycled: (await control.recycleBin.list({}, allRows)).items.map(({ resourceId }) => resourceId),
    };
  }

  /** What the request is about: mostly things that it may well be allowed for, sometimes any. */
  #choose({ kind, pick, other, likely, flag }: Asked, there: There): { [Name in Subject]: string } {
    const fits = likely ? (fitting[kind] ?? {}) : {};
    const fitted = fallBack(there.disks, (disk) => (fits.disk ?? any)(disk, there));
    const onEarly = ({ sourceSnapshotId }: Disk) =>
      there.snapshots.some((snapshot) => early(snapshot) && snapshot.snapshotId === sourceSnapshotId);
    const disks = fallBack(fitted, flag && likely ? onEarly : any);
    const disk = disks[pick % Math.max(1, disks.length)];
    const ofDisk = ({ sourceDiskId }: Snapshot) => sourceDiskId === disk?.diskId;
    const snapshots = fallBack(there.snapshots, kind === 'resetDisk' && likely ? ofDisk : (fits.snapshot ?? any));
    const instances = fallBack(there.instances, fits.instance ?? any);
    const instanceId = instances[other % Math.max(1, instances.length)]?.instanceId ?? 'none';
    return {
      diskId: disk?.diskId ?? 'none',
      snapshotId: snapshots[pick % Math.max(1, snapshots.length)]?.snapshotId ?? 'none',
      instanceId: kind === 'detachDisk' && likely ? (disk?.instanceId ?? instanceId) : instanceId,
      imageId: there.images[other % Math.max(1, there.images.length)]?.imageId ?? 'none',
    };
  }

  /** Asks and notes what came of it. Only documented refusals may come from a server that lives. */
  async #ask(act: Act, crash: CrashPoint): Promise<void> {
    const { name, kind } = act;
    try {
      const id = await act.run();
      assert.equal(act.dryRun, false, `a dry run of ${kind} was answered`);
      if (act.token !== null && id !== null) this.#oracle.answered(act.token, id);
      if (act.makes) this.#oracle.attempts.push({ name, outcome: 'made', id, token: act.token });
    } catch (error) {
      const refused = error instanceof RequestError && !crash.dead;
      if (!crash.dead && !refused) throw new Error(`${kind}: ${String(error)}`, { cause: error });
      if (act.makes)
        this.#oracle.attempts.push({ name, outcome: refused ? 'refused' : 'unknown', id: null, token: act.token });
      if (refused) for (const id of act.dooms) this.#oracle.spare(id);
    }
  }

  async #act(one: Asked, there: There, name: string): Promise<Act> {
    const { control } = this.world;
    const { diskId, snapshotId, instanceId, imageId } = this.#choose(one, there);
    const { kind, dryRun } = one;
    const plain: ChangeOptions = { idempotency: null, dryRun };
    /** Makes something under a token, whose parameters are all but the name. */
    const make = (key: string, run: (options: ChangeOptions) => Promise<string>) => {
      const token = one.token === null ? null : `${one.kind}-${one.token}`;
      const parametersDigest = crypto.hash('sha256', key);
      const idempotency = token === null ? null : { action: one.kind, token, parametersDigest };
      const full = token === null ? null : `${token}-${parametersDigest}`;
      return { name, kind, dryRun, makes: !dryRun, token: full, dooms: [], run: () => run({ ...plain, idempotency }) };
    };
    const change = (run: () => Promise<unknown>, dooms: string[] = []) => {
      if (!one.dryRun) for (const id of dooms) this.#oracle.doom(id);
      const doomed = dryRun ? [] : dooms;
      return { name, kind, dryRun, makes: false, token: null, dooms: doomed, run: async () => (await run(), null) };
    };
    switch (one.kind) {
      case 'createDisk': {
        const source = one.flag || one.likely ? snapshotId : null;
        const kindOfDisk = one.other === 0 ? plainDisk : {};
        const request = diskRequest({ diskName: name, snapshotId: source, ...kindOfDisk });
        return make(
          `${source} ${request.category}`,
          async (options) => (await control.createDisk(request, options)).diskId,
        );
      }
      case 'attachDisk': {
        const request = { diskId, instanceId, device: null, deleteWithInstance: one.flag, bootable: false };
        return change(() => control.attachDisk(request, plain), this.#isDeleting ? [diskId] : []);
      }
      case 'detachDisk':
        return change(() => control.detachDisk({ diskId, instanceId, deleteWithInstance: null }, plain));
      case 'deleteDisk':
        return change(() => control.deleteDisk({ diskId }, plain), [diskId]);
      case 'restore':
        return change(() => control.recycleBin.restore({ resourceIds: chooseRecycled(one, there) }, plain));
      case 'emptyBin': {
        const isAll = one.pick === 0 && one.flag;
        const resourceIds = isAll ? there.recycled : chooseRecycled(one, there);
        if (!dryRun) this.#oracle.mayEmpty(isAll ? null : resourceIds);
        const { recycleBin } = control;
        return change(() => (isAll ? recycleBin.emptyAll(plain) : recycleBin.empty({ resourceIds }, plain)));
      }
      case 'resizeDisk': {
        const request = { diskId, sizeGib: 20 + one.other, online: one.flag };
        return change(() => control.resizeDisk(request, plain));
      }
      case 'resetDisk':
        await this.#oracle.mayReset(diskId, snapshotId);
        return change(() => control.resetDisk({ diskId, snapshotId }, plain));
      case 'reInitDisk':
        await this.#oracle.mayReset(diskId, null);
        return change(() => control.reInitDisk({ diskId, autoStartInstance: one.flag }, plain));
      case 'replaceSystemDisk': {
        const request = { instanceId, imageId: one.flag ? imageId : EMPTY_IMAGE_ID, sizeGib: null };
        const dooms = await this.#disksOf(control, instanceId, 'system');
        return change(() => control.replaceSystemDisk(request, plain), dooms);
      }
      case 'modifyDiskSpec': {
        const category = one.flag ? 'cloud_essd' : plainDisk.category;
        return change(() => control.modifyDiskSpec({ diskId, category, performanceLevel: null }, plain));
      }
      case 'modifyDisk':
        return change(() => control.modifyDisks({ diskIds: [diskId], deleteWithInstance: one.flag }, plain));
      case 'createSnapshot': {
        const request = { ...snapshotRequest(diskId), snapshotName: name };
        return make(diskId, async (options) => (await control.createSnapshot(request, options)).snapshotId);
      }
      case 'copySnapshot': {
        const named = { snapshotName: name, description: '', resourceGroupId: DEFAULT_RESOURCE_GROUP_ID, tags: [] };
        const request = { ...named, snapshotId, destinationRegionId: 'cn-hangzhou' };
        return make(snapshotId, async (options) => (await control.copySnapshot(request, options)).snapshotId);
      }
      case 'deleteSnapshot':
        return change(
          () => control.deleteSnapshot({ snapshotId, force: one.flag }, plain),
          [snapshotId, ...there.groups.filter(hasMember(snapshotId)).map(({ groupId }) => groupId)],
        );
      case 'createGroup': {
        const others = there.disks.filter((disk) => fitting.createGroup?.disk?.(disk, there) ?? true);
        const diskIds = [...new Set([diskId, ...others.slice(0, one.other).map((disk) => disk.diskId)])];
        const source = one.flag ? { instanceId, diskIds: [] } : { instanceId: null, diskIds };
        const request = groupRequest({ ...source, groupName: name });
        return make(JSON.stringify(source), async (options) => {
          return (await control.createSnapshotGroup(request, options)).groupId;
        });
      }
      case 'deleteGroup': {
        const group = there.groups[one.pick % Math.max(1, there.groups.length)];
        const groupId = group?.groupId ?? 'none';
        const members = group?.snapshots.map((snapshot) => snapshot.snapshotId) ?? [];
        return change(() => control.deleteSnapshotGroup({ groupId }, plain), [groupId, ...members]);
      }
      case 'runInstance': {
        const image = one.flag ? imageId : EMPTY_IMAGE_ID;
        const disks = image === EMPTY_IMAGE_ID ? [dataDisk(one.pick < 2 ? plainDisk : {})] : [];
        const request = runRequest({
          imageId: image,
          instanceNames: [name],
          start: one.pick % 2 === 0,
          dataDisks: disks,
        });
        const key = `${image} ${request.start} ${disks[0]?.category}`;
        return make(key, async (options) => (await control.runInstances(request, options)).instanceIds[0] ?? '');
      }
      case 'start':
      case 'stop':
      case 'reboot': {
        const request: PowerRequest = {
          change: one.kind,
          instanceIds: [instanceId],
          force: one.flag,
          successFirst: false,
        };
        return change(() => control.powerInstances(request, plain));
      }
      case 'deleteInstance': {
        const dooms = [instanceId, ...(await this.#disksOf(control, instanceId))];
        return change(() => control.deleteInstances({ instanceIds: [instanceId], force: one.flag }, plain), dooms);
      }
      case 'createImage':
        return make(snapshotId, (options) => this.#createImage({ snapshotId, imageName: name }, options));
      case 'imageOfInstance':
        return make(instanceId, (options) => this.#createImage({ instanceId, imageName: name }, options));
      case 'deleteImage':
        return change(() => control.deleteImage({ imageId, force: one.flag }, plain), [imageId]);
      case 'fetch': {
        const request = { diskId, action: one.flag || one.likely ? 'start' : 'stop' } as const;
        return { ...change(() => control.fetchBase(request)), dryRun: false };
      }
      case 'tag': {
        const request = { resourceType: 'disk', resourceIds: [diskId], tags: [{ key: 'k', value: name }] } as const;
        return change(() =>
          control.tagResources({ ...request, resourceIds: [diskId], tags: [...request.tags] }, plain),
        );
      }
    }
  }

  async #disksOf(control: Control, instanceId: string, type?: 'system'): Promise<string[]> {
    const filter = { instanceId, ...(type !== undefined && { type }) };
    return (await control.listDisks(filter, allRows)).items.map(({ diskId }) => diskId);
  }

  async #createImage(
    source: { instanceId?: string; snapshotId?: string; imageName: string },
    options: ChangeOptions,
  ): Promise<string> {
    const plain = { description: '', imageFamily: '', imageVersion: '', architecture: 'x86_64', tags: [] };
    const system = { platform: 'Others Linux', bootMode: 'BIOS', disks: null, resourceGroupId: 'rg-1' };
    const request = { instanceId: null, snapshotId: null, ...plain, ...system, ...source };
    return (await this.world.control.createImage(request, options)).imageId;
  }
}
