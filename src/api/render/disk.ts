/** A disk as DescribeDisks shows it (`ecs-api.md` 2.3, `clients.md` 2.3). */
import { diskSerial } from '../../ecs/ids.ts';
import type { Disk } from '../../ecs/resources.ts';
import { formatSecond } from '../../ecs/times.ts';
import { renderCharge, renderTags } from './list.ts';

/** Throughput is shown in MB/s. */
const BYTES_PER_MB = 1_000_000;

/** `NbdUri` is an extension: where the disk can be opened, absent while it cannot. */
export function renderDisk(disk: Disk, regionId: string): object {
  return {
    ...identity(disk, regionId),
    ...attachment(disk),
    ...flags(disk),
    ...performance(disk),
    Tags: renderTags(disk.tags),
    OperationLocks: { OperationLock: disk.locks.map((reason) => ({ LockReason: reason })) },
    ...(disk.nbdUri === null ? {} : { NbdUri: disk.nbdUri }),
  };
}

function identity(disk: Disk, regionId: string): object {
  const { expiredTime, chargeType } = renderCharge(disk.expiresAtMs);
  return {
    DiskId: disk.diskId,
    DiskName: disk.diskName,
    Description: disk.description,
    RegionId: regionId,
    ZoneId: disk.zoneId,
    Placement: { ZoneIds: disk.zoneId },
    SerialNumber: diskSerial(disk.diskId),
    Type: disk.type,
    Category: disk.category,
    PerformanceLevel: disk.performanceLevel ?? '',
    Size: disk.sizeGib,
    Status: disk.status,
    CreationTime: formatSecond(disk.createdAtMs),
    ExpiredTime: expiredTime,
    DiskChargeType: chargeType,
    SourceSnapshotId: disk.sourceSnapshotId ?? '',
    ImageId: disk.imageId ?? '',
    ProductCode: '',
    ResourceGroupId: disk.resourceGroupId,
    AutoSnapshotPolicyId: disk.policyIds[0] ?? '',
    StorageSetId: '',
    StorageClusterId: '',
    KMSKeyId: '',
    BdfId: '',
  };
}

/** A disk that is only being attached is not in the list yet: clients take the list for the truth. */
function attachment(disk: Disk): object {
  const attachedTime = optionalTime(disk.attachedAtMs);
  const isAttached = disk.instanceId !== null && disk.status !== 'Attaching';
  const mounts = isAttached
    ? [{ InstanceId: disk.instanceId, Device: disk.device ?? '', AttachedTime: attachedTime }]
    : [];
  return {
    InstanceId: disk.instanceId ?? '',
    Device: disk.device ?? '',
    AttachedTime: attachedTime,
    DetachedTime: optionalTime(disk.detachedAtMs),
    Attachments: { Attachment: mounts },
    MountInstances: { MountInstance: mounts },
    MountInstanceNum: mounts.length,
    MultiAttach: 'Disabled',
  };
}

function flags(disk: Disk): object {
  return {
    Portable: disk.portable,
    Encrypted: false,
    DeleteWithInstance: disk.deleteWithInstance,
    DeleteAutoSnapshot: disk.deleteAutoSnapshot,
    EnableAutoSnapshot: disk.enableAutoSnapshot,
    EnableAutomatedSnapshotPolicy: disk.policyIds.length > 0,
    BurstingEnabled: false,
  };
}

/** Reads and writes share what there is. */
function performance({ performance: limits }: Disk): object {
  if (limits === null) return {};
  const { iops } = limits;
  const throughput = Math.floor(limits.bytesPerSecond / BYTES_PER_MB);
  return {
    ...{ IOPS: iops, IOPSRead: iops, IOPSWrite: iops },
    ...{ Throughput: throughput, ThroughputRead: throughput, ThroughputWrite: throughput },
  };
}

function optionalTime(timeMs: number | null): string {
  return timeMs === null ? '' : formatSecond(timeMs);
}
