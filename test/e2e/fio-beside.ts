/** fio under the kills: a disk of its own that fio writes and verifies over a path that reconnects, with snapshots beside it. */
import path from 'node:path';
import { Fio, jobArguments, MIXED_BLOCKS } from './fio.ts';
import type { InsistentCaller } from './insistent-caller.ts';
import { ReconnectingDisk } from './reconnecting-disk.ts';
import type { TestServer } from './server.ts';

const JOB_MIB = 16;
const PLACES = 16;

export class FioBeside {
  /** Runs of fio that were content, and connections that broke under them. */
  verifiedCount = 0;
  reconnectCount = 0;
  readonly #server: TestServer;
  readonly #caller: InsistentCaller;
  readonly #scratch: string;
  readonly #diskId: string;
  #running: Fio | null = null;

  constructor(parts: { server: TestServer; caller: InsistentCaller; scratch: string; diskId: string }) {
    this.#server = parts.server;
    this.#caller = parts.caller;
    this.#scratch = parts.scratch;
    this.#diskId = parts.diskId;
  }

  /** Runs of about a second each, written, then read and compared, until `killing` is over. */
  async run(seed: number, killing: Promise<void>): Promise<void> {
    const over = new AbortController();
    const end = () => over.abort();
    killing.then(end, end);
    const { uri, disk } = await ReconnectingDisk.open(path.join(this.#scratch, 'fio.sock'), async () =>
      this.#server.connect(this.#diskId),
    );
    try {
      const snapshotting = this.#takeSnapshot();
      for (let part = 0; !over.signal.aborted || part === 0; part += 1) await this.#runOnce(uri, 1000 * seed + part);
      const snapshotId = await snapshotting;
      await this.#caller.call('DeleteSnapshot', { SnapshotId: snapshotId }, { done: ['InvalidSnapshotId.NotFound'] });
    } finally {
      this.reconnectCount += disk.reconnectCount;
      await disk.close();
    }
  }

  async #runOnce(uri: string, seed: number): Promise<void> {
    const range = { offsetMib: (seed % PLACES) * JOB_MIB, sizeMib: JOB_MIB };
    this.#running = new Fio(
      this.#scratch,
      jobArguments({ uri, seed, ...range, blocks: MIXED_BLOCKS, depth: 16, rateMib: 16 }),
    );
    await this.#running.succeed();
    this.verifiedCount += 1;
  }

  async #takeSnapshot(): Promise<string> {
    const full = ['IncorrectDiskStatus.CreatingSnapshot', 'QuotaExceed.ConcurrentSnapshotQuota'];
    const wait = [...full, 'CreateSnapshot.Failed'];
    return String((await this.#caller.call('CreateSnapshot', { DiskId: this.#diskId }, { wait })).SnapshotId);
  }

  abandon(): void {
    this.#running?.kill();
  }
}
