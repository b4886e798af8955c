/** What is refused and what is failed as room gets less, with a file system of which the test says how much is free. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import {
  allRows,
  checked,
  createWorld,
  diskRequest,
  plainDisk,
  snapshotRequest,
  token,
} from '../../test/control/world.ts';
import { RequestError } from '../lib/errors.ts';
import type { UploadJob, UploadResult } from '../transfer/job.ts';
import { unconditionally } from './change.ts';
import type { Transfer } from './parts.ts';
import { SpaceWatch } from './space-watch.ts';

/** Of 1000 bytes: the reserve is 100, the high-water mark 300, their middle 200. */
class Bed {
  freeBytes = 1000;
  otherFreeBytes = 1000;
  nowMs = 0;
  problem: Error | null = null;
  readonly warnings: string[] = [];
  readonly fills: number[] = [];
  readonly begun: string[] = [];
  isFull = false;
  readonly watch: SpaceWatch;
  readonly transfer: Transfer;
  readonly #finish = new Map<string, () => void>();

  constructor() {
    this.watch = new SpaceWatch({
      folders: ['one', 'other'],
      limits: { reserveBytes: 100, highWaterBytes: 300 },
      reserveFile: {
        fill: async (_sizeBytes, leftBytes) => this.fills.push(leftBytes) > 0,
        giveUpWhenFull: () => this.isFull,
      },
      clock: {
        nowMs: () => this.nowMs,
        monotonicMs: () => this.nowMs,
        sleep: async (ms) => {
          await turn();
          this.nowMs += ms;
        },
      },
      log: { info: (message) => void this.warnings.push(message), warn: (message) => void this.warnings.push(message) },
      measure: async (folder) => {
        if (this.problem !== null) throw this.problem;
        return { freeBytes: folder === 'one' ? this.freeBytes : this.otherFreeBytes, sizeBytes: 1000 };
      },
    });
    this.transfer = this.watch.limit({
      upload: async ({ snapshotId }, { signal }) => {
        this.begun.push(snapshotId);
        const { promise, resolve, reject } = Promise.withResolvers<UploadResult>();
        signal.addEventListener('abort', () => reject(new DOMException('ended', 'AbortError')), { once: true });
        this.#finish.set(snapshotId, () => resolve({} as UploadResult));
        return promise;
      },
      copy: async () => assert.fail('nothing is copied'),
    });
  }

  /** How the upload ends, once it has. */
  upload(snapshotId: string, signal = new AbortController().signal) {
    const upload = { snapshotId, outcome: 'running', isRetryable: false };
    this.transfer.upload({ snapshotId } as UploadJob, { signal, onProgress: () => undefined }).then(
      () => (upload.outcome = 'done'),
      (error: Error & { retryable?: boolean }) => {
        upload.outcome = error.message;
        upload.isRetryable = error.retryable ?? true;
      },
    );
    return upload;
  }

  finish(snapshotId: string): void {
    this.#finish.get(snapshotId)?.();
  }

  async look(freeBytes: number, afterMs = 1000): Promise<void> {
    this.freeBytes = freeBytes;
    this.nowMs += afterMs;
    await this.watch.look();
    await turn();
  }
}

test('below the high-water mark something is given back every five seconds, until there is nothing more or room again', async () => {
  const bed = new Bed();
  const told: string[] = [];
  let left = 2;
  bed.watch.onShort(async (facts) => {
    told.push(facts);
    return left-- > 0;
  });
  await bed.look(300);
  assert.deepEqual(told, []);
  await bed.look(299);
  await bed.look(299);
  assert.deepEqual(told, ['299 B free, 300 B wanted']);
  await bed.look(299, 5000);
  await bed.look(299, 5000);
  await bed.look(299, 200);
  assert.equal(told.length, 4, 'it gave nothing: what is there next is not waited for');
  await bed.look(1000, 5000);
  assert.equal(told.length, 4);
  bed.watch.onShort(() => Promise.reject(new Error('the catalog is away')));
  await bed.look(299);
  assert.ok(bed.warnings.some((line) => line.includes('the catalog is away')));
});

test('below the high-water mark of any file system a snapshot is refused, with what is free, wanted, and to be done', async () => {
  const bed = new Bed();
  bed.freeBytes = 300;
  await bed.watch.assertRoom('QuotaExceed.Snapshot', 'a snapshot');
  for (const name of ['freeBytes', 'otherFreeBytes'] as const) {
    bed[name] = 299;
    await assert.rejects(bed.watch.assertRoom('QuotaExceed.Snapshot', 'a snapshot'), (error: Error) => {
      assert.ok(error instanceof RequestError);
      assert.equal(error.code, 'QuotaExceed.Snapshot');
      assert.match(error.message, /^Only 299 B are free .* a snapshot begins with 300 B or more: delete snapshots/);
      return true;
    });
    bed[name] = 1000;
  }
});

test('falling below the middle the oldest upload fails for good, and only when it falls on the next, later', async () => {
  const bed = new Bed();
  const [first, second, third] = [bed.upload('s-1'), bed.upload('s-2'), bed.upload('s-3')];
  const states = () => [first, second, third].map(({ outcome }) => outcome);
  await bed.look(250);
  assert.deepEqual(states(), ['running', 'running', 'running'], 'above the middle nothing fails');
  await bed.look(190);
  assert.match(first.outcome, /no room for it \(190 B free, 300 B wanted\): delete snapshots/);
  assert.equal(first.isRetryable, false);
  assert.deepEqual(states().slice(1), ['running', 'running']);
  await bed.look(180);
  assert.equal(second.outcome, 'running', 'the first one’s room may still come back');
  await bed.look(180, 10_000);
  assert.equal(second.outcome, 'running', 'it does not fall any more');
  bed.finish('s-2');
  await bed.look(170);
  assert.equal(second.outcome, 'done');
  assert.match(third.outcome, /no room/);
  assert.equal(bed.warnings.filter((line) => /the upload of s-\d is ended/.test(line)).length, 2);
});

test('below the reserve all fail, and what comes then does not begin', async () => {
  const bed = new Bed();
  const [first, second] = [bed.upload('s-1'), bed.upload('s-2')];
  await bed.look(99);
  assert.match(first.outcome, /no room/);
  assert.match(second.outcome, /no room/);
  const third = bed.upload('s-3');
  await turn();
  assert.match(third.outcome, /no room/);
  assert.equal(third.isRetryable, false);
  assert.deepEqual(bed.begun, ['s-1', 's-2']);
});

test('one that failed and is tried again, for disks stand on it, waits until there is room', async () => {
  const bed = new Bed();
  bed.upload('s-1');
  await bed.look(150);
  const again = bed.upload('s-1');
  await turn();
  assert.deepEqual([again.outcome, again.isRetryable], ['there is still no room for it', true]);
  await bed.look(500);
  const later = bed.upload('s-1');
  bed.finish('s-1');
  await turn();
  assert.equal(later.outcome, 'done');
});

test('an upload that is ended by its own signal is told from one that had no room', async () => {
  const bed = new Bed();
  const own = new AbortController();
  const upload = bed.upload('s-1', own.signal);
  own.abort();
  await turn();
  assert.equal(upload.outcome, 'ended');
});

test('what is short is said once, and that there is room again; so is a file system that cannot be asked', async () => {
  const bed = new Bed();
  for (const freeBytes of [1000, 299, 250, 280, 300, 900]) await bed.look(freeBytes);
  assert.deepEqual(
    bed.warnings.map((line) => line.split(':')[0]),
    ['room is short, snapshots and imports are refused', 'there is room again'],
  );
  assert.ok(bed.fills.every((leftBytes) => leftBytes === 300));
  bed.problem = new Error('EIO: the device is gone');
  bed.watch.start();
  for (let i = 0; i < 20; i++) await turn();
  await bed.watch.stop();
  assert.equal(bed.warnings.filter((line) => line.includes('the device is gone')).length, 1);
  assert.ok(bed.nowMs > 8000, 'it went on looking');
});

const anyImage = {
  ...{ instanceId: null, disks: null, snapshotId: null, imageName: null, description: '', imageFamily: '' },
  ...{ imageVersion: '', architecture: null, platform: null, bootMode: null, resourceGroupId: 'rg-1', tags: [] },
};

test('CreateSnapshot, CreateImage of an instance and imports are refused without room; deleting is not', async (t) => {
  const world = await createWorld(t);
  const { diskId, instanceId } = await world.runOne();
  const first = token('CreateSnapshot');
  const { snapshotId } = await world.control.createSnapshot(snapshotRequest(diskId), first);
  await world.until('the snapshot', async () => (await world.snapshot(snapshotId))?.status === 'accomplished');
  world.assertRoom = (code) => {
    throw new RequestError(code, 'Only 1 B are free');
  };
  await assert.rejects(world.control.createSnapshot(snapshotRequest(diskId)), { code: 'QuotaExceed.Snapshot' });
  const dryRun = { ...unconditionally, dryRun: true };
  await assert.rejects(world.control.createSnapshot(snapshotRequest(diskId), dryRun), { code: 'QuotaExceed.Snapshot' });
  await assert.rejects(world.control.createImage({ ...anyImage, instanceId }), { code: 'QuotaExceed.Snapshot' });
  await assert.rejects(world.control.beginImport(diskRequest()), { code: 'QuotaExceed.DiskCapacity' });
  const again = await world.control.createSnapshot(snapshotRequest(diskId), first);
  assert.equal(again.snapshotId, snapshotId, 'what was done already is answered');
  await world.control.deleteSnapshot({ snapshotId, force: false });
  await world.control.deleteInstances({ instanceIds: [instanceId], force: true });
  await checked(world);
  assert.deepEqual((await world.control.listSnapshots({}, allRows)).items, []);
});

test('the snapshot whose upload had no room is failed with that reason, its view is released, and the next one works', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne(plainDisk);
  const bed = new Bed();
  const { transfer } = world;
  const upload = transfer.upload.bind(transfer);
  const copy = transfer.copy.bind(transfer);
  transfer.upload = (job, options) => bed.watch.limit({ upload, copy }).upload(job, options);
  const uploading = Promise.withResolvers<void>();
  transfer.during = async () => {
    uploading.resolve();
    await new Promise<void>(() => undefined);
  };
  const { snapshotId } = await world.control.createSnapshot(snapshotRequest(diskId));
  await uploading.promise;
  await bed.look(150);
  await world.until('the failure', async () => (await world.snapshot(snapshotId))?.status === 'failed');
  await world.settle();
  assert.equal(world.diskd.disks.get(diskId)?.views.length, 0);
  assert.ok(world.warnings.some((line) => /no room for it \(150 B free/.test(line)));
  transfer.during = async () => undefined;
  await bed.look(900);
  await world.takeSnapshot(diskId);
  await checked(world);
});
