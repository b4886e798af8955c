/** The snapshots of a disk that are worked on: being made, or being cleared away after they failed or were deleted. */
import { listOperationsOfKind } from '../catalog/operations.ts';
import type { StoredOperation } from '../catalog/operations.ts';
import type { Queries } from '../catalog/schema.ts';
import { CREATE_SNAPSHOT } from './operations/create-snapshot.ts';
import type { CreateSnapshotState } from './operations/create-snapshot.ts';

/** Each has, or will have, a frozen view of the disk until it ends. */
export async function listSnapshotOperations(queries: Queries, diskId: string): Promise<StoredOperation[]> {
  const operations = await listOperationsOfKind(queries, CREATE_SNAPSHOT);
  return operations.filter(({ state }) => (state as CreateSnapshotState).diskId === diskId);
}
