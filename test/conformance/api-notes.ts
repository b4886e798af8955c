/** What `docs/api.md` says by hand: the protocol, and where an action differs from its documentation. */
import { gatewayCodes } from './gateway-codes.ts';

/** In one line, by status. */
function listCodes(codes: Readonly<Record<string, number>>): string {
  const byStatus = Map.groupBy(Object.entries(codes), ([, status]) => status);
  return [...byStatus]
    .map(([status, list]) => `**${status}** ${list.map(([name]) => `\`${name}\``).join(' ')}`)
    .join(' · ');
}

const connectedClients =
  'The machine is not told: unmount the disk or shut the machine down first. Clients that are connected are cut off after a flush.';

const httpsOnly = 'ECS takes it over https only; this service takes it as every other request.';

export const protocolNotes: Record<string, string[]> = {
  'Sending a request': [
    'One endpoint, path `/`, GET or POST, Version `2014-05-26`. Parameters are read from the query, from an urlencoded body, or from both; `Action` and `Version` also from the headers `x-acs-action` and `x-acs-version`.',
    'Names of parameters match in any case (`Tag.1.Key`, `tag.1.key`), numbers of lists may have gaps, a blank value is as good as none. Parameters that no documentation knows are ignored, as ECS does.',
    'Signatures: version 1 (`HMAC-SHA1` over all parameters) and `ACS3-HMAC-SHA256` (headers). A nonce is accepted once, a timestamp 15 minutes around now.',
    'Users, keys, policies and roles are RAM’s own API (Version `2015-05-01`): Create-, Get-, List-, Update- and DeleteUser, -AccessKey, -Policy, -PolicyVersion and -Role as far as RAM has them, AttachPolicyToUser, AttachPolicyToRole and their opposites, ListPoliciesForUser, ListPoliciesForRole, ListEntitiesForPolicy, SetDefaultPolicyVersion. Temporary keys are STS’s AssumeRole and GetCallerIdentity (`2015-04-01`), the audit log is ActionTrail’s LookupEvents (`2020-07-06`; the parameters of a request are text, `requestParameterJson`; the latest first unless `Direction=FORWARD`). They refuse with `NoPermission` where ECS says `Forbidden.RAM`.',
    'Policies (docs/operations.md): each resource that a request names must be allowed. Refusals have `AccessDeniedDetail` with `AuthAction`, `AuthPrincipalDisplayName`, `AuthPrincipalType`, `NoPermissionType` and `PolicyType`. A `ClientToken` is of the user who sends it.',
    'Of other products one action is answered, without an account: `QueryAvailableInstances` of BssOpenApi (Version `2017-12-14`) with an empty list, for Terraform’s provider asks it first (`endpoints { bssopenapi = "HOST:PORT" }`).',
    '`RegionId` may be left out by every action: then the host name of the request (`ecs.cn-beijing.aliyuncs.com`, through a proxy) or the first id in it says which region of the server is meant, else it is the first. A region that the server has not got is `InvalidRegionId.NotFound`.',
  ],
  Answers: [
    '`Format=JSON` or `Format=XML`, in any case. Without it an `Accept` header that wants XML first counts, and else JSON is sent, whatever the signature (ECS: XML for version 1 signatures): every client but one asks for JSON or reads nothing else.',
    'Errors have `RequestId`, `HostId`, `Code`, `Message` and `Recommend`, all strings. A refusal is 4xx with the status that ECS documents; 5xx is a failure of this service, and only that is worth repeating.',
    '`Recommend` is the address of ECS’s own troubleshooting page, which does not know the request ids of this service.',
  ],
  Paging: [
    '`PageNumber` and `PageSize` (1 to 100, default 10), or `MaxResults` and `NextToken`; where an action has both they may be mixed, and a token says where to go on whatever the page number. `NextToken` is blank only when nothing remains.',
    '`MaxResults` below 10 counts as 10, above the most of the action as that. DescribeTags has a default `PageSize` of 50, and DescribeInstanceStatus at most 50.',
  ],
  'Trying and repeating': [
    '`DryRun=true` is understood by every action that documents it and by every one that changes something: all checks are made, nothing is changed, and success is the error `DryRunOperation` (`DRYRUN.SUCCESS` for StartInstances, StopInstances, RebootInstances and DeleteInstances).',
    '`ClientToken`: the same token with the same parameters gives the first answer again. Names in any case, blanks and the order of parameters do not count. With other parameters it is `IdempotentParameterMismatch` (400; 403 for CreateSnapshot, `IdempotenceParamNotMatch` for CreateImage).',
  ],
  'Errors of every action': [listCodes(gatewayCodes), '`InvalidParamater` is spelt as ECS spells it.'],
};

/** By action: what a caller who knows ECS would not expect. */
export const actionNotes: Record<string, string[]> = {
  CreateSnapshot: [
    'It answers when the disk is frozen; `CreationTime` is that instant, and what is written later is not part of the snapshot.',
    'Of the ESSD categories (`cloud_essd`, `cloud_auto`, `cloud_essd_entry`) a snapshot is `Available` as soon as it is frozen durably, which takes a moment: from then on the disk can be rolled back to it or to an older one, disks can be made from it, the next snapshot can be taken, and the instance stopped and restarted, while it is still `progressing`. Ten snapshots of a disk may be (`QuotaExceed.ConcurrentSnapshotQuota`); they are stored in the order in which they were taken.',
    'Of other categories one snapshot of a disk is made at a time, and it is `Available` when it is `accomplished`. Meanwhile stopping and restarting the instance is refused (`OperationConflict`, 409), so that nothing makes it fail.',
    'Whatever the category, resizing, re-initialising and deleting the disk, deleting the instance, changing the snapshot’s attributes and making an image of it wait until it is `accomplished`.',
    'RetentionDays are counted from `CreationTime`; then the snapshot goes by itself within an hour, unless an image or a disk is made from it or it is locked. No setting of the clock while the server runs ends them, and after a start that finds the clock more than a day later than the last server’s nothing goes for an hour.',
  ],
  CreateSnapshotGroup: [
    'It answers when all disks are frozen, at one instant: what a machine wrote to one disk before it wrote to another is there whenever the later write is. `CreationTime` of the group and of its snapshots is that instant. When one disk cannot be frozen none is, and nothing is left.',
    'From there on each snapshot is stored as any other: see CreateSnapshot. Its name and description are `Created_from_` and the id of the group, its tag `acs:ecs:createFrom` the instance.',
    'Disks that are attached to nothing, and were once, may be in it.',
  ],
  DescribeSnapshotGroups: [
    'A group is `progressing` while one of its snapshots is, then `failed` when one is, else `accomplished`. One that was deleted by itself is not in its group any more, and the group goes with the last.',
    '`ProgressStatus` is the mean of the progress of its snapshots.',
  ],
  DeleteSnapshotGroup: [
    'Snapshots that are still being made are cancelled. Those that images are made from stay, and with them the group; those that disks were made from go, and the disks keep their data.',
  ],
  CreateAutoSnapshotPolicy: [
    'A run makes a snapshot of each disk that the policy is applied to and that is `In_use` with `EnableAutoSnapshot`; a disk whose automatic snapshot is still being made is skipped. Policies that are due at once share one snapshot, which is kept as long as any of them says. One that failed is tried again, three times in all, until the next run comes. HupoDescribePolicyRuns tells what became of each.',
    'A run that was missed while no server ran is made up for once, by the latest, unless `MissedRuns=skip`.',
    '`TargetTags` with `AssociatedWithInstanceTag`: every disk of each instance that has all of these tags when the policy runs.',
    'Retention deletes an automatic snapshot when its days are over, unless it is the newest good one of its disk, an image or a disk is made from it, or it is locked; what would be more than half of the good snapshots of a disk at once (`serve --retention-share`) waits until somebody agrees (HupoApproveRetention). Where `Keep.*` gives rules, what they name is kept beyond `retentionDays`; the rules are the policy’s present ones.',
    'Snapshots are named `auto_`, the day in UTC+8, and which of the disk’s that day. At 1000 automatic snapshots of a disk the oldest goes that nothing holds.',
  ],
  ApplyAutoSnapshotPolicy: [
    'ReplaceSystemDisk hands the policies of the old disk to the new one (ECS: they must be applied again).',
  ],
  DescribeAutoSnapshotPolicyEx: ['`Status` is always `Normal`, `Type` `Custom`.'],
  ResetDisks: ['The snapshots must be of one group; all disks are accepted, or none. Else as ResetDisk.'],
  DescribeSnapshots: [
    'A `failed` snapshot says why in `FailureReason`.',
    '`Available` is true once the disk can be rolled back to it and disks can be made from it: see CreateSnapshot.',
    'What is kept for undoing rollbacks (see ResetDisk) is listed with `SnapshotType=undo`, which ECS has not, and by `SnapshotIds`; no other list, count or quota has it, and `all` does not either.',
  ],
  ModifySnapshotCategory: [
    'Archiving changes what the snapshot is called and nothing else: there is one repository, where every snapshot is compressed and shares its bytes with others, so it becomes neither smaller nor slower. Its task is `Finished` when it is answered, and deleting it early costs nothing.',
    'As on ECS an archived snapshot still makes disks and images and rolls its disk back; it alone cannot be copied.',
    'Beyond ECS, `Category=Standard` brings an archived snapshot back, at once and without a task.',
    'A catalog that is made anew from the repository (`hupo repository import`) knows no archived ones.',
  ],
  RenewInstance: [
    'Nothing is paid: `OrderId` is a number that no other answer has, and nothing can be asked about it. So for all actions that order.',
    'The next end is counted from the present one, or from now where that is over (its lock goes then). Ends are whole minutes; a day that a month has not is its last one. The latest is ten years from now.',
    'When an end is over, the instance is under the `financial` lock (see HupoLockInstance), and `serve --expired-days` later it is released.',
  ],
  ModifyInstanceChargeType: [
    'One whose subscription is over can be made PostPaid; its lock goes. Disks that were paid with it are PostPaid then too.',
  ],
  ModifyInstanceAutoRenewAttribute: ['A renewal happens at the end, not nine days before.'],
  DeleteDisk: [
    'It can be restored for a day (`serve --recycle-hours`): see HupoDescribeRecycleBin. What is kept for undoing rollbacks of it cannot.',
  ],
  DeleteSnapshot: [
    'One that is accomplished can be restored for a day (`serve --recycle-hours`): see HupoDescribeRecycleBin.',
    'A snapshot that is still being made is cancelled. With `Force=true` one that disks were made from meanwhile goes from every answer, and is stored for those disks all the same.',
    'With `Force=true` a snapshot from which disks were made is deleted too; the disks keep their data.',
  ],
  LockSnapshot: [
    httpsOnly,
    'While a lock holds, in its cool-off too, nobody can delete the snapshot: DeleteSnapshot, with `Force` too, is `InvalidOperation.SnapshotLocked` (403; ECS documents no code). A snapshot that is still being made cannot be cancelled then; if making it fails, its lock goes with it.',
    'The cool-off begins with the lock and is part of `LockDuration`, which counts from when the snapshot is locked or, if that is later, accomplished; until then `LockDurationStartTime` and `LockExpiredTime` are blank.',
    'After the cool-off only a longer `LockDuration`, with `CoolOffPeriod=0`, is taken; it counts from the same moment as before. An expired lock is replaced by a new one.',
    'Locks go by a time of their own: while the server runs neither setting its clock forth nor back ends one earlier. While no server runs the clock is believed, but that time never goes back; time in which the machine sleeps does not count. The times that are shown are those of the clock.',
  ],
  UnlockSnapshot: [httpsOnly],
  DescribeLockedSnapshots: [
    'Expired locks are listed until their snapshot is deleted. Of several `SnapshotIds.N` those that are locked are listed, and none at all is `InvalidSnapshotLock.NotFound`.',
  ],
  DescribeDiskMonitorData: [
    'The server looks once a minute at what each disk that is served has counted. A point is the average of a period that begins at its `TimeStamp`; there is one for each period in which the disk was served and the server ran, from `StartTime` to before `EndTime`.',
    'Reads and writes are those of NBD clients: what trims and zeroes is neither. Latencies are of single requests, from when they are taken off the socket until their answer leaves; 0 when there was none.',
    'Thirty days are kept, of many disks that are all busy fewer (256 MiB). They may be lost: they are in no copy of the catalog.',
  ],
  DescribeSnapshotMonitorData: [
    '`Size` is what DescribeSnapshotsUsage told at the end of the period that begins at `TimeStamp`. There is a point for each period in which the server ran and all stored snapshots were counted. Every snapshot is of `Standard`: other categories have no points.',
    'Kept for as long as DescribeDiskMonitorData’s.',
  ],
  DescribeSnapshotLinks: [
    'A chain is there while its disk has a snapshot that did not fail, also when the disk is deleted: then its name is blank, its size that of the newest snapshot. `TotalCount` of a chain has no failed ones.',
    '`TotalSize` is the sum of what each snapshot recorded first: chunks of 64 KiB, each counted as often as a snapshot found it changed, before compression, and whatever other chains hold too. It is exact for what is counted, and that follows a snapshot or a deletion within moments; `hupo repository` says what is stored of it.',
    'What is not counted is not in `TotalSize`, and `UncountedCount` says how many snapshots that is: those that are progressing and, after the cache of a data folder was lost, all of them until they are counted anew.',
    'Chains are listed in the order of their disks’ ids.',
  ],
  DescribeSnapshotsUsage: [
    '`SnapshotSize` and `SnapshotCount` are the sums over all chains: see DescribeSnapshotLinks.',
  ],
  OpenSnapshotService: ['The service is always open, so nothing happens.', httpsOnly],
  CopySnapshot: [
    'A region is a data folder of this server (`serve --add-region`). The snapshot can be copied within its own region too (ECS: `InvalidOperation.NotSupportCopyInSameRegion`): that moves nothing.',
    'Several copies of a chain may be made at once. Only what the region has not got is sent, and a copy goes on where it was after a restart. DeleteSnapshot of the copy cancels it; while it is made its source cannot be deleted (`InvalidOperation.RelatedSnapshotNotFinished`). What is only kept for undoing a rollback is not copied.',
    '`CreationTime` is when the copy was asked for; `SourceSnapshotId` and `SourceRegionId` say what it is a copy of, `SourceDiskId` which disk that is of. Copies do not count against a quota.',
  ],
  CopyImage: [
    'The copy has snapshots of its own (`SnapshotForImage-…`), which are copied as CopySnapshot does, and is `Available` when they are. Without DestinationRegionId, or with its own, the image is copied within its region.',
    'Name, description, tags and resource group are those of the request; platform, architecture, family, version and boot mode are the source’s.',
  ],
  CancelCopyImage: [
    'Asked in the region of the copy. What was copied for it is deleted, but for what is locked, or in use by then.',
  ],
  ResetDisk: [
    'The instance must be `Stopped`. Later snapshots of the disk stay.',
    'What it replaces is kept for a day (`serve --undo-hours`), and rolling back to that undoes the rollback (`hupo disk undo`). It is a snapshot with `UndoUntil`, in a list of its own: see DescribeSnapshots. It is usable at once, and nothing waits or is refused while it is being stored: up to three of a disk are stored at once, and a further rollback cancels the latest of them, never the oldest. It goes with its disk, where room is short, and by DeleteSnapshot. Where there is no room for it the rollback goes on without, and the log says so.',
    'On ESSD categories a snapshot that is `Available` will do, also while it or others of the disk are still `progressing` (documented is `IncorrectDiskStatus.HasUnfinishedSnapshot`, which is answered for the moment until they are `Available`, and on other categories).',
  ],
  ReInitDisk: [
    'What it replaces is kept as ResetDisk keeps it.',
    'A disk that was made from a snapshot before that was `accomplished` can be re-initialised once it is; until then it is `IncorrectDiskStatus`.',
  ],
  CreateDisk: [
    'A size below the snapshot’s becomes the snapshot’s.',
    'A snapshot that is `Available` will do, also one that is still `progressing` (documented as `InvalidSnapshot.NotReady` unless `Available`). When such a snapshot cannot be stored it is `failed`, and storing it is tried again for as long as the disk needs it.',
  ],
  DescribeDisks: ['`NbdUri` says where a local program, such as a virtual machine monitor, reaches the disk.'],
  AttachDisk: ['The user’s machine has to connect to the disk’s `NbdUri`; this service starts no machines.'],
  DetachDisk: [
    connectedClients,
    'A disk that is attached to nothing is `InvalidDisk.AlreadyDetached` (404), which clients take as done; other states than `In_use` are refused.',
  ],
  ResizeDisk: ['Whatever `Type` says, an NBD client sees the new size when it connects again.'],
  ModifyDiskSpec: [
    'Every category but `cloud` can become every other but `cloud`, if the size of the disk fits; a performance level can be lowered, but not to `PL0`. A disk can be attached, detached, started and stopped meanwhile.',
    'No byte moves: the new category decides from the end of its task on how the disk’s next snapshots can be used (see CreateSnapshot), how large it may be, and what `serve --disk-limits` holds it to. There is no pause between two changes; `DiskInCoolingPeriod` is answered while one goes on.',
  ],
  ReplaceSystemDisk: [
    'The old system disk is released, with all its bytes; the new one has its kind, name, description, tags and flags, and is as large at least. Snapshots of the old one stay, and can make disks, but roll back no other disk.',
    'Of an image with data disks only the system disk counts. Until the new disk is in its place, which takes a moment, the old one is `ReIniting`.',
  ],
  ImportImage: [
    'A bucket is a folder in the exchange folder of the server (`hupo serve --exchange`, else `exchange` in its data folder), an object a file below that; symbolic links are not followed. `qemu-img` must be installed there (Debian: qemu-utils).',
    'RAW, QCOW2 and VHD; VMDK is refused, and so are images that are made on top of another file or encrypted. A disk becomes as large as the next whole GiB.',
    'Each disk is stored as a snapshot, which the image is made of. The image is `Creating` until all are stored (documented: `Waiting` first), then `Available`; `CreateFailed` with the reason when it cannot be; gone when its task is cancelled.',
  ],
  ExportImage: [
    'Each disk becomes a file of its own in the bucket, `[OSSPrefix_]<ImageId>_system_<TaskId>.<ImageFormat>`, data disks with their device in place of `system`; not packed (documented: `.tar.gz`). It has its name when it is whole. All formats but `raw` need `qemu-img` on the server (Debian: qemu-utils).',
    'One export of an image at a time (`ImageIsExporting`); nobody counts how many there are in a week.',
  ],
  ExportSnapshot: [
    'A raw image in the bucket, `<SnapshotId>_<TaskId>.raw`. Deleting the snapshot meanwhile does not hurt it.',
  ],
  CancelTask: [
    'Of ImportImage, ExportImage and ExportSnapshot. What the task made by then goes away, and it ends `Failed` with the `ErrorCode` `TaskCancelled`.',
  ],
  ModifyImageSharePermission: [
    'There is one account: whom an image is shared with is kept and shown, and has no effect, but that the image cannot be deleted before they are taken off (`ImageUseShared`).',
  ],
  DescribeTasks: [
    'A task is forgotten 30 days after its end. `TaskAction` may also be `ExportSnapshot`. Statuses other than `Processing`, `Finished` and `Failed` are ignored, as documented.',
  ],
  DescribeTaskAttribute: [
    'What went wrong is in `OperationProgressSet`: one `OperationProgress` for each part that has ended, `Success` or `Failed`.',
  ],
  StopInstance: [connectedClients],
  StopInstances: [connectedClients],
  RebootInstance: [connectedClients],
  RebootInstances: [connectedClients],
  RunInstances: [
    'An instance is a record of a machine that its user runs; its disks are served while it is `Running`.',
    'The instance types are `ecs.external.*`; there is one network, whose ids are accepted and whose addresses are names only.',
  ],
  CreateInstance: ['As RunInstances, for one instance that stays `Stopped`.'],
  DescribeInstances: ['One VPC, one vSwitch a zone and one security group are shown for every instance.'],
  ModifyInstanceAttribute: [
    'User data can be changed in every state, as the documentation has it since 2024 and Terraform does it; before, the instance had to be `Stopped`.',
  ],
  DescribeUserData: [
    'User data is kept and shown as it was given. It is not handed to the machine yet: that needs the metadata service, which is not there.',
  ],
  DescribeAvailableResource: [
    'Every zone has everything, and nothing is sold out. `Min` and `Max` of a disk category are of all its performance levels together, in GiB. `Scope=region` asks for regional disks, and there are none.',
  ],
  DescribeInstanceRamRole: ['Each instance that is asked for is listed with a blank role.'],
  DescribeInstanceMaintenanceAttributes: [
    'One entry an instance, with the defaults: this service maintains no machine.',
  ],
  DescribeVSwitches: [
    'Addresses are given out in order, whatever the zone, so that each vSwitch is shown with the addresses of the VPC.',
  ],
  DescribeSecurityGroupAttribute: ['Nothing is filtered here: the group’s rules let everything through.'],
  DescribeNetworkInterfaces: ['The one interface of each instance, with the tags of the instance.'],
  JoinResourceGroup: [
    'Every resource is in a group: `rg-default0000000000` unless `ResourceGroupId` says another when it is made. There is no Resource Manager here: any `rg-` with small letters and digits is a group once it is named, and a filter by one is a filter by that text.',
    'The disks of new instances, and the snapshots that CreateImage makes, are in the group of the instance or image. The system disk goes with its instance when that joins another group.',
    '`ResourceType` is `instance`, `disk`, `snapshot` or `image`.',
  ],
  CreateImage: [
    'Of an instance a snapshot of each disk is made, all at one instant or none (they are in no snapshot group); the image is `Available` when all of them are accomplished, and `CreateFailed` when one fails.',
  ],
};

/** Parameters that are understood only in part: `Action Parameter` → how. */
export const parameterNotes: Record<string, string> = {
  'CreateSnapshot Category': '`standard` only',
  'ImportImage DiskDeviceMapping.N.Format': '`RAW`, `QCOW2` and `VHD`',
  'RunInstances SecurityGroupId': 'the default security group only',
  'RunInstances SecurityGroupIds.N': 'the default security group only',
  'RunInstances VSwitchId': 'the default vSwitch of a zone only',
  'RunInstances InstanceType': '`ecs.external.*` only',
  'CreateInstance SecurityGroupId': 'the default security group only',
  'CreateInstance VSwitchId': 'the default vSwitch of a zone only',
  'CreateInstance InstanceType': '`ecs.external.*` only',
  'ModifyInstanceAttribute SecurityGroupIds.N': 'the default security group only',
};
