/**
 * `hupo check --repair`: mends what can be mended of the disks' folders, while nothing else has them open. Each disk is repaired
 * as a whole or left as it was (`disk/repair.ts`), so a crash here leaves some repaired and the rest for the next time.
 */
import path from 'node:path';
import type { Queries } from '../catalog/schema.ts';
import { findLatestGeneration } from '../catalog/snapshots.ts';
import { checkDisk } from '../disk/check.ts';
import { listDiskFolders } from '../disk/disk-folder.ts';
import { repairDisk } from '../disk/repair.ts';
import { CorruptionError } from '../lib/errors.ts';
import type { Files } from '../lib/files.ts';

/** What was done, a sentence each; what cannot be mended is left to the check. Hold the lock of `disks/`. */
export async function repairDisks(queries: Queries, files: Files, disksFolder: string): Promise<string[]> {
  const done: string[] = [];
  for (const diskId of listDiskFolders(files, disksFolder)) {
    const folder = path.join(disksFolder, diskId);
    if (!checkDisk(files, folder).some(({ repair }) => repair !== null)) continue;
    try {
      const snapshotGeneration = await findLatestGeneration(queries, diskId);
      done.push(...(await repairDisk(files, folder, { snapshotGeneration })));
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
    }
  }
  return done;
}
