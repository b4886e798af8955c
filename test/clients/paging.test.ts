/** The lists that page both ways, walked as each client does (`clients.md` 2.4): every item is seen exactly once. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { EMPTY_IMAGE_ID } from '../../src/control/empty-image.ts';
import { fillWithSnapshots } from '../conformance/error-cases/case.ts';
import { call, openApi, type Answer, type ApiFixture } from './api-fixture.ts';

/** Above every page size but the largest of DescribeDisks, and no multiple of one. */
const COUNT = 104;

interface List {
  action: string;
  wrapper: string;
  item: string;
  id: string;
  /** The most that MaxResults gives. */
  most: number;
}

const lists: List[] = [
  { action: 'DescribeInstances', wrapper: 'Instances', item: 'Instance', id: 'InstanceId', most: 100 },
  { action: 'DescribeDisks', wrapper: 'Disks', item: 'Disk', id: 'DiskId', most: 500 },
  { action: 'DescribeSnapshots', wrapper: 'Snapshots', item: 'Snapshot', id: 'SnapshotId', most: 100 },
  { action: 'DescribeSnapshotLinks', wrapper: 'SnapshotLinks', item: 'SnapshotLink', id: 'SnapshotLinkId', most: 100 },
];

/** Asks for a page; the answer with the ids on it. */
type Ask = (parameters: Record<string, string>) => Promise<{ ids: string[]; token: string; body: Answer['body'] }>;

/** The ids of all pages, in the order in which they came. */
type Walk = (ask: Ask) => Promise<string[]>;

const walks: Record<string, Walk> = {
  /** The aliyun CLI's --pager: no paging parameters, then tokens alone. */
  'the CLI’s pager': (ask) => followTokens(ask, () => ({})),
  /** The CLI's --pager beside a page size that its user gave. */
  'the CLI’s pager with a PageSize': (ask) => followTokens(ask, () => ({ PageSize: '20' })),
  /** CSI, steampipe. */
  'MaxResults and tokens': (ask) => followTokens(ask, () => ({ MaxResults: '30' })),
  /** Terraform's snapshots data source; it stops at a short page too. */
  'Terraform’s mix of both': (ask) =>
    followTokens(ask, (page) => ({ PageNumber: String(page), PageSize: '50', MaxResults: '50' }), 50),
  'a mix of two sizes': (ask) =>
    followTokens(ask, (page) => ({ PageNumber: String(page), PageSize: '20', MaxResults: '50' })),
  /** libcloud: it reads all three fields of every page. */
  'page numbers': async (ask) => {
    const seen: string[] = [];
    for (let page = 1; ; page += 1) {
      const { ids, body } = await ask({ PageNumber: String(page), PageSize: '25' });
      seen.push(...ids);
      assert.deepEqual([body['PageNumber'], body['PageSize'], body['TotalCount']], [page, 25, COUNT]);
      if (page * 25 >= COUNT) return seen;
    }
  },
};

async function followTokens(
  ask: Ask,
  parametersOf: (page: number) => Record<string, string>,
  stopBelow = 1,
): Promise<string[]> {
  const seen: string[] = [];
  let next = {};
  for (let page = 1; page <= COUNT; page += 1) {
    const { ids, token } = await ask({ ...parametersOf(page), ...next });
    seen.push(...ids);
    if (token === '' || ids.length < stopBelow) return seen;
    next = { NextToken: token };
  }
  throw new Error('the pages never end');
}

test('every client sees every instance, disk, snapshot and chain exactly once', async (t) => {
  await using api = await openApi({}, { checkAtEnd: false });
  await fill(api);
  for (const list of lists) {
    const ask = askerOf(api, list);
    const pages = await Promise.all(['1', '2'].map((page) => ask({ PageNumber: page, PageSize: '100' })));
    const expected = pages.flatMap(({ ids }) => ids);
    assert.equal(new Set(expected).size, COUNT, list.action);
    for (const [name, walk] of Object.entries(walks)) {
      await t.test(`${list.action}: ${name}`, async () => assert.deepEqual(await walk(ask), expected));
    }
    await t.test(`${list.action}: sizes`, () => checkSizes(api, list));
  }
});

async function checkSizes(api: ApiFixture, list: List): Promise<void> {
  const ask = askerOf(api, list);
  for (const [asked, given] of [
    ['1', 10],
    ['9', 10],
    ['11', 11],
    ['9999', Math.min(list.most, COUNT)],
  ] as const) {
    const { ids, token } = await ask({ MaxResults: asked });
    assert.equal(ids.length, given, `MaxResults=${asked}`);
    assert.equal(token === '', given === COUNT, `MaxResults=${asked}`);
  }
  assert.equal((await ask({})).ids.length, 10);
  const both = await ask({ PageNumber: '1', PageSize: '20', MaxResults: '50' });
  assert.deepEqual([both.ids.length, both.body['PageSize']], [50, 50]);
  for (const [name, value] of Object.entries({ PageSize: '101', PageNumber: '0', MaxResults: '0' })) {
    const { status, body } = await call(api, list.action, { [name]: value });
    assert.deepEqual([status, body['Code']], [400, 'InvalidParameter'], name);
    assert.ok(String(body['Message']).includes(`The specified parameter "${name}" is not valid`), name);
  }
}

function askerOf(api: ApiFixture, { action, wrapper, item, id }: List): Ask {
  return async (parameters) => {
    const { status, body } = await call(api, action, { RegionId: 'cn-hangzhou', ...parameters });
    assert.equal(status, 200, JSON.stringify(body));
    const items = (body[wrapper] as Record<string, Record<string, string>[]>)[item] ?? [];
    return { ids: items.map((one) => one[id] ?? ''), token: String(body['NextToken']), body };
  };
}

/** Instances with a system disk each, and a snapshot of each disk: many with the same time of creation. */
async function fill(api: ApiFixture): Promise<void> {
  for (let half = 0; half < 2; half += 1) {
    const { status, body } = await call(api, 'RunInstances', {
      ImageId: EMPTY_IMAGE_ID,
      InstanceType: 'ecs.external.large',
      Amount: String(COUNT / 2),
    });
    assert.equal(status, 200, JSON.stringify(body));
  }
  const { world } = api;
  await world.settle();
  const { body } = await call(api, 'DescribeDisks', { MaxResults: '500' });
  const [disk, ...others] = (body['Disks'] as { Disk: { DiskId: string }[] }).Disk;
  assert.ok(disk);
  const snapshot = await world.takeSnapshot(disk.DiskId);
  await fillWithSnapshots({ world, snapshot, dataDisk: disk.DiskId }, COUNT - 1);
  for (const [index, { DiskId: diskId }] of others.entries()) {
    const copies = world.catalog.queries.updateTable('snapshots').set({ source_disk_id: diskId });
    await copies.where('snapshot_id', '=', `s-copy${index}`).execute();
  }
}
