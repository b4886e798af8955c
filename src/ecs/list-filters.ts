/** What lists can be asked for: filters and pages, from the API's words to the catalog's queries. */
import type {
  DiskStatus,
  DiskType,
  ImageStatus,
  InstanceStatus,
  RecycledType,
  SnapshotGroupStatus,
  SnapshotLockStatus,
  SnapshotCategory,
  SnapshotStatus,
  SnapshotUsage,
  TaggedType,
  TaskStatus,
} from './resources.ts';
import type { ChargeType, RenewalStatus } from './subscription.ts';

export interface Paging {
  /** 1-based; ignored when `nextToken` is given. */
  pageNumber: number;
  pageSize: number;
  nextToken: string | null;
}

/** Tag filters AND together; a null value matches any. */
export interface TagFilter {
  key: string;
  value: string | null;
}

/** What every list of resources can be filtered by. Absent members do not filter; all AND together. */
export interface ResourceFilter {
  createdFromMs?: number;
  createdUntilMs?: number;
  resourceGroupId?: string;
  tags?: TagFilter[];
}

export interface DiskFilter extends ResourceFilter {
  /** Of the instance that it is attached to. */
  lockReason?: string;
  diskIds?: string[];
  instanceId?: string;
  zoneId?: string;
  diskName?: string;
  category?: string;
  type?: DiskType;
  status?: DiskStatus;
  sourceSnapshotId?: string;
  portable?: boolean;
  chargeType?: ChargeType;
  deleteWithInstance?: boolean;
  deleteAutoSnapshot?: boolean;
  enableAutoSnapshot?: boolean;
  /** This policy is applied to it. */
  policyId?: string;
  /** Any policy is applied to it, or none. */
  hasPolicy?: boolean;
}

export interface SnapshotFilter extends ResourceFilter {
  snapshotIds?: string[];
  diskId?: string;
  /** Snapshots of the disks that are attached to this instance now. */
  instanceId?: string;
  groupId?: string;
  snapshotName?: string;
  status?: SnapshotStatus;
  category?: SnapshotCategory;
  sourceDiskType?: DiskType;
  usage?: SnapshotUsage;
  /** Whether a policy made it. */
  automatic?: boolean;
  /** Only those that keep what a rollback replaced, or none of them. Absent: none, but those that `snapshotIds` names. */
  undo?: boolean;
}

export interface SnapshotGroupFilter {
  groupIds?: string[];
  groupName?: string;
  instanceId?: string;
  resourceGroupId?: string;
  /** One of these. */
  statuses?: SnapshotGroupStatus[];
  tags?: TagFilter[];
}

export interface SnapshotChainFilter {
  /** Of one of these disks. */
  diskIds?: string[];
  /** Of the disks that are attached to this instance now. */
  instanceId?: string;
}

export interface SnapshotLockFilter {
  /** Of these; none at all is InvalidSnapshotLock.NotFound. */
  snapshotIds?: string[];
  status?: SnapshotLockStatus;
}

export interface InstanceFilter extends ResourceFilter {
  lockReason?: string;
  instanceIds?: string[];
  /** `*` matches any run of characters. */
  instanceName?: string;
  instanceType?: string;
  imageId?: string;
  status?: InstanceStatus;
  zoneId?: string;
  privateIps?: string[];
  networkInterfaceIds?: string[];
  chargeType?: ChargeType;
  /** As people's clock shows it; one that is PostPaid ends in 2999. */
  expiresFromMs?: number;
  expiresUntilMs?: number;
  renewalStatus?: RenewalStatus;
}

export interface ImageFilter extends ResourceFilter {
  imageIds?: string[];
  /** Part of the name. */
  imageName?: string;
  ownerAlias?: string;
  osType?: string;
  /** One of these. */
  architectures?: string[];
  imageFamily?: string;
  /** An image of one of these. */
  statuses?: ImageStatus[];
  /** Made with this snapshot. */
  snapshotId?: string;
  /** Whether an instance that was made from it is there. */
  isUsed?: boolean;
}

export interface TaskFilter {
  taskIds?: string[];
  resourceIds?: string[];
  action?: string;
  status?: TaskStatus;
  createdFromMs?: number;
  createdUntilMs?: number;
}

/** Absent members do not filter. */
export interface RecycledFilter {
  resourceType?: RecycledType;
  resourceIds?: string[];
  /** The disk, and the snapshots of it. */
  diskId?: string;
}

/** Absent members do not filter. */
export interface TagsOfResourcesFilter {
  resourceType?: TaggedType;
  resourceIds?: string[];
  /** Listed by resource: resources that have all of these. Counted: tags that are one of these. */
  tags?: TagFilter[];
  /** Resources that have a tag for each of these. */
  tagPatterns?: TagPattern[];
}

/** `*` matches any run of characters. No values: any. */
export interface TagPattern {
  key: string;
  /** One of them. */
  values: string[];
}
