/** Whoever keeps copies of an image: Hupo by its snapshots, restic and borg by backups of the same image as a file. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { snapshot, type Bed } from './bed.ts';
import { MemoryMeter, spend, type Spent } from './spent.ts';

export interface Stored extends Spent {
  /** By how much what is stored has grown. */
  addedBytes: number;
}

export interface Archiver {
  readonly name: string;
  /** For the row: how it was told to work, where it has a choice that matters. */
  readonly how: string;
  /** Stores the image as it is now, beside what is stored already. */
  store: () => Promise<Stored>;
  /** Restores what was stored last to a file, which is removed afterwards. */
  restore: () => Promise<Spent>;
}

export const OURS = 'Hupo';
const MAIN = path.join(import.meta.dirname, '..', '..', 'src', 'main.ts');

/** Hupo with the bed's disk, then the peers with `file`, each with an empty store. Borg only where it is installed. */
export async function openArchivers(bed: Bed, file: string): Promise<Archiver[]> {
  const archivers: Archiver[] = [own(bed), await openRestic(path.join(bed.folder, 'restic'), file)];
  if (hasBorg()) archivers.push(await openBorg(path.join(bed.folder, 'borg'), file));
  return archivers;
}

export function hasBorg(): boolean {
  return spawnSync('which', ['borg']).status === 0;
}

/** From CreateSnapshot's call until it is accomplished; memory is that of the workers that upload. */
function own(bed: Bed): Archiver {
  let snapshotId = '';
  return {
    name: OURS,
    how: '',
    store: async () =>
      withGrowth(
        () => bed.server.repositoryBytes(),
        async () => {
          const meter = new MemoryMeter(() => bed.server.transferPids());
          const start = performance.now();
          snapshotId = await snapshot(bed, bed.diskId).finally(() => meter.stop());
          return { seconds: (performance.now() - start) / 1000, peakBytes: meter.peakBytes };
        },
      ),
    restore: async () => {
      const file = path.join(bed.folder, 'export.img');
      const args = [MAIN, 'snapshot', 'export', snapshotId, file, '--data', bed.server.dataFolder];
      return spend(process.execPath, args).finally(() => fs.rmSync(file, { force: true }));
    },
  };
}

async function openRestic(folder: string, file: string): Promise<Archiver> {
  const env = { ...process.env, RESTIC_PASSWORD: 'bench' };
  const restic = async (...args: string[]) =>
    spend('restic', ['--repo', folder, '--cache-dir', `${folder}.cache`, '--quiet', ...args], { env });
  await restic('init');
  return {
    name: 'restic',
    how: '',
    store: async () =>
      withGrowth(
        () => bytesIn(folder, () => true),
        async () => restic('backup', file),
      ),
    restore: async () =>
      intoFolder(`${folder}.restored`, async (target) => restic('restore', 'latest', '--target', target)),
  };
}

/**
 * Chunks of 4 MiB at fixed places, which its manual advises for raw disk images, and which let it leave out holes. Its
 * default cuts by content, into 2 MiB on average. Without encryption, as our store is; zstd at its own default level.
 */
async function openBorg(folder: string, file: string): Promise<Archiver> {
  const env = { ...process.env, BORG_BASE_DIR: `${folder}.base`, BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes' };
  const create = ['create', '--read-special', '--sparse', '--chunker-params=fixed,4194304', '--compression=zstd,3'];
  let count = 0;
  await spend('borg', ['init', '--encryption=none', folder], { env });
  return {
    name: 'borg',
    how: ', 4 MiB chunks as it advises for disk images',
    store: async () =>
      withGrowth(
        () => bytesIn(folder, (name) => !/^(index|hints|integrity)\.\d+$/.test(name)), // made anew where they are missing
        async () => {
          count += 1;
          return spend('borg', [...create, `${folder}::${count}`, file], { env });
        },
      ),
    restore: async () =>
      intoFolder(`${folder}.restored`, async (target) =>
        spend('borg', ['extract', '--sparse', `${folder}::${count}`], { env, cwd: target }),
      ),
  };
}

async function withGrowth(bytes: () => number, work: () => Promise<Spent>): Promise<Stored> {
  const before = bytes();
  const spent = await work();
  return { ...spent, addedBytes: bytes() - before };
}

async function intoFolder<T>(folder: string, use: (folder: string) => Promise<T>): Promise<T> {
  fs.mkdirSync(folder);
  return use(folder).finally(() => fs.rmSync(folder, { recursive: true }));
}

function bytesIn(folder: string, counts: (name: string) => boolean): number {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && counts(entry.name))
    .reduce((sum, entry) => sum + fs.statSync(path.join(entry.parentPath, entry.name)).size, 0);
}
