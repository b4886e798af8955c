/** ECS's resources as the catalog keeps them and the API shows them. Pure data; times are milliseconds since 1970. */
import type { DiskPerformance } from './disk-performance.ts';

export type DiskStatus = 'Creating' | 'Available' | 'Attaching' | 'In_use' | 'Detaching' | 'ReIniting';
export type InstanceStatus = 'Pending' | 'Starting' | 'Running' | 'Stopping' | 'Stopped';
export type SnapshotStatus = 'progressing' | 'accomplished' | 'failed';
export type SnapshotCategory = 'standard' | 'archive';
export type ImageStatus = 'Creating' | 'Available' | 'CreateFailed' | 'Deprecated';
export type SnapshotUsage = 'none' | 'image' | 'disk' | 'image_disk';
export type DiskType = 'system' | 'data';

export interface Tag {
  key: string;
  value: string;
}

export interface Disk {
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
  sourceSnapshotId: string | null;
  imageId: string | null;
  /** Attached to a running instance at least once, or imported. */
  everAttached: boolean;
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
  /** Bytes that a full restore writes; null while progressing. */
  fullSizeBytes: number | null;
  tags: Tag[];
}

export interface Instance {
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
  tags: Tag[];
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
  /** Whether it is shared with another account. */
  isShared: boolean;
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

/** What can have tags (`ecs-api.md` 2.6). */
export type TaggedType = 'instance' | 'disk' | 'snapshot' | 'image';

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
