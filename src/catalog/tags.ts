/**
 * Tags of instances, disks, snapshots, groups and images, and the filter by them. A tag belongs to an id; what has that id is in
 * answers or not (a snapshot before its freeze, a deleted image), and its tags with it.
 */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Paging, TagFilter, TagPattern, TagsOfResourcesFilter } from '../ecs/list-filters.ts';
import type { Page, Tag, TagCount, TagOfResource, TaggedType } from '../ecs/resources.ts';
import { atLeastOne } from './disks.ts';
import { likePattern } from './like.ts';
import { formatTextToken, parseTextToken } from './paging.ts';
import type { Queries, Schema } from './schema.ts';

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

/** How many in lists have the tag. */
export async function countTagged(queries: Queries, type: TaggedType, match: TagFilter): Promise<number> {
  const { rows } = await sql<{ total: number | null }>`SELECT sum(total) AS total FROM tag_tally
    WHERE resource_type = ${type} AND ${isTag(match)}`.execute(queries);
  return rows[0]?.total ?? 0;
}

/** An SQL condition: the resource named by `idColumn` (`disk_id`, say) has that tag. For what else finds it. */
export function hasTag(idColumn: string, match: TagFilter): RawBuilder<boolean> {
  return sql<boolean>`EXISTS (SELECT 1 FROM tags WHERE resource_id = ${sql.ref(idColumn)} AND ${isTag(match)})`;
}

/** It has the tag: finds those that do. */
function isTagged(match: TagFilter): RawBuilder<boolean> {
  return sql<boolean>`resource_id IN (SELECT resource_id FROM tags WHERE ${isOfType()} AND ${isTag(match)})`;
}

/** Which tags there are is known from their tally. */
function isTaggedLike({ key, values }: TagPattern): RawBuilder<boolean> {
  const anyOf = values.map((value) => like('known.tag_value', value));
  const value = anyOf.length === 0 ? sql`` : sql`AND (${sql.join(anyOf, sql` OR `)})`;
  return sql<boolean>`resource_id IN (SELECT resource_id FROM tag_tally AS known CROSS JOIN tags AS one
    WHERE one.resource_type = known.resource_type AND one.tag_key = known.tag_key AND one.tag_value = known.tag_value
    AND ${like('known.tag_key', key)} ${value})`;
}

export function isTag({ key, value }: TagFilter): RawBuilder<boolean> {
  return value === null ? sql<boolean>`(tag_key = ${key})` : sql<boolean>`(tag_key = ${key} AND tag_value = ${value})`;
}

function like(column: string, pattern: string): RawBuilder<boolean> {
  return sql<boolean>`${sql.ref(column)} LIKE ${likePattern(pattern)} ESCAPE '\\'`;
}

const types: readonly TaggedType[] = ['disk', 'image', 'instance', 'snapshot', 'snapshotgroup', 'snapshotpolicy'];

/** The tag is of something of the type that is in answers; without one, of anything. */
function isOfType(type?: TaggedType): RawBuilder<boolean> {
  if (type !== undefined) return sql<boolean>`resource_type = ${type}`;
  return sql<boolean>`resource_type IN (${sql.join(types.map((one) => sql.lit(one)))})`;
}

/** The tags of resources, ordered by resource and key; nobody asks how many there are: `totalCount` is the page's. A token goes on after the row it names, whatever came between. */
export async function listTagsOfResources(
  queries: Queries,
  filter: TagsOfResourcesFilter,
  paging: Paging,
): Promise<Page<TagOfResource>> {
  const conditions = [...conditionsOf(filter), ...(await isTaggedWith(queries, filter))];
  const start = paging.nextToken === null ? [] : [isAfter(parseTextToken(paging.nextToken))];
  const offset = paging.nextToken === null ? (paging.pageNumber - 1) * paging.pageSize : 0;
  const { rows } = await sql<Schema['tags'] & { resource_type: TaggedType }>`SELECT * FROM tags
    WHERE ${sql.join([...conditions, ...start], sql` AND `)} ORDER BY resource_id, tag_key
    LIMIT ${paging.pageSize + 1} OFFSET ${offset}`.execute(queries);
  const items = rows.slice(0, paging.pageSize).map((row) => ({
    resourceId: row.resource_id,
    resourceType: row.resource_type,
    key: row.tag_key,
    value: row.tag_value,
  }));
  const last = items.at(-1);
  const more = rows.length > items.length && last !== undefined;
  return { items, totalCount: items.length, nextToken: more ? formatTextToken([last.resourceId, last.key]) : null };
}

function isAfter([resourceId, key]: [string, string]): RawBuilder<boolean> {
  return sql<boolean>`(resource_id, tag_key) > (${resourceId}, ${key})`;
}

/** Of a tag that more have, all resources are looked at in their order until the page is full. */
const FEW_RESOURCES = 10_000;

async function isTaggedWith(
  queries: Queries,
  { resourceType, resourceIds, tags = [] }: TagsOfResourcesFilter,
): Promise<RawBuilder<boolean>[]> {
  const conditions = [];
  for (const tag of tags) {
    const { rows } = await sql<{ total: number | null }>`SELECT sum(total) AS total FROM tag_tally
      WHERE ${isOfType(resourceType)} AND ${isTag(tag)}`.execute(queries);
    const isRare = resourceIds === undefined && (rows[0]?.total ?? 0) <= FEW_RESOURCES;
    conditions.push(
      isRare
        ? isTagged(tag)
        : sql<boolean>`EXISTS (SELECT 1 FROM tags AS other
      WHERE resource_id = tags.resource_id AND ${isTag(tag)})`,
    );
  }
  return conditions;
}

/** As an expression, for which no index is chosen: something else finds the rows. */
function isAlsoOfType(type?: TaggedType): RawBuilder<boolean> {
  return sql<boolean>`(resource_type || '') IN (${sql.join(type === undefined ? types : [type])})`;
}

/** Each different tag once, ordered by key and value, with how many resources of each type have it. By page number. */
export async function countTags(
  queries: Queries,
  filter: TagsOfResourcesFilter,
  paging: Paging,
): Promise<Page<TagCount>> {
  const { tags = [], resourceIds, tagPatterns = [] } = filter;
  const isTallied = resourceIds === undefined && tagPatterns.length === 0;
  const conditions = isTallied ? [isOfType(filter.resourceType)] : conditionsOf(filter);
  if (tags.length > 0) conditions.push(sql<boolean>`(${sql.join(tags.map(isTag), sql` OR `)})`);
  const groups = sql`FROM ${sql.table(isTallied ? 'tag_tally' : 'tags')} WHERE ${sql.join(conditions, sql` AND `)}
    GROUP BY tag_key, tag_value`;
  const counted = await sql<{ total: number }>`SELECT count(*) AS total FROM (SELECT 1 ${groups}) AS counted`.execute(
    queries,
  );
  const counts = types.map(
    (type) =>
      sql`sum(CASE WHEN resource_type = ${sql.lit(type)} THEN ${sql.raw(isTallied ? 'total' : '1')} ELSE 0 END) AS ${sql.ref(type)}`,
  );
  const { rows } = await sql<Pick<Schema['tags'], 'tag_key' | 'tag_value'> & TagCount['counts']>`
    SELECT tag_key, tag_value, ${sql.join(counts)} ${groups} ORDER BY tag_key, tag_value
    LIMIT ${paging.pageSize} OFFSET ${(paging.pageNumber - 1) * paging.pageSize}`.execute(queries);
  const items = rows.map(({ tag_key: key, tag_value: value, ...ofTypes }) => ({ key, value, counts: ofTypes }));
  return { items, totalCount: counted.rows[0]?.total ?? 0, nextToken: null };
}

function conditionsOf({ resourceType, resourceIds, tagPatterns }: TagsOfResourcesFilter): RawBuilder<boolean>[] {
  const isFound = resourceIds !== undefined || (tagPatterns ?? []).length > 0;
  return [
    isFound || resourceType === undefined ? isAlsoOfType(resourceType) : isOfType(resourceType),
    ...(resourceIds === undefined ? [] : [sql<boolean>`resource_id IN (${sql.join(atLeastOne(resourceIds))})`]),
    ...(tagPatterns ?? []).map(isTaggedLike),
  ];
}
