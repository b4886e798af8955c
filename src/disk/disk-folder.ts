/**
 * A disk's folder between openings: making it, removing it, and finding out what it holds. `recoverDisk` reads only;
 * `createDiskFolder` leaves a `.new` folder when it is cut short and `removeDiskFolder` a `.deleted` one, both of which
 * `removeLeftovers` takes away at diskd's start.
 */
import path from 'node:path';
import type { Files } from '../lib/files.ts';
import { findFileBytes } from '../lib/files.ts';
import type { BaseRef } from './protocol.ts';
import type { CheckpointLinks } from './checkpoint.ts';
import { CHECKPOINT_NAME, captureState, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { Journal } from './journal.ts';
import type { Replay } from './journal-replay.ts';
import { planReplay, scanJournals } from './journal-replay.ts';
import { MapState } from './map-state.ts';

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
  const state = new MapState({
    ...disk,
    incarnation: 1,
    generation: 1,
    baseGeneration: 1,
    written: false,
    compareReason: null,
  });
  await writeCheckpoint(files, building, captureState(state, { data: 1, journal: 1, syncFailure: null }));
  files.rename(building, path.join(disksFolder, disk.diskId));
  await files.syncFolder(disksFolder);
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

export interface Recovered {
  /** The map after every record that counts. */
  state: MapState;
  links: CheckpointLinks;
  replay: Replay;
  /** Slots freed by records that are not known to be on the device: not to be reused yet. */
  pendingFree: number[];
  /** Whether the frozen view's freeze is on the device. */
  viewIsDurable: boolean;
  /** What the `sync-failed` mark says, or null. */
  syncFailure: string | null;
}

/** What a disk's folder holds, from its checkpoint and journals. Throws as `readCheckpoint` and `planReplay` do. */
export function recoverDisk(files: Files, folder: string, bootId: string): Recovered {
  const mark = findFileBytes(files, path.join(folder, SYNC_FAILED_NAME));
  const { state, links } = readCheckpoint(files, folder);
  const scans = scanJournals(files, folder, state.head.diskId, links.journal);
  const replay = planReplay(folder, links.journal, scans, mark === undefined ? bootId : null);
  const viewBefore = state.view?.snapshotId;
  replay.records.forEach((record) => state.apply(record));
  // A slot that was freed may be in use again.
  const freed = new Set(state.takeFreed());
  for (const slot of state.usedSlots()) freed.delete(slot);
  return {
    state,
    links,
    replay,
    pendingFree: replay.isResumable ? [...freed] : [],
    viewIsDurable: state.view !== null && (!replay.isResumable || state.view.snapshotId === viewBefore),
    syncFailure: mark === undefined ? null : mark.toString('utf8').trim() || 'a sync failed',
  };
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
