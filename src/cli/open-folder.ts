/** The parts of a data folder, opened by a command while no server has them. */
import path from 'node:path';
import { Catalog } from '../catalog/catalog.ts';
import { disksOfDiskd, disksOfFolder } from '../control/check.ts';
import type { DiskSource } from '../control/check.ts';
import type { DataFolder } from '../control/data-folder.ts';
import { ReserveFile } from '../control/reserve-file.ts';
import type { DiskdCalls } from '../disk/protocol.ts';
import { systemFiles } from '../lib/files.ts';
import { acquireFolderLock } from '../lib/folder-lock.ts';
import { LineClient } from '../lib/line-channel.ts';
import { systemRandom } from '../lib/random.ts';

/** Also on a file system that is full to the last byte; what was given up for that is taken back in the end. */
export async function openCatalog(folder: DataFolder, held: string, cleanup: AsyncDisposableStack): Promise<Catalog> {
  const reserve = new ReserveFile(folder.root, systemRandom);
  const { sizeBytes } = reserve;
  if (reserve.giveUpWhenFull()) cleanup.defer(() => reserve.takeBack(sizeBytes));
  const catalog = await Catalog.open(folder.catalogFile, held);
  cleanup.defer(() => catalog.close());
  return catalog;
}

/** Through the data plane if it runs, else the files, locked so that it does not start meanwhile. */
export async function openDisks(folder: DataFolder, cleanup: AsyncDisposableStack): Promise<DiskSource> {
  const client = await LineClient.connect<DiskdCalls>(folder.diskdSocket).catch(() => null);
  if (client !== null) {
    cleanup.defer(() => client.close());
    return disksOfDiskd({ call: (name, body) => client.call(name, body) });
  }
  lockDisks(folder, `a data plane is starting or ending on ${folder.root}: try again`, cleanup);
  return disksOfFolder(systemFiles, folder.disksFolder);
}

export function lockDisks(folder: DataFolder, held: string, cleanup: AsyncDisposableStack): void {
  const lockFile = path.join(folder.disksFolder, 'lock.db');
  const lock = acquireFolderLock(lockFile, held);
  cleanup.defer(() => lock.release());
}
