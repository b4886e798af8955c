/**
 * `hupo disk import FILE`: a disk with the bytes of a raw image. The server makes the disk and opens it, the bytes go in
 * over NBD, the server closes it. Whoever interrupts this leaves a half-filled disk behind that the server drops once
 * nobody has been connected to it for a while.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { CliContext, ConnectOptions } from '../cli.ts';
import { leastSizeGib } from '../ecs/disk-categories.ts';
import { formatBytes } from '../lib/byte-units.ts';
import { systemClock } from '../lib/clock.ts';
import { OperationalError } from '../lib/errors.ts';
import { GIB } from '../lib/geometry.ts';
import { NbdClient } from '../nbd/client.ts';
import type { BeginImportAnswer, DescribeZonesAnswer } from './answers.ts';
import { findConnection } from './connection.ts';
import type { EcsClient } from './ecs-client.ts';
import { withInterrupt } from './interrupt.ts';
import { Progress } from './progress.ts';
import { copyImageToDisk } from './sparse-copy.ts';
import { formatDuration } from './units.ts';

export interface ImportOptions extends ConnectOptions {
  name?: string;
  category: string;
  zone?: string;
}

/** Prints the DiskId on standard output; returns the exit code. */
export async function runImport(file: string, options: ImportOptions, context: CliContext): Promise<number> {
  const imageBytes = readImageSize(file);
  const { client } = findConnection(options, context);
  const diskId = await withInterrupt((signal) => importImage({ file, imageBytes, options, context, client, signal }));
  context.out(`${diskId}\n`);
  return 0;
}

/** Throws an OperationalError for anything but a file with something in it. */
export function readImageSize(file: string): number {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) throw new OperationalError(`there is no file ${file}`, { retryable: false });
  if (!stat.isFile()) throw new OperationalError(`${file} is not a regular file`, { retryable: false });
  if (stat.size === 0) throw new OperationalError(`${file} is empty`, { retryable: false });
  return stat.size;
}

/** The image's size rounded up to GiB, and to the least that the category allows. */
export function planSizeGib(imageBytes: number, category: string): number {
  return Math.max(Math.ceil(imageBytes / GIB), leastSizeGib(category, null));
}

interface Import {
  file: string;
  imageBytes: number;
  options: ImportOptions;
  context: CliContext;
  client: EcsClient;
  signal: AbortSignal;
}

async function importImage(work: Import): Promise<string> {
  const { context } = work;
  const startedMs = systemClock.monotonicMs();
  const begun = await beginImport(work);
  const writtenBytes = await fillAndComplete(work, begun);
  const time = formatDuration(systemClock.monotonicMs() - startedMs);
  const sizes = `${formatBytes(work.imageBytes)}, ${formatBytes(writtenBytes)} of it not zero`;
  const sizeGib = planSizeGib(work.imageBytes, work.options.category);
  context.err(`${path.basename(work.file)}: ${sizes}, in ${time}; the disk has ${sizeGib} GiB\n`);
  return begun.DiskId;
}

/** Whatever goes wrong on the way, the person hears what becomes of the disk. */
async function fillAndComplete(work: Import, { DiskId, NbdUri }: BeginImportAnswer): Promise<number> {
  let disk: NbdClient | null = null;
  let isFilled = false;
  try {
    disk = await NbdClient.connect(NbdUri);
    const writtenBytes = await fillDisk(work, disk);
    await disk.close();
    isFilled = true;
    await work.client.call('HupoCompleteImport', { DiskId });
    return writtenBytes;
  } catch (error) {
    disk?.destroy();
    work.context.err(
      isFilled
        ? `All bytes are on the disk ${DiskId}. DescribeDisks says whether it is Available; if not, the server deletes it.\n`
        : `The disk ${DiskId} is not complete: it is Creating, and the server deletes it once nobody has been connected to it for a minute.\n`,
    );
    throw error;
  }
}

async function beginImport(work: Import): Promise<BeginImportAnswer> {
  const { client, options, imageBytes, signal } = work;
  return client.call<BeginImportAnswer>(
    'HupoBeginImport',
    {
      ZoneId: options.zone ?? (await findFirstZone(client, signal)),
      DiskCategory: options.category,
      Size: String(planSizeGib(imageBytes, options.category)),
      ...(options.name === undefined ? {} : { DiskName: options.name }),
    },
    signal,
  );
}

async function findFirstZone(client: EcsClient, signal: AbortSignal): Promise<string> {
  const answer = await client.call<DescribeZonesAnswer>('DescribeZones', { Verbose: 'false' }, signal);
  const [zone] = answer.Zones.Zone;
  if (zone === undefined) throw new OperationalError('the server has no zones; give --zone', { retryable: false });
  return zone.ZoneId;
}

async function fillDisk(work: Import, disk: NbdClient): Promise<number> {
  const { context, signal, file, imageBytes } = work;
  const progress = new Progress({
    label: 'importing',
    write: context.err,
    isTerminal: process.stderr.isTTY,
    clock: systemClock,
  });
  try {
    const writtenBytes = await copyImageToDisk({
      file,
      sizeBytes: imageBytes,
      target: disk,
      onProgress: (doneBytes, totalBytes) => progress.update(doneBytes, totalBytes),
      signal,
    });
    await disk.flush();
    return writtenBytes;
  } finally {
    progress.clear();
  }
}
