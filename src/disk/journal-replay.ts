/**
 * Which records of a disk's journals count (D10, `docs/format.md` "Marker and boot id"). `scanJournals` reads the
 * files, `planReplay` decides without touching any, and refuses damage rather than guess.
 */
import path from 'node:path';
import type { Files } from '../lib/files.ts';
import type { JournalHeader, JournalRecord } from './journal-record.ts';
import { findFileBytes } from '../lib/files.ts';
import { CorruptionError } from '../lib/errors.ts';
import { AFTER_CHECKPOINT, RECORD_BYTES, decodeJournalHeader, decodeRecord, journalSeed } from './journal-record.ts';
import { journalName, positionOf } from './journal.ts';

export interface JournalScan {
  number: number;
  /** Undefined when it is not whole, or another disk's. */
  header: JournalHeader | undefined;
  /** By index − 1; undefined where a record is not whole. Ends with the last whole one. */
  records: (JournalRecord | undefined)[];
}

export interface Replay {
  records: JournalRecord[];
  /** Numbers of the files that the records are in, and the count in the last: where appending goes on. */
  numbers: number[];
  lastCount: number;
  /**
   * This boot wrote them all: appending may go on. Nothing is known of what is on the device, not even where there is
   * a marker: its own sync may not have ended. Else the records are on the device, and a new checkpoint must begin.
   */
  isResumable: boolean;
}

/** All journals of the folder from number `first` on, in order. */
export function scanJournals(files: Files, folder: string, diskId: string, first: number): JournalScan[] {
  return listJournals(files, folder)
    .filter((number) => number >= first)
    .map((number) => scanJournal(files, folder, diskId, number));
}

/** The numbers of the journals in a disk's folder, rising. */
export function listJournals(files: Files, folder: string): number[] {
  return files
    .list(folder)
    .map((name) => /^journal-(\d+)$/.exec(name)?.[1])
    .filter((text) => text !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

function scanJournal(files: Files, folder: string, diskId: string, number: number): JournalScan {
  const bytes = findFileBytes(files, path.join(folder, journalName(number))) ?? Buffer.alloc(0);
  const decoded = decodeJournalHeader(bytes);
  const header = decoded?.number === number && decoded.diskId === diskId ? decoded : undefined;
  const seed = journalSeed(diskId, number);
  const records: (JournalRecord | undefined)[] = [];
  for (let index = 1; positionOf(index) <= bytes.length; index++) {
    records.push(decodeRecord(bytes, positionOf(index) - RECORD_BYTES, index, seed));
  }
  while (records.length > 0 && records.at(-1) === undefined) records.pop();
  return { number, header, records };
}

/**
 * The records that count. `bootId` is the kernel's now, or null when nothing after the last marker is to be believed
 * (a failed sync). Throws a CorruptionError with file and offset. `scans` are all journals from `first` on.
 */
export function planReplay(
  folder: string,
  first: number,
  scans: readonly JournalScan[],
  bootId: string | null,
): Replay {
  const chain = chainOf(folder, first, scans);
  if (chain[0]?.header?.bootId !== bootId) return replayMarked(folder, chain);
  const headless = chain.find((scan) => scan.header === undefined);
  if (headless !== undefined) throw damage(folder, headless.number, 0, 'its header');
  return replayAll(folder, chain);
}

/**
 * The records before the first damage, for a repair; where this boot is not known to have written them, only those that
 * a marker among them covers: the slots of later ones may hold anything (D10).
 */
export function planRepair(first: number, scans: readonly JournalScan[], bootId: string | null): JournalRecord[] {
  const records: JournalRecord[] = [];
  const isOfThisBoot = scans.some((scan) => scan.number === first && scan.header?.bootId === bootId);
  let markedCount = 0;
  for (const { scan, start } of wholeScans(first, scans, records)) {
    const marker = scan.findLast((record) => record.type === 'marker');
    if (marker?.type === 'marker') markedCount = start + marker.covers;
  }
  return isOfThisBoot ? records : records.slice(0, markedCount);
}

/** Gathers into `records` what is before the first damage, and gives each file's part of it with its start. */
function* wholeScans(
  first: number,
  scans: readonly JournalScan[],
  records: JournalRecord[],
): Generator<{ scan: JournalRecord[]; start: number }> {
  let expected = first;
  for (const { number, records: found } of scans) {
    if (number !== expected++) return;
    const damagedAt = found.indexOf(undefined);
    const scan = found.slice(0, damagedAt < 0 ? found.length : damagedAt).filter((record) => record !== undefined);
    const start = records.length;
    for (const record of scan) records.push(record);
    yield { scan, start };
    if (damagedAt >= 0) return;
  }
}

/** The journals that follow one another from `first`; leftovers of a beginning that a crash cut short are left out. */
function chainOf(folder: string, first: number, scans: readonly JournalScan[]): JournalScan[] {
  const chain: JournalScan[] = [];
  for (const scan of scans) {
    const isFirst = scan.number === first;
    const continues = scan.number === first + chain.length;
    const isLeftover = !isFirst && scan.records.length === 0 && !isSuccessor(scan);
    if (isLeftover) continue;
    if (!continues && !hasMarker(scan)) break;
    if (!continues) throw damage(folder, first + chain.length, 0, 'the file is missing, and later ones are there');
    chain.push(scan);
  }
  if (chain.length === 0) throw damage(folder, first, 0, 'the checkpoint names it and it is missing');
  if (chain[0]!.header === undefined) throw damage(folder, first, 0, 'its header');
  return chain;
}

function isSuccessor(scan: JournalScan): boolean {
  return scan.header !== undefined && scan.header.previousCount !== AFTER_CHECKPOINT;
}

function hasMarker(scan: JournalScan): boolean {
  return scan.records.some((record) => record?.type === 'marker');
}

/** The same boot: everything that was written is there. */
function replayAll(folder: string, chain: readonly JournalScan[]): Replay {
  const records: JournalRecord[] = [];
  chain.forEach((scan, i) => {
    const count = chain[i + 1]?.header?.previousCount ?? scan.records.length;
    if (scan.records.length > count) throw damage(folder, scan.number, count + 1, 'a record after the last');
    for (const record of wholeRecords(folder, scan, count)) records.push(record);
  });
  return { records, ...endOf(chain, chain.at(-1)!.records.length), isResumable: true };
}

/** Another boot: what the last marker covers, and nothing else. */
function replayMarked(folder: string, chain: readonly JournalScan[]): Replay {
  const last = chain.findLastIndex(hasMarker);
  const records: JournalRecord[] = [];
  for (let i = 0; i < last; i++) {
    const next = chain[i + 1]!;
    if (next.header === undefined) throw damage(folder, next.number, 0, 'its header');
    for (const record of wholeRecords(folder, chain[i]!, next.header.previousCount)) records.push(record);
  }
  const covers = last < 0 ? 0 : coveredCount(chain[last]!);
  if (last >= 0) for (const record of wholeRecords(folder, chain[last]!, covers)) records.push(record);
  const end = endOf(chain.slice(0, Math.max(1, last + 1)), covers);
  return { records, ...end, isResumable: false };
}

function endOf(chain: readonly JournalScan[], lastCount: number): { numbers: number[]; lastCount: number } {
  return { numbers: chain.map((scan) => scan.number), lastCount };
}

function coveredCount(scan: JournalScan): number {
  const marker = scan.records.findLast((record) => record?.type === 'marker');
  return marker?.type === 'marker' ? marker.covers : 0;
}

function wholeRecords(folder: string, scan: JournalScan, count: number): JournalRecord[] {
  return Array.from({ length: count }, (_, i) => {
    const record = scan.records[i];
    if (record === undefined) throw damage(folder, scan.number, i + 1, 'a record that must be there is not whole');
    return record;
  });
}

function damage(folder: string, number: number, index: number, why: string): CorruptionError {
  const offset = index === 0 ? 0 : positionOf(index - 1);
  return new CorruptionError('the journal', `${path.join(folder, journalName(number))} at byte ${offset}: ${why}`);
}
