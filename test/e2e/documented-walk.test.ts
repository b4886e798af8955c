/**
 * What the documentation's reader does, with real bytes, by `hupo ecs` and by every SDK, over http and over https: from
 * an instance to a snapshot, back, onwards to a larger disk, and away with everything.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { NbdClient } from '../../src/nbd/client.ts';
import { callerNames, openCaller, type Caller } from './callers.ts';
import { TestServer, waitFor, type Answer } from './server.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const REGION = { RegionId: 'cn-hangzhou' };

for (const tls of [false, true]) {
  test(`the documented walk over ${tls ? 'https' : 'http'}, by hupo ecs and every SDK`, async (t) => {
    const server = new TestServer();
    try {
      await server.start({ tls });
      let passed = 0;
      for (const name of callerNames) {
        await t.test(name, async () => {
          await using caller = openCaller(name, server);
          await walk(caller, server);
          passed++;
        });
      }
      if (passed < callerNames.length) return; // what is wrong is told; what is left behind says nothing more
      await t.test('the four documented commands, as they are written', () => documentedCommands(server));
      await server.stop();
    } finally {
      for (const left of server.leftProcesses()) process.kill(Number(left.split(' ')[0]), 'SIGKILL');
      fs.rmSync(server.dataFolder, { recursive: true, force: true });
    }
  });
}

async function walk(caller: Caller, server: TestServer): Promise<void> {
  const { instanceId, diskId } = await runInstance(caller);
  await write(server, diskId, 0, 'as it was');

  const created = await caller.call('CreateSnapshot', {
    DiskId: diskId,
    SnapshotName: 'before-upgrade',
    Description: '升级之前 a b+c*~',
    ClientToken: `walk-${diskId}`,
    'Tag.1.Key': 'made-by',
    'Tag.1.Value': caller.name,
  });
  const snapshotId = String(created.SnapshotId);
  const snapshot = await finishedSnapshot(caller, instanceId, snapshotId);
  assert.equal(snapshot.Status, 'accomplished');
  assert.equal(snapshot.Progress, '100%');
  assert.equal(Number(snapshot.SourceDiskSize), 20);
  assert.equal(snapshot.Description, '升级之前 a b+c*~');
  assert.equal(snapshot.Tags.Tag[0].TagValue, caller.name);

  await write(server, diskId, 0, 'by mistake');
  await refused(caller, 'IncorrectInstanceStatus', 'ResetDisk', { DiskId: diskId, SnapshotId: snapshotId });
  await power(caller, 'StopInstance', instanceId, 'Stopped');
  await caller.call('ResetDisk', { DiskId: diskId, SnapshotId: snapshotId });
  await disk(caller, diskId, 'In_use');
  await power(caller, 'StartInstance', instanceId, 'Running');
  assert.equal(await read(server, diskId, 0), 'as it was');

  const second = await diskFromSnapshot(caller, server, instanceId, snapshotId);
  await grow(caller, server, second);
  await label(caller, diskId, snapshotId);
  await takeApart(caller, server, { instanceId, diskId, second, snapshotId });
}

async function runInstance(caller: Caller): Promise<{ instanceId: string; diskId: string }> {
  const { Zones } = await caller.call('DescribeZones', REGION);
  const { Images } = await caller.call('DescribeImages', { ...REGION, ImageOwnerAlias: 'system' });
  const { InstanceTypes } = await caller.call('DescribeInstanceTypes');
  const answer = await caller.call('RunInstances', {
    ...REGION,
    ZoneId: Zones.Zone[0].ZoneId,
    ImageId: Images.Image[0].ImageId,
    InstanceType: InstanceTypes.InstanceType[0].InstanceTypeId,
    InstanceName: `walk-${caller.name.replaceAll(' ', '-')}`,
    'DataDisk.1.Category': 'cloud_essd',
    'DataDisk.1.Size': 20,
  });
  const instanceId = String(answer.InstanceIdSets.InstanceIdSet[0]);
  await isInstance(caller, instanceId, 'Running');
  const { Disks } = await caller.call('DescribeDisks', { ...REGION, InstanceId: instanceId, DiskType: 'data' });
  assert.equal(Disks.Disk.length, 1);
  assert.equal(Disks.Disk[0].Status, 'In_use');
  return { instanceId, diskId: String(Disks.Disk[0].DiskId) };
}

async function diskFromSnapshot(
  caller: Caller,
  server: TestServer,
  instanceId: string,
  snapshotId: string,
): Promise<string> {
  const made = await caller.call('CreateDisk', {
    ...REGION,
    ZoneId: 'cn-hangzhou-a',
    DiskCategory: 'cloud_essd',
    SnapshotId: snapshotId,
    DiskName: 'from-snapshot',
  });
  const diskId = String(made.DiskId);
  await disk(caller, diskId, 'Available');
  await caller.call('AttachDisk', { DiskId: diskId, InstanceId: instanceId });
  const attached = await disk(caller, diskId, 'In_use');
  assert.equal(attached.Attachments.Attachment[0].InstanceId, instanceId);
  assert.equal(attached.SerialNumber, diskId.slice(2));
  assert.equal(await read(server, diskId, 0), 'as it was');
  return diskId;
}

/** Clients that connect afterwards see the new size, and what is beyond the old one is empty and holds what is written. */
async function grow(caller: Caller, server: TestServer, diskId: string): Promise<void> {
  await refused(caller, 'InvalidDiskSize.TooSmall', 'ResizeDisk', { DiskId: diskId, NewSize: 20 });
  await caller.call('ResizeDisk', { DiskId: diskId, NewSize: 21, Type: 'online' });
  assert.equal((await disk(caller, diskId, 'In_use')).Size, 21);
  const { NbdUri } = await server.disk(diskId);
  const client = await NbdClient.connect(NbdUri as string);
  assert.equal(client.sizeBytes, 21 * GIB);
  await client.close();
  assert.equal(await read(server, diskId, 20 * GIB), '');
  await write(server, diskId, 21 * GIB - MIB, 'at the new end');
  assert.equal(await read(server, diskId, 21 * GIB - MIB), 'at the new end');
  assert.equal(await read(server, diskId, 0), 'as it was');
}

async function label(caller: Caller, diskId: string, snapshotId: string): Promise<void> {
  const key = `walk-${diskId}`;
  await caller.call('TagResources', {
    ...REGION,
    ResourceType: 'disk',
    'ResourceId.1': diskId,
    'Tag.1.Key': key,
    'Tag.1.Value': 'v',
  });
  const tagged = await caller.call('ListTagResources', {
    ...REGION,
    ResourceType: 'disk',
    'ResourceId.1': diskId,
  });
  assert.deepEqual(
    tagged.TagResources.TagResource.map((tag: Answer) => [tag.ResourceId, tag.TagKey, tag.TagValue]),
    [[diskId, key, 'v']],
  );
  const found = await caller.call('DescribeDisks', { ...REGION, 'Tag.1.Key': key });
  assert.deepEqual(
    found.Disks.Disk.map((item: Answer) => item.DiskId),
    [diskId],
  );
  await caller.call('UntagResources', { ...REGION, ResourceType: 'disk', 'ResourceId.1': diskId, 'TagKey.1': key });
  await caller.call('ModifyDiskAttribute', { DiskId: diskId, DiskName: 'renamed', DeleteWithInstance: false });
  const renamed = await disk(caller, diskId, 'In_use');
  assert.deepEqual([renamed.DiskName, renamed.DeleteWithInstance, renamed.Tags.Tag], ['renamed', false, []]);
  await caller.call('ModifySnapshotAttribute', { SnapshotId: snapshotId, SnapshotName: 'renamed' });
  const { Snapshots } = await caller.call('DescribeSnapshots', { ...REGION, SnapshotName: 'renamed', DiskId: diskId });
  assert.equal(Snapshots.Snapshot[0].SnapshotId, snapshotId);
}

async function takeApart(
  caller: Caller,
  server: TestServer,
  made: { instanceId: string; diskId: string; second: string; snapshotId: string },
): Promise<void> {
  const { instanceId, diskId, second, snapshotId } = made;
  await refused(caller, 'IncorrectDiskStatus', 'DeleteDisk', { DiskId: second });
  await caller.call('DetachDisk', { DiskId: second, InstanceId: instanceId });
  await disk(caller, second, 'Available');
  await caller.call('DeleteDisk', { DiskId: second });
  assert.equal(await findDisk(caller, second), undefined);

  await power(caller, 'RebootInstance', instanceId, 'Running');
  await power(caller, 'StopInstance', instanceId, 'Stopped');
  await caller.call('ReInitDisk', { DiskId: diskId });
  await disk(caller, diskId, 'In_use');
  await power(caller, 'StartInstance', instanceId, 'Running');
  assert.equal(await read(server, diskId, 0), '', 'a disk that began empty is empty again');

  await refused(caller, 'IncorrectInstanceStatus', 'DeleteInstance', { InstanceId: instanceId });
  await caller.call('DeleteInstance', { InstanceId: instanceId, Force: true });
  await waitFor('the instance to go', 10_000, async () => {
    const { Instances } = await caller.call('DescribeInstances', {
      ...REGION,
      InstanceIds: JSON.stringify([instanceId]),
    });
    return Instances.Instance.length === 0 ? true : null;
  });
  await disk(caller, diskId, 'Available');
  await caller.call('DeleteSnapshot', { SnapshotId: snapshotId, Force: true });
  await caller.call('DeleteDisk', { DiskId: diskId });
  await refused(caller, 'InvalidDiskId.NotFound', 'DeleteDisk', { DiskId: diskId });
  await refused(caller, 'InvalidSnapshotId.NotFound', 'DeleteSnapshot', { SnapshotId: snapshotId });
}

/** The commands of the documentation's snapshot page, with `hupo` for `aliyun`. */
async function documentedCommands(server: TestServer): Promise<void> {
  const hupo = (line: string) => {
    const { status, stdout, stderr } = server.cli(...line.split(' '), '--data', server.dataFolder);
    assert.equal(status, 0, `hupo ${line}: ${stderr}`);
    return stdout;
  };
  const { instanceId, diskId } = await server.runInstance({ Category: 'cloud_essd', Size: 20 });
  const instances = hupo('ecs DescribeInstances --output cols=InstanceId,InstanceName rows=Instances.Instance[]');
  assert.match(instances, /^InstanceId\s+\| InstanceName\n-+\s*\| -+\n/);
  assert.match(instances, new RegExp(`^${instanceId} \\| ${instanceId}$`, 'm'));
  const disks = hupo(
    `ecs DescribeDisks --InstanceId ${instanceId} --output cols=DiskId,DiskName,Type rows=Disks.Disk[]`,
  );
  assert.match(disks, new RegExp(`^${diskId} \\|\\s+\\| data`, 'm'));
  const { SnapshotId } = JSON.parse(hupo(`ecs CreateSnapshot --DiskId ${diskId}`)) as { SnapshotId: string };
  await server.finishedSnapshot(SnapshotId);
  const snapshots = hupo(
    `ecs DescribeSnapshots --InstanceId ${instanceId} --output cols=SnapshotId,Status,Progress rows=Snapshots.Snapshot[]`,
  );
  assert.match(snapshots, new RegExp(`^${SnapshotId} \\| accomplished \\| 100%$`, 'm'));
}

async function findDisk(caller: Caller, diskId: string): Promise<Answer> {
  const { Disks } = await caller.call('DescribeDisks', { ...REGION, DiskIds: JSON.stringify([diskId]) });
  return Disks.Disk[0];
}

async function disk(caller: Caller, diskId: string, status: string): Promise<Answer> {
  return await waitFor(`${diskId} to be ${status}`, 20_000, async () => {
    const found = await findDisk(caller, diskId);
    return found?.Status === status ? found : null;
  });
}

async function isInstance(caller: Caller, instanceId: string, status: string): Promise<void> {
  await waitFor(`${instanceId} to be ${status}`, 20_000, async () => {
    const { InstanceStatuses } = await caller.call('DescribeInstanceStatus', { ...REGION, 'InstanceId.1': instanceId });
    return InstanceStatuses.InstanceStatus[0]?.Status === status ? true : null;
  });
}

async function power(caller: Caller, action: string, instanceId: string, status: string): Promise<void> {
  await caller.call(action, { InstanceId: instanceId });
  await isInstance(caller, instanceId, status);
}

async function finishedSnapshot(caller: Caller, instanceId: string, snapshotId: string): Promise<Answer> {
  return await waitFor(`${snapshotId} to be accomplished`, 60_000, async () => {
    const { Snapshots } = await caller.call('DescribeSnapshots', { ...REGION, InstanceId: instanceId });
    const found = Snapshots.Snapshot.find((item: Answer) => item.SnapshotId === snapshotId);
    return found?.Status === 'accomplished' ? found : null;
  });
}

async function refused(
  caller: Caller,
  code: string,
  action: string,
  parameters: Record<string, string | number>,
): Promise<void> {
  await assert.rejects(caller.call(action, parameters), { code }, `${action} was not refused with ${code}`);
}

/** Text at an offset of the disk, flushed; the rest of its 4 KiB is zeros. */
async function write(server: TestServer, diskId: string, offset: number, text: string): Promise<void> {
  const client = await NbdClient.connect((await server.disk(diskId)).NbdUri as string);
  const block = Buffer.alloc(4096);
  block.write(text);
  await client.write(offset, block);
  await client.flush();
  await client.close();
}

async function read(server: TestServer, diskId: string, offset: number): Promise<string> {
  const client = await NbdClient.connect((await server.disk(diskId)).NbdUri as string);
  const block = await client.read(offset, 4096);
  await client.close();
  return block.toString('utf8').replace(/\0+$/, '');
}
