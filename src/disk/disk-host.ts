/**
 * The disks of one thread: opened from their folders at first use, served to clients on their sockets, and asked by
 * the control protocol. Everything that must survive is in the disks' folders; an open socket must not.
 */
import path from 'node:path';
import type { Clock } from '../lib/clock.ts';
import type { Files } from '../lib/files.ts';
import type { Log } from '../lib/log.ts';
import { NoSpaceError } from '../lib/disk-space.ts';
import { Mutex } from '../lib/mutex.ts';
import { CorruptionError, OperationalError, RequestError, messageOf } from '../lib/errors.ts';
import { ReplyBuffers } from '../nbd/reply-buffers.ts';
import { Gate } from '../nbd/gate.ts';
import type { NbdServer } from '../nbd/server.ts';
import { serveNbd } from '../nbd/server.ts';
import { Throttle } from '../nbd/throttle.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { asOperational, assertIncarnation, assertWholeChunks, checkedSnapshotId, notFound } from './call-checks.ts';
import { checkDisk } from './check.ts';
import { createDiskFolder, removeDiskFolder } from './disk-folder.ts';
import { Disk, isMadeWith } from './disk.ts';
import { findChunks } from './find-chunks.ts';
import { HeldFreezes } from './held-freezes.ts';
import { baseEnd } from './lineage.ts';
import { PageBudget } from './page-budget.ts';
import type { BaseRef, Comparison, DiskState, DiskdCalls, FreezeReply, ViewBase } from './protocol.ts';
import { isViewBase } from './protocol.ts';
import type { ThreadCounts } from './thread-message.ts';
import { compareWithTree } from './tree-comparison.ts';
import { Upkeep } from './upkeep.ts';

/** The calls of the protocol that are about one disk. */
export type DiskCall = Exclude<keyof DiskdCalls, 'hello' | 'listDisks' | 'shutdown' | 'freezeGroup'>;
export type DiskHandlers = {
  [K in DiskCall]: (body: DiskdCalls[K]['request']) => Promise<DiskdCalls[K]['reply']>;
};

export interface HostOptions {
  files: Files;
  /** `DIR/disks`. */
  disksFolder: string;
  runFolder: string;
  bootId: string;
  clock: Clock;
  trees: TreeSource;
  log: Log;
  /** Throws ENOSPC when the space that is kept for journals and the catalog would go (D12). */
  takeSpace?: (bytes: number) => void;
  /** Whether room is worth more than time just now. */
  isSpaceTight?: () => boolean;
}

/** Trees of the repository. */
export interface TreeSource {
  /** As `BaseSource` has them. */
  readChunk(tree: TreeRef, chunk: number): Promise<Buffer | null>;
  listChunks(tree: TreeRef, fromChunk: number, limit: number): Promise<number[]>;
  /** Null for zeros. */
  findDigest(tree: TreeRef, chunk: number): Promise<Buffer | null>;
}

/** A disk of this thread. Opening, closing and what removes its bytes happen one at a time. */
interface Hosted {
  lane: Mutex;
  opening: Promise<Disk> | null;
  throttle: Throttle;
  gate: Gate;
  server: { nbd: NbdServer; socketPath: string } | null;
}

function stateOf(disk: Disk, { server, throttle }: Hosted): DiskState {
  const clients = {
    limits: throttle.limits,
    socketPath: server?.socketPath ?? null,
    clientCount: server?.nbd.clientCount ?? 0,
  };
  return { ...disk.describe(), ...clients };
}

const DISK_ID = /^d-[0-9a-z]{1,28}$/;

export class DiskHost {
  readonly handlers: DiskHandlers = {
    createDisk: async (body) => ({ disk: await this.#create(body) }),
    deleteDisk: async ({ diskId }) => this.#delete(diskId),
    openDisk: async (body) => ({ disk: await this.#open(body) }),
    closeDisk: async ({ diskId }) => ({ disk: await this.#close(diskId) }),
    describeDisk: async ({ diskId }) => ({ disk: await this.#describe(diskId) }),
    freeze: async ({ diskId, snapshotId }) => (await this.#disk(diskId)).freeze(checkedSnapshotId(snapshotId)),
    awaitDurable: async ({ diskId, snapshotId }) => this.#awaitDurable(diskId, snapshotId),
    cancelFreeze: async ({ diskId, snapshotId }) => this.#cancelFreeze(diskId, snapshotId),
    listViewChunks: async ({ diskId, ...request }) => (await this.#disk(diskId)).listViewChunks(request),
    releaseView: async (body) => this.#releaseView(body),
    rollback: async ({ diskId, base, incarnation }) => ({ disk: await this.#rollback(diskId, base, incarnation) }),
    resizeDisk: async ({ diskId, sizeBytes }) => ({ disk: await this.#resize(diskId, sizeBytes) }),
    rebase: async ({ diskId, snapshotId, tree }) => ({ disk: await this.#rebase(diskId, snapshotId, tree) }),
    fetchBase: async (body) => this.#fetchBase(body),
    checkDisk: async ({ diskId }) => this.#check(diskId),
    compareDisk: async (body) => this.#compare(body),
    findChunks: async ({ diskId, wanted }) => findChunks(await this.#disk(diskId), wanted),
  };
  readonly #options: HostOptions;
  readonly #hosted = new Map<string, Hosted>();
  readonly #endedFreezes = new Set<string>();
  readonly #heldFreezes: HeldFreezes;
  readonly #budget = new PageBudget();
  readonly #buffers = new ReplyBuffers();
  readonly #upkeep: Upkeep;

  constructor(options: HostOptions) {
    this.#options = options;
    this.#heldFreezes = new HeldFreezes(options.clock);
    this.#upkeep = new Upkeep(options, this.#hosted);
  }

  async count(): Promise<ThreadCounts> {
    const counts = { clientCount: 0, requestCount: 0 };
    for (const { server, opening } of this.#hosted.values()) {
      if (server === null) continue;
      counts.clientCount += server.nbd.clientCount;
      const { readCount = 0, writeCount = 0, zeroCount = 0, flushCount = 0 } = (await opening)?.device.counters ?? {};
      counts.requestCount += readCount + writeCount + zeroCount + flushCount;
    }
    return counts;
  }

  /** The disks that are served, or that were read or written since they were opened. Opens none. */
  async listActive(): Promise<DiskState[]> {
    const active: DiskState[] = [];
    for (const hosted of this.#hosted.values()) {
      const disk = await hosted.opening?.catch(() => null);
      if (disk === null || disk === undefined) continue;
      const { readCount, writeCount } = disk.device.counters;
      if (hosted.server !== null || readCount + writeCount > 0) active.push(stateOf(disk, hosted));
    }
    return active;
  }

  /** Answers one call. The file system's own errors become OperationalErrors. */
  async call<K extends DiskCall>(name: K, body: DiskdCalls[K]['request']): Promise<DiskdCalls[K]['reply']> {
    return await asOperational(body.diskId, async () => {
      if (!DISK_ID.test(body.diskId)) throw notFound(body.diskId);
      return await this.handlers[name](body);
    });
  }

  /** Holds the clients of disks of this thread until `openGates`. */
  async shutGates({ groupId, members }: DiskdCalls['freezeGroup']['request']): Promise<void> {
    await asOperational(groupId, async () => {
      const gates = members.map(({ diskId }) => this.#host(diskId).gate);
      this.#heldFreezes.shut(groupId, gates);
    });
  }

  /** Freezes disks of this thread at once, whose gates are shut. */
  async freezeTogether({ groupId, members }: DiskdCalls['freezeGroup']['request']): Promise<FreezeReply[]> {
    return await asOperational(groupId, async () => {
      const disks = members.map(async ({ diskId, snapshotId }) => {
        const disk = await this.#disk(diskId);
        return { disk, snapshotId: checkedSnapshotId(snapshotId) };
      });
      return this.#heldFreezes.freeze(groupId, await Promise.all(disks));
    });
  }

  /** Whether they were shut. */
  openGates(groupId: string): boolean {
    return this.#heldFreezes.open(groupId);
  }

  /** Ends every client, flushes and closes every disk. What fails is logged; the rest is closed all the same. */
  async closeAll(): Promise<void> {
    await Promise.all([...this.#hosted.keys()].map((diskId) => this.#closeForGood(diskId)));
  }

  /** To be called every second or so. */
  async maintain(): Promise<void> {
    await this.#upkeep.maintain();
  }

  /** A slice of the background work on layers, for one disk after the other; resolves to whether any had work. */
  async sweep(): Promise<boolean> {
    return await this.#upkeep.sweep();
  }

  async #create(body: { diskId: string; sizeBytes: number; base: BaseRef }): Promise<DiskState> {
    const { files, disksFolder, bootId } = this.#options;
    const { diskId, sizeBytes, base } = body;
    assertWholeChunks(diskId, sizeBytes);
    return this.#lane(diskId).run(async () => {
      if (!this.#exists(diskId)) {
        if (isViewBase(base)) await this.#assertViewIsThere(base);
        await createDiskFolder(files, disksFolder, body, bootId);
      }
      const state = await this.#describe(diskId);
      if (state.sizeBytes === sizeBytes && isMadeWith(state, base)) return state;
      throw new RequestError('OperationConflict', `${diskId} is there already, with another size or base`);
    });
  }

  async #delete(diskId: string): Promise<object> {
    return this.#lane(diskId).run(async () => {
      if (!this.#exists(diskId)) return {};
      const hosted = this.#host(diskId);
      if (hosted.server !== null) throw new RequestError('IncorrectDiskStatus', `${diskId} is open to clients`);
      const disk = await this.#disk(diskId).catch(() => null); // a damaged disk can be deleted
      const view = disk?.store.map.views[0];
      if (view !== undefined) {
        const message = `${diskId} is being snapshotted as ${view.snapshotId}`;
        throw new RequestError('IncorrectDiskStatus.CreatingSnapshot', message);
      }
      await disk?.store.abandon();
      hosted.opening = null;
      await removeDiskFolder(this.#options.files, this.#options.disksFolder, diskId);
      this.#hosted.delete(diskId);
      return {};
    });
  }

  async #open({ diskId, incarnation, limits }: DiskdCalls['openDisk']['request']): Promise<DiskState> {
    return this.#lane(diskId).run(async () => {
      const disk = await this.#freshDisk(diskId);
      const hosted = this.#host(diskId);
      assertIncarnation(disk, incarnation);
      hosted.throttle.limits = limits ?? null;
      if (hosted.server === null) {
        const socketPath = path.join(this.#options.runFolder, `${diskId}.sock`);
        const onError = (message: string) => this.#options.log.warn(`${diskId}: ${message}`);
        const { throttle, gate } = hosted;
        const { clock } = this.#options;
        const buffers = this.#buffers;
        const { device } = disk;
        const exportName = diskId;
        const nbd = await serveNbd({ socketPath, exportName, device, onError, throttle, gate, buffers, clock });
        hosted.server = { nbd, socketPath };
      }
      return this.#describe(diskId);
    });
  }

  /** The disk is closed even when its flush fails; its state says why. One that was not open, for it may be damaged: null. */
  async #close(diskId: string): Promise<DiskState | null> {
    return this.#lane(diskId).run(async () => {
      if (this.#host(diskId).opening === null) return null;
      const disk = await this.#undamagedDisk(diskId);
      if (disk === null) return null;
      const clientCount = this.#host(diskId).server?.nbd.clientCount ?? 0;
      await this.#endClients(diskId);
      const state = { ...(await this.#describe(diskId)), clientCount };
      if (disk.store.distrust !== null) {
        await disk.store.abandon();
        this.#host(diskId).opening = null;
      }
      return state;
    });
  }

  async #closeForGood(diskId: string): Promise<void> {
    await this.#lane(diskId).run(async () => {
      const hosted = this.#host(diskId);
      await this.#endClients(diskId);
      try {
        await (await hosted.opening)?.close();
      } catch (error) {
        this.#options.log.warn(`${diskId}: closing: ${messageOf(error)}`);
      }
      this.#hosted.delete(diskId);
    });
  }

  async #endClients(diskId: string): Promise<void> {
    const hosted = this.#host(diskId);
    const { server } = hosted;
    if (server === null) return;
    try {
      await server.nbd.close();
    } catch (error) {
      this.#options.log.warn(`${diskId}: the last flush: ${messageOf(error)}`);
    }
    hosted.server = null;
  }

  async #awaitDurable(diskId: string, snapshotId: string): Promise<object> {
    await (await this.#disk(diskId)).awaitDurable(snapshotId);
    return {};
  }

  async #cancelFreeze(diskId: string, snapshotId: string): Promise<object> {
    this.#endedFreezes.add(snapshotId);
    return this.#lane(diskId).run(async () => {
      if (this.#exists(diskId)) (await this.#undamagedDisk(diskId))?.cancelFreeze(snapshotId);
      return {};
    });
  }

  async #releaseView(body: DiskdCalls['releaseView']['request']): Promise<object> {
    return this.#lane(body.diskId).run(async () => {
      if (!this.#exists(body.diskId)) return {};
      (await this.#undamagedDisk(body.diskId))?.releaseView(body.snapshotId, body.committed);
      return {};
    });
  }

  /** Null for a disk that does not open, damaged or of a newer version: it serves nobody, and a repair drops its view. */
  async #undamagedDisk(diskId: string): Promise<Disk | null> {
    try {
      return await this.#disk(diskId);
    } catch (error) {
      if (error instanceof CorruptionError || (error instanceof OperationalError && !error.retryable)) return null;
      throw error;
    }
  }

  async #rollback(diskId: string, base: BaseRef, incarnation: number): Promise<DiskState> {
    return this.#lane(diskId).run(async () => {
      const disk = await this.#freshDisk(diskId);
      if (this.#host(diskId).server !== null) {
        throw new RequestError('IncorrectDiskStatus', `${diskId} is open to clients; stop the instance first`);
      }
      await this.#thenLetGo(diskId, disk, disk.rollback(base, incarnation));
      return this.#describe(diskId);
    });
  }

  async #resize(diskId: string, sizeBytes: number): Promise<DiskState> {
    assertWholeChunks(diskId, sizeBytes);
    return this.#lane(diskId).run(async () => {
      const disk = await this.#freshDisk(diskId);
      await this.#thenLetGo(diskId, disk, disk.resize(sizeBytes));
      return this.#describe(diskId);
    });
  }

  async #rebase(diskId: string, snapshotId: string, tree: TreeRef): Promise<DiskState> {
    return this.#lane(diskId).run(async () => {
      const disk = await this.#freshDisk(diskId);
      await this.#thenLetGo(diskId, disk, disk.rebase(snapshotId, tree));
      return this.#describe(diskId);
    });
  }

  /** Only what changes the head is in the disk's lane: whoever waits for that does not wait for the repository. */
  async #fetchBase({
    diskId,
    incarnation,
    chunkLimit,
  }: DiskdCalls['fetchBase']['request']): Promise<DiskdCalls['fetchBase']['reply']> {
    const disk = await this.#lane(diskId).run(() => this.#freshDisk(diskId));
    assertIncarnation(disk, incarnation);
    if (this.#options.isSpaceTight?.() === true && baseEnd(disk.store.map.head.live) > 0) {
      throw new NoSpaceError(`${diskId}: its base is not fetched while so little room is left`);
    }
    const progress = await disk.baseFetch.slice(chunkLimit);
    if (progress.isOver) progress.isOver = await this.#leaveBase(diskId, disk, incarnation);
    return { disk: await this.#describe(diskId), progress };
  }

  /** False when the disk was opened anew meanwhile: then what it has is looked at again. */
  async #leaveBase(diskId: string, disk: Disk, incarnation: number): Promise<boolean> {
    return this.#lane(diskId).run(async () => {
      if ((await this.#freshDisk(diskId)) !== disk) return false;
      assertIncarnation(disk, incarnation);
      return await this.#thenLetGo(diskId, disk, disk.baseFetch.leave());
    });
  }

  async #assertViewIsThere({ viewOf, snapshotId }: ViewBase): Promise<void> {
    const source = await this.#disk(viewOf);
    if (source.hasView(snapshotId)) return;
    throw new RequestError('InvalidSnapshotId.NotReady', `${viewOf} has no frozen view of ${snapshotId}`);
  }

  async #readBase(base: BaseRef, chunk: number): Promise<Buffer | null> {
    if (!isViewBase(base)) return await this.#options.trees.readChunk(base.tree, chunk);
    return await (await this.#disk(base.viewOf)).readViewChunk(base.snapshotId, chunk);
  }

  async #check(diskId: string): Promise<DiskdCalls['checkDisk']['reply']> {
    const { files, disksFolder, bootId } = this.#options;
    if (!this.#exists(diskId)) throw notFound(diskId);
    const disk = await this.#disk(diskId).catch(() => null); // what keeps it from opening is what the check finds
    try {
      disk?.store.commit();
    } catch {
      // What it cannot write down nobody was promised; the files are checked without it.
    }
    return { findings: checkDisk(files, path.join(disksFolder, diskId), bootId) };
  }

  async #compare({ diskId, ...request }: DiskdCalls['compareDisk']['request']): Promise<Comparison> {
    const { store, device } = await this.#disk(diskId);
    const generation = request.generation ?? store.map.head.live.baseGeneration - 1;
    return await compareWithTree(store, device, this.#options.trees, { ...request, generation });
  }

  async #describe(diskId: string): Promise<DiskState> {
    const disk = await this.#disk(diskId);
    return stateOf(disk, this.#host(diskId));
  }

  async #disk(diskId: string): Promise<Disk> {
    if (!this.#exists(diskId)) throw notFound(diskId);
    const hosted = this.#host(diskId);
    const { files, disksFolder, bootId, clock, takeSpace, trees } = this.#options;
    hosted.opening ??= Disk.open({
      ...(takeSpace && { takeSpace }),
      ...{ files, bootId, clock },
      folder: path.join(disksFolder, diskId),
      source: {
        readChunk: (base, chunk) => this.#readBase(base, chunk),
        listChunks: ({ tree }, fromChunk, limit) => trees.listChunks(tree, fromChunk, limit),
      },
      endedFreezes: this.#endedFreezes,
      budget: this.#budget,
    });
    try {
      return await hosted.opening;
    } catch (error) {
      hosted.opening = null;
      throw error;
    }
  }

  /** In its lane: opened anew if it distrusts itself and serves nobody. */
  async #freshDisk(diskId: string): Promise<Disk> {
    await this.#letGo(diskId, await this.#disk(diskId));
    return await this.#disk(diskId);
  }

  async #thenLetGo<T>(diskId: string, disk: Disk, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } finally {
      await this.#letGo(diskId, disk);
    }
  }

  /** In its lane: a failed sync may leave the live disk and its files with different states; the next opening finds out. */
  async #letGo(diskId: string, disk: Disk): Promise<void> {
    const hosted = this.#host(diskId);
    if (disk.store.distrust === null || hosted.server !== null) return;
    await disk.store.abandon();
    hosted.opening = null;
  }

  #exists(diskId: string): boolean {
    const { files, disksFolder } = this.#options;
    return this.#hosted.get(diskId)?.opening != null || files.find(path.join(disksFolder, diskId)) !== undefined;
  }

  #host(diskId: string): Hosted {
    let hosted = this.#hosted.get(diskId);
    if (hosted === undefined) {
      const throttle = new Throttle(null, this.#options.clock);
      this.#hosted.set(
        diskId,
        (hosted = { lane: new Mutex(), opening: null, throttle, gate: new Gate(), server: null }),
      );
    }
    return hosted;
  }

  #lane(diskId: string): Mutex {
    return this.#host(diskId).lane;
  }
}
