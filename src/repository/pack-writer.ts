/**
 * Writes chunks and pages into packs: what is known is not stored again, neighbours are compressed together on the
 * thread pool, and a full pack is put in the store and then indexed. Memory is bounded whatever is written: at most 16
 * groups in compression (10 MiB), one pack being filled and two being put (52 MiB, and 12 MiB in the store). Their
 * buffers are used again and again: fresh ones cost as much as hashing does.
 *
 * A crash leaves whole packs that nothing needs yet, indexed or not, and files in `tmp/`; the collector removes both.
 */
import zlib from 'node:zlib';
import { assert } from '../lib/assert.ts';
import type { Random } from '../lib/random.ts';
import type { Digest } from './digest.ts';
import { GroupCompressor } from './group-compressor.ts';
import type { CompressedBytes } from './group-compressor.ts';
import type { ObjectStore } from './object-store/object-store.ts';
import { GROUP_PLAIN_BYTES, PACK_TARGET_BYTES, encodePackEnd, encodePackHeader, packName } from './pack.ts';
import type { EntryKind, PackEntry, PackGroup } from './pack.ts';
import type { PackIndex } from './pack-index.ts';

const GROUPS_IN_COMPRESSION = 16;
const PACKS_BEING_PUT = 2;
/** A pack is sealed once it has reached its target, so at most one group goes beyond. */
const PACK_BUFFER_BYTES = PACK_TARGET_BYTES + GROUP_PLAIN_BYTES;

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

export interface PackWriterOptions {
  store: ObjectStore;
  index: PackIndex;
  random: Random;
  /** Whether a digest need not be stored; by default, whether the index knows it. */
  isKnown?: (digest: Digest) => boolean;
}

export class PackWriter {
  readonly #store: ObjectStore;
  readonly #index: PackIndex;
  readonly #random: Random;
  readonly #isKnown: (digest: Digest) => boolean;
  /** Digests that are on their way into the index. */
  readonly #pending = new Set<string>();
  readonly #open = new Map<EntryKind, OpenGroup>();
  /** In the order in which the groups go into packs. */
  readonly #compressing: Promise<CompressedGroup>[] = [];
  readonly #putting: Promise<void>[] = [];
  readonly #compressor = new GroupCompressor();
  readonly #spareGroups: Buffer[] = [];
  readonly #sparePacks: Buffer[] = [];
  #pack: OpenPack | undefined;
  #storedBytes = 0;

  constructor({ store, index, random, isKnown }: PackWriterOptions) {
    this.#store = store;
    this.#index = index;
    this.#random = random;
    this.#isKnown = isKnown ?? ((digest) => index.has(digest));
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
    const name = digest.toString('hex');
    if (this.#pending.has(name) || this.#isKnown(digest)) return false;
    assert(bytes.length > 0 && bytes.length <= GROUP_PLAIN_BYTES, 'an entry fits in a group');
    this.#pending.add(name);
    let group = this.#open.get(kind);
    if (group !== undefined && group.usedBytes + bytes.length > GROUP_PLAIN_BYTES) {
      await this.#compress(group);
      group = undefined;
    }
    if (group === undefined) {
      group = {
        kind,
        plain: this.#spareGroups.pop() ?? Buffer.allocUnsafeSlow(GROUP_PLAIN_BYTES),
        usedBytes: 0,
        entries: [],
      };
      this.#open.set(kind, group);
    }
    bytes.copy(group.plain, group.usedBytes);
    group.usedBytes += bytes.length;
    group.entries.push({ digest: Buffer.from(digest), length: bytes.length });
    if (group.usedBytes === GROUP_PLAIN_BYTES) await this.#compress(group);
    return true;
  }

  /** Resolves when everything that was put is durable and indexed. The writer may be used on. */
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
      crc32: zlib.crc32(pack.bytes.subarray(offset, pack.sizeBytes)),
      codec: stored.codec,
      kind: group.kind,
      entries: group.entries,
    });
    this.#spareGroups.push(group.plain);
    if (pack.sizeBytes >= PACK_TARGET_BYTES) await this.#seal(pack);
  }

  #startPack(): OpenPack {
    const packId = this.#random.bytes(16).toString('hex');
    const bytes = this.#sparePacks.pop() ?? Buffer.allocUnsafeSlow(PACK_BUFFER_BYTES);
    return { packId, bytes, sizeBytes: encodePackHeader(packId).copy(bytes), groups: [] };
  }

  async #seal(pack: OpenPack): Promise<void> {
    this.#pack = undefined;
    this.#putting.push(awaitedLater(this.#putPack(pack)));
    if (this.#putting.length > PACKS_BEING_PUT) await this.#putting.shift();
  }

  async #putPack({ packId, bytes, sizeBytes: bodyBytes, groups }: OpenPack): Promise<void> {
    const end = encodePackEnd(packId, groups);
    const created = await this.#store.put(packName(packId), [bytes.subarray(0, bodyBytes), end]);
    assert(created, `pack ${packId} was there before it was written`);
    this.#sparePacks.push(bytes);
    const sizeBytes = bodyBytes + end.length;
    this.#index.add({ packId, sizeBytes, groups });
    this.#storedBytes += sizeBytes;
    for (const { digest } of groups.flatMap((group) => group.entries)) this.#pending.delete(digest.toString('hex'));
  }
}

/** A promise that is awaited only later: its rejection is no unhandled one until then. */
function awaitedLater<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
