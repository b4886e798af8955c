/** The snapshots of a disk that are worked on: being made, or being cleared away after they failed or were deleted. */
import { listOperationsOfKind } from '../catalog/operations.ts';
import type { StoredOperation } from '../catalog/operations.ts';
import type { Queries } from '../catalog/schema.ts';
import { CREATE_SNAPSHOT } from './operations/create-snapshot.ts';
import type { CreateSnapshotState } from './operations/create-snapshot.ts';

/** Each has, or will have, a frozen view of the disk until it ends. Without those that keep what a rollback replaced. */
export async function listSnapshotOperations(queries: Queries, diskId: string): Promise<StoredOperation[]> {
  return await list(queries, diskId, { isUndo: false });
}

/** Those that keep what a rollback replaced, oldest first: they keep nobody from the disk. */
export async function listUndoOperations(queries: Queries, diskId: string): Promise<StoredOperation[]> {
  return await list(queries, diskId, { isUndo: true });
}

async function list(queries: Queries, diskId: string, wanted: { isUndo: boolean }): Promise<StoredOperation[]> {
  const operations = await listOperationsOfKind(queries, CREATE_SNAPSHOT);
  return operations.filter((operation) => {
    const state = operation.state as CreateSnapshotState;
    return state.diskId === diskId && (state.isUndo ?? false) === wanted.isUndo;
  });
}
