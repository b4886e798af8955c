/**
 * Kills: seeded rounds of the walk's steps under write load, in each of which `serve`, `diskd` or a transfer worker is
 * killed at a random moment. Nothing acknowledged is lost, no accomplished snapshot differs, nothing is left behind.
 * `HUPO_SEED=n` repeats a run, `HUPO_ROUNDS=n` makes it longer.
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { CHUNK_BYTES } from '../../src/lib/geometry.ts';
import { NbdClient } from '../../src/nbd/client.ts';
import { readManifest } from '../../src/repository/manifest.ts';
import { openRepositoryReader } from '../../src/repository/reader.ts';
import { BLOCK_BYTES, BlockModel, checkBounds, sequenceOf, type Bounds } from './block-model.ts';
import { TestServer, waitFor } from './server.ts';

const BLOCK_COUNT = 400;
const NOISE_OFFSET = 512 * 1024 * 1024;
const NOISE_CHUNKS = 384;
const targets = ['serve', 'diskd', 'transfer'] as const;
const steps = ['snapshot', 'rollback', 'disk from snapshot', 'delete', 'resize', 'delete disk'] as const;
type Target = (typeof targets)[number];
type Step = (typeof steps)[number];

const seed = Number(process.env['HUPO_SEED'] ?? crypto.randomInt(2 ** 31));
const leastRounds = Number(process.env['HUPO_ROUNDS'] ?? 25);

test(`kills, seed ${seed}: nothing acknowledged is lost and no accomplished snapshot differs`, async () => {
  console.log(`kills: HUPO_SEED=${seed} HUPO_ROUNDS=${leastRounds}`);
  const rounds = new Rounds(new TestServer(), seed);
  await rounds.start();
  try {
    const hits: Record<Target, number> = { serve: 0, diskd: 0, transfer: 0 };
    for (let round = 0; round < leastRounds || Object.values(hits).some((count) => count < 5); round += 1) {
      assert.ok(round < 4 * leastRounds, `too few hits after ${round} rounds: ${JSON.stringify(hits)}`);
      const target = targets[round % targets.length] ?? 'serve';
      const hit = await rounds.run(target, round);
      if (hit) hits[target] += 1;
    }
    console.log(`kills: ${JSON.stringify(hits)}, ${rounds.accomplishedCount} snapshots compared`);
    await rounds.end();
  } finally {
    rounds.abandon();
  }
});

/** A snapshot of which we know, or will know, what it may hold. */
interface Known {
  snapshotId: string;
  bounds: Bounds;
  /** Its blocks when first read; they never change. */
  values: number[] | null;
}

class Rounds {
  readonly #server: TestServer;
  readonly #random: () => number;
  readonly #model: BlockModel;
  readonly #known = new Map<string, Known>();
  #instanceId = '';
  #diskId = '';
  /** Disks made from snapshots, attached to the instance. */
  readonly #made: string[] = [];
  #sizeGib = 1;
  accomplishedCount = 0;

  constructor(server: TestServer, from: number) {
    this.#server = server;
    this.#random = mulberry32(from);
    this.#model = new BlockModel(Array.from({ length: BLOCK_COUNT }, (_, index) => index * 3 * BLOCK_BYTES * 7));
  }

  async start(): Promise<void> {
    await this.#server.start();
    const made = await this.#server.runInstance({ Category: 'cloud_essd', PerformanceLevel: 'PL0', Size: 1 });
    this.#instanceId = made.instanceId;
    this.#diskId = made.diskId;
  }

  /** One round; true when the target was there to be killed. */
  async run(target: Target, round: number): Promise<boolean> {
    const step = this.#chooseStep(target);
    const writer = new Writer(this.#server, this.#diskId, this.#model, this.#random);
    if (step !== 'rollback') await writer.start();
    const killing = this.#kill(target, Math.floor(this.#random() * 250));
    const before = this.#model.acknowledged();
    const sure = await this.#attempt(step);
    const hit = await killing;
    await this.#recover();
    await writer.stop();
    if (step === 'rollback') await this.#finishRollback();
    await this.#learnSnapshots(before);
    if (step === 'delete' && sure !== null) await this.#finishDelete(sure);
    if (step === 'resize') await this.#finishResize();
    if (step === 'delete disk') await this.#finishDeleteDisk();
    await this.#compareLive();
    this.#server.checkClean();
    console.log(`kills: round ${round + 1}: ${target} ${hit ? 'killed' : 'was not there'} during ${step}`);
    return hit;
  }

  async end(): Promise<void> {
    await this.#server.terminate();
    await waitFor('everything to end', 10_000, async () => (this.#server.leftProcesses().length === 0 ? true : null));
    const left = fs
      .readdirSync(this.#server.dataFolder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(new|tmp|sock)$|(^|\/)tmp\//.test(name));
    assert.deepEqual(left, []);
    await this.#server.stop();
  }

  abandon(): void {
    for (const left of this.#server.leftProcesses()) process.kill(Number(left.split(' ')[0]), 'SIGKILL');
  }

  #chooseStep(target: Target): Step {
    const usable = [...this.#known.values()].filter(({ values }) => values !== null);
    if (target === 'transfer' || usable.length === 0) return 'snapshot';
    const step = steps[Math.floor(this.#random() * steps.length)] ?? 'snapshot';
    if (step === 'delete' && usable.length < 3) return 'snapshot';
    if (step === 'delete disk' && this.#made.length === 0) return 'disk from snapshot';
    return step === 'disk from snapshot' && this.#made.length >= 14 ? 'delete disk' : step;
  }

  /** Does the step; a call that fails because of the kill is no failure. Returns the snapshot that it was about. */
  async #attempt(step: Step): Promise<string | null> {
    const snapshotId = this.#anySnapshot();
    try {
      if (step === 'snapshot') return await this.#takeSnapshot();
      assert.ok(snapshotId);
      if (step === 'delete') {
        await this.#server.call('DeleteSnapshot', { SnapshotId: snapshotId, Force: true });
        return snapshotId;
      }
      if (step === 'disk from snapshot') await this.#makeDisk(snapshotId);
      if (step === 'rollback') await this.#rollback(snapshotId);
      if (step === 'resize') await this.#resize();
      if (step === 'delete disk') await this.#deleteDisk();
    } catch (error) {
      assertInterrupted(error);
    }
    return snapshotId;
  }

  async #takeSnapshot(): Promise<string | null> {
    const least = this.#model.acknowledged();
    const answer = await this.#server.call('CreateSnapshot', { DiskId: this.#diskId });
    const snapshotId = String(answer.SnapshotId);
    this.#known.set(snapshotId, { snapshotId, bounds: { least, greatest: this.#model.issued() }, values: null });
    await this.#server.finishedSnapshot(snapshotId);
    return snapshotId;
  }

  async #makeDisk(snapshotId: string): Promise<void> {
    const made = await this.#server.call('CreateDisk', {
      SnapshotId: snapshotId,
      ZoneId: 'cn-hangzhou-a',
      DiskCategory: 'cloud_essd',
      PerformanceLevel: 'PL0',
    });
    this.#made.push(String(made.DiskId));
    await this.#server.call('AttachDisk', { DiskId: made.DiskId, InstanceId: this.#instanceId });
    const uri = (await this.#server.disk(made.DiskId)).NbdUri;
    const client = await NbdClient.connect(uri);
    const values = await readBlocks(client, this.#model.offsets);
    await client.close();
    assert.deepEqual(values, this.#known.get(snapshotId)?.values, `disk ${made.DiskId} differs from ${snapshotId}`);
  }

  #rollbackTarget: string | null = null;

  async #rollback(snapshotId: string): Promise<void> {
    this.#rollbackTarget = snapshotId;
    await this.#server.stopInstance(this.#instanceId);
    await this.#server.call('ResetDisk', { DiskId: this.#diskId, SnapshotId: snapshotId });
  }

  /** After a kill in the middle, the rollback is asked for again; then the disk is exactly the snapshot. */
  async #finishRollback(): Promise<void> {
    const snapshotId = this.#rollbackTarget;
    assert.ok(snapshotId);
    await waitFor('the instance to be stopped', 30_000, async () => {
      try {
        await this.#server.stopInstance(this.#instanceId);
        return true;
      } catch (error) {
        return (error as { code?: string }).code === 'IncorrectInstanceStatus' ? true : null;
      }
    });
    await waitFor('a rollback under way to end', 30_000, async () =>
      (await this.#server.disk(this.#diskId)).Status === 'In_use' ? true : null,
    );
    await this.#server.call('ResetDisk', { DiskId: this.#diskId, SnapshotId: snapshotId });
    await this.#server.startInstance(this.#instanceId);
    this.#model.reset(this.#known.get(snapshotId)?.values ?? []);
  }

  async #resize(): Promise<void> {
    this.#sizeGib += 1;
    await this.#server.call('ResizeDisk', { DiskId: this.#diskId, NewSize: this.#sizeGib, Type: 'online' });
  }

  /** After a kill in the middle it is asked for again; then the next client sees the new size. */
  async #finishResize(): Promise<void> {
    await waitFor('the new size', 30_000, async () => {
      const size = (await this.#server.disk(this.#diskId)).Size as number;
      if (size === this.#sizeGib) return true;
      assert.equal(size, this.#sizeGib - 1);
      await this.#server.call('ResizeDisk', { DiskId: this.#diskId, NewSize: this.#sizeGib }).catch(assertInterrupted);
      return null;
    });
    await waitFor('a client to see it', 30_000, async () => {
      const client = await connect(this.#server, this.#diskId);
      await client.close();
      return client.sizeBytes === this.#sizeGib * 1024 ** 3 ? true : null;
    });
  }

  async #deleteDisk(): Promise<void> {
    const [diskId = ''] = this.#made;
    await this.#server.call('DetachDisk', { DiskId: diskId, InstanceId: this.#instanceId });
    await waitFor('it to be detached', 30_000, async () =>
      (await this.#server.disk(diskId)).Status === 'Available' ? true : null,
    );
    await this.#server.call('DeleteDisk', { DiskId: diskId });
  }

  /** After a kill in the middle it is asked for again, until nothing of the disk is left. */
  async #finishDeleteDisk(): Promise<void> {
    const diskId = this.#made.shift();
    assert.ok(diskId);
    await waitFor('the disk to be gone', 30_000, async () => {
      const disk = await this.#server.disk(diskId);
      if (disk === undefined) return true;
      const again = { DiskId: diskId, ...(disk.Status === 'In_use' && { InstanceId: this.#instanceId }) };
      if (disk.Status === 'In_use') await this.#server.call('DetachDisk', again).catch(assertInterrupted);
      if (disk.Status === 'Available') await this.#server.call('DeleteDisk', again).catch(assertInterrupted);
      return null;
    });
    const folder = path.join(this.#server.dataFolder, 'disks', diskId);
    await waitFor('its folder to be gone', 30_000, async () => (fs.existsSync(folder) ? null : true));
  }

  async #finishDelete(snapshotId: string): Promise<void> {
    await this.#server
      .call('DeleteSnapshot', { SnapshotId: snapshotId, Force: true })
      .catch((error: { code?: string }) => {
        assert.equal(error.code, 'InvalidSnapshotId.NotFound');
      });
    this.#known.delete(snapshotId);
  }

  async #kill(target: Target, afterMs: number): Promise<boolean> {
    if (target === 'transfer') {
      const until = performance.now() + 3000;
      while (performance.now() < until) {
        const [pid] = this.#server.serveIsUp() ? this.#server.transferPids() : [];
        if (pid !== undefined) {
          await delay(afterMs / 5);
          return killed(pid);
        }
        await delay(2);
      }
      return false;
    }
    const pid = target === 'diskd' ? await this.#server.diskdPid() : this.#server.servePid;
    await delay(afterMs);
    if (target === 'diskd') return killed(pid);
    await this.#server.killServe();
    return true;
  }

  async #recover(): Promise<void> {
    if (!this.#server.serveIsUp()) await this.#server.start();
    await waitFor('every snapshot to settle', 60_000, async () => {
      const answer = await this.#server.call('DescribeSnapshots', { Status: 'progressing', PageSize: 100 });
      return answer.Snapshots.Snapshot.length === 0 ? true : null;
    });
  }

  /** Finds snapshots whose reply was lost, reads the new accomplished ones, and compares all the others again. */
  async #learnSnapshots(before: number[]): Promise<void> {
    const answer = await this.#server.call('DescribeSnapshots', { DiskId: this.#diskId, PageSize: 100 });
    for (const { SnapshotId: snapshotId, Status: status } of answer.Snapshots.Snapshot) {
      if (status !== 'accomplished') continue;
      const known = this.#known.get(snapshotId) ?? {
        snapshotId,
        bounds: { least: before, greatest: this.#model.issued() },
        values: null,
      };
      this.#known.set(snapshotId, known);
      const values = await this.#readSnapshot(snapshotId);
      if (known.values === null) checkBounds(values, known.bounds, `snapshot ${snapshotId}`);
      else assert.deepEqual(values, known.values, `snapshot ${snapshotId} changed`);
      known.values = values;
      this.accomplishedCount += 1;
    }
  }

  async #readSnapshot(snapshotId: string): Promise<number[]> {
    const folder = path.join(this.#server.dataFolder, 'repository');
    const { tree } = await readManifest(folder, snapshotId);
    const reader = await openRepositoryReader(folder);
    const values = [];
    for (const offset of this.#model.offsets) {
      const chunk = await reader.readChunk(tree, Math.floor(offset / CHUNK_BYTES));
      values.push(
        chunk === null ? 0 : sequenceOf(chunk.subarray(offset % CHUNK_BYTES, (offset % CHUNK_BYTES) + BLOCK_BYTES)),
      );
    }
    reader.close();
    return values;
  }

  async #compareLive(): Promise<void> {
    const client = await connect(this.#server, this.#diskId);
    this.#model.checkLive(await readBlocks(client, this.#model.offsets));
    await client.close();
  }

  #anySnapshot(): string | null {
    const usable = [...this.#known.values()].filter(({ values }) => values !== null);
    return usable[Math.floor(this.#random() * usable.length)]?.snapshotId ?? null;
  }
}

/** Writes random blocks until stopped, over a new connection whenever the last one broke. */
class Writer {
  readonly #server: TestServer;
  readonly #diskId: string;
  readonly #model: BlockModel;
  readonly #random: () => number;
  #stopped = false;
  #done: Promise<void> = Promise.resolve();

  constructor(server: TestServer, diskId: string, model: BlockModel, random: () => number) {
    this.#server = server;
    this.#diskId = diskId;
    this.#model = model;
    this.#random = random;
  }

  async start(): Promise<void> {
    const client = await connect(this.#server, this.#diskId);
    await this.#writeNoise(client);
    this.#done = this.#run(client);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  /** Fresh incompressible chunks, so that an upload takes a while. */
  async #writeNoise(client: NbdClient): Promise<void> {
    const noise = crypto.randomBytes(CHUNK_BYTES);
    for (let index = 0; index < NOISE_CHUNKS; index += 1) {
      noise.writeUInt32LE(index, 0);
      await client.write(NOISE_OFFSET + index * CHUNK_BYTES, noise.subarray(0, CHUNK_BYTES));
    }
  }

  async #run(first: NbdClient): Promise<void> {
    let client = first;
    while (!this.#stopped) {
      try {
        await Promise.all([0, 1, 2, 3].map(async (lane) => this.#model.write(client, this.#block(lane))));
        if (this.#random() < 0.05) await client.flush();
      } catch {
        client = await connect(this.#server, this.#diskId);
      }
    }
    await client.close();
  }

  #block(lane: number): number {
    return Math.floor((this.#random() * BLOCK_COUNT) / 4) * 4 + lane;
  }
}

/** A connection to the disk, asked for until there is one (its socket's path never changes). */
async function connect(server: TestServer, diskId: string): Promise<NbdClient> {
  const socketPath = path.join(server.runFolder, `${diskId}.sock`);
  return waitFor(`a connection to ${diskId}`, 30_000, async () =>
    NbdClient.connect({ socketPath, exportName: diskId }).catch(() => null),
  );
}

async function readBlocks(client: NbdClient, offsets: number[]): Promise<number[]> {
  return Promise.all(offsets.map(async (offset) => sequenceOf(await client.read(offset, BLOCK_BYTES))));
}

function killed(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

/** A refused or broken call is what a kill looks like; an answer that says something else is a failure. */
function assertInterrupted(error: unknown): void {
  if (error instanceof assert.AssertionError) throw error;
  const code = (error as { code?: unknown }).code;
  const expected = ['ECONNREFUSED', 'ECONNRESET', 'ServiceUnavailable', 'InternalError', 'UND_ERR_SOCKET', undefined];
  assert.ok(
    expected.includes(code as string) || String(code).startsWith('E'),
    `a call failed for another reason: ${String(code)} ${String(error)}`,
  );
}

/** A small seeded generator of numbers in [0, 1). */
function mulberry32(from: number): () => number {
  let state = from >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
