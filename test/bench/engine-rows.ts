/** P1 and P2: the disk engine beside qemu-nbd on qcow2, interleaved runs of fio over a unix socket. */
import { withBed, snapshot, type Bed } from './bed.ts';
import { cpuUs, dropCaches, fio, type Load } from './load.ts';
import { QemuDisk } from './peers.ts';
import { fasterRow, limitRow, median, type BenchOptions, type Row, type RowMaker } from './row.ts';

const MIB = 1024 ** 2;
const SIZE_BYTES = 2048 * MIB;

export const engineRows: Record<string, RowMaker> = { P1: hotRows, P2: otherRows };

interface Pair {
  ours: number;
  peer: number;
  oursCpu: number;
  peerCpu: number;
}

/** Medians of interleaved runs of one load on both; CPU in microseconds a request. */
async function compare(bed: Bed, peer: QemuDisk, load: Load, runs: number, before?: () => void): Promise<Pair> {
  const diskd = await bed.server.diskdPid();
  const ours: number[] = [];
  const theirs: number[] = [];
  const cpu = { ours: [] as number[], peer: [] as number[] };
  for (let run = 0; run < runs; run += 1) {
    for (const [uri, pid, figures, used] of [
      [bed.uri, diskd, ours, cpu.ours],
      [peer.uri, peer.pid, theirs, cpu.peer],
    ] as const) {
      before?.();
      const start = cpuUs(pid);
      const result = await fio(uri, load);
      used.push((cpuUs(pid) - start) / result.ios);
      figures.push(load.blockBytes >= MIB ? result.mibPerSecond : result.iops);
    }
  }
  return { ours: median(ours), peer: median(theirs), oursCpu: median(cpu.ours), peerCpu: median(cpu.peer) };
}

async function prepare(bed: Bed): Promise<QemuDisk> {
  const peer = await QemuDisk.open(bed.folder, 20);
  const fill: Load = { rw: 'write', blockBytes: MIB, depth: 4, seconds: 0, sizeBytes: SIZE_BYTES, fill: true };
  await fio(bed.uri, fill);
  await fio(peer.uri, fill);
  return peer;
}

async function hotRows({ quick }: BenchOptions): Promise<Row[]> {
  return withBed(20, async (bed) => {
    const peer = await prepare(bed);
    const load: Load = { rw: 'randwrite', blockBytes: 4096, depth: 32, seconds: quick ? 1 : 4, sizeBytes: SIZE_BYTES };
    // After a snapshot, so that the map holds chunks that were moved; then written until they all are.
    await snapshot(bed);
    await fio(bed.uri, { ...load, seconds: quick ? 2 : 10 });
    const write = await compare(bed, peer, load, quick ? 1 : 5);
    const read = await compare(bed, peer, { ...load, rw: 'randread' }, quick ? 1 : 5);
    await peer.close();
    const note = (pair: Pair) => ` (${pair.oursCpu.toFixed(1)} µs of CPU a request; peer ${pair.peerCpu.toFixed(1)})`;
    return [
      fasterRow('P1', '4 KiB random write, depth 32, hot', { ...write, unit: 'IOPS', note: note(write) }, 3.5),
      fasterRow('P1', '4 KiB random read, depth 32, hot', { ...read, unit: 'IOPS', note: note(read) }, 3),
    ];
  });
}

async function otherRows({ quick }: BenchOptions): Promise<Row[]> {
  return withBed(20, async (bed) => {
    const peer = await prepare(bed);
    const runs = quick ? 1 : 3;
    const load: Load = { rw: 'randwrite', blockBytes: 4096, depth: 1, seconds: quick ? 1 : 4, sizeBytes: SIZE_BYTES };
    const row = async (what: string, unit: string, wanted: Load, least: number) =>
      fasterRow('P2', what, { ...(await compare(bed, peer, wanted, runs)), unit }, least);
    const rows = [
      await row('4 KiB random write, depth 1', 'IOPS', load, 1.2),
      await row('4 KiB random read, depth 1', 'IOPS', { ...load, rw: 'randread' }, 1.2),
      await row('1 MiB sequential write', 'MiB/s', { ...load, rw: 'write', blockBytes: MIB, depth: 4 }, 1.2),
      await row('1 MiB sequential read', 'MiB/s', { ...load, rw: 'read', blockBytes: MIB, depth: 4 }, 1.2),
      ...(await coldRows(bed, peer, load, runs)),
      await rewrittenRow(bed, load, quick),
    ];
    await peer.close();
    return rows;
  });
}

async function coldRows(bed: Bed, peer: QemuDisk, load: Load, runs: number): Promise<Row[]> {
  const cold: Load = { ...load, rw: 'randread', depth: 32 };
  const pair = await compare(bed, peer, cold, runs, dropCaches);
  const neighbour = await bed.server.runInstance({ Category: 'cloud_essd', Size: 20 });
  await fio(neighbour.uri, { ...load, rw: 'write', blockBytes: MIB, depth: 4, sizeBytes: 64 * MIB, fill: true });
  dropCaches();
  const hot: Load = { ...load, rw: 'randread', sizeBytes: 64 * MIB, rate: 500 };
  await fio(neighbour.uri, { ...hot, rw: 'read', blockBytes: MIB, fill: true, rate: 10_000 });
  const [beside] = await Promise.all([fio(neighbour.uri, hot), fio(bed.uri, cold)]);
  return [
    fasterRow('P2', '4 KiB random read, depth 32, cold', { ...pair, unit: 'IOPS' }, 1),
    limitRow('P2', "a hot neighbour's p99 meanwhile", beside.p99Ms, 'ms', 2),
  ];
}

async function rewrittenRow(bed: Bed, load: Load, quick: boolean): Promise<Row> {
  const read: Load = { ...load, rw: 'read', blockBytes: MIB, depth: 4 };
  const fresh = await fio(bed.uri, read);
  for (let round = 0; round < 3; round += 1) {
    await snapshot(bed);
    await fio(bed.uri, { ...load, rw: 'randwrite', depth: 32, seconds: quick ? 1 : 5 });
  }
  const after = await fio(bed.uri, read);
  const figures = { ours: after.mibPerSecond, peer: fresh.mibPerSecond, unit: 'MiB/s' };
  return fasterRow(
    'P2',
    '1 MiB sequential read after random rewriting under 3 snapshots, against its fresh self',
    figures,
    0.7,
  );
}
