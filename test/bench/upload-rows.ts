/**
 * P4: what a guest's writes lose in the ten seconds from a freeze on, while the snapshot is uploaded, against the ten seconds
 * before. The upload's own speed is told: a bench in which nothing is uploaded would prove nothing.
 */
import fs from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fill, withBed, type Bed } from './bed.ts';
import { fio, MIB, settle, type Load } from './load.ts';
import { fasterRow, limitRow, median, type Row, type RowMaker } from './row.ts';

const SIZE_BYTES = 2048 * MIB;
const LEAST_UPLOAD_MIB = 20;

export const uploadRows: RowMaker = {
  targets: ['P4'],
  make: (options) =>
    withBed(options, 20, async (bed) => {
      const { quick } = options;
      const load: Load = {
        rw: 'randwrite',
        blockBytes: 4096,
        depth: 32,
        seconds: quick ? 3 : 10,
        sizeBytes: SIZE_BYTES,
        refill: true,
      };
      await fill(bed, SIZE_BYTES);
      await fio(bed.uri, load);
      const peak = (await fio(bed.uri, load)).iops;
      const half = await pairs(bed, { ...load, rate: peak / 2 }, quick ? 1 : 5);
      const saturated = await pairs(bed, load, quick ? 1 : 5);
      return [...rowsOf('at half the peak', half, 0.99, 2), ...rowsOf('saturated', saturated, 0.9, null)];
    }),
};

interface Pairs {
  before: number[];
  after: number[];
  p99: number[];
  uploadMib: number[];
}

/** The same load before a freeze and from the freeze on. */
async function pairs(bed: Bed, load: Load, count: number): Promise<Pairs> {
  const found: Pairs = { before: [], after: [], p99: [], uploadMib: [] };
  for (let pair = 0; pair < count; pair += 1) {
    await settle();
    const before = await fio(bed.uri, load);
    const answer = await bed.server.call('CreateSnapshot', { DiskId: bed.diskId });
    const meter = new UploadMeter(bed);
    const [after] = await Promise.all([fio(bed.uri, load).finally(() => meter.stop()), meter.run()]);
    found.before.push(before.iops);
    found.after.push(after.iops);
    found.p99.push(after.p99Ms / before.p99Ms);
    found.uploadMib.push(meter.mibPerSecond);
    await bed.server.finishedSnapshot(answer.SnapshotId, 600_000);
  }
  return found;
}

function rowsOf(how: string, found: Pairs, least: number, mostP99: number | null): Row[] {
  const ratio = median(found.after.map((after, index) => after / (found.before[index] ?? NaN)));
  const before = median(found.before);
  const figures = { ours: ratio * before, peer: before, unit: 'IOPS', peerNote: ' (itself before)' };
  const moved = median(found.uploadMib);
  return [
    fasterRow(
      'P4',
      `write IOPS in the 10 s after a freeze, ${how}, medians of ${found.p99.length} pairs`,
      figures,
      least,
    ),
    limitRow('P4', `their p99 against before, ${how}`, median(found.p99), '×', mostP99),
    {
      ...limitRow('P4', `what the upload moved meanwhile, ${how}`, moved, 'MiB/s', null),
      wanted: `≥ ${LEAST_UPLOAD_MIB} MiB/s`,
      reached: moved >= LEAST_UPLOAD_MIB,
    },
  ];
}

/** How much the transfer workers read in all, from the start of the first to when the last of it was read or to `stop`. */
class UploadMeter {
  readonly #bed: Bed;
  readonly #bytesOf = new Map<number, number>();
  #stopped = false;
  #start = performance.now();
  #end = this.#start;

  constructor(bed: Bed) {
    this.#bed = bed;
  }

  get mibPerSecond(): number {
    const bytes = [...this.#bytesOf.values()].reduce((sum, each) => sum + each, 0);
    return bytes / MIB / Math.max(0.001, (this.#end - this.#start) / 1000);
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      for (const pid of this.#bed.server.transferPids()) this.#look(pid);
      await delay(100);
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  #look(pid: number): void {
    const bytes = readBytes(pid);
    if (bytes === null || bytes === this.#bytesOf.get(pid)) return;
    this.#bytesOf.set(pid, bytes);
    this.#end = performance.now();
  }
}

/** Bytes that a process has asked to read, from the page cache or not. */
function readBytes(pid: number): number | null {
  try {
    return Number(/^rchar: (\d+)$/m.exec(fs.readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);
  } catch {
    return null; // it has ended
  }
}
