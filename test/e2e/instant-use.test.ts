/**
 * Instant use: a snapshot of an ESSD disk is Available as soon as it is frozen. Disks are made from it and rolled back to it
 * while its upload still runs (the workers are held, so that it surely does), further snapshots are taken, and `serve`
 * and diskd are killed in between. Every disk holds its instant, and every snapshot becomes accomplished and is right.
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { CHUNK_BYTES, GIB } from '../../src/lib/geometry.ts';
import { openCaller, type Caller, type Parameters } from './callers.ts';
import { TestServer, waitFor, type Answer } from './server.ts';

const MIB = 1024 ** 2;
/** What is used of the disk, and of that every other 4 MiB hold data. */
const REGION_BYTES = 160 * MIB;
const STRIPE_BYTES = 4 * MIB;

test('a snapshot that is not stored yet is a base for disks and rollbacks, over deaths of both processes', async () => {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-instant-'));
  const holdFile = path.join(scratch, 'hold');
  const server = new TestServer(undefined, { holdFile });
  const walk = new InstantUse(server, { scratch, holdFile });
  try {
    await server.start();
    await walk.run();
    await server.stop();
  } finally {
    server.abandon();
    fs.rmSync(scratch, { recursive: true, force: true });
  }
});

class InstantUse {
  readonly #server: TestServer;
  readonly #scratch: string;
  readonly #holdFile: string;
  readonly #caller: Caller;
  #instanceId = '';
  /** What each disk must hold now. */
  readonly #disks = new Map<string, Buffer>();
  /** Digest of what each snapshot must hold. */
  readonly #snapshots = new Map<string, string>();

  constructor(server: TestServer, { scratch, holdFile }: { scratch: string; holdFile: string }) {
    this.#server = server;
    this.#scratch = scratch;
    this.#holdFile = holdFile;
    this.#caller = openCaller('hupo ecs', server);
  }

  async run(): Promise<void> {
    console.log('instant use: 1. A disk with data, and a snapshot that is Available at once.');
    const size = { Category: 'cloud_essd', PerformanceLevel: 'PL0', Size: 1 };
    const { instanceId, diskId } = await this.#server.runInstance(size);
    this.#instanceId = instanceId;
    this.#disks.set(diskId, Buffer.alloc(REGION_BYTES));
    await this.#fill(diskId);
    fs.writeFileSync(this.#holdFile, '');
    const first = await this.#snapshot(diskId);
    await this.#change(diskId, 1);

    console.log('instant use: 2. A disk from it, while it is stored and its source is written.');
    const clone = await this.#makeDisk(first);
    await this.#change(clone, 2);
    await this.#change(diskId, 3);

    console.log('instant use: 3. A second snapshot while the first is stored; then both processes die.');
    const second = await this.#snapshot(diskId);
    await this.#change(diskId, 4);
    await this.#killBoth();
    await this.#expectProgressing();
    const secondClone = await this.#makeDisk(second);

    console.log('instant use: 4. Back to the first, which is not stored yet; both die again.');
    await this.#rollBack(diskId, first);
    await this.#change(diskId, 5);
    const third = await this.#snapshot(diskId);
    await this.#killBoth();
    await this.#expectProgressing();
    await this.#change(diskId, 6);
    await this.#change(secondClone, 7);

    console.log(
      'instant use: 5. The uploads go on: every snapshot is accomplished and right, and every disk still is.',
    );
    fs.rmSync(this.#holdFile);
    for (const snapshotId of [first, second, third]) await this.#expectStored(snapshotId);
    await this.#expectDisks();
    await this.#killBoth();
    await this.#expectDisks();

    console.log('instant use: 6. Without the snapshots, the disks that stood on them keep their bytes.');
    await this.#call('DeleteSnapshot', { SnapshotId: first, Force: true });
    await this.#call('DeleteSnapshot', { SnapshotId: second, Force: true });
    await this.#expectDisks();
    await this.#rollBack(diskId, third);
  }

  /** Random bytes in every other stripe, all flushed. */
  async #fill(diskId: string): Promise<void> {
    const bytes = this.#bytes(diskId);
    const client = await this.#server.connect(diskId);
    for (let at = 0; at < REGION_BYTES; at += 2 * STRIPE_BYTES) {
      const stripe = bytes.subarray(at, at + STRIPE_BYTES);
      crypto.randomFillSync(stripe);
      await client.write(at, stripe);
    }
    await client.flush();
    await client.close();
  }

  /** Blocks, whole chunks, zeros and trims, here and there; what was there before is gone from the live disk. */
  async #change(diskId: string, turn: number): Promise<void> {
    const bytes = this.#bytes(diskId);
    const client = await this.#server.connect(diskId);
    for (let chunk = turn; chunk < REGION_BYTES / CHUNK_BYTES; chunk += 7) {
      const at = chunk * CHUNK_BYTES;
      const kind = (chunk + turn) % 5;
      const isWhole = kind >= 2;
      const range = bytes.subarray(
        at + (isWhole ? 0 : 4096 * (turn + kind)),
        at + (isWhole ? CHUNK_BYTES : 4096 * (turn + kind + 1)),
      );
      if (kind <= 2) await client.write(range.byteOffset - bytes.byteOffset, crypto.randomFillSync(range));
      else if (kind === 3) await client.trim(at, range.fill(0).length);
      else await client.writeZeroes(at, range.fill(0).length);
    }
    await client.close();
  }

  /** Taken and Available although it cannot have been stored. */
  async #snapshot(diskId: string): Promise<string> {
    const { SnapshotId: snapshotId } = await this.#call('CreateSnapshot', { DiskId: diskId });
    this.#snapshots.set(snapshotId, crypto.hash('sha256', this.#bytes(diskId)));
    const snapshot = await this.#describedSnapshot(snapshotId, 'be available', ({ Available }) => Available === true);
    assert.equal(snapshot.Status, 'progressing', 'it was stored although no worker could run');
    return snapshotId;
  }

  /** From a snapshot that is still progressing; attached and read back whole. */
  async #makeDisk(snapshotId: string): Promise<string> {
    const parameters = { ZoneId: 'cn-hangzhou-a', DiskCategory: 'cloud_essd', PerformanceLevel: 'PL0' };
    const { DiskId: diskId } = await this.#call('CreateDisk', { SnapshotId: snapshotId, ...parameters });
    await this.#diskStatus(diskId, 'Available');
    await this.#call('AttachDisk', { DiskId: diskId, InstanceId: this.#instanceId });
    await this.#diskStatus(diskId, 'In_use');
    const bytes = await this.#read(diskId);
    assert.equal(
      crypto.hash('sha256', bytes),
      this.#snapshots.get(snapshotId),
      `disk ${diskId} is not as ${snapshotId}`,
    );
    this.#disks.set(diskId, bytes);
    await this.#expectProgressing();
    return diskId;
  }

  async #rollBack(diskId: string, snapshotId: string): Promise<void> {
    await this.#call('StopInstance', { InstanceId: this.#instanceId });
    await this.#server.instanceStatus(this.#instanceId, 'Stopped');
    await this.#call('ResetDisk', { DiskId: diskId, SnapshotId: snapshotId });
    await this.#diskStatus(diskId, 'In_use');
    await this.#call('StartInstance', { InstanceId: this.#instanceId });
    await this.#server.instanceStatus(this.#instanceId, 'Running');
    const bytes = await this.#read(diskId);
    assert.equal(
      crypto.hash('sha256', bytes),
      this.#snapshots.get(snapshotId),
      `disk ${diskId} is not back at ${snapshotId}`,
    );
    this.#disks.set(diskId, bytes);
  }

  /** kill -9 of both processes at once; the workers die with `serve`. */
  async #killBoth(): Promise<void> {
    for (const pid of this.#server.diskdPids()) process.kill(pid, 'SIGKILL');
    await this.#server.killServe();
    await this.#server.start();
    await this.#expectDisks();
  }

  /** No snapshot is stored yet: what was done before was done without it. */
  async #expectProgressing(): Promise<void> {
    for (const snapshotId of this.#snapshots.keys()) {
      const { Status: status, Available: available } = await this.#server.snapshot(snapshotId);
      assert.deepEqual({ status, available }, { status: 'progressing', available: true }, snapshotId);
    }
  }

  async #expectStored(snapshotId: string): Promise<void> {
    const isOver = ({ Status }: Answer) => Status !== 'progressing';
    const snapshot = await this.#describedSnapshot(snapshotId, 'be accomplished', isOver);
    assert.equal(snapshot.Status, 'accomplished');
    const file = path.join(this.#scratch, `${snapshotId}.img`);
    const { status, stderr } = this.#server.cli(
      'snapshot',
      'export',
      snapshotId,
      file,
      '--data',
      this.#server.dataFolder,
    );
    assert.equal(status, 0, stderr);
    assert.equal(fs.statSync(file).size, GIB);
    const fd = fs.openSync(file, 'r');
    const bytes = Buffer.alloc(REGION_BYTES);
    fs.readSync(fd, bytes, 0, REGION_BYTES, 0);
    fs.closeSync(fd);
    fs.rmSync(file);
    assert.equal(
      crypto.hash('sha256', bytes),
      this.#snapshots.get(snapshotId),
      `${snapshotId} differs from its instant`,
    );
  }

  async #expectDisks(): Promise<void> {
    for (const [diskId, expected] of this.#disks) {
      const bytes = await this.#read(diskId);
      if (bytes.equals(expected)) continue;
      let at = 0;
      while (bytes[at] === expected[at]) at += 1;
      assert.fail(`disk ${diskId} differs at ${at} (chunk ${Math.floor(at / CHUNK_BYTES)})`);
    }
  }

  async #read(diskId: string): Promise<Buffer> {
    const client = await this.#server.connect(diskId);
    const pieces = [];
    for (let at = 0; at < REGION_BYTES; at += STRIPE_BYTES) pieces.push(await client.read(at, STRIPE_BYTES));
    await client.close();
    return Buffer.concat(pieces);
  }

  #bytes(diskId: string): Buffer {
    const bytes = this.#disks.get(diskId);
    assert.ok(bytes);
    return bytes;
  }

  async #diskStatus(diskId: string, status: string): Promise<void> {
    await waitFor(`disk ${diskId} to be ${status}`, 30_000, async () => {
      const answer = await this.#call('DescribeDisks', { DiskIds: JSON.stringify([diskId]) });
      return answer.Disks.Disk[0]?.Status === status ? true : null;
    });
  }

  async #describedSnapshot(snapshotId: string, what: string, is: (snapshot: Answer) => boolean): Promise<Answer> {
    return waitFor(`snapshot ${snapshotId} to ${what}`, 30_000, async () => {
      const answer = await this.#call('DescribeSnapshots', { SnapshotIds: JSON.stringify([snapshotId]) });
      const snapshot = answer.Snapshots.Snapshot[0];
      return snapshot !== undefined && is(snapshot) ? snapshot : null;
    });
  }

  async #call(action: string, parameters: Parameters): Promise<Answer> {
    return this.#caller.call(action, parameters);
  }
}
