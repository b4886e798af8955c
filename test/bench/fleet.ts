/**
 * A hundred disks, 20 GiB mapped each, with frozen views: what P10 and P11 ask about. To write 2 TB is out of reach, so
 * one disk is written by the engine itself, one 4 KiB block in each of its chunks, and its folder is copied for every
 * other disk: maps and records to the byte, data files of the same length without their bytes. What reads then are holes,
 * which neither the memory of the processes nor the time to open a disk can tell.
 */
import fs from 'node:fs';
import path from 'node:path';
import { readCheckpoint, writeCheckpoint } from '../../src/disk/checkpoint.ts';
import { dataFolderName } from '../../src/disk/disk-folder.ts';
import { Journal } from '../../src/disk/journal.ts';
import { MAP_NAME } from '../../src/disk/map-file.ts';
import { readBootId } from '../../src/lib/boot-id.ts';
import { systemFiles } from '../../src/lib/files.ts';
import { waitFor } from '../e2e/server.ts';
import { attach, fastHome, freezeOnly, withBed, type Bed } from './bed.ts';
import { fio, settle } from './load.ts';
import type { BenchOptions } from './row.ts';

export const CHUNK_BYTES = 64 * 1024;
const BLOCK_BYTES = 4096;
export const MAPPED_GIB = 20;
export const MAPPED_BYTES = MAPPED_GIB * 1024 ** 3;
const CHUNK_COUNT = MAPPED_BYTES / CHUNK_BYTES;
const VIEW_COUNT = 3;
/** Data disks of an instance besides the one it is made with. */
const DISKS_AN_INSTANCE = 16;

export interface Fleet extends Bed {
  disks: { diskId: string; uri: string }[];
  viewCount: number;
}

/** Serves `count` such disks, each attached to a running instance. */
export async function withFleet<T>(
  options: BenchOptions,
  count: number,
  use: (fleet: Fleet) => Promise<T>,
): Promise<T> {
  return withTemplate(options, async (template, viewCount) =>
    withBed(options, MAPPED_GIB, async (bed) => {
      const diskIds = [bed.diskId];
      while (diskIds.length < count) diskIds.push(...(await addInstance(bed, count - diskIds.length)));
      await end(bed);
      for (const diskId of diskIds) await makeMappedDisk(template, folderOf(bed, diskId), diskId);
      await settle();
      await bed.server.start();
      const disks = [];
      for (const diskId of diskIds) disks.push({ diskId, uri: await served(bed, diskId) });
      return use({ ...bed, disks, viewCount });
    }),
  );
}

/** Makes the disk that is copied, in memory where there is room: a device takes a minute to discard so many small extents. */
async function withTemplate<T>(
  options: BenchOptions,
  use: (folder: string, viewCount: number) => Promise<T>,
): Promise<T> {
  const write = async (bed: Bed) => {
    const viewCount = await writeTemplate(bed);
    await end(bed);
    return use(folderOf(bed, bed.diskId), viewCount);
  };
  return withBed(options, MAPPED_GIB, write, fastHome(4 * 1024 ** 3));
}

function folderOf({ server }: Bed, diskId: string): string {
  return path.join(server.dataFolder, 'disks', diskId);
}

/** Ends server and diskd, flushed. */
async function end({ server }: Bed): Promise<void> {
  await server.terminate();
  await waitFor('the server to end', 60_000, async () => (server.leftProcesses().length === 0 ? true : null));
}

/** One block in each chunk, then the views, with 1 % of the chunks rewritten after each. Returns how many views. */
async function writeTemplate(bed: Bed): Promise<number> {
  const write = { blockBytes: BLOCK_BYTES, depth: 32, sizeBytes: MAPPED_BYTES };
  await fio(bed.uri, { ...write, rw: 'write', skipBytes: CHUNK_BYTES - BLOCK_BYTES, count: CHUNK_COUNT });
  for (let view = 0; view < VIEW_COUNT; view += 1) {
    if (!(await freezeOnly(bed, bed.diskId, `s-benchview${view}`))) return view;
    await fio(bed.uri, { ...write, rw: 'randwrite', count: CHUNK_COUNT / 100 });
  }
  return VIEW_COUNT;
}

/** An instance with as many disks as it takes, at most `most`; their ids. */
async function addInstance({ server }: Bed, most: number): Promise<string[]> {
  const { instanceId, diskId } = await server.runInstance({ Category: 'cloud_essd', Size: MAPPED_GIB });
  const diskIds = [diskId];
  while (diskIds.length < Math.min(most, DISKS_AN_INSTANCE)) {
    const request = { ZoneId: 'cn-hangzhou-a', DiskCategory: 'cloud_essd', Size: MAPPED_GIB };
    const { DiskId } = await server.call('CreateDisk', request);
    await attach({ server }, DiskId, instanceId);
    diskIds.push(DiskId);
  }
  return diskIds;
}

async function served({ server }: Bed, diskId: string): Promise<string> {
  return waitFor(`${diskId} to be served`, 60_000, async () => (await server.disk(diskId)).NbdUri || null);
}

/**
 * Replaces the folder of a closed disk by a copy of `template`, a closed disk too, under its own id. The id is in the
 * checkpoint and in the journal's header, which after a clean close has nothing to tell; the map does not name it.
 */
async function makeMappedDisk(template: string, folder: string, diskId: string): Promise<void> {
  const checkpoint = readCheckpoint(systemFiles, template);
  const { data, journal } = checkpoint.links;
  fs.rmSync(folder, { recursive: true });
  copyHollow(path.join(template, dataFolderName(data)), path.join(folder, dataFolderName(data)));
  fs.copyFileSync(path.join(template, MAP_NAME), path.join(folder, MAP_NAME));
  Journal.create({ files: systemFiles, folder, diskId, bootId: readBootId() }, journal).close();
  await writeCheckpoint(systemFiles, folder, { ...checkpoint, head: { ...checkpoint.head, diskId } });
}

/** Files of the same names and lengths, all of them one hole. */
function copyHollow(source: string, target: string): void {
  fs.mkdirSync(target, { recursive: true, mode: 0o700 });
  for (const name of fs.readdirSync(source)) {
    fs.closeSync(fs.openSync(path.join(target, name), 'w', 0o600));
    fs.truncateSync(path.join(target, name), fs.statSync(path.join(source, name)).size);
  }
}
