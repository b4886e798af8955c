/** What diskd has of a disk, for operations that are undone: the catalog then takes that, whatever it is. */
import type { DiskState } from '../disk/protocol.ts';
import { OperationalError, isRetryable, messageOf } from '../lib/errors.ts';
import type { Parts } from './parts.ts';

/**
 * Null when nothing can be known: its folder is damaged, or gone. Throws a retryable OperationalError while the disk
 * distrusts itself after a failed sync: what it says then may not be what an opening finds.
 */
export async function findDiskState({ dataPlane, log }: Parts, diskId: string): Promise<DiskState | null> {
  const { disk } = await dataPlane.call('describeDisk', { diskId }).catch((error: unknown) => {
    if (isRetryable(error)) throw error;
    log.warn(`nothing is known of ${diskId}, so the catalog keeps what it said before: ${messageOf(error)}`);
    return { disk: null };
  });
  if (disk === null || disk.syncFailure === null) return disk;
  throw new OperationalError(
    `${diskId} is not sure of its state until it is closed (stop its instance, or detach it): ${disk.syncFailure}`,
    { retryable: true },
  );
}
