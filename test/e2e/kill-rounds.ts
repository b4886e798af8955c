/**
 * Rounds of everything that disks and snapshots go through, under load, while processes are killed. What a round begins it
 * finishes: calls are made again until they are answered, then every snapshot and every disk is compared with the model.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BLOCK_BYTES, CHUNK_BYTES } from '../../src/lib/geometry.ts';
import { readManifest } from '../../src/repository/manifest.ts';
import { repositoryIn } from '../../src/repository/stores.ts';
import { openRepositoryReader } from '../../src/repository/reader.ts';
import { BlockModel, readValues, valueOf, type Bounds } from './block-model.ts';
import type { Chance } from './chance.ts';
import { FioBeside } from './fio-beside.ts';
import { InsistentCaller } from './insistent-caller.ts';
import { KillWriters } from './kill-writers.ts';
import { Killer, type KillTarget } from './killer.ts';
import type { TestServer } from './server.ts';

const CHUNK_COUNT = 120;
/** So many snapshots and disks are kept from round to round. */
const SNAPSHOTS_KEPT = 6;
const DISKS_KEPT = 4;
const smallDisk = { Category: 'cloud_essd', PerformanceLevel: 'PL0', Size: 1 };

export const killSteps = ['snapshots', 'rollback', 'disk from snapshot', 'delete', 'resize', 'delete disk'] as const;
export type KillStep = (typeof killSteps)[number];

/** A snapshot of which we know, or will know, what it may hold. */
interface Known {
  snapshotId: string;
  bounds: Bounds;
  /** Its blocks when first read, from the repository or from a disk that stands on it; they never change. */
  values: number[] | null;
}

interface Made {
  diskId: string;
  source: Known;
}

/** How often what is hard to meet was met. */
export interface Met {
  comparedSnapshots: number;
  /** The most snapshots of the disk that were progressing at once. */
  progressingAtOnce: number;
  rollbacks: number;
  /** To a snapshot that was still progressing. */
  instantRollbacks: number;
  disks: number;
  instantDisks: number;
  /** Begun, for disks that were made; kills come in between. */
  fetches: number;
  failedSnapshots: number;
  /** Of clients whose connection broke, and who found everything that had been acknowledged to them. */
  comeBacks: number;
}

export class KillRounds {
  readonly met: Met = {
    ...{ comparedSnapshots: 0, progressingAtOnce: 0, rollbacks: 0, instantRollbacks: 0 },
    ...{ disks: 0, instantDisks: 0, fetches: 0, failedSnapshots: 0, comeBacks: 0 },
  };
  readonly killer: Killer;
  readonly caller: InsistentCaller;
  readonly #server: TestServer;
  readonly #scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-kills-'));
  readonly #chance: Chance;
  readonly #model: BlockModel;
  readonly #known = new Map<string, Known>();
  #made: Made[] = [];
  #instanceId = '';
  #diskId = '';
  #sizeGib = 1;
  #tokenCount = 0;
  fio!: FioBeside;

  constructor(server: TestServer, chance: Chance) {
    this.#server = server;
    this.#chance = chance;
    this.killer = new Killer(server, chance);
    this.caller = new InsistentCaller(server);
    this.#model = new BlockModel(Array.from({ length: CHUNK_COUNT }, (_, index) => index * 3));
  }

  async start(): Promise<void> {
    await this.#server.start();
    const made = await this.#server.runInstance(smallDisk);
    this.#instanceId = made.instanceId;
    this.#diskId = made.diskId;
    const { diskId } = await this.#server.runInstance(smallDisk);
    this.fio = new FioBeside({ server: this.#server, caller: this.caller, scratch: this.#scratch, diskId });
  }

  async run(step: KillStep, targets: readonly KillTarget[], seed: number): Promise<void> {
    const writers = new KillWriters(this.#server, this.#diskId, this.#model, this.#chance);
    await writers.start();
    const killing = this.killer.run(targets);
    const beside = Promise.all([killing, this.fio.run(seed, killing)]);
    beside.catch(() => undefined);
    await this.#takeSnapshots(step === 'snapshots' ? 10 : 2);
    if (step === 'rollback') {
      await writers.stop();
      await this.#rollBack(this.#anySnapshot());
    }
    if (step === 'disk from snapshot') await this.#makeDisk(this.#anySnapshot());
    if (step === 'delete') await this.#deleteSnapshot(this.#anySnapshot());
    if (step === 'resize') await this.#resize();
    if (step === 'delete disk') await this.#deleteDisk();
    await beside;
    await writers.stop();
    this.met.comeBacks += writers.comeBackCount;
    await this.#compareAll();
    await this.#tidy();
    this.#server.checkClean();
  }

  async end(): Promise<void> {
    await this.#server.stop();
    fs.rmSync(this.#scratch, { recursive: true, force: true });
  }

  abandon(): void {
    this.fio?.abandon();
    this.#server.abandon();
    fs.rmSync(this.#scratch, { recursive: true, force: true });
  }

  /** Up to `most` in quick succession, as many as the disk may have in the making. */
  async #takeSnapshots(most: number): Promise<void> {
    for (let count = 1 + this.#chance.below(most); count > 0; count -= 1) {
      const least = this.#model.acknowledged();
      const refused = ['IncorrectDiskStatus.CreatingSnapshot', 'QuotaExceed.ConcurrentSnapshotQuota'];
      const wait = ['CreateSnapshot.Failed']; // diskd was away for longer than a freeze may take
      const answer = await this.caller
        .call('CreateSnapshot', { DiskId: this.#diskId, ClientToken: this.#token() }, { refused, wait })
        .catch((error: { code?: string }) => {
          if (refused.includes(String(error.code))) return null;
          throw error;
        });
      if (answer === null) break;
      const snapshotId = String(answer.SnapshotId);
      this.#known.set(snapshotId, { snapshotId, bounds: { least, greatest: this.#model.issued() }, values: null });
      await this.#noteProgress();
      await delay(this.#chance.below(40));
    }
  }

  async #noteProgress(): Promise<void> {
    const answer = await this.caller.call('DescribeSnapshots', { DiskId: this.#diskId, Status: 'progressing' });
    this.met.progressingAtOnce = Math.max(this.met.progressingAtOnce, answer.Snapshots.Snapshot.length);
  }

  /** Nobody writes to the disk. Asked for again after a kill in the middle; then the disk is exactly the snapshot. */
  async #rollBack(known: Known | null): Promise<void> {
    if (known === null) return;
    const { snapshotId } = known;
    await this.caller.call(
      'StopInstance',
      { InstanceId: this.#instanceId },
      { wait: ['OperationConflict'], done: ['IncorrectInstanceStatus'] },
    );
    await this.caller.instanceStatus(this.#instanceId, 'Stopped');
    const wait = [
      ...['IncorrectDiskStatus.HasUnfinishedSnapshot', 'InvalidSnapshotId.NotReady'],
      ...['InvalidOperation.DiskResetInProgress', 'IncorrectDiskStatus'],
    ];
    await this.caller.call('ResetDisk', { DiskId: this.#diskId, SnapshotId: snapshotId }, { wait });
    this.met.rollbacks += 1;
    if (await this.#isProgressing(known)) this.met.instantRollbacks += 1;
    await this.caller.diskStatus(this.#diskId, 'In_use');
    const done = ['IncorrectInstanceStatus'];
    await this.caller.call('StartInstance', { InstanceId: this.#instanceId }, { wait: ['OperationConflict'], done });
    await this.caller.instanceStatus(this.#instanceId, 'Running');
    const values = await this.#readDisk(this.#diskId);
    this.#learn(known, values, `the disk rolled back to ${snapshotId}`);
    this.#model.settle(values);
  }

  async #makeDisk(known: Known | null): Promise<void> {
    if (known === null) return;
    const parameters = { ZoneId: 'cn-hangzhou-a', DiskCategory: 'cloud_essd', PerformanceLevel: 'PL0' };
    const { DiskId: diskId } = await this.caller.call(
      'CreateDisk',
      { SnapshotId: known.snapshotId, ClientToken: this.#token(), ...parameters },
      { wait: ['InvalidSnapshot.NotReady', 'InvalidSnapshotId.NotReady'] },
    );
    this.met.disks += 1;
    if (await this.#isProgressing(known)) this.met.instantDisks += 1;
    await this.caller.until(`disk ${diskId} to be attached`, async () => {
      const { Status: status } = await this.caller.disk(diskId);
      const attach = { DiskId: diskId, InstanceId: this.#instanceId };
      if (status === 'Available') await this.caller.call('AttachDisk', attach, { done: ['IncorrectDiskStatus'] });
      return status === 'In_use' ? true : null;
    });
    if (this.#chance.next() < 0.5) await this.#fetchBase(diskId);
    this.#made.push({ diskId, source: known });
    this.#learn(known, await this.#readDisk(diskId), `disk ${diskId} made from ${known.snapshotId}`);
  }

  /** Begins it, and lets it go on beside all that comes. */
  async #fetchBase(diskId: string): Promise<void> {
    await this.caller.until(`the base of ${diskId} to be fetched`, async () => {
      const begun = await this.#server.fetchBase(diskId).catch(() => null);
      if (begun !== null) this.met.fetches += 1;
      return begun;
    });
  }

  async #deleteSnapshot(known: Known | null): Promise<void> {
    if (known === null) return;
    const { snapshotId } = known;
    const done = ['InvalidSnapshotId.NotFound'];
    await this.caller.call('DeleteSnapshot', { SnapshotId: snapshotId, Force: true }, { done });
    assert.equal(await this.caller.snapshot(snapshotId), undefined, `${snapshotId} was deleted and is there`);
    this.#known.delete(snapshotId);
  }

  /** Waits for the snapshots that are in its way; the next client sees the new size. */
  async #resize(): Promise<void> {
    this.#sizeGib += 1;
    const parameters = { DiskId: this.#diskId, NewSize: this.#sizeGib, Type: 'online' };
    await this.caller.until('the new size', async () => {
      if ((await this.caller.disk(this.#diskId)).Size === this.#sizeGib) return true;
      const wait = ['DiskCreatingSnapshot', 'Operation.Conflict', 'IncorrectDiskStatus'];
      await this.caller.call('ResizeDisk', parameters, { wait, done: ['InvalidDiskSize.TooSmall'] });
      return null;
    });
    await this.caller.until('a client to see the new size', async () => {
      const client = await this.#server.connect(this.#diskId);
      await client.close();
      return client.sizeBytes === this.#sizeGib * 1024 ** 3 ? true : null;
    });
  }

  /** The oldest of those that were made from snapshots; nothing of it is left. */
  async #deleteDisk(): Promise<void> {
    const oldest = this.#made.shift();
    if (oldest === undefined) return;
    const { diskId } = oldest;
    await this.caller.until(`disk ${diskId} to be gone`, async () => {
      const disk = await this.caller.disk(diskId);
      if (disk === undefined) return true;
      const done = ['IncorrectDiskStatus', 'InvalidDiskId.NotFound', 'InvalidDisk.AlreadyDetached'];
      const detach = { DiskId: diskId, InstanceId: this.#instanceId };
      if (disk.Status === 'In_use') await this.caller.call('DetachDisk', detach, { done });
      if (disk.Status === 'Available') await this.caller.call('DeleteDisk', { DiskId: diskId }, { done });
      return null;
    });
    const folder = path.join(this.#server.dataFolder, 'disks', diskId);
    await this.caller.until('its folder to be gone', async () => (fs.existsSync(folder) ? null : true));
  }

  /** Nobody writes and nothing is killed: every snapshot settles, and everything is compared. */
  async #compareAll(): Promise<void> {
    await this.caller.until('every snapshot to settle', async () => {
      const answer = await this.caller.call('DescribeSnapshots', { Status: 'progressing', PageSize: 100 });
      return answer.Snapshots.Snapshot.length === 0 ? true : null;
    });
    for (const known of [...this.#known.values()]) await this.#compareSnapshot(known);
    for (const { diskId, source } of this.#made) {
      assert.deepEqual(
        await this.#readDisk(diskId),
        source.values,
        `disk ${diskId} is not ${source.snapshotId} any more`,
      );
    }
    const client = await this.#server.connect(this.#diskId);
    await this.#model.checkAll(client, 'the disk');
    await client.close();
    this.#model.forgetPast();
  }

  /** Only a kill before the freeze was answered may make one fail, and that one was never shown to us. */
  async #compareSnapshot(known: Known): Promise<void> {
    const { snapshotId } = known;
    const { Status: status } = await this.caller.snapshot(snapshotId);
    if (status === 'failed') this.met.failedSnapshots += 1;
    assert.equal(status, 'accomplished', `snapshot ${snapshotId} was answered and then ${status}`);
    this.#learn(known, await this.#readSnapshot(snapshotId), `snapshot ${snapshotId}`);
    this.met.comparedSnapshots += 1;
  }

  #learn(known: Known, values: number[], what: string): void {
    if (known.values === null) this.#model.check(values, known.bounds, what);
    else assert.deepEqual(values, known.values, `${what} differs from what it was`);
    known.values = values;
  }

  /** Keeps the run bounded: old snapshots and disks go. */
  async #tidy(): Promise<void> {
    const ids = [...this.#known.values()].slice(0, Math.max(0, this.#known.size - SNAPSHOTS_KEPT));
    for (const known of ids) await this.#deleteSnapshot(known);
    while (this.#made.length > DISKS_KEPT) await this.#deleteDisk();
  }

  async #isProgressing({ snapshotId }: Known): Promise<boolean> {
    return (await this.caller.snapshot(snapshotId))?.Status === 'progressing';
  }

  async #readDisk(diskId: string): Promise<number[]> {
    return this.caller.until(`disk ${diskId} to be read`, async () => {
      const client = await this.#server.connect(diskId);
      try {
        return await readValues(client, this.#model.offsets);
      } catch (error) {
        if ((error as { retryable?: boolean }).retryable !== true) throw error;
        return null;
      } finally {
        client.destroy();
      }
    });
  }

  async #readSnapshot(snapshotId: string): Promise<number[]> {
    const place = repositoryIn(this.#server.dataFolder);
    const { tree } = await readManifest(place, snapshotId);
    const reader = await openRepositoryReader(place);
    const values = [];
    for (const offset of this.#model.offsets) {
      const chunk = await reader.readChunk(tree, Math.floor(offset / CHUNK_BYTES));
      const inChunk = offset % CHUNK_BYTES;
      values.push(chunk === null ? 0 : valueOf(chunk.subarray(inChunk, inChunk + BLOCK_BYTES)));
    }
    reader.close();
    return values;
  }

  /** The newest most of the time: it is the one that is still in the making. */
  #anySnapshot(): Known | null {
    const all = [...this.#known.values()];
    if (all.length === 0) return null;
    const isNewest = this.#chance.next() < 0.7;
    return (isNewest ? all.at(-1) : all[this.#chance.below(all.length)]) ?? null;
  }

  #token(): string {
    this.#tokenCount += 1;
    return `kills-${this.#tokenCount}-${this.#chance.below(2 ** 30)}`;
  }
}
