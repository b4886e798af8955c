/** Answers compared with the documented names and JSON types of every field (`test/data/ecs-responses`). */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { EMPTY_IMAGE_ID } from '../../src/control/empty-image.ts';
import { call, openApi, type Answer, type ApiFixture } from './api-fixture.ts';

type Shape = string | Shape[] | { [name: string]: Shape };

const folder = path.join(import.meta.dirname, '../data/ecs-responses');

/** Fields that this service adds, and the one type in which it follows the clients and not the type definition. */
const EXTENSIONS = new Set(['Disks.Disk.NbdUri', 'Snapshots.Snapshot.FailureReason']);
const NUMBER_INSTEAD = new Set(['Snapshots.Snapshot.SourceDiskSize']);

function check(value: unknown, shape: Shape | undefined, at: string): void {
  if (EXTENSIONS.has(at) || /\.Tags\.Tag\.(Key|Value)$/.test(at)) return;
  assert.ok(shape !== undefined, `${at} is not documented`);
  if (typeof shape === 'string') {
    assert.equal(typeof value, NUMBER_INSTEAD.has(at) ? 'number' : shape, at);
  } else if (Array.isArray(shape)) {
    assert.ok(Array.isArray(value), `${at} is no array`);
    for (const item of value) check(item, shape[0], at);
  } else {
    assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value), `${at} is no object`);
    for (const [name, member] of Object.entries(value)) check(member, shape[name], at === '' ? name : `${at}.${name}`);
  }
}

/** Calls the action and checks the answer's shape. */
async function checkedCall(
  api: ApiFixture,
  action: string,
  parameters: Record<string, string> = {},
): Promise<Answer['body']> {
  const { status, body, headers } = await call(api, action, parameters);
  assert.equal(status, 200, JSON.stringify(body));
  const shape = JSON.parse(fs.readFileSync(path.join(folder, `${action}.json`), 'utf8')) as Shape;
  check(body, shape, '');
  assert.match(String(body['RequestId']), /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/);
  assert.equal(headers.get('x-acs-request-id'), body['RequestId']);
  assert.equal(headers.get('access-control-allow-origin'), '*');
  assert.equal(headers.get('content-type'), 'application/json;charset=utf-8');
  assert.ok(!('Code' in body));
  return body;
}

function listOf(body: Answer['body'], wrapper: string, item: string): Record<string, unknown>[] {
  return (body[wrapper] as Record<string, Record<string, unknown>[]>)[item] ?? [];
}

async function runInstance(api: ApiFixture): Promise<string> {
  const body = await checkedCall(api, 'RunInstances', {
    ImageId: EMPTY_IMAGE_ID,
    InstanceType: 'ecs.external.large',
    'DataDisk.1.Category': 'cloud_essd',
    'DataDisk.1.Size': '20',
    'Tag.1.Key': 'k',
  });
  return (body['InstanceIdSets'] as { InstanceIdSet: string[] }).InstanceIdSet[0] ?? '';
}

test('every answer has the documented fields with the documented types', async () => {
  await using api = await openApi();
  const instanceId = await runInstance(api);
  for (const action of [
    'DescribeRegions',
    'DescribeZones',
    'DescribeInstanceTypes',
    'DescribeImages',
    'DescribeInstances',
    'DescribeDisks',
  ]) {
    await checkedCall(api, action);
  }
  const created = await checkedCall(api, 'CreateDisk', {
    ZoneId: 'cn-hangzhou-a',
    Size: '20',
    DiskCategory: 'cloud_auto',
  });
  const diskId = String(created['DiskId']);
  await checkedCall(api, 'AttachDisk', { DiskId: diskId, InstanceId: instanceId });
  const snapshot = await checkedCall(api, 'CreateSnapshot', { DiskId: diskId });
  const snapshotId = String(snapshot['SnapshotId']);
  await api.world.settle();
  const snapshots = api.world.catalog.queries.updateTable('snapshots');
  await snapshots.set({ retention_days: 7, failure_reason: 'the disk was full', status: 'failed' }).execute();
  await checkedCall(api, 'DescribeSnapshots');
  await snapshots.set({ retention_days: null, failure_reason: null, status: 'accomplished' }).execute();
  await checkedCall(api, 'DescribeSnapshots');
  await checkedCall(api, 'StopInstance', { InstanceId: instanceId });
  await checkedCall(api, 'ResetDisk', { DiskId: diskId, SnapshotId: snapshotId });
  await checkedCall(api, 'StartInstance', { InstanceId: instanceId });
  await checkedCall(api, 'DeleteSnapshot', { SnapshotId: snapshotId });
});

test('a disk shows what clients break without', async () => {
  await using api = await openApi();
  const instanceId = await runInstance(api);
  const [disk] = listOf(
    await checkedCall(api, 'DescribeDisks', { InstanceId: instanceId, DiskType: 'data' }),
    'Disks',
    'Disk',
  );
  assert.ok(disk);
  for (const name of ['Encrypted', 'DeleteAutoSnapshot', 'DeleteWithInstance', 'EnableAutoSnapshot', 'Portable']) {
    assert.equal(typeof disk[name], 'boolean', name);
  }
  assert.equal(disk['SerialNumber'], String(disk['DiskId']).slice(2));
  assert.equal(disk['DiskChargeType'], 'PostPaid');
  assert.equal(disk['MultiAttach'], 'Disabled');
  assert.deepEqual(disk['OperationLocks'], { OperationLock: [] });
  assert.match(String(disk['CreationTime']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(disk['DetachedTime'], '');
  assert.match(String(disk['NbdUri']), /^nbd\+unix:\/\/\//);
  assert.deepEqual(disk['Attachments'], {
    Attachment: [{ InstanceId: instanceId, Device: '/dev/xvdb', AttachedTime: disk['AttachedTime'] }],
  });
});

test('a disk that is not attached, or only being attached, has no attachment and no NbdUri', async () => {
  await using api = await openApi();
  const { body } = await call(api, 'CreateDisk', {
    ZoneId: 'cn-hangzhou-a',
    Size: '5',
    'Tag.1.key': 'k',
    'Tag.1.value': 'v',
  });
  const show = async () => listOf(await checkedCall(api, 'DescribeDisks'), 'Disks', 'Disk')[0] ?? {};
  const disk = await show();
  assert.ok(!('NbdUri' in disk));
  assert.deepEqual([disk['InstanceId'], disk['Device'], disk['AttachedTime']], ['', '', '']);
  assert.deepEqual(disk['Attachments'], { Attachment: [] });
  assert.deepEqual(disk['Tags'], { Tag: [{ TagKey: 'k', TagValue: 'v', Key: 'k', Value: 'v' }] });
  const instanceId = await runInstance(api);
  const attach = Promise.withResolvers<void>();
  api.world.diskd.before = (name) => (name === 'openDisk' ? attach.promise : Promise.resolve());
  const attaching = call(api, 'AttachDisk', { DiskId: String(body['DiskId']), InstanceId: instanceId });
  const find = async () =>
    listOf(await checkedCall(api, 'DescribeDisks', { DiskIds: JSON.stringify([body['DiskId']]) }), 'Disks', 'Disk')[0];
  await api.world.until('it to be attaching', async () => (await find())?.['Status'] === 'Attaching');
  assert.deepEqual((await find())?.['Attachments'], { Attachment: [] });
  assert.ok(!('NbdUri' in ((await find()) ?? {})));
  attach.resolve();
  await attaching;
  assert.equal((await find())?.['Status'], 'In_use');
});

test('a snapshot without name and limit shows neither, nor a size while it is being made', async () => {
  await using api = await openApi();
  const instanceId = await runInstance(api);
  const filter = { InstanceId: instanceId, DiskType: 'data' };
  const [disk] = listOf(await checkedCall(api, 'DescribeDisks', filter), 'Disks', 'Disk');
  const diskId = String(disk?.['DiskId']);
  const uploads = api.world.holdUploads();
  const { body } = await call(api, 'CreateSnapshot', { DiskId: diskId });
  await api.world.setProgress(String(body['SnapshotId']), 37, 12);
  const [snapshot] = listOf(await checkedCall(api, 'DescribeSnapshots'), 'Snapshots', 'Snapshot');
  assert.ok(snapshot);
  for (const name of ['SnapshotName', 'RetentionDays', 'FullSnapshotSizeInBytes', 'FailureReason'])
    assert.ok(!(name in snapshot), name);
  assert.equal(snapshot['Progress'], '37%');
  assert.equal(snapshot['RemainTime'], 12);
  assert.equal(snapshot['SourceDiskSize'], 20);
  assert.equal(snapshot['SnapshotLinkId'], `sl-${diskId.slice(2)}`);
  uploads.release();
});

test('the extensions for imports answer with the disk and where to write it', async () => {
  await using api = await openApi();
  const begun = await call(api, 'HupoBeginImport', { ZoneId: 'cn-hangzhou-a', Size: '20', DiskCategory: 'cloud_essd' });
  assert.equal(begun.status, 200);
  assert.match(String(begun.body['NbdUri']), /^nbd\+unix:\/\/\//);
  assert.equal((await call(api, 'HupoCompleteImport', { DiskId: String(begun.body['DiskId']) })).status, 200);
  const refused = await call(api, 'HupoBeginImport', { ZoneId: 'cn-hangzhou-a', Size: '20', SnapshotId: 's-1' });
  assert.equal(refused.body['Code'], 'UnsupportedParameter');
});
