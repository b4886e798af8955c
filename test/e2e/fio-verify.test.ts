/** fio --verify with snapshots and rollbacks beside it: what fio wrote is what it reads, at every instant it may go back to. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { needsPrograms } from '../requires.ts';
import { Fio, jobArguments, MIXED_BLOCKS, type VerifiedJob } from './fio.ts';
import { TestServer, waitFor } from './server.ts';

const skip = needsPrograms('fio');
const smallDisk = { Category: 'cloud_essd', PerformanceLevel: 'PL0', Size: 1 };
const REGION_MIB = 64;
const PART_BYTES = 20 * 1024 ** 2;

test('what fio writes in mixed sizes verifies, with snapshots and rollbacks beside it', { skip }, async () => {
  await withServer(async (server, scratch) => {
    const { diskId, uri } = await server.runInstance(smallDisk);
    const job: VerifiedJob = {
      uri,
      seed: 1,
      offsetMib: 0,
      sizeMib: 96,
      blocks: MIXED_BLOCKS,
      depth: 16,
      rateMib: 12,
      checksum: true,
    };
    const beside = await rolledBackDisk(server, scratch);
    const runs = [
      new Fio(scratch, jobArguments(job)),
      new Fio(scratch, [...jobArguments({ ...job, seed: 2, offsetMib: 300, checksum: false }), '--verify_backlog=512']),
    ];
    let count = 0;
    const taken: string[] = [];
    while (runs.some((run) => run.isRunning)) {
      taken.push(await server.takeSnapshot(diskId));
      count += 1;
      if (taken.length > 2) await server.call('DeleteSnapshot', { SnapshotId: taken.shift() ?? '' });
      await beside.rollBack();
    }
    for (const run of runs) await run.succeed();
    for (const snapshotId of taken) assert.equal((await server.finishedSnapshot(snapshotId)).Status, 'accomplished');
    await beside.verify();
    assert.ok(count >= 3, `only ${count} snapshots were taken meanwhile`);
    console.log(`fio: verified beside ${count} snapshots and ${beside.count} rollbacks`);
  });
});

test(
  'a disk rolled back to a snapshot holds what fio had written by then, whole or stopped in the middle',
  { skip },
  async () => {
    await withServer(async (server, scratch) => {
      const made = await server.runInstance(smallDisk);
      const generations = new Generations(server, scratch, made);
      for (const seed of [1, 2, 3]) await generations.write(seed);
      await generations.writePart(4);
      await generations.write(5);
      await generations.verify(5);
      for (const seed of [2, 4, 1, 5]) {
        await generations.rollBack(seed);
        await generations.verify(seed);
      }
      assert.match((await generations.complaint(3)) ?? '', /verify|header/, 'fio would not notice a wrong generation');
    });
  },
);

/** Full writings of one range, each with a snapshot after it; the upload runs beside the next. */
class Generations {
  readonly #server: TestServer;
  readonly #scratch: string;
  readonly #instanceId: string;
  readonly #diskId: string;
  readonly #uri: string;
  readonly #snapshots = new Map<number, string>();
  readonly #partial = new Set<number>();

  constructor(server: TestServer, scratch: string, made: { instanceId: string; diskId: string; uri: string }) {
    this.#server = server;
    this.#scratch = scratch;
    this.#instanceId = made.instanceId;
    this.#diskId = made.diskId;
    this.#uri = made.uri;
  }

  async write(seed: number): Promise<void> {
    await new Fio(this.#scratch, [...this.#job(seed), '--do_verify=0']).succeed();
    this.#snapshots.set(seed, await this.#server.takeSnapshot(this.#diskId));
  }

  /** Stopped in the middle: fio notes how far it came, and what it has written by then is in the snapshot. */
  async writePart(seed: number): Promise<void> {
    const job = [...this.#job(seed), '--do_verify=0', '--verify_state_save=1', '--rate=20m'];
    const run = new Fio(this.#scratch, job);
    const before = (await this.#server.diskState(this.#diskId)).counters.writtenBytes;
    await waitFor('fio to have written a part', 20_000, async () => {
      const { counters } = await this.#server.diskState(this.#diskId);
      return counters.writtenBytes - before > PART_BYTES ? true : null;
    });
    await run.interrupt();
    this.#partial.add(seed);
    this.#snapshots.set(seed, await this.#server.takeSnapshot(this.#diskId));
  }

  async rollBack(seed: number): Promise<void> {
    await this.#server.rollBack(this.#instanceId, this.#diskId, this.#snapshots.get(seed) ?? '');
  }

  async verify(seed: number): Promise<void> {
    assert.equal(await this.complaint(seed), null, `generation ${seed} is not what it was`);
  }

  /** What fio finds wrong when it expects generation `seed`. */
  async complaint(seed: number): Promise<string | null> {
    const state = this.#partial.has(seed) ? ['--verify_state_load=1'] : [];
    return new Fio(this.#scratch, [...this.#job(seed), '--verify_only', ...state]).complaint();
  }

  #job(seed: number): string[] {
    const blocks = seed === 4 ? '4k' : MIXED_BLOCKS;
    return jobArguments({ uri: this.#uri, seed, offsetMib: 64, sizeMib: REGION_MIB, blocks, depth: 16 });
  }
}

/** A disk of its own that goes back and forth between two snapshots. */
async function rolledBackDisk(server: TestServer, scratch: string) {
  const { instanceId, diskId, uri } = await server.runInstance(smallDisk);
  const job = (seed: number) => jobArguments({ uri, seed, offsetMib: 8, sizeMib: 16, blocks: '64k', depth: 4 });
  const snapshots: string[] = [];
  for (const seed of [11, 12]) {
    await new Fio(scratch, [...job(seed), '--do_verify=0']).succeed();
    snapshots.push(await server.takeSnapshot(diskId));
    await server.finishedSnapshot(snapshots.at(-1) ?? '');
  }
  const beside = {
    count: 0,
    rollBack: async () => {
      await server.rollBack(instanceId, diskId, snapshots[beside.count % 2] ?? '');
      beside.count += 1;
    },
    verify: () => new Fio(scratch, [...job(11 + ((beside.count + 1) % 2)), '--verify_only']).succeed(),
  };
  return beside;
}

async function withServer(body: (server: TestServer, scratch: string) => Promise<void>): Promise<void> {
  const server = new TestServer();
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-fio-'));
  try {
    await server.start();
    await body(server, scratch);
    await server.stop();
  } finally {
    server.abandon();
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}
