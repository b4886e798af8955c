import assert from 'node:assert/strict';
import test from 'node:test';
import { refuseDeleteInstance, refuseStartInstance, refuseStopInstance } from './instance-rules.ts';
import type { DiskStatus, InstanceStatus } from './resources.ts';
import type { DiskFacts, InstanceFacts, UnfinishedSnapshot } from './states.ts';

const instanceStatuses: InstanceStatus[] = ['Pending', 'Starting', 'Running', 'Stopping', 'Stopped'];
const diskStatuses: DiskStatus[] = ['Creating', 'Available', 'Attaching', 'In_use', 'Detaching', 'ReIniting'];
const unfinished: UnfinishedSnapshot = {
  snapshotId: 's-1',
  sourceDiskId: 'd-1',
  progressPercent: 45,
  available: false,
};

function disk(status: DiskStatus = 'In_use'): DiskFacts {
  return { diskId: 'd-1', status, instanceId: 'i-1', zoneId: 'a', everAttached: true, beganEmpty: true };
}

function instance(status: InstanceStatus): InstanceFacts {
  return { instanceId: 'i-1', status, zoneId: 'a' };
}

test('a Stopped instance starts when it has a system disk and all its disks are In_use', () => {
  const refuse = (status: InstanceStatus, of: DiskStatus = 'In_use', hasSystemDisk = true) =>
    refuseStartInstance({ instance: instance(status), disks: [disk(), disk(of)], hasSystemDisk })?.code ?? null;
  for (const status of instanceStatuses) {
    assert.equal(refuse(status), status === 'Stopped' ? null : 'IncorrectInstanceStatus', status);
  }
  for (const status of diskStatuses) {
    const expected = { In_use: null, ReIniting: 'IncorrectInstanceStatus' }[status as string];
    assert.equal(refuse('Stopped', status), expected === undefined ? 'OperationConflict' : expected, status);
  }
  assert.equal(refuse('Stopped', 'In_use', false), 'InvalidInstance.NotFoundSystemDisk');
});

test('a Running instance stops and reboots when no snapshot is under way and all its disks are In_use', () => {
  for (const change of ['stop', 'reboot'] as const) {
    const refuse = (status: InstanceStatus, of: DiskStatus = 'In_use', snapshots: UnfinishedSnapshot[] = []) =>
      refuseStopInstance({ change, instance: instance(status), disks: [disk(of)], unfinished: snapshots });
    for (const status of instanceStatuses) {
      assert.equal(refuse(status)?.code ?? null, status === 'Running' ? null : 'IncorrectInstanceStatus', status);
    }
    for (const status of diskStatuses) {
      const code = refuse('Running', status)?.code ?? null;
      assert.equal(code, status === 'In_use' ? null : 'OperationConflict', status);
    }
    const refusal = refuse('Running', 'In_use', [unfinished]);
    assert.equal(refusal?.code, 'OperationConflict');
    assert.match(refusal.message, new RegExp(`s-1 .*45%.*${change} the instance`));
  }
});

test('a Stopped instance is deleted, a Running one by force, a protected or busy one not at all', () => {
  const refuse = (change: Partial<Parameters<typeof refuseDeleteInstance>[0]>) =>
    refuseDeleteInstance({
      instance: instance('Stopped'),
      deletionProtection: false,
      force: false,
      disks: [disk()],
      unfinished: [],
      ...change,
    })?.code ?? null;
  const byForce: Record<InstanceStatus, string | null> = {
    Pending: 'IncorrectInstanceStatus.Initializing',
    Starting: 'IncorrectInstanceStatus',
    Running: null,
    Stopping: 'IncorrectInstanceStatus',
    Stopped: null,
  };
  for (const status of instanceStatuses) {
    assert.equal(refuse({ instance: instance(status), force: true }), byForce[status], status);
  }
  assert.equal(refuse({ instance: instance('Running') }), 'IncorrectInstanceStatus');
  assert.equal(refuse({ deletionProtection: true, force: true }), 'InvalidOperation.DeletionProtection');
  assert.equal(refuse({ unfinished: [unfinished] }), 'OperationConflict');
  for (const status of diskStatuses) {
    const expected = status === 'In_use' ? null : 'OperationConflict';
    assert.equal(refuse({ disks: [disk(), disk(status)] }), expected, status);
  }
});
