/** The actions that make instances from their parameters to their answers, before a real control plane on a fake diskd. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { callAction } from '../../test/control/call-action.ts';
import { type World, allRows, createWorld } from '../../test/control/world.ts';
import { findErrorStatus } from './error-statuses.ts';

const TYPE = { InstanceType: 'ecs.external.large' };
const EMPTY = { ImageId: 'hupo_empty_20G' };

/** A running instance with one data disk, and snapshots of its two disks. */
async function runSource(world: World) {
  const { instanceId, diskId } = await world.runOne();
  const { items } = await world.control.listDisks({ instanceId, type: 'system' }, allRows);
  const systemDiskId = items[0]?.diskId ?? '';
  return { instanceId, system: await world.takeSnapshot(systemDiskId), data: await world.takeSnapshot(diskId) };
}

async function createImage(world: World, parameters: Record<string, string>): Promise<string> {
  const { ImageId } = (await callAction(world, 'CreateImage', parameters)) as { ImageId: string };
  await world.settle();
  return ImageId;
}

async function assertCode(work: Promise<unknown>, code: string, what = code): Promise<void> {
  await assert.rejects(work, { code }, what);
}

test('CreateInstance leaves one instance Stopped, protected and tagged as asked', async (t) => {
  const world = await createWorld(t, 200);
  const parameters = {
    ...TYPE,
    ...EMPTY,
    InstanceName: 'one',
    HostName: 'host-1',
    DeletionProtection: 'true',
    'SystemDisk.Size': '50',
    'SystemDisk.DiskName': 'sys',
    'DataDisk.1.Size': '20',
    'DataDisk.1.DeleteWithInstance': 'false',
    'Tag.1.Key': 'k',
    'Tag.1.Value': 'v',
    ClientToken: 'one',
  };
  const answer = (await callAction(world, 'CreateInstance', parameters)) as { InstanceId: string };
  await world.settle();
  assert.deepEqual(await callAction(world, 'CreateInstance', parameters), answer);
  const instance = await world.instance(answer.InstanceId);
  assert.deepEqual(
    [instance?.status, instance?.instanceName, instance?.hostName, instance?.deletionProtection, instance?.tags],
    ['Stopped', 'one', 'host-1', true, [{ key: 'k', value: 'v' }]],
  );
  const { items } = await world.control.listDisks({ instanceId: answer.InstanceId }, allRows);
  assert.deepEqual(
    items
      .toSorted((a, b) => a.sizeGib - b.sizeGib)
      .map((disk) => [disk.type, disk.sizeGib, disk.diskName, disk.deleteWithInstance, disk.tags.length]),
    [
      ['data', 20, '', false, 1],
      ['system', 50, 'sys', true, 1],
    ],
  );
});

test('RunInstances names hosts one by one, by number, or by the instance', async (t) => {
  const world = await createWorld(t, 200);
  const hostsOf = async (parameters: Record<string, string>) => {
    const answer = await callAction(world, 'RunInstances', { ...TYPE, ...EMPTY, Amount: '2', ...parameters });
    await world.settle();
    const ids = (answer as { InstanceIdSets: { InstanceIdSet: string[] } }).InstanceIdSets.InstanceIdSet;
    return await Promise.all(ids.map(async (id) => (await world.instance(id))?.hostName));
  };
  assert.deepEqual(await hostsOf({ HostName: 'web' }), ['web', 'web']);
  assert.deepEqual(await hostsOf({ HostName: 'web', UniqueSuffix: 'true' }), ['web001', 'web002']);
  assert.deepEqual(await hostsOf({ HostName: 'web[7,3]x' }), ['web007x', 'web008x']);
  assert.deepEqual(await hostsOf({ 'HostNames.1': 'aa', 'HostNames.2': 'bb' }), ['aa', 'bb']);
  assert.match((await hostsOf({ 'HostNames.1': 'aa' }))[1] ?? '', /^iZ/);
  const refused: [string, Record<string, string>][] = [
    ['InvalidHostName.Malformed', { HostName: '-web' }],
    ['InvalidHostName.Malformed', { 'HostNames.1': 'aa', 'HostNames.2': 'bb', 'HostNames.3': 'cc' }],
    ['InvalidParameter.Conflict', { HostName: 'web', 'HostNames.1': 'aa' }],
    ['InvalidParameter.Conflict', { ImageFamily: 'fam' }],
    ['InvalidMinAmount.Malformed', { MinAmount: '3' }],
    ['InvalidInstanceType.ValueNotSupported', { InstanceType: 'ecs.g7.large' }],
    ['InvalidParameter.Mismatch', { ZoneId: 'cn-hangzhou-a', VSwitchId: 'vsw-bp1default000000000b' }],
    ['UnsupportedParameter', { 'ImageOptions.LoginAsNonRoot': 'true' }],
    ['MissingParameter', { ImageId: '' }],
    ['DryRunOperation', { DryRun: 'true' }],
  ];
  const count = (await world.control.listInstances({}, allRows)).totalCount;
  for (const [code, parameters] of refused) await assertCode(hostsOf(parameters), code, JSON.stringify(parameters));
  assert.equal((await world.control.listInstances({}, allRows)).totalCount, count);
  await hostsOf({ 'ImageOptions.LoginAsNonRoot': 'false', 'SystemDisk.Encrypted': 'false', SpotStrategy: 'NoSpot' });
});

test('CreateInstance and RunInstances refuse wrong values, each with the code that it documents', async (t) => {
  const world = await createWorld(t, 200);
  const { system } = await runSource(world);
  const ImageId = await createImage(world, { SnapshotId: system });
  const own = { SecurityGroupId: 'sg-bp1default0000000000' };
  const run: [string, number, Record<string, string>][] = [
    ['InvalidParameter.Conflict', 400, { ...own, 'SecurityGroupIds.1': own.SecurityGroupId }],
    ['InvalidSecurityGroupId.NotFound', 404, { 'SecurityGroupIds.1': own.SecurityGroupId, 'SecurityGroupIds.2': 'x' }],
    ['DryRunOperation', 400, { 'SecurityGroupIds.1': own.SecurityGroupId }],
  ];
  const both: [string, number, Record<string, string>][] = [
    ['InvalidSecurityGroupId.NotFound', 404, { SecurityGroupId: 'sg-other' }],
    ['InvalidDescription.Malformed', 400, { Description: 'x' }],
    ['InvalidDiskDescription.Malformed', 400, { 'SystemDisk.Description': 'x' }],
    ['InvalidDiskDescription.Malformed', 400, { 'DataDisk.1.Size': '20', 'DataDisk.1.Description': 'http://x' }],
    ['InvalidInstanceChargeType.NotFound', 404, { InstanceChargeType: 'Barter' }],
    ['MissingParameter', 400, { InstanceChargeType: 'prepaid' }],
    ['InvalidPeriod', 400, { InstanceChargeType: 'PrePaid', Period: '10' }],
    ['DryRunOperation', 400, { InstanceChargeType: 'PrePaid', Period: '4', PeriodUnit: 'week', AutoRenew: 'true' }],
    ['DryRunOperation', 400, { ...own, InstanceChargeType: 'postpaid', 'SystemDisk.Description': 'the system' }],
  ];
  const check = async (action: string, cases: typeof both) => {
    for (const [code, status, parameters] of cases) {
      const asked = callAction(world, action, { ...TYPE, ImageId, DryRun: 'true', ...parameters });
      await assertCode(asked, code, `${action} ${JSON.stringify(parameters)}`);
      assert.equal(findErrorStatus(code, action), status, code);
    }
  };
  await check('RunInstances', [...run, ...both]);
  await check('CreateInstance', both);
  for (const status of ['Creating', 'CreateFailed'] as const) {
    await world.catalog.queries.updateTable('images').set({ status }).where('image_id', '=', ImageId).execute();
    await check('RunInstances', [['OperationDenied.ImageNotValid', 403, {}]]);
    await check('CreateInstance', [['IncorrectImageStatus', 400, {}]]);
  }
});

test('a data disk needs a size unless a snapshot or the image gives it one', async (t) => {
  const world = await createWorld(t, 200);
  const { instanceId, data } = await runSource(world);
  const ImageId = await createImage(world, { InstanceId: instanceId });
  const sizesOf = async (parameters: Record<string, string>) => {
    const answer = (await callAction(world, 'CreateInstance', { ...TYPE, ImageId, ...parameters })) as {
      InstanceId: string;
    };
    await world.settle();
    const { items } = await world.control.listDisks({ instanceId: answer.InstanceId, type: 'data' }, allRows);
    return items.map((disk) => `${disk.device} ${disk.category} ${disk.sizeGib}`).sort();
  };
  assert.deepEqual(await sizesOf({}), ['/dev/xvdb cloud_efficiency 20']);
  assert.deepEqual(await sizesOf({ 'DataDisk.1.Device': '/dev/xvdb', 'DataDisk.1.Category': 'cloud_ssd' }), [
    '/dev/xvdb cloud_ssd 20',
  ]);
  assert.deepEqual(await sizesOf({ 'DataDisk.1.SnapshotId': data, 'DataDisk.1.Size': '500' }), [
    '/dev/xvdb cloud_efficiency 20',
    '/dev/xvdc cloud_efficiency 20',
  ]);
  await assertCode(sizesOf({ 'DataDisk.1.Category': 'cloud_ssd' }), 'MissingParameter');
  await assertCode(sizesOf({ 'DataDisk.1.Device': '/dev/xvdf' }), 'MissingParameter');
  await assertCode(
    sizesOf({ 'DataDisk.1.Device': '/dev/xvdb', 'DataDisk.1.Size': '19' }),
    'InvalidDataDiskSize.ValueNotSupported',
  );
  await assertCode(
    sizesOf({ 'DataDisk.1.Device': '/dev/sda', 'DataDisk.1.Size': '20' }),
    'InvalidDataDevice.Malformed',
  );
});
