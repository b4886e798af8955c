import assert from 'node:assert/strict';
import test from 'node:test';
import { RecordingFiles, systemError } from '../../test/crash/recording-files.ts';
import { ZERO_BASE, testClock } from '../../test/model/disk-harness.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { DiskHost } from './disk-host.ts';

const DISK_ID = 'd-host';
const SMALL = 8 * CHUNK_BYTES;
const LARGE = 16 * CHUNK_BYTES;
const otherTree: TreeRef = { root: 'a'.repeat(64), levels: 1, dataChunkCount: 1 };

/** A machine with one closed disk; `start` is a new diskd on it. */
async function createMachine() {
  const machine = new RecordingFiles({ record: false });
  const start = () => {
    const files = machine.startProcess();
    const host = new DiskHost({
      ...{ files, disksFolder: '/disks', runFolder: '/run', bootId: 'boot', clock: testClock },
      source: { readChunk: async () => null },
      log: { info: () => undefined, warn: () => undefined },
    });
    return { files, host };
  };
  const { files, host } = start();
  files.ensureFolder('/disks');
  await host.call('createDisk', { diskId: DISK_ID, sizeBytes: SMALL, base: ZERO_BASE });
  return { machine, host, files, start };
}

/** The sync after the next rename of a checkpoint fails once with `code`. */
function failAfterRename(machine: RecordingFiles, code: string): void {
  let isRenamed = false;
  machine.fault = (call) => {
    if (call.name === 'rename') isRenamed = true;
    if (call.name !== 'syncFolder' || !isRenamed) return undefined;
    machine.fault = undefined;
    return { error: systemError(code, call.path) };
  };
}

for (const code of ['EIO', 'ENOSPC']) {
  test(`after ${code} in the last sync of a resize, the disk says the size that every later opening finds`, async () => {
    const { machine, host, files, start } = await createMachine();
    failAfterRename(machine, code);
    await assert.rejects(host.call('resizeDisk', { diskId: DISK_ID, sizeBytes: LARGE }));
    const { disk } = await host.call('describeDisk', { diskId: DISK_ID });
    assert.equal(disk.syncFailure, null);
    files.kill();
    const { disk: found } = await start().host.call('describeDisk', { diskId: DISK_ID });
    assert.equal(found.sizeBytes, disk.sizeBytes);
    assert.equal(found.sizeBytes, LARGE, 'the rename happened');
  });

  test(`after ${code} in the last sync of a rollback, the disk says the base that every later opening finds`, async () => {
    const { machine, host, files, start } = await createMachine();
    failAfterRename(machine, code);
    const base = { snapshotId: 's-1', tree: otherTree };
    await assert.rejects(host.call('rollback', { diskId: DISK_ID, base, incarnation: 2 }));
    const { disk } = await host.call('describeDisk', { diskId: DISK_ID });
    files.kill();
    const { disk: found } = await start().host.call('describeDisk', { diskId: DISK_ID });
    assert.deepEqual([found.incarnation, found.base], [disk.incarnation, disk.base]);
    assert.deepEqual([found.incarnation, found.base], [2, base]);
  });
}

test('closing a disk that was not opened, is damaged or is not there is nothing', async () => {
  const { machine, files, start } = await createMachine();
  files.kill();
  machine.startProcess().unlink(`/disks/${DISK_ID}/checkpoint`);
  const { host } = start();
  assert.deepEqual(await host.call('closeDisk', { diskId: DISK_ID }), { disk: null });
  assert.deepEqual(await host.call('closeDisk', { diskId: 'd-absent' }), { disk: null });
});
