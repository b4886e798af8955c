import assert from 'node:assert/strict';
import test from 'node:test';
import type { DiskStatus, InstanceStatus, SnapshotStatus } from './resources.ts';
import {
  MANUAL_SNAPSHOT_QUOTA,
  refuseAttachDisk,
  refuseCreateSnapshot,
  refuseDeleteSnapshot,
  refuseDiskFromSnapshot,
  refuseResetDisk,
  refuseStartInstance,
  refuseStopInstance,
} from './states.ts';
import type { DiskFacts, InstanceFacts } from './states.ts';

const diskStatuses: DiskStatus[] = ['Creating', 'Available', 'Attaching', 'In_use', 'Detaching', 'ReIniting'];
const instanceStatuses: InstanceStatus[] = ['Pending', 'Starting', 'Running', 'Stopping', 'Stopped'];
const unfinished = { snapshotId: 's-1', sourceDiskId: 'd-1', progressPercent: 45 };

function disk(change: Partial<DiskFacts> = {}): DiskFacts {
  const status = change.status ?? 'In_use';
  const instanceId = status === 'Available' ? null : 'i-1';
  return { diskId: 'd-1', status, instanceId, zoneId: 'a', everAttached: true, sourceSnapshotId: null, ...change };
}

function instance(status: InstanceStatus): InstanceFacts {
  return { instanceId: 'i-1', status, zoneId: 'a' };
}

function snapshot(change: { status?: SnapshotStatus; sourceDiskId?: string } = {}) {
  return { snapshotId: 's-9', status: 'accomplished' as SnapshotStatus, sourceDiskId: 'd-1', ...change };
}

test('CreateSnapshot is allowed as ecs-api.md 4.1 says', () => {
  const refuse = (facts: { disk: DiskFacts; status?: InstanceStatus; count?: number; busy?: boolean }) =>
    refuseCreateSnapshot({
      disk: facts.disk,
      instance: facts.disk.instanceId === null ? null : instance(facts.status ?? 'Running'),
      unfinished: facts.busy === true ? unfinished : null,
      snapshotCount: facts.count ?? 0,
    })?.code ?? null;
  for (const status of diskStatuses) {
    const expected = status === 'In_use' || status === 'Available' ? null : 'IncorrectDiskStatus';
    assert.equal(refuse({ disk: disk({ status }) }), expected, status);
  }
  for (const status of instanceStatuses) {
    const expected = status === 'Running' || status === 'Stopped' ? null : 'IncorrectInstanceStatus';
    assert.equal(refuse({ disk: disk(), status }), expected, status);
  }
  const rows: [string | null, Parameters<typeof refuse>[0]][] = [
    ['IncorrectDiskStatus.NeverAttached', { disk: disk({ status: 'Available', everAttached: false }) }],
    [
      'IncorrectDiskStatus.NeverAttached',
      { disk: disk({ status: 'Available', everAttached: false, sourceSnapshotId: 's-0' }) },
    ],
    ['IncorrectDiskStatus.NeverUsed', { disk: disk({ everAttached: false }), status: 'Stopped' }],
    [null, { disk: disk({ everAttached: false, sourceSnapshotId: 's-0' }), status: 'Stopped' }],
    ['IncorrectDiskStatus.CreatingSnapshot', { disk: disk(), busy: true }],
    [null, { disk: disk(), count: MANUAL_SNAPSHOT_QUOTA - 1 }],
    ['QuotaExceed.Snapshot', { disk: disk(), count: MANUAL_SNAPSHOT_QUOTA }],
  ];
  for (const [expected, facts] of rows) assert.equal(refuse(facts), expected, JSON.stringify(facts));
});

test('ResetDisk is allowed as ecs-api.md 4.3 says', () => {
  const refuse = (facts: {
    disk?: DiskFacts;
    status?: InstanceStatus;
    snapshot?: ReturnType<typeof snapshot>;
    busy?: boolean;
  }) => {
    const subject = facts.disk ?? disk();
    return (
      refuseResetDisk({
        disk: subject,
        instance: subject.instanceId === null ? null : instance(facts.status ?? 'Stopped'),
        snapshot: facts.snapshot ?? snapshot(),
        unfinished: facts.busy === true ? unfinished : null,
      })?.code ?? null
    );
  };
  const byStatus: Record<DiskStatus, string | null> = {
    Creating: 'IncorrectDiskStatus',
    Available: null,
    Attaching: 'IncorrectDiskStatus',
    In_use: null,
    Detaching: 'IncorrectDiskStatus',
    ReIniting: 'InvalidOperation.DiskResetInProgress',
  };
  for (const status of diskStatuses) assert.equal(refuse({ disk: disk({ status }) }), byStatus[status], status);
  for (const status of instanceStatuses) {
    assert.equal(refuse({ status }), status === 'Stopped' ? null : 'IncorrectInstanceStatus', status);
  }
  assert.equal(refuse({ snapshot: snapshot({ sourceDiskId: 'd-2' }) }), 'InvalidParameter.Mismatch');
  assert.equal(refuse({ busy: true }), 'IncorrectDiskStatus.HasUnfinishedSnapshot');
  assert.equal(refuse({ snapshot: snapshot({ status: 'progressing' }) }), 'InvalidSnapshotId.NotReady');
  assert.equal(refuse({ snapshot: snapshot({ status: 'failed' }) }), 'InvalidSnapshotId.NotReady');
});

test('a disk is made from an accomplished snapshot only', () => {
  assert.equal(refuseDiskFromSnapshot(snapshot()), null);
  assert.equal(refuseDiskFromSnapshot(snapshot({ status: 'progressing' }))?.code, 'InvalidSnapshot.NotReady');
  assert.equal(refuseDiskFromSnapshot(snapshot({ status: 'failed' }))?.code, 'InvalidSnapshot.NotReady');
});

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
  assert.equal(refuse('Available', { ...instance('Running'), zoneId: 'b' }), 'ResourcesNotInSameZone');
  assert.equal(refuse('Available', instance('Running'), 15), null);
  assert.equal(refuse('Available', instance('Running'), 16), 'InstanceDiskLimitExceeded');
});

test('only a Stopped instance starts and only a Running one stops, with no snapshot under way', () => {
  for (const status of instanceStatuses) {
    const start = refuseStartInstance(instance(status), [disk()])?.code ?? null;
    assert.equal(start, status === 'Stopped' ? null : 'IncorrectInstanceStatus', status);
    const stop = refuseStopInstance(instance(status), [disk()], [])?.code ?? null;
    assert.equal(stop, status === 'Running' ? null : 'IncorrectInstanceStatus', status);
  }
  const refusal = refuseStopInstance(instance('Running'), [disk()], [unfinished]);
  assert.equal(refusal?.code, 'OperationConflict');
  assert.match(refusal?.message ?? '', /s-1 .*45%/);
  assert.equal(
    refuseStartInstance(instance('Stopped'), [disk({ status: 'ReIniting' })])?.code,
    'IncorrectInstanceStatus',
  );
  assert.equal(refuseStopInstance(instance('Running'), [disk({ status: 'Attaching' })], [])?.code, 'OperationConflict');
});

test('a snapshot that disks were made from is deleted only by force', () => {
  assert.equal(refuseDeleteSnapshot(snapshot(), { diskMadeFromIt: false, force: false }), null);
  assert.equal(refuseDeleteSnapshot(snapshot(), { diskMadeFromIt: true, force: true }), null);
  assert.equal(refuseDeleteSnapshot(snapshot(), { diskMadeFromIt: true, force: false })?.code, 'SnapshotCreatedDisk');
});
