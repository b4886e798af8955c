/**
 * What the control plane is asked. The API layer has checked syntax (types, names, ranges, categories and sizes: `ecs/`);
 * the control plane checks everything that depends on state, and throws RequestError with the documented code.
 */
import type { DiskStatus, DiskType, InstanceStatus, SnapshotStatus, SnapshotUsage, Tag } from '../ecs/resources.ts';

/** A ClientToken (`ecs-api.md` 1.9): the same token and digest of parameters get the first result again. */
export interface Idempotency {
  action: string;
  token: string;
  /** SHA-256 of the business parameters. */
  parametersDigest: string;
}

export interface Paging {
  /** 1-based; ignored when `nextToken` is given. */
  pageNumber: number;
  pageSize: number;
  nextToken: string | null;
}

export interface CreateDiskRequest {
  zoneId: string;
  category: string;
  performanceLevel: string | null;
  /** Null only with a snapshot. The result is max(size, snapshot's size). */
  sizeGib: number | null;
  snapshotId: string | null;
  diskName: string;
  description: string;
  tags: Tag[];
}

export interface AttachDiskRequest {
  diskId: string;
  instanceId: string;
  device: string | null;
  deleteWithInstance: boolean;
}

export interface CreateSnapshotRequest {
  diskId: string;
  snapshotName: string | null;
  description: string;
  retentionDays: number | null;
  tags: Tag[];
}

export interface NewDisk {
  category: string;
  performanceLevel: string | null;
  sizeGib: number | null;
  snapshotId: string | null;
  diskName: string;
  description: string;
  device: string | null;
  deleteWithInstance: boolean;
}

export interface RunInstancesRequest {
  zoneId: string;
  imageId: string;
  instanceType: string;
  /** One name per instance; null means the instance id. */
  instanceNames: (string | null)[];
  hostName: string | null;
  description: string;
  amount: number;
  systemDisk: NewDisk;
  dataDisks: NewDisk[];
  tags: Tag[];
}

/** Tag filters AND together; a null value matches any. */
export interface TagFilter {
  key: string;
  value: string | null;
}

/** Absent members do not filter. All AND together. */
export interface DiskFilter {
  diskIds?: string[];
  instanceId?: string;
  zoneId?: string;
  diskName?: string;
  category?: string;
  type?: DiskType;
  status?: DiskStatus;
  sourceSnapshotId?: string;
  portable?: boolean;
  deleteWithInstance?: boolean;
  deleteAutoSnapshot?: boolean;
  enableAutoSnapshot?: boolean;
  createdFromMs?: number;
  tags?: TagFilter[];
}

export interface SnapshotFilter {
  snapshotIds?: string[];
  diskId?: string;
  /** Snapshots of the disks that are attached to this instance now. */
  instanceId?: string;
  snapshotName?: string;
  status?: SnapshotStatus;
  sourceDiskType?: DiskType;
  usage?: SnapshotUsage;
  createdFromMs?: number;
  createdUntilMs?: number;
  tags?: TagFilter[];
}

export interface InstanceFilter {
  instanceIds?: string[];
  /** `*` matches any run of characters. */
  instanceName?: string;
  instanceType?: string;
  imageId?: string;
  status?: InstanceStatus;
  zoneId?: string;
  privateIps?: string[];
  createdFromMs?: number;
  tags?: TagFilter[];
}

export interface ImageFilter {
  imageIds?: string[];
  imageName?: string;
  ownerAlias?: string;
  osType?: string;
  architecture?: string;
}
