/**
 * One open disk: its device for clients, and what the control plane asks of it (`protocol.ts`): freezing, reading a
 * frozen view, rolling back, another base, growing. What a crash leaves is `disk-store.ts`'s to say.
 */
import type { Clock } from '../lib/clock.ts';
import { assert } from '../lib/assert.ts';
import { OperationalError, RequestError } from '../lib/errors.ts';
import type { Files } from '../lib/files.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { BaseFetch } from './base-fetch.ts';
import type { BaseSource } from './base-source.ts';
import { ChunkFill } from './chunk-fill.ts';
import { DiskDevice } from './disk-device.ts';
import type { FrozenView, MapHead } from './disk-map.ts';
import { DiskStore } from './disk-store.ts';
import type { Lineage } from './lineage.ts';
import { continuedFrom, isSameBase, newLineage } from './lineage.ts';
import type { PageBudget } from './page-budget.ts';
import type { BaseRef, DiskState, FreezeReply, ViewBase, ViewChunk } from './protocol.ts';
import { VIEW_LIMIT, isViewBase } from './protocol.ts';
import { SlackPace } from './slack-pace.ts';
import { Sweep } from './sweep.ts';
import { listViewPage } from './view-list.ts';
import { readViewChunk } from './view-reader.ts';

/** Ids of ended views that are remembered, so that a late freeze of one does not make it again. */
const REMEMBERED_FREEZES = 10_000;

export interface DiskOptions {
  files: Files;
  /** The disk's folder. */
  folder: string;
  bootId: string;
  clock: Clock;
  source: BaseSource;
  /** Snapshot ids whose freeze must not happen (again): cancelled, or released. Outlives the disk's openings. */
  endedFreezes: Set<string>;
  checkpointRecords?: number;
  budget?: PageBudget;
  takeSpace?: (bytes: number) => void;
  slackSlots?: number;
}

export class Disk {
  device: DiskDevice;
  readonly store: DiskStore;
  readonly sweep: Sweep;
  readonly slackPace = new SlackPace();
  readonly baseFetch: BaseFetch;
  readonly #clock: Clock;
  readonly #source: BaseSource;
  readonly #fill: ChunkFill;
  readonly #endedFreezes: Set<string>;
  /** What keeps it from being frozen just now, or null. */
  #changing: string | null = null;
  /** The view that the disk is being rolled back to: what it holds must stay. */
  #rollbackView: string | null = null;

  private constructor(store: DiskStore, options: DiskOptions) {
    this.store = store;
    this.#clock = options.clock;
    this.#source = options.source;
    this.#endedFreezes = options.endedFreezes;
    this.device = new DiskDevice(store, options.source, options.clock.nowMs());
    this.#fill = new ChunkFill(store, options.source);
    this.baseFetch = new BaseFetch(store, options.source, this.#fill);
    this.sweep = new Sweep(store, options.clock);
    for (const { snapshotId } of store.map.views) {
      if (options.endedFreezes.has(snapshotId)) this.releaseView(snapshotId, false);
    }
    // A view that the last process left frozen may not be durable yet; a failure is told to whoever awaits it.
    if (store.map.views.some((view) => !view.isDurable)) store.flush().catch(() => {});
  }

  /** Throws a CorruptionError when the folder is damaged. */
  static async open(options: DiskOptions): Promise<Disk> {
    const store = await DiskStore.open(options);
    try {
      return new Disk(store, options);
    } catch (error) {
      await store.abandon();
      throw error;
    }
  }

  /** Closes the current generation, at once (D2, D3); durability follows in the background. */
  freeze(snapshotId: string): FreezeReply {
    const { store } = this;
    const { head, views } = store.map;
    const there = views.find((view) => view.snapshotId === snapshotId);
    if (there !== undefined) return this.#freezeReply(there);
    this.#assertMayFreeze(snapshotId);
    const frozenAtMs = Math.trunc(this.#clock.nowMs());
    store.record({ type: 'freeze', snapshotId, generation: head.generation, frozenAtMs });
    this.#commitFreeze(snapshotId);
    store.flush().catch(() => {}); // told to whoever awaits the view's durability
    return this.#freezeReply(this.#view(snapshotId));
  }

  /** Resolves when the view survives a power cut. */
  async awaitDurable(snapshotId: string): Promise<void> {
    while (!this.#view(snapshotId).isDurable) await this.store.flush();
  }

  /** From now on no freeze of that id happens; one that happened is released. */
  cancelFreeze(snapshotId: string): void {
    this.releaseView(snapshotId, false);
    this.#end(snapshotId);
  }

  /** Ends the view, if it is there; what it alone held is free some time after the next flush. */
  releaseView(snapshotId: string, committed: boolean): void {
    const { store } = this;
    const { diskId } = store.map.head;
    if (snapshotId === this.#rollbackView) {
      throw new OperationalError(`${diskId} is being rolled back to ${snapshotId}: try again`, { retryable: true });
    }
    if (this.hasView(snapshotId)) {
      store.record({ type: 'release', snapshotId, committed });
      this.#end(snapshotId);
    }
    store.commit(); // also what an earlier call could not write
  }

  async listViewChunks(request: {
    snapshotId: string;
    sinceGeneration: number;
    fromChunk: number;
    limit: number;
  }): Promise<{ dataFolder: string; chunks: ViewChunk[]; next: number | null }> {
    const view = this.#view(request.snapshotId);
    const { chunks, next } = await listViewPage(this.store.map, this.#fill, view, request);
    this.#view(request.snapshotId); // its slots are pinned while it is there
    return { dataFolder: this.store.dataFolder, chunks, next };
  }

  /** The bytes of a chunk of the view, null for zeros. */
  async readViewChunk(snapshotId: string, chunk: number): Promise<Buffer | null> {
    return await readViewChunk(this.store, this.#source, this.#view(snapshotId), chunk);
  }

  hasView(snapshotId: string): boolean {
    return this.store.map.views.some((view) => view.snapshotId === snapshotId);
  }

  /** Closed to clients. Again with the same incarnation: nothing. */
  async rollback(base: BaseRef, incarnation: number): Promise<void> {
    const { head } = this.store.map;
    if (head.incarnation === incarnation) return;
    if (incarnation < head.incarnation) {
      throw new RequestError(
        'OperationConflict',
        `${head.diskId} has incarnation ${head.incarnation} already; a rollback to ${incarnation} comes too late`,
      );
    }
    if (isViewBase(base)) await this.#awaitOwnView(base);
    this.#rollbackView = isViewBase(base) ? base.snapshotId : null;
    try {
      await this.#whileChanging('rolled back', () =>
        this.store.replaceHead(({ head: now, views }) => ({ head: this.#rolledBack(now, base, incarnation), views })),
      );
    } finally {
      this.#rollbackView = null;
    }
    this.device = new DiskDevice(this.store, this.#source, this.#clock.nowMs());
  }

  /** Open to clients or not. A base that is not the view of `snapshotId`: nothing. */
  async rebase(snapshotId: string, tree: TreeRef): Promise<void> {
    const { map } = this.store;
    const standsOn = ({ base }: Lineage): boolean => isViewBase(base) && base.snapshotId === snapshotId;
    if (!map.readers.some(standsOn)) {
      // A view whose end is not on the device would be back after a power cut, and stand on that base again.
      if (!this.store.releasesAreDurable) await this.store.flush();
      return;
    }
    const rebased = (lineage: Lineage): Lineage =>
      standsOn(lineage) ? { ...lineage, base: { snapshotId, tree } } : lineage;
    await this.store.replaceHead(({ head, views }) => ({
      head: { ...head, live: rebased(head.live) },
      views: views.map((view) => ({ ...view, lineage: rebased(view.lineage) })),
    }));
  }

  /** Open to clients or not. Frozen views keep their sizes. Again with the same size: nothing. */
  async resize(sizeBytes: number): Promise<void> {
    const { head } = this.store.map;
    if (head.sizeBytes === sizeBytes) return;
    if (sizeBytes < head.sizeBytes) {
      throw new RequestError(
        'InvalidDiskSize.TooSmall',
        `${head.diskId} has ${head.sizeBytes} bytes; a disk cannot shrink to ${sizeBytes}`,
      );
    }
    await this.#whileChanging('resized', () => this.store.grow(sizeBytes));
  }

  /** Everything of `DiskState` but what only the server of clients knows. */
  describe(): Omit<DiskState, 'socketPath' | 'clientCount' | 'limits'> {
    const { map, slots, distrust, journalRecordCount } = this.store;
    const { diskId, sizeBytes, generation, incarnation, live, written, compareReason } = map.head;
    return {
      ...{ diskId, sizeBytes, generation, incarnation, base: live.base, written, compareReason },
      fetchedChunkCount: this.baseFetch.passedCount,
      allocatedBytes: slots.allocatedBytes(),
      views: map.views.map(({ isDurable, snapshotId, frozenAtMs, ...view }) => {
        return { snapshotId, frozenAtMs, generation: view.generation, sizeBytes: view.sizeBytes, durable: isDurable };
      }),
      mapping: {
        dataChunkCount: map.head.dataChunkCount,
        usedSlotCount: slots.allocator.takenCount - slots.allocator.freeingCount,
        freeingSlotCount: slots.allocator.freeingCount,
        olderLayerCount: map.head.olderLayerCount,
        pageCount: map.listPages().length,
        cachedPageCount: map.cachedCount,
        journalRecordCount,
      },
      counters: { ...this.device.counters },
      answers: { ...this.device.answers },
      syncFailure: distrust,
    };
  }

  /** Flushes, writes a checkpoint and closes every file. After a failed sync it closes only. */
  async close(): Promise<void> {
    if (this.store.distrust === null) await this.store.close();
    else await this.store.abandon();
  }

  #assertMayFreeze(snapshotId: string): void {
    const { head, views } = this.store.map;
    if (this.#endedFreezes.has(snapshotId)) {
      throw new RequestError(
        'OperationConflict',
        `${head.diskId}: the freeze for ${snapshotId} was cancelled or ended`,
      );
    }
    if (views.length >= VIEW_LIMIT) {
      const message = `${head.diskId} has ${views.length} frozen views, as many as a disk may have; wait until a snapshot of it is done`;
      throw new RequestError('IncorrectDiskStatus.CreatingSnapshot', message);
    }
    if (this.#changing === null) return;
    throw new RequestError('OperationConflict', `${head.diskId} is being ${this.#changing}: freeze it afterwards`);
  }

  async #whileChanging(what: string, work: () => Promise<void>): Promise<void> {
    assert(this.#changing === null, `the disk is being ${this.#changing}`);
    this.#changing = what;
    try {
      await work();
    } finally {
      this.#changing = null;
    }
  }

  async #awaitOwnView({ viewOf, snapshotId }: ViewBase): Promise<void> {
    const { diskId } = this.store.map.head;
    if (viewOf !== diskId) {
      throw new RequestError('InvalidParameter.Mismatch', `${snapshotId} is of ${viewOf}, not of the disk ${diskId}`);
    }
    await this.awaitDurable(snapshotId);
  }

  #rolledBack(head: MapHead, base: BaseRef, incarnation: number): MapHead {
    const { generation } = head;
    const common = { ...head, incarnation, hasUndone: true };
    if (isViewBase(base)) {
      const { lineage } = this.#view(base.snapshotId);
      return { ...common, generation: generation + 1, live: continuedFrom(lineage, generation + 1) };
    }
    const next = generation + 2; // chunks fetched from the base have the one between
    return { ...common, generation: next, live: newLineage(base, next), trackedSince: next, compareReason: null };
  }

  /** A freeze that cannot be written down has not happened: it is ended before anybody heard of it. */
  #commitFreeze(snapshotId: string): void {
    try {
      this.store.commit();
    } catch (error) {
      this.store.record({ type: 'release', snapshotId, committed: false });
      throw error;
    }
  }

  #freezeReply(view: FrozenView): FreezeReply {
    const { head } = this.store.map;
    const { snapshotId, generation, frozenAtMs, sizeBytes, lineage } = view;
    const { incarnation, compareReason, trackedSince } = head;
    const history = lineage.ranges
      .filter(([, last]) => last >= trackedSince)
      .map(([first, last]): [number, number] => [Math.max(first, trackedSince), last]);
    const { base, baseGeneration } = lineage;
    return { snapshotId, generation, frozenAtMs, incarnation, sizeBytes, base, baseGeneration, compareReason, history };
  }

  #view(snapshotId: string): FrozenView {
    const { head, views } = this.store.map;
    const view = views.find((found) => found.snapshotId === snapshotId);
    if (view !== undefined) return view;
    throw new OperationalError(`${head.diskId} has no frozen view of ${snapshotId}`, { retryable: false });
  }

  #end(snapshotId: string): void {
    this.#endedFreezes.add(snapshotId);
    if (this.#endedFreezes.size > REMEMBERED_FREEZES) {
      const [oldest] = this.#endedFreezes;
      this.#endedFreezes.delete(oldest!);
    }
  }
}

/** Whether a disk was made with this base: it may have been rolled back or rebased since. */
export function isMadeWith(state: DiskState, base: BaseRef): boolean {
  if (state.incarnation > 1 || isSameBase(state.base, base)) return true;
  return isViewBase(base) && base.snapshotId === state.base.snapshotId;
}
