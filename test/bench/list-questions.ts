/** A question for every filter of every list, and some for several together: what `list-times.ts` asks of a large catalog. */
import { listChains } from '../../src/catalog/snapshot-chains.ts';
import { listDisks } from '../../src/catalog/disks.ts';
import { listImages } from '../../src/catalog/images.ts';
import { listInstances } from '../../src/catalog/instances.ts';
import type { Queries } from '../../src/catalog/schema.ts';
import { listSnapshotGroups } from '../../src/catalog/snapshot-groups.ts';
import { listLocks } from '../../src/catalog/snapshot-locks.ts';
import { listSnapshots } from '../../src/catalog/snapshots.ts';
import { countTags, listTagsOfResources } from '../../src/catalog/tags.ts';
import { listTasks } from '../../src/catalog/tasks.ts';
import type {
  DiskFilter,
  ImageFilter,
  InstanceFilter,
  Paging,
  SnapshotChainFilter,
  SnapshotFilter,
  SnapshotGroupFilter,
  SnapshotLockFilter,
  TagFilter,
  TagsOfResourcesFilter,
  TaskFilter,
} from '../../src/ecs/list-filters.ts';
import type { Page } from '../../src/ecs/resources.ts';
import { idOf, known } from './large-catalog.ts';

/** By a name: filters to ask with. A list's every filter is in it. */
type Questions<T> = { [name in keyof Required<T>]: T[] } & Record<string, T[]>;

interface List {
  name: string;
  questions: Record<string, object[]>;
  ask: (queries: Queries, filter: never, paging: Paging) => Promise<Page<unknown>>;
}

const tag = (key: string, value: string | null): TagFilter => ({ key, value });
const tags = [
  [tag('rare', 'yes')],
  [tag('team', 'team-7')],
  [tag('env', 'prod')],
  [tag('cluster', null)],
  [tag('env', 'prod'), tag('cluster', 'k8s')],
  [tag('cluster', 'k8s'), tag('rare', null)],
];
const withTags = tags.map((each) => ({ tags: each }));
const created = {
  createdFromMs: [{ createdFromMs: known.middleMs }, { createdFromMs: known.lastMs - 3_600_000 }],
  createdUntilMs: [
    { createdUntilMs: known.middleMs },
    { createdUntilMs: known.middleMs, createdFromMs: known.middleMs - 86_400_000 },
  ],
  resourceGroupId: [{ resourceGroupId: known.resourceGroupId }, { resourceGroupId: 'rg-default0000000000' }],
  tags: withTags,
};
const ids = (prefix: string) => [idOf(prefix, 1), idOf(prefix, 999), idOf(prefix, 77)];

const snapshots: Questions<SnapshotFilter> = {
  ...created,
  none: [{}],
  snapshotIds: [{ snapshotIds: ids('s') }],
  diskId: [{ diskId: known.diskId }, { diskId: known.busyDiskId }],
  instanceId: [{ instanceId: known.instanceId }],
  groupId: [{ groupId: known.groupId }],
  snapshotName: [{ snapshotName: 'snapshot-7' }, { snapshotName: 'daily' }],
  status: [{ status: 'progressing' }, { status: 'failed' }, { status: 'accomplished' }],
  category: [{ category: 'archive' }, { category: 'standard' }],
  sourceDiskType: [{ sourceDiskType: 'system' }, { sourceDiskType: 'data' }],
  usage: [{ usage: 'none' }, { usage: 'disk' }, { usage: 'image' }, { usage: 'image_disk' }],
  automatic: [{ automatic: true }, { automatic: false }, { automatic: true, status: 'failed' }],
  undo: [{ undo: true }, { undo: false }, { undo: true, diskId: known.diskId }],
  several: [
    { status: 'accomplished', category: 'archive' },
    { status: 'failed', category: 'archive', sourceDiskType: 'system' },
    { usage: 'none', status: 'accomplished', createdUntilMs: known.middleMs },
    { usage: 'disk', sourceDiskType: 'data', resourceGroupId: known.resourceGroupId },
    { diskId: known.busyDiskId, status: 'failed' },
    { diskId: known.diskId, createdFromMs: known.middleMs },
    { instanceId: known.instanceId, status: 'accomplished', tags: [tag('env', 'prod')] },
    { status: 'progressing', tags: [tag('env', 'prod')] },
    { status: 'accomplished', tags: [tag('env', 'prod')] },
    { snapshotName: 'daily', status: 'failed' },
    { snapshotName: 'daily', createdFromMs: known.lastMs - 86_400_000 },
    { createdFromMs: known.lastMs - 86_400_000, tags: [tag('cluster', 'k8s')] },
  ],
};

const disks: Questions<DiskFilter> = {
  ...created,
  none: [{}],
  diskIds: [{ diskIds: ids('d') }],
  instanceId: [{ instanceId: known.instanceId }],
  zoneId: [{ zoneId: 'cn-hangzhou-b' }, { zoneId: 'cn-hangzhou-a' }],
  lockReason: [{ lockReason: 'financial' }],
  diskName: [{ diskName: 'data-7' }, { diskName: 'root' }],
  category: [{ category: 'cloud_ssd' }, { category: 'cloud_essd' }, { category: 'cloud' }],
  type: [{ type: 'system' }, { type: 'data' }],
  status: [{ status: 'Available' }, { status: 'In_use' }, { status: 'Creating' }],
  sourceSnapshotId: [{ sourceSnapshotId: known.sourceSnapshotId }],
  portable: [{ portable: false }, { portable: true }],
  chargeType: [{ chargeType: 'PrePaid' }, { chargeType: 'PostPaid' }],
  deleteWithInstance: [{ deleteWithInstance: false }, { deleteWithInstance: true }],
  deleteAutoSnapshot: [{ deleteAutoSnapshot: false }, { deleteAutoSnapshot: true }],
  enableAutoSnapshot: [{ enableAutoSnapshot: false }, { enableAutoSnapshot: true }],
  policyId: [{ policyId: known.policyId }, { policyId: 'sp-absent' }],
  hasPolicy: [{ hasPolicy: true }, { hasPolicy: false }],
  several: [
    { status: 'Available', category: 'cloud_ssd', type: 'data' },
    { zoneId: 'cn-hangzhou-a', portable: false, deleteWithInstance: true },
    { status: 'In_use', tags: [tag('env', 'prod')] },
    { type: 'system', status: 'Available' },
  ],
};

const instances: Questions<InstanceFilter> = {
  ...created,
  none: [{}],
  instanceIds: [{ instanceIds: ids('i') }],
  lockReason: [{ lockReason: 'financial' }],
  instanceName: [{ instanceName: 'node-7' }, { instanceName: 'node-7*' }, { instanceName: '*7' }],
  instanceType: [{ instanceType: 'ecs.external.large' }, { instanceType: 'ecs.none' }],
  imageId: [{ imageId: known.imageId }],
  status: [{ status: 'Stopped' }, { status: 'Running' }],
  zoneId: [{ zoneId: 'cn-hangzhou-b' }],
  privateIps: [{ privateIps: ['10.0.0.7'] }],
  networkInterfaceIds: [{ networkInterfaceIds: ['eni-7'] }],
  chargeType: [{ chargeType: 'PrePaid' }, { chargeType: 'PostPaid' }],
  expiresFromMs: [{ expiresFromMs: known.middleMs }],
  expiresUntilMs: [{ expiresUntilMs: known.middleMs }],
  renewalStatus: [{ chargeType: 'PrePaid', renewalStatus: 'AutoRenewal' }],
};

const images: Questions<ImageFilter> = {
  ...created,
  none: [{}],
  imageIds: [{ imageIds: ids('m') }],
  imageName: [{ imageName: 'image-7' }],
  ownerAlias: [{ ownerAlias: 'self' }, { ownerAlias: 'system' }],
  osType: [{ osType: 'linux' }, { osType: 'windows' }],
  architectures: [{ architectures: ['x86_64'] }],
  imageFamily: [{ imageFamily: 'family-7' }],
  statuses: [{ statuses: ['Available'] }, { statuses: ['Creating', 'CreateFailed'] }],
  snapshotId: [{ snapshotId: idOf('s', 130) }],
  isUsed: [{ isUsed: true }, { isUsed: false }],
};

const groups: Questions<SnapshotGroupFilter> = {
  none: [{}],
  groupIds: [{ groupIds: ids('ssg') }],
  groupName: [{ groupName: 'group-7' }],
  instanceId: [{ instanceId: known.instanceId }],
  resourceGroupId: created.resourceGroupId,
  statuses: [{ statuses: ['progressing'] }, { statuses: ['failed'] }, { statuses: ['accomplished'] }],
  tags: withTags,
};

const chains: Questions<SnapshotChainFilter> = {
  none: [{}],
  diskIds: [{ diskIds: [known.diskId] }],
  instanceId: [{ instanceId: known.instanceId }],
};

const locks: Questions<SnapshotLockFilter> = {
  none: [{}],
  snapshotIds: [{ snapshotIds: ids('s') }],
  status: [{ status: 'expired' }, { status: 'compliance' }, { status: 'compliance-cooloff' }],
};

const tasks: Questions<TaskFilter> = {
  none: [{}],
  taskIds: [{ taskIds: ids('t') }],
  resourceIds: [{ resourceIds: ids('m') }],
  action: [{ action: 'ImportImage' }],
  status: [{ status: 'Finished' }, { status: 'Processing' }],
  createdFromMs: created.createdFromMs,
  createdUntilMs: created.createdUntilMs,
};

const tagged: Questions<TagsOfResourcesFilter> = {
  none: [{}],
  resourceType: [{ resourceType: 'snapshot' }, { resourceType: 'image' }],
  resourceIds: [{ resourceIds: ids('d') }, { resourceType: 'disk', resourceIds: ids('d') }],
  tags: withTags,
  tagPatterns: [{ tagPatterns: [{ key: 'tick*', values: ['5*'] }] }],
};

/** Every list of the catalog. */
export const lists: List[] = [
  { name: 'snapshots', questions: snapshots, ask: listSnapshots },
  {
    ...{ name: 'disks', questions: disks },
    ask: (queries, filter, paging) =>
      listDisks(
        queries,
        filter,
        paging,
        () => ({ nbdUri: null, performance: { iops: null, bytesPerSecond: null } }) as never,
      ),
  },
  { name: 'instances', questions: instances, ask: listInstances },
  { name: 'images', questions: images, ask: listImages },
  { name: 'snapshot groups', questions: groups, ask: listSnapshotGroups },
  { name: 'chains', questions: chains, ask: listChains },
  {
    ...{ name: 'locks', questions: locks },
    ask: (queries, filter: SnapshotLockFilter, paging) =>
      listLocks(queries, { ...filter, nowMs: known.middleMs }, paging),
  },
  { name: 'tasks', questions: tasks, ask: listTasks },
  { name: 'tags of resources', questions: tagged, ask: listTagsOfResources },
  { name: 'counted tags', questions: tagged, ask: countTags },
];
