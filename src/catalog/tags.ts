/**
 * Tags of instances, disks, snapshots and images, and the filter by them. A tag belongs to an id; what has that id is in
 * answers or not (a snapshot before its freeze, a deleted image), and its tags with it.
 */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Paging, TagFilter, TagPattern, TagsOfResourcesFilter } from '../ecs/list-filters.ts';
import type { Page, Tag, TagCount, TagOfResource, TaggedType } from '../ecs/resources.ts';
import { atLeastOne } from './disks.ts';
import { likePattern } from './like.ts';
import { formatTextToken, parseTextToken } from './paging.ts';
import type { Queries } from './schema.ts';

export async function insertTags(queries: Queries, resourceId: string, tags: Tag[]): Promise<void> {
  if (tags.length === 0) return;
  const rows = tags.map(({ key, value }) => ({ resource_id: resourceId, tag_key: key, tag_value: value }));
  await queries.insertInto('tags').values(rows).execute();
}

/** A key that is there gets the new value. */
export async function putTags(queries: Queries, resourceId: string, tags: Tag[]): Promise<void> {
  for (const { key, value } of tags) {
    await queries
      .insertInto('tags')
      .values({ resource_id: resourceId, tag_key: key, tag_value: value })
      .onConflict((conflict) => conflict.columns(['resource_id', 'tag_key']).doUpdateSet({ tag_value: value }))
      .execute();
  }
}

export async function deleteTags(queries: Queries, resourceId: string): Promise<void> {
  await queries.deleteFrom('tags').where('resource_id', '=', resourceId).execute();
}

/** Absent: nothing. */
export async function deleteTag(queries: Queries, resourceId: string, match: TagFilter): Promise<void> {
  let query = queries.deleteFrom('tags').where('resource_id', '=', resourceId).where('tag_key', '=', match.key);
  if (match.value !== null) query = query.where('tag_value', '=', match.value);
  await query.execute();
}

/** The tags of each resource, in key order; resources without any are absent. */
export async function listTags(queries: Queries, resourceIds: string[]): Promise<Map<string, Tag[]>> {
  const found = new Map<string, Tag[]>();
  if (resourceIds.length === 0) return found;
  const rows = await queries
    .selectFrom('tags')
    .selectAll()
    .where('resource_id', 'in', resourceIds)
    .orderBy('tag_key')
    .execute();
  for (const row of rows) {
    const tags = found.get(row.resource_id) ?? [];
    tags.push({ key: row.tag_key, value: row.tag_value });
    found.set(row.resource_id, tags);
  }
  return found;
}

/** An SQL condition: the resource named by `idColumn` (`disks.disk_id`, say) has that tag. */
export function hasTag(idColumn: string, match: TagFilter): RawBuilder<boolean> {
  return sql<boolean>`${sql.ref(idColumn)} IN (SELECT resource_id FROM tags WHERE ${isTag(match)})`;
}

function hasTagLike(idColumn: string, { key, values }: TagPattern): RawBuilder<boolean> {
  const anyOf = values.map((value) => like('tag_value', value));
  const value = anyOf.length === 0 ? sql`` : sql`AND (${sql.join(anyOf, sql` OR `)})`;
  return sql<boolean>`${sql.ref(idColumn)} IN (SELECT resource_id FROM tags WHERE ${like('tag_key', key)} ${value})`;
}

function isTag({ key, value }: TagFilter): RawBuilder<boolean> {
  return value === null ? sql<boolean>`(tag_key = ${key})` : sql<boolean>`(tag_key = ${key} AND tag_value = ${value})`;
}

function like(column: string, pattern: string): RawBuilder<boolean> {
  return sql<boolean>`${sql.ref(column)} LIKE ${likePattern(pattern)} ESCAPE '\\'`;
}

/** The tag belongs to a resource of the type that is in answers. */
const belongsTo: Record<TaggedType, RawBuilder<boolean>> = {
  instance: sql`EXISTS (SELECT 1 FROM instances WHERE instance_id = tags.resource_id)`,
  disk: sql`EXISTS (SELECT 1 FROM disks WHERE disk_id = tags.resource_id)`,
  snapshot: sql`EXISTS (SELECT 1 FROM snapshots WHERE snapshot_id = tags.resource_id AND frozen = 1)`,
  image: sql`EXISTS (SELECT 1 FROM images WHERE image_id = tags.resource_id AND deleted = 0)`,
};

/** Ids differ between types, so at most one of the cases holds. */
const typeOfResource = sql<TaggedType>`CASE ${sql.join(
  Object.entries(belongsTo).map(([type, condition]) => sql`WHEN ${condition} THEN ${sql.lit(type)}`),
  sql` `,
)} END`;

/** The tags of resources, ordered by resource and key. A token goes on after the row it names, whatever came between. */
export async function listTagsOfResources(
  queries: Queries,
  filter: TagsOfResourcesFilter,
  paging: Paging,
): Promise<Page<TagOfResource>> {
  let matching = selectTags(queries, filter);
  for (const tag of filter.tags ?? []) matching = matching.where(hasTag('tags.resource_id', tag));
  const { total } = await matching.select((row) => row.fn.countAll<number>().as('total')).executeTakeFirstOrThrow();
  let query = matching.selectAll().select(typeOfResource.as('type')).orderBy('resource_id').orderBy('tag_key');
  if (paging.nextToken === null) query = query.offset((paging.pageNumber - 1) * paging.pageSize);
  else query = query.where(isAfter(parseTextToken(paging.nextToken)));
  const rows = await query.limit(paging.pageSize + 1).execute();
  const items = rows.slice(0, paging.pageSize).map((row) => ({
    resourceId: row.resource_id,
    resourceType: row.type,
    key: row.tag_key,
    value: row.tag_value,
  }));
  const last = items.at(-1);
  const more = rows.length > items.length && last !== undefined;
  return { items, totalCount: total, nextToken: more ? formatTextToken([last.resourceId, last.key]) : null };
}

function isAfter([resourceId, key]: [string, string]): RawBuilder<boolean> {
  return sql<boolean>`(resource_id, tag_key) > (${resourceId}, ${key})`;
}

/** Each different tag once, ordered by key and value, with how many resources of each type have it. By page number. */
export async function countTags(
  queries: Queries,
  filter: TagsOfResourcesFilter,
  paging: Paging,
): Promise<Page<TagCount>> {
  let matching = selectTags(queries, filter);
  const { tags = [] } = filter;
  if (tags.length > 0) matching = matching.where(sql<boolean>`(${sql.join(tags.map(isTag), sql` OR `)})`);
  const groups = matching.select(['tag_key', 'tag_value']).groupBy(['tag_key', 'tag_value']);
  const { total } = await queries
    .selectFrom(groups.as('groups'))
    .select((row) => row.fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  const rows = await groups
    .select([
      countOf('instance').as('instance'),
      countOf('disk').as('disk'),
      countOf('snapshot').as('snapshot'),
      countOf('image').as('image'),
    ])
    .orderBy('tag_key')
    .orderBy('tag_value')
    .limit(paging.pageSize)
    .offset((paging.pageNumber - 1) * paging.pageSize)
    .execute();
  const items = rows.map(({ tag_key: key, tag_value: value, ...counts }) => ({ key, value, counts }));
  return { items, totalCount: total, nextToken: null };
}

function countOf(type: TaggedType): RawBuilder<number> {
  return sql<number>`sum(CASE WHEN ${belongsTo[type]} THEN 1 ELSE 0 END)`;
}

function selectTags(queries: Queries, { resourceType, resourceIds, tagPatterns }: TagsOfResourcesFilter) {
  const types = resourceType === undefined ? Object.values(belongsTo) : [belongsTo[resourceType]];
  let query = queries.selectFrom('tags').where(sql<boolean>`(${sql.join(types, sql` OR `)})`);
  if (resourceIds) query = query.where('resource_id', 'in', atLeastOne(resourceIds));
  for (const pattern of tagPatterns ?? []) query = query.where(hasTagLike('tags.resource_id', pattern));
  return query;
}
