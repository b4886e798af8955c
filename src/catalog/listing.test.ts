/** Lists, their totals and what triggers keep for them, against plain arrays; and pages while rows come and go. */
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import { Kysely, sql } from 'kysely';
import type { DiskFilter, Paging, ResourceFilter, SnapshotFilter, TagFilter } from '../ecs/list-filters.ts';
import type { Page } from '../ecs/resources.ts';
import { listDisks } from './disks.ts';
import { listPage, type List } from './listing.ts';
import { checkListing, snapshotTally } from './listing-schema.ts';
import { migrate, migrations } from './migrations.ts';
import type { DiskRow, Queries, Schema, SnapshotRow } from './schema.ts';
import { listChains } from './snapshot-chains.ts';
import { listSnapshots } from './snapshots.ts';
import { createSqliteDialect } from './sqlite-dialect.ts';
import { countTags, deleteTag, putTags } from './tags.ts';

const DAY_MS = 86_400_000;
const GROUPS = ['rg-a', 'rg-b'];

async function openQueries(t?: TestContext, upTo = migrations.length): Promise<Queries> {
  const queries = new Kysely<Schema>({ dialect: createSqliteDialect(new DatabaseSync(':memory:')) });
  t?.after(() => queries.destroy());
  await migrate(queries, migrations.slice(0, upTo));
  return queries;
}

/** What a step does is up to its numbers. */
interface Step {
  kind: (typeof kinds)[number];
  id: number;
  a: number;
  b: number;
}

const kinds = [
  ...(['put snapshot', 'put snapshot', 'change snapshot', 'delete snapshot', 'put disk', 'change disk'] as const),
  ...(['delete disk', 'put image', 'change image', 'delete image', 'put group', 'tag', 'tag', 'untag'] as const),
];
const small = fc.nat({ max: 11 });
const steps = fc.array(fc.record({ kind: fc.constantFrom(...kinds), id: fc.nat({ max: 7 }), a: small, b: small }), {
  maxLength: 40,
});

const timeOf = (a: number, b: number) => (a % 4) * DAY_MS + (b % 3) * 1000;
const at = <T>(values: readonly T[], index: number): T => values[index % values.length]!;

function snapshotState(a: number, b: number) {
  const status = at(['progressing', 'accomplished', 'failed'] as const, a);
  return {
    ...{ status, frozen: status === 'progressing' ? b % 2 : 1, generation: 1, tree: '{"dataChunkCount":1}' },
    ...{ failure_reason: status === 'failed' ? 'why' : null, category: at(['standard', 'archive'] as const, b) },
    ...{ created_at_ms: timeOf(a, b), source_disk_id: `d-${b % 3}`, resource_group_id: at(GROUPS, a) },
    undo_until_ms: (a + b) % 5 === 4 ? 1 : null,
  };
}

/** Without what versions after the first that has lists have added. */
function snapshotRow({ id, a, b }: Step): Omit<SnapshotRow, 'automatic' | 'kept_since_ms'> {
  return {
    ...{ snapshot_id: `s-${id}`, snapshot_name: `name-${a % 2}`, description: '', ...snapshotState(a, b) },
    ...{ progress_percent: 0, remaining_seconds: 0, modified_at_ms: 0, source_disk_size_gib: 20 },
    ...{ source_disk_type: at(['system', 'data'] as const, b), retention_days: null, incarnation: 1, instant: 0 },
    ...{ snapshot_group_id: a % 3 === 0 ? 'ssg-0' : null, source_region_id: null, source_snapshot_id: null },
  };
}

const freeState = ({ a, b }: Step) => ({
  ...{ status: at(['Available', 'Creating', 'Detaching'] as const, a), category: at(['cloud', 'cloud_ssd'], b) },
  ...{ source_snapshot_id: b % 2 === 0 ? `s-${a % 8}` : null, portable: a % 2, resource_group_id: at(GROUPS, b) },
  prepaid: a % 3 === 0 ? 1 : 0,
});

function diskRow(step: Step): DiskRow {
  const { id, a, b } = step;
  return {
    ...{ disk_id: `d-${id}`, zone_id: at(['z-a', 'z-b'], a), disk_name: `name-${b % 2}`, description: '' },
    ...{ performance_level: null, size_gib: 20, type: at(['system', 'data'] as const, b), created_at_ms: timeOf(a, b) },
    ...{ attached_at_ms: null, detached_at_ms: null, instance_id: null, device: null, delete_with_instance: b % 2 },
    ...{ delete_auto_snapshot: 1, enable_auto_snapshot: 1, image_id: null, ever_attached: 0, base: '{}' },
    ...{ incarnation: 1, home_instance_id: null, first_base: null, ...freeState(step) },
  };
}

async function putImage(queries: Queries, { id, a }: Step): Promise<void> {
  const texts = { image_name: `image-${id}`, description: '', os_type: 'linux', os_name: '', platform: '' };
  const image = { image_id: `m-${id}`, owner_alias: 'self', size_gib: 20, architecture: 'x86_64', created_at_ms: a };
  const more = { image_family: '', image_version: '', boot_mode: 'BIOS', status: 'Creating' as const };
  const values = { ...texts, ...image, ...more, failure_reason: null, deleted: 0, resource_group_id: 'rg-a' };
  await queries
    .insertInto('images')
    .values(values)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const disk = { image_id: `m-${id}`, device: '/dev/xvda', type: 'system' as const, size_gib: 20, base: null };
  await queries
    .insertInto('image_disks')
    .values({ ...disk, snapshot_id: `s-${a % 8}` })
    .onConflict((conflict) => conflict.columns(['image_id', 'device']).doUpdateSet({ snapshot_id: `s-${a % 8}` }))
    .execute();
}

/** `isOld`: there is no column for subscriptions yet. */
async function take(queries: Queries, step: Step, isOld = false): Promise<void> {
  const { kind, id, a, b } = step;
  if (kind === 'put snapshot') {
    const { snapshot_id: _id, ...rest } = snapshotRow(step);
    const put = queries.insertInto('snapshots').values(snapshotRow(step));
    await put.onConflict((conflict) => conflict.column('snapshot_id').doUpdateSet(rest)).execute();
  } else if (kind === 'change snapshot') {
    const changed = queries.updateTable('snapshots').set(snapshotState(a, b));
    await changed.where('snapshot_id', '=', `s-${id}`).execute();
  } else if (kind === 'delete snapshot') {
    await queries.deleteFrom('snapshots').where('snapshot_id', '=', `s-${id}`).execute();
  } else if (kind === 'put disk') {
    const { prepaid, ...row } = diskRow(step);
    const put = queries.insertInto('disks').values({ ...row, ...(!isOld && { prepaid }) } as DiskRow);
    await put.onConflict((conflict) => conflict.doNothing()).execute();
  } else if (kind === 'change disk') {
    const { prepaid, ...state } = freeState(step);
    const changed = queries.updateTable('disks').set({ ...state, ...(!isOld && { prepaid }) });
    await changed.where('disk_id', '=', `d-${id}`).execute();
  } else if (kind === 'delete disk') {
    await queries.deleteFrom('disks').where('disk_id', '=', `d-${id}`).execute();
  } else await takeOther(queries, step);
}

async function takeOther(queries: Queries, step: Step): Promise<void> {
  const { kind, id, a, b } = step;
  if (kind === 'put image') await putImage(queries, step);
  else if (kind === 'change image') {
    const status = at(['Available', 'CreateFailed', 'Deprecated'] as const, a);
    const changed = queries.updateTable('images').set({ status, deleted: b % 2 });
    await changed.where('image_id', '=', `m-${id}`).execute();
  } else if (kind === 'delete image') {
    await queries.deleteFrom('image_disks').where('image_id', '=', `m-${id}`).execute();
    await queries.deleteFrom('images').where('image_id', '=', `m-${id}`).execute();
  } else if (kind === 'put group') {
    const row = { snapshot_group_id: `ssg-${id}`, group_name: 'group', description: '', instance_id: null };
    await queries
      .insertInto('snapshot_groups')
      .values({ ...row, frozen: a % 2, created_at_ms: b, resource_group_id: 'rg-a' })
      .onConflict((conflict) => conflict.column('snapshot_group_id').doUpdateSet({ frozen: a % 2 }))
      .execute();
  } else {
    const resourceId = `${at(['s', 'd', 'm', 'ssg'], a)}-${id}`;
    const tag = { key: `k-${b % 2}`, value: `v-${b % 3}` };
    if (kind === 'tag') await putTags(queries, resourceId, [tag]);
    else await deleteTag(queries, resourceId, { ...tag, value: null });
  }
}

/** The rows that match, newest first, by looking at each. */
async function pick<T extends { created_at_ms: number; resource_group_id: string }>(
  queries: Queries,
  rows: readonly T[],
  idOf: (row: T) => string,
  { tags = [], createdFromMs = 0, createdUntilMs = Infinity }: ResourceFilter,
): Promise<string[]> {
  const all = await queries.selectFrom('tags').selectAll().execute();
  const has = (id: string, { key, value }: TagFilter) =>
    all.some((tag) => tag.resource_id === id && tag.tag_key === key && (value === null || tag.tag_value === value));
  return rows
    .filter((row) => row.created_at_ms >= createdFromMs && row.created_at_ms <= createdUntilMs)
    .filter((row) => tags.every((tag) => has(idOf(row), tag)))
    .toSorted((a, b) => b.created_at_ms - a.created_at_ms || (idOf(a) < idOf(b) ? 1 : -1))
    .map(idOf);
}

async function usages(queries: Queries): Promise<(snapshotId: string) => string> {
  const disks = await queries.selectFrom('disks').selectAll().execute();
  const images = await queries.selectFrom('images').selectAll().execute();
  const imageDisks = await queries.selectFrom('image_disks').selectAll().execute();
  return (snapshotId) => {
    const byDisk = disks.some((disk) => disk.source_snapshot_id === snapshotId);
    const made = imageDisks.filter((disk) => disk.snapshot_id === snapshotId).map((disk) => disk.image_id);
    const byImage = images.some((image) => made.includes(image.image_id) && image.status !== 'CreateFailed');
    return byImage ? (byDisk ? 'image_disk' : 'image') : byDisk ? 'disk' : 'none';
  };
}

async function pickSnapshots(queries: Queries, filter: SnapshotFilter): Promise<string[]> {
  const usageOf = await usages(queries);
  const shown = queries.selectFrom('snapshots').where('frozen', '=', 1).where('undo_until_ms', 'is', null);
  const rows = await shown.selectAll().execute();
  const wanted: [string | undefined, (row: SnapshotRow) => string | null][] = [
    [filter.status, (row) => row.status],
    [filter.category, (row) => row.category],
    [filter.sourceDiskType, (row) => row.source_disk_type],
    [filter.usage, (row) => usageOf(row.snapshot_id)],
    [filter.resourceGroupId, (row) => row.resource_group_id],
    [filter.diskId, (row) => row.source_disk_id],
    [filter.snapshotName, (row) => row.snapshot_name],
    [filter.groupId, (row) => row.snapshot_group_id],
  ];
  const matching = rows.filter((row) => wanted.every(([value, of]) => value === undefined || of(row) === value));
  return await pick(queries, matching, (row) => row.snapshot_id, filter);
}

async function pickDisks(queries: Queries, filter: DiskFilter): Promise<string[]> {
  const rows = await queries.selectFrom('disks').selectAll().execute();
  const wanted: [unknown, (row: DiskRow) => unknown][] = [
    [filter.status, (row) => row.status],
    [filter.category, (row) => row.category],
    [filter.zoneId, (row) => row.zone_id],
    [filter.portable, (row) => row.portable === 1],
    [filter.chargeType, (row) => (row.prepaid === 1 ? 'PrePaid' : 'PostPaid')],
    [filter.resourceGroupId, (row) => row.resource_group_id],
    [filter.diskName, (row) => row.disk_name],
    [filter.sourceSnapshotId, (row) => row.source_snapshot_id],
  ];
  const matching = rows.filter((row) => wanted.every(([value, of]) => value === undefined || of(row) === value));
  return await pick(queries, matching, (row) => row.disk_id, filter);
}

const maybe = <T>(...values: T[]) => fc.option(fc.constantFrom(...values), { nil: undefined, freq: 2 });
const tag = fc.record({ key: fc.constantFrom('k-0', 'k-1'), value: fc.constantFrom('v-0', 'v-1', null) });
const shared = {
  tags: fc.option(fc.array(tag, { maxLength: 2 }), { nil: undefined, freq: 1 }),
  createdFromMs: maybe(-10 * DAY_MS, 0, 1000, DAY_MS, 2 * DAY_MS + 1000),
  createdUntilMs: maybe(0, 1000, 2 * DAY_MS, 3 * DAY_MS + 500),
  resourceGroupId: maybe(...GROUPS),
};
const snapshotFilters = fc.record({
  ...shared,
  status: maybe('progressing', 'accomplished', 'failed'),
  category: maybe('standard', 'archive'),
  sourceDiskType: maybe('system', 'data'),
  usage: maybe('none', 'image', 'disk', 'image_disk'),
  ...{ diskId: maybe('d-0', 'd-1'), snapshotName: maybe('name-0'), groupId: maybe('ssg-0') },
}) as fc.Arbitrary<SnapshotFilter>;
const diskFilters = fc.record({
  ...shared,
  ...{ status: maybe('Available', 'Creating'), category: maybe('cloud'), zoneId: maybe('z-a') },
  ...{ chargeType: maybe('PrePaid', 'PostPaid') },
  ...{ portable: maybe(true, false), diskName: maybe('name-0'), sourceSnapshotId: maybe('s-0', 's-2') },
}) as fc.Arbitrary<DiskFilter>;

type Ask = (paging: Paging) => Promise<Page<string>>;

/** By number and by token, all pages are together what there is, and each tells how many there are. */
async function checkPages(ask: Ask, expected: string[]): Promise<void> {
  const walked: string[] = [];
  const [numbered, pageSize] = [[] as string[], 2];
  let nextToken: string | null = null;
  for (let pageNumber = 1; pageNumber <= expected.length / pageSize + 2; pageNumber += 1) {
    const byNumber = await ask({ pageNumber, pageSize, nextToken: null });
    assert.equal(byNumber.totalCount, expected.length);
    numbered.push(...byNumber.items);
    if (pageNumber > 1 && nextToken === null) continue;
    const byToken: Page<string> = await ask({ pageNumber: 1, pageSize, nextToken });
    assert.equal(byToken.totalCount, expected.length);
    walked.push(...byToken.items);
    ({ nextToken } = byToken);
  }
  assert.deepEqual({ numbered, walked }, { numbered: expected, walked: expected });
}

const noService = () => ({ nbdUri: null, performance: { iops: 0, bytesPerSecond: 0 } }) as never;

/** As for a large catalog: no combination is small, and every page is far down. */
const large: List = {
  ...{ table: 'snapshots', id: 'snapshot_id', type: 'snapshot', tally: snapshotTally },
  ...{ listed: sql<boolean>`frozen = 1 AND undo_until_ms IS NULL`, limits: { fewRows: -1, farDown: 1 } },
};

async function askLarge(queries: Queries, filter: SnapshotFilter, paging: Paging): Promise<Page<string>> {
  const { status, category, sourceDiskType, usage, resourceGroupId, ...rest } = filter;
  const many = { status, category, source_disk_type: sourceDiskType, usage, resource_group_id: resourceGroupId };
  const page = await listPage<SnapshotRow>(queries, large, { ...rest, few: [], many }, paging);
  return { ...page, items: page.items.map((row) => row.snapshot_id) };
}

test('whatever comes, changes and goes, lists and totals are what is there', async (t) => {
  const open = await openQueries(t);
  const undone = new Error('undone');
  const body = async (queries: Queries, done: Step[], asked: SnapshotFilter, askedDisks: DiskFilter) => {
    for (const step of done) await take(queries, step);
    assert.deepEqual(await checkListing(queries), []);
    const snapshots: Ask = async (paging) => {
      const page = await listSnapshots(queries, asked, paging);
      return { ...page, items: page.items.map((one) => one.snapshotId) };
    };
    await checkPages(snapshots, await pickSnapshots(queries, asked));
    const { diskId: _disk, snapshotName: _name, groupId: _group, ...tallied } = asked;
    await checkPages((paging) => askLarge(queries, tallied, paging), await pickSnapshots(queries, tallied));
    const disks: Ask = async (paging) => {
      const page = await listDisks(queries, askedDisks, paging, noService);
      return { ...page, items: page.items.map((one) => one.diskId) };
    };
    await checkPages(disks, await pickDisks(queries, askedDisks));
    await checkChains(queries);
    throw undone;
  };
  await fc.assert(
    fc.asyncProperty(steps, snapshotFilters, diskFilters, async (done, asked, askedDisks) => {
      const run = open.transaction().execute((queries) => body(queries, done, asked, askedDisks));
      await assert.rejects(run, (error) => {
        if (error !== undone) throw error;
        return true;
      });
    }),
    { numRuns: 300 },
  );
});

async function checkChains(queries: Queries): Promise<void> {
  const shown = queries.selectFrom('snapshots').where('frozen', '=', 1).where('undo_until_ms', 'is', null);
  const rows = await shown.selectAll().execute();
  const disks = [...new Set(rows.filter((row) => row.status !== 'failed').map((row) => row.source_disk_id))].toSorted();
  const page = await listChains(queries, {}, { pageNumber: 1, pageSize: 100, nextToken: null });
  assert.deepEqual([page.items.map(({ chain }) => chain.diskId), page.totalCount], [disks, disks.length]);
}

/** The last version without what lists are read from. */
const BEFORE_LISTS = 11;

test('an older catalog is brought to what a new one would have', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (done) => {
      const queries = await openQueries(undefined, BEFORE_LISTS);
      try {
        for (const step of done) await take(queries, step, true);
        await migrate(queries);
        assert.deepEqual(await checkListing(queries), []);
      } finally {
        await queries.destroy();
      }
    }),
    { numRuns: 20 },
  );
});

test('what does not say what is there is found', async (t) => {
  const queries = await openQueries(t);
  const step: Step = { kind: 'put snapshot', id: 1, a: 1, b: 1 };
  await take(queries, step);
  await putTags(queries, 's-1', [{ key: 'k', value: 'v' }]);
  assert.deepEqual(await checkListing(queries), []);
  for (const [change, what] of [
    [`UPDATE snapshot_tally SET total = 2 WHERE day = -1`, '2 rows of snapshot_tally'],
    [`DELETE FROM chain_tally`, '1 rows of chain_tally'],
    [`UPDATE tag_tally SET total = 0`, '2 rows of tag_tally'],
    [`INSERT INTO disk_tally VALUES (-1, 's', 'c', 't', 'z', 'r', 0, 0, 0, 0, 0, 1)`, '1 rows of disk_tally'],
  ] as const) {
    await sql.raw('SAVEPOINT before').execute(queries);
    await sql.raw(change).execute(queries);
    assert.deepEqual(await checkListing(queries), [`catalog.db: ${what} do not say what is there`]);
    await sql.raw('ROLLBACK TO before').execute(queries);
  }
  await sql`UPDATE snapshots SET usage = 'disk'`.execute(queries);
  await sql`UPDATE tags SET created_at_ms = 7`.execute(queries);
  assert.deepEqual(await checkListing(queries), [
    'catalog.db: 1 rows of snapshots.usage do not say what is there',
    'catalog.db: 1 rows of tags do not say what is there',
  ]);
});

test('while snapshots come and go, a walk by tokens shows each that stays exactly once, in order', async (t) => {
  const open = await openQueries(t);
  const walk = async (asked: SnapshotFilter, seed: number, pageSize: number) => {
    const queries = open;
    await queries.deleteFrom('tags').execute();
    await queries.deleteFrom('snapshots').execute();
    const next = chance(seed);
    const staying = new Set<string>();
    const put = async (name: string) => {
      const id = `${name}-${next(1000)}-${next(1000)}`;
      const times = { created_at_ms: next(3) * DAY_MS + next(4), status: 'accomplished' as const, frozen: 1 };
      const row = { ...snapshotRow({ kind: 'put snapshot', id: 0, a: 1, b: 1 }), snapshot_id: id, ...times };
      await queries
        .insertInto('snapshots')
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      await putTags(queries, id, [{ key: 'k-0', value: 'v-0' }]);
      return id;
    };
    for (let count = 0; count < 25; count += 1) staying.add(await put('s-stays'));
    const going = await Promise.all(Array.from({ length: 15 }, () => put('s-goes')));
    const seen: string[] = [];
    const positions: [number, string][] = [];
    for (let nextToken: string | null = null, page = 0; page === 0 || nextToken !== null; page += 1) {
      const {
        items,
        nextToken: following,
        totalCount,
      }: Awaited<ReturnType<typeof listSnapshots>> = await listSnapshots(queries, asked, {
        pageNumber: 1,
        pageSize,
        nextToken,
      });
      const { rows } = await sql<{ total: number }>`SELECT count(*) AS total FROM snapshots`.execute(queries);
      assert.equal(totalCount, rows[0]?.total);
      seen.push(...items.map((one) => one.snapshotId));
      positions.push(...items.map((one): [number, string] => [one.createdAtMs, one.snapshotId]));
      for (let count = next(4); count > 0; count -= 1) await put('s-new');
      const gone = [going.pop(), next(2) === 0 ? items.at(-1)?.snapshotId : undefined];
      for (const id of gone.filter((one) => one !== undefined && !staying.has(one))) {
        await queries.deleteFrom('snapshots').where('snapshot_id', '=', id!).execute();
      }
      nextToken = following;
    }
    assert.equal(new Set(seen).size, seen.length, 'none is shown twice');
    assert.deepEqual(
      [...staying].filter((id) => !seen.includes(id)),
      [],
      'none is left out',
    );
    const ordered = positions.toSorted(([a, one], [b, other]) => b - a || (one < other ? 1 : -1));
    assert.deepEqual(positions, ordered);
  };
  const ways: SnapshotFilter[] = [
    {},
    { status: 'accomplished' },
    { tags: [{ key: 'k-0', value: null }] },
    { snapshotName: 'name-1' },
    { diskId: 'd-1' },
    { createdFromMs: 0 },
  ];
  await fc.assert(fc.asyncProperty(fc.constantFrom(...ways), fc.nat(), fc.integer({ min: 1, max: 9 }), walk), {
    numRuns: 40,
  });
});

/** Repeatable; below `limit`. */
function chance(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

test('the tags that are counted are of what is in lists', async (t) => {
  const queries = await openQueries(t);
  const hidden = { ...snapshotRow({ kind: 'put snapshot', id: 1, a: 0, b: 0 }), frozen: 0 };
  await queries.insertInto('snapshots').values(hidden).execute();
  await putTags(queries, 's-1', [{ key: 'k', value: 'v' }]);
  const counted = () => countTags(queries, {}, { pageNumber: 1, pageSize: 10, nextToken: null });
  assert.equal((await counted()).totalCount, 0);
  await queries.updateTable('snapshots').set({ frozen: 1 }).execute();
  const counts = { disk: 0, image: 0, instance: 0, snapshot: 1, snapshotgroup: 0, snapshotpolicy: 0 };
  assert.deepEqual((await counted()).items, [{ key: 'k', value: 'v', counts }]);
});
