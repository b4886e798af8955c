/** Putting tags on resources, removing, listing and counting them, on a real catalog. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  type World,
  allRows,
  createWorld,
  diskRequest,
  runRequest,
  snapshotRequest,
} from '../../test/control/world.ts';
import type { Tag } from '../ecs/resources.ts';
import { EMPTY_IMAGE_ID } from './empty-image.ts';
import type { TagResourcesRequest } from './requests.ts';
import type { TagsOfResourcesFilter } from '../ecs/list-filters.ts';

async function createDisks(world: World, count: number, tags: Tag[] = []): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index++) {
    ids.push((await world.control.createDisk(diskRequest({ tags }))).diskId);
  }
  return ids.sort();
}

function numbered(count: number, prefix = 'k'): Tag[] {
  return Array.from({ length: count }, (_, index) => ({ key: `${prefix}${index}`, value: String(index) }));
}

function put(resourceIds: string[], tags: Tag[], resourceType: TagResourcesRequest['resourceType'] = 'disk') {
  return { resourceType, resourceIds, tags };
}

async function list(world: World, filter: TagsOfResourcesFilter): Promise<string[]> {
  const { items } = await world.control.listTagsOfResources(filter, allRows);
  return items.map(({ resourceId, key, value }) => `${resourceId} ${key}=${value}`);
}

test('tags are put on resources of every type, a known key gets the new value, and they are shown', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  const snapshotId = await world.takeSnapshot(diskId);
  const tags = [{ key: 'k', value: 'old' }];
  const typed = [
    ['instance', instanceId],
    ['disk', diskId],
    ['snapshot', snapshotId],
  ] as const;
  for (const [type, id] of typed) {
    await world.control.tagResources(put([id], tags, type));
    await world.control.tagResources(
      put(
        [id, id],
        [
          { key: 'k', value: 'new' },
          { key: 'l', value: '' },
        ],
        type,
      ),
    );
    const { items } = await world.control.listTagsOfResources({ resourceIds: [id] }, allRows);
    assert.deepEqual(items, [
      { resourceId: id, resourceType: type, key: 'k', value: 'new' },
      { resourceId: id, resourceType: type, key: 'l', value: '' },
    ]);
  }
  const expected = [
    { key: 'k', value: 'new' },
    { key: 'l', value: '' },
  ];
  assert.deepEqual((await world.instance(instanceId))?.tags, expected);
  assert.deepEqual((await world.disk(diskId))?.tags, expected);
  assert.deepEqual((await world.snapshot(snapshotId))?.tags, expected);
});

test('a resource has at most twenty tags, counted with those it has', async (t) => {
  const world = await createWorld(t);
  const [a = '', b = ''] = await createDisks(world, 2);
  await world.control.tagResources(put([a], numbered(20)));
  await world.control.tagResources(put([a], [{ key: 'k7', value: 'again' }]));
  await assert.rejects(world.control.tagResources(put([b, a], [{ key: 'other', value: '' }])), {
    code: 'OperationDenied.QuotaExceed',
  });
  assert.deepEqual(await list(world, { resourceIds: [b] }), [], 'none is tagged when one cannot be');
  assert.equal((await list(world, { resourceIds: [a] })).length, 20);
});

test('keys that differ only by case are refused against those a resource has', async (t) => {
  const world = await createWorld(t);
  const [a = ''] = await createDisks(world, 1, [{ key: 'Env', value: 'x' }]);
  await assert.rejects(world.control.tagResources(put([a], [{ key: 'env', value: 'y' }])), {
    code: 'TagKey.Duplication',
  });
  await world.control.untagResources({ resourceType: 'disk', resourceIds: [a], tags: [{ key: 'Env', value: null }] });
  await world.control.tagResources(put([a], [{ key: 'env', value: 'y' }]));
  assert.deepEqual(await list(world, { resourceIds: [a] }), [`${a} env=y`]);
});

test('what is not there, hidden, public or of another type cannot be tagged', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  const freeze = Promise.withResolvers<void>();
  world.diskd.before = async (call) => {
    if (call === 'freeze') await freeze.promise;
  };
  const creating = world.control.createSnapshot({ ...snapshotRequest(diskId), tags: numbered(1, 'hidden') });
  const { queries } = world.catalog;
  await world.until(
    'the hidden row',
    async () => (await queries.selectFrom('snapshots').selectAll().execute()).length > 0,
  );
  const hidden = (await queries.selectFrom('snapshots').select('snapshot_id').executeTakeFirstOrThrow()).snapshot_id;
  const image = await queries.selectFrom('images').selectAll().executeTakeFirstOrThrow();
  const own = { ...image, owner_alias: 'self' };
  await queries
    .insertInto('images')
    .values({ ...own, image_id: 'm-own', image_name: 'm-own' })
    .execute();
  await queries
    .insertInto('images')
    .values({ ...own, image_id: 'm-gone', image_name: 'm-gone', deleted: 1 })
    .execute();
  const cases = [
    ['instance', 'i-none', 'InvalidResourceId.NotFound'],
    ['instance', diskId, 'InvalidResourceId.NotFound'],
    ['disk', instanceId, 'InvalidResourceId.NotFound'],
    ['snapshot', hidden, 'InvalidResourceId.NotFound'],
    ['image', 'm-gone', 'InvalidResourceId.NotFound'],
    ['image', EMPTY_IMAGE_ID, 'InvalidResourceId.NotSupported'],
  ] as const;
  for (const [resourceType, id, code] of cases) {
    await assert.rejects(world.control.tagResources(put([id], numbered(1), resourceType)), { code }, id);
    const untag = world.control.untagResources({ resourceType, resourceIds: [id], tags: null });
    await assert.rejects(untag, { code }, id);
  }
  assert.deepEqual(await list(world, { resourceType: 'snapshot' }), [], 'nor are the tags of what is hidden listed');
  assert.deepEqual(await list(world, { resourceIds: [hidden] }), []);
  assert.equal((await world.control.countTags({}, allRows)).totalCount, 0);
  await world.control.tagResources(put(['m-own'], numbered(1), 'image'));
  assert.deepEqual(await list(world, { resourceType: 'image' }), ['m-own k0=0']);
  await queries.updateTable('images').set({ deleted: 1 }).where('image_id', '=', 'm-own').execute();
  assert.deepEqual(await list(world, { resourceType: 'image' }), []);
  freeze.resolve();
  const { snapshotId } = await creating;
  assert.deepEqual(await list(world, { resourceType: 'snapshot' }), [`${snapshotId} hidden0=0`]);
  await world.settle();
});

test('tags are removed by key, by pair, or all', async (t) => {
  const world = await createWorld(t);
  const [a = '', b = ''] = await createDisks(world, 2, numbered(4));
  const untag = (resourceIds: string[], tags: { key: string; value: string | null }[] | null) =>
    world.control.untagResources({ resourceType: 'disk', resourceIds, tags });
  await untag(
    [a, b],
    [
      { key: 'k0', value: null },
      { key: 'none', value: null },
    ],
  );
  await untag(
    [a],
    [
      { key: 'k1', value: 'another' },
      { key: 'k2', value: '2' },
    ],
  );
  assert.deepEqual(await list(world, { resourceIds: [a] }), [`${a} k1=1`, `${a} k3=3`]);
  await untag([a], null);
  assert.deepEqual(await list(world, {}), [`${b} k1=1`, `${b} k2=2`, `${b} k3=3`]);
  const dryRun = { idempotency: null, dryRun: true };
  const tried = world.control.untagResources({ resourceType: 'disk', resourceIds: [b], tags: null }, dryRun);
  await assert.rejects(tried, { code: 'DryRunOperation' });
  assert.equal((await list(world, {})).length, 3);
});

test('a page goes on after the last row of the one before, whatever comes and goes between', async (t) => {
  const world = await createWorld(t);
  const ids = await createDisks(world, 3, numbered(4));
  const [a = '', b = '', c = ''] = ids;
  const all = await list(world, { resourceType: 'disk' });
  const first = await world.control.listTagsOfResources({}, { ...allRows, pageSize: 5 });
  await world.control.untagResources({ resourceType: 'disk', resourceIds: [a], tags: null });
  await world.control.tagResources(put([b], [{ key: 'a-new', value: '' }]));
  await world.control.tagResources(put([b], [{ key: 'k0x', value: '' }]));
  const seen = first.items.map(({ resourceId, key, value }) => `${resourceId} ${key}=${value}`);
  for (let token = first.nextToken; token !== null;) {
    const page = await world.control.listTagsOfResources({}, { pageNumber: 1, pageSize: 5, nextToken: token });
    seen.push(...page.items.map(({ resourceId, key, value }) => `${resourceId} ${key}=${value}`));
    token = page.nextToken;
  }
  assert.deepEqual(seen, [...all.slice(0, 5), `${b} k0x=`, ...all.slice(5)], 'none twice, none that stayed left out');
  assert.ok(seen.at(-1)?.startsWith(c));
  for (const nextToken of ['garbled', Buffer.from('[1,"x"]').toString('base64url')]) {
    const listed = world.control.listTagsOfResources({}, { ...allRows, nextToken });
    await assert.rejects(listed, { code: 'InvalidParameter.NextToken' });
  }
});

test('tags are listed by the tags that resources have, all of them, or by patterns', async (t) => {
  const world = await createWorld(t);
  const [a = '', b = '', c = ''] = await createDisks(world, 3);
  await world.control.tagResources(
    put(
      [a],
      [
        { key: 'env', value: 'prod' },
        { key: 'app_1', value: '50%' },
      ],
    ),
  );
  await world.control.tagResources(
    put(
      [b],
      [
        { key: 'env', value: 'test' },
        { key: 'appX1', value: '500' },
      ],
    ),
  );
  await world.control.tagResources(put([c], [{ key: 'other', value: 'prod' }]));
  const ids = async (filter: TagsOfResourcesFilter) => [
    ...new Set((await world.control.listTagsOfResources(filter, allRows)).items.map((item) => item.resourceId)),
  ];
  assert.deepEqual(await ids({ tags: [{ key: 'env', value: null }] }), [a, b]);
  assert.deepEqual(await ids({ tags: [{ key: 'env', value: 'prod' }] }), [a]);
  const both = [
    { key: 'env', value: null },
    { key: 'appX1', value: null },
  ];
  assert.deepEqual(await ids({ tags: both }), [b]);
  assert.deepEqual(await ids({ tags: both, resourceIds: [a] }), []);
  assert.deepEqual(await ids({ tags: both, resourceType: 'instance' }), []);
  assert.deepEqual(await ids({ tagPatterns: [{ key: '*', values: ['p*'] }] }), [a, c]);
  assert.deepEqual(await ids({ tagPatterns: [{ key: 'app_*', values: [] }] }), [a], 'only * is special');
  assert.deepEqual(await ids({ tagPatterns: [{ key: 'app*', values: ['50%'] }] }), [a], 'only * is special');
  assert.deepEqual(await ids({ tagPatterns: [{ key: 'e*v', values: ['none', '*es*'] }] }), [b]);
  assert.deepEqual(
    await ids({
      tagPatterns: [
        { key: 'e*', values: [] },
        { key: 'app*', values: ['500'] },
      ],
    }),
    [b],
  );
});

test('each different tag is counted once, by type, in pages', async (t) => {
  const world = await createWorld(t);
  const tags = [{ key: 'env', value: 'prod' }];
  const { instanceIds } = await world.control.runInstances(runRequest({ amount: 2 }));
  await world.control.tagResources(put(instanceIds, tags, 'instance'));
  const [a = '', b = ''] = await createDisks(world, 2, [
    { key: 'env', value: 'test' },
    { key: 'app', value: '' },
  ]);
  await world.control.tagResources(put([a], tags));
  await world.settle();
  const { items, totalCount } = await world.control.countTags({}, allRows);
  const none = { instance: 0, disk: 0, snapshot: 0, image: 0, snapshotgroup: 0, snapshotpolicy: 0 };
  assert.equal(totalCount, 3);
  assert.deepEqual(items, [
    { key: 'app', value: '', counts: { ...none, disk: 2 } },
    { key: 'env', value: 'prod', counts: { ...none, disk: 1, instance: instanceIds.length } },
    { key: 'env', value: 'test', counts: { ...none, disk: 1 } },
  ]);
  const second = await world.control.countTags({}, { pageNumber: 2, pageSize: 2, nextToken: null });
  assert.deepEqual(second, { items: items.slice(2), totalCount: 3, nextToken: null });
  const keys = async (filter: TagsOfResourcesFilter) =>
    (await world.control.countTags(filter, allRows)).items.map(({ key, value }) => `${key}=${value}`);
  assert.deepEqual(await keys({ resourceType: 'instance' }), ['env=prod']);
  assert.deepEqual(await keys({ resourceIds: [b] }), ['app=', 'env=test']);
  assert.deepEqual(
    await keys({
      tags: [
        { key: 'env', value: 'prod' },
        { key: 'app', value: null },
      ],
    }),
    ['app=', 'env=prod'],
  );
});
