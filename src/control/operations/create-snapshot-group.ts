/**
 * CreateSnapshotGroup, after the request has written hidden rows: the group's, and one for each of its snapshots.
 *
 * diskd freezes all disks at one instant. In the transaction that records it the group and its snapshots are shown, and each snapshot
 * gets an operation of its own, which stands where CreateSnapshot's does after its freeze; from there on they go on as any other.
 * A crash before that transaction leaves hidden rows and perhaps frozen views: nobody was answered, so both go (nothing was
 * frozen), and so does the client token. A crash after it leaves operations that the next start goes on with.
 */
import { deleteSnapshot } from '../../catalog/snapshots.ts';
import { deleteSnapshotGroup, updateSnapshotGroup } from '../../catalog/snapshot-groups.ts';
import type { Queries } from '../../catalog/schema.ts';
import { deleteTags } from '../../catalog/tags.ts';
import type { FreezeReply } from '../../disk/protocol.ts';
import { assert } from '../../lib/assert.ts';
import { forgetResult } from '../client-token.ts';
import type { TokenRef } from '../client-token.ts';
import { askToFreeze } from '../freeze.ts';
import type { OperationKind, Undone } from '../operation-kind.ts';
import type { Parts } from '../parts.ts';
import type { OperationRunner } from '../runner.ts';
import { CREATE_SNAPSHOT, ignoreLostDisk, show } from './create-snapshot.ts';
import type { CreateSnapshotState } from './create-snapshot.ts';

export const CREATE_SNAPSHOT_GROUP = 'create-snapshot-group';

export interface CreateSnapshotGroupState {
  groupId: string;
  /** As the operations of its snapshots begin. */
  members: CreateSnapshotState[];
  token: TokenRef | null;
  /** In the order of the members. */
  frozen?: FreezeReply[];
}

export function createSnapshotGroupOperation(
  parts: Parts,
  runner: () => OperationRunner,
): OperationKind<CreateSnapshotGroupState> {
  return {
    kind: CREATE_SNAPSHOT_GROUP,
    steps: [
      {
        name: 'freeze',
        endsWithServer: true,
        run: (state) => freeze(parts, state),
        record: (transaction, state) => showGroup(transaction, runner(), state),
        undo: async ({ members }) => {
          for (const { diskId, snapshotId } of members) {
            await ignoreLostDisk(parts.dataPlane.call('cancelFreeze', { diskId, snapshotId }));
          }
        },
      },
      {
        name: 'start',
        run: async ({ members }) => {
          for (const { snapshotId } of members) await runner().startRecorded(CREATE_SNAPSHOT, snapshotId);
        },
      },
    ],
    abandon,
  };
}

async function freeze(
  parts: Parts,
  { groupId, members }: CreateSnapshotGroupState,
): Promise<Partial<CreateSnapshotGroupState>> {
  const request = { groupId, members: members.map(({ diskId, snapshotId }) => ({ diskId, snapshotId })) };
  const reply = await askToFreeze(parts, 'freezeGroup', request, `the disks of the group ${groupId}`);
  return { frozen: reply.members };
}

async function showGroup(
  transaction: Queries,
  runner: OperationRunner,
  { groupId, members, frozen }: CreateSnapshotGroupState,
): Promise<void> {
  for (const [index, member] of members.entries()) {
    const reply = frozen?.[index];
    assert(reply?.snapshotId === member.snapshotId, `${member.snapshotId} is shown before its freeze`);
    const state = { ...member, frozen: reply };
    await show(transaction, state);
    await runner.record(transaction, CREATE_SNAPSHOT, member.snapshotId, state, 'sync');
  }
  await updateSnapshotGroup(transaction, groupId, { frozen: 1, created_at_ms: frozen?.[0]?.frozenAtMs ?? 0 });
}

/** Nothing of it was in any answer. */
async function abandon(transaction: Queries, { state }: Undone<CreateSnapshotGroupState>): Promise<void> {
  const { groupId, members, token } = state;
  for (const id of [groupId, ...members.map(({ snapshotId }) => snapshotId)]) await deleteTags(transaction, id);
  for (const { snapshotId } of members) await deleteSnapshot(transaction, snapshotId);
  await deleteSnapshotGroup(transaction, groupId);
  await forgetResult(transaction, token);
}
