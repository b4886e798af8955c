/**
 * DeleteSnapshot of a finished snapshot, after the request has removed its row: from then on nothing new can refer to it.
 *
 * The manifest goes, and the mark is raised that makes the collector return what nothing else needs. It is never given
 * up, for the name is gone already.
 */
import { raiseGarbageMark } from '../garbage.ts';
import type { OperationKind } from '../operation-kind.ts';
import type { Parts } from '../parts.ts';

export const DELETE_SNAPSHOT = 'delete-snapshot';

export interface DeleteSnapshotState {
  snapshotId: string;
}

export function deleteSnapshotOperation(parts: Parts, ended: () => void): OperationKind<DeleteSnapshotState> {
  return {
    kind: DELETE_SNAPSHOT,
    ended,
    steps: [
      {
        name: 'forget',
        run: async ({ snapshotId }) => {
          await parts.repository.deleteManifest(snapshotId);
        },
        record: (transaction) => raiseGarbageMark(transaction),
      },
    ],
  };
}
