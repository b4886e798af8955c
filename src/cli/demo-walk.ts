/** The steps of the demo, each with the API calls and the NBD traffic that a user would cause. */
import fs from 'node:fs';
import path from 'node:path';
import { formatBytes } from '../lib/byte-units.ts';
import { BLOCK_BYTES, CHUNK_BYTES, GIB } from '../lib/geometry.ts';
import { NbdClient } from '../nbd/client.ts';
import { readManifest } from '../repository/manifest.ts';
import { restoreToFile } from '../repository/restore.ts';
import { DemoCalls, type DemoCallsOptions } from './demo-calls.ts';
import { noteChanges, planChanges } from './demo-changes.ts';
import { DemoWriter } from './demo-writer.ts';
import { ExpectedDisk, compareDisk, makeBlock, type Image, type ReadRange } from './expected-disk.ts';
import type { OnProgress, StepResult } from './report.ts';
import { copyImageToDisk } from './sparse-copy.ts';
import { formatDuration, formatRate } from './units.ts';

const WRITES_AROUND_SNAPSHOT = 200;
const CHANGES_AT_ONCE = 64;

export interface WalkOptions extends DemoCallsOptions {
  image: Image;
  /** Where the export goes. */
  scratchFolder: string;
}

interface Snapshot {
  snapshotId: string;
  /** The repository's bytes before it. */
  bytesBefore: number;
}

/** Call the steps in the order of the file, and `close` whenever it ends. */
export class DemoWalk {
  readonly #options: WalkOptions;
  readonly #calls: DemoCalls;
  readonly #sizeBytes: number;
  readonly #atFirst: ExpectedDisk;
  readonly #atSecond: ExpectedDisk;
  readonly #dataChunks: number[] = [];
  #instanceId = '';
  #diskId = '';
  #madeDiskId = '';
  #first: Snapshot = { snapshotId: '', bytesBefore: 0 };
  #second: Snapshot = { snapshotId: '', bytesBefore: 0 };
  #disk: NbdClient | undefined;

  constructor(options: WalkOptions) {
    this.#options = options;
    this.#calls = new DemoCalls(options);
    this.#sizeBytes = Math.ceil(options.image.sizeBytes / GIB) * GIB;
    this.#atFirst = new ExpectedDisk(options.image, this.#sizeBytes);
    this.#atSecond = new ExpectedDisk(options.image, this.#sizeBytes);
  }

  close(): void {
    this.#disk?.destroy();
  }

  async runInstance(): Promise<StepResult> {
    const { instanceId, diskId } = await this.#calls.runInstance(this.#sizeBytes / GIB);
    this.#instanceId = instanceId;
    this.#diskId = diskId;
    return { bytes: this.#sizeBytes, note: diskId };
  }

  async copyImage(onProgress: OnProgress): Promise<StepResult> {
    const { image, clock, signal } = this.#options;
    const startedMs = clock.monotonicMs();
    const target = await this.#open(this.#diskId);
    const onData = (offset: number, lengthBytes: number) => {
      for (let at = offset; at < offset + lengthBytes; at += CHUNK_BYTES) this.#dataChunks.push(at / CHUNK_BYTES);
    };
    const bytes = await copyImageToDisk({ ...image, target, onProgress, onData, signal });
    await target.flush();
    return { bytes, note: formatRate(bytes, clock.monotonicMs() - startedMs) };
  }

  async createFirst(): Promise<StepResult> {
    const { tookMs, ...first } = await this.#createSnapshot('first');
    this.#first = first;
    return { tookMs, note: first.snapshotId };
  }

  async storeFirst(onProgress: OnProgress): Promise<StepResult> {
    return this.#awaitStored(this.#first, onProgress);
  }

  async changeDisk(onProgress: OnProgress): Promise<StepResult> {
    const changes = planChanges(this.#dataChunks.sort((a, b) => a - b));
    const disk = await this.#open(this.#diskId);
    const total = changes.written.length;
    for (let done = 0; done < total; done += CHANGES_AT_ONCE) {
      this.#options.signal.throwIfAborted();
      const some = changes.written.slice(done, done + CHANGES_AT_ONCE);
      await Promise.all(some.map(({ block, seed }) => disk.write(block * BLOCK_BYTES, makeBlock(seed))));
      onProgress(done, total);
    }
    await Promise.all(changes.trimmed.map((chunk) => disk.trim(chunk * CHUNK_BYTES, CHUNK_BYTES)));
    noteChanges(this.#atSecond, changes);
    return { bytes: total * BLOCK_BYTES, note: `and ${formatBytes(changes.trimmed.length * CHUNK_BYTES)} trimmed` };
  }

  /** Its time is that of the API's answer: the moment is kept from then on. */
  async createSecond(): Promise<StepResult> {
    const writer = new DemoWriter(await this.#open(this.#diskId));
    writer.start();
    try {
      await writer.awaitAnswered(WRITES_AROUND_SNAPSHOT);
      const answeredBefore = writer.listAnswered();
      const { tookMs, ...second } = await this.#createSnapshot('second');
      const begunByReply = writer.begunCount;
      this.#second = second;
      await writer.awaitAnswered(begunByReply + WRITES_AROUND_SNAPSHOT);
      writer.noteMoment(this.#atSecond, answeredBefore, begunByReply);
      return { tookMs, note: `amid ${begunByReply + WRITES_AROUND_SNAPSHOT} writes` };
    } finally {
      await writer.stop();
    }
  }

  async storeSecond(onProgress: OnProgress): Promise<StepResult> {
    return this.#awaitStored(this.#second, onProgress);
  }

  async rollBackToFirst(): Promise<StepResult> {
    await this.#rollBack(this.#first);
    return { bytes: this.#sizeBytes, note: 'as fast for any size' };
  }

  /** With the SHA-256 of the image's range on the disk. */
  async compareWithImage(onProgress: OnProgress): Promise<StepResult & { digest: string }> {
    const disk = await this.#open(this.#diskId);
    return this.#compare(this.#atFirst, (offset, lengthBytes) => disk.read(offset, lengthBytes), onProgress);
  }

  async makeDiskFromSecond(): Promise<StepResult> {
    this.#madeDiskId = await this.#calls.attachDiskFrom(this.#second.snapshotId, this.#instanceId);
    return { bytes: this.#sizeBytes, note: this.#madeDiskId };
  }

  async compareMadeDisk(onProgress: OnProgress): Promise<StepResult> {
    const disk = await this.#open(this.#madeDiskId);
    return this.#compare(this.#atSecond, (offset, lengthBytes) => disk.read(offset, lengthBytes), onProgress);
  }

  /** The disk stands on the first snapshot: deleting the name leaves it its bytes. */
  async deleteFirst(): Promise<StepResult> {
    await this.#calls.deleteSnapshot(this.#first.snapshotId);
    return { note: this.#first.snapshotId };
  }

  /** Leaves the first snapshot's bytes without a user, and waits until they are gone. */
  async returnSpace(): Promise<StepResult> {
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    const heldBytes = this.#calls.repositoryBytes();
    await this.#rollBack(this.#second);
    const { bytes, atMs } = await this.#calls.awaitSmaller(heldBytes);
    if (bytes >= heldBytes) return { bytes: 0, note: 'nothing came back within a minute' };
    return {
      tookMs: atMs - startedMs,
      bytes: heldBytes - bytes,
      note: `of ${formatBytes(heldBytes)} stored`,
    };
  }

  async exportSecond(onProgress: OnProgress): Promise<StepResult> {
    const { repository, scratchFolder, signal, clock } = this.#options;
    const startedMs = clock.monotonicMs();
    const { sizeBytes, tree } = await readManifest(repository, this.#second.snapshotId);
    const file = path.join(scratchFolder, 'second.img');
    await restoreToFile({ repository, tree, sizeBytes, file, onProgress, signal });
    const exportMs = clock.monotonicMs() - startedMs;
    const exported = await fs.promises.open(file, 'r');
    try {
      const read: ReadRange = async (offset, lengthBytes) =>
        (await exported.read(Buffer.allocUnsafe(lengthBytes), 0, lengthBytes, offset)).buffer;
      const result = await this.#compare(this.#atSecond, read, onProgress);
      return { ...result, note: `right; export ${formatDuration(exportMs)}` };
    } finally {
      await exported.close();
      fs.rmSync(file);
    }
  }

  async #compare(
    expected: ExpectedDisk,
    read: ReadRange,
    onProgress: OnProgress,
  ): Promise<StepResult & { digest: string }> {
    const digest = await compareDisk(expected, { read, onProgress, signal: this.#options.signal });
    return { bytes: expected.sizeBytes, note: 'every byte right', digest };
  }

  async #rollBack(snapshot: Snapshot): Promise<void> {
    await this.#disconnect();
    await this.#calls.rollBack(this.#instanceId, this.#diskId, snapshot.snapshotId);
  }

  async #createSnapshot(name: string): Promise<Snapshot & { tookMs: number }> {
    const { clock } = this.#options;
    const bytesBefore = this.#calls.repositoryBytes();
    const startedMs = clock.monotonicMs();
    const snapshotId = await this.#calls.createSnapshot(this.#diskId, name);
    return { snapshotId, bytesBefore, tookMs: clock.monotonicMs() - startedMs };
  }

  async #awaitStored(snapshot: Snapshot, onProgress: OnProgress): Promise<StepResult> {
    await this.#calls.awaitStored(snapshot.snapshotId, (percent) => onProgress(percent, 100));
    return { bytes: this.#calls.repositoryBytes() - snapshot.bytesBefore, note: 'more stored' };
  }

  /** One disk is open at a time. */
  async #open(diskId: string): Promise<NbdClient> {
    await this.#disconnect();
    this.#disk = await NbdClient.connect(await this.#calls.getNbdUri(diskId));
    return this.#disk;
  }

  async #disconnect(): Promise<void> {
    const disk = this.#disk;
    this.#disk = undefined;
    await disk?.close();
  }
}
