/** Images in the catalog: what system disks are made from. */
import { sql } from 'kysely';
import type { Image, Page } from '../ecs/resources.ts';
import { atLeastOne } from './disks.ts';
import { startOf, toPage } from './paging.ts';
import type { PageChoice } from './paging.ts';
import type { ImageRow, Queries } from './schema.ts';

/** Absent members do not filter; all AND together. */
export interface ImageConditions {
  imageIds?: string[];
  /** Part of the name. */
  imageName?: string;
  ownerAlias?: string;
  osType?: string;
  architecture?: string;
}

/** Puts the image there, or leaves the one that is there as it is. */
export async function ensureImage(queries: Queries, row: ImageRow): Promise<void> {
  await queries
    .insertInto('images')
    .values(row)
    .onConflict((conflict) => conflict.column('image_id').doNothing())
    .execute();
}

export async function findImage(queries: Queries, imageId: string): Promise<ImageRow | undefined> {
  return await queries.selectFrom('images').selectAll().where('image_id', '=', imageId).executeTakeFirst();
}

/** A page, newest first. */
export async function listImages(queries: Queries, wanted: ImageConditions, choice: PageChoice): Promise<Page<Image>> {
  const { after, offset } = startOf(choice);
  const matching = selectImages(queries, wanted);
  const { total } = await matching.select((row) => row.fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
  let query = matching.selectAll().orderBy('created_at_ms', 'desc').orderBy('image_id', 'desc');
  if (after !== null)
    query = query.where(sql<boolean>`(created_at_ms, image_id) < (${after.createdAtMs}, ${after.id})`);
  const rows = await query
    .limit(choice.pageSize + 1)
    .offset(offset)
    .execute();
  const page = toPage(rows, choice, total, (row) => ({ createdAtMs: row.created_at_ms, id: row.image_id }));
  return { ...page, items: page.items.map(toImage) };
}

function selectImages(queries: Queries, wanted: ImageConditions) {
  let query = queries.selectFrom('images');
  if (wanted.imageIds) query = query.where('image_id', 'in', atLeastOne(wanted.imageIds));
  if (wanted.imageName !== undefined) {
    query = query.where(
      sql<boolean>`image_name LIKE ${`%${wanted.imageName.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`} ESCAPE '\\'`,
    );
  }
  if (wanted.ownerAlias !== undefined) query = query.where('owner_alias', '=', wanted.ownerAlias);
  if (wanted.osType !== undefined) query = query.where('os_type', '=', wanted.osType);
  if (wanted.architecture !== undefined) query = query.where('architecture', '=', wanted.architecture);
  return query;
}

function toImage(row: ImageRow): Image {
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
  };
}
