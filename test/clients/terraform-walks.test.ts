/**
 * What Terraform's provider does with its instance, disk, attachment and snapshot resources (`clients.md` 6), from create
 * over read, plan without a change, and update to destroy: its requests in its two transports, and every field that it reads
 * with the JSON type that it asserts.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { EMPTY_IMAGE_ID } from '../../src/control/empty-image.ts';
import { openApi, type ApiFixture } from './api-fixture.ts';
import {
  assertTypes,
  at,
  good,
  goSdkV1,
  only,
  refusal,
  rows,
  teaRpc,
  until,
  type Parameters,
  type Row,
} from './client-wires.ts';

const region = { RegionId: 'cn-hangzhou' };
const disk = {
  ZoneId: 'cn-hangzhou-a',
  DiskCategory: 'cloud_essd',
  Size: '20',
  DiskName: 'tf-disk',
  'Tag.1.Key': 'made by',
  'Tag.1.Value': 'terraform & co',
};

/** Lists of one id as the provider writes them. */
const ids = (id: string) => JSON.stringify([id]);

const describeDisk = (api: ApiFixture, diskId: string, more: Parameters = {}) =>
  only(teaRpc(api)('DescribeDisks', { ...region, DiskIds: ids(diskId), ...more }), 'Disks.Disk');

async function createDisk(api: ApiFixture, change: Parameters = {}): Promise<string> {
  const request = { ...region, ...disk, Encrypted: 'false', ClientToken: 'TF-CreateDisk-1767322801-5a1d', ...change };
  const tea = teaRpc(api);
  const { DiskId } = await good(tea('CreateDisk', request));
  assert.equal((await good(tea('CreateDisk', request)))['DiskId'], DiskId, 'the same token, the same disk');
  const isThere = ({ Status }: Row) => Status === 'Available' || Status === 'In_use';
  await until(() => describeDisk(api, String(DiskId)), isThere, /^Creating$/);
  return String(DiskId);
}

function assertDisk(row: Row): void {
  assertTypes(row, {
    string:
      'DiskId DiskName Description Status Type Category ZoneId RegionId DiskChargeType InstanceId Device SourceSnapshotId ImageId PerformanceLevel CreationTime AttachedTime DetachedTime ExpiredTime SerialNumber MultiAttach AutoSnapshotPolicyId ResourceGroupId KMSKeyId ProductCode',
    number: 'Size',
    boolean: 'Encrypted DeleteAutoSnapshot DeleteWithInstance EnableAutoSnapshot Portable BurstingEnabled',
    array: 'OperationLocks.OperationLock Attachments.Attachment MountInstances.MountInstance Tags.Tag',
  });
}

const instanceArguments = {
  ...region,
  InstanceType: 'ecs.external.large',
  ImageId: EMPTY_IMAGE_ID,
  ZoneId: 'cn-hangzhou-a',
  VSwitchId: 'vsw-bp1default000000000a',
  'SecurityGroupIds.1': 'sg-bp1default0000000000',
  InstanceName: 'tf-instance',
  InternetChargeType: 'PayByTraffic',
  InternetMaxBandwidthOut: '0',
  InstanceChargeType: 'PostPaid',
  SpotStrategy: 'NoSpot',
  SecurityEnhancementStrategy: 'Active',
  'SystemDisk.Category': 'cloud_essd',
  'SystemDisk.Size': '40',
  'SystemDisk.DiskName': '',
  'SystemDisk.Description': '',
  'SystemDisk.PerformanceLevel': '',
  'DataDisk.1.Category': 'cloud_essd',
  'DataDisk.1.Size': '20',
  'DataDisk.1.DeleteWithInstance': 'true',
  'DataDisk.1.Encrypted': 'false',
  'DataDisk.1.KMSKeyId': '',
  'DataDisk.1.SnapshotId': '',
  'DataDisk.1.PerformanceLevel': 'PL1',
  'Tag.1.Key': 'made by',
  'Tag.1.Value': 'terraform',
  UserData: Buffer.from('#!/bin/sh\n').toString('base64'),
  DeletionProtection: 'false',
  DryRun: 'false',
};

const describeInstances = (api: ApiFixture, instanceId: string) =>
  goSdkV1(api)('DescribeInstances', {
    InstanceIds: ids(instanceId),
    'AdditionalAttributes.1': 'META_OPTIONS',
    'AdditionalAttributes.2': 'NETWORK_PRIMARY_ENI_IP',
  });

async function runInstance(api: ApiFixture): Promise<string> {
  const request = { ...instanceArguments, ClientToken: 'TF-RunInstances-1767322801-0f3b' };
  const tea = teaRpc(api);
  const made = await good(tea('RunInstances', request));
  const [instanceId = ''] = at(made, 'InstanceIdSets.InstanceIdSet') as string[];
  assert.deepEqual(at(await good(tea('RunInstances', request)), 'InstanceIdSets.InstanceIdSet'), [instanceId]);
  const look = () => only(describeInstances(api, instanceId), 'Instances.Instance');
  await until(look, ({ Status }) => Status === 'Running', /^(Pending|Starting|Stopped)$/);
  return instanceId;
}

/** All that the resource reads, in its order. */
async function readInstance(api: ApiFixture, instanceId: string): Promise<Row> {
  const [sdk, tea] = [goSdkV1(api), teaRpc(api)];
  const instance = await only(describeInstances(api, instanceId), 'Instances.Instance');
  assertTypes(instance, {
    string:
      'InstanceId InstanceName HostName Description Status ImageId InstanceType InstanceChargeType InternetChargeType ZoneId RegionId CreationTime ExpiredTime StartTime AutoReleaseTime StoppedMode SpotStrategy SerialNumber KeyPairName ResourceGroupId OSName OSType CreditSpecification DeploymentSetId HpcClusterId InstanceNetworkType VpcAttributes.VSwitchId VpcAttributes.VpcId EipAddress.IpAddress EipAddress.AllocationId MetadataOptions.HttpEndpoint MetadataOptions.HttpTokens DedicatedHostAttribute.DedicatedHostId',
    number:
      'Cpu Memory InternetMaxBandwidthIn InternetMaxBandwidthOut SpotPriceLimit SpotDuration EipAddress.Bandwidth MetadataOptions.HttpPutResponseHopLimit',
    boolean: 'DeletionProtection IoOptimized DeviceAvailable Recyclable ImageOptions.LoginAsNonRoot',
    array:
      'SecurityGroupIds.SecurityGroupId VpcAttributes.PrivateIpAddress.IpAddress PublicIpAddress.IpAddress InnerIpAddress.IpAddress NetworkInterfaces.NetworkInterface OperationLocks.LockReason Tags.Tag',
  });
  const system = { InstanceId: instanceId, DiskType: 'system', ResourceGroupId: String(instance['ResourceGroupId']) };
  assertDisk(await only(sdk('DescribeDisks', system), 'Disks.Disk'));
  const userData = await good(sdk('DescribeUserData', { InstanceId: instanceId }));
  assertTypes(userData, { string: 'UserData InstanceId RegionId' });
  const role = await only(
    sdk('DescribeInstanceRamRole', { InstanceIds: ids(instanceId) }),
    'InstanceRamRoleSets.InstanceRamRoleSet',
  );
  assert.deepEqual(role, { InstanceId: instanceId, RamRoleName: '' });
  await readNetwork(api, instance);
  const attribute = await good(sdk('DescribeInstanceAttribute', { InstanceId: instanceId }));
  assertTypes(attribute, { string: 'InstanceId HostName Status', array: 'SecurityGroupIds.SecurityGroupId' });
  const maintenance = { ...region, 'InstanceId.1': instanceId };
  const kept = await only(
    tea('DescribeInstanceMaintenanceAttributes', maintenance),
    'MaintenanceAttributes.MaintenanceAttribute',
  );
  assertTypes(kept, { string: 'InstanceId ActionOnMaintenance.Value', boolean: 'NotifyOnMaintenance' });
  const pools = await only(
    tea('DescribeInstanceAttachmentAttributes', { ...region, InstanceIds: ids(instanceId) }),
    'Instances.Instance',
  );
  assertTypes(pools, { string: 'InstanceId PrivatePoolOptionsId PrivatePoolOptionsMatchCriteria' });
  return { ...instance, UserData: userData['UserData'] };
}

/** Twice: by instance, and by the interface that DescribeInstances names as the primary one. */
async function readNetwork(api: ApiFixture, instance: Row): Promise<void> {
  const tea = teaRpc(api);
  const all = at(instance, 'NetworkInterfaces.NetworkInterface') as Row[];
  const primary = all.find((one) => one['Type'] === 'Primary');
  assert.ok(primary);
  for (const filter of [
    { InstanceId: String(instance['InstanceId']), Type: 'Primary' },
    { 'NetworkInterfaceId.1': String(primary['NetworkInterfaceId']) },
  ]) {
    const answer = tea('DescribeNetworkInterfaces', { ...region, ...filter });
    const found = await only(answer, 'NetworkInterfaceSets.NetworkInterfaceSet');
    assertTypes(found, {
      string:
        'NetworkInterfaceId InstanceId MacAddress PrivateIpAddress Status Type VSwitchId VpcId ZoneId CreationTime Description NetworkInterfaceName NetworkInterfaceTrafficMode ResourceGroupId',
      number: 'QueueNumber QueuePairNumber',
      boolean: 'DeleteOnRelease SourceDestCheck ServiceManaged PrivateIpSets.PrivateIpSet.0.Primary',
      array:
        'PrivateIpSets.PrivateIpSet Ipv6Sets.Ipv6Set Ipv4PrefixSets.Ipv4PrefixSet Ipv6PrefixSets.Ipv6PrefixSet SecurityGroupIds.SecurityGroupId Tags.Tag',
    });
  }
}

test('the provider first asks BssOpenApi for its account type', async () => {
  await using api = await openApi();
  const asked = {
    PageSize: '50',
    PageNum: '1',
    ProductCode: 'vipcloudfw',
    ProductType: 'vipcloudfw',
    SubscriptionType: 'Subscription',
  };
  await good(teaRpc(api, '2017-12-14')('QueryAvailableInstances', asked));
});

test('alicloud_instance: create, read twice alike, change what needs a restart, destroy', async () => {
  await using api = await openApi();
  const sdk = goSdkV1(api);
  const instanceId = await runInstance(api);
  const first = await readInstance(api, instanceId);
  assert.deepEqual(await readInstance(api, instanceId), first, 'a plan finds no change');
  assert.deepEqual([first['InstanceName'], first['UserData']], ['tf-instance', instanceArguments.UserData]);
  const [tag] = at(first, 'Tags.Tag') as Row[];
  assert.deepEqual([tag?.['TagKey'], tag?.['TagValue']], ['made by', 'terraform']);

  const changed = Buffer.from('#cloud-config\n').toString('base64');
  const change = { InstanceId: instanceId, InstanceName: 'tf-renamed', UserData: changed };
  await good(sdk('ModifyInstanceAttribute', change));
  await good(sdk('StopInstance', { InstanceId: instanceId, ForceStop: 'false' }));
  const look = () => only(describeInstances(api, instanceId), 'Instances.Instance');
  await until(look, ({ Status }) => Status === 'Stopped', /^(Running|Stopping)$/);
  await good(sdk('StartInstance', { InstanceId: instanceId }));
  await until(look, ({ Status }) => Status === 'Running', /^(Starting|Stopped)$/);
  const group = { ResourceType: 'instance', ResourceId: instanceId, ResourceGroupId: 'rg-tf' };
  await good(teaRpc(api)('JoinResourceGroup', { ...region, ...group }));
  const after = await readInstance(api, instanceId);
  assert.equal(after['ResourceGroupId'], 'rg-tf');
  assert.deepEqual([after['InstanceName'], after['UserData']], ['tf-renamed', changed]);

  await good(sdk('DeleteInstance', { InstanceId: instanceId, Force: 'true' }));
  const isGone = async () => ({ count: (await rows(describeInstances(api, instanceId), 'Instances.Instance')).length });
  await until(isGone, ({ count }) => count === 0);
  const code = await refusal(sdk('DeleteInstance', { InstanceId: instanceId, Force: 'true' }));
  assert.equal(code, 'InvalidInstanceId.NotFound', 'counts as deleted');
});

test('alicloud_ecs_disk: create, correct its flags, read twice alike, resize, tag, destroy', async () => {
  await using api = await openApi();
  const tea = teaRpc(api);
  const diskId = await createDisk(api);
  const made = await describeDisk(api, diskId);
  assertDisk(made);
  const flags = {
    DeleteWithInstance: String(!made['DeleteWithInstance']),
    EnableAutoSnapshot: String(!made['EnableAutoSnapshot']),
  };
  await good(tea('ModifyDiskAttribute', { ...region, DiskId: diskId, ...flags }));
  const read = await describeDisk(api, diskId);
  assert.deepEqual(
    [String(read['DeleteWithInstance']), String(read['EnableAutoSnapshot'])],
    [flags.DeleteWithInstance, flags.EnableAutoSnapshot],
  );
  assert.deepEqual(await describeDisk(api, diskId), read, 'a plan finds no change');
  const resize = { DiskId: diskId, NewSize: '30', ClientToken: 'TF-ResizeDisk-1', Type: 'offline' };
  await good(tea('ResizeDisk', resize));
  const tags = { ...region, ResourceType: 'disk', 'ResourceId.1': diskId };
  await good(tea('UntagResources', { ...tags, 'TagKey.1': 'made by' }));
  await good(tea('TagResources', { ...tags, 'Tag.1.Key': 'env', 'Tag.1.Value': 'test' }));
  const group = { ResourceType: 'disk', ResourceId: diskId, ResourceGroupId: 'rg-tf' };
  await good(tea('JoinResourceGroup', { ...region, ...group }));
  const updated = await describeDisk(api, diskId, { ResourceGroupId: 'rg-tf' });
  assert.deepEqual([updated['Size'], (at(updated, 'Tags.Tag') as Row[]).map((tag) => tag['TagKey'])], [30, ['env']]);
  await good(tea('DeleteDisk', { DiskId: diskId }));
  assert.deepEqual(await rows(tea('DescribeDisks', { ...region, DiskIds: ids(diskId) }), 'Disks.Disk'), []);
  assert.equal(await refusal(tea('DeleteDisk', { DiskId: diskId })), 'InvalidDiskId.NotFound', 'counts as deleted');
});

test('alicloud_ecs_disk_attachment: attach, read, detach, and detach again', async () => {
  await using api = await openApi();
  const tea = teaRpc(api);
  const [instanceId, diskId] = [await runInstance(api), await createDisk(api)];
  const before = await describeDisk(api, diskId);
  const pair = { InstanceId: instanceId, DiskId: diskId };
  await good(tea('AttachDisk', { ...region, ...pair, Bootable: 'false', DeleteWithInstance: 'false' }));
  const look = () => describeDisk(api, diskId);
  await until(look, ({ Status }) => Status === 'In_use', /^(Available|Attaching)$/);
  const attached = await describeDisk(api, diskId, { InstanceId: instanceId });
  assertDisk(attached);
  assert.equal(attached['DeleteAutoSnapshot'], before['DeleteAutoSnapshot']);
  assert.deepEqual([attached['InstanceId'], attached['DeleteWithInstance']], [instanceId, false]);
  await good(tea('DetachDisk', { ...region, ...pair, DeleteWithInstance: 'false' }));
  await until(look, ({ Status }) => Status === 'Available', /^(In_use|Detaching)$/);
  assert.equal(
    await refusal(tea('DetachDisk', { ...region, ...pair })),
    'InvalidDisk.AlreadyDetached',
    'counts as detached',
  );
});

test('alicloud_ecs_snapshot: create without a region, wait, read, rename, destroy; the data source pages as it does', async () => {
  await using api = await openApi();
  const tea = teaRpc(api);
  const { diskId } = await api.world.runOne();
  const request = {
    DiskId: diskId,
    SnapshotName: 'tf-snapshot',
    Description: 'made by terraform',
    Category: 'standard',
    'Tag.1.Key': 'env',
    'Tag.1.Value': 'test',
    ClientToken: 'TF-CreateSnapshot-1767322801-9e1c',
  };
  const { SnapshotId } = await good(tea('CreateSnapshot', request));
  assert.equal((await good(tea('CreateSnapshot', request)))['SnapshotId'], SnapshotId);
  const snapshotId = String(SnapshotId);
  const describe = () => tea('DescribeSnapshots', { ...region, SnapshotIds: ids(snapshotId) });
  const look = () => only(describe(), 'Snapshots.Snapshot');
  const made = await until(look, ({ Status }) => Status === 'accomplished', /^progressing$/);
  assertTypes(made, {
    string:
      'SnapshotId SnapshotName Description Status Progress SourceDiskId SourceDiskType CreationTime Category RegionId Usage SnapshotType ProductCode ResourceGroupId',
    number: 'SourceDiskSize RemainTime',
    boolean: 'Available Encrypted InstantAccess',
    array: 'Tags.Tag',
  });
  await good(
    tea('ModifySnapshotAttribute', { SnapshotId: snapshotId, SnapshotName: 'tf-renamed', Description: 'renamed' }),
  );
  assert.deepEqual((await look())['SnapshotName'], 'tf-renamed');

  const listed: Row[] = [];
  let token = '';
  for (let page = 1; ; page += 1) {
    const paging = {
      PageNumber: String(page),
      PageSize: '50',
      MaxResults: '50',
      ...(token !== '' && { NextToken: token }),
    };
    const body = await good(tea('DescribeSnapshots', { ...region, SnapshotType: 'all', ...paging }));
    const found = at(body, 'Snapshots.Snapshot') as Row[];
    listed.push(...found);
    token = String(body['NextToken']);
    if (token === '' || found.length < 50) break;
  }
  assert.deepEqual(
    listed.map((one) => one['SnapshotId']),
    [snapshotId],
  );

  await good(tea('DeleteSnapshot', { SnapshotId: snapshotId, Force: 'false' }));
  assert.deepEqual(await rows(describe(), 'Snapshots.Snapshot'), []);
  assert.equal(
    await refusal(tea('DeleteSnapshot', { SnapshotId: snapshotId })),
    'InvalidSnapshotId.NotFound',
    'counts as deleted',
  );
});
