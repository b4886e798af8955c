/** The actions on instances from their parameters to their answers, before a real control plane on a fake diskd. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { callAction, itemsOf } from '../../test/control/call-action.ts';
import { type World, allRows, createWorld, runRequest } from '../../test/control/world.ts';
import { defaultNetwork } from '../ecs/default-network.ts';
import { formatMinute } from '../ecs/times.ts';
import { findAction } from './action-list.ts';
import { findErrorStatus } from './error-statuses.ts';

async function runSeveral(world: World, amount: number): Promise<string[]> {
  const { instanceIds } = await world.control.runInstances(runRequest({ amount }));
  await world.settle();
  return instanceIds;
}

function listed(name: string, values: readonly string[]): Record<string, string> {
  return Object.fromEntries(values.map((value, index) => [`${name}.${index + 1}`, value]));
}

async function assertCode(work: Promise<unknown>, code: string, what?: string): Promise<void> {
  await assert.rejects(work, { code }, what ?? code);
}

test('StartInstances, StopInstances and RebootInstances tell each instance’s code and states', async (t) => {
  const world = await createWorld(t);
  const [a = '', b = ''] = await runSeveral(world, 2);
  const ids = listed('InstanceId', [a, b, a]);
  const outcome = (InstanceId: string, PreviousStatus: string, CurrentStatus: string) => ({
    InstanceId,
    Code: '200',
    Message: 'success',
    PreviousStatus,
    CurrentStatus,
  });
  assert.deepEqual(await callAction(world, 'StopInstances', { ...ids, ForceStop: 'true' }), {
    InstanceResponses: { InstanceResponse: [outcome(a, 'Running', 'Stopping'), outcome(b, 'Running', 'Stopping')] },
  });
  assert.deepEqual(await callAction(world, 'StartInstances', ids), {
    InstanceResponses: { InstanceResponse: [outcome(a, 'Stopped', 'Starting'), outcome(b, 'Stopped', 'Starting')] },
  });
  assert.deepEqual(await callAction(world, 'RebootInstances', { ...ids, ForceReboot: 'true' }), {
    InstanceResponses: { InstanceResponse: [outcome(a, 'Running', 'Stopping'), outcome(b, 'Running', 'Stopping')] },
  });
  const mixed = { ...listed('InstanceId', [a, 'i-none']), BatchOptimization: 'SuccessFirst' };
  const answer = await callAction(world, 'StartInstances', mixed);
  assert.deepEqual(
    itemsOf(answer, 'InstanceResponses', 'InstanceResponse').map(({ Code, CurrentStatus }) => [Code, CurrentStatus]),
    [
      ['IncorrectInstanceStatus', 'Running'],
      ['InvalidInstanceId.NotFound', ''],
    ],
  );
});

test('the lists of instance ids are checked, and a dry run has its own code', async (t) => {
  const world = await createWorld(t);
  const [a = ''] = await runSeveral(world, 1);
  const many = listed(
    'InstanceId',
    Array.from({ length: 101 }, (_, index) => `i-${index}`),
  );
  for (const action of ['StartInstances', 'StopInstances', 'RebootInstances', 'DeleteInstances']) {
    await assertCode(callAction(world, action), 'MissingParameter', action);
    await assertCode(callAction(world, action, many), 'InvalidParameter.TooManyInstanceIds', action);
    assert.equal(findErrorStatus('InvalidParameter.TooManyInstanceIds', action), 403);
    await assertCode(callAction(world, action, { InstanceId: a }), 'InvalidParameter', action);
    const malformed = callAction(world, action, { 'InstanceId.1': '["i-1"]' });
    await assertCode(malformed, 'Abs.InvalidInstanceIds.MalFormed', action);
    await assertCode(callAction(world, action, { 'InstanceId.1': 'i-none' }), 'InvalidInstanceId.NotFound', action);
  }
  for (const action of ['StopInstances', 'RebootInstances', 'DeleteInstances']) {
    const dry = callAction(world, action, { 'InstanceId.1': a, DryRun: 'true', Force: 'true' });
    await assertCode(dry, 'DRYRUN.SUCCESS', action);
  }
  assert.equal(findErrorStatus('DRYRUN.SUCCESS', 'StopInstances'), 400);
  for (const action of ['StopInstance', 'RebootInstance', 'DeleteInstance', 'ModifyInstanceAttribute']) {
    const dry = callAction(world, action, { InstanceId: a, DryRun: 'true', Force: 'true' });
    await assertCode(dry, 'DryRunOperation', action);
  }
  await assertCode(
    callAction(world, 'StopInstances', { 'InstanceId.1': a, BatchOptimization: 'x' }),
    'InvalidParameter',
  );
  assert.equal((await world.instance(a))?.status, 'Running');
});

test('an instance without a system disk is refused with the code that each action documents', async (t) => {
  const world = await createWorld(t);
  const [a = ''] = await runSeveral(world, 1);
  await callAction(world, 'StopInstance', { InstanceId: a });
  const detached = { status: 'Available', instance_id: null, device: null } as const;
  await world.catalog.queries.updateTable('disks').set(detached).where('type', '=', 'system').execute();
  await assertCode(callAction(world, 'StartInstances', { 'InstanceId.1': a }), 'InvalidInstance.NotFoundSystemDisk');
  await assertCode(callAction(world, 'StartInstance', { InstanceId: a }), 'IncorrectInstanceStatus');
});

test('RebootInstance, DeleteInstance and DeleteInstances do what they say', async (t) => {
  const world = await createWorld(t);
  const [a = '', b = '', c = ''] = await runSeveral(world, 3);
  assert.deepEqual(await callAction(world, 'RebootInstance', { InstanceId: a }), {});
  await assertCode(callAction(world, 'DeleteInstance', { InstanceId: a }), 'IncorrectInstanceStatus');
  assert.deepEqual(await callAction(world, 'DeleteInstance', { InstanceId: a, Force: 'True', ForceStop: 'true' }), {});
  const rest = { ...listed('InstanceId', [b, c]), Force: 'true', ClientToken: 'once' };
  assert.deepEqual(await callAction(world, 'DeleteInstances', rest), {});
  assert.deepEqual(await callAction(world, 'DeleteInstances', rest), {}, 'the same token again');
  const other = { ...rest, Force: 'false' };
  await assertCode(callAction(world, 'DeleteInstances', other), 'IdempotentParameterMismatch');
  const answer = await callAction(world, 'DescribeInstances', { InstanceIds: JSON.stringify([a, b, c]) });
  assert.deepEqual(answer['Instances'], { Instance: [] });
  assert.equal(answer['TotalCount'], 0);
});

test('ModifyInstanceAttribute changes what DescribeInstances shows, and refuses the rest with documented codes', async (t) => {
  const world = await createWorld(t);
  const [a = ''] = await runSeveral(world, 1);
  const { securityGroupId } = defaultNetwork('cn-hangzhou', 'cn-hangzhou-a');
  await callAction(world, 'ModifyInstanceAttribute', {
    InstanceId: a,
    InstanceName: 'web',
    Description: 'the web server',
    HostName: 'web-1',
    DeletionProtection: 'true',
    'SecurityGroupIds.1': securityGroupId,
    EnableJumboFrame: 'false',
    NetworkInterfaceQueueNumber: '-1',
    UserData: 'eA==',
  });
  const { UserData: shownUserData } = await callAction(world, 'DescribeUserData', { InstanceId: a });
  assert.equal(shownUserData, 'eA==');
  const [shown = {}] = itemsOf(await callAction(world, 'DescribeInstances'), 'Instances', 'Instance');
  const { InstanceName, Description, HostName, DeletionProtection } = shown;
  assert.deepEqual([InstanceName, Description, HostName, DeletionProtection], ['web', 'the web server', 'web-1', true]);
  const deleting = callAction(world, 'DeleteInstance', { InstanceId: a, Force: 'true' });
  await assertCode(deleting, 'InvalidOperation.DeletionProtection');
  assert.equal(findErrorStatus('InvalidOperation.DeletionProtection', 'DeleteInstance'), 403);
  assert.deepEqual(await callAction(world, 'ModifyInstanceAttribute', { InstanceId: a }), {});
  const refusals: [string, Record<string, string>][] = [
    ['InvalidInstanceName.Malformed', { InstanceName: '1' }],
    ['InvalidDescription.Malformed', { Description: 'https://x' }],
    ['InvalidHostName.Malformed', { HostName: '-' }],
    ['InvalidSecurityGroupId.NotFound', { 'SecurityGroupIds.1': 'sg-other' }],
    ['InvalidPassword.Malformed', { Password: 'Secret-1234' }],
    ['InvalidUserData.SizeExceeded', { UserData: Buffer.alloc(32 * 1024 + 1).toString('base64') }],
    ['InvalidParameter', { UserData: '#!/bin/sh' }],
    ['InvalidParameter', { NetworkInterfaceQueueNumber: '2' }],
    ['InvalidParameter.CreditSpecification', { CreditSpecification: 'Standard' }],
    ['InvalidParameter', { 'CpuOptions.Core': '2' }],
    ['InvalidParameter', { EnableJumboFrame: 'true' }],
    ['InvalidInstanceId.NotFound', { InstanceId: 'i-none' }],
  ];
  for (const [code, parameters] of refusals) {
    await assertCode(callAction(world, 'ModifyInstanceAttribute', { InstanceId: a, ...parameters }), code);
  }
});

test('DescribeInstanceStatus lists ids and states, by id, zone and page', async (t) => {
  const world = await createWorld(t);
  const ids = await runSeveral(world, 3);
  const [a = ''] = ids;
  await callAction(world, 'StopInstance', { InstanceId: a });
  const one = await callAction(world, 'DescribeInstanceStatus', listed('InstanceId', [a, 'i-none']));
  assert.deepEqual(one, {
    PageNumber: 1,
    PageSize: 10,
    TotalCount: 1,
    InstanceStatuses: { InstanceStatus: [{ InstanceId: a, Status: 'Stopped' }] },
  });
  const second = await callAction(world, 'DescribeInstanceStatus', { PageNumber: '2', PageSize: '2' });
  assert.equal(itemsOf(second, 'InstanceStatuses', 'InstanceStatus').length, 1);
  assert.equal(second['TotalCount'], 3);
  const elsewhere = await callAction(world, 'DescribeInstanceStatus', { ZoneId: 'cn-hangzhou-b' });
  assert.deepEqual(elsewhere['InstanceStatuses'], { InstanceStatus: [] });
  await assertCode(callAction(world, 'DescribeInstanceStatus', { PageSize: '51' }), 'InvalidParameter');
  await assertCode(callAction(world, 'DescribeInstanceStatus', { ZoneId: 'x' }), 'InvalidZoneId.NotFound');
});

test('DescribeInstanceTypes compares whole numbers with counts, and fractions with memory and frequencies', async (t) => {
  const world = await createWorld(t);
  const typesOf = async (parameters: Record<string, string>) =>
    itemsOf(await callAction(world, 'DescribeInstanceTypes', parameters), 'InstanceTypes', 'InstanceType');
  const all = await typesOf({});
  const memoryOf = (types: typeof all) => types.map(({ MemorySize }) => Number(MemorySize));
  const least = Math.min(...memoryOf(all)) + 0.5;
  assert.deepEqual(
    memoryOf(await typesOf({ MinimumMemorySize: String(least) })),
    memoryOf(all).filter((memory) => memory >= least),
  );
  assert.deepEqual(await typesOf({ MinimumCpuCoreCount: '0', MinimumCpuSpeedFrequency: '0.0' }), all);
  assert.deepEqual(await typesOf({ MaximumCpuCoreCount: '0' }), []);
  const numbers = Object.keys(findAction('DescribeInstanceTypes')?.parameters ?? {}).filter((name) =>
    /^M(in|ax)imum/.test(name),
  );
  assert.ok(numbers.length > 20);
  for (const name of numbers) {
    for (const value of ['1.5', '-1', '1.', 'many']) {
      if (value === '1.5' && /(Frequency|MemorySize)$/.test(name)) continue;
      await assertCode(typesOf({ [name]: value }), 'InvalidParameter', `${name}=${value}`);
    }
  }
});

test('DescribeInstanceAttribute is a flat object that agrees with DescribeInstances', async (t) => {
  const world = await createWorld(t);
  const [a = ''] = await runSeveral(world, 1);
  const flat = await callAction(world, 'DescribeInstanceAttribute', { InstanceId: a });
  const [listedOne = {}] = itemsOf(await callAction(world, 'DescribeInstances'), 'Instances', 'Instance');
  for (const [name, value] of Object.entries(flat)) {
    if (name === 'IoOptimized' || !(name in listedOne)) continue;
    if (name !== 'DedicatedHostAttribute') assert.deepEqual(value, listedOne[name], name);
  }
  assert.equal(flat['IoOptimized'], 'optimized');
  assert.match(String(flat['CreationTime']), /^\d{4}-\d\d-\d\dT\d\d:\d\dZ$/);
  assert.equal(flat['Memory'], 8192);
  await assertCode(
    callAction(world, 'DescribeInstanceAttribute', { InstanceId: 'i-none' }),
    'InvalidInstanceId.NotFound',
  );
});

test('every filter of DescribeInstances filters', async (t) => {
  const world = await createWorld(t);
  const named = (instanceName: string, change: object) =>
    world.control.runInstances(runRequest({ instanceNames: [instanceName], ...change }));
  const { instanceIds } = await named('web-1', { tags: [{ key: 'k', value: 'v' }] });
  const [a = ''] = instanceIds;
  await named('db-1', { zoneId: 'cn-hangzhou-b', instanceType: 'ecs.external.xlarge' });
  await world.settle();
  await world.power('stop', a);
  const instance = await world.instance(a);
  const all = (await world.control.listInstances({}, allRows)).items;
  const laterMs = Math.max(...all.map(({ createdAtMs }) => createdAtMs)) + 60_000;
  const { vpcId, vSwitchId, securityGroupId } = defaultNetwork('cn-hangzhou', 'cn-hangzhou-a');
  const names = async (parameters: Record<string, string>) =>
    itemsOf(await callAction(world, 'DescribeInstances', parameters), 'Instances', 'Instance')
      .map(({ InstanceName }) => String(InstanceName))
      .sort();
  const time = (Key: string, Value: string) => ({ 'Filter.1.Key': Key, 'Filter.1.Value': Value });
  const web = ['web-1'];
  const both = ['db-1', 'web-1'];
  const cases: [Record<string, string>, string[]][] = [
    [{}, both],
    [{ InstanceIds: JSON.stringify([a]) }, web],
    [{ InstanceIds: '[]' }, []],
    [{ InstanceName: 'web-1' }, web],
    [{ InstanceName: 'w*' }, web],
    [{ InstanceName: '*-1' }, both],
    [{ InstanceName: 'web_1' }, []],
    [{ InstanceType: 'ecs.external.large' }, web],
    [{ InstanceTypeFamily: 'ecs.external' }, both],
    [{ InstanceTypeFamily: 'ecs.g6' }, []],
    [{ ImageId: instance?.imageId ?? '' }, both],
    [{ ImageId: 'm-none' }, []],
    [{ Status: 'Stopped' }, web],
    [{ ZoneId: 'cn-hangzhou-a' }, web],
    [{ PrivateIpAddresses: JSON.stringify([instance?.privateIp]) }, web],
    [{ VpcId: vpcId }, both],
    [{ VpcId: 'vpc-none' }, []],
    [{ VSwitchId: vSwitchId }, web],
    [{ SecurityGroupId: securityGroupId }, both],
    [{ SecurityGroupId: 'sg-none' }, []],
    [{ InstanceChargeType: 'PrePaid' }, []],
    [{ InternetChargeType: 'PayByBandwidth' }, []],
    [{ InstanceNetworkType: 'classic' }, []],
    [{ IoOptimized: 'true' }, both],
    [{ IoOptimized: 'false' }, []],
    [{ HttpEndpoint: 'enabled' }, []],
    [{ HttpTokens: 'required' }, []],
    [{ LockReason: 'security' }, []],
    [{ EipAddresses: '["1.2.3.4"]' }, []],
    [{ InnerIpAddresses: '["1.2.3.4"]' }, []],
    [{ PublicIpAddresses: '["1.2.3.4"]' }, []],
    [{ RdmaIpAddresses: '["1.2.3.4"]' }, []],
    [{ 'Ipv6Address.1': '::1' }, []],
    [{ KeyPairName: 'k' }, []],
    [{ ResourceGroupId: 'rg-1' }, []],
    [{ 'Tag.1.Key': 'k' }, web],
    [{ 'Tag.1.Key': 'k', 'Tag.1.Value': 'w' }, []],
    [time('CreationStartTime', formatMinute(laterMs)), []],
    [time('CreationEndTime', formatMinute(laterMs)), both],
    [time('CreationEndTime', '2001-01-01T00:00Z'), []],
    [time('ExpiredStartTime', '2900-01-01T00:00Z'), both],
    [time('ExpiredStartTime', '3000-01-01T00:00Z'), []],
    [time('ExpiredEndTime', '2900-01-01T00:00Z'), []],
    [time('ExpiredEndTime', '3000-01-01T00:00Z'), both],
  ];
  for (const [parameters, expected] of cases) {
    assert.deepEqual(await names(parameters), expected, JSON.stringify(parameters));
  }
  await assertCode(callAction(world, 'DescribeInstances', time('Size', '1')), 'InvalidFilterKey.NotFound');
  await assertCode(callAction(world, 'DescribeInstances', { HpcClusterId: 'x' }), 'InvalidHpcClusterId.NotFound');
});
