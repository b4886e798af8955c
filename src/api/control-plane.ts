/** What the API needs of the control plane. `serve.ts` passes the real one (`control/`). */
import type { Signer } from '../access/principal.ts';
import type {
  Disk,
  DiskMonitorPoint,
  Image,
  Instance,
  Page,
  Recycled,
  RecycledTotals,
  Snapshot,
  SnapshotGroup,
  SnapshotChain,
  SnapshotMonitorPoint,
  SnapshotTotals,
  UndoTotals,
  ImageShare,
  TagCount,
  TagOfResource,
  Task,
} from '../ecs/resources.ts';
import type {
  AttachDiskRequest,
  ChangeDisksChargeRequest,
  ChangeInstancesChargeRequest,
  ChangeOptions,
  LockAccountRequest,
  RenewInstanceRequest,
  RenewalRequest,
  CopyImageRequest,
  CopySnapshotRequest,
  CreateDiskRequest,
  CreateImageRequest,
  CreateSnapshotGroupRequest,
  CreateSnapshotRequest,
  DeleteInstancesRequest,
  DetachDiskRequest,
  ItemOutcome,
  DiskMonitorRequest,
  LockSnapshotRequest,
  JoinResourceGroupRequest,
  ExportImageRequest,
  ExportSnapshotRequest,
  ImportImageRequest,
  ModifyDisksRequest,
  ModifyImageRequest,
  ModifyInstanceRequest,
  ModifySnapshotGroupRequest,
  ModifyDiskSpecRequest,
  ModifySnapshotCategoryRequest,
  ModifySnapshotRequest,
  PowerOutcome,
  PowerRequest,
  ReInitDiskRequest,
  ResetDiskRequest,
  ResetDisksRequest,
  ReplaceSystemDiskRequest,
  ResizeDiskRequest,
  RunInstancesRequest,
  SnapshotMonitorRequest,
  ShareImageRequest,
  TagResourcesRequest,
  UntagResourcesRequest,
} from '../control/requests.ts';
import type { ShownAccount } from '../control/account-lock.ts';
import type { Cost, CostQuestion } from '../control/metering.ts';
import type { PolicyPreview } from '../control/policies/preview.ts';
import type { CreatePolicyRequest, ModifyPolicyRequest, PolicyOfDisksRequest } from '../control/policies/requests.ts';
import type { LockReason } from '../ecs/operation-locks.ts';
import type { Events } from '../control/events.ts';
import type { ShownLock } from '../control/snapshot-locks.ts';
import type { Policy, PolicyAssociation, PolicyFilter, PolicyRun } from '../ecs/auto-snapshot-policy.ts';
import type {
  DiskFilter,
  ImageFilter,
  InstanceFilter,
  Paging,
  RecycledFilter,
  SnapshotChainFilter,
  SnapshotFilter,
  SnapshotGroupFilter,
  SnapshotLockFilter,
  TagsOfResourcesFilter,
  TaskFilter,
} from '../ecs/list-filters.ts';

/** Automatic snapshots (`control/policies/`). */
interface PolicyPlane {
  create(request: CreatePolicyRequest, options: ChangeOptions): Promise<{ policyId: string }>;
  modify(request: ModifyPolicyRequest, options: ChangeOptions): Promise<void>;
  delete(request: { policyId: string }, options: ChangeOptions): Promise<void>;
  apply(request: PolicyOfDisksRequest, options: ChangeOptions): Promise<void>;
  /** Without a policy: the one that each disk has. */
  cancel(request: { policyId: string | null; diskIds: string[] }, options: ChangeOptions): Promise<void>;
  list(filter: PolicyFilter, paging: Paging): Promise<Page<Policy>>;
  listAssociations(
    wanted: { policyId?: string; diskId?: string },
    paging: Pick<Paging, 'pageSize' | 'nextToken'>,
  ): Promise<Page<PolicyAssociation>>;
  listRuns(wanted: { policyId?: string }, paging: Paging): Promise<Page<PolicyRun>>;
  preview(asked: { policyId: string; runCount: number; diskId: string | null }): Promise<PolicyPreview>;
  /** The snapshots that go. */
  approve(subjectId: string): Promise<string[]>;
}

/** Extension (ECS has none): deleted snapshots and disks that can be restored. */
export interface RecycleBinPlane {
  list(filter: RecycledFilter, paging: Paging): Promise<Page<Recycled>>;
  restore(request: { resourceIds: string[] }, options: ChangeOptions): Promise<void>;
  empty(request: { resourceIds: string[] }, options: ChangeOptions): Promise<void>;
  emptyAll(options: ChangeOptions): Promise<void>;
}

/** Extension: what people are kept from by `ecs/operation-locks.ts`. */
export interface InstanceLockPlane {
  lock(
    request: { instanceId: string; reason: LockReason; releaseDays: number | null },
    options: ChangeOptions,
  ): Promise<void>;
  unlock(request: { instanceId: string; reason: LockReason }, options: ChangeOptions): Promise<void>;
  releaseTimes(instanceIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

/** What snapshots took and cost (`control/metering.ts`). */
interface MeteringPlane {
  /** Of the prices; null: there are none. */
  currency(): string | null;
  nowMs(): number;
  listCosts(question: CostQuestion): Promise<Cost[]>;
}

/** PrePaid instances and disks (`control/subscriptions.ts`). */
interface SubscriptionPlane {
  renew(request: RenewInstanceRequest, options: ChangeOptions): Promise<{ orderId: string }>;
  changeInstances(request: ChangeInstancesChargeRequest, options: ChangeOptions): Promise<{ orderId: string }>;
  changeDisks(request: ChangeDisksChargeRequest, options: ChangeOptions): Promise<{ orderId: string }>;
  setRenewal(request: RenewalRequest, options: ChangeOptions): Promise<void>;
}

/** Extension: arrears of the account. */
interface AccountPlane {
  lock(request: LockAccountRequest, options: ChangeOptions): Promise<void>;
  unlock(options: ChangeOptions): Promise<void>;
  /** Null: it is in order. */
  describe(): Promise<ShownAccount | null>;
}

export interface ControlPlane {
  readonly subscriptions: SubscriptionPlane;
  readonly accountLock: AccountPlane;
  readonly metering: MeteringPlane;
  readonly policies: PolicyPlane;
  readonly instanceLocks: InstanceLockPlane;
  readonly recycleBin: RecycleBinPlane;
  /** Extension: what happened, and whom it is told to. */
  readonly events: Pick<Events, 'feed' | 'webhooks'>;
  /** The order of one that is paid with its instance, or null. */
  createDisk(request: CreateDiskRequest, options: ChangeOptions): Promise<{ diskId: string; orderId: string | null }>;
  listDisks(filter: DiskFilter, paging: Paging): Promise<Page<Disk>>;
  attachDisk(request: AttachDiskRequest, options: ChangeOptions): Promise<void>;
  detachDisk(request: DetachDiskRequest, options: ChangeOptions): Promise<void>;
  deleteDisk(request: { diskId: string }, options: ChangeOptions): Promise<void>;
  resetDisk(request: ResetDiskRequest, options: ChangeOptions): Promise<void>;
  /** Of each disk. */
  resetDisks(request: ResetDisksRequest, options: ChangeOptions): Promise<ItemOutcome[]>;
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
  createSnapshotGroup(request: CreateSnapshotGroupRequest, options: ChangeOptions): Promise<{ groupId: string }>;
  listSnapshotGroups(filter: SnapshotGroupFilter, paging: Paging): Promise<Page<SnapshotGroup>>;
  modifySnapshotGroup(request: ModifySnapshotGroupRequest, options: ChangeOptions): Promise<void>;
  /** Of each of its snapshots. */
  deleteSnapshotGroup(request: { groupId: string }, options: ChangeOptions): Promise<ItemOutcome[]>;
  /** In the order of their disks' ids. */
  listSnapshotChains(filter: SnapshotChainFilter, paging: Paging): Promise<Page<SnapshotChain>>;
  /** Of all chains. */
  measureSnapshots(): Promise<SnapshotTotals & UndoTotals & RecycledTotals>;
  /** For each period that has samples, in order. */
  monitorDisk(request: DiskMonitorRequest): Promise<DiskMonitorPoint[]>;
  monitorSnapshots(request: SnapshotMonitorRequest): Promise<SnapshotMonitorPoint[]>;
  lockSnapshot(request: LockSnapshotRequest, options: ChangeOptions): Promise<ShownLock>;
  unlockSnapshot(request: { snapshotId: string }, options: ChangeOptions): Promise<void>;
  listLockedSnapshots(filter: SnapshotLockFilter, paging: Paging): Promise<Page<ShownLock>>;
  /** The order of what has a subscription, or null. */
  runInstances(
    request: RunInstancesRequest,
    options: ChangeOptions,
  ): Promise<{ instanceIds: string[]; orderId: string | null }>;
  listInstances(filter: InstanceFilter, paging: Paging): Promise<Page<Instance>>;
  powerInstances(request: PowerRequest, options: ChangeOptions): Promise<PowerOutcome[]>;
  modifyInstance(request: ModifyInstanceRequest, options: ChangeOptions): Promise<void>;
  /** Base64; blank for an instance without any. */
  getUserData(instanceId: string): Promise<string>;
  deleteInstances(request: DeleteInstancesRequest, options: ChangeOptions): Promise<void>;
  createImage(request: CreateImageRequest, options: ChangeOptions): Promise<{ imageId: string }>;
  listImages(filter: ImageFilter, paging: Paging): Promise<Page<Image>>;
  modifyImage(request: ModifyImageRequest, options: ChangeOptions): Promise<void>;
  /** Files of the exchange folder become an image; the task tells when. */
  importImage(request: ImportImageRequest, options: ChangeOptions): Promise<{ imageId: string; taskId: string }>;
  copySnapshot(request: CopySnapshotRequest, options: ChangeOptions): Promise<{ snapshotId: string }>;
  copyImage(request: CopyImageRequest, options: ChangeOptions): Promise<{ imageId: string }>;
  cancelCopyImage(request: { imageId: string }, options: ChangeOptions): Promise<void>;
  exportImage(request: ExportImageRequest, options: ChangeOptions): Promise<{ taskId: string }>;
  exportSnapshot(request: ExportSnapshotRequest, options: ChangeOptions): Promise<{ taskId: string }>;
  shareImage(request: ShareImageRequest, options: ChangeOptions): Promise<void>;
  /** Throws `InvalidImageId.NotFound`. */
  listImageShares(imageId: string, paging: Paging): Promise<Page<ImageShare>>;
  deleteImage(request: { imageId: string; force: boolean }, options: ChangeOptions): Promise<void>;
  tagResources(request: TagResourcesRequest, options: ChangeOptions): Promise<void>;
  untagResources(request: UntagResourcesRequest, options: ChangeOptions): Promise<void>;
  joinResourceGroup(request: JoinResourceGroupRequest, options: ChangeOptions): Promise<void>;
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
  /** RequestErrors InvalidAccessKeyId.NotFound, .Inactive, InvalidSecurityToken.Malformed, .MismatchWithAccessKey, .Expired. */
  getSigner(accessKeyId: string, securityToken: string | null): Signer;
}
