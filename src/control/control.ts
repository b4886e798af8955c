/**
 * The control plane: the only place that decides. It answers what `api/` asks (`ControlPlane` there), by checking, writing
 * the catalog and starting an operation; everything after that is the operations' (`operations/`, one file each).
 */
import { listDisks } from '../catalog/disks.ts';
import { ensureImage, listImages } from '../catalog/images.ts';
import { findInstance, listInstances } from '../catalog/instances.ts';
import { deleteOldClientTokens } from '../catalog/client-tokens.ts';
import { listSnapshots } from '../catalog/snapshots.ts';
import type { Disk, Image, Instance, Page, Snapshot } from '../ecs/resources.ts';
import { messageOf } from '../lib/errors.ts';
import { emptyTree } from '../repository/tree-ref.ts';
import { Collector } from './collector.ts';
import { attachedDiskOf } from './disk-folder.ts';
import { attachDisk, createDisk, resetDisk } from './disks.ts';
import { beginImport, completeImport } from './imports.ts';
import { runInstances, startInstance, stopInstance } from './instances.ts';
import { attachDiskOperation } from './operations/attach-disk.ts';
import { createDiskOperation } from './operations/create-disk.ts';
import { createSnapshotOperation } from './operations/create-snapshot.ts';
import { deleteSnapshotOperation } from './operations/delete-snapshot.ts';
import { ImportCompletions, importDiskOperation } from './operations/import-disk.ts';
import { resetDiskOperation } from './operations/reset-disk.ts';
import { runInstancesOperation } from './operations/run-instances.ts';
import { startInstanceOperation } from './operations/start-instance.ts';
import { stopInstanceOperation } from './operations/stop-instance.ts';
import type { Parts } from './parts.ts';
import type {
  AttachDiskRequest,
  CreateDiskRequest,
  CreateSnapshotRequest,
  DiskFilter,
  Idempotency,
  ImageFilter,
  InstanceFilter,
  Paging,
  RunInstancesRequest,
  SnapshotFilter,
} from './requests.ts';
import { OperationRunner } from './runner.ts';
import { createSnapshot, deleteSnapshot } from './snapshots.ts';
import { UploadGate } from './upload-gate.ts';

/** The public image that is always there: an empty disk. */
export const EMPTY_IMAGE_ID = 'hupo_empty_20G';

export class Control {
  readonly #parts: Parts;
  readonly #runner: OperationRunner;
  readonly #gate = new UploadGate();
  readonly #collector: Collector;
  readonly #completions = new ImportCompletions();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#collector = new Collector(parts, this.#gate, () => this.#runner.listTrees());
    const collect = () => this.#collector.wake();
    this.#runner = new OperationRunner(parts, [
      createDiskOperation(parts, collect),
      attachDiskOperation(parts),
      resetDiskOperation(parts, collect),
      createSnapshotOperation(parts, this.#gate, collect),
      deleteSnapshotOperation(parts, collect),
      runInstancesOperation(parts, collect),
      startInstanceOperation(parts),
      stopInstanceOperation(parts),
      importDiskOperation(parts, this.#completions, collect),
    ]);
  }

  /** Goes on with what earlier servers left, and collects what they left as garbage. diskd must answer. */
  async start(): Promise<void> {
    const { catalog, clock } = this.#parts;
    await ensureEmptyImage(this.#parts);
    await deleteOldClientTokens(catalog.queries, clock.nowMs());
    await this.#runner.resume();
    this.#collector.wake();
  }

  /** Leaves every operation where it is; the next start goes on. */
  async stop(): Promise<void> {
    await this.#runner.stop();
    await this.#collector.stop();
  }

  /** Runs `work` while nothing is uploaded or collected. */
  runAlone<T>(work: () => Promise<T>): Promise<T> {
    return this.#gate.alone(work);
  }

  /** After diskd came (back): the disks of every running instance are served again. */
  async reopenDisks(): Promise<void> {
    const { catalog, openDisks, log } = this.#parts;
    const running = await catalog.queries
      .selectFrom('disks')
      .innerJoin('instances', 'instances.instance_id', 'disks.instance_id')
      .select('disks.disk_id')
      .where('instances.status', '=', 'Running')
      .where('disks.status', '=', 'In_use')
      .execute();
    const opening = running.map(async ({ disk_id: diskId }) => {
      try {
        await openDisks.openIf(diskId, () => this.#findRunningDisk(diskId));
      } catch (error) {
        log.warn(`the disk ${diskId} could not be opened: ${messageOf(error)}`);
      }
    });
    await Promise.all(opening);
  }

  async #findRunningDisk(diskId: string) {
    const { queries } = this.#parts.catalog;
    const row = await queries.selectFrom('disks').selectAll().where('disk_id', '=', diskId).executeTakeFirst();
    if (row === undefined || row.instance_id === null || row.status !== 'In_use') return null;
    const instance = await findInstance(queries, row.instance_id);
    return instance?.status === 'Running' ? attachedDiskOf(row) : null;
  }

  createDisk(request: CreateDiskRequest, idempotency: Idempotency | null): Promise<{ diskId: string }> {
    return createDisk(this.#parts, this.#runner, request, idempotency);
  }

  listDisks(filter: DiskFilter, paging: Paging): Promise<Page<Disk>> {
    return listDisks(this.#parts.catalog.queries, filter, paging, (diskId) => this.#parts.openDisks.uriOf(diskId));
  }

  attachDisk(request: AttachDiskRequest): Promise<void> {
    return attachDisk(this.#parts, this.#runner, request);
  }

  resetDisk(request: { diskId: string; snapshotId: string }): Promise<void> {
    return resetDisk(this.#parts, this.#runner, request);
  }

  createSnapshot(request: CreateSnapshotRequest, idempotency: Idempotency | null): Promise<{ snapshotId: string }> {
    return createSnapshot(this.#parts, this.#runner, request, idempotency);
  }

  listSnapshots(filter: SnapshotFilter, paging: Paging): Promise<Page<Snapshot>> {
    return listSnapshots(this.#parts.catalog.queries, filter, paging);
  }

  deleteSnapshot(request: { snapshotId: string; force: boolean }): Promise<void> {
    return deleteSnapshot(this.#parts, this.#runner, request);
  }

  runInstances(request: RunInstancesRequest, idempotency: Idempotency | null): Promise<{ instanceIds: string[] }> {
    return runInstances(this.#parts, this.#runner, request, idempotency);
  }

  listInstances(filter: InstanceFilter, paging: Paging): Promise<Page<Instance>> {
    return listInstances(this.#parts.catalog.queries, filter, paging);
  }

  startInstance(request: { instanceId: string }): Promise<void> {
    return startInstance(this.#parts, this.#runner, request.instanceId);
  }

  /** A forced stop is the same: an external machine has no power to cut, and its disks are flushed either way. */
  stopInstance(request: { instanceId: string; force: boolean }): Promise<void> {
    return stopInstance(this.#parts, this.#runner, request.instanceId);
  }

  listImages(filter: ImageFilter, paging: Paging): Promise<Page<Image>> {
    return listImages(this.#parts.catalog.queries, filter, paging);
  }

  beginImport(request: CreateDiskRequest): Promise<{ diskId: string; nbdUri: string }> {
    return beginImport(this.#parts, this.#runner, request);
  }

  completeImport(request: { diskId: string }): Promise<void> {
    return completeImport(this.#parts, this.#runner, this.#completions, request.diskId);
  }
}

async function ensureEmptyImage({ catalog, clock }: Parts): Promise<void> {
  await ensureImage(catalog.queries, {
    image_id: EMPTY_IMAGE_ID,
    image_name: EMPTY_IMAGE_ID,
    description: 'An empty disk of 20 GiB',
    owner_alias: 'system',
    size_gib: 20,
    os_type: 'linux',
    os_name: 'Empty disk',
    platform: 'Others Linux',
    architecture: 'x86_64',
    created_at_ms: clock.nowMs(),
    base: JSON.stringify({ snapshotId: null, tree: emptyTree }),
  });
}
