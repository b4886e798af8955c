/** The actions on images from their parameters to their answers, before a real control plane on a fake diskd. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { callAction, itemsOf } from '../../test/control/call-action.ts';
import { type World, allRows, createWorld } from '../../test/control/world.ts';
import { formatSecond } from '../ecs/times.ts';
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

async function listImages(world: World, parameters: Record<string, string> = {}) {
  return itemsOf(await callAction(world, 'DescribeImages', parameters), 'Images', 'Image');
}

async function idsOf(world: World, parameters: Record<string, string>): Promise<unknown[]> {
  return (await listImages(world, parameters)).map(({ ImageId }) => ImageId);
}

async function assertCode(work: Promise<unknown>, code: string, what = code): Promise<void> {
  await assert.rejects(work, { code }, what);
}

test('an image is shown with each documented field in its type', async (t) => {
  const world = await createWorld(t, 200);
  const { system, data } = await runSource(world);
  const ImageId = await createImage(world, {
    'DiskDeviceMapping.1.SnapshotId': system,
    'DiskDeviceMapping.1.Device': '/dev/xvda',
    'DiskDeviceMapping.2.SnapshotId': data,
    'DiskDeviceMapping.2.DiskType': 'Data',
    'DiskDeviceMapping.2.Size': '30',
    ImageName: 'web',
    ImageFamily: 'fam',
    ImageVersion: 'v1',
    Description: 'the web',
    Platform: 'ubuntu',
    BootMode: 'uefi',
    'Features.ImdsSupport': 'v1',
    'Tag.1.Key': 'k',
    'Tag.1.Value': 'v',
  });
  const [image] = await listImages(world, { ImageId });
  const { CreationTime, ...shown } = image ?? {};
  const created = (await world.control.listImages({ imageIds: [ImageId] }, allRows)).items[0]?.createdAtMs ?? 0;
  assert.equal(CreationTime, formatSecond(created));
  const mapping = {
    Format: 'RAW',
    Encrypted: false,
    Progress: '100%',
    RemainTime: 0,
    ImportOSSBucket: '',
    ImportOSSObject: '',
  };
  assert.deepEqual(shown, {
    ImageId,
    ImageName: 'web',
    Description: 'the web',
    ImageFamily: 'fam',
    ImageVersion: 'v1',
    ImageOwnerAlias: 'self',
    Architecture: 'x86_64',
    BootMode: 'UEFI',
    OSType: 'linux',
    OSName: 'Ubuntu 64 bit',
    OSNameEn: 'Ubuntu 64 bit',
    Platform: 'Ubuntu',
    Size: 40,
    Status: 'Available',
    Usable: true,
    Progress: '100%',
    Usage: 'none',
    ProductCode: '',
    SupplierName: '',
    LicenseType: '',
    ResourceGroupId: 'rg-default0000000000',
    IsCopied: false,
    IsPublic: false,
    IsSelfShared: 'False',
    IsSubscribed: false,
    IsSupportCloudinit: false,
    IsSupportIoOptimized: true,
    LoginAsNonRootSupported: false,
    DetectionOptions: { Status: '', Items: { Item: [] } },
    Features: {
      CpuOnlineUpgrade: 'unsupported',
      CpuOnlineDowngrade: 'unsupported',
      MemoryOnlineUpgrade: 'unsupported',
      MemoryOnlineDowngrade: 'unsupported',
      ImdsSupport: 'v1',
      NvmeSupport: 'unsupported',
    },
    SecureBootOptions: { SecureBootSupport: 'unsupported' },
    DiskDeviceMappings: {
      DiskDeviceMapping: [
        { Device: '/dev/xvda', Type: 'system', Size: '40', SnapshotId: system, ...mapping },
        { Device: '/dev/xvdb', Type: 'data', Size: '30', SnapshotId: data, ...mapping },
      ],
    },
    Tags: { Tag: [{ TagKey: 'k', TagValue: 'v', Key: 'k', Value: 'v' }] },
  });
});

test('images are listed Available unless asked otherwise, and by every documented filter', async (t) => {
  const world = await createWorld(t, 200);
  const { instanceId, system } = await runSource(world);
  const web = await createImage(world, { SnapshotId: system, ImageName: 'web', ImageFamily: 'fam', 'Tag.1.Key': 'k' });
  await world.clock.sleep(2000);
  const win = await createImage(world, { InstanceId: instanceId, ImageName: 'win', Platform: 'Windows Server 2019' });
  const arm = await createImage(world, { SnapshotId: system, ImageName: 'arm', Architecture: 'arm64' });
  await callAction(world, 'ModifyImageAttribute', { ImageId: arm, Status: 'Deprecated' });
  const own = { ImageOwnerAlias: 'self' };
  const cases: [Record<string, string>, string[]][] = [
    [{}, [win, web, 'hupo_empty_20G']],
    [{ Status: 'ALL', ...own }, [arm, win, web]],
    [{ Status: 'deprecated,Creating', ...own }, [arm]],
    [{ Status: 'Waiting,UnAvailable' }, []],
    [{ Status: 'ALL', Usable: 'true', ...own }, [arm, win, web]],
    [{ Status: 'ALL', Usable: 'false' }, []],
    [{ ImageId: `${web},${arm},m-none`, Status: 'ALL' }, [arm, web]],
    [{ ImageName: 'we' }, [web]],
    [{ ImageFamily: 'fam' }, [web]],
    [{ ImageOwnerAlias: 'others' }, []],
    [{ OSType: 'windows' }, [win]],
    [{ Architecture: 'arm64', Status: 'ALL' }, [arm]],
    [{ ...TYPE, Status: 'ALL', ...own }, [win, web]],
    [{ ...TYPE, Status: 'ALL', Architecture: 'arm64' }, []],
    [{ SnapshotId: system }, [web]],
    [{ Usage: 'instance' }, ['hupo_empty_20G']],
    [{ Usage: 'none' }, [win, web]],
    [{ 'Tag.1.Key': 'k' }, [web]],
    [{ IsPublic: 'true' }, []],
    [{ ImageOwnerId: '9223372036854775807' }, []],
    [{ ResourceGroupId: 'rg-1' }, []],
    [{ 'Filter.1.Key': 'NetworkType', 'Filter.1.Value': 'vpc', ...own }, [win, web]],
    [{ 'Filter.1.Key': 'NetworkType', 'Filter.1.Value': 'classic' }, []],
    [{ 'Filter.1.Key': 'CpuOnlineUpgrade', 'Filter.1.Value': 'supported' }, []],
    [{ 'Filter.1.Key': 'CreationStartTime', 'Filter.1.Value': '2999-01-01T00:00Z' }, []],
    [{ 'Filter.1.Key': 'CreationEndTime', 'Filter.1.Value': '2999-01-01T00:00Z', ...own }, [win, web]],
  ];
  for (const [parameters, expected] of cases) {
    assert.deepEqual(await idsOf(world, parameters), expected, JSON.stringify(parameters));
  }
  const page = await callAction(world, 'DescribeImages', { PageNumber: '2', PageSize: '1' });
  assert.deepEqual(
    { ...page, Images: null },
    {
      RegionId: 'cn-hangzhou',
      PageNumber: 2,
      PageSize: 1,
      TotalCount: 3,
      Images: null,
    },
  );
});

test('what DescribeImages refuses has its documented code', async (t) => {
  const world = await createWorld(t, 200);
  const cases: [string, Record<string, string>][] = [
    ['InvalidParamter', { Status: 'Nice' }],
    ['InvalidUsage', { Usage: 'disk' }],
    ['InvalidOSType', { OSType: 'dos' }],
    ['InvalidArchitecture', { Architecture: 'vax' }],
    ['InvalidInstanceType.ValueNotSupported', { InstanceType: 'ecs.g7.large' }],
    ['InvalidFilterKey.NotFound', { 'Filter.1.Key': 'Color', 'Filter.1.Value': 'x' }],
    ['InvalidFilterKey.NotFound', { 'Filter.1.Key': 'constructor', 'Filter.1.Value': 'x' }],
    ['InvalidFilterValue', { 'Filter.1.Key': 'CreationStartTime', 'Filter.1.Value': 'today' }],
    ['InvalidFilterValue.NetworkType', { 'Filter.1.Key': 'NetworkType', 'Filter.1.Value': 'lan' }],
    ['InvalidTag.Mismatch', { 'Tag.1.Value': 'x' }],
    ['InvalidParameter', { ImageOwnerId: 'me' }],
    ['InvalidParameter', { ImageOwnerId: '1'.repeat(20) }],
    ['DryRunOperation', { DryRun: 'true' }],
  ];
  for (const [code, parameters] of cases) await assertCode(callAction(world, 'DescribeImages', parameters), code);
});

test('what CreateImage refuses has its documented code and status', async (t) => {
  const world = await createWorld(t, 200);
  const { instanceId, system, data } = await runSource(world);
  const token = { ClientToken: 'one', ImageName: 'named' };
  await createImage(world, { SnapshotId: system, ...token });
  const cases: [string, number, Record<string, string>][] = [
    ['MissingParameter', 400, {}],
    ['InvalidImageName.Malformed', 400, { SnapshotId: system, ImageName: 'aliyun_x' }],
    ['InvalidImageFamily.Malformed', 400, { SnapshotId: system, ImageFamily: 'acs:x' }],
    ['InvalidImageVersion.Malformed', 400, { SnapshotId: system, ImageVersion: 'x'.repeat(41) }],
    ['InvalidDescription.Malformed', 400, { SnapshotId: system, Description: 'http://x' }],
    ['InvalidPlatform.Malformed', 400, { SnapshotId: system, Platform: 'Plan 9' }],
    ['InvalidArchitecture.Malformed', 400, { SnapshotId: system, Architecture: 'vax' }],
    ['InvalidImageName.Duplicated', 400, { SnapshotId: system, ImageName: 'named' }],
    ['IdempotenceParamNotMatch', 400, { SnapshotId: system, ClientToken: 'one', ImageName: 'other' }],
    ['InvalidDiskType.ValueNotSupported', 400, { 'DiskDeviceMapping.1.DiskType': 'tape' }],
    ['InvalidDevice.Malformed', 400, { 'DiskDeviceMapping.1.Device': '/dev/sda' }],
    [
      'InvalidDevice.InUse',
      400,
      {
        'DiskDeviceMapping.1.SnapshotId': system,
        'DiskDeviceMapping.2.Device': '/dev/xvdb',
        'DiskDeviceMapping.3.Device': '/dev/xvdb',
      },
    ],
    [
      'InvalidSize.ValueNotSupported',
      400,
      { 'DiskDeviceMapping.1.SnapshotId': system, 'DiskDeviceMapping.1.Size': '10' },
    ],
    ['InvalidSystemSnapshot.Missing', 403, { 'DiskDeviceMapping.1.SnapshotId': data }],
    ['OperationDenied', 403, { SnapshotId: data }],
    ['InvalidSnapshotId.NotFound', 404, { SnapshotId: 's-none' }],
    ['InvalidInstanceId.NotFound', 404, { InstanceId: 'i-none' }],
    ['InvalidResourceGroup.NotFound', 404, { SnapshotId: system, ResourceGroupId: 'my group' }],
    ['UnsupportedParameter', 400, { SnapshotId: system, DetectionStrategy: 'Standard' }],
    ['UnsupportedParameter', 400, { SnapshotId: system, 'Features.ImdsSupport': 'v2' }],
    ['DryRunOperation', 400, { InstanceId: instanceId, DryRun: 'true' }],
  ];
  for (const [code, status, parameters] of cases) {
    await assertCode(callAction(world, 'CreateImage', parameters), code, JSON.stringify(parameters));
    assert.equal(findErrorStatus(code, 'CreateImage'), status, code);
  }
  const again = await createImage(world, { SnapshotId: system, ...token });
  assert.deepEqual(await idsOf(world, { ImageOwnerAlias: 'self' }), [again]);
});

test('an image of an instance descends from the instance’s image, and an unused instance makes none', async (t) => {
  const world = await createWorld(t, 200);
  const { instanceId, system } = await runSource(world);
  const parent = await createImage(world, { SnapshotId: system, Platform: 'Debian', BootMode: 'UEFI' });
  const run = await callAction(world, 'RunInstances', { ...TYPE, ImageId: parent });
  await world.settle();
  const [child = ''] = (run as { InstanceIdSets: { InstanceIdSet: string[] } }).InstanceIdSets.InstanceIdSet;
  const ImageId = await createImage(world, { InstanceId: child, SnapshotId: 's-ignored' });
  const [image] = await listImages(world, { ImageId });
  assert.deepEqual([image?.['Platform'], image?.['BootMode']], ['Debian', 'UEFI']);
  const unused = (await callAction(world, 'CreateInstance', { ...TYPE, ...EMPTY })) as { InstanceId: string };
  await world.settle();
  const create = callAction(world, 'CreateImage', { InstanceId: unused.InstanceId });
  await assertCode(create, 'IncorrectDiskStatus.NeverAttached');
  await callAction(world, 'StopInstance', { InstanceId: instanceId });
  await createImage(world, { InstanceId: instanceId });
});

test('DeleteImage and ModifyImageAttribute do what they are asked, and a blank changes nothing', async (t) => {
  const world = await createWorld(t, 200);
  const { system } = await runSource(world);
  const ImageId = await createImage(world, { SnapshotId: system, ImageName: 'web', Description: 'the web' });
  await callAction(world, 'ModifyImageAttribute', { ImageId, ImageName: '', Description: '', ImageFamily: 'fam' });
  const [image] = await listImages(world, { ImageId });
  assert.deepEqual([image?.['ImageName'], image?.['Description'], image?.['ImageFamily']], ['web', 'the web', 'fam']);
  await callAction(world, 'RunInstances', { ...TYPE, ImageFamily: 'fam' });
  await world.settle();
  assert.equal((await listImages(world, { ImageId }))[0]?.['Usage'], 'instance');
  const dryRun = { ImageId, Force: 'true', DryRun: 'true' };
  await assertCode(callAction(world, 'DeleteImage', dryRun), 'DryRunOperation');
  await assertCode(callAction(world, 'DeleteImage', { ImageId }), 'ImageUsingByInstance');
  await assertCode(callAction(world, 'DeleteImage', EMPTY), 'ImageIsPublic');
  await assertCode(callAction(world, 'DeleteImage', {}), 'MissingParameter');
  await assertCode(
    callAction(world, 'ModifyImageAttribute', { ImageId, ImageName: '1' }),
    'InvalidImageName.Malformed',
  );
  await callAction(world, 'DeleteImage', { ImageId, Force: 'true' });
  assert.deepEqual(await listImages(world, { ImageId, Status: 'ALL' }), []);
  await assertCode(callAction(world, 'DeleteImage', { ImageId }), 'InvalidImageId.NotFound');
});
