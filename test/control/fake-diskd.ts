/**
 * diskd without files: disks are maps from chunk to a word, bases are trees of a fake repository. It outlives the
 * control plane of a test as the real one does, and serves the real protocol on a real socket where asked to.
 */
import type {
  BaseRef,
  DiskLimits,
  DiskState,
  DiskdCalls,
  FreezeReply,
  GroupMember,
  ViewBase,
} from '../../src/disk/protocol.ts';
import { DISKD_PROTOCOL, VIEW_LIMIT, isViewBase } from '../../src/disk/protocol.ts';
import { OperationalError, RequestError } from '../../src/lib/errors.ts';
import type { Handlers, LineServer } from '../../src/lib/line-channel.ts';
import { serveLines } from '../../src/lib/line-channel.ts';
import { emptyTree } from '../../src/repository/tree-ref.ts';
import type { TreeRef } from '../../src/repository/tree-ref.ts';

interface Entry {
  word: string;
  generation: number;
}

interface View {
  reply: FreezeReply;
  durable: boolean;
  entries: Map<number, Entry>;
}

interface FakeDisk {
  diskId: string;
  sizeBytes: number;
  base: BaseRef;
  incarnation: number;
  generation: number;
  open: boolean;
  clientCount: number;
  /** What the flush of its next closing fails with. */
  syncFailure: string | null;
  written: boolean;
  compareReason: string | null;
  entries: Map<number, Entry>;
  baseGeneration: number;
  /** Ranges of generations that it is made of, before the present one, which began with `firstGeneration`. */
  past: [number, number][];
  firstGeneration: number;
  limits: DiskLimits | null;
  /** Oldest first. */
  views: View[];
  cancelled: Set<string>;
}

export class FakeDiskd {
  readonly disks = new Map<string, FakeDisk>();
  /** Runs before each call: a test's way to delay or fail one. */
  before: (call: keyof DiskdCalls) => Promise<void> = async () => undefined;
  /** Runs after each call, before it is answered. */
  after: (call: keyof DiskdCalls) => Promise<void> = async () => undefined;
  readonly calls: string[] = [];
  readonly folder: string;
  /** Of which version it is. */
  protocol = DISKD_PROTOCOL;
  shutdownCount = 0;
  /** What a comparison finds. */
  compare: (body: DiskdCalls['compareDisk']['request']) => DiskdCalls['compareDisk']['reply'] = () => {
    return { isComparable: false, comparedCount: 0, differing: [], next: null };
  };
  /** What a tree of the repository holds. */
  wordsOfTree: (tree: TreeRef) => Record<string, string> = () => ({});
  /** What must never be asked: a view released on which something stands. */
  readonly violations: string[] = [];
  #server: LineServer | undefined;
  #nowMs: () => number;

  constructor(options: { folder?: string; nowMs: () => number }) {
    this.folder = options.folder ?? 'folder';
    this.#nowMs = options.nowMs;
  }

  async listen(socketPath: string): Promise<void> {
    this.#server = await serveLines<DiskdCalls>(socketPath, this.handlers());
  }

  /** As when it is killed: connections and sockets are gone, the disks are as they were. */
  async die(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
    for (const disk of this.disks.values()) disk.open = false;
  }

  /** A power cut: views that were not durable are lost. */
  async loseBoot(): Promise<void> {
    await this.die();
    for (const disk of this.disks.values()) disk.views = disk.views.filter(({ durable }) => durable);
  }

  write(diskId: string, chunk: number, word: string): void {
    const disk = this.#get(diskId);
    if (!disk.open) throw new Error(`${diskId} is not open`);
    disk.entries.set(chunk, { word, generation: disk.generation });
    disk.written = true;
  }

  /** What the disk holds itself, by chunk. */
  ownWords(diskId: string): Record<string, string> {
    return wordsOf(this.#get(diskId).entries);
  }

  viewWords(diskId: string, snapshotId: string, sinceGeneration: number): Record<string, string> {
    const { entries } = this.#view(diskId, snapshotId);
    return wordsOf(new Map([...entries].filter(([, entry]) => entry.generation > sinceGeneration)));
  }

  /** What absent chunks read as. */
  baseWords(base: BaseRef): Record<string, string> {
    if (!isViewBase(base)) return this.wordsOfTree(base.tree);
    const view = this.#view(base.viewOf, base.snapshotId);
    return { ...this.baseWords(view.reply.base), ...wordsOf(view.entries) };
  }

  handlers(): Handlers<DiskdCalls> {
    const plain = this.#handlers();
    const wrapped = Object.entries(plain).map(([name, handler]) => [
      name,
      async (body: never, connection: AbortSignal) => {
        this.calls.push(name);
        await this.before(name as keyof DiskdCalls);
        const reply = await (handler as (body: never, connection: AbortSignal) => Promise<object>)(body, connection);
        await this.after(name as keyof DiskdCalls);
        return reply;
      },
    ]);
    return Object.fromEntries(wrapped) as Handlers<DiskdCalls>;
  }

  #handlers(): Handlers<DiskdCalls> {
    return {
      hello: async () => ({ protocol: this.protocol, pid: process.pid, folder: this.folder, startedAtMs: 0 }),
      createDisk: async (body) => ({ disk: this.#create(body) }),
      deleteDisk: async ({ diskId }) => this.#delete(diskId),
      openDisk: async (body) => ({ disk: this.#open(body) }),
      closeDisk: async ({ diskId }) => ({ disk: this.#close(diskId) }),
      describeDisk: async ({ diskId }) => ({ disk: toState(this.#get(diskId)) }),
      listDisks: async () => ({ disks: [...this.disks.values()].map(toState) }),
      freeze: async ({ diskId, snapshotId }) => this.#freeze(diskId, snapshotId),
      freezeGroup: async ({ members }) => this.#freezeGroup(members),
      awaitDurable: async ({ diskId, snapshotId }) => this.#awaitDurable(diskId, snapshotId),
      cancelFreeze: async ({ diskId, snapshotId }) => this.#cancelFreeze(diskId, snapshotId),
      listViewChunks: async () => ({ dataFolder: '', chunks: [], next: null }),
      releaseView: async ({ diskId, snapshotId }) => this.#release(diskId, snapshotId),
      rollback: async ({ diskId, base, incarnation }) => ({ disk: this.#rollback(diskId, base, incarnation) }),
      rebase: async ({ diskId, snapshotId, tree }) => ({ disk: this.#rebase(diskId, snapshotId, tree) }),
      resizeDisk: async ({ diskId, sizeBytes }) => ({ disk: this.#resize(diskId, sizeBytes) }),
      fetchBase: async (body) => this.#fetchBase(body),
      checkDisk: async () => ({ findings: [] }),
      compareDisk: async (body) => this.compare(body),
      findChunks: async () => ({ found: [] }),
      shutdown: async ({ force }) => this.#shutdown(force),
    };
  }

  #create(body: { diskId: string; sizeBytes: number; base: BaseRef }): DiskState {
    const known = this.disks.get(body.diskId);
    if (known !== undefined) return toState(known);
    if (isViewBase(body.base) && !this.#hasDurableView(body.base)) {
      throw new RequestError('InvalidSnapshotId.NotReady', `no view ${body.base.snapshotId}`);
    }
    const disk: FakeDisk = {
      ...body,
      ...{ incarnation: 1, generation: 1, open: false, clientCount: 0, written: false },
      ...{ compareReason: null, syncFailure: null },
      ...{ entries: new Map(), views: [], cancelled: new Set() },
      ...{ baseGeneration: 1, past: [], firstGeneration: 1, limits: null },
    };
    this.disks.set(body.diskId, disk);
    return toState(disk);
  }

  #delete(diskId: string): object {
    const disk = this.disks.get(diskId);
    if (disk !== undefined && (disk.open || disk.views.length > 0))
      throw new OperationalError(`${diskId} is in use`, { retryable: false });
    this.disks.delete(diskId);
    return {};
  }

  /** One of the chunks that the disk or a view of it still has in the base. */
  #fetchBase({ diskId, incarnation }: DiskdCalls['fetchBase']['request']): DiskdCalls['fetchBase']['reply'] {
    const disk = this.#get(diskId);
    const { base, baseGeneration } = disk;
    if (disk.incarnation !== incarnation) throw new RequestError('OperationConflict', 'another incarnation');
    if (isViewBase(base)) throw new RequestError('InvalidSnapshotId.NotReady', 'not stored yet');
    const words = Object.entries(this.wordsOfTree(base.tree)).map(([chunk, word]) => ({ chunk: Number(chunk), word }));
    const views = disk.views.filter(({ reply }) => reply.baseGeneration === baseGeneration);
    const holders = [disk, ...views].map(({ entries }) => entries);
    const missing = words.filter(({ chunk }) => holders.some((entries) => !entries.has(chunk)));
    for (const { chunk, word } of missing.slice(0, 1)) {
      for (const entries of holders.filter((one) => !one.has(chunk))) {
        entries.set(chunk, { word, generation: baseGeneration - 1 });
      }
    }
    const isOver = missing.length === 0;
    const left = { snapshotId: base.snapshotId, tree: emptyTree };
    if (isOver) for (const holder of [disk, ...views.map(({ reply }) => reply)]) holder.base = left;
    const chunkCount = words.length - Math.max(0, missing.length - 1);
    const progress = { chunkCount, totalCount: words.length, fetchedBytes: missing.length && 65_536, isOver };
    return { disk: toState(disk), progress };
  }

  #resize(diskId: string, sizeBytes: number): DiskState {
    const disk = this.#get(diskId);
    if (sizeBytes < disk.sizeBytes) throw new RequestError('InvalidDiskSize.TooSmall', `${diskId} is larger`);
    disk.sizeBytes = sizeBytes;
    return toState(disk);
  }

  #open({ diskId, incarnation, limits }: DiskdCalls['openDisk']['request']): DiskState {
    const disk = this.#get(diskId);
    if (disk.incarnation !== incarnation) throw new OperationalError('another incarnation', { retryable: false });
    disk.open = true;
    disk.limits = limits ?? null;
    return toState(disk);
  }

  #close(diskId: string): DiskState {
    const disk = this.#get(diskId);
    disk.open = false;
    const state = toState(disk);
    disk.clientCount = 0;
    disk.syncFailure = null; // opened again, it is trusted again
    return state;
  }

  #freeze(diskId: string, snapshotId: string): FreezeReply {
    const disk = this.#get(diskId);
    if (disk.cancelled.has(snapshotId)) throw new OperationalError('the freeze was cancelled', { retryable: false });
    const known = disk.views.find(({ reply }) => reply.snapshotId === snapshotId);
    if (known !== undefined) return known.reply;
    if (disk.views.length >= VIEW_LIMIT) {
      throw new RequestError('IncorrectDiskStatus.CreatingSnapshot', `${VIEW_LIMIT} views are there`);
    }
    const { generation, incarnation, sizeBytes, base, baseGeneration, compareReason } = disk;
    const history: [number, number][] = [...disk.past, [disk.firstGeneration, generation]];
    const reply = {
      ...{ snapshotId, generation, incarnation, frozenAtMs: this.#nowMs(), sizeBytes },
      ...{ base, baseGeneration, history, compareReason },
    };
    disk.views.push({ reply, durable: false, entries: new Map(disk.entries) });
    disk.generation++;
    return reply;
  }

  /** All or, as far as anybody is told, none: those before the one that fails stay until they are cancelled. */
  #freezeGroup(members: GroupMember[]): DiskdCalls['freezeGroup']['reply'] {
    const replies = members.map(({ diskId, snapshotId }) => this.#freeze(diskId, snapshotId));
    const { frozenAtMs } = replies.at(-1)!;
    return { members: replies.map((reply) => ({ ...reply, frozenAtMs })) };
  }

  #awaitDurable(diskId: string, snapshotId: string): object {
    this.#view(diskId, snapshotId).durable = true;
    return {};
  }

  #cancelFreeze(diskId: string, snapshotId: string): object {
    this.#get(diskId).cancelled.add(snapshotId);
    return this.#release(diskId, snapshotId);
  }

  #release(diskId: string, snapshotId: string): object {
    const disk = this.#get(diskId);
    const isIt = (base: BaseRef) => isViewBase(base) && base.snapshotId === snapshotId && base.viewOf === diskId;
    for (const other of this.disks.values()) {
      const bases = [other.base, ...other.views.map(({ reply }) => reply.base)];
      if (bases.some(isIt)) this.violations.push(`${snapshotId} is released while ${other.diskId} stands on it`);
    }
    disk.views = disk.views.filter(({ reply }) => reply.snapshotId !== snapshotId);
    return {};
  }

  #rollback(diskId: string, base: BaseRef, incarnation: number): DiskState {
    const disk = this.#get(diskId);
    if (disk.incarnation === incarnation) return toState(disk);
    if (disk.open) throw new OperationalError(`${diskId} is in use`, { retryable: false });
    const generation = disk.generation + 1;
    const begin = { incarnation, generation, firstGeneration: generation };
    if (isViewBase(base)) {
      if (base.viewOf !== diskId) throw new RequestError('InvalidParameter.Mismatch', 'another disk has that view');
      const { entries, reply } = this.#view(diskId, base.snapshotId);
      const { baseGeneration, history: past } = reply;
      Object.assign(disk, { ...begin, base: reply.base, baseGeneration, past, entries: new Map(entries) });
    } else {
      Object.assign(disk, { ...begin, base, baseGeneration: generation, past: [], entries: new Map() });
    }
    return toState(disk);
  }

  /** The views of the disk stand on what it stood on: they move too. */
  #rebase(diskId: string, snapshotId: string, tree: TreeRef): DiskState {
    const disk = this.#get(diskId);
    for (const holder of [disk, ...disk.views.map(({ reply }) => reply)]) {
      const { base } = holder;
      if (isViewBase(base) && base.snapshotId === snapshotId) holder.base = { snapshotId, tree };
    }
    return toState(disk);
  }

  #hasDurableView({ viewOf, snapshotId }: ViewBase): boolean {
    const views = this.disks.get(viewOf)?.views ?? [];
    return views.some(({ reply, durable }) => reply.snapshotId === snapshotId && durable);
  }

  #view(diskId: string, snapshotId: string): View {
    const view = this.#get(diskId).views.find(({ reply }) => reply.snapshotId === snapshotId);
    if (view === undefined) throw new OperationalError('no such view', { retryable: false });
    return view;
  }

  #shutdown(force: boolean): { clientCount: number; ending: boolean } {
    const clientCount = [...this.disks.values()].reduce((sum, disk) => sum + disk.clientCount, 0);
    if (clientCount > 0 && !force) return { clientCount, ending: false };
    this.shutdownCount++;
    setImmediate(() => void this.die());
    return { clientCount, ending: true };
  }

  #get(diskId: string): FakeDisk {
    const disk = this.disks.get(diskId);
    if (disk === undefined) throw new RequestError('InvalidDiskId.NotFound', `no disk ${diskId}`);
    return disk;
  }
}

function wordsOf(entries: Map<number, Entry>): Record<string, string> {
  return Object.fromEntries([...entries].map(([chunk, { word }]) => [String(chunk), word]));
}

function toState(disk: FakeDisk): DiskState {
  const { diskId, sizeBytes, generation, incarnation, base, written, compareReason, clientCount, limits } = disk;
  return {
    ...{ diskId, sizeBytes, generation, incarnation, base, written, compareReason, clientCount, limits },
    socketPath: disk.open ? `/run/${diskId}.sock` : null,
    allocatedBytes: 0,
    views: disk.views.map(({ reply, durable }) => {
      const { snapshotId, frozenAtMs } = reply;
      return { snapshotId, generation: reply.generation, frozenAtMs, sizeBytes: reply.sizeBytes, durable };
    }),
    mapping: {
      ...{ dataChunkCount: disk.entries.size, usedSlotCount: disk.entries.size, freeingSlotCount: 0 },
      ...{ olderLayerCount: 0, pageCount: 0, cachedPageCount: 0, journalRecordCount: 0 },
    },
    counters: { readCount: 0, writeCount: 0, flushCount: 0, zeroCount: 0, readBytes: 0, writtenBytes: 0 },
    syncFailure: disk.syncFailure,
  };
}
