/**
 * Verifies a disk's folder against the invariants of `docs/format.md`. Reads only, all at once: the same for a disk
 * that is open (whose owner has committed first) and one that is not.
 */
import path from 'node:path';
import type { Files } from '../lib/files.ts';
import { readBootId } from '../lib/boot-id.ts';
import { messageOf } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import type { Recovered } from './disk-folder.ts';
import { dataFolderName, recoverDisk } from './disk-folder.ts';
import type { Entry, MapPage, MapState } from './map-state.ts';
import { ABSENT, FIRST_SLOT, PAGE_CHUNKS } from './map-state.ts';
import type { DiskFinding } from './protocol.ts';
import { SEGMENT_SLOTS, segmentFile, slotOffset } from './slot-address.ts';

/** Of one kind of finding, only so many are told one by one. */
const TOLD_EACH = 20;

/** What is wrong with the disk in `folder` (`disks/<DiskId>`); nothing when all is well. */
export function checkDisk(files: Files, folder: string, bootId: string = readBootId()): DiskFinding[] {
  const diskId = path.basename(folder);
  let recovered: Recovered;
  try {
    recovered = recoverDisk(files, folder, bootId);
  } catch (error) {
    const isJournal = messageOf(error).startsWith('the journal');
    const repair = isJournal
      ? 'keep what was recorded before the damage, drop the frozen view, and compare every mapped chunk at the next snapshot'
      : null;
    return [{ diskId, what: messageOf(error), repair }];
  }
  const problems = [
    ...checkHead(recovered, diskId),
    ...checkEntries(recovered.state),
    ...checkView(recovered.state),
    ...checkSlots(files, folder, recovered),
  ];
  return [...problems.map((what) => ({ diskId, what, repair: null })), ...syncFindings(recovered, diskId)];
}

function syncFindings({ links, syncFailure }: Recovered, diskId: string): DiskFinding[] {
  const findings: DiskFinding[] = [];
  if (syncFailure !== null) {
    const what = `${syncFailure}: what was written since the flush before it is not believed and will be dropped`;
    findings.push({ diskId, what, repair: 'drop it now' });
  }
  if (links.syncFailure !== null) {
    const what = `${links.syncFailure}: what was written since the flush before it was dropped`;
    findings.push({ diskId, what, repair: 'forget it' });
  }
  return findings;
}

function checkHead({ state }: Recovered, diskId: string): string[] {
  const { head, view } = state;
  const problems: string[] = [];
  if (head.diskId !== diskId) problems.push(`the checkpoint is of ${head.diskId}`);
  if (head.baseGeneration > head.generation) problems.push(`the base is of generation ${head.baseGeneration}, to come`);
  if (view !== null && view.generation >= head.generation) {
    problems.push(`the view of ${view.snapshotId} has generation ${view.generation}, the disk ${head.generation}`);
  }
  return problems;
}

function checkEntries(state: MapState): string[] {
  const problems: string[] = [];
  for (const { index, page } of state.listPages()) {
    problems.push(...checkPage(state, index, page));
  }
  return shortened(problems, 'map entries');
}

function checkPage(state: MapState, index: number, page: MapPage): string[] {
  const problems: string[] = [];
  const { view } = state;
  let entryCount = 0;
  for (let i = 0; i < PAGE_CHUNKS; i++) {
    const chunk = index * PAGE_CHUNKS + i;
    const place = page.places[i]!;
    const generation = page.generations[i]!;
    if (place !== ABSENT) entryCount++;
    else if (generation !== 0) problems.push(`absent chunk ${chunk} has generation ${generation}`);
    if (place !== ABSENT && chunk >= state.chunkCount) problems.push(`chunk ${chunk} lies beyond the disk`);
    if (generation > state.head.generation) problems.push(`chunk ${chunk} has generation ${generation}, to come`);
    if (generation > page.maxGeneration) problems.push(`chunk ${chunk} is later than its page says`);
    if (view !== null && generation > view.generation && !view.saved.has(chunk)) {
      problems.push(`chunk ${chunk} is later than the view of ${view.snapshotId}, which has not saved it`);
    }
  }
  if (entryCount !== page.entryCount)
    problems.push(`page ${index} counts ${page.entryCount} entries, has ${entryCount}`);
  return problems;
}

function checkView({ view, chunkCount }: MapState): string[] {
  if (view === null) return [];
  const problems: string[] = [];
  for (const [chunk, entry] of view.saved) {
    if (chunk >= chunkCount) problems.push(`saved chunk ${chunk} lies beyond the disk`);
    if (entry.generation > view.generation) {
      problems.push(
        `saved chunk ${chunk} has generation ${entry.generation}, later than the view's ${view.generation}`,
      );
    }
  }
  return shortened(problems, 'saved entries');
}

function checkSlots(files: Files, folder: string, { state, links }: Recovered): string[] {
  const problems: string[] = [];
  const dataFolder = path.join(folder, dataFolderName(links.data));
  if (files.find(dataFolder) === undefined) problems.push(`${dataFolder} is missing`);
  const users = new Map<number, string>();
  for (const [entry, user] of slotUsers(state)) {
    const slot = entry.place - FIRST_SLOT;
    const other = users.get(slot);
    if (other !== undefined) problems.push(`slot ${slot} is of ${other} and of ${user}`);
    users.set(slot, user);
  }
  for (const [segment, endBytes] of segmentEnds(users.keys())) {
    const name = segmentFile(dataFolder, segment);
    const info = files.find(name);
    if (info === undefined) problems.push(`${name} is missing`);
    else if (info.sizeBytes < endBytes)
      problems.push(`${name} has ${info.sizeBytes} bytes, its slots end at ${endBytes}`);
  }
  return shortened(problems, 'slots');
}

/** For each segment in use, the byte at which its last used slot ends. */
function segmentEnds(slots: Iterable<number>): Map<number, number> {
  const ends = new Map<number, number>();
  for (const slot of slots) {
    const segment = Math.floor(slot / SEGMENT_SLOTS);
    ends.set(segment, Math.max(ends.get(segment) ?? 0, slotOffset(slot) + CHUNK_BYTES));
  }
  return ends;
}

function* slotUsers(state: MapState): Generator<[Entry, string]> {
  for (const { index, page } of state.listPages()) {
    for (let i = 0; i < PAGE_CHUNKS; i++) {
      const entry = { place: page.places[i]!, generation: page.generations[i]! };
      if (entry.place >= FIRST_SLOT) yield [entry, `chunk ${index * PAGE_CHUNKS + i}`];
    }
  }
  for (const [chunk, entry] of state.view?.saved ?? []) {
    if (entry.place >= FIRST_SLOT) yield [entry, `saved chunk ${chunk}`];
  }
}

function shortened(problems: string[], kind: string): string[] {
  if (problems.length <= TOLD_EACH) return problems;
  return [...problems.slice(0, TOLD_EACH), `and ${problems.length - TOLD_EACH} more of the ${kind}`];
}
