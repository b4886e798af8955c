/** What the answers hold about images, snapshot groups and the recycle bin, as far as the console shows it. */
import type { Page, Tags } from './shapes.ts';

export interface Image extends Tags {
  ImageId: string;
  ImageName: string;
  Description: string;
  ImageOwnerAlias: string;
  OSName: string;
  Status: string;
  Progress: string;
  Usage: string;
  Size: number;
  CreationTime: string;
  FailureReason?: string;
}

export interface ImagesPage extends Page {
  Images: { Image: Image[] };
}

export interface SnapshotGroup {
  SnapshotGroupId: string;
  Name: string;
  Description: string;
  InstanceId: string;
  Status: string;
  CreationTime: string;
  Snapshots: { Snapshot: { SnapshotId: string; SourceDiskId: string; Progress: string }[] };
  Tags: { Tag: { Key: string; Value: string }[] };
}

export interface GroupsPage {
  NextToken: string;
  SnapshotGroups: { SnapshotGroup: SnapshotGroup[] };
}

export interface DeletedResource {
  ResourceId: string;
  ResourceType: 'snapshot' | 'disk';
  Name: string;
  Size: number;
  SourceDiskId: string;
  DeletionTime: string;
  ExpirationTime: string;
  HeldSize?: number;
}

export interface RecycleBinPage extends Page {
  Resources: { Resource: DeletedResource[] };
}
