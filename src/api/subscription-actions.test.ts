/** Subscriptions and arrears from their actions' parameters to what the lists show, before a real control plane on a fake diskd. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { callAction } from '../../test/control/call-action.ts';
import { type World, createWorld } from '../../test/control/world.ts';

// oxlint-disable-next-line typescript/no-explicit-any
type Answer = any;

const BOUGHT = { InstanceType: 'ecs.external.large', ImageId: 'hupo_empty_20G', InstanceChargeType: 'PrePaid' };

async function call(world: World, action: string, parameters: Record<string, string> = {}): Promise<Answer> {
  const answer = await callAction(world, action, parameters);
  await world.settle();
  return answer;
}

async function shown(world: World, instanceId: string): Promise<Answer> {
  const answer = await call(world, 'DescribeInstances', { InstanceIds: JSON.stringify([instanceId]) });
  return answer.Instances.Instance[0];
}

const minuteOf = (text: string) => Date.parse(text.replace('Z', ':00Z'));
const WEEK_MS = 7 * 86_400_000;

test('a subscription is bought, shown, renewed and given up; its disks go along', async (t) => {
  const world = await createWorld(t, 200);
  const bought = await call(world, 'RunInstances', {
    ...BOUGHT,
    ...{ Period: '1', PeriodUnit: 'Week', AutoRenew: 'true', AutoRenewPeriod: '2', 'DataDisk.1.Size': '20' },
  });
  const instanceId = String(bought.InstanceIdSets.InstanceIdSet[0]);
  const first = await shown(world, instanceId);
  assert.equal(first.InstanceChargeType, 'PrePaid');
  const { Disks } = await call(world, 'DescribeDisks', { InstanceId: instanceId });
  assert.deepEqual(
    Disks.Disk.map((disk: Answer) => [disk.DiskChargeType, disk.Portable, disk.ExpiredTime]),
    Array.from({ length: 2 }, () => ['PrePaid', false, first.ExpiredTime]),
  );
  assert.equal((await call(world, 'DescribeDisks', { DiskChargeType: 'PostPaid' })).TotalCount, 0);
  assert.equal((await call(world, 'DescribeInstances', { InstanceChargeType: 'PrePaid' })).TotalCount, 1);

  const renewal = await call(world, 'DescribeInstanceAutoRenewAttribute', { RenewalStatus: 'AutoRenewal' });
  const [attribute] = renewal.InstanceRenewAttributes.InstanceRenewAttribute;
  assert.deepEqual(
    [attribute.InstanceId, attribute.AutoRenewEnabled, attribute.Duration, attribute.PeriodUnit],
    [instanceId, true, 2, 'Week'],
  );
  await call(world, 'ModifyInstanceAutoRenewAttribute', { InstanceId: instanceId, RenewalStatus: 'NotRenewal' });
  const none = await call(world, 'DescribeInstanceAutoRenewAttribute', { RenewalStatus: 'AutoRenewal' });
  assert.equal(none.TotalCount, 0);

  const renew = { InstanceId: instanceId, Period: '2', PeriodUnit: 'Week', ClientToken: 'once' };
  const { OrderId } = await call(world, 'RenewInstance', renew);
  assert.equal((await call(world, 'RenewInstance', renew)).OrderId, OrderId, 'the same token is the same order');
  const renewed = await shown(world, instanceId);
  assert.equal(minuteOf(renewed.ExpiredTime) - minuteOf(first.ExpiredTime), 2 * WEEK_MS);

  const dataDiskId = Disks.Disk.find((disk: Answer) => disk.Type === 'data').DiskId;
  await assert.rejects(call(world, 'DetachDisk', { InstanceId: instanceId, DiskId: dataDiskId }), {
    code: 'DiskNotPortable',
  });
  const added = await call(world, 'CreateDisk', { InstanceId: instanceId, DiskCategory: 'cloud_essd', Size: '20' });
  const disk = (await call(world, 'DescribeDisks', { DiskIds: JSON.stringify([added.DiskId]) })).Disks.Disk[0];
  assert.deepEqual(
    [disk.InstanceId, disk.DiskChargeType, disk.ExpiredTime],
    [instanceId, 'PrePaid', renewed.ExpiredTime],
  );

  const change = { InstanceIds: JSON.stringify([instanceId]), InstanceChargeType: 'PostPaid' };
  await call(world, 'ModifyInstanceChargeType', change);
  assert.equal((await shown(world, instanceId)).InstanceChargeType, 'PostPaid');
  assert.equal((await call(world, 'DescribeDisks', { DiskChargeType: 'PrePaid' })).TotalCount, 0);
  await assert.rejects(call(world, 'RenewInstance', { ...renew, ClientToken: 'again' }), {
    code: 'ChargeTypeViolation',
  });
});

test('periods that are none are refused, and a subscription that lasts is not deleted', async (t) => {
  const world = await createWorld(t, 200);
  for (const period of [{}, { Period: '5', PeriodUnit: 'Week' }, { Period: '11' }, { Period: '0' }]) {
    await assert.rejects(call(world, 'RunInstances', { ...BOUGHT, ...(period as object) }), JSON.stringify(period));
  }
  const { InstanceId } = await call(world, 'CreateInstance', { ...BOUGHT, Period: '1' });
  await assert.rejects(call(world, 'DeleteInstance', { InstanceId, Force: 'true' }), { code: 'ChargeTypeViolation' });
  await assert.rejects(
    call(world, 'RenewInstance', { InstanceId, Period: '5', PeriodUnit: 'Year', ClientToken: 'a' }).then(async () =>
      call(world, 'RenewInstance', { InstanceId, Period: '5', PeriodUnit: 'Year', ClientToken: 'b' }),
    ),
  );
});

test('an account in arrears makes no disks, instances and snapshots, and is locked until it is not', async (t) => {
  const world = await createWorld(t, 200);
  const { instanceId, diskId } = await world.runOne();
  await call(world, 'HupoLockAccount', { DeleteAfterDays: '15' });
  const account = await call(world, 'HupoDescribeAccount');
  assert.equal(account.Status, 'Locked');
  assert.equal(Date.parse(account.DeletionTime) - Date.parse(account.LockTime), 15 * 86_400_000);
  assert.deepEqual((await shown(world, instanceId)).OperationLocks.LockReason, [{ LockReason: 'financial' }]);
  await assert.rejects(call(world, 'CreateSnapshot', { DiskId: diskId }), {
    code: 'InvalidAccountStatus.NotEnoughBalance',
  });
  await assert.rejects(call(world, 'StopInstance', { InstanceId: instanceId }), { code: 'InstanceExpiredOrInArrears' });
  await call(world, 'HupoUnlockAccount');
  assert.equal((await call(world, 'HupoDescribeAccount')).Status, 'Normal');
  await call(world, 'CreateSnapshot', { DiskId: diskId });
});
