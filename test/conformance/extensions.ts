/** Where this service goes beyond the documentation, or differs from it in a name or a type; with the reason. */

/** Actions that ECS has not. */
export const actionsBeyond: Record<string, string> = {
  HupoBeginImport:
    'Makes a disk in state `Creating` and says where to write it (`NbdUri`); parameters as CreateDisk without a snapshot. Used by `hupo disk import`.',
  HupoCompleteImport: 'Ends an import: the disk (`DiskId`) is flushed and becomes `Available`.',
  DescribeEvents:
    'What happened, oldest first: `EventType.N`, `ResourceId.N`, `StartTime`, `EndTime`, `MaxResults` (1 to 100; default 50). `NextToken` is in every answer, and goes on behind it, now or later; without it `Position` is `Earliest` or `Latest`. `WaitSeconds` (at most 25) waits for the next event. `HasGap`: events before these are not kept any more. [events.md](events.md) has the types.',
  CreateEventSubscription:
    'Tells events to `Url` from now on, all or those of `EventType.N`: CloudEvents by HTTP POST, signed as [events.md](events.md) says with the `Secret` of the answer, which is shown only here.',
  DescribeEventSubscriptions:
    'Lists subscriptions (`SubscriptionId.N`): `Status` is `Active`, `Retrying`, or `Failing` after a day without a delivery; `BacklogCount` events wait.',
  DeleteEventSubscription: 'Ends the subscription `SubscriptionId`.',
  TestEventSubscription: 'Sends a test event to the subscription `SubscriptionId` and says how it was taken.',
};

const newerInstance = {
  ManagedHostId: 'refused, machines are run by their users',
  'SecurityOptions.EnableSecureBoot': 'refused, machines are run by their users',
  'SystemDisk.AutoSnapshotPolicyId': 'refused, there are no automatic snapshot policies yet',
  'SystemDisk.Encrypted': 'refused, there is no encryption yet',
  'SystemDisk.KMSKeyId': 'refused, there is no encryption yet',
  'SystemDisk.EncryptAlgorithm': 'no effect, as encryption is refused',
  'SystemDisk.BurstingEnabled': 'refused, disks are as fast as they can be',
  'SystemDisk.ProvisionedIops': 'refused, disks are as fast as they can be',
};

/** Parameters, `*` for every action. */
export const parametersBeyond: Record<string, Record<string, string>> = {
  '*': {
    DryRun: 'Every action can be tried without changing anything, also where ECS does not document it.',
    RegionId: 'Checked for every action: absent or this region.',
  },
  DescribeImages: { Usable: 'newer clients filter by it' },
  CreateDisk: { AutoSnapshotPolicyId: 'newer clients know it; refused, there are no automatic snapshot policies yet' },
  CreateSnapshot: {
    Encrypted: 'newer clients know it; refused, there is no encryption yet',
    KMSKeyId: 'newer clients know it; refused, there is no encryption yet',
  },
  CreateImage: { SecureBootOptions: 'newer clients know it; refused' },
  ModifyImageAttribute: { SecureBootOptions: 'newer clients know it; refused' },
  CreateInstance: newerInstance,
  RunInstances: newerInstance,
};

/** Fields of answers, by their path. */
export const fieldsBeyond: Record<string, string> = {
  'Disks.Disk.NbdUri': 'Where a local program reaches the disk, while it is served.',
  'Disks.Disk.Tags.Tag.Key': 'Some clients read this name, some TagKey.',
  'Disks.Disk.Tags.Tag.Value': 'Some clients read this name, some TagValue.',
  'SnapshotLinks.SnapshotLink.UncountedCount':
    'How many of `TotalCount` are not in `TotalSize`: snapshots that are progressing, or are still to be counted.',
  UncountedCount: 'How many of `SnapshotCount` are not in `SnapshotSize`: see DescribeSnapshotLinks.',
  UndoCount: 'How many snapshots keep what rollbacks replaced: see ResetDisk. They are not in `SnapshotCount`.',
  UndoSize: 'What those take besides the others, in bytes. It is not in `SnapshotSize`.',
  'Snapshots.Snapshot.FailureReason': 'Why a snapshot is `failed`.',
  'Snapshots.Snapshot.UndoUntil': 'When a snapshot that keeps what a rollback replaced is deleted.',
  'Snapshots.Snapshot.Tags.Tag.Key': 'Some clients read this name, some TagKey.',
  'Snapshots.Snapshot.Tags.Tag.Value': 'Some clients read this name, some TagValue.',
  'Images.Image.Tags.Tag.Key': 'Some clients read this name, some TagKey.',
  'Images.Image.Tags.Tag.Value': 'Some clients read this name, some TagValue.',
  'Image.Tags.Tag.Key': 'Some clients read this name, some TagKey.',
  'Image.Tags.Tag.Value': 'Some clients read this name, some TagValue.',
  'Instances.Instance.Tags.Tag.Key': 'Some clients read this name, some TagKey.',
  'Instances.Instance.Tags.Tag.Value': 'Some clients read this name, some TagValue.',
  'NetworkInterfaceSets.NetworkInterfaceSet.Tags.Tag.Key': 'Some clients read this name, some TagKey.',
  'NetworkInterfaceSets.NetworkInterfaceSet.Tags.Tag.Value': 'Some clients read this name, some TagValue.',
};

/** Fields that have another JSON type than the documentation says. */
export const typesThatDiffer: Record<string, { type: string; reason: string }> = {
  'Snapshots.Snapshot.SourceDiskSize': {
    type: 'number',
    reason: 'Documented as a string; some clients refuse that, and every client reads a number.',
  },
};
