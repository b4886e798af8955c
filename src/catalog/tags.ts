/** Tags of disks, snapshots and instances, and the filter by them. */
import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Tag } from '../ecs/resources.ts';
import type { Queries } from './schema.ts';

/** A null value matches any. */
export interface TagMatch {
  key: string;
  value: string | null;
}

export async function insertTags(queries: Queries, resourceId: string, tags: Tag[]): Promise<void> {
  if (tags.length === 0) return;
  const rows = tags.map(({ key, value }) => ({ resource_id: resourceId, tag_key: key, tag_value: value }));
  await queries.insertInto('tags').values(rows).execute();
}

export async function deleteTags(queries: Queries, resourceId: string): Promise<void> {
  await queries.deleteFrom('tags').where('resource_id', '=', resourceId).execute();
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
export function hasTag(idColumn: string, match: TagMatch): RawBuilder<boolean> {
  const value = match.value === null ? sql`` : sql`AND tags.tag_value = ${match.value}`;
  return sql<boolean>`EXISTS (SELECT 1 FROM tags
    WHERE tags.resource_id = ${sql.ref(idColumn)} AND tags.tag_key = ${match.key} ${value})`;
}
