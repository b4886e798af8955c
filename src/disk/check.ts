/**
 * Verifies a disk's folder against the invariants of `docs/format.md`. Reads only, all at once: the same for a disk
 * that is open (whose owner has committed first) and one that is not. Of the map few pages are in memory at a time.
 */
import path from 'node:path';
import { readBootId } from '../lib/boot-id.ts';
import { CorruptionError, messageOf } from '../lib/errors.ts';
import type { Files } from '../lib/files.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { checkHead, checkView } from './check-head.ts';
import { PageCheck } from './check-pages.ts';
import type { Recovered } from './disk-folder.ts';
import { dataFolderName, recoverDisk } from './disk-folder.ts';
import { PageBudget } from './page-budget.ts';
import type { DiskFinding } from './protocol.ts';
import { SEGMENT_SLOTS, segmentFile } from './slot-address.ts';
import type { SlotSet } from './slot-set.ts';

/** Of one kind of finding, only so many are told one by one. */
const TOLD_EACH = 20;
/** Pages in memory, those that the journal changed apart. */
const PAGE_LIMIT = 64;

const JOURNAL_REPAIR =
  'keep what was recorded before the damage, drop the frozen views, and compare every mapped chunk at the next snapshot';
export const BITMAP_REPAIR = 'count the slots anew by the map';

/** What is wrong with the disk in `folder` (`disks/<DiskId>`); nothing when all is well. */
export function checkDisk(files: Files, folder: string, bootId: string = readBootId()): DiskFinding[] {
  const diskId = path.basename(folder);
  const findings: DiskFinding[] = [];
  let recovered: Recovered;
  try {
    recovered = recover(files, folder, bootId, (what) => findings.push({ diskId, what, repair: BITMAP_REPAIR }));
  } catch (error) {
    const isJournal = error instanceof CorruptionError && error.what === 'the journal';
    return [{ diskId, what: messageOf(error), repair: isJournal ? JOURNAL_REPAIR : null }];
  }
  try {
    return [...findings, ...checkRecovered(files, folder, recovered, findings.length === 0)];
  } finally {
    recovered.store.close();
  }
}

/** A disk whose groups of bitmaps are damaged does not open; everything else of it is checked all the same. */
function recover(files: Files, folder: string, bootId: string, onLost: (what: string) => void): Recovered {
  const open = (forgetsBitmaps: boolean): Recovered =>
    recoverDisk(files, folder, bootId, { mode: 'read', budget: new PageBudget(PAGE_LIMIT), forgetsBitmaps });
  try {
    return open(false);
  } catch (error) {
    if (!(error instanceof CorruptionError) || error.what !== 'the map') throw error;
    const recovered = open(true);
    onLost(messageOf(error));
    return recovered;
  }
}

function checkRecovered(files: Files, folder: string, recovered: Recovered, hasBitmaps: boolean): DiskFinding[] {
  const diskId = path.basename(folder);
  const { head, views } = recovered.map;
  const pages = new PageCheck(recovered);
  const problems = [
    ...checkHead(head, views, diskId),
    ...views.flatMap((view) => checkView(view, head)),
    ...checkBlocks(recovered),
    ...shortened(pages.run(), 'map entries'),
    ...checkSegments(files, folder, recovered, pages.used),
  ];
  const bitmaps = hasBitmaps ? checkBitmaps(recovered, pages) : [];
  return [
    ...problems.map((what) => ({ diskId, what, repair: null })),
    // Without every page it is not known which slots are in use.
    ...bitmaps.map((what) => ({ diskId, what, repair: pages.isWhole ? BITMAP_REPAIR : null })),
    ...syncFindings(recovered, diskId),
  ];
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

/** No unit of the map file is in two blocks. */
function checkBlocks({ store }: Recovered): string[] {
  const problems: string[] = [];
  const blocks = [...store.listBlocks()].sort((a, b) => a.unit - b.unit);
  blocks.forEach((block, i) => {
    const before = blocks[i - 1];
    if (before !== undefined && before.unit + before.unitCount > block.unit) {
      problems.push(`${block.what} and ${before.what} are both at unit ${block.unit} of the map`);
    }
  });
  return shortened(problems, 'blocks');
}

/** The bitmaps against the map: a slot that is wrongly free would be written over, one wrongly taken is lost space. */
function checkBitmaps({ slots, store }: Recovered, { used, isWhole }: PageCheck): string[] {
  const problems: string[] = [];
  for (const [segment] of store.bitmaps.list()) {
    try {
      store.bitmaps.load(segment);
    } catch (error) {
      problems.push(messageOf(error));
    }
  }
  if (problems.length > 0) return shortened(problems, 'bitmaps');
  for (const slot of used.list()) if (!slots.isTaken(slot)) problems.push(`slot ${slot} is in use and counts as free`);
  const takenCount = slots.takenCount - slots.freeingCount;
  if (problems.length === 0 && isWhole && takenCount !== used.count) {
    problems.push(`${takenCount} slots count as taken, the map uses ${used.count}`);
  }
  return shortened(problems, 'slots');
}

function checkSegments(files: Files, folder: string, { links }: Recovered, used: SlotSet): string[] {
  const problems: string[] = [];
  const dataFolder = path.join(folder, dataFolderName(links.data));
  if (files.find(dataFolder) === undefined) problems.push(`${dataFolder} is missing`);
  for (const [segment, end] of used.segmentEnds()) {
    const name = segmentFile(dataFolder, segment);
    const info = files.find(name);
    const endBytes = (end - segment * SEGMENT_SLOTS) * CHUNK_BYTES;
    if (info === undefined) problems.push(`${name} is missing: its chunks answer EIO`);
    else if (info.sizeBytes < endBytes) {
      problems.push(`${name} has ${info.sizeBytes} bytes, its slots end at ${endBytes}: chunks in between answer EIO`);
    }
  }
  return shortened(problems, 'segments');
}

function shortened(problems: string[], kind: string): string[] {
  if (problems.length <= TOLD_EACH) return problems;
  return [...problems.slice(0, TOLD_EACH), `and ${problems.length - TOLD_EACH} more of the ${kind}`];
}
