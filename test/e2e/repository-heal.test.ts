/**
 * Bytes of the repository that the device changed: found, named with the snapshots and ranges that they hurt, and stored again from
 * the disk that still has them; where no disk has, by the next snapshot that meets them (R5).
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { CHUNK_BYTES } from '../../src/lib/geometry.ts';
import { TestServer } from './server.ts';

const CHUNKS = 48;

/** Changes bytes in the middle of the largest pack: of one group, or of some. */
function damageLargestPack(server: TestServer): void {
  const folder = path.join(server.dataFolder, 'repository', 'packs');
  const files = fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(folder, name))
    .filter((file) => fs.statSync(file).isFile())
    .sort((first, second) => fs.statSync(second).size - fs.statSync(first).size);
  const [file = ''] = files;
  const fd = fs.openSync(file, 'r+');
  fs.writeSync(fd, crypto.randomBytes(3), 0, 3, Math.floor(fs.fstatSync(fd).size / 2));
  fs.closeSync(fd);
}

test('damage of the repository is named, and mended from the disk or by the next snapshot that has the bytes', async () => {
  const server = new TestServer();
  try {
    await server.start();
    const { diskId } = await server.runInstance({ Category: 'cloud_essd', PerformanceLevel: 'PL0', Size: 1 });
    const bytes = crypto.randomBytes(CHUNKS * CHUNK_BYTES);
    const client = await server.connect(diskId);
    await client.write(0, bytes);
    await client.flush();
    const snapshotId = await server.takeSnapshot(diskId);
    await server.finishedSnapshot(snapshotId);
    const options = ['--data', server.dataFolder];
    const check = () => server.cli('repository', 'check', '--read-data', ...options);
    const verified = check();
    assert.equal(verified.status, 0, verified.stdout);
    assert.match(verified.stdout, /checked, .* read: all is well/);
    assert.match(
      server.cli('repository', 'snapshots', ...options).stdout,
      new RegExp(`${snapshotId} .* 20\\S+Z .* 20\\S+Z`, 'm'),
    );

    damageLargestPack(server);
    const found = check();
    assert.equal(found.status, 1);
    assert.match(found.stdout, new RegExp(`packs/.* damaged.*this hurts bytes \\d+–\\d+ of ${snapshotId}`));
    assert.match(found.stdout, /were stored again, from disks that have them: 1\./);
    await awaitClean(server, check);
    const file = path.join(server.dataFolder, 'healed.img');
    assert.equal(server.cli('snapshot', 'export', snapshotId, file, ...options).status, 0);
    assert.ok(fs.readFileSync(file).subarray(0, bytes.length).equals(bytes));
    fs.rmSync(file);

    // Overwritten: the disk has them no more.
    await client.write(0, crypto.randomBytes(CHUNKS * CHUNK_BYTES));
    await client.flush();
    damageLargestPack(server);
    const lost = check();
    assert.equal(lost.status, 1);
    assert.doesNotMatch(lost.stdout, /stored again/);
    const known = server.cli('check', ...options);
    assert.equal(known.status, 1, known.stdout);
    assert.match(known.stdout, new RegExp(`this hurts bytes \\d+–\\d+ of ${snapshotId}`));
    assert.notEqual(server.cli('snapshot', 'export', snapshotId, file, ...options).status, 0);
    await client.write(0, bytes);
    await client.flush();
    await client.close();
    const second = await server.takeSnapshot(diskId);
    await server.finishedSnapshot(second);
    assert.equal(
      server.cli('snapshot', 'export', snapshotId, file, ...options).status,
      0,
      'the next snapshot healed it',
    );
    fs.rmSync(file);
    await awaitClean(server, check);
    await server.stop();
  } finally {
    server.abandon();
  }
});

/** The damaged copies go with the next collection. */
async function awaitClean(server: TestServer, check: () => { status: number | null; stdout: string }): Promise<void> {
  for (let looks = 0; ; looks++) {
    const { status, stdout } = check();
    if (status === 0) return;
    assert.ok(looks < 10, `${stdout}\n${server.output}`);
    await delay(1000);
  }
}
