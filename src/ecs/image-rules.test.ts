/** What makes an image, and when it may be changed. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  findImageNameProblem,
  findImageVersionProblem,
  planImageDisks,
  refuseDeleteImage,
  refuseImageFromSnapshot,
  refuseImageOfInstance,
  refuseImageStatus,
  refuseInstanceFromImage,
} from './image-rules.ts';
import type { WantedImageDisk } from './image-rules.ts';
import { architectures, osNameOf, osTypeOf, platforms } from './image-platforms.ts';
import type { DiskType, ImageStatus, InstanceStatus } from './resources.ts';

const imageStatuses: ImageStatus[] = ['Creating', 'Available', 'CreateFailed', 'Deprecated'];

function from(sourceDiskType: DiskType, change: Partial<WantedImageDisk> = {}): WantedImageDisk {
  const snapshot = { snapshotId: `s-${sourceDiskType}`, sizeGib: 40, sourceDiskType };
  return { device: null, type: null, sizeGib: null, snapshot, ...change };
}

function empty(change: Partial<WantedImageDisk> = {}): WantedImageDisk {
  return { device: null, type: null, sizeGib: null, snapshot: null, ...change };
}

const system = from('system');

test('an image has its system disk first, and data disks with names and sizes of their own', () => {
  const wanted = [
    empty({ device: '/dev/xvdb' }),
    from('data', { sizeGib: 50 }),
    from('system', { device: '/dev/xvda' }),
    empty({ sizeGib: 5, device: '/dev/vdd' }),
    empty(),
  ];
  assert.deepEqual(planImageDisks(wanted), [
    { device: '/dev/xvda', type: 'system', sizeGib: 40, snapshotId: 's-system' },
    { device: '/dev/xvdb', type: 'data', sizeGib: 20, snapshotId: null },
    { device: '/dev/xvdc', type: 'data', sizeGib: 50, snapshotId: 's-data' },
    { device: '/dev/xvdd', type: 'data', sizeGib: 5, snapshotId: null },
    { device: '/dev/xvde', type: 'data', sizeGib: 20, snapshotId: null },
  ]);
});

test('the type of a disk is the one that is asked for, before that of its snapshot', () => {
  const planned = planImageDisks([from('data', { type: 'system' }), from('system', { type: 'data' })]);
  assert.deepEqual(Array.isArray(planned) && planned.map(({ type, snapshotId }) => [type, snapshotId]), [
    ['system', 's-data'],
    ['data', 's-system'],
  ]);
});

test('disks that make no image are refused with the documented code', () => {
  const many = (count: number) => Array.from({ length: count }, () => empty());
  const rows: [string, WantedImageDisk[]][] = [
    ['InvalidSystemSnapshot.Missing', [from('data')]],
    ['InvalidSystemSnapshot.Missing', [empty({ device: '/dev/xvda' })]],
    ['InvalidSystemSnapshot.Missing', [from('system', { type: 'data' })]],
    ['OperationDenied', [system, from('data', { type: 'system' })]],
    ['OperationDenied', [system, ...many(17)]],
    ['InvalidDevice.Malformed', [from('system', { device: '/dev/xvdb' })]],
    ['InvalidDevice.Malformed', [system, from('data', { device: '/dev/xvda' })]],
    ['InvalidDevice.Malformed', [system, empty({ device: '/dev/xvdaa' })]],
    ['InvalidDevice.InUse', [system, empty({ device: '/dev/xvdb' }), empty({ device: '/dev/vdb' })]],
    ['InvalidSize.ValueNotSupported', [from('system', { sizeGib: 39 })]],
    ['InvalidSize.ValueNotSupported', [from('system', { sizeGib: 2049 })]],
    ['InvalidSize.ValueNotSupported', [system, empty({ sizeGib: 4 })]],
    ['InvalidSize.ValueNotSupported', [system, empty({ sizeGib: 32769 })]],
  ];
  for (const [code, wanted] of rows) {
    const planned = planImageDisks(wanted);
    assert.equal(Array.isArray(planned) ? null : planned.code, code, JSON.stringify(wanted));
  }
  const most = planImageDisks([system, ...many(16)]);
  assert.equal(Array.isArray(most) && most.at(-1)?.device, '/dev/xvdq');
});

test('the snapshot of a former system disk makes no image, unless that disk is gone or is one again', () => {
  const refuse = (sourceDiskType: DiskType, type: DiskType | null) =>
    refuseImageFromSnapshot({ snapshotId: 's-1', sourceDiskType }, type && { diskId: 'd-1', type })?.code ?? null;
  assert.equal(refuse('system', 'data'), 'OperationDenied');
  assert.equal(refuse('system', 'system'), null);
  assert.equal(refuse('system', null), null);
  assert.equal(refuse('data', 'data'), null);
});

test('an image is made of an instance that is Running or Stopped and has its system disk', () => {
  const refuse = (status: InstanceStatus, hasSystemDisk = true) =>
    refuseImageOfInstance({ instanceId: 'i-1', status, zoneId: 'a' }, hasSystemDisk)?.code ?? null;
  for (const status of ['Pending', 'Starting', 'Stopping'] as const) {
    assert.equal(refuse(status), 'IncorrectInstanceStatus', status);
  }
  for (const status of ['Running', 'Stopped'] as const) {
    assert.equal(refuse(status), null, status);
    assert.equal(refuse(status, false), 'InvalidInstance.NotFoundSystemDisk', status);
  }
});

test('an image is deleted unless it is public, being created, or in use without force', () => {
  const refuse = (status: ImageStatus, ownerAlias: string, usage: { isUsed: boolean; force: boolean }) =>
    refuseDeleteImage({ imageId: 'm-1', status, ownerAlias }, { isShared: false, isCopied: false, ...usage })?.code ??
    null;
  for (const force of [false, true]) {
    assert.equal(refuse('Available', 'system', { isUsed: false, force }), 'ImageIsPublic');
    assert.equal(refuse('Creating', 'self', { isUsed: false, force }), 'ImageIsCreating');
    for (const status of ['Available', 'Deprecated', 'CreateFailed'] as const) {
      assert.equal(refuse(status, 'self', { isUsed: false, force }), null);
      assert.equal(refuse(status, 'self', { isUsed: true, force }), force ? null : 'ImageUsingByInstance');
    }
  }
});

test('an image that is Available or Deprecated becomes the other, and makes instances of its architecture', () => {
  const type = { instanceTypeId: 't', architectures: ['x86_64'] };
  for (const status of imageStatuses) {
    const image = { imageId: 'm-1', status, ownerAlias: 'self', architecture: 'x86_64' };
    const usable = status === 'Available' || status === 'Deprecated';
    assert.equal(refuseImageStatus(image)?.code ?? null, usable ? null : 'IncorrectImageStatus', status);
    const refused = refuseInstanceFromImage(image, type)?.code ?? null;
    assert.equal(refused, usable ? null : 'OperationDenied.ImageNotValid', status);
  }
  const arm = { imageId: 'm-1', status: 'Available' as const, ownerAlias: 'self', architecture: 'arm64' };
  assert.equal(refuseInstanceFromImage(arm, type)?.code, 'ImageNotSupportInstanceType');
});

test('image names and versions are as documented', () => {
  for (const name of ['ab', '镜像1', 'web.v1:2_3-4']) assert.equal(findImageNameProblem(name), null, name);
  for (const name of ['a', '1a', 'aliyun-x', 'acs:x', 'Aliyun', 'http://x', 'a b', `a${'b'.repeat(128)}`]) {
    assert.notEqual(findImageNameProblem(name), null, name);
  }
  assert.equal(findImageVersionProblem('v2021.1 beta'), null);
  assert.notEqual(findImageVersionProblem('x'.repeat(41)), null);
});

test('what a platform is follows from its name', () => {
  assert.equal(osTypeOf('Windows Server 2022'), 'windows');
  assert.equal(osTypeOf('Others Linux'), 'linux');
  assert.equal(osNameOf('Ubuntu', 'i386'), 'Ubuntu 32 bit');
  assert.ok(platforms.includes('Customized Linux') && architectures.includes('arm64'));
});
