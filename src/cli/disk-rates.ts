/** What a disk does in a second, from what it has counted at two moments. Pure. */
import type { DiskCounters, DiskState } from '../disk/protocol.ts';

export interface DiskSample {
  /** Of a clock that never goes back. */
  atMs: number;
  disks: readonly DiskState[];
}

/** All of them a second. */
export interface DiskRates {
  reads: number;
  writes: number;
  flushes: number;
  /** TRIM and WRITE_ZEROES. */
  zeroes: number;
  readBytes: number;
  writtenBytes: number;
}

/** By disk id; without those that were not there at both moments. */
export function ratesBetween(before: DiskSample, after: DiskSample): Map<string, DiskRates> {
  const earlier = new Map(before.disks.map(({ diskId, counters }) => [diskId, counters]));
  const seconds = Math.max(after.atMs - before.atMs, 1) / 1000;
  const rates = new Map<string, DiskRates>();
  for (const { diskId, counters } of after.disks) {
    const counted = earlier.get(diskId);
    if (counted !== undefined) rates.set(diskId, toRates(since(counted, counters), seconds));
  }
  return rates;
}

/** Counters begin anew when a disk is opened: then all that they say has happened since. */
function since(before: DiskCounters, after: DiskCounters): DiskCounters {
  const names = Object.keys(after) as (keyof DiskCounters)[];
  if (names.some((name) => after[name] < before[name])) return after;
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as unknown as DiskCounters;
}

function toRates(counted: DiskCounters, seconds: number): DiskRates {
  return {
    reads: counted.readCount / seconds,
    writes: counted.writeCount / seconds,
    flushes: counted.flushCount / seconds,
    zeroes: counted.zeroCount / seconds,
    readBytes: counted.readBytes / seconds,
    writtenBytes: counted.writtenBytes / seconds,
  };
}
