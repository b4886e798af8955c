/** ReplaceSystemDisk as a request: what is checked and written before anything is done. */
import { insertDisk, listDisksOfInstance, updateDisk } from '../catalog/disks.ts';
import { listImageDisks } from '../catalog/images.ts';
import type { DiskRow, ImageDiskRow, ImageRow, InstanceRow, Queries } from '../catalog/schema.ts';
import { applyToDisk, listPoliciesOfDisk } from '../catalog/policies.ts';
import { insertTags, listTags } from '../catalog/tags.ts';
import { newId } from '../ecs/ids.ts';
import { refuseInstanceFromImage } from '../ecs/image-rules.ts';
import { refuseReplaceSystemDisk } from '../ecs/instance-rules.ts';
import { findInstanceType } from '../ecs/instance-types.ts';
import { assert } from '../lib/assert.ts';
import { RequestError } from '../lib/errors.ts';
import { change } from './change.ts';
import { awaitEarlier, findEarlierResult, rememberResult } from './client-token.ts';
import { baseOf } from './disk-folder.ts';
import { newDiskRow, originOfImageDisk, planSizeGib } from './disk-rows.ts';
import { assertIdle } from './idle-disk.ts';
import { DEFAULT_SYSTEM_DISK_GIB, assertSystemDiskSize } from './instance-disks.ts';
import { REPLACE_SYSTEM_DISK } from './operations/replace-system-disk.ts';
import type { ReplaceSystemDiskState } from './operations/replace-system-disk.ts';
import { assertUnlocked } from './instance-locks.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions, ReplaceSystemDiskRequest } from './requests.ts';
import { assertAllowed, diskFacts, getImage, getInstance, imageFacts, instanceFacts, listUnfinished } from './rows.ts';
import type { OperationRunner } from './runner.ts';
import { waitSoon } from './wait-soon.ts';

/** Answers with the new disk, which is in its place by then, or soon. */
export async function replaceSystemDisk(
  parts: Parts,
  runner: OperationRunner,
  request: ReplaceSystemDiskRequest,
  options: ChangeOptions,
): Promise<{ diskId: string }> {
  const { diskId, operation } = await change(parts, options, async (transaction) => {
    const earlier = await findEarlierResult<{ diskId: string }>(transaction, options.idempotency);
    if (earlier !== null) return { ...earlier, operation: null };
    const instance = await getInstance(transaction, request.instanceId);
    await assertUnlocked(transaction, 'ReplaceSystemDisk', instance.instance_id);
    const replaced = await getReplaceable(transaction, instance);
    const image = await getUsableImage(transaction, request.imageId, instance);
    const row = await insertNewSystemDisk(parts, transaction, { request, image, replaced });
    await updateDisk(transaction, replaced.disk_id, { status: 'ReIniting' });
    const result = { diskId: row.disk_id };
    const state: ReplaceSystemDiskState = {
      ...{ instanceId: instance.instance_id, imageId: image.row.image_id, diskId: row.disk_id },
      ...{ replacedDiskId: replaced.disk_id, replacedBase: baseOf(replaced) },
      token: await rememberResult(transaction, options.idempotency, result, parts.clock.nowMs()),
    };
    const recorded = await runner.record(transaction, REPLACE_SYSTEM_DISK, instance.instance_id, state);
    return { ...result, operation: recorded };
  });
  if (operation === null) await awaitEarlier(parts, runner, options.idempotency, 'create');
  else await waitSoon(parts.clock, runner.start(operation).past('create'));
  return { diskId };
}

/** The system disk of an instance that can get another one. */
async function getReplaceable(transaction: Queries, row: InstanceRow): Promise<DiskRow> {
  const disks = await listDisksOfInstance(transaction, row.instance_id);
  const disk = disks.find(({ type }) => type === 'system');
  const [unfinished = null] = disk === undefined ? [] : await listUnfinished(transaction, [disk.disk_id]);
  const instance = instanceFacts(row);
  assertAllowed(refuseReplaceSystemDisk({ instance, systemDisk: disk ? diskFacts(disk) : null, unfinished }));
  assert(disk !== undefined, `${row.instance_id} has no system disk to replace`);
  await assertIdle(transaction, disk.disk_id, { releasing: 'DiskCreatingSnapshot' });
  return disk;
}

interface SystemImage {
  row: ImageRow;
  disk: ImageDiskRow;
}

async function getUsableImage(transaction: Queries, imageId: string, instance: InstanceRow): Promise<SystemImage> {
  const row = await getImage(transaction, imageId);
  const type = findInstanceType(instance.instance_type);
  assert(type !== undefined, `there is no instance type ${instance.instance_type}`);
  assertAllowed(refuseInstanceFromImage({ ...imageFacts(row), architecture: row.architecture }, type));
  const [disk] = await listImageDisks(transaction, [imageId]);
  assert(disk?.type === 'system', `${imageId} has no system disk`);
  return { row, disk };
}

/** Of the kind, name and tags of the one that it replaces, and no smaller. */
async function insertNewSystemDisk(
  parts: Parts,
  transaction: Queries,
  asked: { request: ReplaceSystemDiskRequest; image: SystemImage; replaced: DiskRow },
): Promise<DiskRow> {
  const { request, image, replaced } = asked;
  const { category, performance_level: performanceLevel } = replaced;
  const origin = originOfImageDisk(image.disk);
  const wantedGib = planWantedGib(image.row, replaced, request.sizeGib);
  const kind = { category, performanceLevel, sizeGib: wantedGib };
  const fresh = newDiskRow({
    ...kind,
    diskId: newId('d-', parts.region.regionId, parts.random),
    zoneId: replaced.zone_id,
    diskName: replaced.disk_name,
    description: replaced.description,
    sizeGib: planSizeGib(kind, 'system', origin, 'InvalidSystemDiskSize.MoreThanMaxSize'),
    origin,
    resourceGroupId: replaced.resource_group_id,
    nowMs: parts.clock.nowMs(),
  });
  const { delete_with_instance, delete_auto_snapshot, enable_auto_snapshot, prepaid } = replaced;
  const flags = { delete_with_instance, delete_auto_snapshot, enable_auto_snapshot, prepaid, portable: 0 };
  const ofImage = { source_snapshot_id: null, image_id: image.row.image_id };
  const row: DiskRow = { ...fresh, ...flags, ...ofImage, type: 'system' };
  await insertDisk(transaction, row);
  const tags = await listTags(transaction, [replaced.disk_id]);
  await insertTags(transaction, row.disk_id, tags.get(replaced.disk_id) ?? []);
  for (const policyId of await listPoliciesOfDisk(transaction, replaced.disk_id)) {
    await applyToDisk(transaction, { policyId, diskId: row.disk_id }, row.created_at_ms);
  }
  return row;
}

function planWantedGib(image: ImageRow, replaced: DiskRow, askedGib: number | null): number {
  assertSystemDiskSize(image, askedGib);
  if (askedGib === null) return Math.max(DEFAULT_SYSTEM_DISK_GIB, replaced.size_gib);
  if (askedGib >= replaced.size_gib) return askedGib;
  throw new RequestError(
    'InvalidSystemDiskSize.LessThanMinSize',
    `The system disk ${replaced.disk_id} has ${replaced.size_gib} GiB, and the one that replaces it cannot have ${askedGib}: no less.`,
  );
}
