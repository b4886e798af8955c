/**
 * Mends a disk that does not open for its journal's sake, with no diskd running: keeps what was recorded before the
 * damage, and from then on believes no generation, so that the next snapshot compares every mapped chunk (D5). Also
 * settles a failed sync. A crash leaves the disk as it was, or repaired.
 */
import path from 'node:path';
import type { Files } from '../lib/files.ts';
import { readBootId } from '../lib/boot-id.ts';
import { CorruptionError, messageOf } from '../lib/errors.ts';
import { captureState, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { SYNC_FAILED_NAME, dataFolderName, recoverDisk, removeStrays } from './disk-folder.ts';
import { Journal } from './journal.ts';
import { listJournals, planRepair, scanJournals } from './journal-replay.ts';
import { ABSENT, MapState, PAGE_CHUNKS } from './map-state.ts';
import { SlotStore } from './slot-store.ts';

export interface RepairOptions {
  bootId?: string;
  /**
   * The latest generation that any snapshot of the disk has. The freezes that the journal lost are among them: a disk that
   * went on below would come to a generation of theirs again, and its next snapshots would miss what changed before.
   */
  snapshotGeneration: number;
}

/** Returns what was done, a sentence each; throws a CorruptionError when nothing can be. Hold the lock of `disks/`. */
export async function repairDisk(files: Files, folder: string, options: RepairOptions): Promise<string[]> {
  const { bootId = readBootId(), snapshotGeneration } = options;
  const damage = findDamage(files, folder, bootId);
  if (damage === null) return settleSyncFailure(files, folder, bootId);
  const { state, links } = readCheckpoint(files, folder);
  const scans = scanJournals(files, folder, state.head.diskId, links.journal);
  const isMarked = files.find(path.join(folder, SYNC_FAILED_NAME)) !== undefined;
  const records = planRepair(links.journal, scans, isMarked ? null : bootId);
  records.forEach((record) => state.apply(record));
  const hadView = state.view !== null;
  await syncSlots(files, folder, links.data, new Set([...state.usedSlots(), ...state.takeFreed()]));
  const repaired = distrusted(state, damage, snapshotGeneration);
  await install(files, folder, repaired, { data: links.data, syncFailure: links.syncFailure, bootId });
  return [
    `${state.head.diskId}: kept the ${records.length} records before the damage (${damage}); later writes are lost`,
    `${state.head.diskId}: the next snapshot compares every mapped chunk`,
    ...(hadView ? [`${state.head.diskId}: dropped the frozen view; its snapshot fails`] : []),
  ];
}

function findDamage(files: Files, folder: string, bootId: string): string | null {
  try {
    recoverDisk(files, folder, bootId);
    return null;
  } catch (error) {
    if (error instanceof CorruptionError) return messageOf(error);
    throw error;
  }
}

/** The same content, with every mapped chunk in a generation later than any before, and no view. */
function distrusted(state: MapState, reason: string, snapshotGeneration: number): MapState {
  const generation = Math.max(state.head.generation, snapshotGeneration) + 1;
  const head = { ...state.head, generation: generation + 1, baseGeneration: generation + 1, compareReason: reason };
  const fresh = new MapState(head);
  for (const { index, page } of state.listPages()) {
    const generations = new Uint32Array(PAGE_CHUNKS);
    page.places.forEach((place, i) => {
      if (place !== ABSENT) generations[i] = generation;
    });
    fresh.adoptPage(index, page.places.slice(), generations);
  }
  return fresh;
}

/** Drops what a failed sync left unsure, and forgets that one ever failed. */
async function settleSyncFailure(files: Files, folder: string, bootId: string): Promise<string[]> {
  const { state, links, syncFailure, pendingFree } = recoverDisk(files, folder, bootId);
  if (syncFailure === null && links.syncFailure === null) return [];
  await syncSlots(files, folder, links.data, new Set([...state.usedSlots(), ...pendingFree]));
  await install(files, folder, state, { data: links.data, syncFailure: null, bootId });
  return [`${state.head.diskId}: settled "${syncFailure ?? links.syncFailure}"`];
}

/** What a checkpoint speaks of is on the device before it: a process of this boot may have died with bytes unsynced. */
async function syncSlots(files: Files, folder: string, data: number, taken: ReadonlySet<number>): Promise<void> {
  const slots = new SlotStore(files, path.join(folder, dataFolderName(data)), taken);
  try {
    await slots.sync();
  } finally {
    slots.close();
  }
}

async function install(
  files: Files,
  folder: string,
  state: MapState,
  options: { data: number; syncFailure: string | null; bootId: string },
): Promise<void> {
  const number = Math.max(0, ...listJournals(files, folder)) + 1;
  const journal = Journal.create({ files, folder, diskId: state.head.diskId, bootId: options.bootId }, number);
  try {
    await journal.sync();
    const { data, syncFailure } = options;
    await writeCheckpoint(files, folder, captureState(state, { data, journal: number, syncFailure }));
  } finally {
    journal.close();
  }
  removeStrays(files, folder, { data: options.data, journals: [number] });
  const mark = path.join(folder, SYNC_FAILED_NAME);
  if (files.find(mark) !== undefined) files.unlink(mark);
}
