/** What a call about one disk is refused for, whatever the disk: ids, sizes and incarnations. */
import { OperationalError, RequestError, errnoOf, messageOf } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import type { Disk } from './disk.ts';

const SNAPSHOT_ID_LIMIT_BYTES = 32;

export function notFound(diskId: string): RequestError {
  return new RequestError('InvalidDiskId.NotFound', `the disk ${diskId} does not exist here`);
}

export function assertIncarnation({ store }: Disk, incarnation: number): void {
  const { diskId, incarnation: current } = store.map.head;
  if (current === incarnation) return;
  const message = `${diskId} has incarnation ${current}, not ${incarnation}: it was rolled back since`;
  throw new RequestError('OperationConflict', message);
}

export function assertWholeChunks(diskId: string, sizeBytes: number): void {
  if (Number.isSafeInteger(sizeBytes) && sizeBytes > 0 && sizeBytes % CHUNK_BYTES === 0) return;
  throw new OperationalError(`${diskId}: a size of ${sizeBytes} bytes is not whole chunks`, { retryable: false });
}

export function checkedSnapshotId(snapshotId: string): string {
  const lengthBytes = Buffer.byteLength(snapshotId);
  if (lengthBytes > 0 && lengthBytes <= SNAPSHOT_ID_LIMIT_BYTES) return snapshotId;
  throw new OperationalError(`a snapshot id has 1 to ${SNAPSHOT_ID_LIMIT_BYTES} bytes`, { retryable: false });
}

/** The file system's own errors become OperationalErrors, which may pass. */
export async function asOperational<T>(subjectId: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RequestError || errnoOf(error) === undefined) throw error;
    throw new OperationalError(`${subjectId}: ${messageOf(error)}`, { retryable: true, cause: error });
  }
}
