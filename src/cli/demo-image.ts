/**
 * The image that the demo walks with: the user's, which is only read, or one that is made: an ext4 file system of
 * generated files where e2fsprogs is installed (no root, no mount), else noise with holes.
 */
import fs from 'node:fs';
import path from 'node:path';
import { OperationalError } from '../lib/errors.ts';
import { BLOCK_BYTES } from '../lib/geometry.ts';
import { run } from './demo-server.ts';
import { makeBlock, type Image } from './expected-disk.ts';
import { readImageSize } from './import-disk.ts';

const MKFS_PLACES = ['/usr/sbin/mkfs.ext4', '/sbin/mkfs.ext4', '/usr/bin/mkfs.ext4', '/usr/local/sbin/mkfs.ext4'];
const MADE_BYTES = 256 * 1024 * 1024;
const NOISE_BLOCKS = 8192;
const TEXT_FILES = 400;

export interface DemoImage extends Image {
  /** What it is, for people. */
  description: string;
}

/** Makes an image in `folder` unless the user named one. */
export async function prepareImage(named: string | null, folder: string): Promise<DemoImage> {
  if (named !== null) {
    return { file: path.resolve(named), sizeBytes: readImageSize(named), description: 'yours, only read' };
  }
  const file = path.join(folder, 'demo.img');
  const mkfs = MKFS_PLACES.find((place) => fs.existsSync(place));
  if (mkfs === undefined) {
    makeNoiseImage(file);
    return { file, sizeBytes: MADE_BYTES, description: 'noise with holes: e2fsprogs is not installed' };
  }
  await makeExt4Image(mkfs, file, path.join(folder, 'files'));
  return { file, sizeBytes: MADE_BYTES, description: 'ext4 with generated files' };
}

async function makeExt4Image(mkfs: string, file: string, folder: string): Promise<void> {
  makeFiles(folder);
  fs.writeFileSync(file, '');
  fs.truncateSync(file, MADE_BYTES);
  const result = await run(mkfs, ['-q', '-F', '-d', folder, file]);
  fs.rmSync(folder, { recursive: true });
  if (result.exitCode !== 0) {
    throw new OperationalError(`${mkfs} failed: ${result.output.trim()}`, { retryable: false });
  }
}

/** Folders of text, which compresses, and of noise, which does not. */
function makeFiles(folder: string): void {
  for (let index = 0; index < TEXT_FILES; index++) {
    const place = path.join(folder, 'text', `folder-${index % 20}`);
    fs.mkdirSync(place, { recursive: true });
    fs.writeFileSync(path.join(place, `file-${index}.txt`), makeText(index));
  }
  fs.mkdirSync(path.join(folder, 'noise'));
  for (let index = 0; index < 16; index++) {
    const blocks = Array.from({ length: NOISE_BLOCKS / 16 }, (_, block) => makeBlock(1 + index * NOISE_BLOCKS + block));
    fs.writeFileSync(path.join(folder, 'noise', `file-${index}.bin`), Buffer.concat(blocks));
  }
}

function makeText(index: number): string {
  const line = (number: number) => `${index}.${number} the amber keeps the moment as it was, ${number * index}\n`;
  return Array.from({ length: 2000 }, (_, number) => line(number)).join('');
}

/** Every second MiB is a hole. */
function makeNoiseImage(file: string): void {
  const fd = fs.openSync(file, 'w', 0o600);
  try {
    fs.ftruncateSync(fd, MADE_BYTES);
    for (let index = 0; index < NOISE_BLOCKS; index++) {
      const mib = 2 * Math.floor(index / 256);
      fs.writeSync(fd, makeBlock(index + 1), 0, BLOCK_BYTES, mib * 1024 * 1024 + (index % 256) * BLOCK_BYTES);
    }
  } finally {
    fs.closeSync(fd);
  }
}
