/**
 * A disk's folder between openings: making it, removing it, and finding out what it holds. `recoverDisk` reads only;
 * `createDiskFolder` leaves a `.new` folder when it is cut short and `removeDiskFolder` a `.deleted` one, both of which
 * `removeLeftovers` takes away at diskd's start.
 */
import path from 'node:path';
import type { Files } from '../lib/files.ts';
import { findFileBytes } from '../lib/files.ts';
import { CorruptionError } from '../lib/errors.ts';
import type { CheckpointLinks } from './checkpoint.ts';
import { CHECKPOINT_NAME, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { MapHead } from './disk-map.ts';
import { DiskMap } from './disk-map.ts';
import { Journal } from './journal.ts';
import type { JournalRecord } from './journal-record.ts';
import type { Replay } from './journal-replay.ts';
import { planReplay, scanJournals } from './journal-replay.ts';
import { newLineage } from './lineage.ts';
import { FIRST_SLOT, PAGE_CHUNKS } from './map-page.ts';
import { MapStore } from './map-store.ts';
import { PageBudget } from './page-budget.ts';
import type { BaseRef } from './protocol.ts';
import { isViewBase } from './protocol.ts';
import { SlotAllocator } from './slot-allocator.ts';

export const SYNC_FAILED_NAME = 'sync-failed';

export interface NewDisk {
  diskId: string;
  sizeBytes: number;
  base: BaseRef;
}

export function dataFolderName(number: number): string {
  return `data-${number}`;
}

/** Makes `disks/<DiskId>` for a disk that reads as its base; resolves when it survives a power cut. */
export async function createDiskFolder(
  files: Files,
  disksFolder: string,
  disk: NewDisk,
  bootId: string,
): Promise<void> {
  const building = path.join(disksFolder, `${disk.diskId}.new`);
  files.removeFolder(building);
  files.ensureFolder(path.join(building, dataFolderName(1)));
  const journal = Journal.create({ files, folder: building, diskId: disk.diskId, bootId }, 1);
  try {
    await journal.sync();
  } finally {
    journal.close();
  }
  const map = MapStore.create(files, building);
  try {
    await map.sync();
  } finally {
    map.close();
  }
  await writeCheckpoint(files, building, {
    head: newHead(disk),
    views: [],
    links: { data: 1, journal: 1, syncFailure: null },
    groups: { pages: [], bitmaps: [] },
  });
  files.rename(building, path.join(disksFolder, disk.diskId));
  await files.syncFolder(disksFolder);
}

function newHead({ diskId, sizeBytes, base }: NewDisk): MapHead {
  return {
    diskId,
    sizeBytes,
    incarnation: 1,
    generation: 1,
    live: newLineage(base, 1),
    written: false,
    compareReason: null,
    trackedSince: 1,
    hasUndone: false,
    dataChunkCount: 0,
    olderLayerCount: 0,
  };
}

/** Removes a disk's folder and all its bytes; from the first step on the disk is no more. */
export async function removeDiskFolder(files: Files, disksFolder: string, diskId: string): Promise<void> {
  const going = path.join(disksFolder, `${diskId}.deleted`);
  files.removeFolder(going);
  files.rename(path.join(disksFolder, diskId), going);
  await files.syncFolder(disksFolder);
  for (const name of files.list(going)) await removeSlowly(files, path.join(going, name));
  await removeSlowly(files, going);
}

/** Removes a folder file by file, off this thread, which has guests to serve meanwhile; absent is fine. */
export async function removeSlowly(files: Files, name: string): Promise<void> {
  if (files.find(name)?.isFolder !== true) return;
  for (const inside of files.list(name)) {
    const inner = path.join(name, inside);
    if (files.find(inner)?.isFolder === false) await files.unlinkLarge(inner);
  }
  files.removeFolder(name);
}

/** Removes what interrupted creations and deletions left. */
export function removeLeftovers(files: Files, disksFolder: string): void {
  for (const name of files.list(disksFolder)) {
    if (/^d-.*\.(new|deleted)$/.test(name)) files.removeFolder(path.join(disksFolder, name));
  }
}

/** The ids of the disks in `DIR/disks`. */
export function listDiskFolders(files: Files, disksFolder: string): string[] {
  return files.list(disksFolder).filter((name) => /^d-[0-9a-z]+$/.test(name));
}

/** The disk whose frozen view is the base of the disk in `folder`, or null. Of a disk that does not open: null. */
export function findViewBase(files: Files, folder: string): string | null {
  try {
    const { head, views } = readCheckpoint(files, folder);
    const bases = [head.live, ...views.map(({ lineage }) => lineage)].map(({ base }) => base);
    return bases.find(isViewBase)?.viewOf ?? null;
  } catch {
    return null; // opening it tells why
  }
}

export interface Recovered {
  /** The map after every record that counts; its pages come from `store`. */
  map: DiskMap;
  store: MapStore;
  slots: SlotAllocator;
  links: CheckpointLinks;
  replay: Replay;
  /** Slots freed by records that are not known to be on the device: not to be reused yet. */
  pendingFree: number[];
  /** Releases among those records: what the views held may still be needed. */
  hasPendingRelease: boolean;
  /** What the `sync-failed` mark says, or null. */
  syncFailure: string | null;
}

export interface RecoverOptions {
  budget?: PageBudget;
  /** How the map file is opened; `read` for looking only. */
  mode?: 'read' | 'read-write';
  /** Does without the bitmaps, which may be damaged: `slots` then knows only of the records'. For checks and repairs. */
  forgetsBitmaps?: boolean;
}

/**
 * What a disk's folder holds, from its checkpoint and journals: reads no more of the map than they speak of. Throws as
 * `readCheckpoint` and `planReplay` do. Close `store` in the end.
 */
export function recoverDisk(files: Files, folder: string, bootId: string, options: RecoverOptions = {}): Recovered {
  const { budget = new PageBudget(), mode = 'read-write', forgetsBitmaps = false } = options;
  const mark = findFileBytes(files, path.join(folder, SYNC_FAILED_NAME));
  const checkpoint = readCheckpoint(files, folder);
  const { head, links, views } = checkpoint;
  const scans = scanJournals(files, folder, head.diskId, links.journal);
  const replay = planReplay(folder, links.journal, scans, mark === undefined ? bootId : null);
  const groups = forgetsBitmaps ? { ...checkpoint.groups, bitmaps: [] } : checkpoint.groups;
  const store = MapStore.open(files, folder, groups, mode);
  const map = new DiskMap({ head, views }, store, budget);
  try {
    const slots = new SlotAllocator(store.bitmaps);
    const pendingFree = replayRecords(map, slots, replay.records);
    if (!replay.isResumable) for (const view of map.views) view.isDurable = true;
    return {
      ...{ map, store, slots, links, replay },
      pendingFree: [...pendingFree],
      hasPendingRelease: replay.isResumable && replay.records.some(({ type }) => type === 'release'),
      syncFailure: mark === undefined ? null : mark.toString('utf8').trim() || 'a sync failed',
    };
  } catch (error) {
    store.close();
    map.leave();
    throw error;
  }
}

/**
 * Applies records to map and slots alike; returns the slots that they freed and did not use again. What they say of
 * chunks whose page of the map is damaged is left out: those cannot be read whatever is done, and all others can.
 */
export function replayRecords(map: DiskMap, slots: SlotAllocator, records: readonly JournalRecord[]): Set<number> {
  const pending = new Set<number>();
  let isWhole = true;
  const replay = (record: JournalRecord): void => {
    const takes = record.type === 'data' && !holds(map, record);
    map.apply(record);
    if (takes) {
      pending.delete(record.slot);
      // A record that was left out may be the one that freed it.
      if (!slots.take(record.slot) && isWhole) throw usedTwice(map.head.diskId, record.slot);
    }
    const freed = map.takeFreed();
    slots.startFreeing(freed);
    for (const slot of freed) pending.add(slot);
  };
  for (const record of records) {
    if (canReplay(map, record)) replay(record);
    else {
      isWhole = false;
      for (const part of eachPage(record)) if (canReplay(map, part)) replay(part);
    }
  }
  return pending;
}

/** Whether every page of the map that the record changes can be read. */
function canReplay(map: DiskMap, record: JournalRecord): boolean {
  try {
    const { first, end } = pagesOf(record);
    for (let index = first; index < end; index++) map.page(index);
    return true;
  } catch (error) {
    if (error instanceof CorruptionError) return false;
    throw error;
  }
}

function pagesOf(record: JournalRecord): { first: number; end: number } {
  if (record.type === 'settle') return { first: record.page, end: record.page + 1 };
  if (!('chunk' in record)) return { first: 0, end: 0 };
  const last = record.type === 'zero' ? record.chunk + record.count - 1 : record.chunk;
  return { first: Math.floor(record.chunk / PAGE_CHUNKS), end: Math.floor(last / PAGE_CHUNKS) + 1 };
}

/** The same, page by page. */
function eachPage(record: JournalRecord): JournalRecord[] {
  if (record.type !== 'zero') return [];
  const { first, end } = pagesOf(record);
  return Array.from({ length: end - first }, (_, i) => {
    const chunk = Math.max(record.chunk, (first + i) * PAGE_CHUNKS);
    const last = Math.min(record.chunk + record.count, (first + i + 1) * PAGE_CHUNKS);
    return { ...record, chunk, count: last - chunk };
  });
}

/** Whether the record adds blocks to a layer that is there. */
function holds(map: DiskMap, { chunk, slot, generation }: JournalRecord & { type: 'data' }): boolean {
  const page = map.pageOf(chunk);
  const i = chunk % PAGE_CHUNKS;
  return page !== undefined && page.place(i) === FIRST_SLOT + slot && page.generation(i) === generation;
}

function usedTwice(diskId: string, slot: number): CorruptionError {
  return new CorruptionError('the map', `slot ${slot} of ${diskId} is used twice`);
}

/** Removes journals, data folders and a half-written checkpoint that `kept` does not name. */
export function removeStrays(files: Files, folder: string, kept: { data: number; journals: readonly number[] }): void {
  const keep = new Set([dataFolderName(kept.data), ...kept.journals.map((number) => `journal-${number}`)]);
  for (const name of files.list(folder)) {
    if (/^data-\d+$/.test(name) && !keep.has(name)) files.removeFolder(path.join(folder, name));
    else if (/^journal-\d+$/.test(name) && !keep.has(name)) files.unlink(path.join(folder, name));
    else if (name === `${CHECKPOINT_NAME}.new`) files.unlink(path.join(folder, name));
  }
}
