/**
 * Space: what a guest frees goes back to the file system below, and however it is written a disk's files take what is
 * mapped and a bounded slack, no more.
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { CHUNK_BYTES } from '../../src/lib/geometry.ts';
import type { NbdClient } from '../../src/nbd/client.ts';
import { needsMounts } from '../requires.ts';
import { format, fileSystems, trim } from './file-systems.ts';
import { abandonDisks, LoopDisk } from './mounted-disk.ts';
import { TestServer, waitFor } from './server.ts';

const MIB = 1024 ** 2;
/** What a disk may take beyond what is mapped: journal, checkpoints, slots laid by, and what is being moved. */
const SLACK_BYTES = 64 * MIB;
const SLACK_SHARE = 0.25;
const smallDisk = { Category: 'cloud_essd', PerformanceLevel: 'PL0', Size: 2 };
const skip = needsMounts('nbdfuse', 'losetup', 'fusermount3', 'mount', 'fstrim', 'mkfs.ext4');

test('files deleted and trimmed give their space back to the file system below', { skip }, async () => {
  await withServer(async (server, scratch) => {
    const { diskId, uri } = await server.runInstance(smallDisk);
    const [ext4] = fileSystems;
    assert.ok(ext4);
    const disk = await LoopDisk.open(uri, path.join(scratch, 'disk'));
    format(disk, ext4);
    const mount = disk.mount();
    for (let index = 0; index < 96; index += 1) {
      fs.writeFileSync(path.join(mount, String(index)), crypto.randomBytes(5 * MIB));
    }
    trim(mount);
    const full = await assertBounded(server, diskId, 'full');
    assert.ok(full.mappedBytes > 480 * MIB, `only ${full.mappedBytes} bytes are mapped`);
    for (let index = 0; index < 96; index += 1) {
      if (index % 8 !== 3) fs.rmSync(path.join(mount, String(index)));
    }
    trim(mount);
    const thin = await assertBounded(server, diskId, 'seven of eight files deleted');
    assert.ok(
      thin.mappedBytes < full.mappedBytes / 4,
      `${thin.mappedBytes} of ${full.mappedBytes} bytes are still mapped`,
    );
    await disk.close();
  });
});

test('overwriting with snapshots that come and go takes what is mapped and a bounded slack', async () => {
  await withServer(async (server) => {
    const { diskId } = await server.runInstance(smallDisk);
    const client = await server.connect(diskId);
    for (let turn = 0; turn < 6; turn += 1) {
      await overwrite(client, crypto.randomBytes(32 * MIB), turn);
      const snapshotId = await server.takeSnapshot(diskId);
      await overwrite(client, crypto.randomBytes(32 * MIB), turn);
      await server.finishedSnapshot(snapshotId);
      await server.call('DeleteSnapshot', { SnapshotId: snapshotId });
    }
    await assertBounded(server, diskId, 'overwritten twelve times');
    await client.close();
  });
});

/** All 512 chunks of the range, half of them whole and half block by block from another place each turn. */
async function overwrite(client: NbdClient, bytes: Buffer, turn: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    const isWhole = (at / CHUNK_BYTES + turn) % 2 === 0;
    const lengthBytes = isWhole ? CHUNK_BYTES : 4096;
    const offset = at + (isWhole ? 0 : ((turn * 5) % 16) * 4096);
    await client.write(offset, bytes.subarray(at, at + lengthBytes));
  }
  await client.flush();
}

/** Waits until the disk's files take no more than they may; tells what is mapped. */
async function assertBounded(server: TestServer, diskId: string, when: string): Promise<{ mappedBytes: number }> {
  let said = '';
  const look = async () => {
    const { mapping } = await server.diskState(diskId);
    const mappedBytes = mapping.dataChunkCount * CHUNK_BYTES;
    const takenBytes = takenOnDevice(path.join(server.dataFolder, 'disks', diskId));
    said = `${when}: ${Math.round(takenBytes / MIB)} MiB are taken for ${Math.round(mappedBytes / MIB)} MiB mapped`;
    return takenBytes <= mappedBytes * (1 + SLACK_SHARE) + SLACK_BYTES ? { mappedBytes } : null;
  };
  const found = await waitFor('the space to return', 30_000, look).catch(() => assert.fail(said));
  console.log(`space: ${said}`);
  return found;
}

function takenOnDevice(folder: string): number {
  return fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => (fs.statSync(path.join(folder, name), { throwIfNoEntry: false })?.blocks ?? 0) * 512)
    .reduce((sum, bytes) => sum + bytes, 0);
}

async function withServer(body: (server: TestServer, scratch: string) => Promise<void>): Promise<void> {
  const server = new TestServer();
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-space-'));
  try {
    await server.start();
    await body(server, scratch);
    await server.stop();
  } finally {
    abandonDisks(scratch);
    server.abandon();
  }
}
