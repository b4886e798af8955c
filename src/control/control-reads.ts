/** What the control plane is asked without changing anything: lists, totals and what was sampled. */
import { listDisks } from '../catalog/disks.ts';
import { listImages } from '../catalog/images.ts';
import { listImageShares } from '../catalog/image-shares.ts';
import { listInstances } from '../catalog/instances.ts';
import { listSnapshotGroups } from '../catalog/snapshot-groups.ts';
import type { DiskRow } from '../catalog/schema.ts';
import { listSnapshots } from '../catalog/snapshots.ts';
import { countTags, listTagsOfResources } from '../catalog/tags.ts';
import { listTasks } from '../catalog/tasks.ts';
import type {
  Disk,
  DiskMonitorPoint,
  Image,
  ImageShare,
  Instance,
  Page,
  Snapshot,
  SnapshotGroup,
  SnapshotChain,
  SnapshotMonitorPoint,
  SnapshotTotals,
  RecycledTotals,
  UndoTotals,
  TagCount,
  TagOfResource,
  Task,
} from '../ecs/resources.ts';
import { attachedDiskOf } from './disk-folder.ts';
import { monitorDisk, monitorSnapshots } from './monitor.ts';
import { getUserData } from './modify-instance.ts';
import type { Parts } from './parts.ts';
import type { DiskMonitorRequest, SnapshotMonitorRequest } from './requests.ts';
import type {
  DiskFilter,
  ImageFilter,
  InstanceFilter,
  Paging,
  SnapshotChainFilter,
  SnapshotFilter,
  SnapshotGroupFilter,
  SnapshotLockFilter,
  TagsOfResourcesFilter,
  TaskFilter,
} from '../ecs/list-filters.ts';
import { getImage } from './rows.ts';
import { listShownLocks } from './snapshot-locks.ts';
import type { ShownLock } from './snapshot-locks.ts';
import { listMeasuredChains, measureSnapshots } from './snapshot-sizes.ts';
import { endsFilter, showEnds } from './subscription-rows.ts';
import { getTask } from './tasks.ts';

export class ControlReads {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async listDisks(filter: DiskFilter, paging: Paging): Promise<Page<Disk>> {
    const { catalog, openDisks, lockClock } = this.#parts;
    const service = (row: DiskRow) => openDisks.serviceOf(attachedDiskOf(row));
    return showEnds(lockClock, await listDisks(catalog.queries, filter, paging, service));
  }

  listSnapshots(filter: SnapshotFilter, paging: Paging): Promise<Page<Snapshot>> {
    return listSnapshots(this.#parts.catalog.queries, filter, paging);
  }

  listSnapshotGroups(filter: SnapshotGroupFilter, paging: Paging): Promise<Page<SnapshotGroup>> {
    return listSnapshotGroups(this.#parts.catalog.queries, filter, paging);
  }

  async listInstances(filter: InstanceFilter, paging: Paging): Promise<Page<Instance>> {
    const { catalog, lockClock } = this.#parts;
    return showEnds(lockClock, await listInstances(catalog.queries, endsFilter(lockClock, filter), paging));
  }

  listImages(filter: ImageFilter, paging: Paging): Promise<Page<Image>> {
    return listImages(this.#parts.catalog.queries, filter, paging);
  }

  listTagsOfResources(filter: TagsOfResourcesFilter, paging: Paging): Promise<Page<TagOfResource>> {
    return listTagsOfResources(this.#parts.catalog.queries, filter, paging);
  }

  countTags(filter: TagsOfResourcesFilter, paging: Paging): Promise<Page<TagCount>> {
    return countTags(this.#parts.catalog.queries, filter, paging);
  }

  listTasks(filter: TaskFilter, paging: Paging): Promise<Page<Task>> {
    return listTasks(this.#parts.catalog.queries, filter, paging);
  }

  getTask(taskId: string): Promise<Task> {
    return getTask(this.#parts.catalog.queries, taskId);
  }

  async listImageShares(imageId: string, paging: Paging): Promise<Page<ImageShare>> {
    const { queries } = this.#parts.catalog;
    await getImage(queries, imageId);
    return await listImageShares(queries, imageId, paging);
  }

  listSnapshotChains(filter: SnapshotChainFilter, paging: Paging): Promise<Page<SnapshotChain>> {
    return listMeasuredChains(this.#parts, filter, paging);
  }

  measureSnapshots(): Promise<SnapshotTotals & UndoTotals & RecycledTotals> {
    return measureSnapshots(this.#parts);
  }

  monitorDisk(request: DiskMonitorRequest): Promise<DiskMonitorPoint[]> {
    return monitorDisk(this.#parts, request);
  }

  monitorSnapshots(request: SnapshotMonitorRequest): Promise<SnapshotMonitorPoint[]> {
    return monitorSnapshots(this.#parts, request);
  }

  listLockedSnapshots(filter: SnapshotLockFilter, paging: Paging): Promise<Page<ShownLock>> {
    return listShownLocks(this.#parts, filter, paging);
  }

  getUserData(instanceId: string): Promise<string> {
    return getUserData(this.#parts, instanceId);
  }
}
