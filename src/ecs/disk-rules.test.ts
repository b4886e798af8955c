import assert from 'node:assert/strict';
import test from 'node:test';
import {
  refuseAttachDisk,
  refuseAttachSystemDisk,
  refuseDeleteDisk,
  refuseDetachDisk,
  refuseReInitDisk,
  refuseResizeDisk,
} from './disk-rules.ts';
import type { DiskStatus, InstanceStatus } from './resources.ts';
import type { DiskFacts, InstanceFacts } from './states.ts';

const diskStatuses: DiskStatus[] = ['Creating', 'Available', 'Attaching', 'In_use', 'Detaching', 'ReIniting'];
const instanceStatuses: InstanceStatus[] = ['Pending', 'Starting', 'Running', 'Stopping', 'Stopped'];
const unfinished = { snapshotId: 's-1', sourceDiskId: 'd-1', progressPercent: 45, available: false };

function disk(change: Partial<DiskFacts> = {}): DiskFacts {
  const status = change.status ?? 'In_use';
  const instanceId = status === 'Available' || status === 'Creating' ? null : 'i-1';
  return { diskId: 'd-1', status, instanceId, zoneId: 'a', everAttached: true, beganEmpty: true, ...change };
}

function instance(status: InstanceStatus, change: Partial<InstanceFacts> = {}): InstanceFacts {
  return { instanceId: 'i-1', status, zoneId: 'a', ...change };
}

test('an Available disk is attached to a Running or Stopped instance of its zone, up to sixteen', () => {
  const refuse = (status: DiskStatus, of: InstanceFacts, attachedDataDiskCount = 0) =>
    refuseAttachDisk({ disk: disk({ status }), instance: of, attachedDataDiskCount })?.code ?? null;
  for (const status of diskStatuses) {
    assert.equal(refuse(status, instance('Running')), status === 'Available' ? null : 'IncorrectDiskStatus', status);
  }
  for (const status of instanceStatuses) {
    const expected = status === 'Running' || status === 'Stopped' ? null : 'IncorrectInstanceStatus';
    assert.equal(refuse('Available', instance(status)), expected, status);
  }
  assert.equal(refuse('Available', instance('Running', { zoneId: 'b' })), 'ResourcesNotInSameZone');
  assert.equal(refuse('Available', instance('Running'), 15), null);
  assert.equal(refuse('Available', instance('Running'), 16), 'InstanceDiskLimitExceeded');
});

test('a system disk goes back to the Stopped instance that it was made for, which must have none', () => {
  const refuse = (change: Partial<Parameters<typeof refuseAttachSystemDisk>[0]>) =>
    refuseAttachSystemDisk({
      disk: disk({ status: 'Available' }),
      homeInstanceId: 'i-1',
      instance: instance('Stopped'),
      presentSystemDiskId: null,
      ...change,
    })?.code ?? null;
  for (const status of diskStatuses) {
    assert.equal(refuse({ disk: disk({ status }) }), status === 'Available' ? null : 'IncorrectDiskStatus', status);
  }
  for (const status of instanceStatuses) {
    const expected = status === 'Stopped' ? null : 'IncorrectInstanceStatus';
    assert.equal(refuse({ instance: instance(status) }), expected, status);
  }
  assert.equal(refuse({ homeInstanceId: null }), 'InvalidDisk.DiskNotBootable');
  assert.equal(refuse({ homeInstanceId: 'i-2' }), 'InvalidInstance.NotOriginInstance');
  assert.equal(refuse({ presentSystemDiskId: 'd-2' }), 'InvalidDevice.InUse');
});

test('a disk is detached from its own instance: a data disk while that is Running or Stopped, a system disk only Stopped', () => {
  const refuse = (of: DiskFacts, from: InstanceFacts, isSystemDisk = false) =>
    refuseDetachDisk({ disk: of, isSystemDisk, instance: from })?.code ?? null;
  const byStatus: Record<DiskStatus, string | null> = {
    Creating: 'IncorrectDiskStatus',
    Available: 'InvalidDisk.AlreadyDetached',
    Attaching: 'IncorrectDiskStatus',
    In_use: null,
    Detaching: 'InvalidOperation.DiskDetachingFromThisEcs',
    ReIniting: 'IncorrectDiskStatus',
  };
  for (const status of diskStatuses) {
    assert.equal(refuse(disk({ status }), instance('Running')), byStatus[status], status);
  }
  for (const status of instanceStatuses) {
    const stopped = status === 'Stopped' ? null : 'IncorrectInstanceStatus';
    assert.equal(refuse(disk(), instance(status)), status === 'Running' ? null : stopped, status);
    assert.equal(refuse(disk(), instance(status), true), stopped, status);
  }
  assert.equal(refuse(disk(), instance('Running', { instanceId: 'i-2' })), 'DependencyViolation');
});

test('a disk is deleted while it is Available and no snapshot of it is being made', () => {
  const byStatus: Record<DiskStatus, string | null> = {
    Creating: 'IncorrectDiskStatus.Initializing',
    Available: null,
    Attaching: 'IncorrectDiskStatus',
    In_use: 'IncorrectDiskStatus',
    Detaching: 'IncorrectDiskStatus',
    ReIniting: 'IncorrectDiskStatus',
  };
  for (const status of diskStatuses) {
    const refusal = refuseDeleteDisk({ disk: disk({ status }), unfinished: null });
    assert.equal(refusal?.code ?? null, byStatus[status], status);
  }
  const refusal = refuseDeleteDisk({ disk: disk({ status: 'Available' }), unfinished });
  assert.equal(refusal?.code, 'DiskCreatingSnapshot');
  assert.match(refusal?.message ?? '', /s-1 .*45%/);
});

test('a disk is re-initialised while it is In_use, its instance Stopped and once started, and no snapshot being made', () => {
  const refuse = (change: Partial<Parameters<typeof refuseReInitDisk>[0]>) =>
    refuseReInitDisk({ disk: disk(), instance: instance('Stopped'), wasStarted: true, unfinished: null, ...change })
      ?.code ?? null;
  for (const status of diskStatuses) {
    const expected = status === 'In_use' ? null : 'IncorrectDiskStatus';
    assert.equal(refuse({ disk: disk({ status }) }), expected, status);
  }
  for (const status of instanceStatuses) {
    const expected = status === 'Stopped' ? null : 'IncorrectInstanceStatus';
    assert.equal(refuse({ instance: instance(status) }), expected, status);
  }
  assert.equal(refuse({ wasStarted: false }), 'IncorrectInstanceStatus');
  assert.equal(refuse({ unfinished }), 'DiskCreatingSnapshot');
  assert.equal(refuse({ unfinished, instance: instance('Running') }), 'DiskCreatingSnapshot');
});

test('a disk grows while it is In_use or Available, online with a Running instance only, within its kind', () => {
  const refuse = (change: Partial<Parameters<typeof refuseResizeDisk>[0]>) =>
    refuseResizeDisk({
      disk: disk(),
      isSystemDisk: false,
      instance: instance('Running'),
      unfinished: null,
      online: false,
      size: { presentGib: 20, wantedGib: 30, range: { leastGib: 20, mostGib: 100 } },
      ...change,
    })?.code ?? null;
  for (const status of diskStatuses) {
    const of = { disk: disk({ status }), instance: status === 'Available' ? null : instance('Running') };
    assert.equal(refuse(of), status === 'In_use' || status === 'Available' ? null : 'IncorrectDiskStatus', status);
  }
  for (const status of instanceStatuses) {
    const offline = status === 'Running' || status === 'Stopped' ? null : 'IncorrectInstanceStatus';
    assert.equal(refuse({ instance: instance(status) }), offline, status);
    const online = status === 'Running' ? null : 'InvalidInstanceStatus.NotRunning';
    assert.equal(refuse({ instance: instance(status), online: true }), online, status);
  }
  const free = { disk: disk({ status: 'Available' }), instance: null };
  assert.equal(refuse({ ...free, online: true }), 'InvalidInstanceStatus.NotRunning');
  assert.equal(refuse({ ...free, isSystemDisk: true }), 'InvalidDisk.DetachedSystemDisk');
  assert.equal(refuse({ unfinished }), 'DiskCreatingSnapshot');
  const sizes: [number, string | null][] = [
    [19, 'InvalidDiskSize.TooSmall'],
    [20, 'InvalidDiskSize.TooSmall'],
    [21, null],
    [100, null],
    [101, 'InvalidDiskSize.TooLarge'],
  ];
  for (const [wantedGib, expected] of sizes) {
    const size = { presentGib: 20, wantedGib, range: { leastGib: 20, mostGib: 100 } };
    assert.equal(refuse({ size }), expected, String(wantedGib));
  }
});
