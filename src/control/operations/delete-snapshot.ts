/**
 * DeleteSnapshot of a finished snapshot, or of one that disks stand on, after the request has removed its row: from then on
 * nothing new can refer to it.
 *
 * One that is still being stored for those disks is waited for. The manifest goes, and the mark is raised that makes the collector return what nothing else needs. It is never given
 * up, for the name is gone already.
 */
import { findOperation } from '../../catalog/operations.ts';
import { raiseGarbageMark } from '../garbage.ts';
import type { OperationKind } from '../operation-kind.ts';
import type { Parts } from '../parts.ts';
import { CREATE_SNAPSHOT } from './create-snapshot.ts';

export const DELETE_SNAPSHOT = 'delete-snapshot';

const LOOK_AGAIN_MS = 250;

export interface DeleteSnapshotState {
  snapshotId: string;
}

export function deleteSnapshotOperation(parts: Parts, ended: () => void): OperationKind<DeleteSnapshotState> {
  return {
    kind: DELETE_SNAPSHOT,
    ended,
    steps: [
      {
        name: 'await',
        run: async ({ snapshotId }, { signal }) => {
          const isUnderWay = () => findOperation(parts.catalog.queries, CREATE_SNAPSHOT, snapshotId);
          while ((await isUnderWay()) !== undefined) await parts.clock.sleep(LOOK_AGAIN_MS, signal);
        },
      },
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
