/**
 * An in-memory file system (`lib/files.ts`) that remembers every change, so that a test can ask: which states may a
 * power cut at this moment leave? It is the adversary of every promise that `Files` does not make.
 *
 *   const disk = new RecordingFiles();                 // an empty machine
 *   const process = disk.startProcess();               // a `Files` for the code under test
 *   … run it; say disk.mark(x) whenever something was acknowledged …
 *   process.kill();                                    // SIGKILL: its handles are gone, the page cache stays
 *   for (const cut of powerCuts(disk, { pick: seededPick(7), statesPerMoment: 3 })) {
 *     cut.files                                        // another RecordingFiles: the machine after the reboot
 *     cut.marks                                        // what had been acknowledged by then
 *     cut.description                                  // which moment and which choice, for the failure message
 *   }
 *
 * The rules. A write or truncation is sure to survive only when a `syncData` of its file that began after it has
 * resolved; a name only when a `syncFolder` of its folder has. Until then each is, on its own and in any combination:
 * lost, kept, or (a write) torn at 512-byte sectors, or kept as mere length (zeros). A rename is one step. A folder
 * whose own name is lost takes everything in it along. After a failed `syncData` the writes it covered are never made
 * sure by a later one, as in Linux.
 *
 * Faults: `disk.fault = (call) => …` is asked before every call; what it returns is thrown instead.
 */
import path from 'node:path';
import type { ByteRange } from '../../src/lib/fallocate.ts';
import type { FileInfo, Files, OpenMode } from '../../src/lib/files.ts';

const PAGE_BYTES = 4096;
const SECTOR_BYTES = 512;
const ROOT = 0;

export interface FileCall {
  name: keyof Files;
  path: string;
  /** Of a write: where and how much. */
  position?: number;
  lengthBytes?: number;
}

export interface Fault {
  error: Error;
  /** Of a write: this many bytes land before the error. */
  writtenBytes?: number;
}

type Change =
  | { type: 'write'; node: number; position: number; bytes: Buffer }
  | { type: 'truncate'; node: number; sizeBytes: number }
  | { type: 'punch'; node: number; position: number; lengthBytes: number }
  | { type: 'link'; folder: number; name: string; node: number | null }
  | { type: 'rename'; from: number; fromName: string; to: number; toName: string; node: number };

type Event =
  | { type: 'change'; change: Change }
  | { type: 'synced'; node: number; before: number; ok: boolean }
  | { type: 'mark'; value: unknown };

/** A file's pages are never changed in place, so a copy of the map is a copy of the file. */
interface Node {
  isFolder: boolean;
  sizeBytes: number;
  pages: Map<number, Buffer>;
  children: Map<string, number>;
}

/** An error as the kernel gives it: `code` is the errno's name. */
export function systemError(code: string, where: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${where}`), { code });
}

/** A repeatable source of choices: `pick(n)` is one of 0 … n − 1. */
export function seededPick(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** The content of a machine's disk: nodes by number, node 0 the root folder. */
class Image {
  readonly nodes = new Map<number, Node>([[ROOT, folderNode()]]);

  node(id: number, isFolder = false): Node {
    let node = this.nodes.get(id);
    if (node === undefined) this.nodes.set(id, (node = isFolder ? folderNode() : fileNode()));
    return node;
  }

  copy(): Image {
    const copy = new Image();
    for (const [id, node] of this.nodes) {
      copy.nodes.set(id, { ...node, pages: new Map(node.pages), children: new Map(node.children) });
    }
    return copy;
  }

  apply(change: Change, folders: ReadonlySet<number>): void {
    if (change.type === 'write') {
      writePages(this.node(change.node), change.bytes, change.position);
    } else if (change.type === 'truncate') {
      truncatePages(this.node(change.node), change.sizeBytes);
    } else if (change.type === 'punch') {
      punchPages(this.node(change.node), change.position, change.position + change.lengthBytes);
    } else if (change.type === 'link') {
      const folder = this.node(change.folder, true);
      if (change.node === null) folder.children.delete(change.name);
      else {
        this.node(change.node, folders.has(change.node));
        folder.children.set(change.name, change.node);
      }
    } else {
      this.node(change.node, folders.has(change.node));
      const from = this.node(change.from, true);
      if (from.children.get(change.fromName) === change.node) from.children.delete(change.fromName);
      this.node(change.to, true).children.set(change.toName, change.node);
    }
  }
}

function fileNode(): Node {
  return { isFolder: false, sizeBytes: 0, pages: new Map(), children: new Map() };
}

function folderNode(): Node {
  return { isFolder: true, sizeBytes: 0, pages: new Map(), children: new Map() };
}

function writePages(node: Node, bytes: Uint8Array, position: number): void {
  let done = 0;
  while (done < bytes.length) {
    const at = position + done;
    const inPage = at % PAGE_BYTES;
    const count = Math.min(PAGE_BYTES - inPage, bytes.length - done);
    const old = node.pages.get((at - inPage) / PAGE_BYTES);
    const fresh = old === undefined ? Buffer.alloc(PAGE_BYTES) : Buffer.from(old);
    fresh.set(bytes.subarray(done, done + count), inPage);
    node.pages.set((at - inPage) / PAGE_BYTES, fresh);
    done += count;
  }
  node.sizeBytes = Math.max(node.sizeBytes, position + bytes.length);
}

function truncatePages(node: Node, sizeBytes: number): void {
  const whole = Math.floor(sizeBytes / PAGE_BYTES);
  for (const page of node.pages.keys()) {
    if (page > whole || (page === whole && sizeBytes % PAGE_BYTES === 0)) node.pages.delete(page);
  }
  const last = node.pages.get(whole);
  if (last !== undefined && sizeBytes < node.sizeBytes) {
    const cut = Buffer.from(last);
    cut.fill(0, sizeBytes % PAGE_BYTES);
    node.pages.set(whole, cut);
  }
  node.sizeBytes = sizeBytes;
}

/** Whole pages only, as the engine punches. */
function punchPages(node: Node, position: number, end: number): void {
  const first = Math.ceil(position / PAGE_BYTES);
  const last = Math.floor(Math.min(end, node.sizeBytes) / PAGE_BYTES);
  for (const page of node.pages.keys()) if (page >= first && page < last) node.pages.delete(page);
}

export class RecordingFiles {
  /** Asked before every call of every process; an answer is thrown in the call's place. */
  fault: ((call: FileCall) => Fault | undefined) | undefined;
  /** Awaited by every `syncData` and `syncFolder` before it resolves: a test may hold a sync back. */
  syncGate: (() => Promise<void>) | undefined;
  /** Awaited by every `readLater` before it reads: a test may hold a read back. */
  readGate: (() => Promise<void>) | undefined;
  /** Awaited by every `punch` before its holes are there. */
  punchGate: (() => Promise<void>) | undefined;
  readonly #live: Image;
  readonly #start: Image;
  readonly #events: Event[] = [];
  readonly #folders = new Set<number>([ROOT]);
  readonly #record: boolean;
  #nextNode: number;

  /** `record: false` saves memory where no power cut is asked for. */
  constructor(options: { record?: boolean; image?: Image } = {}) {
    this.#live = options.image ?? new Image();
    this.#record = options.record ?? true;
    this.#start = this.#record ? this.#live.copy() : new Image();
    this.#nextNode = Math.max(...this.#live.nodes.keys()) + 1;
    for (const [id, node] of this.#live.nodes) if (node.isFolder) this.#folders.add(id);
  }

  /** The moment: how many changes, syncs and marks there have been. */
  get eventCount(): number {
    return this.#events.length;
  }

  /** Notes that something was acknowledged; `powerCuts` hands it out with every later state. */
  mark(value: unknown): void {
    if (this.#record) this.#events.push({ type: 'mark', value });
  }

  /** A `Files` for one process; `kill` ends it as SIGKILL does: every later call throws, every sync hangs. */
  startProcess(): RecordingProcess {
    return new RecordingProcess(this);
  }

  /** For `RecordingProcess` and `powerCuts`. */
  get internals(): { live: Image; start: Image; events: readonly Event[]; folders: ReadonlySet<number> } {
    return { live: this.#live, start: this.#start, events: this.#events, folders: this.#folders };
  }

  change(change: Change): void {
    this.#live.apply(change, this.#folders);
    if (this.#record) this.#events.push({ type: 'change', change });
  }

  synced(node: number, before: number, ok: boolean): void {
    if (this.#record) this.#events.push({ type: 'synced', node, before, ok });
  }

  newNode(isFolder: boolean): number {
    const id = this.#nextNode++;
    if (isFolder) this.#folders.add(id);
    return id;
  }
}

/** One process's view of the machine's files: its handles die with it. */
export class RecordingProcess implements Files {
  readonly #machine: RecordingFiles;
  readonly #handles = new Map<number, { node: number; path: string; writable: boolean }>();
  #nextHandle = 100;
  #killed = false;

  constructor(machine: RecordingFiles) {
    this.#machine = machine;
  }

  kill(): void {
    this.#killed = true;
    this.#handles.clear();
  }

  /** Handles not closed yet: a test's end can see leaks. */
  get openCount(): number {
    return this.#handles.size;
  }

  open(name: string, mode: OpenMode): number {
    this.#enter({ name: 'open', path: name });
    const { folder, base, node } = this.#resolve(name);
    if (node !== undefined && mode === 'create-new') throw systemError('EEXIST', name);
    if (node !== undefined && this.#node(node).isFolder) throw systemError('EISDIR', name);
    let opened = node;
    if (opened === undefined) {
      if (mode === 'read' || mode === 'read-write') throw systemError('ENOENT', name);
      opened = this.#machine.newNode(false);
      this.#machine.change({ type: 'link', folder, name: base, node: opened });
    }
    const handle = this.#nextHandle++;
    this.#handles.set(handle, { node: opened, path: name, writable: mode !== 'read' });
    return handle;
  }

  close(fd: number): void {
    this.#handle(fd);
    this.#handles.delete(fd);
  }

  read(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    const handle = this.#handle(fd);
    this.#enter({ name: 'read', path: handle.path, position, lengthBytes: length });
    const node = this.#node(handle.node);
    const count = Math.max(0, Math.min(length, node.sizeBytes - position));
    for (let done = 0; done < count;) {
      const at = position + done;
      const inPage = at % PAGE_BYTES;
      const part = Math.min(PAGE_BYTES - inPage, count - done);
      const page = node.pages.get((at - inPage) / PAGE_BYTES);
      if (page === undefined) buffer.fill(0, offset + done, offset + done + part);
      else buffer.set(page.subarray(inPage, inPage + part), offset + done);
      done += part;
    }
    return count;
  }

  write(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): void {
    const handle = this.#handle(fd);
    if (!handle.writable) throw systemError('EBADF', handle.path);
    const bytes = Buffer.from(buffer.subarray(offset, offset + length));
    const fault = this.#fault({ name: 'write', path: handle.path, position, lengthBytes: length });
    if (fault !== undefined) {
      const landed = bytes.subarray(0, fault.writtenBytes ?? 0);
      if (landed.length > 0) this.#machine.change({ type: 'write', node: handle.node, position, bytes: landed });
      throw fault.error;
    }
    this.#machine.change({ type: 'write', node: handle.node, position, bytes });
  }

  async readLater(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): Promise<number> {
    await this.#machine.readGate?.();
    await Promise.resolve();
    return this.read(fd, buffer, offset, length, position);
  }

  /** Room changes no byte. A fault is an answer here, not an error. */
  layOut(fd: number, [position, lengthBytes]: ByteRange): boolean {
    const handle = this.#handle(fd);
    return this.#fault({ name: 'layOut', path: handle.path, position, lengthBytes }) === undefined;
  }

  /** As unsure as a write until it is synced; one range after the other, as the kernel does them. */
  async punch(fd: number, ranges: readonly ByteRange[]): Promise<void> {
    for (const [position, lengthBytes] of ranges) {
      await this.#machine.punchGate?.();
      await Promise.resolve();
      const handle = this.#handle(fd);
      this.#enter({ name: 'punch', path: handle.path, position, lengthBytes });
      this.#machine.change({ type: 'punch', node: handle.node, position, lengthBytes });
    }
  }

  truncate(fd: number, sizeBytes: number): void {
    const handle = this.#handle(fd);
    this.#enter({ name: 'truncate', path: handle.path });
    this.#machine.change({ type: 'truncate', node: handle.node, sizeBytes });
  }

  async syncData(fd: number): Promise<void> {
    const handle = this.#handle(fd);
    await this.#sync({ name: 'syncData', path: handle.path }, handle.node);
  }

  async syncFolder(name: string): Promise<void> {
    const { node } = this.#resolve(name);
    if (node === undefined) throw systemError('ENOENT', name);
    await this.#sync({ name: 'syncFolder', path: name }, node);
  }

  rename(from: string, to: string): void {
    this.#enter({ name: 'rename', path: from });
    const source = this.#resolve(from);
    const target = this.#resolve(to);
    if (source.node === undefined) throw systemError('ENOENT', from);
    this.#machine.change({
      type: 'rename',
      from: source.folder,
      fromName: source.base,
      to: target.folder,
      toName: target.base,
      node: source.node,
    });
  }

  link(from: string, to: string): void {
    this.#enter({ name: 'link', path: from });
    const source = this.#resolve(from);
    const target = this.#resolve(to);
    if (source.node === undefined) throw systemError('ENOENT', from);
    if (target.node !== undefined) throw systemError('EEXIST', to);
    this.#machine.change({ type: 'link', folder: target.folder, name: target.base, node: source.node });
  }

  unlink(name: string): void {
    this.#enter({ name: 'unlink', path: name });
    const { folder, base, node } = this.#resolve(name);
    if (node === undefined) throw systemError('ENOENT', name);
    this.#machine.change({ type: 'link', folder, name: base, node: null });
  }

  async unlinkLarge(name: string): Promise<void> {
    this.unlink(name);
  }

  ensureFolder(name: string): void {
    this.#enter({ name: 'ensureFolder', path: name });
    let folder = ROOT;
    for (const part of parts(name)) {
      let next = this.#node(folder).children.get(part);
      if (next === undefined) {
        next = this.#machine.newNode(true);
        this.#machine.change({ type: 'link', folder, name: part, node: next });
      }
      folder = next;
    }
  }

  removeFolder(name: string): void {
    this.#enter({ name: 'removeFolder', path: name });
    if (this.find(name) === undefined) return;
    for (const child of this.list(name)) {
      const inside = path.join(name, child);
      if (this.find(inside)?.isFolder) this.removeFolder(inside);
      else this.unlink(inside);
    }
    const { folder, base } = this.#resolve(name);
    this.#machine.change({ type: 'link', folder, name: base, node: null });
  }

  list(name: string): string[] {
    this.#enter({ name: 'list', path: name });
    const node = this.#find(name);
    return node === undefined ? [] : [...this.#node(node).children.keys()].sort();
  }

  find(name: string): FileInfo | undefined {
    this.#enter({ name: 'find', path: name });
    const id = this.#find(name);
    if (id === undefined) return undefined;
    const node = this.#node(id);
    const allocatedBytes = node.pages.size * PAGE_BYTES;
    return { sizeBytes: node.sizeBytes, allocatedBytes, isFolder: node.isFolder, modifiedAtMs: 0 };
  }

  async #sync(call: FileCall, node: number): Promise<void> {
    const before = this.#machine.eventCount;
    const fault = this.#fault(call);
    await this.#machine.syncGate?.();
    await Promise.resolve();
    if (this.#killed) await new Promise<never>(() => {});
    this.#machine.synced(node, before, fault === undefined);
    if (fault !== undefined) throw fault.error;
  }

  #fault(call: FileCall): Fault | undefined {
    if (this.#killed) throw systemError('EBADF', `${call.name} ${call.path}: the process was killed`);
    return this.#machine.fault?.(call);
  }

  #enter(call: FileCall): void {
    const fault = this.#fault(call);
    if (fault !== undefined) throw fault.error;
  }

  #handle(fd: number): { node: number; path: string; writable: boolean } {
    const handle = this.#handles.get(fd);
    if (handle === undefined) throw systemError('EBADF', `handle ${fd}`);
    return handle;
  }

  #node(id: number): Node {
    return this.#machine.internals.live.node(id);
  }

  #find(name: string): number | undefined {
    let id: number | undefined = ROOT;
    for (const part of parts(name)) {
      id = this.#node(id).children.get(part);
      if (id === undefined) return undefined;
    }
    return id;
  }

  #resolve(name: string): { folder: number; base: string; node: number | undefined } {
    const folder = this.#find(path.dirname(name));
    if (folder === undefined) throw systemError('ENOENT', path.dirname(name));
    const base = path.basename(name);
    return { folder, base, node: base === '' ? ROOT : this.#node(folder).children.get(base) };
  }
}

function parts(name: string): string[] {
  return name.split('/').filter((part) => part !== '' && part !== '.');
}

export interface PowerCut {
  /** The machine after the reboot. */
  files: RecordingFiles;
  /** Everything marked before the cut. */
  marks: unknown[];
  description: string;
  /** Nothing was lost: what the death of the process alone leaves. */
  isWhole: boolean;
}

export interface PowerCutOptions {
  pick: (limit: number) => number;
  /** States to yield for each moment: the first loses all that is unsynced, the second keeps all, others are mixtures. */
  statesPerMoment: number;
  /** Only moments from this event on (`eventCount`); default 0. */
  fromEvent?: number;
  /** Chance of 1 in `skip` to look at a moment; default 1: every one. */
  skip?: number;
}

/** The states that a power cut at each moment of the recording may leave. */
export function* powerCuts(machine: RecordingFiles, options: PowerCutOptions): Generator<PowerCut> {
  const { start, events, folders } = machine.internals;
  const sure = start.copy();
  const marks: unknown[] = [];
  let unsure: Unsure[] = [];
  for (let index = 0; index <= events.length; index++) {
    if (index >= (options.fromEvent ?? 0) && options.pick(options.skip ?? 1) === 0) {
      for (let state = 0; state < options.statesPerMoment; state++) {
        if (state > 0 && unsure.length === 0) break;
        const image = sure.copy();
        const choice = applySome(image, unsure, folders, state, options.pick);
        const files = new RecordingFiles({ image });
        const isWhole = state === 1 || unsure.length === 0;
        yield { files, marks: [...marks], description: `power cut after event ${index}, ${choice}`, isWhole };
      }
    }
    const event = events[index];
    if (event?.type === 'mark') marks.push(event.value);
    else if (event?.type === 'change') unsure.push({ index, change: event.change });
    else if (event?.type === 'synced') unsure = settle({ sure, folders, pick: options.pick }, unsure, event);
  }
}

/** Which node's sync makes a change sure: the file's for its bytes, the folder's for a name. */
function isCovered(change: Change, node: number): boolean {
  if (change.type === 'link') return change.folder === node;
  if (change.type === 'rename') return change.from === node || change.to === node;
  return change.node === node;
}

interface Unsure {
  index: number;
  change: Change;
}

/** Takes what a sync made sure out of the unsure; what a failed one covered is on the device now, or never. */
function settle(
  machine: { sure: Image; folders: ReadonlySet<number>; pick: (limit: number) => number },
  unsure: Unsure[],
  sync: { node: number; before: number; ok: boolean },
): Unsure[] {
  return unsure.filter((entry) => {
    if (entry.index >= sync.before || !isCovered(entry.change, sync.node)) return true;
    if (sync.ok || machine.pick(2) === 0) machine.sure.apply(entry.change, machine.folders);
    return false;
  });
}

function applySome(
  image: Image,
  unsure: readonly Unsure[],
  folders: ReadonlySet<number>,
  state: number,
  pick: (limit: number) => number,
): string {
  if (state === 0) return `all ${unsure.length} unsynced changes lost`;
  if (state === 1) {
    for (const { change } of unsure) image.apply(change, folders);
    return `all ${unsure.length} unsynced changes kept`;
  }
  const fates: string[] = [];
  const bias = 2 + pick(6);
  for (const { index, change } of unsure) {
    const fate =
      pick(bias) === 0 ? 'lost' : change.type === 'write' && pick(3) === 0 ? tear(image, change, pick) : 'kept';
    if (fate === 'kept') image.apply(change, folders);
    else fates.push(`${index} ${fate}`);
  }
  return `of ${unsure.length} unsynced changes: ${fates.slice(-30).join(', ') || 'all kept'}`;
}

/** Applies part of a write: a prefix, any sectors, or only its length. */
function tear(image: Image, change: Change & { type: 'write' }, pick: (limit: number) => number): string {
  const node = image.node(change.node);
  const end = change.position + change.bytes.length;
  const mode = pick(3);
  if (mode === 2) {
    if (node.sizeBytes < end) truncatePages(node, end);
    return 'kept as length only';
  }
  const first = Math.floor(change.position / SECTOR_BYTES);
  const last = Math.ceil(end / SECTOR_BYTES);
  const cut = first + pick(last - first + 1);
  for (let sector = first; sector < last; sector++) {
    if (mode === 0 ? sector >= cut : pick(2) === 0) continue;
    const from = Math.max(change.position, sector * SECTOR_BYTES);
    const to = Math.min(end, (sector + 1) * SECTOR_BYTES);
    writePages(node, change.bytes.subarray(from - change.position, to - change.position), from);
  }
  return mode === 0 ? 'torn to a prefix' : 'torn by sectors';
}
