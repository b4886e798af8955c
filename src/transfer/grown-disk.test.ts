/** A disk that grows between two snapshots: both are whole, each of its size, and going back keeps the disk large. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { DiskHost } from '../disk/disk-host.ts';
import type { BaseRef, DiskState, FreezeReply } from '../disk/protocol.ts';
import { readBootId } from '../lib/boot-id.ts';
import { systemClock } from '../lib/clock.ts';
import { systemFiles } from '../lib/files.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { systemRandom } from '../lib/random.ts';
import { NbdClient } from '../nbd/client.ts';
import { formatNbdUri } from '../nbd/uri.ts';
import { openRepositoryReader } from '../repository/reader.ts';
import { restoreToFile } from '../repository/restore.ts';
import { emptyTree } from '../repository/tree-ref.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { uploadView } from './upload.ts';
import { anySession, newPlace } from '../../test/support/repositories.ts';

const DISK_ID = 'd-0123456789abcdefghij';
/** Two levels of pages, then three. */
const SMALL_BYTES = 200 * CHUNK_BYTES;
const LARGE_BYTES = 20_000 * CHUNK_BYTES;

/** A host of disks over a real repository, both in a folder of their own. */
class Bed {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-grown-'));
  readonly repository = newPlace(this.folder);
  host!: DiskHost;
  #closeReader = () => {};

  static async create(t: TestContext): Promise<Bed> {
    const bed = new Bed();
    for (const name of ['disks', 'run']) fs.mkdirSync(path.join(bed.folder, name));
    const reader = await openRepositoryReader(bed.repository);
    bed.#closeReader = () => reader.close();
    bed.host = new DiskHost({
      files: systemFiles,
      disksFolder: path.join(bed.folder, 'disks'),
      runFolder: path.join(bed.folder, 'run'),
      bootId: readBootId(),
      clock: systemClock,
      trees: reader,
      log: { info: () => undefined, warn: () => undefined },
    });
    const base = { snapshotId: null, tree: emptyTree };
    await bed.host.call('createDisk', { diskId: DISK_ID, sizeBytes: SMALL_BYTES, base });
    t.after(() => bed.#end());
    return bed;
  }

  async connect(incarnation: number): Promise<NbdClient> {
    const { disk } = await this.host.call('openDisk', { diskId: DISK_ID, incarnation });
    return NbdClient.connect(formatNbdUri({ socketPath: disk.socketPath ?? '', exportName: DISK_ID }));
  }

  async resize(sizeBytes: number): Promise<DiskState> {
    return (await this.host.call('resizeDisk', { diskId: DISK_ID, sizeBytes })).disk;
  }

  /** Freezes, uploads what changed since `parent`, and releases. */
  async snapshot(snapshotId: string, parent: { tree: TreeRef; generation: number }) {
    const frozen: FreezeReply = await this.host.call('freeze', { diskId: DISK_ID, snapshotId });
    const job = {
      repository: this.repository,
      session: anySession,
      diskdSocket: '',
      diskId: DISK_ID,
      snapshotId,
      sizeBytes: frozen.sizeBytes,
      parent: parent.tree,
      sinceGeneration: parent.generation,
    };
    const { tree } = await uploadView(job, {
      diskd: { call: (name, body) => this.host.call(name as 'listViewChunks', body as never) as never },
      clock: systemClock,
      random: systemRandom,
      onProgress: () => undefined,
    });
    await this.host.call('releaseView', { diskId: DISK_ID, snapshotId, committed: true });
    return { snapshotId, tree, generation: frozen.generation, sizeBytes: frozen.sizeBytes };
  }

  /** The first bytes of some chunks of a snapshot that was restored to a file, and the file's size. */
  async restored({ tree, sizeBytes }: { tree: TreeRef; sizeBytes: number }, chunks: number[]) {
    const file = path.join(this.folder, 'restored.img');
    const options = { repository: this.repository, tree, sizeBytes, file };
    await restoreToFile({ ...options, onProgress: () => undefined, signal: new AbortController().signal });
    const fd = fs.openSync(file, 'r');
    const bytes = chunks.map((chunk) => {
      const one = Buffer.alloc(1);
      fs.readSync(fd, one, 0, 1, chunk * CHUNK_BYTES);
      return one[0];
    });
    const { size } = fs.fstatSync(fd);
    fs.closeSync(fd);
    fs.rmSync(file);
    return { size, bytes };
  }

  async #end(): Promise<void> {
    await this.host.closeAll();
    this.#closeReader();
    fs.rmSync(this.folder, { recursive: true });
  }
}

test('snapshots before and after growing are both whole, and going back keeps the disk large', async (t) => {
  const bed = await Bed.create(t);
  const before = await bed.connect(1);
  await before.write(0, Buffer.alloc(CHUNK_BYTES, 1));
  await before.write(150 * CHUNK_BYTES, Buffer.alloc(CHUNK_BYTES, 2));
  const small = await bed.snapshot('s-1', { tree: emptyTree, generation: 0 });
  assert.equal((await bed.resize(LARGE_BYTES)).sizeBytes, LARGE_BYTES);

  assert.equal(before.sizeBytes, SMALL_BYTES, 'who is connected keeps the size it was told');
  await before.write(150 * CHUNK_BYTES, Buffer.alloc(CHUNK_BYTES, 3));
  assert.equal((await before.read(0, 1))[0], 1);
  const after = await bed.connect(1);
  assert.equal(after.sizeBytes, LARGE_BYTES, 'who connects now sees the new one');
  await after.write(19_999 * CHUNK_BYTES, Buffer.alloc(CHUNK_BYTES, 4));
  const large = await bed.snapshot('s-2', small);
  assert.ok(large.tree.levels > small.tree.levels, 'the tree is deeper');
  assert.deepEqual(await bed.restored(small, [0, 150]), { size: SMALL_BYTES, bytes: [1, 2] });
  assert.deepEqual(await bed.restored(large, [0, 150, 200, 19_999]), { size: LARGE_BYTES, bytes: [1, 3, 0, 4] });

  await Promise.all([before.close(), after.close()]);
  await bed.host.call('closeDisk', { diskId: DISK_ID });
  const base: BaseRef = { snapshotId: 's-1', tree: small.tree };
  const { disk } = await bed.host.call('rollback', { diskId: DISK_ID, base, incarnation: 2 });
  assert.equal(disk.sizeBytes, LARGE_BYTES);
  const back = await bed.connect(2);
  const readByte = async (chunk: number) => (await back.read(chunk * CHUNK_BYTES, 1))[0];
  assert.deepEqual(await Promise.all([0, 150, 199, 200, 19_999].map(readByte)), [1, 2, 0, 0, 0]);
  await back.write(19_999 * CHUNK_BYTES + 512, Buffer.alloc(512, 5));
  const third = await bed.snapshot('s-3', { tree: small.tree, generation: 0 });
  assert.deepEqual(await bed.restored(third, [0, 150, 19_999]), { size: LARGE_BYTES, bytes: [1, 2, 0] });
  await back.close();
  assert.deepEqual((await bed.host.call('checkDisk', { diskId: DISK_ID })).findings, []);
});

test('a size that is no whole number of chunks, or of a disk that is not there, is refused', async (t) => {
  const bed = await Bed.create(t);
  await assert.rejects(bed.resize(SMALL_BYTES + 1), /not whole chunks/);
  await assert.rejects(bed.host.call('resizeDisk', { diskId: 'd-none', sizeBytes: LARGE_BYTES }), {
    code: 'InvalidDiskId.NotFound',
  });
});
