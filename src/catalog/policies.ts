/** Automatic snapshot policies in the catalog: their terms, the disks that they are applied to, and the lists of both. */
import { sql } from 'kysely';
import type { RawBuilder, Updateable } from 'kysely';
import { daysOf } from '../ecs/auto-snapshot-policy.ts';
import type { Policy, PolicyAssociation, PolicyFilter, PolicyTerms } from '../ecs/auto-snapshot-policy.ts';
import type { Paging, TagFilter } from '../ecs/list-filters.ts';
import type { Page } from '../ecs/resources.ts';
import type { KeepRules } from '../ecs/retention.ts';
import { is, isIn, listPage } from './listing.ts';
import type { List } from './listing.ts';
import { formatTextToken, parseTextToken } from './paging.ts';
import type { PolicyRow, Queries } from './schema.ts';
import { hasTag, listTags } from './tags.ts';

/** Every policy, the first made first. */
export async function listAllPolicies(queries: Queries): Promise<PolicyRow[]> {
  return await queries
    .selectFrom('auto_snapshot_policies')
    .selectAll()
    .orderBy('created_at_ms')
    .orderBy('policy_id')
    .execute();
}

export async function findPolicy(queries: Queries, policyId: string): Promise<PolicyRow | undefined> {
  return await queries
    .selectFrom('auto_snapshot_policies')
    .selectAll()
    .where('policy_id', '=', policyId)
    .executeTakeFirst();
}

export async function countPolicies(queries: Queries): Promise<number> {
  const row = await queries
    .selectFrom('auto_snapshot_policies')
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  return row.total;
}

export async function insertPolicy(queries: Queries, row: PolicyRow): Promise<void> {
  await queries.insertInto('auto_snapshot_policies').values(row).execute();
}

export async function updatePolicy(queries: Queries, policyId: string, change: Updateable<PolicyRow>): Promise<void> {
  await queries.updateTable('auto_snapshot_policies').set(change).where('policy_id', '=', policyId).execute();
}

/** With what it was applied to. What its runs made stays, with what they wrote down of it. */
export async function deletePolicy(queries: Queries, policyId: string): Promise<void> {
  await queries.deleteFrom('policy_disks').where('policy_id', '=', policyId).execute();
  await queries.deleteFrom('auto_snapshot_policies').where('policy_id', '=', policyId).execute();
}

/** Again: nothing. */
export async function applyToDisk(
  queries: Queries,
  { policyId, diskId }: PolicyAssociation,
  nowMs: number,
): Promise<void> {
  await queries
    .insertInto('policy_disks')
    .values({ policy_id: policyId, disk_id: diskId, applied_at_ms: nowMs })
    .onConflict((conflict) => conflict.columns(['policy_id', 'disk_id']).doNothing())
    .execute();
}

/** Absent: nothing. Without a disk, from all. */
export async function takeFromDisks(queries: Queries, policyId: string, diskId?: string): Promise<void> {
  let query = queries.deleteFrom('policy_disks').where('policy_id', '=', policyId);
  if (diskId !== undefined) query = query.where('disk_id', '=', diskId);
  await query.execute();
}

/** The policies that are applied to the disk by itself, the first applied first. */
export async function listPoliciesOfDisk(queries: Queries, diskId: string): Promise<string[]> {
  const rows = await queries
    .selectFrom('policy_disks')
    .select('policy_id')
    .where('disk_id', '=', diskId)
    .orderBy('applied_at_ms')
    .orderBy('policy_id')
    .execute();
  return rows.map((row) => row.policy_id);
}

/** The disks that a policy is applied to, ordered by id. */
export async function listDisksOfPolicy(queries: Queries, row: PolicyRow): Promise<string[]> {
  const { rows } = await sql<{ disk_id: string }>`SELECT disk_id FROM disks
    WHERE ${isUnder(row)} ORDER BY disk_id`.execute(queries);
  return rows.map(({ disk_id: diskId }) => diskId);
}

/** Of a disk: the policy is applied to it, by itself or by the tags of its instance. */
export function isUnder(row: PolicyRow): RawBuilder<boolean> {
  const tags = targetTagsOf(row);
  if (tags === null) {
    return sql<boolean>`disks.disk_id IN (SELECT disk_id FROM policy_disks WHERE policy_id = ${row.policy_id})`;
  }
  const conditions = tags.map((tag) => hasTag('disks.instance_id', tag));
  return sql<boolean>`(disks.instance_id IS NOT NULL AND ${sql.join(conditions, sql` AND `)})`;
}

/** Of each of these disks the policies that are applied to it: those by itself first. Disks without any are absent. */
export async function listPoliciesOfDisks(
  queries: Queries,
  diskIds: readonly string[],
): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  if (diskIds.length === 0) return found;
  const add = (diskId: string, policyId: string) => found.set(diskId, [...(found.get(diskId) ?? []), policyId]);
  const rows = await queries
    .selectFrom('policy_disks')
    .select(['disk_id', 'policy_id'])
    .where('disk_id', 'in', diskIds)
    .orderBy('applied_at_ms')
    .orderBy('policy_id')
    .execute();
  for (const row of rows) add(row.disk_id, row.policy_id);
  for (const policy of await listPoliciesByTags(queries)) {
    const { rows: tagged } = await sql<{ disk_id: string }>`SELECT disk_id FROM disks
      WHERE disk_id IN (${sql.join(diskIds)}) AND ${isUnder(policy)}`.execute(queries);
    for (const row of tagged) add(row.disk_id, policy.policy_id);
  }
  return found;
}

export async function listPoliciesByTags(queries: Queries): Promise<PolicyRow[]> {
  return await queries
    .selectFrom('auto_snapshot_policies')
    .selectAll()
    .where('target_tags', 'is not', null)
    .orderBy('created_at_ms')
    .orderBy('policy_id')
    .execute();
}

const list: List = {
  ...{ table: 'auto_snapshot_policies', id: 'policy_id', type: 'snapshotpolicy' },
  listed: sql<boolean>`1 = 1`,
};

/** A page, newest first. */
export async function listPolicies(queries: Queries, filter: PolicyFilter, paging: Paging): Promise<Page<Policy>> {
  const { policyIds, policyName, resourceGroupId, tags = [] } = filter;
  const few = [...isIn('policy_id', policyIds), ...is('policy_name', policyName)];
  const page = await listPage<PolicyRow>(
    queries,
    list,
    { tags, few, many: { resource_group_id: resourceGroupId } },
    paging,
  );
  const tagsOf = await listTags(
    queries,
    page.items.map((row) => row.policy_id),
  );
  const items: Policy[] = [];
  for (const row of page.items) {
    const diskCount = await countDisksOf(queries, row);
    items.push({ ...toPolicy(row), diskCount, tags: tagsOf.get(row.policy_id) ?? [] });
  }
  return { ...page, items };
}

async function countDisksOf(queries: Queries, row: PolicyRow): Promise<number> {
  const { rows } = await sql<{ total: number }>`SELECT count(*) AS total FROM disks
    WHERE ${isUnder(row)}`.execute(queries);
  return rows[0]?.total ?? 0;
}

/** Which policy is applied to which disk, ordered by both; nobody asks how many there are: `totalCount` is the page's. */
export async function listAssociations(
  queries: Queries,
  wanted: { policyId?: string; diskId?: string },
  { pageSize, nextToken }: Pick<Paging, 'pageSize' | 'nextToken'>,
): Promise<Page<PolicyAssociation>> {
  const policies = (await listAllPolicies(queries)).filter(
    ({ policy_id: policyId }) => wanted.policyId === undefined || policyId === wanted.policyId,
  );
  policies.sort((one, other) => (one.policy_id < other.policy_id ? -1 : 1));
  const [afterPolicy, afterDisk] = nextToken === null ? ['', ''] : parseTextToken(nextToken);
  const found: PolicyAssociation[] = [];
  for (const policy of policies) {
    const { policy_id: policyId } = policy;
    if (policyId < afterPolicy || found.length > pageSize) continue;
    const conditions = [
      isUnder(policy),
      ...is('disk_id', wanted.diskId),
      ...(policyId === afterPolicy ? [sql<boolean>`disk_id > ${afterDisk}`] : []),
    ];
    const { rows } = await sql<{ disk_id: string }>`SELECT disk_id FROM disks WHERE ${sql.join(conditions, sql` AND `)}
      ORDER BY disk_id LIMIT ${pageSize + 1 - found.length}`.execute(queries);
    found.push(...rows.map((row) => ({ policyId, diskId: row.disk_id })));
  }
  const items = found.slice(0, pageSize);
  const last = items.at(-1);
  const more = found.length > items.length && last !== undefined;
  return { items, totalCount: items.length, nextToken: more ? formatTextToken([last.policyId, last.diskId]) : null };
}

export function termsOf(row: PolicyRow): PolicyTerms {
  return {
    policyName: row.policy_name,
    schedule: { hours: JSON.parse(row.hours) as number[], weekdays: JSON.parse(row.weekdays) as number[] },
    retentionDays: daysOf(row.retention_days),
    keepRules: rulesOf(row),
    catchesUp: row.catches_up === 1,
    targetTags: targetTagsOf(row),
    copies: row.copies === 1,
    copyRegionId: row.copy_region_id,
    copiedRetentionDays: daysOf(row.copied_retention_days),
  };
}

/** The columns that `termsOf` reads. */
export function formatTerms(terms: PolicyTerms) {
  return {
    policy_name: terms.policyName,
    hours: JSON.stringify(terms.schedule.hours),
    weekdays: JSON.stringify(terms.schedule.weekdays),
    retention_days: terms.retentionDays ?? -1,
    keep_rules: terms.keepRules === null ? null : JSON.stringify(terms.keepRules),
    catches_up: terms.catchesUp ? 1 : 0,
    target_tags: terms.targetTags === null ? null : JSON.stringify(terms.targetTags),
    copies: terms.copies ? 1 : 0,
    copy_region_id: terms.copyRegionId,
    copied_retention_days: terms.copiedRetentionDays ?? -1,
  };
}

export function rulesOf(row: PolicyRow): KeepRules | null {
  return row.keep_rules === null ? null : (JSON.parse(row.keep_rules) as KeepRules);
}

function targetTagsOf(row: PolicyRow): TagFilter[] | null {
  return row.target_tags === null ? null : (JSON.parse(row.target_tags) as TagFilter[]);
}

function toPolicy(row: PolicyRow): Omit<Policy, 'tags' | 'diskCount'> {
  return {
    ...termsOf(row),
    policyId: row.policy_id,
    createdAtMs: row.created_at_ms,
    resourceGroupId: row.resource_group_id,
  };
}
