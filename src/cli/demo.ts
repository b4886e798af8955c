/**
 * `hupo demo [IMAGE]`: the main job on real bytes, on a server of its own. An image goes onto a disk; two snapshots, with
 * changes between them and writes during the second; back to the first; a disk from the second; space returned. Every
 * moment is compared byte for byte. Ends with 0 only if all is as it was.
 *
 * Nothing outside a temporary folder is written; Ctrl-C removes it with the server.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { CliContext } from '../cli.ts';
import { formatBytes } from '../lib/byte-units.ts';
import { systemClock } from '../lib/clock.ts';
import { OperationalError, messageOf } from '../lib/errors.ts';
import { prepareImage, type DemoImage } from './demo-image.ts';
import { DemoServer } from './demo-server.ts';
import { DemoWalk } from './demo-walk.ts';
import type { EcsClient } from './ecs-client.ts';
import { hashFile } from './expected-disk.ts';
import { withInterrupt } from './interrupt.ts';
import { Report } from './report.ts';
import { formatDuration } from './units.ts';

export interface DemoOptions {
  /** A raw image of the user's; null makes one. */
  image: string | null;
  keep: boolean;
}

/** Disk, repository, export: what the walk may need at once, in sizes of the image's data. */
const SPACE_FACTOR = 3;
const SPACE_RESERVE_BYTES = 512 * 1024 * 1024;

/** Returns the exit code. Throws an OperationalError for an image that cannot be used. */
export async function runDemo(options: DemoOptions, context: CliContext): Promise<number> {
  const report = new Report({ out: context.out, isTerminal: process.stdout.isTTY, clock: systemClock });
  const { temporaryFolder } = context.environment;
  const scratch = fs.mkdtempSync(path.join(temporaryFolder, 'hupo-demo-image-'));
  try {
    return await withInterrupt(async (signal) => {
      const image = await prepareImage(options.image, scratch);
      checkSpace(image, temporaryFolder);
      return new Demo({ options, context, report, image, scratch, signal }).run();
    });
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

function checkSpace(image: DemoImage, folder: string): void {
  const { bavail, bsize } = fs.statfsSync(folder);
  const neededBytes = SPACE_FACTOR * fs.statSync(image.file).blocks * 512 + SPACE_RESERVE_BYTES;
  if (bavail * bsize >= neededBytes) return;
  throw new OperationalError(
    `${folder} has ${formatBytes(bavail * bsize)} free and the demo needs about ${formatBytes(neededBytes)}; set TMPDIR to a folder with more`,
    { retryable: false },
  );
}

interface DemoParts {
  options: DemoOptions;
  context: CliContext;
  report: Report;
  image: DemoImage;
  scratch: string;
  signal: AbortSignal;
}

class Demo {
  readonly #parts: DemoParts;

  constructor(parts: DemoParts) {
    this.#parts = parts;
  }

  async run(): Promise<number> {
    const { report, image, signal, context, options } = this.#parts;
    const startedMs = systemClock.monotonicMs();
    const digestBefore = await hashFile(image.file, signal);
    report.line(report.bold('Hupo: an image through disks, snapshots and back'));
    report.line();
    report.fact(
      'image',
      `${options.image ?? path.basename(image.file)}, ${formatBytes(image.sizeBytes)}: ${image.description}`,
    );
    report.fact('SHA-256', digestBefore);
    report.line();
    const server = DemoServer.launch(context);
    let isWalked = false;
    try {
      const digestOnDisk = await this.#walk(server);
      isWalked = true;
      if (!options.keep) await report.step('server stopped, its folder removed', () => this.#remove(server));
      const digestAfter = await hashFile(image.file, signal);
      return this.#conclude([digestBefore, digestOnDisk, digestAfter], systemClock.monotonicMs() - startedMs);
    } finally {
      if (isWalked && options.keep) this.#tellHowToGoOn(server);
      else if (fs.existsSync(server.folder)) await this.#removeAfterFailure(server);
    }
  }

  /** Returns the SHA-256 of the disk after the rollback. */
  async #walk(server: DemoServer): Promise<string> {
    const { report, image, scratch, signal } = this.#parts;
    let client: EcsClient | undefined;
    await report.step('server started on a temporary folder', async () => {
      client = await server.awaitHealthy(systemClock, signal);
      return { note: client.endpoint };
    });
    if (client === undefined) throw new OperationalError('the server did not start', { retryable: true });
    const { repository } = server;
    const walk = new DemoWalk({ client, image, repository, scratchFolder: scratch, clock: systemClock, signal });
    try {
      return await tellWalk(walk, report);
    } finally {
      walk.close();
    }
  }

  async #remove(server: DemoServer): Promise<object> {
    await server.remove();
    return {};
  }

  async #removeAfterFailure(server: DemoServer): Promise<void> {
    const { context, report } = this.#parts;
    try {
      await server.remove();
      report.line('the temporary server is stopped and its folder removed');
    } catch (error) {
      context.err(`hupo: ${messageOf(error)}\n`);
    }
  }

  #conclude([before = '', onDisk = '', after = '']: string[], tookMs: number): number {
    const { report } = this.#parts;
    const isRight = before === onDisk && before === after;
    report.line();
    report.fact('before', before);
    report.fact('rolled back', onDisk);
    report.fact('after', after);
    report.line();
    const verdict = isRight ? 'Every byte is as it was.' : 'THE BYTES DIFFER.';
    report.line(`${report.bold(verdict)}  ${formatDuration(tookMs)}`);
    return isRight ? 0 : 1;
  }

  #tellHowToGoOn(server: DemoServer): void {
    const { report, context } = this.#parts;
    report.line();
    report.line('The server is still up. Look around, then end it:');
    const { command } = context.environment;
    report.line(`  ${command} ecs DescribeDisks --data ${server.folder}`);
    report.line(`  ${command} ecs DescribeSnapshots --data ${server.folder}`);
    report.line(`  ${command} stop --data ${server.folder} && rm -r ${server.folder}`);
  }
}

/** Returns the SHA-256 of the disk after the rollback. */
async function tellWalk(walk: DemoWalk, report: Report): Promise<string> {
  let digest = '';
  await report.step('instance running, with a data disk', () => walk.runInstance());
  await report.step('image copied onto the disk over NBD', (tell) => walk.copyImage(tell));
  await report.step('snapshot 1 taken', () => walk.createFirst());
  await report.step('snapshot 1 stored', (tell) => walk.storeFirst(tell));
  await report.step('disk changed', (tell) => walk.changeDisk(tell));
  await report.step('snapshot 2 taken while writes go on', () => walk.createSecond());
  await report.step('snapshot 2 stored', (tell) => walk.storeSecond(tell));
  await report.step('rolled back to snapshot 1 and restarted', () => walk.rollBackToFirst());
  await report.step('disk compared with the image', async (tell) => {
    const result = await walk.compareWithImage(tell);
    digest = result.digest;
    return result;
  });
  await report.step('new disk from snapshot 2 attached', () => walk.makeDiskFromSecond());
  await report.step('new disk compared with that moment', (tell) => walk.compareMadeDisk(tell));
  await report.step('snapshot 1 deleted, the disk stays', () => walk.deleteFirst());
  await report.step('disk compared with the image again', (tell) => walk.compareWithImage(tell));
  await report.step('rolled on to snapshot 2, space returned', () => walk.returnSpace());
  await report.step('snapshot 2 exported and compared', (tell) => walk.exportSecond(tell));
  return digest;
}
