/** CreateSnapshotGroup, ModifySnapshotGroup and DeleteSnapshotGroup as requests: what is checked and written before anything is done. */
import { listDisksOfInstance } from '../catalog/disks.ts';
import type { DiskRow, Queries, SnapshotGroupRow } from '../catalog/schema.ts';
import {
  findSnapshotGroup,
  insertSnapshotGroup,
  listSnapshotIdsOfGroup,
  updateSnapshotGroup,
} from '../catalog/snapshot-groups.ts';
import { insertSnapshot } from '../catalog/snapshots.ts';
import { insertTags } from '../catalog/tags.ts';
import { isViewBase } from '../disk/protocol.ts';
import { chooseGroupDisks, refuseSnapshotGroup } from '../ecs/snapshot-group-rules.ts';
import type { GroupDisk } from '../ecs/snapshot-group-rules.ts';
import { newId } from '../ecs/ids.ts';
import { RequestError } from '../lib/errors.ts';
import { change, unconditionally } from './change.ts';
import { assertInCredit } from './account-lock.ts';
import { findEarlierResult, rememberResult } from './client-token.ts';
import { baseOf } from './disk-folder.ts';
import { outcomeOf } from './item-outcome.ts';
import { CREATE_SNAPSHOT_GROUP } from './operations/create-snapshot-group.ts';
import type { CreateSnapshotGroupState } from './operations/create-snapshot-group.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions, CreateSnapshotGroupRequest, ItemOutcome, ModifySnapshotGroupRequest } from './requests.ts';
import { assertAllowed, getDisk, getInstance } from './rows.ts';
import type { OperationRunner } from './runner.ts';
import { assertSnapshotAllowed, deleteSnapshot, hiddenRow } from './snapshots.ts';

/** By which it is seen what a snapshot of a group belongs to (`clients.md` 2.3). */
const MEMBER_PREFIX = 'Created_from_';
/** The system tag of a group's snapshots (`ecs-api.md` 2.1); its value is an instance. */
const INSTANCE_TAG = 'acs:ecs:createFrom';

/** Answers when all disks are frozen. */
export async function createSnapshotGroup(
  parts: Parts,
  runner: OperationRunner,
  request: CreateSnapshotGroupRequest,
  options: ChangeOptions,
): Promise<{ groupId: string }> {
  const { groupId, operation } = await change(parts, options, async (transaction) => {
    const earlier = await findEarlierResult<{ groupId: string }>(transaction, options.idempotency);
    if (earlier !== null) return { ...earlier, operation: null };
    const disks = await findDisks(transaction, request);
    await assertInCredit(transaction, 'snapshots');
    assertAllowed(refuseSnapshotGroup(disks.map(groupDisk)));
    for (const disk of disks) await assertSnapshotAllowed(transaction, disk);
    return await recordGroup(parts, runner, { transaction, disks, request, options });
  });
  const run = operation === null ? runner.find(CREATE_SNAPSHOT_GROUP, groupId) : runner.start(operation);
  await run?.past('freeze');
  return { groupId };
}

/** Those of the instance, or those that are named, in the order of their ids. */
async function findDisks(transaction: Queries, request: CreateSnapshotGroupRequest): Promise<DiskRow[]> {
  const { instanceId, diskIds, excludedDiskIds } = request;
  if (instanceId === null) return await getDisks(transaction, diskIds);
  await getInstance(transaction, instanceId);
  const attached = await listDisksOfInstance(transaction, instanceId);
  const chosen = chooseGroupDisks(
    instanceId,
    attached.map((disk) => disk.disk_id),
    { diskIds, excludedDiskIds },
  );
  if ('refusal' in chosen) throw new RequestError(chosen.refusal.code, chosen.refusal.message);
  return attached.filter((disk) => chosen.diskIds.includes(disk.disk_id));
}

async function getDisks(transaction: Queries, diskIds: readonly string[]): Promise<DiskRow[]> {
  const disks: DiskRow[] = [];
  for (const diskId of new Set(diskIds)) disks.push(await getDisk(transaction, diskId));
  return disks;
}

async function recordGroup(
  parts: Parts,
  runner: OperationRunner,
  asked: { transaction: Queries; disks: DiskRow[]; request: CreateSnapshotGroupRequest; options: ChangeOptions },
) {
  const { transaction, disks, request, options } = asked;
  await parts.space.assertRoom('QuotaExceed.Snapshot', 'snapshots');
  const nowMs = parts.clock.nowMs();
  const { regionId } = parts.region;
  const groupId = newId('ssg-', regionId, parts.random);
  const instances = new Set(disks.map((disk) => disk.instance_id));
  const [instanceId = null] = instances.size === 1 ? instances : [];
  const group = { groupId, instanceId, groupName: request.groupName, description: request.description };
  await insertSnapshotGroup(transaction, {
    snapshot_group_id: groupId,
    group_name: request.groupName,
    description: request.description,
    instance_id: instanceId,
    frozen: 0,
    created_at_ms: nowMs,
    resource_group_id: request.resourceGroupId,
  });
  await insertTags(transaction, groupId, request.tags);
  const members: CreateSnapshotGroupState['members'] = [];
  for (const disk of disks) {
    const snapshotId = newId('s-', regionId, parts.random);
    const told = { snapshotName: `${MEMBER_PREFIX}${groupId}`, description: `${MEMBER_PREFIX}${groupId}` };
    const row = hiddenRow(
      snapshotId,
      disk,
      { ...told, retentionDays: null, resourceGroupId: request.resourceGroupId },
      nowMs,
    );
    await insertSnapshot(transaction, { ...row, snapshot_group_id: groupId });
    if (disk.instance_id !== null) {
      await insertTags(transaction, snapshotId, [{ key: INSTANCE_TAG, value: disk.instance_id }]);
    }
    members.push(memberState(disk, snapshotId, { ...group, snapshotCount: disks.length }));
  }
  const token = await rememberResult(transaction, options.idempotency, { groupId }, nowMs);
  const state: CreateSnapshotGroupState = { groupId, members, token };
  return { groupId, operation: await runner.record(transaction, CREATE_SNAPSHOT_GROUP, groupId, state) };
}

function memberState(
  disk: DiskRow,
  snapshotId: string,
  group: { groupId: string; groupName: string; description: string; instanceId: string | null; snapshotCount: number },
): CreateSnapshotGroupState['members'][number] {
  const { groupId: snapshotGroupId, groupName: name, description, instanceId, snapshotCount } = group;
  const base = baseOf(disk);
  return {
    diskId: disk.disk_id,
    snapshotId,
    token: null,
    standsOn: isViewBase(base) ? base : null,
    group: { snapshotGroupId, name, description, instanceId, snapshotCount },
  };
}

function groupDisk(row: DiskRow): GroupDisk {
  return { diskId: row.disk_id, zoneId: row.zone_id, category: row.category, sizeGib: row.size_gib };
}

/** A group that is in answers (C5). */
async function getSnapshotGroup(queries: Queries, groupId: string): Promise<SnapshotGroupRow> {
  const row = await findSnapshotGroup(queries, groupId);
  if (row !== undefined && row.frozen === 1) return row;
  throw new RequestError(
    'InvalidSnapshotGroup.NotFound',
    `There is no snapshot group ${groupId}: DescribeSnapshotGroups lists those that there are.`,
  );
}

/** Name and description are the catalog's: the manifests in the repository, which never change, keep the first ones. */
export async function modifySnapshotGroup(
  parts: Parts,
  { groupId, groupName, description }: ModifySnapshotGroupRequest,
  options: ChangeOptions,
): Promise<void> {
  await change(parts, options, async (transaction) => {
    await getSnapshotGroup(transaction, groupId);
    await updateSnapshotGroup(transaction, groupId, {
      ...(groupName !== undefined && { group_name: groupName }),
      ...(description !== undefined && { description }),
    });
  });
}

/** Each of its snapshots as DeleteSnapshot does, by force; what is refused stays, and is told. */
export async function deleteSnapshotGroup(
  parts: Parts,
  runner: OperationRunner,
  { groupId }: { groupId: string },
  options: ChangeOptions,
): Promise<ItemOutcome[]> {
  const snapshotIds = await change(parts, options, async (transaction) => {
    await getSnapshotGroup(transaction, groupId);
    return await listSnapshotIdsOfGroup(transaction, groupId);
  });
  return await Promise.all(
    snapshotIds.map((snapshotId) =>
      outcomeOf(snapshotId, deleteSnapshot(parts, runner, { snapshotId, force: true }, unconditionally)),
    ),
  );
}
