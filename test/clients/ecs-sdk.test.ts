/** The real npm clients, unmodified, against the API: what they send is understood and what they get they accept. */
import assert from 'node:assert/strict';
import test from 'node:test';
import ecs from '@alicloud/ecs20140526';
import openApi from '@alicloud/openapi-client';
import PopCore from '@alicloud/pop-core';
import { EMPTY_IMAGE_ID } from '../../src/control/empty-image.ts';
import { allRows } from '../control/world.ts';
import { ACCESS_KEY_ID, ACCESS_KEY_SECRET, openApi as startApi, type ApiFixture } from './api-fixture.ts';

type EcsClient = InstanceType<typeof ecs.default>;

function connect(api: ApiFixture, changes: Record<string, string> = {}): EcsClient {
  const config = {
    accessKeyId: ACCESS_KEY_ID,
    accessKeySecret: ACCESS_KEY_SECRET,
    endpoint: api.endpoint,
    protocol: 'http',
    regionId: 'cn-hangzhou',
    ...changes,
  };
  // The client asks for a class of a package that it brings itself; it reads nothing but these members.
  return new ecs.default(config as unknown as ConstructorParameters<typeof ecs.default>[0]);
}

async function runInstance(client: EcsClient): Promise<string> {
  const { body } = await client.runInstances(
    new ecs.RunInstancesRequest({
      regionId: 'cn-hangzhou',
      imageId: EMPTY_IMAGE_ID,
      instanceType: 'ecs.external.large',
      instanceName: 'web',
      dataDisk: [new ecs.RunInstancesRequestDataDisk({ category: 'cloud_essd', size: 20, performanceLevel: 'PL1' })],
      tag: [new ecs.RunInstancesRequestTag({ key: 'team', value: 'a b+c*~测' })],
    }),
  );
  const [instanceId] = body?.instanceIdSets?.instanceIdSet ?? [];
  assert.ok(instanceId);
  return instanceId;
}

for (const signatureAlgorithm of ['', 'v2']) {
  const name = signatureAlgorithm === 'v2' ? 'version 1 signatures' : 'header signatures';
  test(`ecs20140526 does the main job with ${name}`, async () => {
    await using api = await startApi();
    const client = connect(api, signatureAlgorithm === '' ? {} : { signatureAlgorithm });
    const instanceId = await runInstance(client);
    const listed = await client.describeDisks(
      new ecs.DescribeDisksRequest({ instanceId, diskType: 'data', regionId: 'cn-hangzhou' }),
    );
    const [disk] = listed.body?.disks?.disk ?? [];
    assert.equal(disk?.size, 20);
    assert.equal(disk?.attachments?.attachment?.[0]?.instanceId, instanceId);
    assert.equal(disk?.serialNumber, disk?.diskId?.slice(2));
    assert.equal(disk?.encrypted, false);
    const uploads = api.world.holdUploads();
    const created = await client.createSnapshot(
      new ecs.CreateSnapshotRequest({ diskId: disk?.diskId ?? '', snapshotName: 'before-upgrade' }),
    );
    const snapshotId = created.body?.snapshotId ?? '';
    await api.world.setProgress(snapshotId, 37, 12);
    const found = await client.describeSnapshots(
      new ecs.DescribeSnapshotsRequest({ regionId: 'cn-hangzhou', snapshotIds: JSON.stringify([snapshotId]) }),
    );
    const [snapshot] = found.body?.snapshots?.snapshot ?? [];
    assert.equal(snapshot?.progress, '37%');
    assert.equal(snapshot?.remainTime, 12);
    assert.equal(snapshot?.sourceDiskId, disk?.diskId);
    assert.equal(snapshot?.sourceDiskSize, '20');
    uploads.release();
    await api.world.until('the snapshot', async () => {
      const page = await client.describeSnapshots(
        new ecs.DescribeSnapshotsRequest({ regionId: 'cn-hangzhou', diskId: disk?.diskId ?? '' }),
      );
      return page.body?.snapshots?.snapshot?.[0]?.status === 'accomplished';
    });
    await client.stopInstance(new ecs.StopInstanceRequest({ instanceId }));
    await client.resetDisk(new ecs.ResetDiskRequest({ diskId: disk?.diskId ?? '', snapshotId }));
    await client.startInstance(new ecs.StartInstanceRequest({ instanceId }));
    const fromSnapshot = await client.createDisk(
      new ecs.CreateDiskRequest({
        regionId: 'cn-hangzhou',
        zoneId: 'cn-hangzhou-a',
        snapshotId,
        diskCategory: 'cloud_essd',
      }),
    );
    await client.attachDisk(new ecs.AttachDiskRequest({ diskId: fromSnapshot.body?.diskId ?? '', instanceId }));
    await client.deleteSnapshot(new ecs.DeleteSnapshotRequest({ snapshotId, force: true }));
    assert.equal((await api.world.control.listSnapshots({}, allRows)).totalCount, 0);
    assert.deepEqual(api.warnings, []);
  });
}

test('ecs20140526 reads every kind of list', async () => {
  await using api = await startApi();
  const client = connect(api);
  await runInstance(client);
  const regions = await client.describeRegions(new ecs.DescribeRegionsRequest({}));
  assert.equal(regions.body?.regions?.region?.[0]?.regionEndpoint, api.endpoint);
  const zones = await client.describeZones(new ecs.DescribeZonesRequest({ regionId: 'cn-hangzhou' }));
  assert.deepEqual(
    zones.body?.zones?.zone?.map((zone) => zone.zoneId),
    ['cn-hangzhou-a', 'cn-hangzhou-b'],
  );
  const types = await client.describeInstanceTypes(new ecs.DescribeInstanceTypesRequest({}));
  assert.equal(types.body?.instanceTypes?.instanceType?.[0]?.instanceTypeId, 'ecs.external.large');
  const images = await client.describeImages(new ecs.DescribeImagesRequest({ regionId: 'cn-hangzhou', status: 'ALL' }));
  assert.equal(images.body?.images?.image?.[0]?.usage, 'instance');
  const instances = await client.describeInstances(new ecs.DescribeInstancesRequest({ regionId: 'cn-hangzhou' }));
  const [instance] = instances.body?.instances?.instance ?? [];
  assert.equal(instance?.instanceName, 'web');
  assert.equal(instance?.tags?.tag?.[0]?.tagValue, 'a b+c*~测');
  assert.match(instance?.creationTime ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\dZ$/);
  const none = await client.describeSnapshots(new ecs.DescribeSnapshotsRequest({ regionId: 'cn-hangzhou' }));
  assert.deepEqual(none.body?.snapshots?.snapshot, []);
});

test('ecs20140526 reports a refusal with its code, status and message', async () => {
  await using api = await startApi();
  const refused = connect(api).createSnapshot(new ecs.CreateSnapshotRequest({ diskId: 'd-none' }));
  await assert.rejects(refused, { code: 'InvalidDiskId.NotFound', statusCode: 404 });
  const stranger = connect(api, { accessKeyId: 'other' }).describeRegions(new ecs.DescribeRegionsRequest({}));
  await assert.rejects(stranger, { code: 'InvalidAccessKeyId.NotFound', statusCode: 400 });
});

test('openapi-client calls an action by name, with a form body', async () => {
  await using api = await startApi();
  const { Config, OpenApiRequest, Params, default: Client } = openApi;
  const client = new Client(
    new Config({
      accessKeyId: ACCESS_KEY_ID,
      accessKeySecret: ACCESS_KEY_SECRET,
      endpoint: api.endpoint,
      protocol: 'http',
    }),
  );
  const params = new Params({
    action: 'CreateDisk',
    version: '2014-05-26',
    protocol: 'HTTP',
    method: 'POST',
    authType: 'AK',
    style: 'RPC',
    pathname: '/',
    reqBodyType: 'formData',
    bodyType: 'json',
  });
  const body = { ZoneId: 'cn-hangzhou-b', DiskCategory: 'cloud_efficiency', Size: '20', DiskName: 'a*b' };
  const wrongName = client.callApi(params, new OpenApiRequest({ body }), {} as never);
  await assert.rejects(wrongName, { code: 'InvalidDiskName.Malformed' });
  const request = new OpenApiRequest({ body: { ...body, DiskName: 'a:b', Description: 'x *~ + 测' } });
  await client.callApi(params, request, {} as never);
  assert.equal((await api.world.control.listDisks({}, allRows)).items[0]?.description, 'x *~ + 测');
});

for (const method of ['GET', 'POST']) {
  test(`pop-core calls with ${method}`, async () => {
    await using api = await startApi();
    const client = new PopCore({
      accessKeyId: ACCESS_KEY_ID,
      accessKeySecret: ACCESS_KEY_SECRET,
      endpoint: `http://${api.endpoint}`,
      apiVersion: '2014-05-26',
    });
    const disk = { ZoneId: 'cn-hangzhou-a', Size: 20, DiskCategory: 'cloud_ssd', Description: "it's (a) *~ 测!" };
    const created = await client.request<{ DiskId: string; Code?: string }>('CreateDisk', disk, { method });
    assert.equal(created.Code, undefined);
    assert.equal((await api.world.disk(created.DiskId))?.description, "it's (a) *~ 测!");
    const listed = await client.request<{ Disks: { Disk: { DiskId: string }[] } }>(
      'DescribeDisks',
      { RegionId: 'cn-hangzhou', DiskIds: JSON.stringify([created.DiskId]) },
      { method },
    );
    assert.equal(listed.Disks.Disk[0]?.DiskId, created.DiskId);
    await assert.rejects(client.request('DeleteSnapshot', { SnapshotId: 's-none' }, { method }), {
      code: 'InvalidSnapshotId.NotFound',
    });
  });
}
