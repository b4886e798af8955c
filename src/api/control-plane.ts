/** What the API needs of the control plane. `serve.ts` passes the real one (`control/`). */
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
} from '../control/requests.ts';
import type {
  DiskFilter,
  ImageFilter,
  InstanceFilter,
  Paging,
  SnapshotFilter,
  TagsOfResourcesFilter,
  TaskFilter,
} from '../ecs/list-filters.ts';

export interface ControlPlane {
  createDisk(request: CreateDiskRequest, options: ChangeOptions): Promise<{ diskId: string }>;
  listDisks(filter: DiskFilter, paging: Paging): Promise<Page<Disk>>;
  attachDisk(request: AttachDiskRequest, options: ChangeOptions): Promise<void>;
  detachDisk(request: DetachDiskRequest, options: ChangeOptions): Promise<void>;
  deleteDisk(request: { diskId: string }, options: ChangeOptions): Promise<void>;
  resetDisk(request: { diskId: string; snapshotId: string }, options: ChangeOptions): Promise<void>;
  reInitDisk(request: ReInitDiskRequest, options: ChangeOptions): Promise<void>;
  resizeDisk(request: ResizeDiskRequest, options: ChangeOptions): Promise<void>;
  modifyDisks(request: ModifyDisksRequest, options: ChangeOptions): Promise<void>;
  replaceSystemDisk(request: ReplaceSystemDiskRequest, options: ChangeOptions): Promise<{ diskId: string }>;
  /** The task of a change that goes on after the answer, or null. */
  modifyDiskSpec(request: ModifyDiskSpecRequest, options: ChangeOptions): Promise<{ taskId: string | null }>;
  createSnapshot(request: CreateSnapshotRequest, options: ChangeOptions): Promise<{ snapshotId: string }>;
  listSnapshots(filter: SnapshotFilter, paging: Paging): Promise<Page<Snapshot>>;
  modifySnapshot(request: ModifySnapshotRequest, options: ChangeOptions): Promise<void>;
  modifySnapshotCategory(
    request: ModifySnapshotCategoryRequest,
    options: ChangeOptions,
  ): Promise<{ taskId: string | null }>;
  deleteSnapshot(request: { snapshotId: string; force: boolean }, options: ChangeOptions): Promise<void>;
  runInstances(request: RunInstancesRequest, options: ChangeOptions): Promise<{ instanceIds: string[] }>;
  listInstances(filter: InstanceFilter, paging: Paging): Promise<Page<Instance>>;
  powerInstances(request: PowerRequest, options: ChangeOptions): Promise<PowerOutcome[]>;
  modifyInstance(request: ModifyInstanceRequest, options: ChangeOptions): Promise<void>;
  deleteInstances(request: DeleteInstancesRequest, options: ChangeOptions): Promise<void>;
  createImage(request: CreateImageRequest, options: ChangeOptions): Promise<{ imageId: string }>;
  listImages(filter: ImageFilter, paging: Paging): Promise<Page<Image>>;
  modifyImage(request: ModifyImageRequest, options: ChangeOptions): Promise<void>;
  /** Files of the exchange folder become an image; the task tells when. */
  importImage(request: ImportImageRequest, options: ChangeOptions): Promise<{ imageId: string; taskId: string }>;
  exportImage(request: ExportImageRequest, options: ChangeOptions): Promise<{ taskId: string }>;
  exportSnapshot(request: ExportSnapshotRequest, options: ChangeOptions): Promise<{ taskId: string }>;
  shareImage(request: ShareImageRequest, options: ChangeOptions): Promise<void>;
  /** Throws `InvalidImageId.NotFound`. */
  listImageShares(imageId: string, paging: Paging): Promise<Page<ImageShare>>;
  deleteImage(request: { imageId: string; force: boolean }, options: ChangeOptions): Promise<void>;
  tagResources(request: TagResourcesRequest, options: ChangeOptions): Promise<void>;
  untagResources(request: UntagResourcesRequest, options: ChangeOptions): Promise<void>;
  /** The tags of resources, one each, ordered by resource and key. */
  listTagsOfResources(filter: TagsOfResourcesFilter, paging: Paging): Promise<Page<TagOfResource>>;
  /** Each different tag once, ordered by key and value. */
  countTags(filter: TagsOfResourcesFilter, paging: Paging): Promise<Page<TagCount>>;
  listTasks(filter: TaskFilter, paging: Paging): Promise<Page<Task>>;
  /** Throws `InvalidTaskId.NotFound`. */
  getTask(taskId: string): Promise<Task>;
  cancelTask(request: { taskId: string }, options: ChangeOptions): Promise<void>;
  /**
   * Extension (no ECS action does this): a new disk in state `Creating` whose `nbdUri` a local importer writes to.
   * It goes away by itself when no client is connected to it for 60 s.
   */
  beginImport(request: CreateDiskRequest, options: ChangeOptions): Promise<{ diskId: string; nbdUri: string }>;
  /** Flushes, closes the socket and makes the disk `Available` and used. */
  completeImport(request: { diskId: string }): Promise<void>;
}

/** Nonces seen lately (`SignatureNonceUsed`); kept across restarts for longer than a timestamp is accepted. */
export interface NonceLog {
  /** False when `nonce` was seen before with this key. */
  accept(accessKeyId: string, nonce: string, nowMs: number): boolean;
}

export interface AccessKeys {
  /** The secret, or null for an unknown key. */
  find(accessKeyId: string): string | null;
}
