/** ModifyInstanceAttribute on a real catalog. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { OperationalError } from '../lib/errors.ts';
import { createWorld, runRequest } from '../../test/control/world.ts';

test('what is given is changed, the rest stays', async (t) => {
  const world = await createWorld(t);
  const { instanceId } = await world.runOne();
  const before = await world.instance(instanceId);
  await world.control.modifyInstance({ instanceId });
  assert.deepEqual(await world.instance(instanceId), before);
  await world.control.modifyInstance({ instanceId, instanceName: 'web', description: 'the web server' });
  await world.control.modifyInstance({ instanceId, hostName: 'web.example', deletionProtection: true });
  assert.deepEqual(await world.instance(instanceId), {
    ...before,
    instanceName: 'web',
    description: 'the web server',
    hostName: 'web.example',
    deletionProtection: true,
  });
  await world.restart();
  assert.equal((await world.instance(instanceId))?.instanceName, 'web');
});

test('an unknown instance is refused, and a dry run changes nothing', async (t) => {
  const world = await createWorld(t);
  const { instanceId } = await world.runOne();
  await assert.rejects(world.control.modifyInstance({ instanceId: 'i-none' }), { code: 'InvalidInstanceId.NotFound' });
  const dryRun = { idempotency: null, dryRun: true };
  await assert.rejects(world.control.modifyInstance({ instanceId, instanceName: 'web' }, dryRun), {
    code: 'DryRunOperation',
  });
  assert.notEqual((await world.instance(instanceId))?.instanceName, 'web');
});

test('user data is each instance’s own, changes by itself, outlives a restart, and goes with its instance', async (t) => {
  const world = await createWorld(t);
  const request = runRequest({ amount: 2, instanceNames: [null, null], hostNames: [null, null], userData: 'b25l' });
  const { instanceIds } = await world.control.runInstances(request);
  const [first = '', second = ''] = instanceIds;
  await world.settle();
  const before = await world.instance(first);
  await world.control.modifyInstance({ instanceId: first, userData: 'dHdv' });
  await assert.rejects(
    world.control.modifyInstance({ instanceId: second, userData: 'dHdv' }, { idempotency: null, dryRun: true }),
    { code: 'DryRunOperation' },
  );
  await world.restart();
  assert.deepEqual(await world.instance(first), before);
  assert.deepEqual([await world.control.getUserData(first), await world.control.getUserData(second)], ['dHdv', 'b25l']);
  const { instanceId } = await world.runOne();
  assert.equal(await world.control.getUserData(instanceId), '');
  await world.control.deleteInstances({ instanceIds: [first, second], force: true });
  await world.settle();
  await assert.rejects(world.control.getUserData(first), { code: 'InvalidInstanceId.NotFound' });
  assert.deepEqual(await world.catalog.queries.selectFrom('user_data').selectAll().execute(), []);
});

test('instances that do not come to be leave no user data', async (t) => {
  const world = await createWorld(t);
  world.diskd.before = async (name) => {
    if (name === 'createDisk') throw new OperationalError('the device is full', { retryable: false });
  };
  await assert.rejects(world.control.runInstances(runRequest({ userData: 'b25l' })));
  await world.settle();
  assert.deepEqual(await world.catalog.queries.selectFrom('user_data').selectAll().execute(), []);
});
