/**
 * Mends a disk that does not open for its journal's sake, with no diskd running: keeps what was recorded before the
 * damage, and from then on believes no generation, so that the next snapshot compares every mapped chunk (D5). Also
 * settles a failed sync, and counts slots anew. A crash leaves the disk as it was, or repaired.
 */
import path from 'node:path';
import { readBootId } from '../lib/boot-id.ts';
import { CorruptionError, messageOf } from '../lib/errors.ts';
import type { Files } from '../lib/files.ts';
import { BITMAP_REPAIR, checkDisk } from './check.ts';
import { readCheckpoint, secureCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { Recovered } from './disk-folder.ts';
import { SYNC_FAILED_NAME, dataFolderName, recoverDisk, removeStrays, replayRecords } from './disk-folder.ts';
import { DiskMap } from './disk-map.ts';
import { Journal } from './journal.ts';
import { listJournals, planRepair, scanJournals } from './journal-replay.ts';
import { FIRST_SLOT, PAGE_CHUNKS } from './map-page.ts';
import type { MapGroups } from './map-store.ts';
import { MapStore } from './map-store.ts';
import { PageBudget } from './page-budget.ts';
import { parseSegmentName, segmentFile } from './slot-address.ts';
import { SlotAllocator } from './slot-allocator.ts';

export interface RepairOptions {
  bootId?: string;
  /**
   * The latest generation that any snapshot of the disk has. The freezes that the journal lost are among them: a disk that
   * went on below would come to a generation of theirs again, and its next snapshots would miss what changed before.
   */
  snapshotGeneration: number;
}

/** What a repair installs. */
type Repaired = Pick<Recovered, 'map' | 'slots' | 'store' | 'links'>;

/** Returns what was done, a sentence each; throws a CorruptionError when nothing can be. Hold the lock of `disks/`. */
export async function repairDisk(files: Files, folder: string, options: RepairOptions): Promise<string[]> {
  const { bootId = readBootId() } = options;
  const damage = findDamage(files, folder, bootId);
  const done = damage === null ? [] : await dropDamage(files, folder, { ...options, bootId, damage });
  if (checkDisk(files, folder, bootId).some(({ repair }) => repair === BITMAP_REPAIR)) {
    done.push(await countSlots(files, folder, bootId));
  }
  done.push(...(await settleSyncFailure(files, folder, bootId)));
  return done;
}

function findDamage(files: Files, folder: string, bootId: string): string | null {
  try {
    recoverDisk(files, folder, bootId, { mode: 'read', forgetsBitmaps: true }).store.close();
    return null;
  } catch (error) {
    if (error instanceof CorruptionError) return messageOf(error);
    throw error;
  }
}

async function dropDamage(
  files: Files,
  folder: string,
  options: { bootId: string; snapshotGeneration: number; damage: string },
): Promise<string[]> {
  const { bootId, damage, snapshotGeneration } = options;
  const { head, links, views, groups } = readCheckpoint(files, folder);
  const scans = scanJournals(files, folder, head.diskId, links.journal);
  const isMarked = files.find(path.join(folder, SYNC_FAILED_NAME)) !== undefined;
  const records = planRepair(links.journal, scans, isMarked ? null : bootId);
  const store = openMap(files, folder, groups);
  try {
    const map = new DiskMap({ head, views }, store, new PageBudget());
    const slots = new SlotAllocator(store.bitmaps);
    replayRecords(map, slots, records);
    const viewCount = map.views.length;
    const generation = Math.max(map.head.generation, snapshotGeneration) + 1;
    const distrusted = { generation, trackedSince: generation, compareReason: damage, hasUndone: true };
    map.replaceHead({ ...map.head, ...distrusted }, []);
    await install(files, folder, { map, slots, store, links }, bootId);
    return [
      `${head.diskId}: kept the ${records.length} records before the damage (${damage}); later writes are lost, and chunks may hold what was written to others: check the file system on it`,
      `${head.diskId}: the next snapshot compares every mapped chunk`,
      ...(viewCount > 0 ? [`${head.diskId}: dropped ${viewCount} frozen views; their snapshots fail`] : []),
    ];
  } finally {
    store.close();
  }
}

/** Without the bitmaps when they are damaged too: the slots are counted anew afterwards. */
function openMap(files: Files, folder: string, groups: MapGroups): MapStore {
  try {
    return MapStore.open(files, folder, groups);
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error;
    return MapStore.open(files, folder, { ...groups, bitmaps: [] });
  }
}

/** Drops what a failed sync left unsure, and forgets that one ever failed. */
async function settleSyncFailure(files: Files, folder: string, bootId: string): Promise<string[]> {
  const recovered = recoverDisk(files, folder, bootId);
  try {
    const failure = recovered.syncFailure ?? recovered.links.syncFailure;
    if (failure === null) return [];
    await install(files, folder, { ...recovered, links: { ...recovered.links, syncFailure: null } }, bootId);
    return [`${recovered.map.head.diskId}: settled "${failure}"`];
  } finally {
    recovered.store.close();
  }
}

async function countSlots(files: Files, folder: string, bootId: string): Promise<string> {
  const recovered = recoverUncounted(files, folder, bootId);
  try {
    const { map } = recovered;
    const known = new Set([...recovered.store.bitmaps.list()].map(([segment]) => segment));
    const slots = new SlotAllocator({ list: () => [], load: () => new Uint32Array(0) });
    for (const slot of usedSlots(map)) {
      if (!slots.take(slot)) throw new CorruptionError('the map', `slot ${slot} of ${map.head.diskId} is used twice`);
    }
    slots.captureToo(known);
    await install(files, folder, { ...recovered, slots }, bootId);
    return `${map.head.diskId}: counted the slots anew: ${slots.takenCount} are in use`;
  } finally {
    recovered.store.close();
  }
}

function recoverUncounted(files: Files, folder: string, bootId: string): Recovered {
  try {
    return recoverDisk(files, folder, bootId);
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error;
    return recoverDisk(files, folder, bootId, { forgetsBitmaps: true });
  }
}

function* usedSlots(map: DiskMap): Generator<number> {
  for (const index of map.listPages()) {
    const page = map.page(index);
    if (page === undefined) continue;
    for (let i = 0; i < PAGE_CHUNKS; i++) {
      for (let row = i; ; row = page.next(row)) {
        if (page.place(row) >= FIRST_SLOT) yield page.place(row) - FIRST_SLOT;
        if (page.next(row) === 0) break;
      }
    }
  }
}

/** What a checkpoint speaks of is on the device before it: a process of this boot may have died with bytes unsynced. */
async function syncSegments(files: Files, dataFolder: string): Promise<void> {
  for (const name of files.list(dataFolder)) {
    const number = parseSegmentName(name);
    if (number === undefined) continue;
    const fd = files.open(segmentFile(dataFolder, number), 'read-write');
    try {
      await files.syncData(fd);
    } finally {
      files.close(fd);
    }
  }
  await files.syncFolder(dataFolder);
}

async function install(files: Files, folder: string, repaired: Repaired, bootId: string): Promise<void> {
  const { map, slots, store, links } = repaired;
  const mark = path.join(folder, SYNC_FAILED_NAME);
  await secureCheckpoint(files, folder, files.find(mark) !== undefined);
  await syncSegments(files, path.join(folder, dataFolderName(links.data)));
  const number = Math.max(0, ...listJournals(files, folder)) + 1;
  const journal = Journal.create({ files, folder, diskId: map.head.diskId, bootId }, number);
  try {
    await journal.sync();
    const { groups } = await store.store(map.captureChanges(), slots.captureChanges());
    const { head, views } = map;
    await writeCheckpoint(files, folder, { head, views, links: { ...links, journal: number }, groups });
  } finally {
    journal.close();
  }
  removeStrays(files, folder, { data: links.data, journals: [number] });
  if (files.find(mark) !== undefined) files.unlink(mark);
}
