/** The link to diskd, with a fake one on a real socket. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { FakeDiskd } from '../../test/control/fake-diskd.ts';
import { createFastClock } from '../../test/control/fast-clock.ts';
import { DISKD_PROTOCOL, OLDEST_DISKD_PROTOCOL } from '../disk/protocol.ts';
import type { DiskdCalls } from '../disk/protocol.ts';
import { emptyTree } from '../repository/tree-ref.ts';
import { DiskdLink } from './diskd-link.ts';

const newDisk = { diskId: 'd-1', sizeBytes: 1024 ** 3, base: { snapshotId: null, tree: emptyTree } };

class Bed {
  readonly socketPath: string;
  readonly clock = createFastClock(10);
  readonly diskd = new FakeDiskd({ nowMs: () => this.clock.nowMs() });
  readonly link: DiskdLink;
  spawnCount = 0;
  connectCount = 0;
  /** What starting a diskd does. */
  spawn = async (): Promise<void> => this.diskd.listen(this.socketPath);

  constructor(t: TestContext, callsSince: Partial<Record<keyof DiskdCalls, number>> = {}) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-link-'));
    this.socketPath = path.join(folder, 'diskd.sock');
    this.link = new DiskdLink({
      socketPath: this.socketPath,
      folder: 'folder',
      spawn: () => {
        this.spawnCount++;
        const ended = Promise.withResolvers<string>();
        this.spawn().catch((error: Error) => ended.resolve(error.message));
        return { ended: ended.promise };
      },
      onConnected: async () => {
        this.connectCount++;
      },
      clock: this.clock,
      log: { info: () => undefined, warn: () => undefined },
      callsSince,
    });
    t.after(async () => {
      await this.link.close();
      await this.diskd.die();
      fs.rmSync(folder, { recursive: true, force: true });
    });
  }
}

test('a diskd of this folder is adopted, else one is started', async (t) => {
  const adopted = new Bed(t);
  await adopted.diskd.listen(adopted.socketPath);
  await adopted.link.start();
  assert.equal(adopted.spawnCount, 0);
  const started = new Bed(t);
  await started.link.start();
  assert.equal(started.spawnCount, 1);
  assert.equal((await started.link.call('createDisk', newDisk)).disk.diskId, 'd-1');
  assert.equal(started.link.problem, null);
});

test("another folder's diskd is not adopted", async (t) => {
  const bed = new Bed(t);
  const stranger = new FakeDiskd({ folder: 'other', nowMs: () => 0 });
  await stranger.listen(bed.socketPath);
  await bed.link.start();
  assert.equal(bed.spawnCount, 1);
  await bed.link.call('createDisk', newDisk);
  assert.equal(stranger.disks.size, 0);
  await stranger.die();
});

test('a call that was under way when diskd died is asked again of the next one', async (t) => {
  const bed = new Bed(t);
  await bed.link.start();
  const reached = Promise.withResolvers<void>();
  bed.diskd.before = async (call) => {
    if (call !== 'createDisk' || bed.spawnCount > 1) return;
    reached.resolve();
    await new Promise(() => undefined);
  };
  const answer = bed.link.call('createDisk', newDisk);
  await reached.promise;
  await bed.diskd.die();
  assert.equal((await answer).disk.diskId, 'd-1');
  assert.equal(bed.spawnCount, 2);
  assert.equal(bed.connectCount, 2);
});

test('a refusal of diskd is passed on with its code, and not asked again', async (t) => {
  const bed = new Bed(t);
  await bed.link.start();
  await assert.rejects(bed.link.call('describeDisk', { diskId: 'd-none' }), { code: 'InvalidDiskId.NotFound' });
  assert.equal(bed.diskd.calls.filter((call) => call === 'describeDisk').length, 1);
});

test('a call without an answer ends after its time, or when its signal fires', async (t) => {
  const bed = new Bed(t);
  await bed.link.start();
  bed.diskd.before = async (call) => {
    if (call === 'listDisks') await new Promise(() => undefined);
  };
  await assert.rejects(bed.link.call('listDisks', {}, { timeoutMs: 200 }), /did not answer listDisks within 0.2 s/);
  const cancel = new AbortController();
  const answer = bed.link.call('listDisks', {}, { timeoutMs: Infinity, signal: cancel.signal });
  cancel.abort();
  await assert.rejects(answer, { name: 'AbortError' });
});

test('a diskd that does not start is said, with what it said', async (t) => {
  const bed = new Bed(t);
  bed.spawn = async () => {
    throw new Error('no space left');
  };
  await assert.rejects(bed.link.start(), /no space left/);
  assert.notEqual(bed.link.problem, null);
});

test('a diskd that cannot take its lock yet, for the one before it is still ending, is started again', async (t) => {
  const bed = new Bed(t);
  bed.spawn = async () => {
    if (bed.spawnCount === 1) throw new Error('another diskd serves the folder');
    await bed.diskd.listen(bed.socketPath);
  };
  await bed.link.start();
  assert.equal(bed.spawnCount, 2);
});

test('shutting down ends diskd when nobody is connected, or by force, and it is not started again', async (t) => {
  const bed = new Bed(t);
  await bed.link.start();
  await bed.link.call('createDisk', newDisk);
  const disk = bed.diskd.disks.get('d-1');
  assert.ok(disk);
  disk.clientCount = 2;
  assert.deepEqual(await bed.link.shutdown({ force: false }), { clientCount: 2, ending: false });
  assert.equal(bed.diskd.shutdownCount, 0);
  assert.equal((await bed.link.shutdown({ force: true })).ending, true);
  assert.equal(bed.spawnCount, 1);
});

test('of a diskd that is a version older, only what it does not know is refused', async (t) => {
  const bed = new Bed(t, { resizeDisk: DISKD_PROTOCOL + 1 });
  await bed.link.start();
  await bed.link.call('createDisk', newDisk);
  const grow = () => bed.link.call('resizeDisk', { diskId: 'd-1', sizeBytes: 2 * 1024 ** 3 });
  await assert.rejects(grow(), { code: 'OperationDenied', message: /older version.*hupo stop/ });
  assert.equal((await bed.link.call('describeDisk', { diskId: 'd-1' })).disk.sizeBytes, 1024 ** 3);
});

test('a diskd that is older than what is spoken, or newer, is not used', async (t) => {
  for (const protocol of [OLDEST_DISKD_PROTOCOL - 1, DISKD_PROTOCOL + 1]) {
    const bed = new Bed(t);
    bed.diskd.protocol = protocol;
    await bed.diskd.listen(bed.socketPath);
    await assert.rejects(bed.link.start(), /another version of hupo/);
    assert.equal(bed.spawnCount, 0);
  }
});
