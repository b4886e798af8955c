/**
 * What the CSI driver does with a volume (`clients.md` 7): create, publish on a node, expand, snapshot, restore, unpublish,
 * delete; with its tokens, tags, waiters and both of its SDKs. Everything is asked twice where the driver may have died.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { openApi, type ApiFixture } from './api-fixture.ts';
import {
  assertTypes,
  at,
  good,
  goSdkV1,
  goSdkV2,
  only,
  refusal,
  rows,
  until,
  type Parameters,
  type Row,
} from './client-wires.ts';

const cluster = {
  'Tag.1.Key': 'ack.aliyun.com',
  'Tag.1.Value': 'c0ffee',
  'Tag.2.Key': 'createdby',
  'Tag.2.Value': 'alibabacloud-csi-plugin',
};

const volume = (name: string, change: Parameters = {}): Parameters => ({
  ZoneId: 'cn-hangzhou-a',
  DiskName: name,
  Size: '20',
  DiskCategory: 'cloud_essd',
  PerformanceLevel: 'PL1',
  Encrypted: 'false',
  MultiAttach: 'Disabled',
  ...cluster,
  'Tag.3.Key': 'volume-name',
  'Tag.3.Value': name,
  ClientToken: `n:${name}`,
  ...change,
});

/** As the batcher asks: up to a hundred ids, a page of a hundred. */
const describeDisks = (api: ApiFixture, ...diskIds: string[]) =>
  rows(goSdkV1(api)('DescribeDisks', { DiskIds: JSON.stringify(diskIds), PageSize: '100' }), 'Disks.Disk');

async function findDisk(api: ApiFixture, diskId: string): Promise<Row> {
  const [disk] = await describeDisks(api, diskId);
  assert.ok(disk, diskId);
  return disk;
}

/** The driver's only sign that a disk is attached. */
const isAttachedTo = (disk: Row, nodeId: string) =>
  (at(disk, 'Attachments.Attachment') as Row[]).some((one) => one['InstanceId'] === nodeId);

async function createVolume(api: ApiFixture, request: Parameters): Promise<string> {
  const { DiskId } = await good(goSdkV1(api)('CreateDisk', request));
  const diskId = String(DiskId);
  await until(
    () => findDisk(api, diskId),
    ({ Status }) => Status === 'Available',
    /^Creating$/,
  );
  return diskId;
}

async function publish(api: ApiFixture, diskId: string, nodeId: string): Promise<string> {
  const disk = await findDisk(api, diskId);
  assertTypes(disk, { string: 'SerialNumber MultiAttach Status InstanceId Category', array: 'Attachments.Attachment' });
  assert.deepEqual([disk['MultiAttach'], disk['SerialNumber']], ['Disabled', diskId.replace('d-', '')]);
  await good(goSdkV1(api)('AttachDisk', { DiskId: diskId, InstanceId: nodeId }));
  await until(
    () => findDisk(api, diskId),
    (row) => isAttachedTo(row, nodeId),
  );
  return String(disk['SerialNumber']);
}

async function unpublish(api: ApiFixture, diskId: string, nodeId: string): Promise<void> {
  await good(goSdkV1(api)('DetachDisk', { DiskId: diskId, InstanceId: nodeId }));
  const events = goSdkV2(api)('DescribeInstanceHistoryEvents', {
    InstanceId: nodeId,
    'InstanceEventCycleStatus.1': 'Executing',
  });
  assert.deepEqual(await rows(events, 'InstanceSystemEventSet.InstanceSystemEventType'), []);
  await until(
    () => findDisk(api, diskId),
    (row) => row['Status'] === 'Available' && !isAttachedTo(row, nodeId),
  );
}

async function deleteVolume(api: ApiFixture, diskId: string): Promise<void> {
  await good(goSdkV1(api)('DeleteDisk', { DiskId: diskId }));
  assert.deepEqual(await describeDisks(api, diskId), []);
}

test('a node asks what disks its instance can have', async () => {
  await using api = await openApi();
  const [sdk, newer] = [goSdkV1(api), goSdkV2(api)];
  const type = await only(
    newer('DescribeInstanceTypes', { 'InstanceTypes.1': 'ecs.external.large' }),
    'InstanceTypes.InstanceType',
  );
  assertTypes(type, { number: 'DiskQuantity' });
  const asked = { DestinationResource: 'DataDisk', ResourceType: 'disk', InstanceType: 'ecs.external.large' };
  const zones = await rows(
    sdk('DescribeAvailableResource', { ...asked, ZoneId: 'cn-hangzhou-a' }),
    'AvailableZones.AvailableZone',
  );
  const own = zones.filter((zone) => zone['ZoneId'] === 'cn-hangzhou-a');
  const categories = own.flatMap(
    (zone) => at(zone, 'AvailableResources.AvailableResource.0.SupportedResources.SupportedResource') as Row[],
  );
  assert.ok(categories.some((one) => one['Value'] === 'cloud_essd'));
  assert.deepEqual(
    await rows(sdk('DescribeAvailableResource', { ...asked, Scope: 'region' }), 'AvailableZones.AvailableZone'),
    [],
  );
});

test('a volume that was asked for before the driver died is found again, and one that differs is told', async () => {
  await using api = await openApi();
  const sdk = goSdkV1(api);
  const diskId = await createVolume(api, volume('pvc-1'));
  assert.equal((await good(sdk('CreateDisk', volume('pvc-1'))))['DiskId'], diskId);
  assert.equal(await refusal(sdk('CreateDisk', volume('pvc-1', { Size: '40' }))), 'IdempotentParameterMismatch');
  const byTag = { ...cluster, 'Tag.3.Key': 'volume-name', 'Tag.3.Value': 'pvc-1' };
  const found = await only(sdk('DescribeDisks', byTag), 'Disks.Disk');
  assert.equal(found['DiskId'], diskId);
  assertTypes(found, {
    string: 'ZoneId Category PerformanceLevel MultiAttach KMSKeyId',
    number: 'Size',
    boolean: 'Encrypted',
  });
  const tags = (at(found, 'Tags.Tag') as Row[]).map((tag) => [tag['Key'], tag['Value']]);
  assert.deepEqual(new Map(tags as [string, string][]).get('volume-name'), 'pvc-1');
  for (const [change, codes] of [
    [{ DiskCategory: 'cloud_regional_disk_auto' }, /^InvalidDataDiskCategory\./],
    [{ PerformanceLevel: 'PL2' }, /^(OperationDenied\.PerformanceLevelNotMatch|InvalidPerformanceLevel\.Malformed)$/],
  ] as const) {
    const next = await refusal(sdk('CreateDisk', volume('pvc-2', change)));
    assert.match(next, codes, 'the next category is tried');
  }
});

test('a volume is published, expanded, kept in a snapshot, restored, unpublished and deleted', async () => {
  await using api = await openApi();
  const [sdk, newer] = [goSdkV1(api), goSdkV2(api)];
  const { instanceId: nodeId } = await api.world.runOne();
  const diskId = await createVolume(api, volume('pvc-1'));
  const neverUsed = { DiskId: diskId, SnapshotName: 'too-early', ...cluster };
  assert.match(await refusal(newer('CreateSnapshot', neverUsed)), /^IncorrectDiskStatus\.Never(Attached|Used)$/);
  await publish(api, diskId, nodeId);

  await good(newer('ResizeDisk', { DiskId: diskId, NewSize: '30', Type: 'online', ClientToken: 'n:pvc-1-30' }));
  assert.equal((await findDisk(api, diskId))['Size'], 30, 'seen at once');

  const snapshot = { DiskId: diskId, SnapshotName: 'snapshot-1', ...cluster, ClientToken: 'n:snapshot-1' };
  const { SnapshotId } = await good(newer('CreateSnapshot', snapshot));
  assert.equal((await good(newer('CreateSnapshot', snapshot)))['SnapshotId'], SnapshotId);
  const snapshotId = String(SnapshotId);
  const bySnapshot = { SnapshotIds: JSON.stringify([snapshotId]) };
  const look = () => only(newer('DescribeSnapshots', bySnapshot), 'Snapshots.Snapshot');
  const cut = await until(look, ({ CreationTime }) => CreationTime !== '');
  assert.match(String(cut['CreationTime']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'RFC 3339');
  const ready = await until(look, ({ Available }) => Available === true);
  assert.match(String(ready['SourceDiskSize']), /^30$/);
  assert.equal(ready['SourceDiskId'], diskId);
  const listed = await good(
    newer('DescribeSnapshots', {
      MaxResults: '10',
      DiskId: diskId,
      'Tag.1.Key': 'ack.aliyun.com',
      'Tag.1.Value': 'c0ffee',
    }),
  );
  assert.deepEqual([(at(listed, 'Snapshots.Snapshot') as Row[]).length, listed['NextToken']], [1, '']);

  const restored = await createVolume(api, volume('pvc-2', { SnapshotId: snapshotId, Size: '30' }));
  assert.equal((await findDisk(api, restored))['SourceSnapshotId'], snapshotId);
  await publish(api, restored, nodeId);
  const both = await describeDisks(api, diskId, restored, 'd-none');
  assert.deepEqual(
    both.map((disk) => isAttachedTo(disk, nodeId)),
    [true, true],
  );

  for (const id of [restored, diskId]) await unpublish(api, id, nodeId);
  const gone = await refusal(sdk('AttachDisk', { DiskId: diskId, InstanceId: 'i-none' }));
  assert.equal(gone, 'InvalidInstanceId.NotFound', 'the node is gone');
  await until(look, ({ Status }) => Status === 'accomplished', /^progressing$/);
  await good(newer('DeleteSnapshot', { SnapshotId: snapshotId, Force: 'true' }));
  assert.equal(
    await refusal(newer('DeleteSnapshot', { SnapshotId: snapshotId, Force: 'true' })),
    'InvalidSnapshotId.NotFound',
  );
  for (const id of [restored, diskId]) await deleteVolume(api, id);
  assert.equal(
    await refusal(sdk('CreateDisk', volume('pvc-3', { SnapshotId: snapshotId }))),
    'InvalidSnapshotId.NotFound',
  );
});
