/**
 * What the control plane is asked. The API layer has checked syntax (types, names, ranges, categories and sizes: `ecs/`);
 * the control plane checks everything that depends on state, and throws RequestError with the documented code.
 */
import type { MonitorSpan } from '../ecs/monitor-rules.ts';
import type { TagFilter } from '../ecs/list-filters.ts';
import type { Period, ChargeType, RenewalStatus } from '../ecs/subscription.ts';
import type { DiskType, InstanceStatus, SnapshotCategory, Tag, TaggedType } from '../ecs/resources.ts';

/** A ClientToken (`ecs-api.md` 1.9): the same token and digest of parameters get the first result again. */
export interface Idempotency {
  action: string;
  token: string;
  /** SHA-256 of the business parameters. */
  parametersDigest: string;
}

/** How a change is asked for. */
export interface ChangeOptions {
  idempotency: Idempotency | null;
  /** All checks are made, nothing is changed, and success is the RequestError `DryRunOperation` (`ecs-api.md` 1.10). */
  dryRun: boolean;
}

export interface CreateDiskRequest {
  /** Of a disk of `instanceId` that of the instance. */
  zoneId: string;
  /** A PrePaid instance that it is attached to and paid with; absent or null: none. */
  instanceId?: string | null;
  category: string;
  performanceLevel: string | null;
  /** Null only with a snapshot. The result is max(size, snapshot's size). */
  sizeGib: number | null;
  snapshotId: string | null;
  diskName: string;
  description: string;
  resourceGroupId: string;
  tags: Tag[];
  /** An automatic snapshot policy that is applied to it. */
  policyId?: string | null;
}

export interface AttachDiskRequest {
  diskId: string;
  instanceId: string;
  device: string | null;
  deleteWithInstance: boolean;
  /** As the instance's system disk. */
  bootable: boolean;
}

export interface DetachDiskRequest {
  diskId: string;
  instanceId: string;
  /** Null: as the action's default says. */
  deleteWithInstance: boolean | null;
}

export interface ResizeDiskRequest {
  diskId: string;
  sizeGib: number;
  /** Clients that connect from now on see the new size either way; `online` needs a running instance. */
  online: boolean;
}

export interface ResetDiskRequest {
  diskId: string;
  snapshotId: string;
}

export interface ResetDisksRequest {
  disks: ResetDiskRequest[];
}

export interface ReInitDiskRequest {
  diskId: string;
  autoStartInstance: boolean;
}

/** Absent members stay as they are. */
export interface ModifyDisksRequest {
  diskIds: string[];
  diskName?: string;
  description?: string;
  deleteWithInstance?: boolean;
  deleteAutoSnapshot?: boolean;
  enableAutoSnapshot?: boolean;
}

export interface ReplaceSystemDiskRequest {
  instanceId: string;
  imageId: string;
  /** Null: as large as the old one and the image need, and 40 at least. */
  sizeGib: number | null;
}

/** What is null stays as it is. */
export interface ModifyDiskSpecRequest {
  diskId: string;
  category: string | null;
  performanceLevel: string | null;
}

export interface ModifySnapshotRequest {
  snapshotId: string;
  snapshotName?: string;
  description?: string;
  retentionDays?: number;
}

export interface ModifySnapshotCategoryRequest {
  snapshotId: string;
  category: SnapshotCategory;
  /** Absent: as it is. */
  retentionDays?: number;
}

export interface CreateSnapshotRequest {
  diskId: string;
  snapshotName: string | null;
  description: string;
  retentionDays: number | null;
  resourceGroupId: string;
  tags: Tag[];
}

export interface CopySnapshotRequest {
  snapshotId: string;
  destinationRegionId: string;
  snapshotName: string | null;
  description: string;
  /** Absent or null: for ever. */
  retentionDays?: number | null;
  resourceGroupId: string;
  tags: Tag[];
  /** For a policy. */
  automatic?: boolean;
}

export interface CopyImageRequest {
  imageId: string;
  /** Null: this one. */
  destinationRegionId: string | null;
  /** Null: the image id. */
  imageName: string | null;
  description: string;
  resourceGroupId: string;
  tags: Tag[];
}

export interface CreateSnapshotGroupRequest {
  /** All its disks; null: those of `diskIds`, of one or several instances. */
  instanceId: string | null;
  /** With an instance: only these of its disks, or all where there are none. */
  diskIds: string[];
  excludedDiskIds: string[];
  groupName: string;
  description: string;
  resourceGroupId: string;
  tags: Tag[];
}

/** Absent members stay as they are. */
export interface ModifySnapshotGroupRequest {
  groupId: string;
  groupName?: string;
  description?: string;
}

/** Of one of several things that an action is about. */
export interface ItemOutcome {
  id: string;
  /** Null: it is done, or goes on. */
  refusal: { code: string; message: string } | null;
}

/** See `ecs/lock-rules.ts`. */
export interface LockSnapshotRequest {
  snapshotId: string;
  lockDays: number;
  coolOffHours: number;
}

export interface DiskMonitorRequest extends MonitorSpan {
  diskId: string;
}

export interface SnapshotMonitorRequest extends MonitorSpan {
  /** `standard`, `flash` or `archive`. */
  category: string;
}

export interface NewDisk {
  category: string;
  performanceLevel: string | null;
  /** Null: as large as what it is made from, or the default of a system disk. */
  sizeGib: number | null;
  snapshotId: string | null;
  diskName: string;
  description: string;
  device: string | null;
  deleteWithInstance: boolean;
  /** An automatic snapshot policy that is applied to it. */
  policyId?: string | null;
}

/** What the actions for one and for several instances have in common; those for one pass one id. */
export interface PowerRequest {
  change: 'start' | 'stop' | 'reboot';
  instanceIds: string[];
  force: boolean;
  /** False: all are changed or none. True: each by itself, and the outcome tells which were refused. */
  successFirst: boolean;
}

/** Of one instance; `code` is `200` or the code of the refusal. */
export interface PowerOutcome {
  instanceId: string;
  code: string;
  message: string;
  previousStatus: InstanceStatus | null;
  currentStatus: InstanceStatus | null;
}

export interface DeleteInstancesRequest {
  instanceIds: string[];
  /** Running ones too. */
  force: boolean;
  /** PrePaid ones too, where their subscription is over. */
  terminate?: boolean;
  /** Only if their locks are to release them by then, which nothing else keeps from that. */
  dueAtMs?: number;
}

/** Absent members stay as they are. */
export interface ModifyInstanceRequest {
  instanceId: string;
  instanceName?: string;
  description?: string;
  hostName?: string;
  deletionProtection?: boolean;
  /** Base64. */
  userData?: string;
}

/** A disk of the image that is asked for; a snapshot, or an empty data disk. */
export interface ImageDiskRequest {
  device: string | null;
  type: DiskType | null;
  sizeGib: number | null;
  snapshotId: string | null;
}

export interface CreateImageRequest {
  /** The first of the three that is not null counts. */
  instanceId: string | null;
  disks: ImageDiskRequest[] | null;
  snapshotId: string | null;
  /** Null: the image id. */
  imageName: string | null;
  description: string;
  imageFamily: string;
  imageVersion: string;
  /** Null: as the instance's image has it, else the default. */
  architecture: string | null;
  platform: string | null;
  bootMode: string | null;
  resourceGroupId: string;
  tags: Tag[];
}

/** The first disk is the system disk. */
export interface ImportImageRequest {
  /** `format` null: whatever it is; `sizeGib` null: as large as it is. */
  disks: {
    place: { bucket: string; object: string };
    format: 'raw' | 'qcow2' | 'vhd' | null;
    sizeGib: number | null;
  }[];
  /** Null: the image id. */
  imageName: string | null;
  description: string;
  architecture: string | null;
  platform: string | null;
  bootMode: string | null;
  tags: Tag[];
  resourceGroupId: string;
}

/** Account ids. */
export interface ShareImageRequest {
  imageId: string;
  added: string[];
  removed: string[];
}

export interface ExportImageRequest {
  imageId: string;
  bucket: string;
  /** Empty: none. */
  prefix: string;
  format: 'raw' | 'vhd' | 'qcow2' | 'vmdk' | 'vdi';
}

export interface ExportSnapshotRequest {
  snapshotId: string;
  bucket: string;
}

/** Absent members stay as they are. */
export interface ModifyImageRequest {
  imageId: string;
  imageName?: string;
  description?: string;
  imageFamily?: string;
  bootMode?: string;
  status?: 'Available' | 'Deprecated';
}

export interface TagResourcesRequest {
  resourceType: TaggedType;
  resourceIds: string[];
  tags: Tag[];
}

export interface UntagResourcesRequest {
  resourceType: TaggedType;
  resourceIds: string[];
  /** Null: every tag. A null value: whatever the value is. */
  tags: TagFilter[] | null;
}

export interface JoinResourceGroupRequest {
  resourceType: TaggedType;
  resourceId: string;
  resourceGroupId: string;
}

export interface RunInstancesRequest {
  zoneId: string;
  /** Null: the newest Available image of `imageFamily`. */
  imageId: string | null;
  imageFamily: string | null;
  instanceType: string;
  /** One name per instance; null means the instance id. */
  instanceNames: (string | null)[];
  /** One per instance; null means one that is derived from the instance id. */
  hostNames: (string | null)[];
  description: string;
  amount: number;
  systemDisk: NewDisk;
  dataDisks: NewDisk[];
  deletionProtection: boolean;
  /** Base64, for each instance; null: none. */
  userData: string | null;
  /** False leaves them Stopped (CreateInstance). */
  start: boolean;
  /** Of the instances and their disks. */
  resourceGroupId: string;
  tags: Tag[];
  /** Absent or null: PostPaid. */
  subscription?: { period: Period; renewal: Period | null } | null;
}

export interface RenewInstanceRequest {
  instanceId: string;
  period: Period;
}

export interface ChangeInstancesChargeRequest {
  instanceIds: readonly string[];
  chargeType: ChargeType;
  /** Null: to PostPaid. */
  period: Period | null;
  /** To PrePaid: all data disks that are attached too. */
  includesDataDisks: boolean;
}

export interface ChangeDisksChargeRequest {
  instanceId: string;
  diskIds: string[];
  chargeType: ChargeType;
}

export interface RenewalRequest {
  instanceIds: string[];
  status: RenewalStatus;
  /** What `AutoRenewal` renews by. */
  period: Period;
}

export interface LockAccountRequest {
  /** When what the snapshot service keeps is deleted; null: never. */
  deleteAfterDays: number | null;
}
