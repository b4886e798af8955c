/** Images that everybody stores: system files, noise, and a sparse one; how they come to Hupo's disk, and how they change. */
import { randomBytes, randomFillSync, randomInt } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { NbdClient } from '../../src/nbd/client.ts';
import { fastHome, withFolder, type Bed } from './bed.ts';
import { MIB, output } from './load.ts';
import type { BenchOptions } from './row.ts';

export const GIB = 1024 * MIB;

export interface Image {
  file: string;
  /** For the row. */
  what: string;
  /** Where the pieces of 1 MiB are that hold data. */
  dataAt: number[];
}

/** An ext4 of this machine's own files, in `folder`. */
export async function makeFileImage(options: BenchOptions, folder: string): Promise<Image> {
  const file = path.join(folder, 'files.img');
  const [size, mostBytes] = options.quick ? ['2G', GIB / 2] : ['8G', 2.5 * GIB];
  const make = async (staging: string) => {
    for (const source of await chooseFolders(mostBytes)) {
      const target = path.join(staging, path.dirname(source));
      fs.mkdirSync(target, { recursive: true });
      await output('cp', ['--archive', source, target]);
    }
    await output('mkfs.ext4', ['-q', '-d', staging, file, size]);
  };
  await withFolder(options, make, fastHome(2 * mostBytes));
  const dataAt = await findData(file);
  return { file, dataAt, what: `an ext4 with ${((dataAt.length * MIB) / GIB).toFixed(1)} GiB of system files` };
}

/** Folders of /usr, the largest first, for these have the fewest files to copy; none is more than a third of all. */
async function chooseFolders(mostBytes: number): Promise<string[]> {
  const parents = ['/usr', '/usr/lib', '/usr/local', '/usr/share'];
  const folders = parents.flatMap(foldersIn).filter((folder) => !parents.includes(folder));
  const lines = (await output('du', ['--summarize', '--block-size=1', ...folders])).trim().split('\n');
  let left = mostBytes;
  return lines
    .map((line) => ({ bytes: Number(line.split('\t')[0]), folder: line.split('\t')[1] ?? '' }))
    .filter(({ bytes }) => bytes <= mostBytes / 3)
    .toSorted((a, b) => b.bytes - a.bytes)
    .filter(({ bytes }) => {
      if (bytes > left) return false;
      left -= bytes;
      return true;
    })
    .map(({ folder }) => folder);
}

function foldersIn(parent: string): string[] {
  return fs
    .readdirSync(parent, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => path.join(parent, entry.name));
}

async function findData(file: string): Promise<number[]> {
  const text = await output('qemu-img', ['map', '--output=json', '-f', 'raw', file]);
  const extents = JSON.parse(text) as { start: number; length: number; data: boolean }[];
  const found = new Set<number>();
  for (const { start, length } of extents.filter(({ data }) => data)) {
    for (let at = start - (start % MIB); at < start + length; at += MIB) found.add(at);
  }
  return [...found];
}

/** Bytes that no program can make smaller. */
export function makeNoiseImage({ quick }: BenchOptions, folder: string): Image {
  const sizeBytes = quick ? GIB / 4 : 2 * GIB;
  const file = path.join(folder, 'noise.img');
  const dataAt = fillImage(file, { sizeBytes, dataBytes: sizeBytes, noiseBytes: MIB });
  return { file, dataAt, what: `${(sizeBytes / GIB).toFixed(sizeBytes < GIB ? 2 : 0)} GiB of random bytes` };
}

/** Data at the beginning, half of it noise, and nothing behind. */
export function makeSparseImage(folder: string, sizeGib: number, dataBytes: number): Image {
  const file = path.join(folder, 'sparse.img');
  const dataAt = fillImage(file, { sizeBytes: sizeGib * GIB, dataBytes, noiseBytes: MIB / 2 });
  return { file, dataAt, what: `a sparse ${sizeGib} GiB disk` };
}

/** `noiseBytes` of each MiB are random, the others the same throughout the MiB. */
function fillImage(file: string, size: { sizeBytes: number; dataBytes: number; noiseBytes: number }): number[] {
  const fd = fs.openSync(file, 'wx');
  fs.ftruncateSync(fd, size.sizeBytes);
  const dataAt: number[] = [];
  for (let at = 0; at < size.dataBytes; at += MIB) {
    const piece = Buffer.alloc(MIB, at / MIB);
    randomFillSync(piece, MIB - size.noiseBytes);
    fs.writeSync(fd, piece, 0, MIB, at);
    dataAt.push(at);
  }
  fs.closeSync(fd);
  return dataAt;
}

/** Copies the image's data to the bed's disk. */
export async function copyIn(bed: Bed, image: Image): Promise<void> {
  const client = await NbdClient.connect(bed.uri);
  const fd = fs.openSync(image.file, 'r');
  const flying: Promise<unknown>[] = [];
  for (const at of image.dataAt) {
    const piece = Buffer.alloc(MIB);
    const length = fs.readSync(fd, piece, 0, MIB, at);
    flying.push(client.write(at, piece.subarray(0, length)));
    if (flying.length >= 8) await Promise.all(flying.splice(0));
  }
  await Promise.all(flying);
  await client.flush();
  await client.close();
  fs.closeSync(fd);
}

export interface Change {
  /** Of each piece that is overwritten by random bytes; they lie anywhere in the data. */
  unitBytes: number;
  /** Of the data. */
  share: number;
  /** Whether the image changes as the disk does. */
  alsoImage: boolean;
}

export async function change(bed: Bed, image: Image, { unitBytes, share, alsoImage }: Change): Promise<void> {
  const client = await NbdClient.connect(bed.uri);
  const fd = fs.openSync(image.file, 'r+');
  const unitsInPiece = MIB / unitBytes;
  const count = Math.floor(image.dataAt.length * unitsInPiece * share);
  for (let index = 0; index < count; index += 1) {
    const at = (image.dataAt[randomInt(image.dataAt.length)] ?? 0) + randomInt(unitsInPiece) * unitBytes;
    const bytes = randomBytes(unitBytes);
    await client.write(at, bytes);
    if (alsoImage) fs.writeSync(fd, bytes, 0, unitBytes, at);
  }
  fs.closeSync(fd);
  await client.flush();
  await client.close();
}
