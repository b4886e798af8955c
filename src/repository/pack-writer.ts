/**
 * Writes chunks and pages into packs: what is known is not stored again, neighbours are compressed together, several groups at a
 * time, and a full pack is put in the store and then indexed. Memory is bounded whatever is written: at most 16 groups in
 * compression (5 MiB), one pack being filled and two being put (52 MiB, and 12 MiB in the store), and what the compressor
 * has. Their buffers are used again and again: fresh ones cost as much as hashing does.
 *
 * A crash leaves whole packs that nothing needs yet, indexed or not, and files in `tmp/`; the collector removes both.
 */
import zlib from 'node:zlib';
import { assert } from '../lib/assert.ts';
import { OperationalError } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import type { Random } from '../lib/random.ts';
import type { Digest } from './digest.ts';
import { KnownDigests } from './digest-questions.ts';
import type { ObjectStore } from './object-store/object-store.ts';
import { PoolCompressor } from './pool-compressor.ts';
import { GROUP_PLAIN_BYTES, PACK_TARGET_BYTES, encodePackEnd, encodePackHeader, packName } from './pack.ts';
import type { EntryKind, Fence, PackContents, PackEntry, PackGroup } from './pack.ts';
import type { PackIndex } from './pack-index.ts';

const GROUPS_IN_COMPRESSION = 16;
const PACKS_BEING_PUT = 2;
interface OpenGroup {
  kind: EntryKind;
  plain: Buffer;
  usedBytes: number;
  entries: PackEntry[];
}

interface CompressedGroup {
  group: OpenGroup;
  stored: CompressedBytes;
}

interface OpenPack {
  packId: string;
  /** The first `sizeBytes` of it: header and groups. */
  bytes: Buffer;
  sizeBytes: number;
  groups: PackGroup[];
}

export interface CompressedBytes {
  codec: number;
  bytes: Buffer;
  /** Of `bytes`, where it is known. */
  crc32?: number;
}

/** Compresses groups, several at a time. */
export interface Compressor {
  /** `plain` must not change meanwhile, and may hold the result afterwards. */
  compress(plain: Buffer): Promise<CompressedBytes>;
  /** Memory for what is to be compressed, where it must be of a special kind; never given back. */
  allocate?(byteCount: number): Buffer;
  close(): void;
}

/** Chunks one after the other from the beginning of `buffer`; null: not to be stored. */
export interface Neighbours {
  digests: readonly (Digest | null)[];
  buffer: Buffer;
}

interface Entry {
  digest: Digest;
  bytes: Buffer;
}

export interface PackWriterOptions {
  store: ObjectStore;
  index: PackIndex;
  random: Random;
  fence: Fence;
  /** Whether a digest need not be stored; by default, whether the index knows it. */
  isKnown?: (digest: Digest) => boolean;
  /** Of a group's plain bytes at most, and of the groups of a pack at least, but for the last. */
  groupBytes?: number;
  packBytes?: number;
  compressor?: Compressor;
  /** Told of each pack when it is durable and indexed. */
  onIndexed?: (contents: PackContents) => void;
}

export class PackWriter {
  readonly #store: ObjectStore;
  readonly #index: PackIndex;
  readonly #random: Random;
  readonly #fence: Fence;
  readonly #findKnown: (digests: readonly Digest[]) => boolean[];
  readonly #onIndexed: (contents: PackContents) => void;
  /** Digests that are on their way into the index. */
  readonly #pending = new Set<string>();
  readonly #open = new Map<EntryKind, OpenGroup>();
  /** In the order in which the groups go into packs. */
  readonly #compressing: Promise<CompressedGroup>[] = [];
  readonly #putting: Promise<void>[] = [];
  readonly #groupBytes: number;
  readonly #packBytes: number;
  readonly #compressor: Compressor;
  readonly #spareGroups: Buffer[] = [];
  readonly #sparePacks: Buffer[] = [];
  #pack: OpenPack | undefined;
  #storedBytes = 0;

  constructor(options: PackWriterOptions) {
    const { store, index, random, fence } = options;
    this.#store = store;
    this.#index = index;
    this.#random = random;
    this.#fence = fence;
    this.#findKnown = lookup(index, options.isKnown);
    this.#onIndexed = options.onIndexed ?? (() => undefined);
    this.#groupBytes = options.groupBytes ?? GROUP_PLAIN_BYTES;
    this.#packBytes = options.packBytes ?? PACK_TARGET_BYTES;
    this.#compressor = options.compressor ?? new PoolCompressor();
  }

  /** Bytes of the packs that were sealed so far. */
  get storedBytes(): number {
    return this.#storedBytes;
  }

  /**
   * Stores `bytes` (copied) under their digest unless they are known; resolves, when there is room for more, to whether
   * they were new. Durable after `finish`. After a rejection the writer is of no more use.
   */
  async put(kind: EntryKind, digest: Digest, bytes: Buffer): Promise<boolean> {
    const added = this.#claim([{ digest, bytes }]);
    for (const entry of added) await this.#add(kind, entry);
    return added.length === 1;
  }

  /** A buffer for `putNeighbours`, of a group. */
  takeBuffer(): Buffer {
    const spare = this.#spareGroups.pop();
    return spare ?? this.#compressor.allocate?.(this.#groupBytes) ?? Buffer.allocUnsafeSlow(this.#groupBytes);
  }

  /**
   * `put` for chunks that lie in buffers from `takeBuffer`, which are the writer's from now on; resolves to how many were new.
   * Where all of a full buffer is new it becomes a group as it is: what was waiting for neighbours becomes one before.
   */
  async putNeighbours(runs: readonly Neighbours[]): Promise<number> {
    const entries = runs.map(({ digests, buffer }) => entriesIn(digests, buffer));
    const added = new Set(this.#claim(entries.flat()));
    for (const [position, { buffer }] of runs.entries()) {
      const fresh = entries[position]?.filter((entry) => added.has(entry)) ?? [];
      await this.#addNeighbours(fresh, buffer);
    }
    return added.size;
  }

  async #addNeighbours(entries: readonly Entry[], buffer: Buffer): Promise<void> {
    const usedBytes = entries.reduce((sum, { bytes }) => sum + bytes.length, 0);
    if (usedBytes === this.#groupBytes) {
      const before = this.#open.get('chunk');
      if (before !== undefined) await this.#compress(before);
      const list = entries.map(({ digest, bytes }) => ({ digest, length: bytes.length }));
      await this.#compress({ kind: 'chunk', plain: buffer, usedBytes, entries: list });
      return;
    }
    for (const entry of entries) await this.#add('chunk', entry);
    this.#spareGroups.push(buffer);
  }

  /** Those of the digests that `put` would store, each once. */
  findMissing(digests: readonly Digest[]): Digest[] {
    const distinct = [...new Map(digests.map((digest) => [digest.toString('hex'), digest]))];
    const strangers = distinct.filter(([name]) => !this.#pending.has(name)).map(([, digest]) => digest);
    if (strangers.length === 0) return strangers;
    const known = this.#findKnown(strangers);
    return strangers.filter((_digest, position) => known[position] !== true);
  }

  /** Those that are to be stored, each once. They are pending before anybody else can ask for them. */
  #claim(entries: readonly Entry[]): Entry[] {
    const strangers = entries.filter(({ digest }) => !this.#pending.has(digest.toString('hex')));
    if (strangers.length === 0) return strangers;
    const known = this.#findKnown(strangers.map(({ digest }) => digest));
    return strangers.filter(({ digest }, position) => {
      const name = digest.toString('hex');
      if (known[position] === true || this.#pending.has(name)) return false;
      this.#pending.add(name);
      return true;
    });
  }

  async #add(kind: EntryKind, { digest, bytes }: Entry): Promise<void> {
    assert(bytes.length > 0 && bytes.length <= this.#groupBytes, 'an entry fits in a group');
    let group = this.#open.get(kind);
    if (group !== undefined && group.usedBytes + bytes.length > this.#groupBytes) {
      await this.#compress(group);
      group = undefined;
    }
    if (group === undefined) {
      group = { kind, plain: this.takeBuffer(), usedBytes: 0, entries: [] };
      this.#open.set(kind, group);
    }
    bytes.copy(group.plain, group.usedBytes);
    group.usedBytes += bytes.length;
    group.entries.push({ digest: Buffer.from(digest), length: bytes.length });
    if (group.usedBytes === this.#groupBytes) await this.#compress(group);
  }

  /** Resolves when everything that was put is durable and indexed. The writer may be used on, if its compressor may. */
  async finish(): Promise<void> {
    for (const group of this.#open.values()) await this.#compress(group);
    while (this.#compressing.length > 0) await this.#takeCompressed();
    if (this.#pack !== undefined) await this.#seal(this.#pack);
    while (this.#putting.length > 0) await this.#putting.shift();
    this.#compressor.close();
  }

  async #compress(group: OpenGroup): Promise<void> {
    this.#open.delete(group.kind);
    const plain = group.plain.subarray(0, group.usedBytes);
    const compressing = this.#compressor.compress(plain).then((stored) => ({ group, stored }));
    this.#compressing.push(awaitedLater(compressing));
    if (this.#compressing.length > GROUPS_IN_COMPRESSION) await this.#takeCompressed();
  }

  async #takeCompressed(): Promise<void> {
    const compressed = await this.#compressing.shift();
    if (compressed === undefined) return;
    const { group, stored } = compressed;
    const pack = (this.#pack ??= this.#startPack());
    const offset = pack.sizeBytes;
    pack.sizeBytes += stored.bytes.copy(pack.bytes, offset);
    pack.groups.push({
      offset,
      storedLength: stored.bytes.length,
      plainLength: group.usedBytes,
      crc32: stored.crc32 ?? zlib.crc32(pack.bytes.subarray(offset, pack.sizeBytes)),
      codec: stored.codec,
      kind: group.kind,
      entries: group.entries,
    });
    this.#spareGroups.push(group.plain);
    if (pack.sizeBytes >= this.#packBytes) await this.#seal(pack);
  }

  #startPack(): OpenPack {
    const packId = this.#random.bytes(16).toString('hex');
    // A pack is sealed once it has reached its size, so at most one group goes beyond.
    const bytes = this.#sparePacks.pop() ?? Buffer.allocUnsafeSlow(this.#packBytes + this.#groupBytes);
    return { packId, bytes, sizeBytes: encodePackHeader(packId).copy(bytes), groups: [] };
  }

  async #seal(pack: OpenPack): Promise<void> {
    this.#pack = undefined;
    this.#putting.push(awaitedLater(this.#putPack(pack)));
    if (this.#putting.length > PACKS_BEING_PUT) await this.#putting.shift();
  }

  async #putPack({ packId, bytes, sizeBytes: bodyBytes, groups }: OpenPack): Promise<void> {
    const isDense = this.#groupBytes > GROUP_PLAIN_BYTES;
    const end = encodePackEnd({ packId, fence: this.#fence, isDense, groups });
    const { lapses } = this.#index;
    const created = await this.#store.put(packName(packId), [bytes.subarray(0, bodyBytes), end]);
    assert(created, `pack ${packId} was there before it was written`);
    this.#sparePacks.push(bytes);
    const sizeBytes = bodyBytes + end.length;
    const contents = { packId, sizeBytes, fence: this.#fence, isDense, groups };
    if (!(await this.#index.add(contents, lapses, this.#store))) {
      throw new OperationalError(`pack ${packId} was taken for garbage: its writer was held up for too long`, {
        retryable: true,
      });
    }
    this.#onIndexed(contents);
    this.#storedBytes += sizeBytes;
    for (const { digest } of groups.flatMap((group) => group.entries)) this.#pending.delete(digest.toString('hex'));
  }
}

function entriesIn(digests: readonly (Digest | null)[], buffer: Buffer): Entry[] {
  return digests.flatMap((digest, position) => {
    const at = position * CHUNK_BYTES;
    return digest === null ? [] : [{ digest, bytes: buffer.subarray(at, at + CHUNK_BYTES) }];
  });
}

function lookup(index: PackIndex, isKnown: PackWriterOptions['isKnown']): (digests: readonly Digest[]) => boolean[] {
  if (isKnown !== undefined) return (digests) => digests.map(isKnown);
  const known = new KnownDigests(index);
  return (digests) => known.hasEach(digests);
}

/** A promise that is awaited only later: its rejection is no unhandled one until then. */
function awaitedLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
