/**
 * CreateSnapshotGroup, after the request has written hidden rows: the group's, and one for each of its snapshots.
 *
 * diskd freezes all disks at one instant. In the transaction that records it the group and its snapshots are shown, and each snapshot
 * gets an operation of its own, which stands where CreateSnapshot's does after its freeze; from there on they go on as any other.
 * A crash before that transaction leaves hidden rows and perhaps frozen views: nobody was answered, so both go (nothing was
 * frozen), and so does the client token. A crash after it leaves operations that the next start goes on with.
 */
import { deleteSnapshotGroup, updateSnapshotGroup } from '../../catalog/snapshot-groups.ts';
import type { Queries } from '../../catalog/schema.ts';
import { deleteTags } from '../../catalog/tags.ts';
import type { FreezeReply } from '../../disk/protocol.ts';
import { forgetResult } from '../client-token.ts';
import type { TokenRef } from '../client-token.ts';
import type { OperationKind, Undone } from '../operation-kind.ts';
import type { Parts } from '../parts.ts';
import type { OperationRunner } from '../runner.ts';
import { CREATE_SNAPSHOT } from './create-snapshot.ts';
import type { CreateSnapshotState } from './create-snapshot.ts';
import { cancelMembers, forgetMembers, freezeMembers, showMembers } from './freeze-members.ts';

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
        run: async (state) => ({
          frozen: await freezeMembers(parts, state, `the disks of the group ${state.groupId}`),
        }),
        record: (transaction, state) => showGroup(transaction, runner(), state),
        undo: ({ members }) => cancelMembers(parts, members),
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

async function showGroup(
  transaction: Queries,
  runner: OperationRunner,
  { groupId, members, frozen = [] }: CreateSnapshotGroupState,
): Promise<void> {
  await showMembers(transaction, runner, { members, frozen });
  await updateSnapshotGroup(transaction, groupId, { frozen: 1, created_at_ms: frozen[0]?.frozenAtMs ?? 0 });
}

/** Nothing of it was in any answer. */
async function abandon(transaction: Queries, { state }: Undone<CreateSnapshotGroupState>): Promise<void> {
  const { groupId, members, token } = state;
  await deleteTags(transaction, groupId);
  await forgetMembers(transaction, members);
  await deleteSnapshotGroup(transaction, groupId);
  await forgetResult(transaction, token);
}
