/** The actions on disks and snapshots from their parameters to their answers, before a real control plane on a fake diskd. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { callAction, itemsOf } from '../../test/control/call-action.ts';
import { type World, allRows, createWorld, diskRequest } from '../../test/control/world.ts';
import { formatMinute } from '../ecs/times.ts';
import { findErrorStatus } from './error-statuses.ts';

/** Code and HTTP status of what an action refuses. */
async function assertRefusals(world: World, rows: [string, string, number, Record<string, string>][]): Promise<void> {
  for (const [action, code, status, parameters] of rows) {
    const what = `${action} ${JSON.stringify(parameters)}`;
    await assert.rejects(callAction(world, action, parameters), { code }, what);
    assert.equal(findErrorStatus(code, action), status, `${action}: ${code}`);
  }
}

test('each action on a disk says what is wrong with its parameters, with the documented code and status', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  const both = { DiskId: diskId, InstanceId: instanceId };
  await assertRefusals(world, [
    ['DetachDisk', 'MissingParameter', 400, { DiskId: diskId }],
    ['DetachDisk', 'InvalidParameter.DeleteWithInstance', 403, { ...both, DeleteWithInstance: 'maybe' }],
    ['DeleteDisk', 'MissingParameter', 400, {}],
    ['DeleteDisk', 'InvalidDiskId.NotFound', 404, { DiskId: 'd-none' }],
    ['AttachDisk', 'InvalidDevice.Malformed', 400, { ...both, Device: '/dev/xvda' }],
    ['AttachDisk', 'InvalidDevice.Malformed', 400, { ...both, Device: '/dev/xvdb', Bootable: 'true' }],
    ['AttachDisk', 'InvalidParameter', 400, { ...both, Bootable: 'true', Password: 'Secret.123' }],
    ['AttachDisk', 'InvalidParameter', 400, { ...both, Bootable: 'true', KeyPairName: 'mine' }],
    ['ReInitDisk', 'InvalidPassword.Malformed', 400, { DiskId: diskId, Password: 'Secret.123' }],
    ['ReInitDisk', 'InvalidKeyPairName.NotFound', 400, { DiskId: diskId, KeyPairName: 'mine' }],
    ['ReInitDisk', 'IncorrectInstanceStatus', 403, { DiskId: diskId }],
    ['ResizeDisk', 'MissingParameter', 400, { DiskId: diskId }],
    ['ResizeDisk', 'InvalidDataDiskSize.ValueNotSupported', 400, { DiskId: diskId, NewSize: 'large' }],
    ['ResizeDisk', 'InvalidParam.Type', 400, { DiskId: diskId, NewSize: '30', Type: 'soon' }],
    ['ResizeDisk', 'InvalidDiskSize.TooSmall', 403, { DiskId: diskId, NewSize: '20' }],
    ['ResizeDisk', 'InvalidDiskSize.TooLarge', 403, { DiskId: diskId, NewSize: '70000' }],
    ['ModifyDiskAttribute', 'MissingParameter.DiskIdOrDiskIds', 400, { DiskName: 'name' }],
    ['ModifyDiskAttribute', 'ParameterConflict.DiskIdAndDiskIds', 400, { DiskId: diskId, 'DiskIds.1': diskId }],
    ['ModifyDiskAttribute', 'NoAttributeToModify', 400, { DiskId: diskId }],
    ['ModifyDiskAttribute', 'InvalidDiskName.Malformed', 400, { DiskId: diskId, DiskName: '1' }],
    ['ModifyDiskAttribute', 'InvalidDescription.Malformed', 404, { DiskId: diskId, Description: 'http://x' }],
    [
      'ModifyDiskAttribute',
      'BurstingEnabledForDiskCategoryUnsupported',
      400,
      { DiskId: diskId, BurstingEnabled: 'true' },
    ],
    ['ModifyDiskAttribute', 'InvalidDiskId.NotFound', 404, { 'DiskIds.1': 'd-none', DiskName: 'name' }],
    ['ModifySnapshotAttribute', 'NoAttributeToModify', 400, { SnapshotId: 's-none' }],
    ['ModifySnapshotAttribute', 'InvalidSnapshotId.NotFound', 404, { SnapshotId: 's-none', Description: '' }],
    ['ModifySnapshotAttribute', 'InvalidSnapshotName.Malformed', 400, { SnapshotId: 's-none', SnapshotName: 'auto1' }],
    ['ModifySnapshotAttribute', 'InvalidDescription.Malformed', 404, { SnapshotId: 's-none', Description: 'x' }],
    ['ModifySnapshotAttribute', 'InvalidRetentionDays.Malformed', 400, { SnapshotId: 's-none', RetentionDays: '0' }],
    ['DescribeDisks', 'InvalidDiskIds.Malformed', 403, { DiskIds: 'd-1' }],
    [
      'DescribeDisks',
      'InvalidFilterKey.NotFound',
      404,
      { 'Filter.1.Key': 'Size', 'Filter.1.Value': '2026-01-01T00:00Z' },
    ],
    ['DescribeDisks', 'InvalidFilterValue', 404, { 'Filter.1.Key': 'CreationEndTime', 'Filter.1.Value': 'soon' }],
    ['DescribeSnapshots', 'InvalidSnapshotIds.Malformed', 403, { SnapshotIds: '{}' }],
  ]);
});

test('a disk goes through its day by its actions', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  const show = async () => {
    const answer = await callAction(world, 'DescribeDisks', { DiskIds: JSON.stringify([diskId]) });
    return itemsOf(answer, 'Disks', 'Disk')[0] ?? {};
  };
  assert.deepEqual(await callAction(world, 'ResizeDisk', { DiskId: diskId, NewSize: '30', Type: 'ONLINE' }), {});
  assert.equal((await show())['Size'], 30);
  await callAction(world, 'ModifyDiskAttribute', { DiskId: diskId, DiskName: 'work', DeleteWithInstance: 'false' });
  const { DiskName, DeleteWithInstance } = await show();
  assert.deepEqual([DiskName, DeleteWithInstance], ['work', false]);
  assert.deepEqual(await callAction(world, 'DetachDisk', { DiskId: diskId, InstanceId: instanceId }), {});
  const { Status, Attachments, InstanceId, DetachedTime } = await show();
  assert.deepEqual([Status, Attachments, InstanceId], ['Available', { Attachment: [] }, '']);
  assert.match(String(DetachedTime), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  await assert.rejects(callAction(world, 'DeleteDisk', { DiskId: diskId, DryRun: 'true' }), {
    code: 'DryRunOperation',
  });
  assert.deepEqual(await callAction(world, 'DeleteDisk', { DiskId: diskId }), {});
  assert.deepEqual(await show(), {});
});

test('a description is emptied by a blank one, and kept when none is given', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  const snapshotId = await world.takeSnapshot(diskId);
  const modify = (change: Record<string, string>) =>
    callAction(world, 'ModifySnapshotAttribute', { SnapshotId: snapshotId, ...change });
  await modify({ Description: 'before the upgrade' });
  await modify({ SnapshotName: 'named' });
  assert.equal((await world.snapshot(snapshotId))?.description, 'before the upgrade');
  await modify({ Description: '' });
  const snapshot = await world.snapshot(snapshotId);
  assert.deepEqual([snapshot?.snapshotName, snapshot?.description], ['named', '']);
});

test('every filter of DescribeDisks filters', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  const snapshotId = await world.takeSnapshot(diskId);
  const tags = [{ key: 'team', value: 'red' }];
  const { diskId: freeId } = await world.control.createDisk(
    diskRequest({
      snapshotId,
      category: 'cloud_ssd',
      performanceLevel: null,
      diskName: 'free',
      zoneId: 'cn-hangzhou-b',
      tags,
    }),
  );
  await world.control.modifyDisks({ diskIds: [freeId], deleteAutoSnapshot: false, enableAutoSnapshot: false });
  const [system] = (await world.control.listDisks({ instanceId, type: 'system' }, allRows)).items;
  const systemId = system?.diskId ?? '';
  const { queries } = world.catalog;
  await queries.updateTable('disks').set({ created_at_ms: 0 }).where('disk_id', '=', freeId).execute();
  const all = [diskId, freeId, systemId];
  const attached = [diskId, systemId];
  const soon = formatMinute(world.clock.nowMs() + 600_000);
  const time = (key: string, value: string) => ({ 'Filter.1.Key': key, 'Filter.1.Value': value });
  const rows: [Record<string, string>, string[]][] = [
    [{}, all],
    [{ DiskIds: '[]' }, []],
    [{ DiskIds: JSON.stringify([freeId, 'd-none']) }, [freeId]],
    [{ InstanceId: instanceId }, attached],
    [{ InstanceId: 'i-none' }, []],
    [{ ZoneId: 'cn-hangzhou-b' }, [freeId]],
    [{ DiskName: 'free' }, [freeId]],
    [{ DiskName: 'fre' }, []],
    [{ Category: 'cloud_ssd' }, [freeId]],
    [{ Category: 'All' }, all],
    [{ DiskType: 'SYSTEM' }, [systemId]],
    [{ DiskType: 'all' }, all],
    [{ Status: 'available' }, [freeId]],
    [{ Status: 'In_use' }, attached],
    [{ Status: 'all' }, all],
    [{ SnapshotId: snapshotId }, [freeId]],
    [{ Portable: 'false' }, [systemId]],
    [{ DeleteWithInstance: 'true' }, attached],
    [{ DeleteAutoSnapshot: 'false' }, [freeId]],
    [{ EnableAutoSnapshot: 'True' }, attached],
    [{ DiskChargeType: 'PostPaid' }, all],
    [{ DiskChargeType: 'PrePaid' }, []],
    [{ MultiAttach: 'Enabled' }, []],
    [{ LockReason: 'security' }, []],
    [{ Encrypted: 'true' }, []],
    [{ Encrypted: 'false' }, all],
    [{ EnableShared: 'true' }, []],
    [{ EnableAutomatedSnapshotPolicy: 'true' }, []],
    [{ AutoSnapshotPolicyId: 'sp-1' }, []],
    [{ KMSKeyId: 'key' }, []],
    [{ ResourceGroupId: 'rg-1' }, []],
    [{ 'AdditionalAttributes.1': 'IOPS' }, all],
    [time('CreationStartTime', '2000-01-01T00:00Z'), attached],
    [time('CreationStartTime', soon), []],
    [time('CreationEndTime', '2000-01-01T00:00Z'), [freeId]],
    [time('CreationEndTime', soon), all],
    [{ 'Tag.1.Key': 'team' }, [freeId]],
    [{ 'Tag.1.Key': 'team', 'Tag.1.Value': 'blue' }, []],
    [{ Status: 'Available', ZoneId: 'cn-hangzhou-a' }, []],
  ];
  for (const [filter, expected] of rows) {
    const answer = await callAction(world, 'DescribeDisks', { ...filter, PageSize: '100' });
    const found = itemsOf(answer, 'Disks', 'Disk').map(({ DiskId }) => String(DiskId));
    assert.deepEqual(found.sort(), [...expected].sort(), JSON.stringify(filter));
  }
});

test('every filter of DescribeSnapshots filters', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  const [system] = (await world.control.listDisks({ instanceId, type: 'system' }, allRows)).items;
  const systemId = system?.diskId ?? '';
  const first = await world.takeSnapshot(diskId);
  const second = await world.takeSnapshot(systemId);
  await world.control.modifySnapshot({ snapshotId: second, snapshotName: 'mine' });
  await world.control.tagResources({
    resourceType: 'snapshot',
    resourceIds: [second],
    tags: [{ key: 'team', value: 'red' }],
  });
  await world.control.createDisk(diskRequest({ snapshotId: first }));
  const { queries } = world.catalog;
  await queries.updateTable('snapshots').set({ created_at_ms: 0 }).where('snapshot_id', '=', first).execute();
  const all = [first, second];
  const time = (key: string, value: string) => ({ 'Filter.1.Key': key, 'Filter.1.Value': value });
  const rows: [Record<string, string>, string[]][] = [
    [{}, all],
    [{ SnapshotIds: '[]' }, []],
    [{ SnapshotIds: JSON.stringify([second, 's-none']) }, [second]],
    [{ DiskId: diskId }, [first]],
    [{ DiskId: 'd-none' }, []],
    [{ InstanceId: instanceId }, all],
    [{ InstanceId: 'i-none' }, []],
    [{ SnapshotName: 'mine' }, [second]],
    [{ SnapshotLinkId: `sl-${diskId.slice(2)}` }, [first]],
    [{ SnapshotLinkId: `sl-${diskId.slice(2)}`, DiskId: systemId }, []],
    [{ Status: 'Accomplished' }, all],
    [{ Status: 'progressing' }, []],
    [{ Status: 'failed' }, []],
    [{ Status: 'ALL' }, all],
    [{ SourceDiskType: 'System' }, [second]],
    [{ SourceDiskType: 'data' }, [first]],
    [{ Usage: 'disk' }, [first]],
    [{ Usage: 'none' }, [second]],
    [{ Usage: 'image' }, []],
    [{ Usage: 'image_disk' }, []],
    [{ SnapshotType: 'user' }, all],
    [{ SnapshotType: 'all' }, all],
    [{ SnapshotType: 'auto' }, []],
    [{ Category: 'standard' }, all],
    [{ Category: 'archive' }, []],
    [{ Category: 'Flash' }, []],
    [{ Encrypted: 'true' }, []],
    [{ Encrypted: 'false' }, all],
    [{ KMSKeyId: 'key' }, []],
    [{ ResourceGroupId: 'rg-1' }, []],
    [time('CreationStartTime', '2000-01-01T00:00Z'), [second]],
    [time('CreationEndTime', '2000-01-01T00:00Z'), [first]],
    [{ 'Tag.1.Key': 'team', 'Tag.1.Value': 'red' }, [second]],
    [{ 'Tag.1.Key': 'other' }, []],
  ];
  for (const [filter, expected] of rows) {
    const answer = await callAction(world, 'DescribeSnapshots', { ...filter, PageSize: '100' });
    const found = itemsOf(answer, 'Snapshots', 'Snapshot').map(({ SnapshotId }) => String(SnapshotId));
    assert.deepEqual(found.sort(), [...expected].sort(), JSON.stringify(filter));
  }
});
