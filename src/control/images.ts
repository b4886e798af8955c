/**
 * CreateImage, ModifyImageAttribute and DeleteImage as requests: what is checked and written before anything is done.
 *
 * An image and, when it is made of an instance, hidden rows of its disks' snapshots are written in one transaction. A crash right
 * after it leaves snapshots that no freeze has begun: they are gone at the next start, and the image is `CreateFailed`
 * without its name and its client token, for nobody was answered.
 */
import { findDisk, listDisksOfInstance } from '../catalog/disks.ts';
import {
  deleteImage as deleteImageRow,
  findImage,
  insertImage,
  isImageNameTaken,
  isImageUsed,
  updateImage,
  listImageDisks,
} from '../catalog/images.ts';
import { findSnapshot } from '../catalog/snapshots.ts';
import { countImageShares } from '../catalog/image-shares.ts';
import { findOperation } from '../catalog/operations.ts';
import type { DiskRow, ImageDiskRow, ImageRow, Queries, SnapshotRow } from '../catalog/schema.ts';
import { deleteTags, insertTags } from '../catalog/tags.ts';
import { newId } from '../ecs/ids.ts';
import {
  DEFAULT_ARCHITECTURE,
  DEFAULT_BOOT_MODE,
  DEFAULT_PLATFORM,
  osNameOf,
  osTypeOf,
} from '../ecs/image-platforms.ts';
import {
  planImageDisks,
  refuseDeleteImage,
  refuseImageFromSnapshot,
  refuseImageInExchange,
  refuseImageOfInstance,
  refuseImageStatus,
  refuseSystemDiskFrom,
} from '../ecs/image-rules.ts';
import { refuseImageFromUnfinished } from '../ecs/states.ts';
import type { WantedImageDisk } from '../ecs/image-rules.ts';
import { assert } from '../lib/assert.ts';
import { RequestError } from '../lib/errors.ts';
import { change, unconditionally } from './change.ts';
import { findEarlierResult, rememberResult } from './client-token.ts';
import { emptyOrigin, findOrigin } from './disk-rows.ts';
import type { Origin } from './disk-rows.ts';
import { raiseGarbageMark } from './garbage.ts';
import { CREATE_IMAGE } from './operations/create-image.ts';
import type { CreateImageState } from './operations/create-image.ts';
import { EXPORT } from './operations/export.ts';
import { IMPORT_IMAGE } from './operations/import-image.ts';
import type { CreateSnapshotState } from './operations/create-snapshot.ts';
import { assertUnlocked } from './instance-locks.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions, CreateImageRequest, ImageDiskRequest, ModifyImageRequest } from './requests.ts';
import { assertAllowed, getImage, getInstance, imageFacts, instanceFacts, snapshotFacts } from './rows.ts';
import type { Run } from './run.ts';
import type { OperationRunner } from './runner.ts';
import { dropIfFree, performDeletion } from './snapshot-deletion.ts';
import { assertSnapshotAllowed, insertHidden } from './snapshots.ts';
import { waitSoon } from './wait-soon.ts';

/** What the image is made of: its disks, the snapshots still to be frozen for them, and the image it descends from. */
interface Source {
  disks: ImageDiskRow[];
  members: CreateSnapshotState[];
  parent: ImageRow | undefined;
}

/** What is said of a new image. */
type NewImage = Omit<CreateImageRequest, 'instanceId' | 'disks' | 'snapshotId'>;

/** Answers when the disks of an instance are frozen, or soon when the image is made of snapshots. */
export async function createImage(
  parts: Parts,
  runner: OperationRunner,
  request: CreateImageRequest,
  options: ChangeOptions,
): Promise<{ imageId: string }> {
  const { imageId, begun } = await change(parts, options, async (transaction) => {
    const earlier = await findEarlierResult<{ imageId: string }>(transaction, options.idempotency);
    if (earlier !== null) return { ...earlier, begun: null };
    const id = newId('m-', parts.region.regionId, parts.random);
    const source = await gather(parts, { transaction, request, imageId: id });
    await insertNewImage(parts, transaction, { request, imageId: id, source });
    const token = await rememberResult(transaction, options.idempotency, { imageId: id }, parts.clock.nowMs());
    const { members } = source;
    const state: CreateImageState = {
      imageId: id,
      token,
      snapshots: members.map(({ diskId, snapshotId }) => ({ diskId, snapshotId })),
      members,
    };
    const step = members.length === 0 ? 'gather' : 'freeze';
    const operation = await runner.record(transaction, CREATE_IMAGE, id, state, step);
    return { imageId: id, begun: operation };
  });
  const run = begun === null ? runner.find(CREATE_IMAGE, imageId) : runner.start(begun);
  if (run !== undefined) await awaitFreeze(parts, run);
  return { imageId };
}

/** Waits until all disks are frozen: what is answered is an image of that moment. A freeze that fails is told. */
async function awaitFreeze(parts: Parts, run: Run): Promise<void> {
  await run.past('freeze');
  const { snapshots } = run.operation.state as CreateImageState;
  if (snapshots.length === 0)
    await waitSoon(
      parts.clock,
      run.done().catch(() => undefined),
    );
}

async function gather(
  parts: Parts,
  asked: { transaction: Queries; request: CreateImageRequest; imageId: string },
): Promise<Source> {
  const { transaction, request, imageId } = asked;
  const { instanceId, disks, snapshotId, resourceGroupId } = request;
  if (instanceId !== null) {
    return await gatherInstance(parts, { transaction, instanceId, imageId, resourceGroupId });
  }
  if (disks !== null) return await gatherSnapshots(transaction, imageId, disks);
  assert(snapshotId !== null, 'an image is made of nothing');
  const { snapshot } = await findReady(transaction, snapshotId);
  if (snapshot !== null) {
    assertAllowed(refuseSystemDiskFrom({ snapshotId, sourceDiskType: snapshot.source_disk_type }));
  }
  return await gatherSnapshots(transaction, imageId, [{ device: null, type: null, sizeGib: null, snapshotId }]);
}

/** One snapshot of each disk, as CreateSnapshot makes it: its checks and quotas are CreateImage's. */
async function gatherInstance(
  parts: Parts,
  asked: { transaction: Queries; instanceId: string; imageId: string; resourceGroupId: string },
): Promise<Source> {
  const { transaction, instanceId, imageId, resourceGroupId } = asked;
  const instance = await getInstance(transaction, instanceId);
  await assertUnlocked(transaction, 'CreateImage', instanceId);
  const rows = await listDisksOfInstance(transaction, instanceId);
  const hasSystemDisk = rows.some(({ type }) => type === 'system');
  assertAllowed(refuseImageOfInstance(instanceFacts(instance), hasSystemDisk));
  const source: Source = { disks: [], members: [], parent: await findImage(transaction, instance.image_id) };
  for (const disk of rows) {
    assert(disk.device !== null, `${disk.disk_id} is attached without a device`);
    await assertSnapshotAllowed(transaction, disk);
    const request = { ...snapshotOf(disk, imageId), resourceGroupId };
    const member = await insertHidden(parts, { transaction, disk, request, options: unconditionally });
    const { device, type, size_gib } = disk;
    source.disks.push({ image_id: imageId, device, type, size_gib, snapshot_id: member.snapshotId, base: null });
    source.members.push(member);
  }
  return source;
}

function snapshotOf(disk: DiskRow, imageId: string) {
  return {
    diskId: disk.disk_id,
    snapshotName: `SnapshotForImage-${imageId}`,
    description: `${disk.device} of the instance ${disk.instance_id}, for the image ${imageId}`,
    retentionDays: null,
    tags: [],
  };
}

async function gatherSnapshots(transaction: Queries, imageId: string, asked: ImageDiskRequest[]): Promise<Source> {
  const origins = new Map<string | null, Origin>([[null, emptyOrigin]]);
  const wanted: WantedImageDisk[] = [];
  for (const { snapshotId, ...disk } of asked) {
    const origin = origins.get(snapshotId) ?? (await findReady(transaction, snapshotId));
    origins.set(snapshotId, origin);
    const row = origin.snapshot;
    wanted.push({
      ...disk,
      snapshot: row && {
        snapshotId: row.snapshot_id,
        sizeGib: row.source_disk_size_gib,
        sourceDiskType: row.source_disk_type,
      },
    });
  }
  const planned = planImageDisks(wanted);
  if (!Array.isArray(planned)) throw new RequestError(planned.code, planned.message);
  const disks = planned.map(({ device, type, sizeGib, snapshotId }) => ({
    image_id: imageId,
    device,
    type,
    size_gib: sizeGib,
    snapshot_id: snapshotId,
    base: JSON.stringify((origins.get(snapshotId) ?? emptyOrigin).base),
  }));
  return { disks, members: [], parent: undefined };
}

/** The snapshot, accomplished and allowed to make an image. */
async function findReady(transaction: Queries, snapshotId: string | null): Promise<Origin> {
  const codes = { notFound: 'InvalidSnapshotId.NotFound', notReady: 'InvalidSnapshotId.NotReady' };
  const origin = await findOrigin(transaction, snapshotId, codes);
  if (origin.snapshot === null) return origin;
  assertAllowed(refuseImageFromUnfinished(snapshotFacts(origin.snapshot)));
  const { snapshot_id: id, source_disk_id: diskId, source_disk_type: sourceDiskType } = origin.snapshot;
  const disk = await findDisk(transaction, diskId);
  assertAllowed(
    refuseImageFromSnapshot(
      { snapshotId: id, sourceDiskType },
      disk === undefined ? null : { diskId, type: disk.type },
    ),
  );
  return origin;
}

/** The row of an image that is `Creating`, its disks and tags. */
export async function insertNewImage(
  parts: Parts,
  transaction: Queries,
  asked: { request: NewImage; imageId: string; source: Pick<Source, 'disks' | 'parent'> },
): Promise<void> {
  const { request, imageId, source } = asked;
  const { parent } = source;
  const systemDisk = source.disks.find(({ type }) => type === 'system');
  assert(systemDisk !== undefined, `${imageId} has no system disk`);
  const platform = request.platform ?? parent?.platform ?? DEFAULT_PLATFORM;
  const architecture = request.architecture ?? parent?.architecture ?? DEFAULT_ARCHITECTURE;
  const row: ImageRow = {
    image_id: imageId,
    image_name: request.imageName ?? imageId,
    description: request.description,
    owner_alias: 'self',
    size_gib: systemDisk.size_gib,
    os_type: osTypeOf(platform),
    os_name: osNameOf(platform, architecture),
    platform,
    architecture,
    created_at_ms: parts.clock.nowMs(),
    image_family: request.imageFamily,
    image_version: request.imageVersion,
    boot_mode: request.bootMode ?? parent?.boot_mode ?? DEFAULT_BOOT_MODE,
    status: 'Creating',
    failure_reason: null,
    deleted: 0,
    resource_group_id: request.resourceGroupId,
  };
  await assertNameFree(transaction, row.image_name, imageId);
  await insertImage(transaction, row, source.disks);
  await insertTags(transaction, imageId, request.tags);
}

async function assertNameFree(transaction: Queries, imageName: string, imageId: string): Promise<void> {
  if (!(await isImageNameTaken(transaction, imageName, imageId))) return;
  throw new RequestError(
    'InvalidImageName.Duplicated',
    `There is an image named ${JSON.stringify(imageName)} already: choose another name, or delete that image first.`,
  );
}

export async function modifyImage(parts: Parts, request: ModifyImageRequest, options: ChangeOptions): Promise<void> {
  const { imageId, imageName, description, imageFamily, bootMode, status } = request;
  await change(parts, options, async (transaction) => {
    const image = await getImage(transaction, imageId);
    if (image.owner_alias === 'system') {
      throw new RequestError(
        'InvalidImageId.NotFound',
        `The image ${imageId} is a public one, not your own: it cannot be changed.`,
      );
    }
    if (imageName !== undefined) await assertNameFree(transaction, imageName, imageId);
    if (status !== undefined) assertAllowed(refuseImageStatus(imageFacts(image)));
    await updateImage(transaction, imageId, {
      ...(imageName !== undefined && { image_name: imageName }),
      ...(description !== undefined && { description }),
      ...(imageFamily !== undefined && { image_family: imageFamily }),
      ...(bootMode !== undefined && { boot_mode: bootMode }),
      ...(status !== undefined && { status }),
    });
  });
}

/** Snapshots, and what was made from it, stay; its row too, unseen, while instances refer to it. What only it kept is garbage. */
export async function deleteImage(
  parts: Parts,
  runner: OperationRunner,
  request: { imageId: string; force: boolean },
  options: ChangeOptions,
): Promise<void> {
  const { imageId, force } = request;
  const copyId = await parts.regions.findCopyOf({ regionId: parts.region.regionId, imageId });
  const deletions = await change(parts, options, async (transaction) => {
    const image = await getImage(transaction, imageId);
    const isImporting = (await findOperation(transaction, IMPORT_IMAGE, imageId)) !== undefined;
    const isExporting = (await findOperation(transaction, EXPORT, imageId)) !== undefined;
    assertAllowed(refuseImageInExchange(imageId, { isImporting, isExporting }));
    const isUsed = await isImageUsed(transaction, imageId);
    const isShared = (await countImageShares(transaction, imageId)) > 0;
    assertAllowed(refuseDeleteImage(imageFacts(image), { isUsed, isShared, isCopied: copyId !== null, force }));
    const copies = image.status === 'CreateFailed' ? await listCopiedSnapshots(transaction, imageId) : [];
    await deleteTags(transaction, imageId);
    await deleteImageRow(transaction, imageId);
    await raiseGarbageMark(transaction);
    const recorded = [];
    for (const row of copies) recorded.push(await dropIfFree({ parts, runner, transaction }, row));
    return recorded.filter((deletion) => deletion !== null);
  });
  await Promise.all(deletions.map((deletion) => performDeletion(parts, runner, deletion)));
}

/** How a snapshot is called that is copied for an image. */
export function copyNameOf(imageId: string): string {
  return `SnapshotForImage-${imageId}`;
}

/** What was copied for an image that has failed, of no use to anybody else; one that somebody has named is theirs. */
async function listCopiedSnapshots(transaction: Queries, imageId: string): Promise<SnapshotRow[]> {
  const rows: SnapshotRow[] = [];
  for (const { snapshot_id: snapshotId } of await listImageDisks(transaction, [imageId])) {
    const row = snapshotId === null ? undefined : await findSnapshot(transaction, snapshotId);
    if (row?.source_snapshot_id !== null && row?.snapshot_name === copyNameOf(imageId)) rows.push(row);
  }
  return rows;
}
