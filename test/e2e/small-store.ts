/**
 * A small ext4 where a server keeps its disks, on a device that fails when told to: nbdkit's error filter, nbdfuse, a loop
 * device. It can also be filled up, and break as a file system does that finds itself damaged.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { LoopDisk, run } from './mounted-disk.ts';
import { waitFor } from './server.ts';

const MIB = 1024 ** 2;

export class SmallStore {
  readonly mountpoint: string;
  readonly #folder: string;
  readonly #kit: ChildProcess;
  #disk: LoopDisk;
  readonly #options: string;

  private constructor(
    folder: string,
    mountpoint: string,
    parts: { kit: ChildProcess; disk: LoopDisk; options: string },
  ) {
    this.#folder = folder;
    this.mountpoint = mountpoint;
    this.#kit = parts.kit;
    this.#disk = parts.disk;
    this.#options = parts.options;
  }

  /** `folder` holds the image, the socket and the loop's file; without a journal a failed write costs no more than itself. */
  static async open(
    folder: string,
    mountpoint: string,
    { sizeMib, journal }: { sizeMib: number; journal: boolean },
  ): Promise<SmallStore> {
    fs.mkdirSync(folder, { recursive: true });
    const image = path.join(folder, 'image');
    fs.writeFileSync(image, '');
    fs.truncateSync(image, sizeMib * MIB);
    const socket = path.join(folder, 'socket');
    const kit = spawn('nbdkit', ['-f', '-U', socket, '--filter=error', 'file', image, ...errorOptions(folder)], {
      stdio: 'ignore',
    });
    await waitFor('nbdkit to listen', 10_000, async () => (fs.existsSync(socket) ? true : null));
    const disk = await LoopDisk.open(uriOf(folder), path.join(folder, 'disk'));
    const features = journal ? [] : ['-O', '^has_journal'];
    run('mkfs.ext4', '-q', '-F', '-m', '0', '-E', 'lazy_itable_init=0,lazy_journal_init=0', ...features, disk.device);
    const options = `errors=${journal ? 'remount-ro' : 'continue'}`;
    disk.mount(options, mountpoint);
    return new SmallStore(folder, mountpoint, { kit, disk, options });
  }

  /** From now on the device answers EIO to every read, or to every write. */
  fail(what: 'pread' | 'pwrite'): void {
    fs.writeFileSync(path.join(this.#folder, what), '');
  }

  /** The device is well again. */
  heal(): void {
    for (const what of ['pread', 'pwrite']) fs.rmSync(path.join(this.#folder, what), { force: true });
  }

  /** The file system finds an error in itself, and refuses every change from then on. */
  becomeReadOnly(): void {
    fs.writeFileSync(path.join('/sys/fs/ext4', path.basename(this.#disk.device), 'trigger_fs_error'), 'for a test');
  }

  /** A file beside the disks that takes all the room but `leaveBytes`. */
  takeRoom(leaveBytes: number): void {
    const { bavail, bsize } = fs.statfsSync(this.mountpoint);
    const takenBytes = Math.max(0, bavail * bsize - leaveBytes);
    run('fallocate', '-l', String(takenBytes), path.join(this.mountpoint, 'lost+found', 'ballast'));
  }

  giveRoom(): void {
    fs.rmSync(path.join(this.mountpoint, 'lost+found', 'ballast'));
  }

  get freeBytes(): number {
    const { bavail, bsize } = fs.statfsSync(this.mountpoint);
    return bavail * bsize;
  }

  /** As an operator would, with every process of the server ended: check, repair, mount. */
  repair(): void {
    this.#disk.unmount();
    const { status } = spawnSync('e2fsck', ['-fy', this.#disk.device]);
    if (status === null || status > 2) throw new Error(`e2fsck ended with ${status}`);
    this.#disk.mount(this.#options, this.mountpoint);
  }

  /** With every process of the server ended: what is read from now on comes from the device. */
  async forgetCaches(): Promise<void> {
    await this.#disk.close();
    this.#disk = await LoopDisk.open(uriOf(this.#folder), path.join(this.#folder, 'disk'));
    this.#disk.mount(this.#options, this.mountpoint);
  }

  async close(): Promise<void> {
    await this.#disk.close();
    this.#kit.kill('SIGTERM');
    await new Promise((resolve) => this.#kit.once('exit', resolve));
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }

  /** After a failed test. */
  abandon(): void {
    spawnSync('umount', ['-l', this.mountpoint]);
    this.#kit.kill('SIGKILL');
  }
}

function uriOf(folder: string): string {
  return `nbd+unix:///?socket=${encodeURIComponent(path.join(folder, 'socket'))}`;
}

function errorOptions(folder: string): string[] {
  return ['pread', 'pwrite'].flatMap((what) => [
    `error-${what}=EIO`,
    `error-${what}-rate=100%`,
    `error-${what}-file=${path.join(folder, what)}`,
  ]);
}
