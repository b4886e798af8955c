/** The actions on tags from their parameters to their answers, before a real control plane on a fake diskd. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { callAction, itemsOf } from '../../test/control/call-action.ts';
import { type World, createWorld, diskRequest } from '../../test/control/world.ts';
import { findErrorStatus } from './error-statuses.ts';

async function createDisk(world: World): Promise<string> {
  return (await world.control.createDisk(diskRequest())).diskId;
}

async function tagsOf(world: World, diskId: string): Promise<Record<string, string>> {
  const tags = (await world.disk(diskId))?.tags ?? [];
  return Object.fromEntries(tags.map(({ key, value }) => [key, value]));
}

test('tags are put and removed by both families of actions, with names in either case', async (t) => {
  const world = await createWorld(t);
  const [a, b] = [await createDisk(world), await createDisk(world)];
  const both = { ResourceType: 'disk', 'ResourceId.1': a, 'ResourceId.2': b };
  const one = { ResourceType: 'disk', ResourceId: a };
  await callAction(world, 'TagResources', { ...both, 'Tag.1.Key': 'k', 'Tag.1.Value': 'v', 'Tag.2.Key': 'l' });
  await callAction(world, 'AddTags', { ...one, 'Tag.1.key': 'k', 'Tag.1.value': 'w', 'Tag.2.key': 'm' });
  assert.deepEqual(await tagsOf(world, a), { k: 'w', l: '', m: '' });
  assert.deepEqual(await tagsOf(world, b), { k: 'v', l: '' });
  await callAction(world, 'UntagResources', { ...both, 'TagKey.1': 'l', All: 'true' });
  assert.deepEqual(await tagsOf(world, a), { k: 'w', m: '' }, 'All counts only without keys');
  await callAction(world, 'RemoveTags', { ...one, 'Tag.1.Key': 'k', 'Tag.1.Value': 'other', 'Tag.2.Key': 'm' });
  assert.deepEqual(await tagsOf(world, a), { k: 'w' });
  await callAction(world, 'UntagResources', { ...both, All: 'true' });
  assert.deepEqual([await tagsOf(world, a), await tagsOf(world, b)], [{}, {}]);
});

test('what is missing, too much, malformed or unknown is refused with the documented code', async (t) => {
  const world = await createWorld(t);
  const diskId = await createDisk(world);
  const type = { ResourceType: 'disk' };
  const ids = { ...type, 'ResourceId.1': diskId };
  const one = { ...type, ResourceId: diskId };
  const tag = { 'Tag.1.Key': 'k' };
  const many = (name: string, count: number, below = '') =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`${name}.${index + 1}${below}`, `x${index}`]));
  const cases: [string, string, number, Record<string, string>][] = [
    ['TagResources', 'MissingParameter.ResourceType', 404, { ...tag, 'ResourceId.1': diskId }],
    ['TagResources', 'MissingParameter.ResourceIds', 404, { ...tag, ...type }],
    ['TagResources', 'MissingParameter.Tags', 404, ids],
    ['TagResources', 'MissingParameter.Tags', 404, { ...ids, 'Tag.1.Key': '', 'Tag.1.Value': '', 'Tag.2.Key': '' }],
    ['TagResources', 'InvalidTagKey.Malformed', 400, { ...ids, 'Tag.1.Key': '', 'Tag.1.Value': 'v' }],
    ['TagResources', 'InvalidResourceType.NotFound', 404, { ...ids, ...tag, ResourceType: 'planet' }],
    ['TagResources', 'InvalidResourceId.NotFound', 404, { ...ids, ...tag, ResourceType: 'securitygroup' }],
    ['TagResources', 'InvalidResourceId.NotFound', 404, { ...ids, ...tag, ResourceType: 'snapshot' }],
    ['TagResources', 'InvalidResourceId.NotFound', 404, { ...ids, ...tag, 'ResourceId.2': 'd-none' }],
    ['TagResources', 'NumberExceed.ResourceIds', 400, { ...type, ...tag, ...many('ResourceId', 51) }],
    ['TagResources', 'NumberExceed.Tags', 400, { ...ids, ...many('Tag', 21, '.Key') }],
    ['TagResources', 'Duplicate.TagKey', 400, { ...ids, ...tag, 'Tag.2.Key': 'k' }],
    ['TagResources', 'TagKey.Duplication', 403, { ...ids, ...tag, 'Tag.2.Key': 'K' }],
    ['TagResources', 'InvalidTagKey.Malformed', 400, { ...ids, 'Tag.1.Key': 'aliyun-x' }],
    ['TagResources', 'InvalidTagValue.Malformed', 400, { ...ids, ...tag, 'Tag.1.Value': 'http://x' }],
    ['TagResources', 'DryRunOperation', 400, { ...ids, ...tag, DryRun: 'true' }],
    ['UntagResources', 'MissingParameter.ResourceType', 404, { 'ResourceId.1': diskId, All: 'true' }],
    ['UntagResources', 'MissingParameter.ResourceIds', 404, { ...type, All: 'true' }],
    ['UntagResources', 'MissingParameter.Tags', 404, ids],
    ['UntagResources', 'MissingParameter.Tags', 404, { ...ids, All: 'false' }],
    ['UntagResources', 'NumberExceed.Tags', 400, { ...ids, ...many('TagKey', 21) }],
    ['UntagResources', 'Duplicate.TagKey', 400, { ...ids, 'TagKey.1': 'k', 'TagKey.2': 'k' }],
    ['UntagResources', 'InvalidTagKey.Malformed', 400, { ...ids, 'TagKey.1': 'k'.repeat(129) }],
    ['UntagResources', 'InvalidResourceId.NotFound', 404, { ...type, 'ResourceId.1': 'd-none', All: 'true' }],
    ['AddTags', 'MissingParameter', 400, { ...type, ...tag }],
    ['AddTags', 'InvalidTagCount', 400, one],
    ['AddTags', 'InvalidTagCount', 400, { ...one, 'Tag.1.Key': '', 'Tag.1.Value': '' }],
    ['AddTags', 'InvalidTagCount', 400, { ...one, ...many('Tag', 21, '.Key') }],
    ['RemoveTags', 'InvalidTagCount', 400, one],
    ['RemoveTags', 'InvalidTagCount', 400, { ...one, 'Tag.1.Key': '', 'Tag.1.Value': '' }],
    ['RemoveTags', 'InvalidTagKey.Malformed', 400, { ...one, 'Tag.1.Key': 'k'.repeat(129) }],
    ['RemoveTags', 'InvalidTagKey.Malformed', 400, { ...one, 'Tag.1.Key': 'acs:k' }],
    ['RemoveTags', 'InvalidTagKey.Malformed', 400, { ...one, 'Tag.1.Value': 'v' }],
    ['RemoveTags', 'InvalidTagCount', 400, { ...one, ...many('Tag', 21, '.Key') }],
    ['ListTagResources', 'MissingParameter.ResourceType', 404, tag],
    ['ListTagResources', 'MissingParameter.Tags', 404, type],
    ['ListTagResources', 'InvalidParameter.TagValue', 400, { ...type, 'Tag.1.Value': 'v' }],
    ['ListTagResources', 'InvalidParameter.TagValue', 400, { ...type, 'TagFilter.1.TagValues.1': 'v' }],
    ['ListTagResources', 'Duplicate.TagKey', 400, { ...type, ...tag, 'Tag.2.Key': 'K', 'Tag.3.Key': 'k' }],
    ['ListTagResources', 'InvalidTagKey.Malformed', 400, { ...type, 'Tag.1.Key': 'http://k' }],
    ['ListTagResources', 'InvalidTagKey.Malformed', 400, { ...type, 'TagFilter.1.TagKey': 'k'.repeat(129) }],
    ['ListTagResources', 'InvalidTagValue.Malformed', 400, { ...type, ...tag, 'Tag.1.Value': 'v'.repeat(129) }],
    ['ListTagResources', 'InvalidParameter.Conflict', 400, { ...type, ...tag, 'TagFilter.1.TagKey': 'k' }],
    ['ListTagResources', 'NumberExceed.Tags', 400, { ...type, ...many('TagFilter', 6, '.TagKey') }],
    ['ListTagResources', 'InvalidParameter.NextToken', 400, { ...type, ...tag, NextToken: 'x' }],
    ['DescribeTags', 'InvalidResourceType.NotFound', 404, { ResourceType: 'planet' }],
    ['DescribeTags', 'InvalidTagKey.Malformed', 400, { 'Tag.1.Key': 'aliyun' }],
    ['DescribeTags', 'InvalidTagKey.Malformed', 400, { 'Tag.1.Value': 'v' }],
    ['DescribeTags', 'InvalidTagValue.Malformed', 400, { ...tag, 'Tag.1.Value': 'acs:v' }],
    ['DescribeTags', 'InvalidParameter', 400, { PageSize: '101' }],
  ];
  for (const [action, code, status, parameters] of cases) {
    await assert.rejects(callAction(world, action, parameters), { code }, `${action} ${JSON.stringify(parameters)}`);
    assert.equal(findErrorStatus(code, action), status, code);
  }
  assert.deepEqual(await tagsOf(world, diskId), {});
});

test('ListTagResources pages by fifty and filters by ids, tags and patterns', async (t) => {
  const world = await createWorld(t);
  const ids: string[] = [];
  for (let index = 0; index < 3; index++) {
    const diskId = await createDisk(world);
    ids.push(diskId);
    const tags = Array.from({ length: 20 }, (_, number) => [`Tag.${number + 1}.Key`, `k${number}`]);
    const parameters = { ResourceType: 'disk', 'ResourceId.1': diskId, 'Tag.1.Value': `v${index}` };
    await callAction(world, 'TagResources', { ...parameters, ...Object.fromEntries(tags) });
  }
  const asked = { ResourceType: 'disk', 'Tag.1.Key': 'k3' };
  const first = await callAction(world, 'ListTagResources', asked);
  const rows = itemsOf(first, 'TagResources', 'TagResource');
  assert.equal(rows.length, 50);
  assert.deepEqual(rows[0], {
    ResourceId: ids.toSorted()[0],
    ResourceType: 'disk',
    TagKey: 'k0',
    TagValue: rows[0]?.['TagValue'],
  });
  const rest = await callAction(world, 'ListTagResources', { ...asked, NextToken: String(first['NextToken']) });
  assert.equal(rest['NextToken'], '');
  rows.push(...itemsOf(rest, 'TagResources', 'TagResource'));
  assert.equal(new Set(rows.map(({ ResourceId, TagKey }) => `${String(ResourceId)} ${String(TagKey)}`)).size, 60);
  const idsBy = async (parameters: Record<string, string>) => {
    const answer = await callAction(world, 'ListTagResources', { ResourceType: 'disk', ...parameters });
    return [...new Set(itemsOf(answer, 'TagResources', 'TagResource').map(({ ResourceId }) => ResourceId))];
  };
  assert.deepEqual(await idsBy({ 'ResourceId.1': ids[1] ?? '', 'ResourceId.2': 'd-none' }), [ids[1]]);
  assert.deepEqual(await idsBy({ 'Tag.1.Key': 'k0', 'Tag.1.Value': 'v2' }), [ids[2]]);
  assert.deepEqual(await idsBy({ 'TagFilter.1.TagKey': 'k*', 'TagFilter.1.TagValues.1': '*1' }), [ids[1]]);
  assert.deepEqual(await idsBy({ 'Tag.1.Key': 'acs:rm:rgId', 'Tag.1.Value': 'rg-1' }), []);
  assert.deepEqual(await idsBy({ 'Tag.1.Key': 'k0', ResourceType: 'eni' }), []);
});

test('DescribeTags counts resources by type', async (t) => {
  const world = await createWorld(t);
  const diskId = await createDisk(world);
  await callAction(world, 'AddTags', {
    ResourceType: 'disk',
    ResourceId: diskId,
    'Tag.1.Key': 'k',
    'Tag.1.Value': 'v',
  });
  const answer = await callAction(world, 'DescribeTags', { ResourceType: 'disk', ResourceId: diskId });
  const [tag = {}] = itemsOf(answer, 'Tags', 'Tag');
  assert.deepEqual([answer['PageNumber'], answer['PageSize'], answer['TotalCount']], [1, 50, 1]);
  assert.deepEqual([tag['TagKey'], tag['TagValue']], ['k', 'v']);
  const counts = tag['ResourceTypeCount'] as Record<string, number>;
  assert.deepEqual([counts['Disk'], counts['Instance'], counts['Eni']], [1, 0, 0]);
  for (const ResourceType of ['instance', 'eni']) {
    assert.equal((await callAction(world, 'DescribeTags', { ResourceType }))['TotalCount'], 0);
  }
});
