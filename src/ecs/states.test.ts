import assert from 'node:assert/strict';
import test from 'node:test';
import type { DiskStatus, InstanceStatus, SnapshotStatus } from './resources.ts';
import {
  CONCURRENT_SNAPSHOT_QUOTA,
  MANUAL_SNAPSHOT_QUOTA,
  refuseCreateSnapshot,
  refuseDeleteSnapshot,
  refuseDiskFromSnapshot,
  refuseImageFromUnfinished,
  refuseModifySnapshot,
  refuseResetDisk,
} from './states.ts';
import type { DiskFacts, InstanceFacts, UnfinishedSnapshot } from './states.ts';

const diskStatuses: DiskStatus[] = ['Creating', 'Available', 'Attaching', 'In_use', 'Detaching', 'ReIniting'];
const instanceStatuses: InstanceStatus[] = ['Pending', 'Starting', 'Running', 'Stopping', 'Stopped'];
const unfinished = { snapshotId: 's-1', sourceDiskId: 'd-1', progressPercent: 45, available: false };
const usable = { ...unfinished, available: true };

function disk(change: Partial<DiskFacts> = {}): DiskFacts {
  const status = change.status ?? 'In_use';
  const instanceId = status === 'Available' ? null : 'i-1';
  return { diskId: 'd-1', status, instanceId, zoneId: 'a', everAttached: true, beganEmpty: true, ...change };
}

function instance(status: InstanceStatus): InstanceFacts {
  return { instanceId: 'i-1', status, zoneId: 'a' };
}

function snapshot(
  change: { status?: SnapshotStatus; available?: boolean; sourceDiskId?: string; isCopy?: boolean } = {},
) {
  const { status = 'accomplished', available = status === 'accomplished' } = change;
  return { snapshotId: 's-9', sourceDiskId: 'd-1', isCopy: false, ...change, status, available };
}

test('CreateSnapshot is allowed as ecs-api.md 4.1 says', () => {
  const refuse = (facts: {
    disk: DiskFacts;
    status?: InstanceStatus;
    count?: number;
    unfinished?: UnfinishedSnapshot[];
    underWayCount?: number;
  }) =>
    refuseCreateSnapshot({
      disk: facts.disk,
      instance: facts.disk.instanceId === null ? null : instance(facts.status ?? 'Running'),
      unfinished: facts.unfinished ?? [],
      underWayCount: facts.underWayCount ?? facts.unfinished?.length ?? 0,
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
      { disk: disk({ status: 'Available', everAttached: false, beganEmpty: false }) },
    ],
    ['IncorrectDiskStatus.NeverUsed', { disk: disk({ everAttached: false }), status: 'Stopped' }],
    [null, { disk: disk({ everAttached: false, beganEmpty: false }), status: 'Stopped' }],
    ['IncorrectDiskStatus.CreatingSnapshot', { disk: disk(), unfinished: [unfinished] }],
    ['IncorrectDiskStatus.CreatingSnapshot', { disk: disk(), unfinished: [usable, unfinished] }],
    [null, { disk: disk(), unfinished: [usable] }],
    [null, { disk: disk(), underWayCount: CONCURRENT_SNAPSHOT_QUOTA - 1 }],
    ['QuotaExceed.ConcurrentSnapshotQuota', { disk: disk(), underWayCount: CONCURRENT_SNAPSHOT_QUOTA }],
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
    unfinished?: UnfinishedSnapshot[];
  }) => {
    const subject = facts.disk ?? disk();
    return (
      refuseResetDisk({
        disk: subject,
        instance: subject.instanceId === null ? null : instance(facts.status ?? 'Stopped'),
        snapshot: facts.snapshot ?? snapshot(),
        unfinished: facts.unfinished ?? [],
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
  assert.equal(refuse({ snapshot: snapshot({ isCopy: true }) }), 'InvalidParameter.Mismatch');
  assert.equal(refuse({ unfinished: [usable, unfinished] }), 'IncorrectDiskStatus.HasUnfinishedSnapshot');
  assert.equal(refuse({ unfinished: [usable] }), null);
  assert.equal(refuse({ snapshot: snapshot({ status: 'progressing', available: true }) }), null);
  assert.equal(refuse({ snapshot: snapshot({ status: 'progressing' }) }), 'InvalidSnapshotId.NotReady');
  assert.equal(refuse({ snapshot: snapshot({ status: 'failed' }) }), 'InvalidSnapshotId.NotReady');
});

test('a disk is made from an Available snapshot only, an image from an accomplished one', () => {
  assert.equal(refuseDiskFromSnapshot(snapshot()), null);
  const early = snapshot({ status: 'progressing', available: true });
  assert.equal(refuseDiskFromSnapshot(early), null);
  assert.equal(refuseImageFromUnfinished(early)?.code, 'InvalidSnapshotId.NotReady');
  assert.equal(refuseImageFromUnfinished(snapshot()), null);
  assert.equal(refuseDiskFromSnapshot(snapshot({ status: 'progressing' }))?.code, 'InvalidSnapshot.NotReady');
  assert.equal(refuseDiskFromSnapshot(snapshot({ status: 'failed' }))?.code, 'InvalidSnapshot.NotReady');
});

test('a snapshot that disks were made from is deleted only by force, one that images are made from not at all', () => {
  const refuse = (imageMadeFromIt: boolean, diskMadeFromIt: boolean, force: boolean) =>
    refuseDeleteSnapshot(snapshot(), { imageMadeFromIt, diskMadeFromIt, force })?.code ?? null;
  assert.equal(refuse(false, false, false), null);
  assert.equal(refuse(false, true, true), null);
  assert.equal(refuse(false, true, false), 'SnapshotCreatedDisk');
  for (const force of [false, true]) assert.equal(refuse(true, true, force), 'SnapshotCreatedImage');
});

test('only an accomplished snapshot has attributes to change', () => {
  assert.equal(refuseModifySnapshot(snapshot()), null);
  for (const status of ['progressing', 'failed'] as const) {
    assert.equal(refuseModifySnapshot(snapshot({ status }))?.code, 'InvalidSnapshotId.NotReady');
  }
});

test('a snapshot that is being made comes before everything that the instance is asked to do for a rollback', () => {
  const facts = { disk: disk(), instance: instance('Running'), snapshot: snapshot(), unfinished: [unfinished] };
  assert.equal(refuseResetDisk(facts)?.code, 'IncorrectDiskStatus.HasUnfinishedSnapshot');
});
