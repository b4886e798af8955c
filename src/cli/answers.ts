/** The members of the API's answers that the client commands use (`ecs-api.md` 2). */

export interface DiskAnswer {
  ZoneId: string;
  DiskId: string;
  Status: string;
  /** An extension: present while the data plane serves the disk. */
  NbdUri?: string;
}

export interface SnapshotAnswer {
  SnapshotId: string;
  Status: 'progressing' | 'accomplished' | 'failed';
  Progress: string;
  CreationTime: string;
  Description: string;
  /** An extension: until when one that keeps what a rollback replaced is there. */
  UndoUntil?: string;
}

export interface DescribeDisksAnswer {
  Disks: { Disk: DiskAnswer[] };
}

export interface DescribeSnapshotsAnswer {
  NextToken: string;
  Snapshots: { Snapshot: SnapshotAnswer[] };
}

export interface RecycledAnswer {
  ResourceId: string;
  ResourceType: 'disk' | 'snapshot';
  Name: string;
  SourceDiskId: string;
  DeletionTime: string;
  ExpirationTime: string;
  /** Absent while nobody knows. */
  HeldSize?: number;
}

export interface DescribeRecycleBinAnswer {
  TotalCount: number;
  NextToken: string;
  Resources: { Resource: RecycledAnswer[] };
}

export interface DescribeInstancesAnswer {
  Instances: { Instance: { InstanceId: string; Status: string }[] };
}

export interface DescribeImagesAnswer {
  Images: { Image: { ImageId: string }[] };
}

export interface DescribeZonesAnswer {
  Zones: { Zone: { ZoneId: string }[] };
}

export interface RunInstancesAnswer {
  InstanceIdSets: { InstanceIdSet: string[] };
}

export interface CreateDiskAnswer {
  DiskId: string;
}

export interface CreateSnapshotAnswer {
  SnapshotId: string;
}

export interface BeginImportAnswer {
  DiskId: string;
  NbdUri: string;
}
