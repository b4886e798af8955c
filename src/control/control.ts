/**
 * The control plane: the only place that decides. It answers what `api/` asks (`ControlPlane` there), by checking, writing
 * the catalog and starting an operation; everything after that is the operations' (`operations/`, one file each).
 */
import { deleteOldClientTokens } from '../catalog/client-tokens.ts';
import { listDisks } from '../catalog/disks.ts';
import { listImageShares } from '../catalog/image-shares.ts';
import { ensureImage, listImages } from '../catalog/images.ts';
import { findInstance, listInstances } from '../catalog/instances.ts';
import { listSnapshots } from '../catalog/snapshots.ts';
import { countTags, listTagsOfResources } from '../catalog/tags.ts';
import { listTasks } from '../catalog/tasks.ts';
import { SYSTEM_DEVICE_NAME } from '../ecs/device-names.ts';
import type {
  Disk,
  Image,
  ImageShare,
  Instance,
  Page,
  Snapshot,
  TagCount,
  TagOfResource,
  Task,
} from '../ecs/resources.ts';
import { messageOf } from '../lib/errors.ts';
import { emptyTree } from '../repository/tree-ref.ts';
import { unconditionally } from './change.ts';
import { Collector } from './collector.ts';
import { createImage, deleteImage, modifyImage } from './images.ts';
import { deleteDisk } from './delete-disk.ts';
import { deleteInstances } from './delete-instances.ts';
import { detachDisk } from './detach-disk.ts';
import { attachedDiskOf } from './disk-folder.ts';
import { attachDisk, createDisk, resetDisk } from './disks.ts';
import { exportImage, exportSnapshot } from './export.ts';
import { describeFetch, startFetch, stopFetch } from './fetches.ts';
import { importImage } from './import-image.ts';
import { beginImport, completeImport } from './imports.ts';
import { modifyDiskSpec } from './modify-disk-spec.ts';
import { modifyDisks } from './modify-disks.ts';
import { modifyInstance } from './modify-instance.ts';
import { modifySnapshotCategory } from './modify-snapshot-category.ts';
import { attachDiskOperation } from './operations/attach-disk.ts';
import { createDiskOperation } from './operations/create-disk.ts';
import { createImageOperation } from './operations/create-image.ts';
import { createSnapshotOperation } from './operations/create-snapshot.ts';
import { deleteDiskOperation } from './operations/delete-disk.ts';
import { deleteInstanceOperation } from './operations/delete-instance.ts';
import { deleteSnapshotOperation } from './operations/delete-snapshot.ts';
import { detachDiskOperation } from './operations/detach-disk.ts';
import { exportOperation } from './operations/export.ts';
import { FetchNotes, fetchBaseOperation } from './operations/fetch-base.ts';
import { ImportCompletions, importDiskOperation } from './operations/import-disk.ts';
import { importImageOperation } from './operations/import-image.ts';
import { modifyDiskSpecOperation } from './operations/modify-disk-spec.ts';
import { rebootInstanceOperation } from './operations/reboot-instance.ts';
import { replaceSystemDiskOperation } from './operations/replace-system-disk.ts';
import { resetDiskOperation } from './operations/reset-disk.ts';
import { resizeDiskOperation } from './operations/resize-disk.ts';
import { runInstancesOperation } from './operations/run-instances.ts';
import { startInstanceOperation } from './operations/start-instance.ts';
import { stopInstanceOperation } from './operations/stop-instance.ts';
import type { Parts } from './parts.ts';
import { powerInstances } from './power-instances.ts';
import { reInitDisk } from './reinit-disk.ts';
import type {
  AttachDiskRequest,
  ChangeOptions,
  CreateDiskRequest,
  CreateImageRequest,
  CreateSnapshotRequest,
  DeleteInstancesRequest,
  DetachDiskRequest,
  ExportImageRequest,
  ExportSnapshotRequest,
  ImportImageRequest,
  ModifyDiskSpecRequest,
  ModifyDisksRequest,
  ModifyImageRequest,
  ModifyInstanceRequest,
  ModifySnapshotCategoryRequest,
  ModifySnapshotRequest,
  PowerOutcome,
  PowerRequest,
  ReInitDiskRequest,
  ReplaceSystemDiskRequest,
  ResizeDiskRequest,
  RunInstancesRequest,
  ShareImageRequest,
  TagResourcesRequest,
  UntagResourcesRequest,
} from './requests.ts';
import type {
  DiskFilter,
  ImageFilter,
  InstanceFilter,
  Paging,
  SnapshotFilter,
  TagsOfResourcesFilter,
  TaskFilter,
} from '../ecs/list-filters.ts';
import type { FetchReport, ServeCalls } from './serve-calls.ts';
import { RepositoryBook, endEarlierSessions } from './repository-book.ts';
import { replaceSystemDisk } from './replace-system-disk.ts';
import { resizeDisk } from './resize-disk.ts';
import { releaseForgottenViews } from './view-bases.ts';
import { getImage } from './rows.ts';
import { runInstances } from './run-instances.ts';
import { OperationRunner } from './runner.ts';
import { shareImage } from './share-image.ts';
import { createSnapshot, deleteSnapshot, modifySnapshot } from './snapshots.ts';
import { tagResources, untagResources } from './tags.ts';
import { cancelTask, getTask } from './tasks.ts';
import { UploadGate } from './upload-gate.ts';

/** The public image that is always there: an empty disk. */
export const EMPTY_IMAGE_ID = 'hupo_empty_20G';

export class Control {
  readonly #parts: Parts;
  readonly #runner: OperationRunner;
  readonly #gate = new UploadGate();
  /** What the collector goes by. */
  readonly book: RepositoryBook;
  readonly #collector: Collector;
  readonly #completions = new ImportCompletions();
  readonly #fetchNotes = new FetchNotes();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.book = new RepositoryBook(parts.catalog, (operation) => this.#runner.treesOf(operation));
    this.#collector = new Collector(parts, this.book);
    const collect = () => this.#collector.wake();
    const stored = () => {
      parts.onStored?.();
      this.#collector.wake();
    };
    this.#runner = new OperationRunner(parts, [
      createDiskOperation(parts, collect),
      attachDiskOperation(parts),
      detachDiskOperation(parts),
      deleteDiskOperation(parts, collect),
      resizeDiskOperation(parts),
      modifyDiskSpecOperation(parts),
      replaceSystemDiskOperation(parts, collect),
      resetDiskOperation(parts, collect),
      createSnapshotOperation(parts, this.#gate, stored),
      deleteSnapshotOperation(parts, stored),
      runInstancesOperation(parts, collect),
      startInstanceOperation(parts),
      stopInstanceOperation(parts),
      rebootInstanceOperation(parts),
      deleteInstanceOperation(parts, collect),
      createImageOperation(parts),
      importDiskOperation(parts, this.#completions, collect),
      importImageOperation(parts, () => this.#runner, collect),
      exportOperation(parts),
      fetchBaseOperation(parts, this.#fetchNotes, collect),
    ]);
  }

  /** Goes on with what earlier servers left, and collects what they left as garbage. diskd must answer. */
  async start(): Promise<void> {
    const { catalog, clock } = this.#parts;
    await ensureEmptyImage(this.#parts);
    await endEarlierSessions(this.#parts);
    await releaseForgottenViews(this.#parts);
    await deleteOldClientTokens(catalog.queries, clock.nowMs());
    await this.#runner.resume();
    this.#collector.wake();
  }

  /** There may be garbage. */
  collectSoon(): void {
    this.#collector.wake();
  }

  /** Leaves every operation where it is; the next start goes on. */
  async stop(): Promise<void> {
    await this.#runner.stop();
    await this.#collector.stop();
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

  createDisk(request: CreateDiskRequest, options: ChangeOptions = unconditionally): Promise<{ diskId: string }> {
    return createDisk(this.#parts, this.#runner, request, options);
  }

  listDisks(filter: DiskFilter, paging: Paging): Promise<Page<Disk>> {
    const { catalog, openDisks } = this.#parts;
    return listDisks(catalog.queries, filter, paging, (row) => openDisks.serviceOf(attachedDiskOf(row)));
  }

  attachDisk(request: AttachDiskRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return attachDisk(this.#parts, this.#runner, request, options);
  }

  detachDisk(request: DetachDiskRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return detachDisk(this.#parts, this.#runner, request, options);
  }

  deleteDisk(request: { diskId: string }, options: ChangeOptions = unconditionally): Promise<void> {
    return deleteDisk(this.#parts, this.#runner, request, options);
  }

  resetDisk(request: { diskId: string; snapshotId: string }, options: ChangeOptions = unconditionally): Promise<void> {
    return resetDisk(this.#parts, this.#runner, request, options);
  }

  reInitDisk(request: ReInitDiskRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return reInitDisk(this.#parts, this.#runner, request, options);
  }

  resizeDisk(request: ResizeDiskRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return resizeDisk(this.#parts, this.#runner, request, options);
  }

  modifyDisks(request: ModifyDisksRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return modifyDisks(this.#parts, request, options);
  }

  replaceSystemDisk(
    request: ReplaceSystemDiskRequest,
    options: ChangeOptions = unconditionally,
  ): Promise<{ diskId: string }> {
    return replaceSystemDisk(this.#parts, this.#runner, request, options);
  }

  modifyDiskSpec(
    request: ModifyDiskSpecRequest,
    options: ChangeOptions = unconditionally,
  ): Promise<{ taskId: string | null }> {
    return modifyDiskSpec(this.#parts, this.#runner, request, options);
  }

  createSnapshot(
    request: CreateSnapshotRequest,
    options: ChangeOptions = unconditionally,
  ): Promise<{ snapshotId: string }> {
    return createSnapshot(this.#parts, this.#runner, request, options);
  }

  listSnapshots(filter: SnapshotFilter, paging: Paging): Promise<Page<Snapshot>> {
    return listSnapshots(this.#parts.catalog.queries, filter, paging);
  }

  modifySnapshot(request: ModifySnapshotRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return modifySnapshot(this.#parts, request, options);
  }

  modifySnapshotCategory(
    request: ModifySnapshotCategoryRequest,
    options: ChangeOptions = unconditionally,
  ): Promise<{ taskId: string | null }> {
    return modifySnapshotCategory(this.#parts, request, options);
  }

  deleteSnapshot(
    request: { snapshotId: string; force: boolean },
    options: ChangeOptions = unconditionally,
  ): Promise<void> {
    return deleteSnapshot(this.#parts, this.#runner, request, options);
  }

  runInstances(
    request: RunInstancesRequest,
    options: ChangeOptions = unconditionally,
  ): Promise<{ instanceIds: string[] }> {
    return runInstances(this.#parts, this.#runner, request, options);
  }

  listInstances(filter: InstanceFilter, paging: Paging): Promise<Page<Instance>> {
    return listInstances(this.#parts.catalog.queries, filter, paging);
  }

  powerInstances(request: PowerRequest, options: ChangeOptions = unconditionally): Promise<PowerOutcome[]> {
    return powerInstances(this.#parts, this.#runner, request, options);
  }

  modifyInstance(request: ModifyInstanceRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return modifyInstance(this.#parts, request, options);
  }

  deleteInstances(request: DeleteInstancesRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return deleteInstances(this.#parts, this.#runner, request, options);
  }

  createImage(request: CreateImageRequest, options: ChangeOptions = unconditionally): Promise<{ imageId: string }> {
    return createImage(this.#parts, this.#runner, request, options);
  }

  listImages(filter: ImageFilter, paging: Paging): Promise<Page<Image>> {
    return listImages(this.#parts.catalog.queries, filter, paging);
  }

  modifyImage(request: ModifyImageRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return modifyImage(this.#parts, request, options);
  }

  importImage(
    request: ImportImageRequest,
    options: ChangeOptions = unconditionally,
  ): Promise<{ imageId: string; taskId: string }> {
    return importImage(this.#parts, this.#runner, request, options);
  }

  exportImage(request: ExportImageRequest, options: ChangeOptions = unconditionally): Promise<{ taskId: string }> {
    return exportImage(this.#parts, this.#runner, request, options);
  }

  exportSnapshot(
    request: ExportSnapshotRequest,
    options: ChangeOptions = unconditionally,
  ): Promise<{ taskId: string }> {
    return exportSnapshot(this.#parts, this.#runner, request, options);
  }

  shareImage(request: ShareImageRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return shareImage(this.#parts, request, options);
  }

  async listImageShares(imageId: string, paging: Paging): Promise<Page<ImageShare>> {
    const { queries } = this.#parts.catalog;
    await getImage(queries, imageId);
    return await listImageShares(queries, imageId, paging);
  }

  async deleteImage(
    request: { imageId: string; force: boolean },
    options: ChangeOptions = unconditionally,
  ): Promise<void> {
    await deleteImage(this.#parts, request, options);
    this.#collector.wake();
  }

  tagResources(request: TagResourcesRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return tagResources(this.#parts, request, options);
  }

  untagResources(request: UntagResourcesRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return untagResources(this.#parts, request, options);
  }

  listTagsOfResources(filter: TagsOfResourcesFilter, paging: Paging): Promise<Page<TagOfResource>> {
    return listTagsOfResources(this.#parts.catalog.queries, filter, paging);
  }

  countTags(filter: TagsOfResourcesFilter, paging: Paging): Promise<Page<TagCount>> {
    return countTags(this.#parts.catalog.queries, filter, paging);
  }

  listTasks(filter: TaskFilter, paging: Paging): Promise<Page<Task>> {
    return listTasks(this.#parts.catalog.queries, filter, paging);
  }

  getTask(taskId: string): Promise<Task> {
    return getTask(this.#parts.catalog.queries, taskId);
  }

  cancelTask(request: { taskId: string }, options: ChangeOptions = unconditionally): Promise<void> {
    return cancelTask(this.#parts, this.#runner, request, options);
  }

  beginImport(
    request: CreateDiskRequest,
    options: ChangeOptions = unconditionally,
  ): Promise<{ diskId: string; nbdUri: string }> {
    return beginImport(this.#parts, this.#runner, request, options);
  }

  completeImport(request: { diskId: string }): Promise<void> {
    return completeImport(this.#parts, this.#runner, this.#completions, request.diskId);
  }

  async fetchBase({ diskId, action }: ServeCalls['fetch']['request']): Promise<FetchReport> {
    if (action === 'start') await startFetch(this.#parts, this.#runner, this.#fetchNotes, diskId);
    if (action === 'stop') await stopFetch(this.#parts, this.#runner, diskId);
    return await describeFetch(this.#parts, this.#fetchNotes, diskId);
  }
}

async function ensureEmptyImage({ catalog, clock }: Parts): Promise<void> {
  const image = {
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
    image_family: '',
    image_version: '',
    boot_mode: 'BIOS',
    status: 'Available',
    failure_reason: null,
    deleted: 0,
  } as const;
  await ensureImage(catalog.queries, image, {
    image_id: EMPTY_IMAGE_ID,
    device: SYSTEM_DEVICE_NAME,
    type: 'system',
    size_gib: image.size_gib,
    snapshot_id: null,
    base: JSON.stringify({ snapshotId: null, tree: emptyTree }),
  });
}
