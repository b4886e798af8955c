/** The API calls of the demo, each waited for until what it started is done. */
import fs from 'node:fs';
import path from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { OperationalError } from '../lib/errors.ts';
import type {
  CreateDiskAnswer,
  CreateSnapshotAnswer,
  DescribeDisksAnswer,
  DescribeImagesAnswer,
  DescribeInstancesAnswer,
  DescribeSnapshotsAnswer,
  DiskAnswer,
  RunInstancesAnswer,
} from './answers.ts';
import type { EcsClient } from './ecs-client.ts';
import { waitFor } from './wait.ts';
import type { RepositoryPlace } from '../repository/stores.ts';

const STATE_TIMEOUT_MS = 60_000;
const UPLOAD_TIMEOUT_MS = 3_600_000;
const SPACE_TIMEOUT_MS = 60_000;
/** The repository has shrunk when its size has not changed for this long. */
const SPACE_SETTLED_MS = 1500;
/** May be of any size from 1 GiB. */
const SMALL_DISK = { category: 'cloud_essd', performanceLevel: 'PL0' };

export interface DemoCallsOptions {
  client: EcsClient;
  /** Of the server, on this machine. */
  repository: RepositoryPlace;
  clock: Clock;
  signal: AbortSignal;
}

export class DemoCalls {
  readonly #options: DemoCallsOptions;

  constructor(options: DemoCallsOptions) {
    this.#options = options;
  }

  /** A running instance with one data disk. */
  async runInstance(sizeGib: number): Promise<{ instanceId: string; diskId: string }> {
    const { Images } = await this.#call<DescribeImagesAnswer>('DescribeImages', {});
    const { InstanceIdSets } = await this.#call<RunInstancesAnswer>('RunInstances', {
      ImageId: Images.Image[0]?.ImageId ?? '',
      InstanceType: 'ecs.external.large',
      'DataDisk.1.Category': SMALL_DISK.category,
      'DataDisk.1.PerformanceLevel': SMALL_DISK.performanceLevel,
      'DataDisk.1.Size': String(sizeGib),
    });
    const instanceId = InstanceIdSets.InstanceIdSet[0] ?? '';
    await this.#awaitInstance(instanceId, 'Running');
    const disk = await this.#getDisk({ InstanceId: instanceId, DiskType: 'data' });
    return { instanceId, diskId: disk.DiskId };
  }

  /** A disk from the snapshot, attached to the instance. */
  async attachDiskFrom(snapshotId: string, instanceId: string): Promise<string> {
    const beside = await this.#getDisk({ InstanceId: instanceId, DiskType: 'data' });
    const { DiskId } = await this.#call<CreateDiskAnswer>('CreateDisk', {
      SnapshotId: snapshotId,
      ZoneId: beside.ZoneId,
      DiskCategory: SMALL_DISK.category,
      PerformanceLevel: SMALL_DISK.performanceLevel,
    });
    await this.#awaitDisk(DiskId, 'Available');
    await this.#call('AttachDisk', { DiskId, InstanceId: instanceId });
    await this.#awaitDisk(DiskId, 'In_use');
    return DiskId;
  }

  async getNbdUri(diskId: string): Promise<string> {
    const { NbdUri } = await this.#getDisk({ DiskIds: JSON.stringify([diskId]) });
    if (NbdUri !== undefined) return NbdUri;
    throw new OperationalError(`disk ${diskId} is not open to clients`, { retryable: false });
  }

  /** Resolves when the snapshot is frozen, not yet stored. */
  async createSnapshot(diskId: string, name: string): Promise<string> {
    const answer = await this.#call<CreateSnapshotAnswer>('CreateSnapshot', { DiskId: diskId, SnapshotName: name });
    return answer.SnapshotId;
  }

  async awaitStored(snapshotId: string, onPercent: (percent: number) => void): Promise<void> {
    await this.#wait(`snapshot ${snapshotId} to be stored`, UPLOAD_TIMEOUT_MS, async () => {
      const ids = JSON.stringify([snapshotId]);
      const { Snapshots } = await this.#call<DescribeSnapshotsAnswer>('DescribeSnapshots', { SnapshotIds: ids });
      const [found] = Snapshots.Snapshot;
      if (found === undefined || found.Status === 'failed') {
        throw new OperationalError(`snapshot ${snapshotId} failed`, { retryable: false });
      }
      onPercent(Number.parseInt(found.Progress, 10) || 0);
      return found.Status === 'accomplished' ? true : undefined;
    });
  }

  /** `Force`, since disks may stand on it. */
  async deleteSnapshot(snapshotId: string): Promise<void> {
    await this.#call('DeleteSnapshot', { SnapshotId: snapshotId, Force: 'true' });
  }

  /** Stops the instance, rolls the disk back and starts it again. */
  async rollBack(instanceId: string, diskId: string, snapshotId: string): Promise<void> {
    await this.#call('StopInstance', { InstanceId: instanceId });
    await this.#awaitInstance(instanceId, 'Stopped');
    await this.#call('ResetDisk', { DiskId: diskId, SnapshotId: snapshotId });
    await this.#call('StartInstance', { InstanceId: instanceId });
    await this.#awaitInstance(instanceId, 'Running');
  }

  /** Bytes of the stored objects. */
  repositoryBytes(): number {
    const entries = fs.readdirSync(this.#options.repository.storeFolder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    const sizes = files.map((entry) => fs.statSync(path.join(entry.parentPath, entry.name), { throwIfNoEntry: false }));
    return sizes.reduce((sum, stat) => sum + (stat?.size ?? 0), 0);
  }

  /** Resolves when the repository is smaller than `heldBytes` and stays so, or after a minute; `atMs` is when it was. */
  async awaitSmaller(heldBytes: number): Promise<{ bytes: number; atMs: number }> {
    const { clock } = this.#options;
    const endMs = clock.monotonicMs() + SPACE_TIMEOUT_MS;
    let last = { bytes: heldBytes, atMs: clock.monotonicMs() };
    return this.#wait('space to return', 2 * SPACE_TIMEOUT_MS, async () => {
      const nowMs = clock.monotonicMs();
      const bytes = this.repositoryBytes();
      if (bytes !== last.bytes) last = { bytes, atMs: nowMs };
      const isSettled = bytes < heldBytes && nowMs - last.atMs >= SPACE_SETTLED_MS;
      return isSettled || nowMs >= endMs ? last : undefined;
    });
  }

  async #awaitInstance(instanceId: string, status: string): Promise<void> {
    await this.#wait(`instance ${instanceId} to be ${status}`, STATE_TIMEOUT_MS, async () => {
      const ids = JSON.stringify([instanceId]);
      const answer = await this.#call<DescribeInstancesAnswer>('DescribeInstances', { InstanceIds: ids });
      return answer.Instances.Instance[0]?.Status === status ? true : undefined;
    });
  }

  async #awaitDisk(diskId: string, status: string): Promise<void> {
    await this.#wait(`disk ${diskId} to be ${status}`, STATE_TIMEOUT_MS, async () => {
      const disk = await this.#getDisk({ DiskIds: JSON.stringify([diskId]) });
      return disk.Status === status ? true : undefined;
    });
  }

  async #getDisk(filter: Record<string, string>): Promise<DiskAnswer> {
    const { Disks } = await this.#call<DescribeDisksAnswer>('DescribeDisks', filter);
    const [disk] = Disks.Disk;
    if (disk !== undefined) return disk;
    throw new OperationalError(`the server lists no disk for ${JSON.stringify(filter)}`, { retryable: false });
  }

  async #wait<T>(what: string, timeoutMs: number, look: () => Promise<T | undefined>): Promise<T> {
    const { clock, signal } = this.#options;
    return waitFor({ what, timeoutMs, clock, signal }, look);
  }

  async #call<T extends object>(action: string, parameters: Record<string, string>): Promise<T> {
    return this.#options.client.call<T>(action, parameters, this.#options.signal);
  }
}
