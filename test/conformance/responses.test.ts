/** Answers: every field has its documented name, wrapper and type, in JSON and in XML, and what clients need is there. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { actions } from '../../src/api/action-list.ts';
import { commonPairs, encodePairs, signPairs } from '../clients/api-fixture.ts';
import { documentedResponse, fieldPaths } from './documented.ts';
import { fieldsBeyond, actionsBeyond } from './extensions.ts';
import { recipesOf, type Parameters } from './recipes.ts';
import { openScene, type Scene } from './scene.ts';
import { asXmlSays, checkShape, parseXml } from './shapes.ts';
import { unshownFields } from './unshown-fields.ts';

const ofEcs = actions.map(({ name }) => name).filter((name) => !Object.hasOwn(actionsBeyond, name));

/** The fields that answers showed, by action. */
const shown = new Map<string, Set<string>>();

for (const action of ofEcs) {
  test(`${action} answers with documented fields of the documented types`, async () => {
    const seen = new Set<string>();
    shown.set(action, seen);
    for (const recipe of recipesOf(action)) {
      await using scene = await openScene();
      const { status, body, headers } = await scene.call(action, recipe(scene));
      assert.equal(status, 200, JSON.stringify(body));
      checkShape(body, documentedResponse(action), seen);
      assert.match(String(body['RequestId']), /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/);
      assert.equal(headers.get('x-acs-request-id'), body['RequestId']);
      assert.equal(headers.get('access-control-allow-origin'), '*');
      assert.equal(headers.get('content-type'), 'application/json;charset=utf-8');
      assert.ok(!('Code' in body), 'a Code makes a failure of it for some clients');
    }
  });
}

test('every documented field is shown, or listed with the reason why not', () => {
  const missing: string[] = [];
  for (const action of ofEcs) {
    for (const field of fieldPaths(documentedResponse(action))) {
      const isListed = reasonsOf(action, field).length > 0;
      const isShown = shown.get(action)?.has(field) ?? false;
      if (isListed && isShown) missing.push(`${action} ${field} is shown: take it out of unshown-fields.ts`);
      if (!isListed && !isShown) missing.push(`${action} ${field} is not shown: say why in unshown-fields.ts`);
    }
  }
  assert.deepEqual(missing, []);
});

test('every reason for not showing a field is for some field', () => {
  const all = ofEcs.flatMap((action) => fieldPaths(documentedResponse(action)).map((field) => `${action} ${field}`));
  for (const { fields } of unshownFields)
    assert.ok(
      all.some((field) => fields.test(field)),
      String(fields),
    );
});

test('every field beyond the documentation is shown somewhere', () => {
  const seen = new Set([...shown.values()].flatMap((fields) => [...fields]));
  for (const field of Object.keys(fieldsBeyond)) assert.ok(seen.has(field), field);
});

for (const action of ofEcs.filter((name) => /^(Describe|List)/.test(name))) {
  test(`${action} says the same in XML as in JSON`, async () => {
    await using scene = await openScene();
    for (const recipe of recipesOf(action)) {
      const { body } = await scene.call(action, recipe(scene));
      const { status, text, type } = await callForXml(scene, action, recipe(scene));
      assert.deepEqual([status, type], [200, 'text/xml;charset=utf-8'], text);
      const { RequestId: requestId, ...said } = parseXml(text)[`${action}Response`] as Record<string, unknown>;
      assert.match(String(requestId), /^[0-9A-F-]{36}$/);
      const { RequestId: _other, ...rest } = body;
      assert.deepEqual(said, asXmlSays(rest));
    }
  });
}

test('a refusal says the same in XML as in JSON', async () => {
  await using scene = await openScene();
  const json = await scene.call('DeleteDisk', { DiskId: 'd-<none>&' });
  const { status, text, type } = await callForXml(scene, 'DeleteDisk', { DiskId: 'd-<none>&' });
  assert.deepEqual([status, type], [json.status, 'text/xml;charset=utf-8']);
  const error = parseXml(text)['Error'] as Record<string, string>;
  for (const name of ['Code', 'HostId', 'Message']) assert.equal(error[name], json.body[name], name);
  assert.deepEqual(Object.keys(error).sort(), Object.keys(json.body).sort());
});

async function callForXml(scene: Scene, action: string, parameters: Parameters) {
  const common = commonPairs(action).filter(([name]) => name !== 'Format');
  const pairs = signPairs('GET', [...common, ['Format', 'XML'], ...Object.entries(parameters)]);
  const response = await fetch(`http://${scene.api.endpoint}/?${encodePairs(pairs)}`);
  return { status: response.status, text: await response.text(), type: response.headers.get('content-type') };
}

function reasonsOf(action: string, field: string): string[] {
  return unshownFields.filter(({ fields }) => fields.test(`${action} ${field}`)).map(({ reason }) => reason);
}

/** What some client breaks without (`clients.md` 2.3). */
const needed: Record<
  string,
  { action: string; wrapper: [string, string]; id: (scene: Scene) => string; fields: string }
> = {
  disk: {
    action: 'DescribeDisks',
    wrapper: ['Disks', 'Disk'],
    id: ({ dataDisk }) => dataDisk,
    fields:
      'DiskId DiskName Size Status Type Category ZoneId RegionId DiskChargeType Encrypted DeleteAutoSnapshot DeleteWithInstance EnableAutoSnapshot Portable InstanceId Device SourceSnapshotId ImageId PerformanceLevel Description CreationTime AttachedTime DetachedTime SerialNumber MultiAttach Attachments.Attachment.0.InstanceId MountInstances OperationLocks.OperationLock AutoSnapshotPolicyId Tags',
  },
  snapshot: {
    action: 'DescribeSnapshots',
    wrapper: ['Snapshots', 'Snapshot'],
    id: ({ snapshot }) => snapshot,
    fields:
      'SnapshotId SnapshotName Description Status Progress SourceDiskId SourceDiskSize SourceDiskType CreationTime Available Category RegionId Usage SnapshotType Encrypted InstantAccess RemainTime ProductCode ResourceGroupId Tags',
  },
  image: {
    action: 'DescribeImages',
    wrapper: ['Images', 'Image'],
    id: ({ image }) => image,
    fields:
      'ImageId ImageName Status Progress Usable Size Architecture Platform OSName OSType BootMode CreationTime Usage DiskDeviceMappings.DiskDeviceMapping.0.SnapshotId DiskDeviceMappings.DiskDeviceMapping.0.Device DiskDeviceMappings.DiskDeviceMapping.0.Size DiskDeviceMappings.DiskDeviceMapping.0.Type DiskDeviceMappings.DiskDeviceMapping.0.Format',
  },
  interface: {
    action: 'DescribeNetworkInterfaces',
    wrapper: ['NetworkInterfaceSets', 'NetworkInterfaceSet'],
    id: ({ running }) => running,
    fields: 'PrivateIpSets.PrivateIpSet.0.Primary Ipv6Sets.Ipv6Set SecurityGroupIds.SecurityGroupId.0 Type Tags',
  },
  'set of maintenance attributes': {
    action: 'DescribeInstanceMaintenanceAttributes',
    wrapper: ['MaintenanceAttributes', 'MaintenanceAttribute'],
    id: ({ running }) => running,
    fields: 'ActionOnMaintenance.Value NotifyOnMaintenance MaintenanceWindows',
  },
  instance: {
    action: 'DescribeInstances',
    wrapper: ['Instances', 'Instance'],
    id: ({ running }) => running,
    fields:
      'SecurityGroupIds.SecurityGroupId.0 VpcAttributes.PrivateIpAddress.IpAddress.0 PublicIpAddress NetworkInterfaces OperationLocks Tags',
  },
};

for (const [kind, { action, wrapper, id, fields }] of Object.entries(needed)) {
  test(`a ${kind} has every field that some client breaks without`, async () => {
    await using scene = await openScene();
    const { body } = await scene.call(action, { PageSize: '100' });
    const all = at(body, wrapper.join('.')) as Record<string, unknown>[];
    const found = all.find((item) => Object.values(item).includes(id(scene)));
    assert.ok(found, id(scene));
    for (const field of fields.split(' ')) assert.notEqual(at(found, field), undefined, field);
  });
}

function at(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], value);
}
