/**
 * The durable half of a disk: map, journal and slots kept in step. Whoever changes the disk writes bytes to slots,
 * then gives the record to `record`; `commit` makes records survive the process, `flush` a power cut (D1, D10).
 *
 * What a crash leaves at each step is the crash table of `docs/format.md`.
 */
import path from 'node:path';
import type { Clock } from '../lib/clock.ts';
import type { Files } from '../lib/files.ts';
import { Mutex } from '../lib/mutex.ts';
import { OperationalError, errnoOf, messageOf } from '../lib/errors.ts';
import { assert } from '../lib/assert.ts';
import type { BaseRef } from './protocol.ts';
import type { Capture, CheckpointLinks } from './checkpoint.ts';
import { captureState, writeCheckpoint } from './checkpoint.ts';
import type { Recovered } from './disk-folder.ts';
import { SYNC_FAILED_NAME, dataFolderName, recoverDisk, removeSlowly, removeStrays } from './disk-folder.ts';
import type { JournalRecord } from './journal-record.ts';
import { Journal, journalName } from './journal.ts';
import { listJournals } from './journal-replay.ts';
import { MapState } from './map-state.ts';
import { SlotStore } from './slot-store.ts';

/** Records in the current journal after which a checkpoint is worth it (4 MiB). */
const CHECKPOINT_RECORDS = 65_536;
/** Unsynced bytes after which write-back is started without being asked. */
const EARLY_FLUSH_BYTES = 256 * 1024 * 1024;

export interface StoreOptions {
  files: Files;
  /** The disk's folder. */
  folder: string;
  bootId: string;
  clock: Clock;
  checkpointRecords?: number;
}

export class DiskStore {
  map: MapState;
  slots: SlotStore;
  /** Whether the view that is there survives a power cut. */
  viewIsDurable: boolean;
  /** Why nothing after the last flush is believed, or null (D11). */
  distrust: string | null = null;
  readonly #options: StoreOptions;
  #links: CheckpointLinks;
  #journal: Journal;
  /** Slots freed by records after the last marker (D6). */
  #pendingFree: number[];
  /** Journal and count that the last durable marker covers. */
  #covered = { journal: -1, count: -1 };
  readonly #lane = new Mutex();
  #queuedFlush: Promise<void> | null = null;
  #checkpoint: Promise<void> | null = null;
  #closed = false;

  private constructor(options: StoreOptions, recovered: Recovered, journal: Journal) {
    this.#options = options;
    this.#links = recovered.links;
    this.#journal = journal;
    this.map = recovered.state;
    this.viewIsDurable = recovered.viewIsDurable;
    this.#pendingFree = recovered.pendingFree;
    const taken = function* (): Generator<number> {
      yield* recovered.state.usedSlots();
      yield* recovered.pendingFree;
    };
    this.slots = new SlotStore(options.files, this.dataFolder, taken());
  }

  /**
   * Opens a disk's folder. On another boot, or after a failed sync, what is not sure is dropped and a new checkpoint
   * begins. Throws a CorruptionError when the folder is damaged.
   */
  static async open(options: StoreOptions): Promise<DiskStore> {
    const { files, folder, bootId } = options;
    const recovered = recoverDisk(files, folder, bootId);
    const place = { files, folder, bootId, diskId: recovered.state.head.diskId };
    const { replay, links } = recovered;
    if (replay.isResumable) {
      // The checkpoint's rename may have reached the page cache only, if the process died just then: what the checkpoint
      // before it names must not go first.
      await files.syncFolder(folder);
      removeStrays(files, folder, { data: links.data, journals: replay.numbers });
      return new DiskStore(options, recovered, Journal.resume(place, replay.numbers, replay.lastCount));
    }
    const number = Math.max(...listJournals(files, folder)) + 1;
    const fresh = { ...links, journal: number, syncFailure: recovered.syncFailure ?? links.syncFailure };
    const journal = Journal.create(place, number);
    try {
      await journal.sync();
      await writeCheckpoint(files, folder, captureState(recovered.state, fresh));
    } catch (error) {
      journal.close();
      throw error;
    }
    removeStrays(files, folder, { data: links.data, journals: [number] });
    if (recovered.syncFailure !== null) files.unlink(path.join(folder, SYNC_FAILED_NAME));
    return new DiskStore(options, { ...recovered, links: fresh }, journal);
  }

  get dataFolder(): string {
    return path.join(this.#options.folder, dataFolderName(this.#links.data));
  }

  /** The last failed sync that made an opening drop writes, or null. */
  get pastSyncFailure(): string | null {
    return this.#links.syncFailure;
  }

  /** Changes the map, and remembers to write the record with the next commit. */
  record(record: JournalRecord): void {
    assert(!this.#closed, 'the disk is closed');
    this.map.apply(record);
    this.#journal.append(record);
    if (this.map.freed.length > 0) for (const slot of this.map.takeFreed()) this.#pendingFree.push(slot);
  }

  /** Everything recorded survives the death of the process. May throw; the records are then written by the next. */
  commit(): void {
    this.#journal.commit();
    if (this.#journal.count >= (this.#options.checkpointRecords ?? CHECKPOINT_RECORDS)) this.#startCheckpoint();
    if (this.slots.dirtyBytes >= EARLY_FLUSH_BYTES) this.#startFlush();
  }

  /** Everything committed or written before the call survives a power cut when it resolves. */
  flush(): Promise<void> {
    this.#queuedFlush ??= this.#lane.run(async () => {
      this.#queuedFlush = null;
      await this.#flushNow(() => {});
    });
    return this.#queuedFlush;
  }

  /** To be called now and then: gives freed space back, and commits what no client waits for. */
  async maintain(): Promise<void> {
    if (this.#closed || this.distrust !== null) return;
    this.commit();
    if (this.#pendingFree.length > 0) await this.flush();
  }

  /** Writes a checkpoint and drops the journal before it; I/O goes on meanwhile. */
  async checkpoint(): Promise<void> {
    this.#checkpoint ??= this.#track(this.#checkpointNow());
    await this.#checkpoint;
  }

  /**
   * Makes the disk larger, for good when it resolves; I/O goes on meanwhile. The new size comes with a checkpoint: nothing
   * is written beyond the old end before that is durable, so every state that a crash leaves is whole, of one size or the
   * other. When it throws, the live disk has its old size. If an opening may find the other, it distrusts itself.
   */
  async grow(sizeBytes: number): Promise<void> {
    while (this.#checkpoint !== null) await this.#checkpoint.catch(() => {});
    this.#checkpoint = this.#track(this.#checkpointNow(sizeBytes));
    await this.#checkpoint;
  }

  /**
   * Makes the disk read as `base` (D7), its own bytes gone. No view, no client, no fetch under way. Resolves when it
   * is done for good; the old bytes go afterwards, segment by segment.
   */
  async rollback(base: BaseRef, incarnation: number): Promise<void> {
    await this.#checkpoint?.catch(() => {});
    await this.#lane.run(async () => {
      this.#assertTrusted();
      assert(this.map.view === null, 'a disk with a frozen view is rolled back');
      await this.#startOver(base, incarnation);
    });
  }

  /** Flushes, writes a checkpoint where there is anything new, and closes every file. */
  async close(): Promise<void> {
    try {
      await this.#checkpoint?.catch(() => {});
      await this.flush();
      // One record is the marker that the last checkpoint's flush left.
      if (this.#journal.count > 1 || this.#journal.olderCount > 0) await this.checkpoint();
    } finally {
      this.abandon();
    }
  }

  /** Closes every file and writes nothing: after a failed sync, or at the end of a failed opening. */
  abandon(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#journal.close();
    this.slots.close();
  }

  async #track(checkpoint: Promise<void>): Promise<void> {
    try {
      await checkpoint;
    } finally {
      this.#checkpoint = null;
    }
  }

  #startFlush(): void {
    if (this.#queuedFlush !== null || this.distrust !== null) return;
    this.flush().catch(() => {}); // a failed sync is told to every later flush; a full disk to the next commit
  }

  #startCheckpoint(): void {
    if (this.#checkpoint !== null || this.distrust !== null) return;
    this.checkpoint().catch(() => {}); // as above; the chain of journals stays and a later checkpoint ends it
  }

  async #flushNow(atStart: () => void): Promise<void> {
    this.#assertTrusted();
    if (this.#closed) throw new OperationalError(`${this.map.head.diskId} is closed`, { retryable: true });
    this.#journal.commit();
    atStart();
    const { number, count } = this.#journal;
    const isCovered = this.#covered.journal === number && this.#covered.count === count;
    const { view } = this.map;
    const freed = this.#pendingFree;
    this.#pendingFree = [];
    try {
      await this.#sync([this.slots.sync(), ...(isCovered ? [] : [this.#journal.sync()])]);
      if (!isCovered) await this.#writeMarker(number, count);
    } catch (error) {
      this.#pendingFree = [...freed, ...this.#pendingFree];
      throw error;
    }
    if (view !== null && view === this.map.view) this.viewIsDurable = true;
    this.slots.free(freed);
  }

  async #writeMarker(number: number, count: number): Promise<void> {
    assert(this.#journal.number === number, 'a journal began during a flush');
    this.#journal.append({ type: 'marker', covers: count });
    const markedCount = this.#journal.count;
    this.#journal.commit();
    await this.#sync([this.#journal.sync()]);
    if (markedCount === count + 1) this.#covered = { journal: number, count: markedCount };
  }

  async #sync(waits: Promise<void>[]): Promise<void> {
    try {
      await Promise.all(waits);
    } catch (error) {
      await Promise.allSettled(waits);
      this.#noteFailedSync(error);
      this.#assertTrusted();
    }
  }

  async #checkpointNow(sizeBytes = this.map.head.sizeBytes): Promise<void> {
    const capture = await this.#lane.run(async () => {
      let taken: Capture | undefined;
      await this.#flushNow(() => {
        this.#journal.begin();
        taken = captureState(this.map, { ...this.#links, journal: this.#journal.number });
      });
      assert(taken !== undefined, 'a flush captures the state');
      return { ...taken, head: { ...taken.head, sizeBytes } };
    });
    await this.#install(capture);
    this.map.grow(sizeBytes);
    this.#journal.dropOlder(capture.links.journal);
  }

  async #install(capture: Capture): Promise<void> {
    let isReplaced = false;
    try {
      await writeCheckpoint(this.#options.files, this.#options.folder, capture, () => (isReplaced = true));
    } catch (error) {
      if (isReplaced || errnoOf(error) === 'EIO') this.#noteFailedSync(error);
      throw error;
    }
    this.#links = capture.links;
  }

  async #startOver(base: BaseRef, incarnation: number): Promise<void> {
    const { files, folder, bootId } = this.#options;
    const { head } = this.map;
    const generation = head.generation + 1;
    const fresh = new MapState({
      ...head,
      base,
      incarnation,
      generation,
      baseGeneration: generation,
      compareReason: null,
    });
    const links = { ...this.#links, data: this.#links.data + 1, journal: this.#journal.number + 1 };
    const oldData = this.dataFolder;
    const dataFolder = path.join(folder, dataFolderName(links.data));
    files.removeFolder(dataFolder);
    files.ensureFolder(dataFolder);
    const journal = Journal.create({ files, folder, bootId, diskId: head.diskId }, links.journal);
    try {
      await this.#sync([journal.sync()]);
      await this.#install(captureState(fresh, links));
    } catch (error) {
      journal.close();
      throw error;
    }
    this.#adopt(fresh, journal, oldData);
  }

  #adopt(map: MapState, journal: Journal, oldData: string): void {
    const { files, folder } = this.#options;
    this.#journal.close();
    this.slots.close();
    this.map = map;
    this.#journal = journal;
    this.#pendingFree = [];
    this.slots = new SlotStore(files, this.dataFolder, []);
    removeSlowly(files, oldData).catch(() => {}); // the next opening removes what is left
    for (const number of listJournals(files, folder)) {
      if (number !== journal.number) files.unlink(path.join(folder, journalName(number)));
    }
  }

  #assertTrusted(): void {
    if (this.distrust === null) return;
    throw new OperationalError(
      `${this.map.head.diskId}: ${this.distrust}; writes since the last flush may be lost. Close and open the disk`,
      { retryable: false },
    );
  }

  /** D11. The mark makes the next opening believe nothing after the last marker, even on this boot. */
  #noteFailedSync(error: unknown): void {
    const { files, folder, clock } = this.#options;
    this.distrust ??= `a sync failed at ${new Date(clock.nowMs()).toISOString()} (${messageOf(error)})`;
    try {
      const fd = files.open(path.join(folder, SYNC_FAILED_NAME), 'create');
      const text = Buffer.from(`${this.distrust}\n`);
      files.write(fd, text, 0, text.length, 0);
      files.syncData(fd).then(
        () => files.close(fd),
        () => files.close(fd),
      );
    } catch {
      // The device takes nothing more; this process at least refuses every flush.
    }
  }
}
