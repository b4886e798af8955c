/** ModifyInstanceAttribute on a real catalog. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { createWorld } from '../../test/control/world.ts';

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
