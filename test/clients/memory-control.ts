/** A control plane in memory for tests of the API: it remembers, decides almost nothing, and moves no byte. */
import type { ControlPlane } from '../../src/api/control-plane.ts';
import type { Idempotency, Paging } from '../../src/control/requests.ts';
import { SYSTEM_DEVICE_NAME, findFreeDataDeviceName } from '../../src/ecs/device-names.ts';
import { newId } from '../../src/ecs/ids.ts';
import type { Disk, Image, Instance, Page, Snapshot } from '../../src/ecs/resources.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { RequestError } from '../../src/lib/errors.ts';
import type { Random } from '../../src/lib/random.ts';

const REGION = 'cn-hangzhou';

export class MemoryControl implements ControlPlane {
  readonly disks = new Map<string, Disk>();
  readonly snapshots = new Map<string, Snapshot>();
  readonly instances = new Map<string, Instance>();
  /** Each request that came in, with the name of the method. */
  readonly calls: { method: string; request: unknown }[] = [];
  readonly #results = new Map<string, { digest: string; result: unknown }>();
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  createDisk: ControlPlane['createDisk'] = async (request, idempotency) => {
    this.#record('createDisk', request);
    return await this.#once(idempotency, () => {
      const source =
        request.snapshotId === null ? null : this.#get(this.snapshots, request.snapshotId, 'InvalidSnapshotId');
      const disk = this.#newDisk({
        ...request,
        sizeGib: Math.max(request.sizeGib ?? 0, source?.sourceDiskSizeGib ?? 0),
      });
      return { diskId: disk.diskId };
    });
  };

  listDisks: ControlPlane['listDisks'] = async (filter, paging) => {
    this.#record('listDisks', { filter, paging });
    const match = (disk: Disk) =>
      (filter.diskIds?.includes(disk.diskId) ?? true) &&
      (filter.instanceId ?? disk.instanceId) === disk.instanceId &&
      (filter.type ?? disk.type) === disk.type &&
      (filter.zoneId ?? disk.zoneId) === disk.zoneId &&
      (filter.tags ?? []).every((tag) => disk.tags.some((own) => own.key === tag.key));
    return await Promise.resolve(pageOf([...this.disks.values()].filter(match), paging));
  };

  attachDisk: ControlPlane['attachDisk'] = async (request) => {
    this.#record('attachDisk', request);
    const disk = this.#get(this.disks, request.diskId, 'InvalidDiskId');
    this.#get(this.instances, request.instanceId, 'InvalidInstanceId');
    if (disk.instanceId !== null)
      throw new RequestError('IncorrectDiskStatus', `The disk ${disk.diskId} is attached already.`);
    this.#attach(disk, request.instanceId, request.device ?? '/dev/xvdz');
    await Promise.resolve();
  };

  resetDisk: ControlPlane['resetDisk'] = async (request) => {
    this.#record('resetDisk', request);
    this.#get(this.disks, request.diskId, 'InvalidDiskId');
    const snapshot = this.#get(this.snapshots, request.snapshotId, 'InvalidSnapshotId');
    if (snapshot.sourceDiskId !== request.diskId) {
      throw new RequestError('InvalidParameter.Mismatch', `The snapshot ${request.snapshotId} is of another disk.`);
    }
    await Promise.resolve();
  };

  createSnapshot: ControlPlane['createSnapshot'] = async (request, idempotency) => {
    this.#record('createSnapshot', request);
    return await this.#once(idempotency, () => {
      const disk = this.#get(this.disks, request.diskId, 'InvalidDiskId');
      const nowMs = this.#clock.nowMs();
      const snapshot: Snapshot = {
        snapshotId: newId('s-', REGION, this.#random),
        snapshotName: request.snapshotName,
        description: request.description,
        status: 'progressing',
        progressPercent: 37,
        remainingSeconds: 12,
        available: true,
        createdAtMs: nowMs,
        modifiedAtMs: nowMs,
        sourceDiskId: disk.diskId,
        sourceDiskSizeGib: disk.sizeGib,
        sourceDiskType: disk.type,
        retentionDays: request.retentionDays,
        usage: 'none',
        failureReason: null,
        fullSizeBytes: null,
        tags: request.tags,
      };
      this.snapshots.set(snapshot.snapshotId, snapshot);
      return { snapshotId: snapshot.snapshotId };
    });
  };

  listSnapshots: ControlPlane['listSnapshots'] = async (filter, paging) => {
    this.#record('listSnapshots', { filter, paging });
    const match = (snapshot: Snapshot) =>
      (filter.snapshotIds?.includes(snapshot.snapshotId) ?? true) &&
      (filter.diskId ?? snapshot.sourceDiskId) === snapshot.sourceDiskId &&
      (filter.status ?? snapshot.status) === snapshot.status;
    return await Promise.resolve(pageOf([...this.snapshots.values()].filter(match), paging));
  };

  deleteSnapshot: ControlPlane['deleteSnapshot'] = async (request) => {
    this.#record('deleteSnapshot', request);
    this.#get(this.snapshots, request.snapshotId, 'InvalidSnapshotId');
    this.snapshots.delete(request.snapshotId);
    await Promise.resolve();
  };

  runInstances: ControlPlane['runInstances'] = async (request, idempotency) => {
    this.#record('runInstances', request);
    return await this.#once(idempotency, () => {
      if (request.imageId !== PUBLIC_IMAGE.imageId) {
        throw new RequestError('InvalidImageId.NotFound', `The image ${request.imageId} does not exist.`);
      }
      const instanceIds = request.instanceNames.map((name) => this.#newInstance(name, request));
      return { instanceIds };
    });
  };

  listInstances: ControlPlane['listInstances'] = async (filter, paging) => {
    this.#record('listInstances', { filter, paging });
    const match = (instance: Instance) =>
      (filter.instanceIds?.includes(instance.instanceId) ?? true) &&
      (filter.zoneId ?? instance.zoneId) === instance.zoneId &&
      (filter.imageId ?? instance.imageId) === instance.imageId;
    return await Promise.resolve(pageOf([...this.instances.values()].filter(match), paging));
  };

  startInstance: ControlPlane['startInstance'] = async (request) => {
    this.#record('startInstance', request);
    const instance = this.#get(this.instances, request.instanceId, 'InvalidInstanceId');
    if (instance.status !== 'Stopped')
      throw new RequestError('IncorrectInstanceStatus', `${request.instanceId} is ${instance.status}.`);
    instance.status = 'Running';
    await Promise.resolve();
  };

  stopInstance: ControlPlane['stopInstance'] = async (request) => {
    this.#record('stopInstance', request);
    this.#get(this.instances, request.instanceId, 'InvalidInstanceId').status = 'Stopped';
    await Promise.resolve();
  };

  listImages: ControlPlane['listImages'] = async (filter, paging) => {
    this.#record('listImages', { filter, paging });
    const isWanted = filter.imageIds?.includes(PUBLIC_IMAGE.imageId) ?? true;
    return await Promise.resolve(pageOf(isWanted ? [PUBLIC_IMAGE] : [], paging));
  };

  beginImport: ControlPlane['beginImport'] = async (request) => {
    this.#record('beginImport', request);
    const disk = this.#newDisk({ ...request, sizeGib: request.sizeGib ?? 0 });
    disk.status = 'Creating';
    disk.nbdUri = `nbd+unix:///${disk.diskId}?socket=%2Ftmp%2Fx`;
    return await Promise.resolve({ diskId: disk.diskId, nbdUri: disk.nbdUri });
  };

  completeImport: ControlPlane['completeImport'] = async (request) => {
    this.#record('completeImport', request);
    const disk = this.#get(this.disks, request.diskId, 'InvalidDiskId');
    disk.status = 'Available';
    disk.nbdUri = null;
    await Promise.resolve();
  };

  #record(method: string, request: unknown): void {
    this.calls.push({ method, request });
  }

  async #once<T>(idempotency: Idempotency | null, make: () => T): Promise<T> {
    await Promise.resolve();
    if (idempotency === null) return make();
    const { action, token, parametersDigest: digest } = idempotency;
    const before = this.#results.get(`${action} ${token}`);
    if (before === undefined) {
      const result = make();
      this.#results.set(`${action} ${token}`, { digest, result });
      return result;
    }
    if (before.digest === digest) return before.result as T;
    throw new RequestError('IdempotentParameterMismatch', `The token ${token} was used with other parameters.`);
  }

  #get<T>(map: Map<string, T>, id: string, code: string): T {
    const found = map.get(id);
    if (found === undefined) throw new RequestError(`${code}.NotFound`, `${id} does not exist.`);
    return found;
  }

  #newDisk(
    kind: Pick<Disk, 'category' | 'performanceLevel' | 'sizeGib' | 'diskName' | 'description'> &
      Partial<Disk> & { snapshotId: string | null },
  ): Disk {
    const { snapshotId, ...rest } = kind;
    const disk: Disk = {
      diskId: newId('d-', REGION, this.#random),
      zoneId: `${REGION}-a`,
      status: 'Available',
      type: 'data',
      createdAtMs: this.#clock.nowMs(),
      attachedAtMs: null,
      detachedAtMs: null,
      instanceId: null,
      device: null,
      deleteWithInstance: false,
      deleteAutoSnapshot: true,
      enableAutoSnapshot: true,
      portable: true,
      sourceSnapshotId: snapshotId,
      imageId: null,
      everAttached: false,
      tags: [],
      nbdUri: null,
      ...rest,
    };
    this.disks.set(disk.diskId, disk);
    return disk;
  }

  #attach(disk: Disk, instanceId: string, device: string): void {
    disk.instanceId = instanceId;
    disk.device = device;
    disk.status = 'In_use';
    disk.attachedAtMs = this.#clock.nowMs();
    disk.nbdUri = `nbd+unix:///${disk.diskId}?socket=%2Ftmp%2F${disk.diskId}`;
  }

  #newInstance(name: string | null, request: Parameters<ControlPlane['runInstances']>[0]): string {
    const instanceId = newId('i-', REGION, this.#random);
    this.instances.set(instanceId, {
      instanceId,
      instanceName: name ?? instanceId,
      hostName: request.hostName ?? instanceId,
      description: request.description,
      zoneId: request.zoneId,
      instanceType: request.instanceType,
      imageId: request.imageId,
      status: 'Running',
      createdAtMs: this.#clock.nowMs(),
      startedAtMs: this.#clock.nowMs(),
      serialNumber: '0c0ffee0-0000-4000-8000-000000000000',
      macAddress: '00:16:3e:00:00:01',
      privateIp: '172.16.0.1',
      networkInterfaceId: newId('eni-', REGION, this.#random),
      tags: request.tags,
    });
    const devices = [SYSTEM_DEVICE_NAME];
    for (const [index, { device, ...kind }] of [request.systemDisk, ...request.dataDisks].entries()) {
      const disk = this.#newDisk({ ...kind, sizeGib: kind.sizeGib ?? 40, type: index === 0 ? 'system' : 'data' });
      const deviceName = index === 0 ? SYSTEM_DEVICE_NAME : (device ?? findFreeDataDeviceName(devices) ?? '');
      devices.push(deviceName);
      this.#attach(disk, instanceId, deviceName);
    }
    return instanceId;
  }
}

export const PUBLIC_IMAGE: Image = {
  imageId: 'hupo_empty_20G.raw',
  imageName: 'hupo_empty_20G.raw',
  description: 'An empty disk',
  ownerAlias: 'system',
  sizeGib: 20,
  osType: 'linux',
  osName: 'None',
  platform: 'Others Linux',
  architecture: 'x86_64',
  createdAtMs: Date.UTC(2026, 0, 1),
};

function pageOf<T>(items: T[], paging: Paging): Page<T> {
  const start = paging.nextToken === null ? (paging.pageNumber - 1) * paging.pageSize : Number(paging.nextToken);
  const end = start + paging.pageSize;
  return {
    items: items.slice(start, end),
    totalCount: items.length,
    nextToken: end < items.length ? String(end) : null,
  };
}
