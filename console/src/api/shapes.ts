/** What the answers of the API hold, as far as the console shows it (`docs/api.md`). */
export interface TagPair {
  TagKey: string;
  TagValue: string;
}

export interface Tags {
  Tags: { Tag: TagPair[] };
}

export interface Region {
  RegionId: string;
  LocalName: string;
}

export interface Disk extends Tags {
  DiskId: string;
  DiskName: string;
  Description: string;
  ZoneId: string;
  Type: 'system' | 'data';
  Category: string;
  PerformanceLevel: string;
  Size: number;
  Status: string;
  CreationTime: string;
  DiskChargeType: string;
  SourceSnapshotId: string;
  ImageId: string;
  AutoSnapshotPolicyId: string;
  InstanceId: string;
  Device: string;
  DeleteWithInstance: boolean;
  DeleteAutoSnapshot: boolean;
  OperationLocks: { OperationLock: { LockReason: string }[] };
  NbdUri?: string;
}

export interface Snapshot extends Tags {
  SnapshotId: string;
  SnapshotName?: string;
  Description: string;
  SnapshotType: 'user' | 'auto' | 'undo';
  Status: 'progressing' | 'accomplished' | 'failed';
  Progress: string;
  RemainTime: number;
  Available: boolean;
  CreationTime: string;
  SourceDiskId: string;
  SourceDiskSize: string | number;
  SourceDiskType: string;
  Usage: string;
  RetentionDays?: number;
  FullSnapshotSizeInBytes?: number;
  FailureReason?: string;
}

export interface Instance extends Tags {
  InstanceId: string;
  InstanceName: string;
  Description: string;
  HostName: string;
  Status: string;
  InstanceType: string;
  Cpu: number;
  Memory: number;
  ZoneId: string;
  ImageId: string;
  CreationTime: string;
  ExpiredTime: string;
  InstanceChargeType: string;
  OperationLocks: { LockReason: { LockReason: string }[] };
  VpcAttributes: { PrivateIpAddress: { IpAddress: string[] } };
}

export interface Page {
  TotalCount: number;
  PageNumber: number;
  PageSize: number;
}

export interface DisksPage extends Page {
  Disks: { Disk: Disk[] };
}

export interface SnapshotsPage extends Page {
  Snapshots: { Snapshot: Snapshot[] };
}

export interface InstancesPage extends Page {
  Instances: { Instance: Instance[] };
}

export interface EventsPage {
  NextToken: string;
  HasGap: boolean;
  Events: { Event: { id: string; type: string; subject: string; time: string }[] };
}
