/** Where this service goes beyond the documentation, or differs from it in a name or a type; with the reason. */

/** Actions that ECS has not. */
export const actionsBeyond: Record<string, string> = {
  HupoBeginImport:
    'Makes a disk in state `Creating` and says where to write it (`NbdUri`); parameters as CreateDisk without a snapshot. Used by `hupo disk import`.',
  HupoPreviewPolicy:
    'The next runs of a policy (`Runs`, 10 unless `Runs=N` asks for up to 400), and of each of its disks (or `DiskId`) the snapshots that retention deletes by then, when and why, those that stay and why, and what that frees in the repository. Used by `hupo policy preview`.',
  HupoDescribePolicyRuns:
    'What the runs of `AutoSnapshotPolicyId`, or of all policies, did with each disk, the latest first: `State` is `pending`, `making`, `copying`, `done`, `skipped` or `failed`, `Reason` says why. Used by `hupo policy runs`.',
  HupoApproveRetention:
    'Agrees to what retention holds back of a disk (`DiskId`; of copies `REGION/DISK`), because it is more at once than is done without being told (`serve --retention-share`). Used by `hupo policy approve`.',
  HupoDescribeSnapshotCost:
    'What snapshots took and cost from `StartTime` to `EndTime` (the present month of UTC+8 until now), by `Period` (`Month`, `Day`, `Hour`) and `GroupBy` (`Disk`, `Tag` with `TagKey`, `None`), also of one `DiskId`. Hours that are over count, `GiBHours` is the size in each of them added up; the next pages are asked for with the `EndTime` of the first; `Cost`, `TotalCost` and `Currency` are blank without `serve --prices`. Used by `hupo cost`.',
  HupoCompleteImport: 'Ends an import: the disk (`DiskId`) is flushed and becomes `Available`.',
  HupoLockInstance:
    'Locks the instance (`InstanceId`) for a `LockReason`, as ECS does by itself: `financial` (it has expired, or is not paid) or `security`. From then on what ECS refuses of such an instance and of the disks that are attached to it is refused, with its codes, and `OperationLocks` tell why; snapshots of an expired one can be taken. With `ReleaseDays` it is released so many days later, whatever protects it: with all its disks, which go into the recycle bin, and what is progressing of their snapshots; those that are accomplished stay; until then `AutoReleaseTime` of DescribeInstances says when. The end of a subscription sets the `financial` lock by itself: see RenewInstance.',
  HupoUnlockInstance: 'Takes the lock for that `LockReason` away again, with its release. Not locked: nothing.',
  HupoLockAccount:
    'Says that the account is in arrears, of which here only its operator knows, in this region. What is PostPaid is under a `financial` lock then (see HupoLockInstance), no disks, instances and snapshots are made, policies make none either, and retention goes on. With `DeleteAfterDays` (ECS: 15) all snapshots that neither a disk nor an image is made from and no lock holds, and all automatic snapshot policies, are deleted so many days later, once; snapshots go into the recycle bin. Again: that time is set anew. Used by `hupo account lock`.',
  HupoUnlockAccount: 'Ends that. What was deleted stays so. Used by `hupo account unlock`.',
  HupoDescribeAccount:
    'Shows `Status` (`Normal` or `Locked`), and of a locked account since when (`LockTime`), when what is said above is deleted (`DeletionTime`) and when it was (`DeletedTime`). Used by `hupo account show`.',
  HupoDescribeRecycleBin:
    'Lists deleted snapshots and disks that can be restored (`serve --recycle-hours`, a day by default; 0: none), what was deleted last first: `ResourceType` (`snapshot` or `disk`), `ResourceId.N`, `DiskId` (a disk and the snapshots of it), and paging by `PageNumber` and `PageSize` or `MaxResults` and `NextToken`. Of each in `Resources.Resource`: `ResourceId`, `ResourceType`, `Name`, `Size` (GiB), `SourceDiskId`, `DeletionTime`, `ExpirationTime` (when it goes for good, later where the clock is set) and, once it is known, `HeldSize`: the bytes that give back, of a disk what its files take, of a snapshot what no other snapshot of its disk has, before compression.',
  HupoRestoreFromRecycleBin:
    'Brings back what `ResourceId.N` names (up to 100), all or none, with tags, resource group and snapshot group: disks `Available` and attached to nothing, snapshots `accomplished`. What is not in the bin is `InvalidResourceId.NotFound`; a snapshot of a disk that has 256 is `QuotaExceed.Snapshot`.',
  HupoDeleteFromRecycleBin:
    'Deletes for good what `ResourceId.N` names (up to 100), all or none, or with `All=true` everything that is in the bin.',
  HupoDescribeEvents:
    'What happened, oldest first: `EventType.N`, `ResourceId.N`, `StartTime`, `EndTime`, `MaxResults` (1 to 100; default 50). `NextToken` is in every answer, and goes on behind it, now or later; without it `Position` is `Earliest` or `Latest`. `WaitSeconds` (at most 25) waits for the next event. `HasGap`: events before these are not kept any more. [events.md](events.md) has the types.',
  HupoCreateEventSubscription:
    'Tells events to `Url` from now on, all or those of `EventType.N`: CloudEvents by HTTP POST, signed as [events.md](events.md) says with the `Secret` of the answer, which is shown only here.',
  HupoDescribeEventSubscriptions:
    'Lists subscriptions (`SubscriptionId.N`): `Status` is `Active`, `Retrying`, or `Failing` after a day without a delivery; `BacklogCount` events wait.',
  HupoDeleteEventSubscription: 'Ends the subscription `SubscriptionId`.',
  HupoTestEventSubscription: 'Sends a test event to the subscription `SubscriptionId` and says how it was taken.',
};

/** Whether ECS documents nothing of it. */
export function isOwn(action: string): boolean {
  return Object.hasOwn(actionsBeyond, action);
}

const newerInstance = {
  ManagedHostId: 'refused, machines are run by their users',
  'SecurityOptions.EnableSecureBoot': 'refused, machines are run by their users',
  'SystemDisk.AutoSnapshotPolicyId': 'newer clients know it',
  'SystemDisk.Encrypted': 'refused, there is no encryption yet',
  'SystemDisk.KMSKeyId': 'refused, there is no encryption yet',
  'SystemDisk.EncryptAlgorithm': 'no effect, as encryption is refused',
  'SystemDisk.BurstingEnabled': 'refused, disks are as fast as they can be',
  'SystemDisk.ProvisionedIops': 'refused, disks are as fast as they can be',
};

const keepRule = 'how many to keep besides those that are younger than `retentionDays`: of each period the last';

const policyExtensions = {
  'TargetTags.N.Key': 'newer clients know it',
  'TargetTags.N.Value': 'newer clients know it',
  'Keep.Last': 'how many to keep besides those that are younger than `retentionDays`: the last ones',
  ...Object.fromEntries(
    ['Hourly', 'Daily', 'Weekly', 'Monthly', 'Yearly'].map((period) => [`Keep.${period}`, keepRule]),
  ),
  MissedRuns: '`run` (default): a run that was missed while no server ran is made up for, once. `skip`: it is not.',
};

/** Parameters, `*` for every action. */
export const parametersBeyond: Record<string, Record<string, string>> = {
  '*': {
    DryRun: 'Every action can be tried without changing anything, also where ECS does not document it.',
    RegionId: 'Checked for every action: absent or this region.',
  },
  DescribeImages: { Usable: 'newer clients filter by it' },
  CreateDisk: { AutoSnapshotPolicyId: 'newer clients know it: the policy is applied to the disk' },
  CreateAutoSnapshotPolicy: { AssociationType: 'newer clients know it', ...policyExtensions },
  ModifyAutoSnapshotPolicyEx: policyExtensions,
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
  'AutoSnapshotPolicies.AutoSnapshotPolicy.Keep': 'Of a policy that keeps by rules.',
  'AutoSnapshotPolicies.AutoSnapshotPolicy.MissedRuns': 'See CreateAutoSnapshotPolicy.',
  'AutoSnapshotPolicies.AutoSnapshotPolicy.Tags.Tag.Key': 'Some clients read this name, some TagKey.',
  'AutoSnapshotPolicies.AutoSnapshotPolicy.Tags.Tag.Value': 'Some clients read this name, some TagValue.',
  'Disks.Disk.NbdUri': 'Where a local program reaches the disk, while it is served.',
  'Disks.Disk.Tags.Tag.Key': 'Some clients read this name, some TagKey.',
  'Disks.Disk.Tags.Tag.Value': 'Some clients read this name, some TagValue.',
  'SnapshotLinks.SnapshotLink.UncountedCount':
    'How many of `TotalCount` are not in `TotalSize`: snapshots that are progressing, or are still to be counted.',
  UncountedCount: 'How many of `SnapshotCount` are not in `SnapshotSize`: see DescribeSnapshotLinks.',
  UndoCount: 'How many snapshots keep what rollbacks replaced: see ResetDisk. They are not in `SnapshotCount`.',
  UndoSize: 'What those take besides the others, in bytes. It is not in `SnapshotSize`.',
  RecycledCount:
    'How many snapshots are in the recycle bin: see HupoDescribeRecycleBin. They are not in `SnapshotCount`.',
  RecycledSize: 'What those take besides the others, in bytes. It is not in `SnapshotSize`.',
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
