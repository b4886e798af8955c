/**
 * One open disk: its device for clients, and what the control plane asks of it (`protocol.ts`): freezing, reading a
 * frozen view, rolling back, growing. What a crash leaves is `disk-store.ts`'s to say.
 */
import type { Clock } from '../lib/clock.ts';
import type { Files } from '../lib/files.ts';
import { OperationalError, RequestError } from '../lib/errors.ts';
import type { BaseSource } from './base-source.ts';
import { DiskDevice } from './disk-device.ts';
import { DiskStore } from './disk-store.ts';
import type { FrozenView } from './map-state.ts';
import type { BaseRef, DiskState, FreezeReply, ViewChunk } from './protocol.ts';
import { listViewPage } from './view-list.ts';

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
}

export class Disk {
  device: DiskDevice;
  readonly store: DiskStore;
  readonly #clock: Clock;
  readonly #source: BaseSource;
  readonly #endedFreezes: Set<string>;
  #isResizing = false;

  private constructor(store: DiskStore, options: DiskOptions) {
    this.store = store;
    this.#clock = options.clock;
    this.#source = options.source;
    this.#endedFreezes = options.endedFreezes;
    this.device = new DiskDevice(store, options.source);
    const { view } = store.map;
    if (view !== null && options.endedFreezes.has(view.snapshotId)) this.releaseView(view.snapshotId, false);
    // A view that the last process left frozen may not be durable yet; a failure is told to whoever awaits it.
    if (store.map.view !== null && !store.viewIsDurable) store.flush().catch(() => {});
  }

  /** Throws a CorruptionError when the folder is damaged. */
  static async open(options: DiskOptions): Promise<Disk> {
    return new Disk(await DiskStore.open(options), options);
  }

  /** Closes the current generation, at once (D2, D3); durability follows in the background. */
  freeze(snapshotId: string): FreezeReply {
    const { store } = this;
    const { head, view } = store.map;
    if (view?.snapshotId === snapshotId) return this.#freezeReply(view);
    if (this.#endedFreezes.has(snapshotId)) {
      throw new RequestError(
        'OperationConflict',
        `${head.diskId}: the freeze for ${snapshotId} was cancelled or ended`,
      );
    }
    if (view !== null) throw beingSnapshotted(head.diskId, view);
    if (this.#isResizing) {
      throw new RequestError('OperationConflict', `${head.diskId} is being resized: freeze it afterwards`);
    }
    const frozenAtMs = Math.trunc(this.#clock.nowMs());
    store.record({ type: 'freeze', snapshotId, generation: head.generation, frozenAtMs });
    store.viewIsDurable = false;
    this.#commitFreeze(snapshotId);
    store.flush().catch(() => {}); // told to whoever awaits the view's durability
    return this.#freezeReply(this.#view(snapshotId));
  }

  /** Resolves when the view survives a power cut. */
  async awaitDurable(snapshotId: string): Promise<void> {
    this.#view(snapshotId);
    if (this.store.viewIsDurable) return;
    await this.store.flush();
    this.#view(snapshotId);
  }

  /** From now on no freeze of that id happens; one that happened is released. */
  cancelFreeze(snapshotId: string): void {
    this.releaseView(snapshotId, false);
    this.#end(snapshotId);
  }

  /** Ends the view, if it is there; what it alone held is free after the next flush. */
  releaseView(snapshotId: string, committed: boolean): void {
    if (this.store.map.view?.snapshotId !== snapshotId) return;
    this.store.record({ type: 'release', snapshotId, committed });
    this.store.commit();
    this.#end(snapshotId);
  }

  listViewChunks(request: { snapshotId: string; sinceGeneration: number; fromChunk: number; limit: number }): {
    dataFolder: string;
    chunks: ViewChunk[];
    next: number | null;
  } {
    const view = this.#view(request.snapshotId);
    const { chunks, next } = listViewPage(this.store.map, view, request);
    return { dataFolder: this.store.dataFolder, chunks, next };
  }

  /** Closed to clients. Again with the same base and incarnation: nothing. */
  async rollback(base: BaseRef, incarnation: number): Promise<void> {
    const { head, view } = this.store.map;
    const isSameBase = head.base.snapshotId === base.snapshotId && head.base.tree.root === base.tree.root;
    if (head.incarnation === incarnation && isSameBase) return;
    if (incarnation <= head.incarnation) {
      throw new RequestError(
        'OperationConflict',
        `${head.diskId} has incarnation ${head.incarnation} already; a rollback to ${incarnation} comes too late`,
      );
    }
    if (view !== null) throw beingSnapshotted(head.diskId, view);
    await this.store.rollback(base, incarnation);
    this.device = new DiskDevice(this.store, this.#source);
  }

  /** Open to clients or not. Again with the same size: nothing. */
  async resize(sizeBytes: number): Promise<void> {
    const { head, view } = this.store.map;
    if (head.sizeBytes === sizeBytes) return;
    if (sizeBytes < head.sizeBytes) {
      throw new RequestError(
        'InvalidDiskSize.TooSmall',
        `${head.diskId} has ${head.sizeBytes} bytes; a disk cannot shrink to ${sizeBytes}`,
      );
    }
    if (view !== null) throw beingSnapshotted(head.diskId, view);
    this.#isResizing = true;
    try {
      await this.store.grow(sizeBytes);
    } finally {
      this.#isResizing = false;
    }
  }

  /** Everything of `DiskState` but what only the server of clients knows. */
  describe(): Omit<DiskState, 'socketPath' | 'clientCount'> {
    const { map, viewIsDurable, distrust } = this.store;
    const { diskId, sizeBytes, generation, incarnation, base, written, compareReason } = map.head;
    const { view } = map;
    return {
      ...{ diskId, sizeBytes, generation, incarnation, base, written, compareReason },
      dataChunkCount: map.dataChunkCount,
      allocatedBytes: this.store.slots.allocatedBytes(),
      view: view && { snapshotId: view.snapshotId, generation: view.generation, durable: viewIsDurable },
      syncFailure: distrust,
      readBytes: this.device.readBytes,
      writtenBytes: this.device.writtenBytes,
    };
  }

  /** Flushes, writes a checkpoint and closes every file. After a failed sync it closes only. */
  async close(): Promise<void> {
    if (this.store.distrust === null) await this.store.close();
    else this.store.abandon();
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
    const { snapshotId, generation, frozenAtMs } = view;
    const { incarnation, sizeBytes, base, baseGeneration, compareReason } = head;
    return { snapshotId, generation, frozenAtMs, incarnation, sizeBytes, base, baseGeneration, compareReason };
  }

  #view(snapshotId: string): FrozenView {
    const { head, view } = this.store.map;
    if (view?.snapshotId === snapshotId) return view;
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

function beingSnapshotted(diskId: string, view: FrozenView): RequestError {
  const message = `${diskId} is being snapshotted as ${view.snapshotId}; wait until that is done`;
  return new RequestError('IncorrectDiskStatus.CreatingSnapshot', message);
}
