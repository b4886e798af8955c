/** What the rows stand on: a server with a running instance, and a folder for peers, both removed afterwards. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { DiskMapping } from '../../src/disk/protocol.ts';
import { RequestError } from '../../src/lib/errors.ts';
import { TestServer, waitFor } from '../e2e/server.ts';
import type { ServedDisk } from './contest.ts';
import { fio, type Load } from './load.ts';
import type { BenchOptions } from './row.ts';

export interface Bed {
  server: TestServer;
  instanceId: string;
  /** The disk that the instance was made with. */
  diskId: string;
  uri: string;
  /** For the peers' files, on the same file system. */
  folder: string;
}

/** A disk of Hupo's beside the peers. */
export interface OwnDisk extends ServedDisk {
  diskId: string;
}

export async function withBed<T>(
  { leftovers }: BenchOptions,
  sizeGib: number,
  use: (bed: Bed) => Promise<T>,
  home = os.tmpdir(),
): Promise<T> {
  const folder = fs.mkdtempSync(path.join(home, 'hupo-bench-'));
  const server = new TestServer(path.join(folder, 'data'));
  const remove = leftovers.add(() => removeAll(server, folder));
  try {
    await server.start();
    const made = await server.runInstance({ Category: 'cloud_essd', PerformanceLevel: 'PL0', Size: sizeGib });
    return await use({ server, folder, ...made });
  } finally {
    remove();
  }
}

/** A folder for what belongs to no bed, removed afterwards. */
export async function withFolder<T>(
  { leftovers }: BenchOptions,
  use: (folder: string) => Promise<T>,
  home = os.tmpdir(),
): Promise<T> {
  const folder = fs.mkdtempSync(path.join(home, 'hupo-bench-'));
  const remove = leftovers.add(() => fs.rmSync(folder, { recursive: true, force: true }));
  try {
    return await use(folder);
  } finally {
    remove();
  }
}

/** A home in memory where `sizeBytes` leave room there, else on the device. */
export function fastHome(sizeBytes: number): string {
  if (!fs.existsSync('/dev/shm')) return os.tmpdir();
  const { bavail, bsize } = fs.statfsSync('/dev/shm');
  return bavail * bsize > sizeBytes ? '/dev/shm' : os.tmpdir();
}

function removeAll(server: TestServer, folder: string): void {
  server.cli('stop', '--data', server.dataFolder);
  for (const name of [server.runFolder, folder]) fs.rmSync(name, { recursive: true, force: true });
}

/** One more disk on the bed's instance. */
export async function openOwn(bed: Bed, sizeGib: number, name = 'Hupo'): Promise<OwnDisk> {
  const { server } = bed;
  const { DiskId: diskId } = await server.call('CreateDisk', {
    ZoneId: 'cn-hangzhou-a',
    DiskCategory: 'cloud_essd',
    PerformanceLevel: 'PL0',
    Size: sizeGib,
  });
  const uri = await attach(bed, diskId, bed.instanceId);
  return {
    name,
    diskId,
    uri,
    pid: await server.diskdPid(),
    close: async () => {
      await server.call('DetachDisk', { DiskId: diskId, InstanceId: bed.instanceId });
      await diskStatus(bed, diskId, 'Available');
      await server.call('DeleteDisk', { DiskId: diskId });
    },
  };
}

/** Returns where the disk is served. */
export async function attach({ server }: Pick<Bed, 'server'>, diskId: string, instanceId: string): Promise<string> {
  await diskStatus({ server }, diskId, 'Available');
  await server.call('AttachDisk', { DiskId: diskId, InstanceId: instanceId });
  await diskStatus({ server }, diskId, 'In_use');
  return (await server.disk(diskId)).NbdUri;
}

export async function diskStatus({ server }: Pick<Bed, 'server'>, diskId: string, status: string): Promise<void> {
  await waitFor(`disk ${diskId} to be ${status}`, 60_000, async () =>
    (await server.disk(diskId)).Status === status ? true : null,
  );
}

/** A snapshot taken and finished; returns its id. */
export async function snapshot(bed: Pick<Bed, 'server'>, diskId: string): Promise<string> {
  const answer = await bed.server.call('CreateSnapshot', { DiskId: diskId });
  const done = await bed.server.finishedSnapshot(answer.SnapshotId, 900_000);
  if (done.Status !== 'accomplished')
    throw new Error(`snapshot ${answer.SnapshotId} is ${done.Status}: ${bed.server.output}`);
  return String(answer.SnapshotId);
}

/** Freezes the disk past the control plane, so that no upload follows. False where it can have no further view. */
export async function freezeOnly(bed: Pick<Bed, 'server'>, diskId: string, snapshotId: string): Promise<boolean> {
  const diskd = await bed.server.diskd();
  try {
    await diskd.call('freeze', { diskId, snapshotId });
    await diskd.call('awaitDurable', { diskId, snapshotId });
    return true;
  } catch (error) {
    if (error instanceof RequestError) return false;
    throw error;
  } finally {
    diskd.close();
  }
}

/**
 * Freezes the disk three times and rewrites a quarter of its first `sizeBytes` in single blocks after each freeze, so
 * that its chunks lie in several slots. The views stay. Returns how many there are.
 */
export async function redirect(bed: Bed, disk: OwnDisk, sizeBytes: number): Promise<number> {
  const rewrite: Load = { rw: 'randwrite', blockBytes: 4096, depth: 32, sizeBytes, count: sizeBytes / 4096 / 4 };
  for (let view = 0; view < 3; view += 1) {
    if (!(await freezeOnly(bed, disk.diskId, `s-benchredirect${view}`))) return view;
    await fio(disk.uri, rewrite);
  }
  return 3;
}

/**
 * Fills the first `sizeBytes` in order, in pieces that suit everybody: after pieces of 1 MiB the kernel keeps a plain file
 * in large folios, in which small writes take several times as long, and peers would look slower than they need be.
 */
export async function fill({ uri }: { uri: string }, sizeBytes: number): Promise<void> {
  await fio(uri, { rw: 'write', blockBytes: 64 * 1024, depth: 16, sizeBytes, refill: true });
}

export async function mapping({ server }: Pick<Bed, 'server'>, diskId: string): Promise<DiskMapping> {
  const diskd = await server.diskd();
  try {
    return (await diskd.call('describeDisk', { diskId })).disk.mapping;
  } finally {
    diskd.close();
  }
}

/** Waits until the background merge has left less than 1 % of the chunks with older layers; the share that is left. */
export async function merged(bed: Bed, diskId: string, timeoutMs: number): Promise<number> {
  let share = 1;
  const look = async () => {
    const { olderLayerCount, dataChunkCount } = await mapping(bed, diskId);
    share = olderLayerCount / Math.max(1, dataChunkCount);
    return share < 0.01 ? true : null;
  };
  await waitFor(`disk ${diskId} to be merged`, timeoutMs, look).catch(() => undefined);
  return share;
}
