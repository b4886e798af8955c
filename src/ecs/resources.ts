/** ECS's resources as the catalog keeps them and the API shows them. Pure data; times are milliseconds since 1970. */
import type { DiskPerformance } from './disk-performance.ts';
import type { LockReason } from './operation-locks.ts';
import type { Period, RenewalStatus } from './subscription.ts';

export type DiskStatus = 'Creating' | 'Available' | 'Attaching' | 'In_use' | 'Detaching' | 'ReIniting';
export type InstanceStatus = 'Pending' | 'Starting' | 'Running' | 'Stopping' | 'Stopped';
export type SnapshotStatus = 'progressing' | 'accomplished' | 'failed';
export type SnapshotGroupStatus = SnapshotStatus;
export type SnapshotCategory = 'standard' | 'archive';
export type ImageStatus = 'Creating' | 'Available' | 'CreateFailed' | 'Deprecated';
export type SnapshotUsage = 'none' | 'image' | 'disk' | 'image_disk';
export type DiskType = 'system' | 'data';

export interface Tag {
  key: string;
  value: string;
}

export interface Disk {
  /** Of the instance that it is attached to. */
  locks: readonly LockReason[];
  diskId: string;
  zoneId: string;
  diskName: string;
  description: string;
  category: string;
  /** `PL0`–`PL3`, only for `cloud_essd`. */
  performanceLevel: string | null;
  sizeGib: number;
  status: DiskStatus;
  type: DiskType;
  createdAtMs: number;
  attachedAtMs: number | null;
  detachedAtMs: number | null;
  instanceId: string | null;
  device: string | null;
  deleteWithInstance: boolean;
  deleteAutoSnapshot: boolean;
  enableAutoSnapshot: boolean;
  portable: boolean;
  /** When the subscription that it is of ends, as people's clock shows it; null: it is PostPaid. */
  expiresAtMs: number | null;
  sourceSnapshotId: string | null;
  imageId: string | null;
  /** Attached to a running instance at least once, or imported. */
  everAttached: boolean;
  /** The automatic snapshot policies that are applied to it, by itself or by its instance's tags; the first applied first. */
  policyIds: string[];
  /** `rg-…`. */
  resourceGroupId: string;
  tags: Tag[];
  /** `nbd+unix:///<DiskId>?socket=…` while the data plane serves it, else null. */
  nbdUri: string | null;
  /** What its clients are held to; null where disks are as fast as they can be. */
  performance: DiskPerformance | null;
}

export interface Snapshot {
  snapshotId: string;
  snapshotName: string | null;
  description: string;
  status: SnapshotStatus;
  /** 0–100. */
  progressPercent: number;
  /** Whole seconds, estimated; 0 when finished. */
  remainingSeconds: number;
  /** Usable for rollback and CreateDisk. */
  available: boolean;
  /** The instant of the freeze. */
  createdAtMs: number;
  modifiedAtMs: number;
  sourceDiskId: string;
  sourceDiskSizeGib: number;
  sourceDiskType: DiskType;
  retentionDays: number | null;
  category: SnapshotCategory;
  usage: SnapshotUsage;
  /** Why it is `failed`, for people; null otherwise. */
  failureReason: string | null;
  /** A policy made it. */
  isAutomatic: boolean;
  /** When one that keeps what a rollback replaced is deleted; null for any other. */
  undoUntilMs: number | null;
  /** Of a copy, what it is a copy of; null for any other. */
  copyOf: { regionId: string; snapshotId: string } | null;
  /** Bytes that a full restore writes; null while progressing. */
  fullSizeBytes: number | null;
  /** `rg-…`. */
  resourceGroupId: string;
  tags: Tag[];
}

export interface SnapshotGroup {
  groupId: string;
  groupName: string;
  description: string;
  /** Where all its disks were attached to one instance. */
  instanceId: string | null;
  /** The instant of the freeze. */
  createdAtMs: number;
  resourceGroupId: string;
  /** `progressing` while one of its snapshots is, else `failed` when one is. */
  status: SnapshotGroupStatus;
  /** 0–100: the mean of its snapshots. */
  progressPercent: number;
  /** Those that are not deleted. */
  snapshots: Snapshot[];
  tags: Tag[];
}

/** The snapshots of a disk that there are, without those that failed. */
export interface SnapshotChain {
  diskId: string;
  /** Null once the disk is deleted. */
  diskName: string | null;
  diskSizeGib: number;
  diskType: DiskType;
  instanceId: string | null;
  instanceName: string | null;
  totals: SnapshotTotals;
}

export interface SnapshotTotals {
  snapshotCount: number;
  /** Of what is counted: each chunk as often as one of them recorded it. */
  sizeBytes: number;
  /** Snapshots that are not in `sizeBytes`: progressing, or not counted yet. */
  uncountedCount: number;
  /** Of those, how many are not stored yet. */
  unstoredCount: number;
}

/** What is kept for undoing rollbacks, which is in no other total. */
export interface UndoTotals {
  undoCount: number;
  /** What it takes besides the snapshots. */
  undoBytes: number;
}

/** The snapshots in the recycle bin, which are in no other total. */
export interface RecycledTotals {
  recycledCount: number;
  /** What they take besides the snapshots and what is kept for undoing. */
  recycledBytes: number;
}

/** What a disk did in a time, on average. */
export interface DiskMonitorPoint {
  /** When the time began. */
  atMs: number;
  readsPerSecond: number;
  writesPerSecond: number;
  readBytesPerSecond: number;
  writtenBytesPerSecond: number;
  /** Of a read and of a write, microseconds; 0 when there was none. */
  readMicros: number;
  writeMicros: number;
}

/** What all snapshots of a category took at the end of a time. */
export interface SnapshotMonitorPoint {
  atMs: number;
  sizeBytes: number;
}

export type SnapshotLockStatus = 'compliance-cooloff' | 'compliance' | 'expired';

export interface SnapshotLock {
  snapshotId: string;
  lockDays: number;
  coolOffHours: number;
  createdAtMs: number;
  coolOffUntilMs: number;
  /** When the snapshot was accomplished, or later locked: the lock's days count from then on. Null: not accomplished yet. */
  startedAtMs: number | null;
  expiresAtMs: number | null;
}

export interface Instance {
  locks: readonly LockReason[];
  instanceId: string;
  instanceName: string;
  hostName: string;
  description: string;
  zoneId: string;
  instanceType: string;
  imageId: string;
  status: InstanceStatus;
  createdAtMs: number;
  startedAtMs: number | null;
  serialNumber: string;
  macAddress: string;
  privateIp: string;
  networkInterfaceId: string;
  deletionProtection: boolean;
  /** `rg-…`. */
  resourceGroupId: string;
  tags: Tag[];
  /** When its subscription ends, as people's clock shows it; null: it is PostPaid. */
  expiresAtMs: number | null;
  renewalStatus: RenewalStatus;
  /** What it is renewed by while it is `AutoRenewal`; else null. */
  renewal: Period | null;
}

export interface Image {
  imageId: string;
  imageName: string;
  description: string;
  ownerAlias: 'system' | 'self';
  sizeGib: number;
  osType: 'linux' | 'windows';
  osName: string;
  platform: string;
  architecture: string;
  createdAtMs: number;
  imageFamily: string;
  imageVersion: string;
  /** `BIOS`, `UEFI` or `UEFI-Preferred`. */
  bootMode: string;
  status: ImageStatus;
  /** Why it is `CreateFailed`, for people; null otherwise. */
  failureReason: string | null;
  /** 0–100: how much of its snapshots is stored. */
  progressPercent: number;
  /** System disk first, then in device order. Empty for the public image. */
  disks: ImageDisk[];
  /** Whether an instance that was made from it is there. */
  isUsed: boolean;
  /** `rg-…`; blank for public images. */
  resourceGroupId: string;
  /** Whether it is shared with another account. */
  isShared: boolean;
  /** Whether it was made of snapshots that came by copying. */
  isCopied: boolean;
  tags: Tag[];
}

/** With whom an image is shared. */
export interface ImageShare {
  accountId: string;
  sharedAtMs: number;
}

export interface ImageDisk {
  device: string;
  type: DiskType;
  sizeGib: number;
  /** Null for an empty disk. */
  snapshotId: string | null;
}

export type TaskAction = 'ImportImage' | 'ExportImage' | 'ExportSnapshot' | 'ModifyDiskSpec' | 'ArchiveSnapshot';
export type RecycledType = 'disk' | 'snapshot';

/** A snapshot or a disk that was deleted and can be restored. */
export interface Recycled {
  resourceId: string;
  resourceType: RecycledType;
  name: string | null;
  sizeGib: number;
  /** The disk, or the one that the snapshot is of. */
  diskId: string;
  deletedAtMs: number;
  /** When it goes for good. */
  goesAtMs: number;
  /** What that gives back; null while it is not known. */
  heldBytes: number | null;
}

export type TaskStatus = 'Processing' | 'Finished' | 'Failed';

export interface Task {
  taskId: string;
  action: TaskAction;
  status: TaskStatus;
  resourceId: string;
  /** Whether CancelTask may end it while it is `Processing`. */
  cancellable: boolean;
  progressPercent: number;
  createdAtMs: number;
  /** Null while it is `Processing`. */
  finishedAtMs: number | null;
  /** How many parts it has, and those that have ended. */
  partCount: number;
  endedParts: TaskPart[];
}

/** What a part of a task came to. */
export interface TaskPart {
  /** Null when it succeeded. */
  errorCode: string | null;
  /** For people. */
  errorMessage: string | null;
  /** What it made, by name. */
  items: Record<string, string>;
}

/** What can have tags and is in a resource group (`ecs-api.md` 2.6). */
export type TaggedType = 'instance' | 'disk' | 'snapshot' | 'image' | 'snapshotgroup' | 'snapshotpolicy';

export interface TagOfResource extends Tag {
  resourceId: string;
  resourceType: TaggedType;
}

/** A tag, and how many resources of each type have it. */
export interface TagCount extends Tag {
  counts: Record<TaggedType, number>;
}

/** A page of an ordered list. */
export interface Page<T> {
  items: T[];
  totalCount: number;
  /** Opaque; null when nothing remains. */
  nextToken: string | null;
}
