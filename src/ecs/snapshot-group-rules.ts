/** Of which disks a snapshot group may be (`ecs-api.md` 2.1 CreateSnapshotGroup, 3.8), as pure functions. */
import { hasInstantSnapshots } from './disk-categories.ts';
import { refusal } from './states.ts';
import type { DiskFacts, Refusal } from './states.ts';

export const GROUP_DISK_LIMIT = 128;
const GROUP_LIMIT_GIB = 256 * 1024;

/** Of the disks of an instance those that are named, without those that are left out; or why there are none. */
export function chooseGroupDisks(
  instanceId: string,
  attached: readonly string[],
  { diskIds, excludedDiskIds }: { diskIds: readonly string[]; excludedDiskIds: readonly string[] },
): { diskIds: string[] } | { refusal: Refusal } {
  const stranger = [...diskIds, ...excludedDiskIds].find((diskId) => !attached.includes(diskId));
  if (stranger !== undefined) {
    const message = `The disk ${stranger} is not attached to the instance ${instanceId}: name its disks, or leave InstanceId out.`;
    return { refusal: refusal('InvalidDiskId.NotFound', message) };
  }
  const named = diskIds.length === 0 ? attached : attached.filter((diskId) => diskIds.includes(diskId));
  const chosen = named.filter((diskId) => !excludedDiskIds.includes(diskId));
  if (chosen.length > 0) return { diskIds: chosen };
  const message = `The instance ${instanceId} has no disk that a snapshot group could be made of.`;
  return { refusal: refusal('InvalidInstance.NoDisk', message) };
}

export function refuseSnapshotGroup(disks: readonly GroupDisk[]): Refusal | null {
  const [first] = disks;
  if (disks.length > GROUP_DISK_LIMIT) {
    return refusal(
      'NumberExceed.TooManyDisks',
      `A snapshot group has at most ${GROUP_DISK_LIMIT} disks, not ${disks.length}.`,
    );
  }
  const sizeGib = disks.reduce((sum, disk) => sum + disk.sizeGib, 0);
  if (sizeGib > GROUP_LIMIT_GIB) {
    const message = `The disks of a snapshot group have at most ${GROUP_LIMIT_GIB} GiB together, not ${sizeGib}.`;
    return refusal('CapacityExceed.TooManyDisks', message);
  }
  const elsewhere = disks.find(({ zoneId }) => zoneId !== first?.zoneId);
  if (elsewhere !== undefined) {
    const message = `The disks ${first?.diskId} and ${elsewhere.diskId} are in different zones: a group is of one zone.`;
    return refusal('InvalidDiskIds.NotInSameZone', message);
  }
  const other = disks.find(({ category }) => !hasInstantSnapshots(category));
  if (other === undefined) return null;
  return refusal(
    'DiskCategory.OperationNotSupported',
    `The disk ${other.diskId} is ${other.category}: a snapshot group is of ESSD disks (cloud_essd, cloud_auto, cloud_essd_entry). CreateSnapshot makes a snapshot of it alone.`,
  );
}

export interface GroupDisk extends Pick<DiskFacts, 'diskId' | 'zoneId'> {
  category: string;
  sizeGib: number;
}
