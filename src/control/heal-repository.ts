/** Mends damage of the repository from the disks that still hold what is damaged, in a session as an upload is. */
import type { RepositoryFinding } from '../repository/check.ts';
import type { AskDisk } from '../repository/heal.ts';
import type { Repository } from '../repository/repository.ts';
import { isRetryable } from '../lib/errors.ts';
import { raiseGarbageMark } from './garbage.ts';
import type { Parts } from './parts.ts';
import { inSession } from './repository-book.ts';

/** How many chunks were stored again. */
export async function healRepository(
  { catalog, dataPlane, repository }: Pick<Parts, 'catalog' | 'dataPlane'> & { repository: Repository },
  findings: readonly RepositoryFinding[],
): Promise<number> {
  if (!findings.some(({ hurts }) => hurts.some(({ ranges }) => ranges.length > 0))) return 0;
  const askDisk: AskDisk = async (diskId, wanted) => {
    try {
      const { found } = await dataPlane.call('findChunks', { diskId, wanted: [...wanted] });
      return new Map(found.map(({ digest, bytes }) => [digest, Buffer.from(bytes, 'base64')]));
    } catch (error) {
      if (isRetryable(error)) throw error;
      return new Map(); // the disk is gone, or the data plane is too old
    }
  };
  return await inSession({ catalog, repository }, async (session, end) => {
    const count = await repository.heal(findings, session, askDisk);
    await catalog.transaction(async (transaction) => {
      await end(transaction);
      if (count > 0) await raiseGarbageMark(transaction); // the damaged copies
    });
    return count;
  });
}
