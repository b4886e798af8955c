/**
 * P7: from the call until the first read answers: a rollback, a disk made from a snapshot, an instance made from an image.
 * Everything that a client has to do is within the time: the calls, the waiting for states, the NBD handshake. The first
 * read is of a block that the snapshot holds and nobody has read since.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { NbdClient } from '../../src/nbd/client.ts';
import { snapshot, withBed, type Bed } from './bed.ts';
import { fio, MIB } from './load.ts';
import { limitRow, median, type Row, type RowMaker } from './row.ts';

const TIB_GIB = 1024;
const DATA_BYTES = 256 * MIB;
/** So many blocks, one in each chunk and all over the disk, are what the tree is made of. */
const SCATTERED_COUNT = 2000;
const POLL_MS = 2;

export const instantRows: RowMaker = {
  targets: ['P7'],
  make: async (options) => {
    const rows: Row[] = [];
    for (const sizeGib of [1, 32 * TIB_GIB]) {
      rows.push(...(await withBed(options, sizeGib, async (bed) => rowsOfSize(bed, sizeGib, options.quick ? 2 : 9))));
    }
    return rows;
  },
};

async function rowsOfSize(bed: Bed, sizeGib: number, runs: number): Promise<Row[]> {
  await lay(bed, sizeGib);
  const snapshotId = await snapshot(bed, bed.diskId);
  const imageId = await makeImage(bed);
  const taken = { rollback: [] as number[], disk: [] as number[], image: [] as number[] };
  for (let run = 0; run < runs; run += 1) {
    const at = Math.floor(DATA_BYTES / runs / MIB) * MIB * run;
    taken.rollback.push(await timeRollback(bed, snapshotId, at));
    taken.disk.push(await timeDisk(bed, snapshotId, at));
    taken.image.push(await timeImage(bed, imageId, at));
  }
  const size = sizeGib < TIB_GIB ? `${sizeGib} GiB` : `${sizeGib / TIB_GIB} TiB`;
  const row = (what: string, times: number[]) =>
    limitRow(
      'P7',
      `${what} until the first read answers, ${size}, median (most ${Math.max(...times).toFixed(0)} ms)`,
      median(times),
      'ms',
      100,
    );
  return [
    row('rollback, and start of the instance,', taken.rollback),
    row('disk from snapshot, attached,', taken.disk),
    row('instance from image, its data disk,', taken.image),
  ];
}

async function lay(bed: Bed, sizeGib: number): Promise<void> {
  await fio(bed.uri, { rw: 'write', blockBytes: MIB, depth: 4, sizeBytes: DATA_BYTES, refill: true });
  const sizeBytes = sizeGib * 1024 * MIB;
  await fio(bed.uri, { rw: 'randwrite', blockBytes: 4096, depth: 32, sizeBytes, count: SCATTERED_COUNT });
}

async function makeImage({ server, instanceId }: Bed): Promise<string> {
  const { ImageId } = await server.call('CreateImage', { InstanceId: instanceId, ImageName: 'bench' });
  for (;;) {
    const { Images } = await server.call('DescribeImages', { ImageId, Status: 'ALL' });
    if (Images.Image[0]?.Status === 'Available') return String(ImageId);
    if (Images.Image[0]?.Status === 'CreateFailed') throw new Error(`image ${ImageId} could not be made`);
    await delay(100);
  }
}

async function timeRollback(bed: Bed, snapshotId: string, at: number): Promise<number> {
  const { server, instanceId, diskId } = bed;
  await server.stopInstance(instanceId);
  const start = performance.now();
  await server.call('ResetDisk', { DiskId: diskId, SnapshotId: snapshotId });
  await readyDisk(bed, diskId, 'In_use');
  await server.call('StartInstance', { InstanceId: instanceId });
  await firstRead(await nbdUri(bed, diskId), at);
  const taken = performance.now() - start;
  await server.instanceStatus(instanceId, 'Running');
  return taken;
}

async function timeDisk(bed: Bed, snapshotId: string, at: number): Promise<number> {
  const { server, instanceId } = bed;
  const start = performance.now();
  const { DiskId } = await server.call('CreateDisk', {
    SnapshotId: snapshotId,
    ZoneId: 'cn-hangzhou-a',
    DiskCategory: 'cloud_essd',
    PerformanceLevel: 'PL0',
  });
  await readyDisk(bed, DiskId, 'Available');
  await server.call('AttachDisk', { DiskId, InstanceId: instanceId });
  await firstRead(await nbdUri(bed, DiskId), at);
  const taken = performance.now() - start;
  await readyDisk(bed, DiskId, 'In_use');
  await server.call('DetachDisk', { DiskId, InstanceId: instanceId });
  await readyDisk(bed, DiskId, 'Available');
  await server.call('DeleteDisk', { DiskId });
  return taken;
}

async function timeImage(bed: Bed, imageId: string, at: number): Promise<number> {
  const { server } = bed;
  const start = performance.now();
  const answer = await server.call('RunInstances', { ImageId: imageId, InstanceType: 'ecs.external.large' });
  const instanceId = String(answer.InstanceIdSets.InstanceIdSet[0]);
  const diskId = await until(async () => {
    const { Disks } = await server.call('DescribeDisks', { InstanceId: instanceId, DiskType: 'data' });
    return (Disks.Disk[0]?.DiskId as string | undefined) ?? null;
  });
  await firstRead(await nbdUri(bed, diskId), at);
  const taken = performance.now() - start;
  await server.instanceStatus(instanceId, 'Running');
  await server.call('DeleteInstance', { InstanceId: instanceId, Force: true });
  return taken;
}

async function readyDisk({ server }: Bed, diskId: string, status: string): Promise<void> {
  await until(async () => ((await server.disk(diskId)).Status === status ? true : null));
}

/** Where the disk is served, once it is. */
async function nbdUri({ server }: Bed, diskId: string): Promise<string> {
  return until(async () => ((await server.disk(diskId))?.NbdUri as string | undefined) || null);
}

async function firstRead(uri: string, at: number): Promise<void> {
  const client = await NbdClient.connect(uri);
  await client.read(at, 4096);
  await client.close();
}

async function until<T>(look: () => Promise<T | null>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    await delay(POLL_MS);
  }
}
