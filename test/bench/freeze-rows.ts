/** P3 and P4: what a guest feels of a freeze and of the upload after it. */
import { setTimeout as delay } from 'node:timers/promises';
import { NbdClient } from '../../src/nbd/client.ts';
import { withBed, type Bed } from './bed.ts';
import { dropCaches, fio, type Load } from './load.ts';
import { limitRow, median, quantile, type BenchOptions, type Row, type RowMaker } from './row.ts';

const MIB = 1024 ** 2;
const SIZE_BYTES = 2048 * MIB;

export const freezeRows: Record<string, RowMaker> = { P3: holdRows, P4: uploadRows };

/** A guest that does one request after another on each of `lanes` lanes and notes how long each took. */
class Guest {
  readonly #client: NbdClient;
  readonly #request: (client: NbdClient) => Promise<unknown>;
  readonly requests: { start: number; end: number }[] = [];
  #stopped = false;
  #lanes: Promise<void>[] = [];

  constructor(client: NbdClient, request: (client: NbdClient) => Promise<unknown>) {
    this.#client = client;
    this.#request = request;
  }

  start(lanes: number): void {
    this.#lanes = Array.from({ length: lanes }, async () => this.#run());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#lanes);
    await this.#client.close();
  }

  /** The longest request in flight at any moment between two times. */
  longest(from: number, to: number): number {
    const overlapping = this.requests.filter(({ start, end }) => start <= to && end >= from);
    return Math.max(0, ...overlapping.map(({ start, end }) => end - start));
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const start = performance.now();
      await this.#request(this.#client);
      this.requests.push({ start, end: performance.now() });
    }
  }
}

async function holdRows({ quick }: BenchOptions): Promise<Row[]> {
  return withBed(20, async (bed) => {
    await fio(bed.uri, { rw: 'write', blockBytes: MIB, depth: 4, seconds: 0, sizeBytes: SIZE_BYTES, fill: true });
    const offset = (bytes: number) => Math.floor((Math.random() * SIZE_BYTES) / bytes) * bytes;
    const small = Buffer.alloc(4096, 7);
    const large = Buffer.alloc(MIB, 8);
    const loads: [string, (client: NbdClient) => Promise<unknown>, () => void][] = [
      ['4 KiB writes with fsync', async (client) => client.write(offset(4096), small, { fua: true }), () => undefined],
      ['1 MiB writes', async (client) => client.write(offset(MIB), large), () => undefined],
      ['cold 4 KiB reads', async (client) => client.read(offset(4096), 4096), dropCaches],
    ];
    const rows: Row[] = [];
    const replies: number[] = [];
    for (const [what, request, before] of loads) {
      const held = await holds(bed, request, { freezes: quick ? 3 : 20, replies, before });
      rows.push(
        limitRow(
          'P3',
          `request in flight at a freeze, p99, ${what} (without a freeze: ${held.usual.toFixed(1)} ms)`,
          held.p99,
          'ms',
          10,
        ),
      );
    }
    rows.push(limitRow('P3', "CreateSnapshot's reply, p99", quantile(replies, 0.99), 'ms', 100));
    return rows;
  });
}

async function holds(
  bed: Bed,
  request: (client: NbdClient) => Promise<unknown>,
  how: { freezes: number; replies: number[]; before: () => void },
): Promise<{ p99: number; usual: number }> {
  const guest = new Guest(await NbdClient.connect(bed.uri), request);
  const usual: number[] = [];
  const held: number[] = [];
  how.before();
  guest.start(4);
  for (let freeze = 0; freeze < how.freezes; freeze += 1) {
    await delay(300);
    const from = performance.now();
    const answer = await bed.server.call('CreateSnapshot', { DiskId: bed.diskId });
    const to = performance.now();
    how.replies.push(to - from);
    await delay(100);
    held.push(guest.longest(from, to));
    usual.push(guest.longest(from - 200, from - 200 + (to - from)));
    await bed.server.finishedSnapshot(answer.SnapshotId, 600_000);
  }
  await guest.stop();
  return { p99: quantile(held, 0.99), usual: quantile(usual, 0.99) };
}

async function uploadRows({ quick }: BenchOptions): Promise<Row[]> {
  return withBed(20, async (bed) => {
    const load: Load = { rw: 'randwrite', blockBytes: 4096, depth: 32, seconds: quick ? 3 : 10, sizeBytes: SIZE_BYTES };
    await fio(bed.uri, { ...load, rw: 'write', blockBytes: MIB, depth: 4, fill: true });
    const peak = (await fio(bed.uri, load)).iops;
    const saturated = await pairs(bed, load, quick ? 1 : 5);
    const half = await pairs(bed, { ...load, rate: peak / 2 }, quick ? 1 : 5);
    const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
    const row = (what: string, value: number, least: number): Row => {
      const wanted = `≥ ${100 * least} %`;
      return {
        target: 'P4',
        what,
        ours: percent(value),
        peer: 'itself before',
        ratio: '–',
        wanted,
        reached: value >= least,
      };
    };
    return [
      row('write IOPS while the upload runs, at half the peak', half.iops, 0.99),
      limitRow('P4', 'their p99 against before (× )', half.p99, '×', 2),
      row('write IOPS while the upload runs, saturated', saturated.iops, 0.9),
    ];
  });
}

/** Medians of (after ÷ before): the same load before a freeze and from the freeze on, while the upload runs. */
async function pairs(bed: Bed, load: Load, count: number): Promise<{ iops: number; p99: number }> {
  const iops: number[] = [];
  const p99: number[] = [];
  for (let pair = 0; pair < count; pair += 1) {
    const before = await fio(bed.uri, load);
    const answer = await bed.server.call('CreateSnapshot', { DiskId: bed.diskId });
    const after = await fio(bed.uri, load);
    iops.push(after.iops / before.iops);
    p99.push(after.p99Ms / before.p99Ms);
    await bed.server.finishedSnapshot(answer.SnapshotId, 600_000);
  }
  return { iops: median(iops), p99: median(p99) };
}
