/** Tests of the actions about the network: what they show is what the instances show, and each filter filters. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  call,
  openApi,
  send,
  commonPairs,
  encodePairs,
  signPairs,
  type ApiFixture,
} from '../../test/clients/api-fixture.ts';
import { runRequest } from '../../test/control/world.ts';
import type { Pair } from './percent.ts';

type Row = Record<string, unknown>;

/** `wrapper`: `Vpcs.Vpc`. */
async function list(api: ApiFixture, action: string, wrapper: string, parameters: Record<string, string> = {}) {
  const { status, body } = await call(api, action, parameters);
  assert.equal(status, 200, JSON.stringify(body));
  return { body, rows: at(body, wrapper) as Row[] };
}

function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, name) => (inner as Row)[name], value);
}

async function runThree(api: ApiFixture): Promise<string[]> {
  const { control } = api.world;
  const tags = [{ key: 'team', value: 'web' }];
  const two = await control.runInstances(
    runRequest({ instanceNames: ['a', 'b'], hostNames: [null, null], amount: 2, tags }),
  );
  const one = await control.runInstances(runRequest({ zoneId: 'cn-hangzhou-b' }));
  await api.world.settle();
  return [...two.instanceIds, ...one.instanceIds];
}

test('VPC, vSwitches, security group and interfaces are those that DescribeInstances names', async () => {
  await using api = await openApi();
  const ids = await runThree(api);
  const { rows: instances } = await list(api, 'DescribeInstances', 'Instances.Instance');
  const { rows: vpcs } = await list(api, 'DescribeVpcs', 'Vpcs.Vpc');
  const { rows: vSwitches } = await list(api, 'DescribeVSwitches', 'VSwitches.VSwitch');
  const { rows: groups } = await list(api, 'DescribeSecurityGroups', 'SecurityGroups.SecurityGroup', {
    IsQueryEcsCount: 'true',
  });
  const { rows: interfaces } = await list(api, 'DescribeNetworkInterfaces', 'NetworkInterfaceSets.NetworkInterfaceSet');
  assert.deepEqual([vpcs.length, vSwitches.length, groups.length, interfaces.length], [1, 2, 1, ids.length]);
  assert.deepEqual([groups[0]?.['EcsCount'], vSwitches[0]?.['AvailableIpAddressCount']], [3, 2 ** 20 - 7]);
  assert.deepEqual(
    at(vpcs[0], 'VSwitchIds.VSwitchId'),
    vSwitches.map((one) => one['VSwitchId']),
  );
  for (const instance of instances) {
    const own = interfaces.find((one) => one['InstanceId'] === instance['InstanceId']);
    assert.ok(own);
    for (const name of ['VpcId', 'VSwitchId']) assert.equal(own[name], at(instance, `VpcAttributes.${name}`));
    assert.equal(own['VpcId'], vpcs[0]?.['VpcId']);
    assert.equal(vSwitches.find((one) => one['VSwitchId'] === own['VSwitchId'])?.['ZoneId'], instance['ZoneId']);
    assert.deepEqual(at(own, 'SecurityGroupIds.SecurityGroupId'), [groups[0]?.['SecurityGroupId']]);
    const shown = at(instance, 'NetworkInterfaces.NetworkInterface.0') as Row;
    assert.deepEqual(
      [own['NetworkInterfaceId'], own['MacAddress'], own['PrivateIpAddress']],
      [shown['NetworkInterfaceId'], shown['MacAddress'], shown['PrimaryIpAddress']],
    );
    assert.deepEqual(own['Tags'], instance['Tags']);
  }
});

test('each filter of the network lists filters', async () => {
  await using api = await openApi();
  const [first = '', , third = ''] = await runThree(api);
  const all = (await list(api, 'DescribeNetworkInterfaces', 'NetworkInterfaceSets.NetworkInterfaceSet')).rows;
  const own = all.find((one) => one['InstanceId'] === first) ?? {};
  const text = (name: string) => String(own[name]);
  const [ip, vpc, group] = [
    text('PrivateIpAddress'),
    text('VpcId'),
    String(at(own, 'SecurityGroupIds.SecurityGroupId.0')),
  ];
  const interfaces: [Record<string, string>, number][] = [
    [{ InstanceId: third }, 1],
    [{ InstanceId: 'i-none' }, 0],
    [{ 'NetworkInterfaceId.1': text('NetworkInterfaceId'), 'NetworkInterfaceId.2': 'eni-none' }, 1],
    [{ PrimaryIpAddress: ip }, 1],
    [{ 'PrivateIpAddress.1': ip, 'PrivateIpAddress.2': '10.0.0.1' }, 1],
    [{ PrimaryIpAddress: ip, 'PrivateIpAddress.1': '10.0.0.1' }, 0],
    [{ VSwitchId: text('VSwitchId') }, 2],
    [{ VSwitchId: 'vsw-none' }, 0],
    [{ VpcId: vpc, SecurityGroupId: group, Type: 'Primary', Status: 'InUse', ServiceManaged: 'false' }, 3],
    [{ VpcId: 'vpc-none' }, 0],
    [{ SecurityGroupId: 'sg-none' }, 0],
    [{ Type: 'Secondary' }, 0],
    [{ Status: 'Available' }, 0],
    [{ ServiceManaged: 'true' }, 0],
    [{ NetworkInterfaceName: 'eth0' }, 0],
    [{ 'Ipv6Address.1': '::1' }, 0],
    [{ 'Tag.1.Key': 'team', 'Tag.1.Value': 'web' }, 2],
    [{ 'Tag.1.Key': 'team', 'Tag.1.Value': 'db' }, 0],
  ];
  for (const [filter, count] of interfaces) {
    const found = await list(api, 'DescribeNetworkInterfaces', 'NetworkInterfaceSets.NetworkInterfaceSet', filter);
    assert.deepEqual([filter, found.rows.length, found.body['TotalCount']], [filter, count, count]);
  }
  const others: [string, string, Record<string, string>, number][] = [
    ['DescribeVpcs', 'Vpcs.Vpc', { VpcId: `vpc-none,${vpc}`, IsDefault: 'true' }, 1],
    ['DescribeVpcs', 'Vpcs.Vpc', { VpcId: 'vpc-none' }, 0],
    ['DescribeVpcs', 'Vpcs.Vpc', { IsDefault: 'false' }, 0],
    ['DescribeVSwitches', 'VSwitches.VSwitch', { VpcId: vpc, ZoneId: 'cn-hangzhou-b' }, 1],
    ['DescribeVSwitches', 'VSwitches.VSwitch', { VSwitchId: text('VSwitchId') }, 1],
    ['DescribeVSwitches', 'VSwitches.VSwitch', { VpcId: 'vpc-none' }, 0],
    ['DescribeSecurityGroups', 'SecurityGroups.SecurityGroup', { VpcId: vpc, SecurityGroupName: 'default' }, 1],
    ['DescribeSecurityGroups', 'SecurityGroups.SecurityGroup', { SecurityGroupIds: JSON.stringify([group]) }, 1],
    ['DescribeSecurityGroups', 'SecurityGroups.SecurityGroup', { SecurityGroupIds: '[]' }, 0],
    ['DescribeSecurityGroups', 'SecurityGroups.SecurityGroup', { SecurityGroupId: 'sg-none' }, 0],
    ['DescribeSecurityGroups', 'SecurityGroups.SecurityGroup', { SecurityGroupName: 'other' }, 0],
    ['DescribeSecurityGroups', 'SecurityGroups.SecurityGroup', { 'Tag.1.Key': 'team' }, 0],
    ['DescribeSecurityGroups', 'SecurityGroups.SecurityGroup', { PageNumber: '2' }, 0],
  ];
  for (const [action, wrapper, filter, count] of others) {
    const found = await list(api, action, wrapper, filter);
    assert.deepEqual([action, filter, found.rows.length], [action, filter, count]);
  }
});

test('interfaces and vSwitches come in pages, by number and by token', async () => {
  await using api = await openApi();
  await runThree(api);
  const wrapper = 'NetworkInterfaceSets.NetworkInterfaceSet';
  const first = await list(api, 'DescribeNetworkInterfaces', wrapper, { PageSize: '2' });
  const token = String(first.body['NextToken']);
  assert.notEqual(token, '');
  const rest = await list(api, 'DescribeNetworkInterfaces', wrapper, { NextToken: token, PageSize: '2' });
  const second = await list(api, 'DescribeNetworkInterfaces', wrapper, { PageNumber: '2', PageSize: '2' });
  assert.deepEqual([rest.rows.length, rest.body['NextToken']], [1, '']);
  assert.deepEqual(rest.rows, second.rows);
  const page = await list(api, 'DescribeVSwitches', 'VSwitches.VSwitch', { PageNumber: '2', PageSize: '1' });
  assert.deepEqual([page.rows[0]?.['ZoneId'], page.body['TotalCount']], ['cn-hangzhou-b', 2]);
});

test('the rules of the security group let everything through, in each direction by itself', async () => {
  await using api = await openApi();
  const SecurityGroupId = 'sg-bp1default0000000000';
  for (const [direction, expected] of [
    ['all', ['ingress', 'egress']],
    ['ingress', ['ingress']],
    ['egress', ['egress']],
  ] as const) {
    const { rows } = await list(api, 'DescribeSecurityGroupAttribute', 'Permissions.Permission', {
      SecurityGroupId,
      Direction: direction,
    });
    assert.deepEqual(
      rows.map((rule) => rule['Direction']),
      expected,
    );
    for (const rule of rows) {
      assert.deepEqual([rule['Policy'], rule['IpProtocol'], rule['PortRange']], ['Accept', 'ALL', '-1/-1']);
      const side = rule['Direction'] === 'ingress' ? 'SourceCidrIp' : 'DestCidrIp';
      assert.equal(rule[side], '0.0.0.0/0');
    }
  }
});

test('each instance that is asked for has its entry, and one that is not there is named', async () => {
  await using api = await openApi();
  const [first = '', second = ''] = await runThree(api);
  const ids = JSON.stringify([first, second, first]);
  const roles = await list(api, 'DescribeInstanceRamRole', 'InstanceRamRoleSets.InstanceRamRoleSet', {
    InstanceIds: ids,
  });
  assert.deepEqual(
    roles.rows.map((row) => row['RamRoleName']),
    ['', ''],
  );
  const byRole = await list(api, 'DescribeInstanceRamRole', 'InstanceRamRoleSets.InstanceRamRoleSet', {
    RamRoleName: 'admin',
  });
  assert.deepEqual(byRole.rows, []);
  const pools = await list(api, 'DescribeInstanceAttachmentAttributes', 'Instances.Instance', {
    InstanceIds: ids,
    PageSize: '1',
  });
  assert.deepEqual([pools.rows.length, pools.body['TotalCount']], [1, 2]);
  const wrapper = 'MaintenanceAttributes.MaintenanceAttribute';
  const one = await list(api, 'DescribeInstanceMaintenanceAttributes', wrapper, { 'InstanceId.1': second });
  assert.deepEqual(
    one.rows.map((row) => row['InstanceId']),
    [second],
  );
  assert.equal((await list(api, 'DescribeInstanceMaintenanceAttributes', wrapper)).rows.length, 3);
  const { body } = await call(api, 'DescribeInstanceMaintenanceAttributes', {
    'InstanceId.1': second,
    'InstanceId.2': 'i-none',
  });
  assert.match(String(body['Message']), /"i-none"/);
});

test('an image is supported by the instance types of its architecture', async () => {
  await using api = await openApi();
  const asked = { ImageId: 'hupo_empty_20G' };
  const wrapper = 'InstanceTypes.InstanceType';
  assert.equal((await list(api, 'DescribeImageSupportInstanceTypes', wrapper, asked)).rows.length, 2);
  await api.world.catalog.queries.updateTable('images').set({ architecture: 'arm64' }).execute();
  assert.deepEqual((await list(api, 'DescribeImageSupportInstanceTypes', wrapper, asked)).rows, []);
  await api.world.catalog.queries.updateTable('images').set({ architecture: 'x86_64' }).execute();
});

test('the question of another product that Terraform asks first gets an empty list, in its own version only', async () => {
  await using api = await openApi();
  const ask = async (action: string, version: string) => {
    const pairs = [...commonPairs(action), ['PageSize', '50'] as Pair].map(([name, value]): Pair => [
      name,
      name === 'Version' ? version : value,
    ]);
    return await send(api, `/?${encodePairs(signPairs('POST', pairs))}`, { method: 'POST' });
  };
  const { status, body } = await ask('QueryAvailableInstances', '2017-12-14');
  assert.deepEqual([status, at(body, 'Data.InstanceList'), 'Code' in body], [200, [], false]);
  assert.equal((await ask('QueryAvailableInstances', '2014-05-26')).body['Code'], 'InvalidAction.NotFound');
  assert.equal((await ask('DescribeDisks', '2017-12-14')).body['Code'], 'InvalidVersion');
});

test('what is available is listed for each zone that is asked for, as the CSI driver asks', async () => {
  await using api = await openApi();
  const asked = { DestinationResource: 'DataDisk', ResourceType: 'disk', InstanceType: 'ecs.external.large' };
  const wrapper = 'AvailableZones.AvailableZone';
  const both = await list(api, 'DescribeAvailableResource', wrapper, asked);
  assert.deepEqual(
    both.rows.map((row) => row['ZoneId']),
    ['cn-hangzhou-a', 'cn-hangzhou-b'],
  );
  const one = await list(api, 'DescribeAvailableResource', wrapper, { ...asked, ZoneId: 'cn-hangzhou-b' });
  assert.deepEqual(one.rows, both.rows.slice(1));
  const resource = at(one.rows[0], 'AvailableResources.AvailableResource.0') as Row;
  assert.equal(resource['Type'], 'DataDisk');
  const [cloud] = at(resource, 'SupportedResources.SupportedResource') as Row[];
  const expected = { Value: 'cloud', Status: 'Available', StatusCategory: 'WithStock', Min: 5, Max: 2000, Unit: 'GiB' };
  assert.deepEqual(cloud, expected);
  const nothing = [{ Scope: 'region' }, { ZoneId: 'cn-hangzhou-z' }, { SpotStrategy: 'SpotAsPriceGo' }];
  for (const narrowed of [...nothing, { ResourceType: 'ddh' }, { DataDiskCategory: 'local_ssd_pro' }]) {
    const { rows } = await list(api, 'DescribeAvailableResource', wrapper, { ...asked, ...narrowed });
    assert.deepEqual([narrowed, rows], [narrowed, []]);
  }
  const untyped = { DestinationResource: 'SystemDisk' };
  assert.equal((await call(api, 'DescribeAvailableResource', untyped)).body['Code'], 'MissingParameter');
});
