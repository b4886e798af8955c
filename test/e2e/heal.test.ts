/** A disk whose device changed bytes below it: `hupo check --read-data` finds and names them, `--heal` mends them. */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { slotOffset } from '../../src/disk/slot-address.ts';
import { CHUNK_BYTES } from '../../src/lib/geometry.ts';
import { TestServer } from './server.ts';

const CHUNKS = 64;

test('bytes that the device changed are found against the last snapshot, named, and healed from it', async () => {
  const server = new TestServer();
  try {
    await server.start();
    const smallDisk = { Category: 'cloud_essd', PerformanceLevel: 'PL0', Size: 1 };
    const { diskId } = await server.runInstance(smallDisk);
    const bytes = crypto.randomBytes(CHUNKS * CHUNK_BYTES);
    const client = await server.connect(diskId);
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) await client.write(at, bytes.subarray(at, at + CHUNK_BYTES));
    await client.flush();
    const snapshotId = await server.takeSnapshot(diskId);
    await server.finishedSnapshot(snapshotId);
    await client.write(
      9 * CHUNK_BYTES,
      bytes.fill(3, 9 * CHUNK_BYTES, 10 * CHUNK_BYTES).subarray(9 * CHUNK_BYTES, 10 * CHUNK_BYTES),
    );
    const check = (...options: string[]) => server.cli('check', '--data', server.dataFolder, ...options);
    assert.match(
      check('--read-data').stdout,
      /3\.94 MiB of disks compared with their snapshots \(of 64 KiB more none says .*\): all is well/,
    );

    const folder = path.join(server.dataFolder, 'disks', diskId);
    const [data = ''] = fs.readdirSync(folder).filter((name) => name.startsWith('data-'));
    const fd = fs.openSync(path.join(folder, data, '000000.seg'), 'r+');
    for (const slot of [20, 21]) fs.writeSync(fd, Buffer.from('rot'), 0, 3, slotOffset(slot) + 5000);
    fs.closeSync(fd);
    const found = check('--read-data');
    assert.equal(found.status, 1);
    const told = new RegExp(`${diskId}: bytes 1310720–1441792 are not as in ${snapshotId}, .*--heal`);
    assert.match(found.stdout, told);
    assert.match(check('--heal').stdout, /1310720–1441792 .* \(written anew from it\)/);
    assert.equal(check('--read-data').status, 0);
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      assert.ok((await client.read(at, CHUNK_BYTES)).equals(bytes.subarray(at, at + CHUNK_BYTES)), `at ${at}`);
    }
    await client.close();
    assert.match(check('--heal', '--repair').stderr, /one after the other/);
    await server.stop();
  } finally {
    server.abandon();
  }
});
