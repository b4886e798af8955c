/** A Hupo disk as a kernel block device with a real file system: nbdfuse, a loop device, mount. Needs root. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { waitFor } from './server.ts';

/** Runs a program to its end; fails with what it printed when it fails. */
export function run(command: string, ...args: string[]): string {
  const result = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(result.status, 0, `${command} ${args.join(' ')}: ${result.stdout}${result.stderr}`);
  return result.stdout.trim();
}

/** A disk as `/dev/loopN`, closed in the right order by `close()`. */
export class LoopDisk {
  readonly device: string;
  readonly #folder: string;
  readonly #fuse: ChildProcess;
  readonly #fuseEnded: Promise<void>;
  #mountpoint: string | null = null;

  private constructor(folder: string, fuse: ChildProcess, device: string) {
    this.#folder = folder;
    this.#fuse = fuse;
    this.#fuseEnded = new Promise((resolve) => fuse.once('exit', () => resolve()));
    this.device = device;
  }

  /** `folder` is made; it holds the FUSE file and the mount point. */
  static async open(uri: string, folder: string): Promise<LoopDisk> {
    const fuseFolder = path.join(folder, 'fuse');
    fs.mkdirSync(fuseFolder, { recursive: true });
    const fuse = spawn('nbdfuse', [fuseFolder, uri], { stdio: 'ignore' });
    const file = path.join(fuseFolder, 'nbd');
    await waitFor(`nbdfuse to serve ${uri}`, 10_000, async () => {
      assert.equal(fuse.exitCode, null, `nbdfuse cannot serve ${uri}`);
      return fs.existsSync(file) ? true : null;
    });
    return new LoopDisk(folder, fuse, run('losetup', '-f', '--show', file));
  }

  /** `options` as `mount -o` takes them. Returns the mount point, which is made if there is none. */
  mount(options = 'defaults', mountpoint = path.join(this.#folder, 'mount')): string {
    fs.mkdirSync(mountpoint, { recursive: true });
    run('mount', '-o', options, this.device, mountpoint);
    this.#mountpoint = mountpoint;
    return mountpoint;
  }

  unmount(): void {
    if (this.#mountpoint !== null) run('umount', this.#mountpoint);
    this.#mountpoint = null;
  }

  async close(): Promise<void> {
    this.unmount();
    const fuseFolder = path.join(this.#folder, 'fuse');
    run('losetup', '-d', this.device);
    await waitFor('the loop device to let go', 10_000, async () =>
      spawnSync('fusermount3', ['-u', fuseFolder]).status === 0 ? true : null,
    );
    await this.#fuseEnded;
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }

  /**
   * The server below is gone, and every request fails from now on: lets go of the mount as a reboot would, without what is
   * still unwritten. The file system must be gone before its disk is mounted again, so it is not left to a lazy unmount.
   */
  async abandon(): Promise<void> {
    this.#fuse.kill('SIGKILL');
    await this.#fuseEnded;
    if (this.#mountpoint !== null) {
      const mountpoint = this.#mountpoint;
      await waitFor(`${mountpoint} to be let go`, 30_000, async () =>
        spawnSync('umount', [mountpoint]).status === 0 ? true : null,
      );
      this.#mountpoint = null;
    }
    await this.close();
  }
}

/** After a failed test: lets go of every mount, loop device and FUSE file below `folder`, and removes it. */
export function abandonDisks(folder: string): void {
  for (const name of fs.existsSync(folder) ? fs.readdirSync(folder) : []) {
    const fuse = path.join(folder, name, 'fuse');
    const loop = spawnSync('losetup', ['-j', path.join(fuse, 'nbd'), '-O', 'NAME', '-n'], { encoding: 'utf8' });
    spawnSync('umount', ['-l', path.join(folder, name, 'mount')]);
    for (const device of loop.stdout.split('\n').filter(Boolean)) spawnSync('losetup', ['-d', device]);
    spawnSync('fusermount3', ['-uz', fuse]);
  }
  fs.rmSync(folder, { recursive: true, force: true });
}

/** Path below `folder` → SHA-256, of every regular file. */
export function digests(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = path.join(entry.parentPath, entry.name);
    found.set(path.relative(folder, file), crypto.hash('sha256', fs.readFileSync(file)));
  }
  return found;
}
