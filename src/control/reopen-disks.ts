/** After diskd came (back): the disks of every running instance are served again. */
import { findInstance } from '../catalog/instances.ts';
import { messageOf } from '../lib/errors.ts';
import { attachedDiskOf } from './disk-folder.ts';
import type { AttachedDisk, Parts } from './parts.ts';

/** What cannot be opened is told to the log. */
export async function reopenDisks(parts: Parts): Promise<void> {
  const { catalog, openDisks, log } = parts;
  const running = await catalog.queries
    .selectFrom('disks')
    .innerJoin('instances', 'instances.instance_id', 'disks.instance_id')
    .select('disks.disk_id')
    .where('instances.status', '=', 'Running')
    .where('disks.status', '=', 'In_use')
    .execute();
  const opening = running.map(async ({ disk_id: diskId }) => {
    try {
      await openDisks.openIf(diskId, () => findRunningDisk(parts, diskId));
    } catch (error) {
      log.warn(`the disk ${diskId} could not be opened: ${messageOf(error)}`);
    }
  });
  await Promise.all(opening);
}

async function findRunningDisk(parts: Parts, diskId: string): Promise<AttachedDisk | null> {
  const { queries } = parts.catalog;
  const row = await queries.selectFrom('disks').selectAll().where('disk_id', '=', diskId).executeTakeFirst();
  if (row === undefined || row.instance_id === null || row.status !== 'In_use') return null;
  const instance = await findInstance(queries, row.instance_id);
  return instance?.status === 'Running' ? attachedDiskOf(row) : null;
}
