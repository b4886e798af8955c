/** P2: one request at a time, long sequential ones, and reads from the device; against qemu-nbd on qcow2. */
import { fill, merged, openOwn, snapshot, withBed, type Bed, type OwnDisk } from './bed.ts';
import { compete, measureOnce, note, scoreRow, type Scores, type ServedDisk } from './contest.ts';
import { dropCaches, fio, MIB, settle, type Load } from './load.ts';
import { openPeer, PEER_KINDS } from './peers.ts';
import { fasterRow, limitRow, median, type Row, type RowMaker } from './row.ts';

const SIZE_BYTES = 2048 * MIB;
const NEIGHBOUR_BYTES = 64 * MIB;
const OURS = 'Hupo';
/** How long the background merge may take after the last snapshot is gone. */
const MERGE_TIMEOUT_MS = 60_000;

const small: Load = { rw: 'randread', blockBytes: 4096, depth: 1, sizeBytes: SIZE_BYTES };
const large: Load = { rw: 'read', blockBytes: MIB, depth: 4, sizeBytes: SIZE_BYTES };

export const steadyRows: RowMaker = {
  targets: ['P2'],
  make: (options) =>
    withBed(options, 1, async (bed) => {
      const { quick } = options;
      const rows = await sequentialRows(bed, quick ? 1 : 3);
      const disks: ServedDisk[] = [await openOwn(bed, 20)];
      for (const kind of PEER_KINDS) disks.push(await openPeer(kind, bed.folder, 20));
      for (const disk of disks) await fill(disk, SIZE_BYTES);
      rows.push(...(await depthOneRows(disks, quick)), ...(await coldRows(bed, disks, quick)));
      for (const disk of disks) await disk.close();
      rows.push(...(await rewrittenRows(bed, quick)));
      return rows;
    }),
};

function peerRow(what: string, least: number | null, scores: Scores, load: Load): Row {
  return scoreRow({ target: 'P2', what, ours: OURS, peers: PEER_KINDS, least }, scores, load);
}

/**
 * Each run is on a disk of its own that nobody has written to: written once in order (everybody allocates), once more
 * (nobody does), read from the page cache, and read from the device. The device is idle before each, and nobody syncs.
 */
async function sequentialRows(bed: Bed, runs: number): Promise<Row[]> {
  const write: Load = { ...large, rw: 'write' };
  const passes: [string, Load, number | null, () => Promise<void>][] = [
    ['1 MiB sequential write, fresh disk', write, 1.2, settle],
    ['1 MiB sequential write, laid-out disk', write, 1.2, settle],
    ['1 MiB sequential read, hot', large, 1.2, settle],
    ['1 MiB sequential read, cold', large, null, dropCaches],
  ];
  const scores: Scores[] = passes.map(() => new Map());
  for (let run = 0; run < runs; run += 1) {
    for (const kind of [OURS, ...PEER_KINDS] as const) {
      const disk = kind === OURS ? await openOwn(bed, 20) : await openPeer(kind, bed.folder, 20);
      for (const [index, [, load, , before]] of passes.entries()) {
        await before();
        note(scores[index] ?? new Map(), kind, await measureOnce(disk, load));
      }
      await disk.close();
    }
  }
  return passes.map(([what, load, least], index) => peerRow(what, least, scores[index] ?? new Map(), load));
}

async function depthOneRows(disks: ServedDisk[], quick: boolean): Promise<Row[]> {
  const rows: Row[] = [];
  for (const rw of ['randwrite', 'randread'] as const) {
    const load: Load = { ...small, rw, seconds: quick ? 1 : 3 };
    const scores = await compete(disks, load, quick ? 1 : 3, settle);
    rows.push(peerRow(`4 KiB random ${rw === 'randread' ? 'read' : 'write'}, depth 1, hot`, 1.2, scores, load));
  }
  return rows;
}

/** No block is read twice in a run, so every read is the device's. */
async function coldRows(bed: Bed, disks: ServedDisk[], quick: boolean): Promise<Row[]> {
  const cold: Load = { ...small, depth: 32, once: true, seconds: quick ? 1 : 4 };
  const scores = await compete(disks, cold, quick ? 1 : 3, dropCaches);
  const row = peerRow('4 KiB random read, depth 32, cold', 1, scores, cold);
  const neighbour = await openOwn(bed, 20);
  const [own] = disks;
  if (own === undefined) throw new Error('there is no disk of our own');
  await fill(neighbour, NEIGHBOUR_BYTES);
  const alone = await neighbourP99(neighbour, own, null, quick);
  const beside = await neighbourP99(neighbour, own, cold, quick);
  await neighbour.close();
  return [
    row,
    limitRow('P2', `a hot neighbour's p99 meanwhile (alone: ${alone.toFixed(2)} ms), median`, beside, 'ms', 2),
  ];
}

/** A neighbour that reads hot blocks at an easy pace, while the other disk is read from the device (or is not). */
async function neighbourP99(neighbour: OwnDisk, other: ServedDisk, cold: Load | null, quick: boolean): Promise<number> {
  const hot: Load = { ...small, sizeBytes: NEIGHBOUR_BYTES, rate: 500, seconds: quick ? 1 : 4 };
  const p99: number[] = [];
  for (let run = 0; run < (quick ? 1 : 3); run += 1) {
    await dropCaches();
    await fio(neighbour.uri, { ...large, sizeBytes: NEIGHBOUR_BYTES });
    const [result] = await Promise.all([fio(neighbour.uri, hot), cold === null ? null : fio(other.uri, cold)]);
    p99.push(result.p99Ms);
  }
  return median(p99);
}

/** A quarter of the blocks is rewritten at random after each of three snapshots, which are deleted in the end. */
async function rewrittenRows(bed: Bed, quick: boolean): Promise<Row[]> {
  const disk = await openOwn(bed, 20);
  await fill(disk, SIZE_BYTES);
  const fresh = await readWhole(disk, quick);
  const snapshots: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    snapshots.push(await snapshot(bed, disk.diskId));
    const count = SIZE_BYTES / 4096 / (quick ? 16 : 4);
    await fio(disk.uri, { rw: 'randwrite', blockBytes: 4096, depth: 32, sizeBytes: SIZE_BYTES, count });
  }
  for (const SnapshotId of snapshots) await bed.server.call('DeleteSnapshot', { SnapshotId, Force: true });
  const unmerged = await merged(bed, disk.diskId, MERGE_TIMEOUT_MS);
  const after = await readWhole(disk, quick);
  await disk.close();
  const left = unmerged < 0.01 ? 'merged' : `${Math.round(100 * unmerged)} % of chunks not merged`;
  return (['hot', 'cold'] as const).map((how) => {
    const what = `1 MiB sequential read, ${how}, after random rewriting under 3 snapshots (${left}), against its fresh self`;
    return fasterRow('P2', what, { ours: after[how], peer: fresh[how], unit: 'MiB/s', peerNote: ' (itself)' }, 0.7);
  });
}

async function readWhole(disk: ServedDisk, quick: boolean): Promise<{ hot: number; cold: number }> {
  const hot: number[] = [];
  const cold: number[] = [];
  for (let run = 0; run < (quick ? 1 : 3); run += 1) {
    await dropCaches();
    cold.push((await fio(disk.uri, large)).mibPerSecond);
    hot.push((await fio(disk.uri, large)).mibPerSecond);
  }
  return { hot: median(hot), cold: median(cold) };
}
