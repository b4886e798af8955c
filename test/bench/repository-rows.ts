/** P5, P6 and P8: snapshots and restores of real file-system images, beside restic and zstd. */
import fs from 'node:fs';
import path from 'node:path';
import { NbdClient } from '../../src/nbd/client.ts';
import { withBed, type Bed } from './bed.ts';
import { output } from './load.ts';
import { Restic } from './peers.ts';
import { fasterRow, median, type BenchOptions, type Row, type RowMaker } from './row.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const CHUNK_BYTES = 64 * 1024;

export const repositoryRows: RowMaker[] = [
  { targets: ['P5'], make: firstSnapshotRows },
  { targets: ['P6'], make: nextSnapshotRows },
  { targets: ['P8'], make: restoreRows },
];

/** An ext4 image of this machine's own files, made without root. */
async function makeImage(folder: string, quick: boolean): Promise<string> {
  const image = path.join(folder, 'files.img');
  const source = quick ? '/usr/share' : '/usr';
  await output('mkfs.ext4', ['-q', '-d', source, image, quick ? '4G' : '12G']).catch(async () =>
    output('mkfs.ext4', ['-q', '-d', '/usr/share', image, '6G']),
  );
  return image;
}

/** Copies a file's data into the bed's disk; zero chunks are left out. */
async function copyIn(bed: Bed, file: string): Promise<void> {
  const client = await NbdClient.connect(bed.uri);
  const fd = fs.openSync(file, 'r');
  const zeros = Buffer.alloc(MIB);
  const flying: Promise<unknown>[] = [];
  for (let at = 0; at < fs.fstatSync(fd).size; at += MIB) {
    const piece = Buffer.alloc(MIB);
    const length = fs.readSync(fd, piece, 0, MIB, at);
    if (!piece.equals(zeros)) flying.push(client.write(at, piece.subarray(0, length)));
    if (flying.length >= 8) await Promise.all(flying.splice(0));
  }
  await Promise.all(flying);
  await client.flush();
  await client.close();
  fs.closeSync(fd);
}

/** Seconds from CreateSnapshot's call until it is accomplished. */
async function timeSnapshot(bed: Bed): Promise<{ seconds: number; snapshotId: string }> {
  const start = performance.now();
  const answer = await bed.server.call('CreateSnapshot', { DiskId: bed.diskId });
  const done = await bed.server.finishedSnapshot(answer.SnapshotId, 900_000);
  if (done.Status !== 'accomplished') throw new Error(`the snapshot is ${done.Status}`);
  return { seconds: (performance.now() - start) / 1000, snapshotId: answer.SnapshotId };
}

async function firstSnapshotRows(options: BenchOptions): Promise<Row[]> {
  const { quick } = options;
  const seconds = { ours: [] as number[], peer: [] as number[] };
  const bytes = { ours: 0, peer: 0 };
  for (let run = 0; run < (quick ? 1 : 3); run += 1) {
    await withBed(options, 20, async (bed) => {
      const image = await makeImage(bed.folder, quick);
      await copyIn(bed, image);
      seconds.ours.push((await timeSnapshot(bed)).seconds);
      bytes.ours = bed.server.repositoryBytes();
      const restic = new Restic(path.join(bed.folder, 'restic'));
      await restic.init();
      seconds.peer.push(await restic.backup(image));
      bytes.peer = restic.bytes();
    });
  }
  return [
    speedRow('P5', 'first snapshot of a file-system image, time (restic)', seconds, 2.5),
    {
      target: 'P5',
      what: 'its bytes stored (restic)',
      ours: `${Math.round(bytes.ours / MIB)} MiB`,
      peer: `${Math.round(bytes.peer / MIB)} MiB`,
      ratio: `${(bytes.ours / bytes.peer).toFixed(2)} ×`,
      wanted: '≤ 1.10 ×',
      reached: bytes.ours <= 1.1 * bytes.peer,
    },
  ];
}

function speedRow(target: string, what: string, seconds: { ours: number[]; peer: number[] }, least: number): Row {
  const ours = median(seconds.ours);
  const peer = median(seconds.peer);
  const row = fasterRow(target, what, { ours: 1 / ours, peer: 1 / peer, unit: '' }, least);
  return { ...row, ours: `${ours.toFixed(2)} s`, peer: `${peer.toFixed(2)} s` };
}

async function nextSnapshotRows(options: BenchOptions): Promise<Row[]> {
  const { quick } = options;
  return withBed(options, 64, async (bed) => {
    const image = path.join(bed.folder, 'sparse.img');
    const dataBytes = (quick ? 1 : 4) * GIB;
    const fd = fs.openSync(image, 'w+');
    fs.ftruncateSync(fd, 64 * GIB);
    const noise = fs.openSync('/dev/urandom', 'r');
    const piece = Buffer.alloc(MIB);
    for (let at = 0; at < dataBytes; at += MIB) {
      fs.readSync(noise, piece, 0, MIB, null);
      piece.fill(at / MIB, 0, MIB / 2);
      fs.writeSync(fd, piece, 0, MIB, at);
    }
    await copyIn(bed, image);
    await timeSnapshot(bed);
    const restic = new Restic(path.join(bed.folder, 'restic'));
    await restic.init();
    await restic.backup(image);
    const rows: Row[] = [];
    for (const [what, unit, least] of [
      ['1 % of chunks changed', CHUNK_BYTES, 30],
      ['1 % of 4 KiB blocks changed, scattered', 4096, 3],
    ] as const) {
      const seconds = { ours: [] as number[], peer: [] as number[] };
      for (let run = 0; run < (quick ? 1 : 3); run += 1) {
        await change(bed, fd, { unit, count: Math.floor(dataBytes / unit / 100), dataBytes });
        seconds.ours.push((await timeSnapshot(bed)).seconds);
        seconds.peer.push(await restic.backup(image));
      }
      rows.push(speedRow('P6', `next snapshot of a sparse 64 GiB disk, ${what} (restic)`, seconds, least));
    }
    fs.closeSync(noise);
    fs.closeSync(fd);
    return rows;
  });
}

/** The same random change to the disk and to the file. */
async function change(bed: Bed, fd: number, how: { unit: number; count: number; dataBytes: number }): Promise<void> {
  const client = await NbdClient.connect(bed.uri);
  const bytes = Buffer.alloc(how.unit);
  for (let index = 0; index < how.count; index += 1) {
    const at = Math.floor((Math.random() * how.dataBytes) / how.unit) * how.unit;
    for (let word = 0; word < how.unit; word += 4) bytes.writeUInt32LE(Math.floor(Math.random() * 2 ** 32), word);
    await client.write(at, bytes);
    fs.writeSync(fd, bytes, 0, how.unit, at);
  }
  await client.flush();
  await client.close();
}

async function restoreRows(options: BenchOptions): Promise<Row[]> {
  const { quick } = options;
  return withBed(options, 20, async (bed) => {
    const image = await makeImage(bed.folder, quick);
    await copyIn(bed, image);
    const { snapshotId } = await timeSnapshot(bed);
    const restic = new Restic(path.join(bed.folder, 'restic'));
    await restic.init();
    await restic.backup(image);
    const packed = path.join(bed.folder, 'files.zst');
    await output('zstd', ['-q', '-T0', image, '-o', packed]);
    const ours: number[] = [];
    const peer: number[] = [];
    const zstd: number[] = [];
    for (let run = 0; run < (quick ? 1 : 3); run += 1) {
      ours.push(await timed(async () => exportOnce(bed, snapshotId)));
      peer.push(await restic.restore(path.join(bed.folder, 'restored')));
      fs.rmSync(path.join(bed.folder, 'restored'), { recursive: true });
      zstd.push(
        await timed(async () => output('zstd', ['-q', '-d', '-f', packed, '-o', path.join(bed.folder, 'plain.img')])),
      );
    }
    return [
      speedRow('P8', 'whole restore to a file (restic)', { ours, peer }, 7),
      speedRow('P8', 'whole restore to a file (zstd -d of the same image)', { ours, peer: zstd }, 2),
    ];
  });
}

async function exportOnce(bed: Bed, snapshotId: string): Promise<void> {
  const file = path.join(bed.folder, 'export.img');
  const result = bed.server.cli('snapshot', 'export', snapshotId, file, '--data', bed.server.dataFolder);
  if (result.status !== 0) throw new Error(result.stderr);
  fs.rmSync(file);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
