/** Requests in every shape that clients were seen to send (`clients.md` 1, 10), made by hand. */
import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { actions } from '../../src/api/action-list.ts';
import { EMPTY_IMAGE_ID } from '../../src/control/empty-image.ts';
import { OperationalError } from '../../src/lib/errors.ts';
import type { Pair } from '../../src/api/percent.ts';
import { isOwn } from '../conformance/extensions.ts';
import { allRows, diskRequest, imageRequest } from '../control/world.ts';
import {
  ACCESS_KEY_ID,
  call,
  commonPairs,
  encodePairs,
  openApi,
  parseRaw,
  send,
  sendRaw,
  signPairs,
  type ApiFixture,
} from './api-fixture.ts';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const DISK: Pair[] = [
  ['ZoneId', 'cn-hangzhou-a'],
  ['DiskCategory', 'cloud_essd'],
  ['Size', '20'],
];

function split(pairs: readonly Pair[], business: readonly Pair[]): { query: string; body: string } {
  const inBody = new Set(business.map(([name]) => name));
  const query = pairs.filter(([name]) => !inBody.has(name));
  return { query: encodePairs(query), body: encodePairs(business) };
}

async function newestDisk(api: ApiFixture) {
  const [disk] = (await api.world.control.listDisks({}, allRows)).items;
  assert.ok(disk);
  return disk;
}

test('the CLI posts everything in the query, blanks too, with an empty body', async () => {
  await using api = await openApi();
  const pairs: Pair[] = [
    ...commonPairs('CreateDisk'),
    ...DISK,
    ['SignatureType', ''],
    ['SecurityToken', ''],
    ['RegionId', 'cn-hangzhou'],
  ];
  const target = `/?${encodePairs(signPairs('POST', pairs))}`;
  const answer = await send(api, target, { method: 'POST', headers: { ...FORM, 'x-acs-action': 'CreateDisk' } });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
});

test('Terraform puts the business parameters in a form and the rest in the query', async () => {
  await using api = await openApi();
  const business: Pair[] = [
    ...DISK,
    ['DiskName', 'tf-disk'],
    ['ClientToken', 'TF-CreateDisk-1-2'],
    ['Description', ''],
  ];
  const { query, body } = split(signPairs('POST', [...commonPairs('CreateDisk'), ...business]), business);
  const answer = await send(api, `/?${query}`, {
    method: 'POST',
    headers: FORM,
    body,
  });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.equal((await newestDisk(api)).diskName, 'tf-disk');
});

test('spaces arrive as plus or %20, and stars and quotes raw or encoded', async () => {
  await using api = await openApi();
  for (const wire of ['a+*!%27%28%29', "a%20%2A%21'()"]) {
    const pairs = signPairs('GET', [...commonPairs('CreateDisk'), ...DISK, ['Description', "a *!'()"]]);
    const rest = encodePairs(pairs.filter(([name]) => name !== 'Description'));
    const answer = await send(api, `/?${rest}&Description=${wire}`);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.equal((await newestDisk(api)).description, "a *!'()");
  }
});

test('RegionId beside regionId, and a Format in lower case, are fine', async () => {
  await using api = await openApi();
  const common = commonPairs('DescribeDisks').map(([name, value]): Pair => [name, name === 'Format' ? 'json' : value]);
  const pairs = signPairs('GET', [...common, ['RegionId', 'cn-hangzhou'], ['regionId', 'cn-shanghai']]);
  assert.equal((await send(api, `/?${encodePairs(pairs)}`)).status, 200);
});

test('a chunked form body is read', async () => {
  await using api = await openApi();
  const body = encodePairs(signPairs('POST', [...commonPairs('CreateDisk'), ...DISK]));
  const half = Math.floor(body.length / 2);
  const chunks = [body.slice(0, half), body.slice(half)].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`);
  const head = `POST / HTTP/1.1\r\nHost: ${api.endpoint}\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const { status } = parseRaw(await sendRaw(api, `${head}${chunks.join('')}0\r\n\r\n`));
  assert.equal(status, 200);
});

test('absolute targets, as behind HTTP_PROXY, and a double slash reach the API', async () => {
  await using api = await openApi();
  for (const base of [
    'http://ecs-cn-hangzhou.aliyuncs.com/',
    'http://ecs.aliyuncs.com',
    'HTTP://ecs.aliyuncs.com:80//',
    '//',
    '/',
  ]) {
    const target = `${base}?${encodePairs(signPairs('GET', commonPairs('DescribeRegions')))}`;
    const { status, body } = parseRaw(await sendRaw(api, `GET ${target} HTTP/1.1\r\nHost: ecs.aliyuncs.com\r\n\r\n`));
    assert.deepEqual([base, status], [base, 200]);
    assert.equal((body['Regions'] as { Region: { RegionEndpoint: string }[] }).Region[0]?.RegionEndpoint, api.endpoint);
  }
});

test('raw brackets and quotes in the query are read as they are', async () => {
  await using api = await openApi();
  const pairs = signPairs('GET', [...commonPairs('DescribeDisks'), ['DiskIds', '["d-1"]']]);
  const rest = encodePairs(pairs.filter(([name]) => name !== 'DiskIds'));
  const { status } = parseRaw(await sendRaw(api, `GET //?${rest}&DiskIds=["d-1"] HTTP/1.1\r\nHost: x\r\n\r\n`));
  assert.equal(status, 200);
});

test('a token stands for the business parameters and not for how they were sent', async () => {
  await using api = await openApi();
  const disk = { ...Object.fromEntries(DISK), ClientToken: 'n:pvc-1' };
  const first = await call(api, 'CreateDisk', { ...disk, 'Tag.1.Key': 'k' });
  const again = await call(api, 'CreateDisk', {
    ...disk,
    'tag.1.key': 'k',
    RegionId: 'cn-hangzhou',
    Description: '',
    Unknown: 'x',
  });
  assert.equal(again.body['DiskId'], first.body['DiskId']);
  const other = await call(api, 'CreateDisk', { ...disk, Size: '21' });
  assert.deepEqual([other.status, other.body['Code']], [400, 'IdempotentParameterMismatch']);
  const long = await call(api, 'CreateDisk', { ...disk, ClientToken: 'x'.repeat(65) });
  assert.deepEqual([long.status, long.body['Code']], [403, 'InvalidClientToken.Malformed']);
});

test('a token that was used with other parameters is refused as each action documents it', async () => {
  await using api = await openApi();
  const run = { ImageId: EMPTY_IMAGE_ID, InstanceType: 'ecs.external.large' };
  const essd = { 'DataDisk.1.Category': 'cloud_essd', 'DataDisk.1.Size': '20' };
  const { body: made } = await call(api, 'RunInstances', { ...run, ...essd });
  const [instanceId = ''] = (made['InstanceIdSets'] as { InstanceIdSet: string[] }).InstanceIdSet;
  await api.world.settle();
  const [disk] = (await api.world.control.listDisks({ instanceId, type: 'data' }, allRows)).items;
  assert.ok(disk);
  const ofDisk = { DiskId: disk.diskId };
  const ofInstance = { 'InstanceId.1': instanceId, Force: 'true' };
  const SnapshotId = await api.world.takeSnapshot(disk.diskId);
  const lock = { SnapshotId, LockMode: 'compliance', LockDuration: '7', CoolOffPeriod: '3' };
  api.world.exchange.put('linux.raw', { 1: 'linux' });
  const ofFile = { 'DiskDeviceMapping.1.OSSBucket': 'images', 'DiskDeviceMapping.1.OSSObject': 'linux.raw' };
  const { body: stopped } = await call(api, 'CreateInstance', run);
  const paid = { InstanceChargeType: 'PrePaid', Period: '1' };
  const { body: subscribed } = await call(api, 'CreateInstance', { ...run, ...essd, ...paid });
  const paidId = String(subscribed['InstanceId']);
  const [paidDisk] = (await api.world.control.listDisks({ instanceId: paidId, type: 'data' }, allRows)).items;
  const ofPaid = { InstanceId: paidId, Period: '1' };
  const ofPaidDisk = { InstanceId: paidId, DiskIds: JSON.stringify([paidDisk?.diskId]) };
  const change = { InstanceIds: JSON.stringify([stopped['InstanceId']]), Period: '1' };
  const ofStopped = { InstanceId: String(stopped['InstanceId']), ImageId: EMPTY_IMAGE_ID };
  await api.world.settle();
  const { imageId: ImageId } = await api.world.control.createImage(imageRequest({ instanceId }));
  await api.world.settle();
  const ofCopy = {
    DestinationRegionId: 'cn-hangzhou',
    DestinationSnapshotName: 'copied',
    DestinationSnapshotDescription: 'of it',
  };
  const mismatch = 'IdempotentParameterMismatch';
  const cases: [action: string, first: Record<string, string>, other: Record<string, string>, object][] = [
    ['CreateDisk', Object.fromEntries(DISK), { Size: '21' }, [400, mismatch]],
    ['CreateSnapshot', ofDisk, { SnapshotName: 'other' }, [403, mismatch]],
    ['CreateSnapshotGroup', { 'DiskId.1': disk.diskId }, { Name: 'other' }, [403, mismatch]],
    ['CreateImage', { InstanceId: instanceId }, { ImageName: 'other' }, [400, 'IdempotenceParamNotMatch']],
    ['CreateInstance', run, { InstanceName: 'other' }, [400, mismatch]],
    ['RunInstances', run, { Amount: '2' }, [400, mismatch]],
    ['ImportImage', ofFile, { ImageName: 'other' }, [400, mismatch]],
    ['ReplaceSystemDisk', ofStopped, { 'SystemDisk.Size': '60' }, [400, mismatch]],
    ['ResizeDisk', { ...ofDisk, NewSize: '50' }, { NewSize: '60' }, [400, mismatch]],
    ['CopySnapshot', { SnapshotId, ...ofCopy }, { DestinationSnapshotName: 'other' }, [400, mismatch]],
    ['CopyImage', { ImageId }, { DestinationImageName: 'other' }, [400, mismatch]],
    ['RenewInstance', ofPaid, { Period: '2' }, [400, mismatch]],
    ['ModifyDiskChargeType', ofPaidDisk, { DiskChargeType: 'PostPaid' }, [400, mismatch]],
    ['ModifyInstanceChargeType', change, { Period: '2' }, [400, mismatch]],
    ['LockSnapshot', lock, { LockDuration: '8' }, [400, mismatch]],
    ['UnlockSnapshot', { SnapshotId }, { SnapshotId: 's-other' }, [400, mismatch]],
    ['DeleteInstances', ofInstance, { Force: 'false' }, [400, mismatch]],
  ];
  const withToken = actions.filter(({ name, parameters }) => {
    return parameters['ClientToken']?.use === 'used' && !isOwn(name);
  });
  assert.deepEqual(cases.map(([action]) => action).sort(), withToken.map(({ name }) => name).sort());
  for (const [action, first, other, expected] of cases) {
    const asked = { ...first, ClientToken: 'n:pvc-1' };
    const { status, body } = await call(api, action, asked);
    assert.equal(status, 200, `${action} ${JSON.stringify(body)}`);
    await api.world.settle();
    const answer = await call(api, action, { ...asked, ...other });
    assert.deepEqual([answer.status, answer.body['Code']], expected, action);
    assert.match(String(answer.body['Message']), new RegExp(`n:pvc-1 was used for ${action} with other parameters`));
    const again = await call(api, action, asked);
    assert.deepEqual({ ...again.body, RequestId: '' }, { ...body, RequestId: '' }, action);
  }
});

test('refusals have the documented code and status and say what to do', async () => {
  await using api = await openApi();
  const disk = Object.fromEntries(DISK);
  const run = { ImageId: 'x', InstanceType: 'ecs.external.large' };
  const cases: [action: string, parameters: Record<string, string>, status: number, code: string, message: RegExp][] = [
    [
      'CreateDisk',
      { ...disk, Size: '19' },
      403,
      'InvalidDataDiskSize.ValueNotSupported',
      /"Size".*"19".*20 to 65536 GiB/,
    ],
    [
      'CreateDisk',
      { ...disk, PerformanceLevel: 'PL3', Size: '100' },
      403,
      'OperationDenied.PerformanceLevelNotMatch',
      /1261/,
    ],
    ['CreateDisk', { ...disk, PerformanceLevel: 'PL9' }, 400, 'InvalidPerformanceLevel.Malformed', /PL0/],
    ['CreateDisk', { ...disk, DiskCategory: 'tape' }, 403, 'InvalidDataDiskCategory.ValueNotSupported', /cloud_essd/],
    [
      'CreateDisk',
      { ...disk, DiskCategory: 'local_ssd_pro' },
      400,
      'InvalidDataDiskCategory.NotSupported',
      /cloud_essd/,
    ],
    ['CreateDisk', { ...disk, Encrypted: 'true' }, 400, 'InvalidParameter.EncryptedNotSupported', /"Encrypted"/],
    ['CreateDisk', { ...disk, MultiAttach: 'Enabled' }, 403, 'InvalidParameter.MultiAttach', /one instance/],
    ['CreateDisk', { ...disk, ZoneId: 'cn-hangzhou-z' }, 404, 'InvalidZoneId.NotFound', /cn-hangzhou-a/],
    ['CreateDisk', { ...disk, RegionId: 'cn-beijing' }, 404, 'InvalidRegionId.NotFound', /cn-hangzhou/],
    ['CreateDisk', { ...disk, Description: 'http://x' }, 403, 'InvalidDescription.Malformed', /http/],
    ['CreateDisk', { ZoneId: 'cn-hangzhou-a' }, 400, 'MissingParameter', /"Size"/],
    ['CreateSnapshot', { DiskId: 'd-1', SnapshotName: 'auto1' }, 400, 'InvalidSnapshotName.Malformed', /automatic/],
    ['CreateSnapshot', { DiskId: 'd-1', Description: 'x' }, 404, 'InvalidDescription.Malformed', /2 to 256/],
    ['CreateSnapshot', { DiskId: 'd-1', RetentionDays: '0' }, 400, 'InvalidRetentionDays.Malformed', /1 to 65536/],
    ['CreateSnapshot', { DiskId: 'd-1', KMSKeyId: 'k' }, 400, 'InvalidParameter.EncryptedNotSupported', /"KMSKeyId"/],
    ['CreateSnapshot', { DiskId: 'd-1', Category: 'Flash' }, 403, 'InvalidSnapshotCategory.Malformed', /Standard/],
    ['CreateSnapshot', { DiskId: 'd-1', 'Tag.1.Key': 'a', 'Tag.2.Key': 'a' }, 400, 'Duplicate.TagKey', /"a"/],
    ['DeleteSnapshot', {}, 400, 'MissingParameter', /"SnapshotId"/],
    ['DescribeDisks', { DiskIds: 'd-1' }, 403, 'InvalidDiskIds.Malformed', /JSON array/],
    ['DescribeDisks', { Status: 'Gone' }, 400, 'InvalidStatus.ValueNotSupported', /In_use/],
    ['DescribeDisks', { 'Tag.1.Value': 'v' }, 400, 'InvalidTag.Mismatch', /Key/],
    [
      'DescribeDisks',
      { 'Filter.1.Key': 'Colour', 'Filter.1.Value': 'red' },
      404,
      'InvalidFilterKey.NotFound',
      /CreationStartTime/,
    ],
    [
      'DescribeDisks',
      { 'Filter.1.Key': 'CreationStartTime', 'Filter.1.Value': 'now' },
      404,
      'InvalidFilterValue',
      /yyyy/,
    ],
    ['DescribeDisks', { DryRun: 'true' }, 400, 'DryRunOperation', /DryRun/],
    ['DescribeSnapshots', { Status: 'done' }, 404, 'InvalidStatus.NotFound', /accomplished/],
    [
      'RunInstances',
      { ...run, InstanceType: 'ecs.g6.large' },
      400,
      'InvalidInstanceType.ValueNotSupported',
      /ecs\.external\.large/,
    ],
    ['RunInstances', { ...run, UserData: '#!/bin/sh' }, 400, 'InvalidParameter', /"UserData".*Base64/],
    [
      'RunInstances',
      { ...run, 'SystemDisk.Size': '5' },
      400,
      'InvalidSystemDiskSize.ValueNotSupported',
      /"SystemDisk.Size"/,
    ],
    ['RunInstances', { ...run, 'DataDisk.1.Category': 'cloud_ssd' }, 400, 'MissingParameter', /"DataDisk.1.Size"/],
    ['RunInstances', { ...run, SecurityGroupId: 'sg-1' }, 404, 'InvalidSecurityGroupId.NotFound', /sg-bp1/],
    ['RunInstances', { ...run, VSwitchId: 'vsw-1' }, 404, 'InvalidVSwitchId.NotFound', /vsw-bp1/],
    ['AttachDisk', { DiskId: 'd-1', InstanceId: 'i-1', Device: '/dev/sda' }, 400, 'InvalidDevice.Malformed', /xvdb/],
    ['RedeployInstance', {}, 404, 'InvalidAction.NotFound', /does not have it/],
  ];
  for (const [action, parameters, status, code, message] of cases) {
    const answer = await call(api, action, parameters);
    assert.deepEqual([action, answer.status, answer.body['Code']], [action, status, code], JSON.stringify(answer.body));
    assert.match(String(answer.body['Message']), message);
    for (const value of Object.values(answer.body)) assert.equal(typeof value, 'string');
    assert.equal(answer.body['HostId'], api.endpoint);
  }
  assert.deepEqual(
    api.calls.filter(({ method }) => !method.startsWith('list')),
    [],
  );
});

test('a dry run meets the refusals of the real one, and else says that it would be done', async () => {
  await using api = await openApi();
  const disk = Object.fromEntries(DISK);
  const cases: [action: string, parameters: Record<string, string>, status: number, code: string][] = [
    ['CreateDisk', disk, 400, 'DryRunOperation'],
    ['CreateDisk', { ...disk, SnapshotId: 's-1' }, 404, 'InvalidSnapshotId.NotFound'],
    ['CreateSnapshot', { DiskId: 'd-1' }, 404, 'InvalidDiskId.NotFound'],
    ['DeleteSnapshot', { SnapshotId: 's-1' }, 404, 'InvalidSnapshotId.NotFound'],
    ['ResetDisk', { DiskId: 'd-1', SnapshotId: 's-1' }, 404, 'InvalidDiskId.NotFound'],
  ];
  for (const [action, parameters, status, code] of cases) {
    const answer = await call(api, action, { ...parameters, DryRun: 'true' });
    assert.deepEqual([action, answer.status, answer.body['Code']], [action, status, code], JSON.stringify(answer.body));
  }
  assert.equal((await call(api, 'DescribeDisks')).body['TotalCount'], 0);
});

test('a filter that nothing here can match gives an empty list', async () => {
  await using api = await openApi();
  await call(api, 'CreateDisk', Object.fromEntries(DISK));
  const filters = [
    { Encrypted: 'true' },
    { KMSKeyId: 'k' },
    { LockReason: 'security' },
    { ResourceGroupId: 'rg-1' },
    { DiskChargeType: 'PrePaid' },
    { AutoSnapshotPolicyId: 'sp-1' },
    { DiskIds: '[]' },
  ];
  for (const filter of filters) {
    const { body } = await call(api, 'DescribeDisks', filter);
    assert.deepEqual([filter, body['TotalCount'], body['Disks']], [filter, 0, { Disk: [] }]);
  }
  const all = await call(api, 'DescribeDisks', {
    Encrypted: 'false',
    DiskChargeType: 'PostPaid',
    Status: 'all',
    Category: 'all',
  });
  assert.equal(all.body['TotalCount'], 1);
});

test('default network, names and disks of instances are passed on', async () => {
  await using api = await openApi();
  const zoneB = { VSwitchId: 'vsw-bp1default000000000b', SecurityGroupId: 'sg-bp1default0000000000' };
  const answer = await call(api, 'RunInstances', {
    ImageId: EMPTY_IMAGE_ID,
    InstanceType: 'ecs.external.xlarge',
    Amount: '2',
    InstanceName: 'web-[7,2]',
    InternetMaxBandwidthOut: '0',
    InstanceChargeType: 'PostPaid',
    'DataDisk.1.Size': '100',
    'DataDisk.1.DeleteWithInstance': 'false',
    'DataDisk.3.Size': '40',
    'DataDisk.3.Device': '/dev/xvdf',
    ...zoneB,
  });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  const { request } = api.calls.find(({ method }) => method === 'runInstances') ?? {};
  assert.deepEqual(request, {
    zoneId: 'cn-hangzhou-b',
    imageId: EMPTY_IMAGE_ID,
    instanceType: 'ecs.external.xlarge',
    instanceNames: ['web-07', 'web-08'],
    imageFamily: null,
    hostNames: [null, null],
    description: '',
    amount: 2,
    systemDisk: newDisk({ sizeGib: null, deleteWithInstance: true }),
    dataDisks: [newDisk({ sizeGib: 100 }), newDisk({ sizeGib: 40, device: '/dev/xvdf', deleteWithInstance: true })],
    deletionProtection: false,
    userData: null,
    start: true,
    resourceGroupId: 'rg-default0000000000',
    tags: [],
    subscription: null,
  });
  assert.equal((await call(api, 'DescribeInstances', zoneB)).body['TotalCount'], 2);
  assert.equal((await call(api, 'DescribeInstances', { VSwitchId: 'vsw-bp1default000000000a' })).body['TotalCount'], 0);
  assert.equal((await call(api, 'DescribeInstances', { VpcId: 'vpc-other' })).body['TotalCount'], 0);
});

test('a disk from a snapshot may be asked for smaller than it will be', async () => {
  await using api = await openApi();
  const answer = await call(api, 'CreateDisk', { ...Object.fromEntries(DISK), Size: '1', SnapshotId: 's-none' });
  assert.equal(answer.body['Code'], 'InvalidSnapshotId.NotFound');
  assert.deepEqual(api.calls[0]?.request, {
    zoneId: 'cn-hangzhou-a',
    instanceId: null,
    category: 'cloud_essd',
    performanceLevel: 'PL1',
    sizeGib: 1,
    snapshotId: 's-none',
    diskName: '',
    description: '',
    resourceGroupId: 'rg-default0000000000',
    tags: [],
    policyId: null,
  });
});

test('a snapshot chain is found by its id', async () => {
  await using api = await openApi();
  await call(api, 'DescribeSnapshots', { SnapshotLinkId: 'sl-bp1x', DiskId: 'd-bp1x' });
  assert.deepEqual(api.calls.at(-1), {
    method: 'listSnapshots',
    request: { diskId: 'd-bp1x' },
    more: { pageNumber: 1, pageSize: 10, nextToken: null },
  });
  const none = await call(api, 'DescribeSnapshots', { SnapshotLinkId: 'sl-bp1x', DiskId: 'd-bp1y' });
  assert.equal(none.body['TotalCount'], 0);
  assert.equal(api.calls.length, 1);
});

test('a body over the limit is a clear refusal', async () => {
  await using api = await openApi();
  const answer = await send(api, '/', { method: 'POST', headers: FORM, body: 'x'.repeat(2 * 1024 * 1024) });
  assert.deepEqual([answer.status, answer.body['Code']], [400, 'InvalidParameter']);
  assert.match(String(answer.body['Message']), /262144 bytes/);
});

test('clients that go away or stall leave nothing behind', async () => {
  await using api = await openApi();
  const request = http.request({
    host: '127.0.0.1',
    port: api.port,
    method: 'POST',
    headers: { ...FORM, 'content-length': 100 },
  });
  request.on('error', () => undefined);
  const closed = new Promise((resolve) => {
    api.server.once('request', (message: http.IncomingMessage) => message.once('close', resolve));
  });
  request.write('Action=');
  await new Promise((resolve) => api.server.once('request', resolve));
  request.destroy();
  await closed;
  assert.deepEqual(api.warnings, []);
  assert.ok(api.server.headersTimeout > 0 && api.server.requestTimeout > 0 && api.server.timeout > 0);
});

test('a client that sends far ahead and reads nothing is not served ahead without end', async () => {
  await using api = await openApi();
  for (let index = 0; index < 100; index++) {
    await api.world.control.createDisk(diskRequest({ description: 'x'.repeat(256) }));
  }
  const requests = Array.from({ length: 400 }, () => {
    const pairs: Pair[] = [...commonPairs('DescribeDisks'), ['PageSize', '100']];
    return `GET /?${encodePairs(signPairs('GET', pairs))} HTTP/1.1\r\nHost: x\r\n\r\n`;
  });
  const socket = net.connect(api.port, '127.0.0.1').setEncoding('latin1');
  socket.write(requests.join(''));
  let before = -1;
  while (api.calls.length > before) {
    before = api.calls.length;
    await delay(500);
  }
  assert.ok(before > 0 && before < 300, `${before} of 400 were answered to a client that reads nothing`);
  let answers = 0;
  for await (const piece of socket) {
    answers += String(piece).split('HTTP/1.1 200 OK').length - 1;
    if (api.calls.length === 400 && answers >= 390) break; // the rest may be cut across pieces
  }
  assert.equal(api.calls.length, 400);
  socket.destroy();
});

test('failures of ours are 5xx with a RequestId that the log knows, and no internals', async () => {
  await using broken = await openApi({ listDisks: fail(new TypeError('/secret/path')) });
  const answer = await call(broken, 'DescribeDisks');
  assert.deepEqual([answer.status, answer.body['Code']], [500, 'InternalError']);
  assert.ok(!JSON.stringify(answer.body).includes('secret'));
  assert.equal(broken.warnings.length, 1);
  assert.match(
    broken.warnings[0] ?? '',
    new RegExp(`${String(answer.body['RequestId'])}.*DescribeDisks.*/secret/path`),
  );
  await using busy = await openApi({ listDisks: fail(new OperationalError('away', { retryable: true })) });
  assert.equal((await call(busy, 'DescribeDisks')).body['Code'], 'ServiceUnavailable');
});

test('healthz answers without a signature', async () => {
  await using api = await openApi();
  assert.deepEqual(await send(api, '/healthz').then(({ status, body }) => ({ status, body })), {
    status: 200,
    body: { Status: 'ok' },
  });
});

test('a replayed request is refused', async () => {
  await using api = await openApi();
  const target = `/?${encodePairs(signPairs('GET', commonPairs('DescribeRegions')))}`;
  assert.equal((await send(api, target)).status, 200);
  assert.equal((await send(api, target)).body['Code'], 'SignatureNonceUsed');
  assert.ok(!JSON.stringify(await send(api, target)).includes(ACCESS_KEY_ID));
});

function fail(error: Error): () => Promise<never> {
  return () => {
    throw error;
  };
}

function newDisk(changes: object): object {
  return {
    category: 'cloud_efficiency',
    performanceLevel: null,
    snapshotId: null,
    diskName: '',
    description: '',
    device: null,
    deleteWithInstance: false,
    policyId: null,
    ...changes,
  };
}
