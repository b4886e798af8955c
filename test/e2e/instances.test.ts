/** The life of instances with the real program: tags, reboots, several at once, deletion that keeps a disk's bytes. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import test, { type TestContext } from 'node:test';
import { NbdClient } from '../../src/nbd/client.ts';
import { TestServer } from './server.ts';

async function started(t: TestContext): Promise<TestServer> {
  const server = new TestServer();
  t.after(() => {
    for (const left of server.leftProcesses()) process.kill(Number(left.split(' ')[0]), 'SIGKILL');
    fs.rmSync(server.dataFolder, { recursive: true, force: true });
  });
  await server.start();
  return server;
}

async function open(server: TestServer, diskId: string): Promise<NbdClient> {
  const { NbdUri } = await server.disk(diskId);
  return await NbdClient.connect(String(NbdUri));
}

test('instances are tagged, rebooted, deleted; a kept disk keeps its bytes and the folder checks clean', async (t) => {
  const server = await started(t);
  const run = await server.call('RunInstances', {
    ImageId: 'hupo_empty_20G',
    InstanceType: 'ecs.external.large',
    Amount: 2,
    'SystemDisk.Category': 'cloud_essd',
    'DataDisk.1.Category': 'cloud_essd',
    'DataDisk.1.Size': 20,
    'DataDisk.1.DeleteWithInstance': false,
  });
  const [a, b] = run.InstanceIdSets.InstanceIdSet as [string, string];
  const both = { 'InstanceId.1': a, 'InstanceId.2': b };
  await server.call('TagResources', {
    ResourceType: 'instance',
    'ResourceId.1': a,
    'Tag.1.Key': 'k',
    'Tag.1.Value': 'v',
  });
  const found = await server.call('DescribeInstances', { 'Tag.1.Key': 'k' });
  assert.deepEqual([found.TotalCount, found.Instances.Instance[0].InstanceId], [1, a]);

  const { Disks } = await server.call('DescribeDisks', { InstanceId: a, DiskType: 'data' });
  const diskId = String(Disks.Disk[0].DiskId);
  const before = await open(server, diskId);
  await before.write(0, Buffer.alloc(4096, 7));
  await server.call('RebootInstances', both);
  await assert.rejects(before.read(0, 4096), 'a reboot ends the clients');
  const after = await open(server, diskId);
  assert.deepEqual(await after.read(0, 4096), Buffer.alloc(4096, 7), 'an unflushed write is flushed by the reboot');
  await after.close();

  await server.call('ModifyInstanceAttribute', { InstanceId: b, DeletionProtection: true });
  await assert.rejects(server.call('DeleteInstances', { ...both, Force: true }), {
    code: 'InvalidOperation.DeletionProtection',
  });
  await server.call('ModifyInstanceAttribute', { InstanceId: b, DeletionProtection: false });
  await server.call('DeleteInstances', { ...both, Force: true });
  assert.equal((await server.call('DescribeInstances')).TotalCount, 0);
  const left = await server.call('DescribeDisks');
  assert.deepEqual(
    left.Disks.Disk.map((disk: { Status: string; Type: string }) => [disk.Status, disk.Type]),
    [
      ['Available', 'data'],
      ['Available', 'data'],
    ],
  );

  const other = await server.call('RunInstances', {
    ImageId: 'hupo_empty_20G',
    InstanceType: 'ecs.external.large',
    'SystemDisk.Category': 'cloud_essd',
  });
  await server.call('AttachDisk', { DiskId: diskId, InstanceId: other.InstanceIdSets.InstanceIdSet[0] });
  const again = await open(server, diskId);
  assert.deepEqual(await again.read(0, 4096), Buffer.alloc(4096, 7));
  await again.close();
  await server.stop();
});
