/** Snapshots of several disks at one instant: what the operations that take them do alike. Their rows are hidden until then. */
import { deleteSnapshot } from '../../catalog/snapshots.ts';
import type { Queries } from '../../catalog/schema.ts';
import { deleteTags } from '../../catalog/tags.ts';
import type { FreezeReply } from '../../disk/protocol.ts';
import { assert } from '../../lib/assert.ts';
import { askToFreeze } from '../freeze.ts';
import type { Parts } from '../parts.ts';
import type { OperationRunner } from '../runner.ts';
import { CREATE_SNAPSHOT, ignoreLostDisk, show } from './create-snapshot.ts';
import type { CreateSnapshotState } from './create-snapshot.ts';

/** All or none, in the order of the members. `what` is frozen, for people. */
export async function freezeMembers(
  parts: Parts,
  { groupId, members }: { groupId: string; members: CreateSnapshotState[] },
  what: string,
): Promise<FreezeReply[]> {
  const request = { groupId, members: members.map(({ diskId, snapshotId }) => ({ diskId, snapshotId })) };
  return (await askToFreeze(parts, 'freezeGroup', request, what)).members;
}

/** Each is shown, and gets an operation of its own, which stands where CreateSnapshot's does after its freeze. */
export async function showMembers(
  transaction: Queries,
  runner: OperationRunner,
  { members, frozen }: { members: CreateSnapshotState[]; frozen: FreezeReply[] },
): Promise<void> {
  for (const [index, member] of members.entries()) {
    const reply = frozen[index];
    assert(reply?.snapshotId === member.snapshotId, `${member.snapshotId} is shown before its freeze`);
    const state = { ...member, frozen: reply };
    await show(transaction, state);
    await runner.record(transaction, CREATE_SNAPSHOT, member.snapshotId, state, 'sync');
  }
}

/** No later freeze of any of them happens. */
export async function cancelMembers(parts: Parts, members: CreateSnapshotState[]): Promise<void> {
  for (const { diskId, snapshotId } of members) {
    await ignoreLostDisk(parts.dataPlane.call('cancelFreeze', { diskId, snapshotId }));
  }
}

/** None was in any answer. */
export async function forgetMembers(transaction: Queries, members: CreateSnapshotState[]): Promise<void> {
  for (const { snapshotId } of members) {
    await deleteTags(transaction, snapshotId);
    await deleteSnapshot(transaction, snapshotId);
  }
}
