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
import { OperationalError, messageOf } from '../lib/errors.ts';
import { assert } from '../lib/assert.ts';
import type { CheckpointLinks } from './checkpoint.ts';
import { secureCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { CheckpointPace } from './checkpoint-pace.ts';
import type { Recovered } from './disk-folder.ts';
import { SYNC_FAILED_NAME, dataFolderName, recoverDisk, removeStrays } from './disk-folder.ts';
import type { DiskMap, FrozenView, MapHead } from './disk-map.ts';
import type { JournalRecord } from './journal-record.ts';
import { Journal } from './journal.ts';
import { listJournals } from './journal-replay.ts';
import type { PageCapture } from './map-page.ts';
import type { MapStore, StoredMap } from './map-store.ts';
import { PageBudget } from './page-budget.ts';
import type { SegmentCapture } from './slot-allocator.ts';
import { SlotStore } from './slot-store.ts';

/** Unsynced bytes after which write-back is started without being asked. */
const EARLY_FLUSH_BYTES = 512 * 1024 * 1024;

export interface StoreOptions {
  files: Files;
  /** The disk's folder. */
  folder: string;
  bootId: string;
  clock: Clock;
  checkpointRecords?: number;
  /** What the map pages in memory are counted against; its own when absent. */
  budget?: PageBudget;
  /** Throws ENOSPC when the space that is kept for journals and the catalog would go (D12). */
  takeSpace?: (bytes: number) => void;
  slackSlots?: number;
}

type HeadChange = (state: { head: MapHead; views: FrozenView[] }) => { head: MapHead; views: FrozenView[] };

/** A moment's state, held while it is written; its pages are shared with the living map (copy-on-write). */
interface Capture {
  head: MapHead;
  views: FrozenView[];
  links: CheckpointLinks;
  pages: PageCapture[];
  segments: SegmentCapture[];
}

export class DiskStore {
  readonly map: DiskMap;
  readonly slots: SlotStore;
  /** Why nothing after the last flush is believed, or null (D11). */
  distrust: string | null = null;
  readonly #options: StoreOptions;
  readonly #pages: MapStore;
  readonly #budget: PageBudget;
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
  #closing: Promise<void> | null = null;
  #isHeadChanging = false;
  /** Ends of views and rollbacks so far, and how many of them are on the device: until then nothing is written over. */
  #releaseCount: number;
  #durableReleaseCount = 0;
  #maintainedCount = 0;
  readonly #pace: CheckpointPace;

  private constructor(options: StoreOptions, recovered: Recovered, journal: Journal) {
    this.#budget = recovered.map.budget;
    this.#options = options;
    this.#pace = new CheckpointPace(options.clock, options.checkpointRecords);
    this.#links = recovered.links;
    this.#journal = journal;
    this.#pages = recovered.store;
    this.map = recovered.map;
    this.#pendingFree = recovered.pendingFree;
    this.#releaseCount = recovered.hasPendingRelease ? 1 : 0;
    const { files, clock, takeSpace, slackSlots } = options;
    const limits = { ...(takeSpace && { takeSpace }), ...(slackSlots !== undefined && { slackSlots }) };
    const slotOptions = { files, clock, folder: this.dataFolder, ...limits };
    this.slots = new SlotStore(slotOptions, recovered.slots);
  }

  /**
   * Opens a disk's folder. On another boot, or after a failed sync, what is not sure is dropped and a new checkpoint
   * begins. Throws a CorruptionError when the folder is damaged.
   */
  static async open(options: StoreOptions): Promise<DiskStore> {
    const { files, folder, bootId, budget = new PageBudget() } = options;
    const recovered = recoverDisk(files, folder, bootId, { budget });
    try {
      return await DiskStore.#begin(options, recovered);
    } catch (error) {
      recovered.store.close();
      recovered.map.leave();
      throw error;
    }
  }

  static async #begin(options: StoreOptions, recovered: Recovered): Promise<DiskStore> {
    const { files, folder, bootId } = options;
    const { replay, links, map } = recovered;
    const place = { files, folder, bootId, diskId: map.head.diskId };
    await secureCheckpoint(files, folder, recovered.syncFailure !== null);
    if (replay.isResumable) {
      removeStrays(files, folder, { data: links.data, journals: replay.numbers });
      return DiskStore.#over(options, recovered, Journal.resume(place, replay.numbers, replay.lastCount));
    }
    const number = Math.max(...listJournals(files, folder)) + 1;
    const syncFailure = recovered.syncFailure ?? links.syncFailure;
    const journal = Journal.create(place, number);
    let store: DiskStore;
    try {
      await journal.sync();
      store = new DiskStore(options, { ...recovered, links: { ...links, journal: number, syncFailure } }, journal);
      await store.#install(store.#capture(number));
    } catch (error) {
      journal.close();
      throw error;
    }
    store.#freeNow();
    removeStrays(files, folder, { data: links.data, journals: [number] });
    if (recovered.syncFailure !== null) files.unlink(path.join(folder, SYNC_FAILED_NAME));
    return store;
  }

  static #over(options: StoreOptions, recovered: Recovered, journal: Journal): DiskStore {
    try {
      return new DiskStore(options, recovered, journal);
    } catch (error) {
      journal.close();
      throw error;
    }
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  get dataFolder(): string {
    return path.join(this.#options.folder, dataFolderName(this.#links.data));
  }

  /** The last failed sync that made an opening drop writes, or null. */
  get pastSyncFailure(): string | null {
    return this.#links.syncFailure;
  }

  /**
   * Whether a checkpoint is being written that has another head than the disk: what the disk sees is not what a replay
   * after that checkpoint will, so nothing is settled or merged meanwhile.
   */
  get isHeadChanging(): boolean {
    return this.#isHeadChanging;
  }

  /** Whether every view that ended, and every rollback, is on the device. */
  get releasesAreDurable(): boolean {
    return this.#releaseCount === this.#durableReleaseCount;
  }

  get releaseCount(): number {
    return this.#releaseCount;
  }

  get journalRecordCount(): number {
    return this.#journal.count;
  }

  /** Changes the map, and remembers to write the record with the next commit. */
  record(record: JournalRecord): void {
    if (this.#closed) throw new OperationalError(`${this.map.head.diskId} is closed`, { retryable: true });
    this.map.apply(record);
    this.#journal.append(record);
    if (record.type === 'release') this.#releaseCount++;
    if (this.map.freed.length === 0) return;
    const freed = this.map.takeFreed();
    this.slots.allocator.startFreeing(freed);
    for (const slot of freed) this.#pendingFree.push(slot);
  }

  /** Everything recorded survives the death of the process. May throw; the records are then written by the next. */
  commit(): void {
    this.#journal.commit();
    const load = {
      recordCount: this.#journal.count,
      dirtyPageCount: this.map.dirtyCount,
      isPressed: this.#budget.isOver,
    };
    if (this.#pace.isDue(load)) this.#startCheckpoint();
    if (this.slots.dirtyBytes >= EARLY_FLUSH_BYTES) this.#startFlush();
    this.#budget.trim();
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
    if (this.#pendingFree.length > 0 || !this.releasesAreDurable) await this.flush();
    const { count } = this.#journal;
    const isQuiet = count === this.#maintainedCount;
    this.#maintainedCount = count;
    if (isQuiet && this.#pace.isDueWhenQuiet(count)) this.#startCheckpoint();
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
    await this.#changeHead(
      ({ head, views }) => ({ head: { ...head, sizeBytes }, views }),
      () => this.map.grow(sizeBytes),
    );
  }

  /**
   * Puts another head in the place of the disk's own, for good when it resolves: a rollback or another base. It comes with
   * a checkpoint, as `grow`. What is no more seen by anybody goes afterwards, page by page. No client, no fetch under way
   * where the new head sees other layers.
   */
  async replaceHead(change: HeadChange): Promise<void> {
    await this.#changeHead(change, () => {
      const { head, views } = this.map;
      const changed = change({ head, views }); // of the state now: clients may have gone on meanwhile
      if (changed.head.incarnation !== head.incarnation) this.#releaseCount++;
      this.map.replaceHead(changed.head, changed.views);
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
      await this.abandon();
    }
  }

  /**
   * Begins nothing more and closes every file when what is under way has ended: after a failed sync, or at the end of a
   * failed opening. A checkpoint that went on would replace those of the next opening.
   */
  async abandon(): Promise<void> {
    this.#closing ??= this.#closeFiles();
    await this.#closing;
  }

  async #closeFiles(): Promise<void> {
    this.#closed = true;
    await this.#checkpoint?.catch(() => {});
    await this.#lane.run(async () => {});
    this.#journal.close();
    this.slots.close();
    this.#pages.close();
    this.map.leave();
  }

  async #track(checkpoint: Promise<void>): Promise<void> {
    let isDone = false;
    try {
      await checkpoint;
      isDone = true;
    } finally {
      this.#checkpoint = null;
      this.#pace.ended(isDone);
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
    this.slots.openUnsynced();
    atStart();
    const { number, count } = this.#journal;
    const isCovered = this.#covered.journal === number && this.#covered.count === count;
    const views = [...this.map.views];
    const releases = this.#releaseCount;
    const freed = this.#pendingFree;
    this.#pendingFree = [];
    try {
      await this.#sync([this.slots.sync(), ...(isCovered ? [] : [this.#journal.sync()])]);
      if (!isCovered) await this.#writeMarker(number, count);
    } catch (error) {
      this.#pendingFree = [...freed, ...this.#pendingFree];
      throw error;
    }
    for (const view of views) view.isDurable = true;
    this.#durableReleaseCount = releases;
    this.slots.noteFlushed();
    this.slots.free(freed);
  }

  #freeNow(): void {
    const freed = this.#pendingFree;
    this.#pendingFree = [];
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

  /** A checkpoint that carries another head than the disk has; `apply` gives it to the disk before there can be a next one. */
  async #changeHead(change: HeadChange, apply: () => void): Promise<void> {
    while (this.#checkpoint !== null) await this.#checkpoint.catch(() => {});
    this.#isHeadChanging = true;
    this.#checkpoint = this.#track(this.#checkpointNow(change, apply).finally(() => (this.#isHeadChanging = false)));
    await this.#checkpoint;
  }

  async #checkpointNow(change: HeadChange = (same) => same, apply: () => void = () => {}): Promise<void> {
    const capture = await this.#lane.run(async () => {
      let taken: Capture | undefined;
      try {
        await this.#flushNow(() => {
          this.#journal.begin();
          taken = this.#capture(this.#journal.number);
        });
      } catch (error) {
        if (taken !== undefined) this.#dropCapture(taken);
        throw error;
      }
      assert(taken !== undefined, 'a flush captures the state');
      return taken;
    });
    const { head, views } = change({ head: capture.head, views: capture.views });
    await this.#install({ ...capture, head, views });
    apply();
    this.#journal.dropOlder(capture.links.journal);
  }

  #capture(journal: number): Capture {
    const { map, slots } = this;
    return {
      head: { ...map.head },
      views: map.views.map((view) => ({ ...view })),
      links: { ...this.#links, journal },
      pages: map.captureChanges(),
      segments: slots.allocator.captureChanges(),
    };
  }

  /** Captured changes were not stored. */
  #dropCapture({ pages, segments }: Capture): void {
    this.map.endCapture(pages, false);
    this.slots.allocator.recapture(segments);
  }

  async #install(capture: Capture): Promise<void> {
    let stored: StoredMap | undefined;
    let isReplaced = false;
    try {
      stored = await this.#pages.store(capture.pages, capture.segments);
      const { files, folder } = this.#options;
      await writeCheckpoint(files, folder, { ...capture, groups: stored.groups }, () => (isReplaced = true));
    } catch (error) {
      if (stored !== undefined && !isReplaced) this.#pages.abandon(stored);
      this.#dropCapture(capture);
      // Else the old checkpoint is there, and all that it needs: a later one begins anew.
      if (isReplaced) this.#noteFailedSync(error);
      throw error;
    }
    this.#pages.commit(stored);
    this.map.endCapture(capture.pages, true);
    this.#links = capture.links;
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
      // An empty one says enough, so a write that fails does not matter.
      const fd = files.open(path.join(folder, SYNC_FAILED_NAME), 'create');
      const text = Buffer.from(`${this.distrust}\n`);
      const written = (async () => files.write(fd, text, 0, text.length, 0))().then(() => files.syncData(fd));
      written.catch(() => {}).finally(() => files.close(fd));
    } catch {
      // The device takes nothing more; this process at least refuses every flush.
    }
  }
}
