/**
 * ext4, xfs and btrfs on a disk: files synced by a busy guest, snapshots meanwhile, trims, deaths of the data plane and
 * rollbacks. After each the file system's own check program is content and what was synced before is there.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { needsMounts } from '../requires.ts';
import { check, fileSystems, format, recover, trim, type FileSystem } from './file-systems.ts';
import { instantOf, KeptFiles, type FileRecord } from './kept-files.ts';
import { abandonDisks, LoopDisk } from './mounted-disk.ts';
import { TestServer } from './server.ts';

for (const fileSystem of fileSystems) {
  const skip = needsMounts('nbdfuse', 'losetup', 'fusermount3', 'mount', 'fstrim', ...fileSystem.programs);
  test(
    `${fileSystem.name}: clean after every rollback and every crash, and nothing synced is lost`,
    { skip },
    async () => {
      const guest = new Guest(fileSystem);
      try {
        await guest.start();
        await guest.live();
        await guest.end();
      } finally {
        guest.abandon();
      }
    },
  );
}

interface Taken {
  snapshotId: string;
  record: FileRecord;
}

class Guest {
  readonly #fileSystem: FileSystem;
  readonly #server = new TestServer();
  readonly #scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-fs-'));
  readonly #files = new KeptFiles();
  #instanceId = '';
  #diskId = '';
  #disk!: LoopDisk;
  #mount = '';
  #openCount = 0;

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem;
  }

  async start(): Promise<void> {
    await this.#server.start();
    const size = { Category: 'cloud_essd', PerformanceLevel: 'PL0', Size: 4 };
    const { instanceId, diskId } = await this.#server.runInstance(size);
    this.#instanceId = instanceId;
    this.#diskId = diskId;
    await this.#open();
    format(this.#disk, this.#fileSystem);
    this.#mount = this.#disk.mount(this.#fileSystem.options);
  }

  async live(): Promise<void> {
    this.#files.start(this.#mount);
    await this.#files.more(80);
    const first = await this.#snapshot();
    await this.#files.more(40);
    trim(this.#mount);
    await this.#files.more(40);
    await this.#finished(first);
    const second = await this.#snapshot();
    await this.#files.more(30);
    await this.#crash();
    await this.#finished(second);

    await this.#rollBack(first);
    this.#files.start(this.#mount);
    await this.#files.more(60);
    trim(this.#mount);
    await this.#crash();

    await this.#rollBack(second);
    this.#files.start(this.#mount);
    await this.#files.more(40);
    const third = await this.#snapshot();
    await this.#files.more(40);
    await this.#crash();
    await this.#finished(third);
    await this.#rollBack(third);
  }

  /** Unmounted in good order, the check program is content at once. */
  async end(): Promise<void> {
    this.#files.start(this.#mount);
    await this.#files.more(20);
    await this.#files.stop();
    trim(this.#mount);
    this.#disk.unmount();
    check(this.#disk, this.#fileSystem);
    await this.#disk.close();
    await this.#server.stop();
  }

  abandon(): void {
    this.#files.abandon();
    abandonDisks(this.#scratch);
    this.#server.abandon();
  }

  /** Of a mounted, busy file system. */
  async #snapshot(): Promise<Taken> {
    const { instant, result } = await instantOf(async () =>
      this.#server.call('CreateSnapshot', { DiskId: this.#diskId }),
    );
    return { snapshotId: String(result.SnapshotId), record: this.#files.recordOf(instant) };
  }

  async #finished({ snapshotId }: Taken): Promise<void> {
    assert.equal((await this.#server.finishedSnapshot(snapshotId)).Status, 'accomplished');
  }

  /** The data plane dies under the mounted file system; the guest comes back as after a power cut. */
  async #crash(): Promise<void> {
    const { instant } = await instantOf(async () => {
      await this.#server.killDiskd();
      await this.#files.stop();
    });
    await this.#disk.abandon();
    await this.#comeBackAt(this.#files.recordOf(instant));
    console.log(`file systems: ${this.#fileSystem.name} is right after a crash`);
  }

  async #rollBack({ snapshotId, record }: Taken): Promise<void> {
    await this.#disk.close();
    await this.#server.rollBack(this.#instanceId, this.#diskId, snapshotId);
    await this.#comeBackAt(record);
    console.log(`file systems: ${this.#fileSystem.name} is right after a rollback`);
  }

  async #comeBackAt(record: FileRecord): Promise<void> {
    await this.#open();
    this.#mount = recover(this.#disk, this.#fileSystem);
    const sureCount = this.#files.verify(this.#mount, record);
    assert.ok(sureCount >= 20, `only ${sureCount} files were sure to be there`);
    this.#files.goBackTo(record, this.#mount);
  }

  async #open(): Promise<void> {
    this.#openCount += 1;
    await (await this.#server.connect(this.#diskId)).close();
    const uri = (await this.#server.disk(this.#diskId)).NbdUri;
    this.#disk = await LoopDisk.open(uri, path.join(this.#scratch, String(this.#openCount)));
  }
}
