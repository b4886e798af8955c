/** The peers: qemu-nbd on qcow2, restic, zstd. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { waitFor } from '../e2e/server.ts';
import { output } from './load.ts';

/** A qcow2 image served with cache=writeback on a unix socket. */
export class QemuDisk {
  readonly uri: string;
  readonly #child: ChildProcess;

  private constructor(uri: string, child: ChildProcess) {
    this.uri = uri;
    this.#child = child;
  }

  static async open(folder: string, sizeGib: number): Promise<QemuDisk> {
    const image = path.join(folder, 'peer.qcow2');
    const socket = path.join(folder, 'peer.sock');
    if (!fs.existsSync(image)) spawnSync('qemu-img', ['create', '-f', 'qcow2', image, `${sizeGib}G`]);
    const args = ['-f', 'qcow2', '--cache=writeback', '--persistent', '--shared=8', '-k', socket, image];
    const child = spawn('qemu-nbd', args, { stdio: ['ignore', 'ignore', 'inherit'] });
    await waitFor('qemu-nbd', 10_000, async () => (fs.existsSync(socket) ? true : null));
    return new QemuDisk(`nbd+unix:///?socket=${encodeURIComponent(socket)}`, child);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await ended;
  }
}

/** A restic repository in a folder. */
export class Restic {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async init(): Promise<void> {
    await this.#run('init');
  }

  /** Seconds that a backup of `file` took. */
  async backup(file: string): Promise<number> {
    const start = performance.now();
    await this.#run('backup', file);
    return (performance.now() - start) / 1000;
  }

  /** Seconds that restoring the latest backup into `folder` took. */
  async restore(folder: string): Promise<number> {
    const start = performance.now();
    await this.#run('restore', 'latest', '--target', folder);
    return (performance.now() - start) / 1000;
  }

  bytes(): number {
    return fs
      .readdirSync(this.#folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, entry) => sum + fs.statSync(path.join(entry.parentPath, entry.name)).size, 0);
  }

  async #run(...args: string[]): Promise<void> {
    const env = { ...process.env, RESTIC_PASSWORD: 'bench' };
    await output('restic', ['--repo', this.#folder, '--cache-dir', `${this.#folder}.cache`, '--quiet', ...args], env);
  }
}
