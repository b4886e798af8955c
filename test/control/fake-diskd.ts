/**
 * diskd without files: disks are maps from chunk to a word, bases are trees of a fake repository. It outlives the
 * control plane of a test as the real one does, and serves the real protocol on a real socket where asked to.
 */
import type { BaseRef, DiskState, DiskdCalls, FreezeReply } from '../../src/disk/protocol.ts';
import { DISKD_PROTOCOL } from '../../src/disk/protocol.ts';
import { OperationalError, RequestError } from '../../src/lib/errors.ts';
import type { Handlers, LineServer } from '../../src/lib/line-channel.ts';
import { serveLines } from '../../src/lib/line-channel.ts';

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
  view: View | null;
  cancelled: Set<string>;
}

export class FakeDiskd {
  readonly disks = new Map<string, FakeDisk>();
  /** Runs before each call: a test's way to delay or fail one. */
  before: (call: keyof DiskdCalls) => Promise<void> = async () => undefined;
  readonly calls: string[] = [];
  readonly folder: string;
  /** Of which version it is. */
  protocol = DISKD_PROTOCOL;
  shutdownCount = 0;
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
    for (const disk of this.disks.values()) if (disk.view?.durable === false) disk.view = null;
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
    const { view } = this.#get(diskId);
    if (view?.reply.snapshotId !== snapshotId) throw new OperationalError('no such view', { retryable: false });
    return wordsOf(new Map([...view.entries].filter(([, entry]) => entry.generation > sinceGeneration)));
  }

  handlers(): Handlers<DiskdCalls> {
    const plain = this.#handlers();
    const wrapped = Object.entries(plain).map(([name, handler]) => [
      name,
      async (body: never, connection: AbortSignal) => {
        this.calls.push(name);
        await this.before(name as keyof DiskdCalls);
        return await (handler as (body: never, connection: AbortSignal) => Promise<object>)(body, connection);
      },
    ]);
    return Object.fromEntries(wrapped) as Handlers<DiskdCalls>;
  }

  #handlers(): Handlers<DiskdCalls> {
    return {
      hello: async () => ({ protocol: this.protocol, pid: process.pid, folder: this.folder, startedAtMs: 0 }),
      createDisk: async (body) => ({ disk: this.#create(body) }),
      deleteDisk: async ({ diskId }) => this.#delete(diskId),
      openDisk: async ({ diskId, incarnation }) => ({ disk: this.#open(diskId, incarnation) }),
      closeDisk: async ({ diskId }) => ({ disk: this.#close(diskId) }),
      describeDisk: async ({ diskId }) => ({ disk: toState(this.#get(diskId)) }),
      listDisks: async () => ({ disks: [...this.disks.values()].map(toState) }),
      freeze: async ({ diskId, snapshotId }) => this.#freeze(diskId, snapshotId),
      awaitDurable: async ({ diskId, snapshotId }) => this.#awaitDurable(diskId, snapshotId),
      cancelFreeze: async ({ diskId, snapshotId }) => this.#cancelFreeze(diskId, snapshotId),
      listViewChunks: async () => ({ dataFolder: '', chunks: [], next: null }),
      releaseView: async ({ diskId, snapshotId }) => this.#release(diskId, snapshotId),
      rollback: async ({ diskId, base, incarnation }) => ({ disk: this.#rollback(diskId, base, incarnation) }),
      resizeDisk: async ({ diskId, sizeBytes }) => ({ disk: this.#resize(diskId, sizeBytes) }),
      checkDisk: async () => ({ findings: [] }),
      shutdown: async ({ force }) => this.#shutdown(force),
    };
  }

  #create(body: { diskId: string; sizeBytes: number; base: BaseRef }): DiskState {
    const known = this.disks.get(body.diskId);
    if (known !== undefined) return toState(known);
    const disk: FakeDisk = {
      ...body,
      ...{ incarnation: 1, generation: 1, open: false, clientCount: 0, written: false },
      ...{ compareReason: null, syncFailure: null },
      ...{ entries: new Map(), view: null, cancelled: new Set() },
    };
    this.disks.set(body.diskId, disk);
    return toState(disk);
  }

  #delete(diskId: string): object {
    const disk = this.disks.get(diskId);
    if (disk?.open || disk?.view) throw new OperationalError(`${diskId} is in use`, { retryable: false });
    this.disks.delete(diskId);
    return {};
  }

  #resize(diskId: string, sizeBytes: number): DiskState {
    const disk = this.#get(diskId);
    if (disk.view !== null) throw new RequestError('IncorrectDiskStatus.CreatingSnapshot', 'a view is there');
    if (sizeBytes < disk.sizeBytes) throw new RequestError('InvalidDiskSize.TooSmall', `${diskId} is larger`);
    disk.sizeBytes = sizeBytes;
    return toState(disk);
  }

  #open(diskId: string, incarnation: number): DiskState {
    const disk = this.#get(diskId);
    if (disk.incarnation !== incarnation) throw new OperationalError('another incarnation', { retryable: false });
    disk.open = true;
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
    if (disk.view?.reply.snapshotId === snapshotId) return disk.view.reply;
    if (disk.view !== null) throw new RequestError('IncorrectDiskStatus.CreatingSnapshot', 'another view is there');
    const { generation, incarnation, sizeBytes, base, compareReason } = disk;
    const frozenAtMs = this.#nowMs();
    const reply = {
      snapshotId,
      generation,
      incarnation,
      frozenAtMs,
      sizeBytes,
      base,
      baseGeneration: 0,
      compareReason,
    };
    disk.view = { reply, durable: false, entries: new Map(disk.entries) };
    disk.generation++;
    return reply;
  }

  #awaitDurable(diskId: string, snapshotId: string): object {
    const { view } = this.#get(diskId);
    if (view?.reply.snapshotId !== snapshotId) throw new OperationalError('no such view', { retryable: false });
    view.durable = true;
    return {};
  }

  #cancelFreeze(diskId: string, snapshotId: string): object {
    this.#get(diskId).cancelled.add(snapshotId);
    return this.#release(diskId, snapshotId);
  }

  #release(diskId: string, snapshotId: string): object {
    const disk = this.#get(diskId);
    if (disk.view?.reply.snapshotId === snapshotId) disk.view = null;
    return {};
  }

  #rollback(diskId: string, base: BaseRef, incarnation: number): DiskState {
    const disk = this.#get(diskId);
    if (disk.incarnation === incarnation) return toState(disk);
    if (disk.open || disk.view) throw new OperationalError(`${diskId} is in use`, { retryable: false });
    Object.assign(disk, { base, incarnation, generation: disk.generation + 1, entries: new Map() });
    return toState(disk);
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
  const { diskId, sizeBytes, generation, incarnation, base, written, compareReason, view, clientCount } = disk;
  return {
    diskId,
    sizeBytes,
    generation,
    incarnation,
    base,
    written,
    compareReason,
    clientCount,
    socketPath: disk.open ? `/run/${diskId}.sock` : null,
    dataChunkCount: disk.entries.size,
    allocatedBytes: 0,
    view: view && { snapshotId: view.reply.snapshotId, generation: view.reply.generation, durable: view.durable },
    syncFailure: disk.syncFailure,
    readBytes: 0,
    writtenBytes: 0,
  };
}
