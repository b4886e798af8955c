/** The real diskd process over a folder of its own, asked by its protocol. */
import type { TestContext } from 'node:test';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { LineClient } from '../../src/lib/line-channel.ts';
import { NbdClient } from '../../src/nbd/client.ts';
import { CHUNK_BYTES } from '../../src/lib/geometry.ts';
import type { BaseRef, DiskdCalls } from '../../src/disk/protocol.ts';
import { slotFile, slotOffset } from '../../src/disk/slot-address.ts';

export const ZERO_BASE: BaseRef = { snapshotId: null, tree: { root: null, levels: 0, dataChunkCount: 0 } };
const MAIN = path.join(import.meta.dirname, '../../src/main.ts');

export function spawnDiskd(dataFolder: string, runFolder: string): ChildProcess {
  return spawn(process.execPath, [MAIN, 'diskd', '--data', dataFolder, '--run', runFolder], { stdio: 'ignore' });
}

export class Diskd {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-diskd-'));
  readonly run = path.join(this.folder, 'run');
  #child: ChildProcess | undefined;
  client!: LineClient<DiskdCalls>;

  async start(): Promise<void> {
    this.#child = spawnDiskd(this.folder, this.run);
    this.client = await this.#connect();
  }

  async #connect(): Promise<LineClient<DiskdCalls>> {
    const deadlineMs = Date.now() + 20_000;
    for (;;) {
      try {
        return await LineClient.connect<DiskdCalls>(path.join(this.run, 'diskd.sock'));
      } catch (error) {
        if (Date.now() > deadlineMs || this.#child!.exitCode !== null) throw error;
        await setTimeout(20);
      }
    }
  }

  /** Ends the process; resolves to its exit code or signal. */
  async end(signal: NodeJS.Signals): Promise<number | string> {
    this.client.close();
    const exited = once(this.#child!, 'exit');
    this.#child!.kill(signal);
    const [code, killedBy] = (await exited) as [number | null, string | null];
    return code ?? killedBy ?? 'unknown';
  }

  async exited(): Promise<number | null> {
    if (this.#child!.exitCode === null) await once(this.#child!, 'exit');
    return this.#child!.exitCode;
  }

  /** A client of the disk, which is opened. */
  async openNbd(diskId: string, incarnation = 1): Promise<NbdClient> {
    const { disk } = await this.client.call('openDisk', { diskId, incarnation });
    return NbdClient.connect({ socketPath: disk.socketPath ?? '', exportName: diskId });
  }

  /** A chunk of a frozen view that the disk holds itself, from the slots. */
  async readViewChunk(diskId: string, snapshotId: string, chunk: number): Promise<Buffer> {
    const request = { diskId, snapshotId, sinceGeneration: -1, fromChunk: chunk, limit: 1 };
    const { dataFolder, chunks } = await this.client.call('listViewChunks', request);
    const [found] = chunks;
    const bytes = Buffer.alloc(CHUNK_BYTES);
    if (found === undefined || found.chunk !== chunk) return bytes;
    for (const { slot, mask } of 'parts' in found ? found.parts : [{ slot: found.slot, mask: 0xffff }]) {
      if (slot === null) continue;
      const whole = readSlot(dataFolder, slot, CHUNK_BYTES);
      for (let block = 0; block < 16; block++) {
        if ((mask & (1 << block)) !== 0) whole.copy(bytes, block * 4096, block * 4096, (block + 1) * 4096);
      }
    }
    return bytes;
  }

  /** At a test's end: no process, no folder. */
  async remove(): Promise<void> {
    if (this.#child?.exitCode === null && this.#child.signalCode === null) await this.end('SIGKILL');
    fs.rmSync(this.folder, { recursive: true });
  }
}

export async function startDiskd(t: TestContext): Promise<Diskd> {
  const diskd = new Diskd();
  t.after(() => diskd.remove());
  await diskd.start();
  return diskd;
}

export function readSlot(dataFolder: string, slot: number, length: number): Buffer {
  const fd = fs.openSync(slotFile(dataFolder, slot), 'r');
  try {
    const bytes = Buffer.alloc(length);
    fs.readSync(fd, bytes, 0, length, slotOffset(slot));
    return bytes;
  } finally {
    fs.closeSync(fd);
  }
}
