/**
 * Images in the catalog: what system disks, and the data disks beside them, are made from. A deleted image is in no list and
 * has no disks, but its row stays while an instance that was made from it refers to it.
 */
import { sql } from 'kysely';
import type { Updateable } from 'kysely';
import type { ImageFilter, Paging } from '../ecs/list-filters.ts';
import type { Image, ImageDisk, Page } from '../ecs/resources.ts';
import { atLeastOne } from './disks.ts';
import { likePart } from './like.ts';
import { is, isIn, listPage } from './listing.ts';
import type { List, Wanted } from './listing.ts';
import type { Flag, ImageDiskRow, ImageRow, Queries, SnapshotRow } from './schema.ts';
import { listTags } from './tags.ts';

/** Puts an image of one disk there, or leaves the one that is there as it is. */
export async function ensureImage(queries: Queries, row: ImageRow, disk: ImageDiskRow): Promise<void> {
  await queries
    .insertInto('images')
    .values(row)
    .onConflict((conflict) => conflict.column('image_id').doNothing())
    .execute();
  await queries
    .insertInto('image_disks')
    .values(disk)
    .onConflict((conflict) => conflict.columns(['image_id', 'device']).doNothing())
    .execute();
}

export async function insertImage(queries: Queries, row: ImageRow, disks: ImageDiskRow[]): Promise<void> {
  await queries.insertInto('images').values(row).execute();
  await queries.insertInto('image_disks').values(disks).execute();
}

/** Of each image its system disk first, then its data disks in device order. */
export async function listImageDisks(queries: Queries, imageIds: string[]): Promise<ImageDiskRow[]> {
  return await queries
    .selectFrom('image_disks')
    .selectAll()
    .where('image_id', 'in', atLeastOne(imageIds))
    .orderBy('image_id')
    .orderBy('type', 'desc')
    .orderBy(sql`length(device)`)
    .orderBy('device')
    .execute();
}

/** What every disk of every image that is not deleted begins as: roots for the collector. */
export async function listImageBases(queries: Queries): Promise<string[]> {
  const rows = await queries.selectFrom('image_disks').select('base').execute();
  return rows.flatMap(({ base }) => base ?? []);
}

/** Deleted ones too: ask for `deleted`. */
export async function findImage(queries: Queries, imageId: string): Promise<ImageRow | undefined> {
  return await queries.selectFrom('images').selectAll().where('image_id', '=', imageId).executeTakeFirst();
}

/** The newest Available image of the family. */
export async function findNewestOfFamily(queries: Queries, imageFamily: string): Promise<ImageRow | undefined> {
  return await queries
    .selectFrom('images')
    .selectAll()
    .where('image_family', '=', imageFamily)
    .where('status', '=', 'Available')
    .where('deleted', '=', 0)
    .orderBy('created_at_ms', 'desc')
    .orderBy('image_id', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** By an image that is there, or being made: one that failed takes no name. */
export async function isImageNameTaken(queries: Queries, imageName: string, exceptImageId: string): Promise<boolean> {
  const row = await queries
    .selectFrom('images')
    .select('image_id')
    .where('image_name', '=', imageName)
    .where('deleted', '=', 0)
    .where('status', '<>', 'CreateFailed')
    .where('image_id', '<>', exceptImageId)
    .executeTakeFirst();
  return row !== undefined;
}

export async function updateImage(queries: Queries, imageId: string, change: Updateable<ImageRow>): Promise<void> {
  if (Object.keys(change).length === 0) return;
  await queries.updateTable('images').set(change).where('image_id', '=', imageId).execute();
}

export async function setImageDiskBase(
  queries: Queries,
  disk: { imageId: string; device: string },
  base: string,
): Promise<void> {
  await queries
    .updateTable('image_disks')
    .set({ base })
    .where('image_id', '=', disk.imageId)
    .where('device', '=', disk.device)
    .execute();
}

/** What a disk of an image is being made from; null: nothing any more. */
export async function setImageDiskSnapshot(
  queries: Queries,
  disk: { imageId: string; device: string },
  snapshotId: string | null,
): Promise<void> {
  const disks = queries.updateTable('image_disks').set({ snapshot_id: snapshotId });
  await disks.where('image_id', '=', disk.imageId).where('device', '=', disk.device).execute();
}

/** What a disk of an image that is being created waits for; without status when the snapshot is gone. */
export interface AwaitedSnapshot {
  device: string;
  snapshotId: string;
  status: SnapshotRow['status'] | null;
  /** Whether its freeze is recorded. */
  isFrozen: boolean;
  failureReason: string | null;
  progressPercent: number;
  tree: string | null;
}

export async function listAwaitedSnapshots(queries: Queries, imageId: string): Promise<AwaitedSnapshot[]> {
  const rows = await queries
    .selectFrom('image_disks')
    .leftJoin('snapshots', 'snapshots.snapshot_id', 'image_disks.snapshot_id')
    .select(['image_disks.device', 'image_disks.snapshot_id', 'status', 'frozen', 'failure_reason', 'tree'])
    .select('progress_percent')
    .where('image_id', '=', imageId)
    .where('base', 'is', null)
    .orderBy('device')
    .execute();
  return rows.map((row) => ({
    device: row.device,
    snapshotId: row.snapshot_id ?? '',
    status: row.status,
    isFrozen: row.frozen === 1,
    failureReason: row.failure_reason,
    progressPercent: row.progress_percent ?? 0,
    tree: row.tree,
  }));
}

/** Whether an instance that was made from the image is there. */
export async function isImageUsed(queries: Queries, imageId: string): Promise<boolean> {
  const row = await queries
    .selectFrom('instances')
    .select('instance_id')
    .where('image_id', '=', imageId)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** From now on nothing is made from it; what only its disks kept is garbage. Its row stays while instances refer to it. */
export async function deleteImage(queries: Queries, imageId: string): Promise<void> {
  await queries.deleteFrom('image_disks').where('image_id', '=', imageId).execute();
  await queries.deleteFrom('image_shares').where('image_id', '=', imageId).execute();
  await updateImage(queries, imageId, { deleted: 1 });
  await purgeDeletedImage(queries, imageId);
}

/** Removes a deleted image's row when no instance refers to it any more, or is about to, with a disk that is being made from it. */
export async function purgeDeletedImage(queries: Queries, imageId: string): Promise<void> {
  if (await isImageUsed(queries, imageId)) return;
  const disks = queries.selectFrom('disks').select('disk_id').where('status', '=', 'Creating');
  if ((await disks.where('image_id', '=', imageId).limit(1).executeTakeFirst()) !== undefined) return;
  await queries.deleteFrom('images').where('image_id', '=', imageId).where('deleted', '=', 1).execute();
}

const list: List = { table: 'images', id: 'image_id', type: 'image', listed: sql<boolean>`deleted = 0` };

/** A page, newest first. */
export async function listImages(queries: Queries, wanted: ImageFilter, paging: Paging): Promise<Page<Image>> {
  type Row = ImageRow & { used_by_instance: Flag; shared: Flag; copied: Flag };
  const columns = sql`*, ${usedByInstance} AS used_by_instance, ${shared} AS shared, ${copied} AS copied`;
  const page = await listPage<Row>(queries, list, wantedOf(wanted), paging, columns);
  const ids = page.items.map((row) => row.image_id);
  const [contents, tags] = [await listContents(queries, ids), await listTags(queries, ids)];
  const items = page.items.map((row) => ({
    ...toImage(row, contents.get(row.image_id) ?? { disks: [], progress: [] }),
    isUsed: row.used_by_instance === 1,
    isShared: row.shared === 1,
    isCopied: row.copied === 1,
    tags: tags.get(row.image_id) ?? [],
  }));
  return { ...page, items };
}

const shared = sql<number>`EXISTS (SELECT 1 FROM image_shares WHERE image_shares.image_id = images.image_id)`;
/** One of its snapshots came by copying. */
const copied = sql<number>`EXISTS (SELECT 1 FROM image_disks JOIN snapshots ON snapshots.snapshot_id = image_disks.snapshot_id
  WHERE image_disks.image_id = images.image_id AND snapshots.source_snapshot_id IS NOT NULL)`;
const usedByInstance = sql<number>`EXISTS (SELECT 1 FROM instances WHERE instances.image_id = images.image_id)`;

function wantedOf({
  imageIds,
  imageName,
  architectures,
  statuses,
  isUsed,
  snapshotId,
  ...wanted
}: ImageFilter): Wanted {
  const { ownerAlias, osType, imageFamily, resourceGroupId } = wanted;
  return {
    ...wanted,
    few: [
      ...isIn('image_id', imageIds),
      ...(imageName === undefined ? [] : [sql<boolean>`image_name LIKE ${likePart(imageName)} ESCAPE '\\'`]),
      ...isIn('architecture', architectures),
      ...is('image_family', imageFamily),
      ...isIn('status', statuses),
      ...(isUsed === undefined ? [] : [isUsed ? sql<boolean>`${usedByInstance}` : sql<boolean>`NOT ${usedByInstance}`]),
      ...(snapshotId === undefined ? [] : [isMadeWith(snapshotId)]),
    ],
    many: { owner_alias: ownerAlias, os_type: osType, resource_group_id: resourceGroupId },
  };
}

function isMadeWith(snapshotId: string) {
  return sql<boolean>`image_id IN (SELECT image_id FROM image_disks WHERE snapshot_id = ${snapshotId})`;
}

interface Content {
  disks: ImageDisk[];
  /** Of each disk, how much of what it begins as is stored. */
  progress: number[];
}

async function listContents(queries: Queries, imageIds: string[]): Promise<Map<string, Content>> {
  const progress = await listProgress(queries, imageIds);
  const found = new Map<string, Content>();
  for (const row of await listImageDisks(queries, imageIds)) {
    const { device, type, size_gib: sizeGib, snapshot_id: snapshotId, base } = row;
    const content = found.get(row.image_id) ?? { disks: [], progress: [] };
    content.disks.push({ device, type, sizeGib, snapshotId });
    content.progress.push(base === null ? (progress.get(snapshotId ?? '') ?? 0) : 100);
    found.set(row.image_id, content);
  }
  return found;
}

/** How far the snapshots are that images wait for. */
async function listProgress(queries: Queries, imageIds: string[]): Promise<Map<string, number>> {
  const rows = await queries
    .selectFrom('image_disks')
    .innerJoin('snapshots', 'snapshots.snapshot_id', 'image_disks.snapshot_id')
    .select(['snapshots.snapshot_id', 'snapshots.progress_percent'])
    .where('image_disks.image_id', 'in', atLeastOne(imageIds))
    .where('image_disks.base', 'is', null)
    .execute();
  return new Map(rows.map((row) => [row.snapshot_id, row.progress_percent]));
}

function toImage(
  row: ImageRow,
  { disks, progress }: Content,
): Omit<Image, 'isCopied' | 'isShared' | 'isUsed' | 'tags'> {
  return {
    imageId: row.image_id,
    imageName: row.image_name,
    description: row.description,
    ownerAlias: row.owner_alias as Image['ownerAlias'],
    sizeGib: row.size_gib,
    osType: row.os_type as Image['osType'],
    osName: row.os_name,
    platform: row.platform,
    architecture: row.architecture,
    createdAtMs: row.created_at_ms,
    imageFamily: row.image_family,
    imageVersion: row.image_version,
    bootMode: row.boot_mode,
    status: row.status,
    failureReason: row.failure_reason,
    progressPercent: progressOf(row, progress),
    disks: row.owner_alias === 'system' ? [] : disks,
    resourceGroupId: row.resource_group_id,
  };
}

/** 100 exactly when the image can be used. */
function progressOf({ status }: ImageRow, progress: number[]): number {
  if (status === 'Available' || status === 'Deprecated') return 100;
  const sum = progress.reduce((total, percent) => total + percent, 0);
  return Math.min(99, Math.floor(sum / Math.max(1, progress.length)));
}
