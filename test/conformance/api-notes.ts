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

export const protocolNotes: Record<string, string[]> = {
  'Sending a request': [
    'One endpoint, path `/`, GET or POST, Version `2014-05-26`. Parameters are read from the query, from an urlencoded body, or from both; `Action` and `Version` also from the headers `x-acs-action` and `x-acs-version`.',
    'Names of parameters match in any case (`Tag.1.Key`, `tag.1.key`), numbers of lists may have gaps, a blank value is as good as none. Parameters that no documentation knows are ignored, as ECS does.',
    'Signatures: version 1 (`HMAC-SHA1` over all parameters) and `ACS3-HMAC-SHA256` (headers). A nonce is accepted once, a timestamp 15 minutes around now.',
    '`RegionId` may be left out by every action; another region is `InvalidRegionId.NotFound`.',
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
    'No RetentionDays: snapshots are kept until they are deleted.',
  ],
  DescribeSnapshots: [
    'A `failed` snapshot says why in `FailureReason`.',
    '`Available` is true once the disk can be rolled back to it and disks can be made from it: see CreateSnapshot.',
  ],
  ModifySnapshotCategory: [
    'Archiving changes what the snapshot is called and nothing else: there is one repository, where every snapshot is compressed and shares its bytes with others, so it becomes neither smaller nor slower. Its task is `Finished` when it is answered, and deleting it early costs nothing.',
    'As on ECS an archived snapshot still makes disks and images and rolls its disk back; it alone cannot be copied.',
    'Beyond ECS, `Category=Standard` brings an archived snapshot back, at once and without a task.',
    'No RetentionDays: snapshots are kept until they are deleted. A catalog that is made anew from the repository (`hupo repository import`) knows no archived ones.',
  ],
  DeleteSnapshot: [
    'A snapshot that is still being made is cancelled. With `Force=true` one that disks were made from meanwhile goes from every answer, and is stored for those disks all the same.',
    'With `Force=true` a snapshot from which disks were made is deleted too; the disks keep their data.',
  ],
  ResetDisk: [
    'The instance must be `Stopped`. Later snapshots of the disk stay.',
    'On ESSD categories a snapshot that is `Available` will do, also while it or others of the disk are still `progressing` (documented is `IncorrectDiskStatus.HasUnfinishedSnapshot`, which is answered for the moment until they are `Available`, and on other categories).',
  ],
  ReInitDisk: [
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
  CreateImage: [
    'Of an instance a snapshot of each disk is made; the image is `Available` when all of them are accomplished, and `CreateFailed` when one fails.',
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
