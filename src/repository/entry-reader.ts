/**
 * Reads chunks and pages by digest and verifies every one (R5). Each known copy is tried; when none is good, the index
 * is compared with the store and the digest looked up again, for the collector may have moved it meanwhile, until it has not.
 */
import { CorruptionError } from '../lib/errors.ts';
import { expandGroup } from './compression.ts';
import { digestOf } from './digest.ts';
import type { Digest } from './digest.ts';
import { LruCache } from './lru-cache.ts';
import type { ByteRange, ObjectStore } from './object-store/object-store.ts';
import type { EntryKind } from './pack.ts';
import { packName } from './pack.ts';
import type { Location } from './pack.ts';
import type { PackIndex, ReconcileResult } from './pack-index.ts';

const GROUP_CACHE_BYTES = 16 * 1024 * 1024;

/** A collector that moves packs under a reader comes before it so often at most. */
const MOST_LOOKS = 8;

class MissingPackError extends CorruptionError {}

export class EntryReader {
  readonly #store: ObjectStore;
  readonly #index: PackIndex;
  /** Plain bytes of groups; entries are verified when they are taken out. */
  readonly #groups = new LruCache<Buffer>(GROUP_CACHE_BYTES);
  readonly #loading = new Map<string, Promise<Buffer | CorruptionError>>();
  #reconciling: Promise<ReconcileResult> | undefined;
  #next: Promise<ReconcileResult> | undefined;

  constructor(store: ObjectStore, index: PackIndex) {
    this.#store = store;
    this.#index = index;
  }

  /**
   * The verified plain bytes (shared: do not change them). Throws CorruptionError when no copy is good, and the index says what
   * the store does: while collectors are at work its copies may move each time they are looked for.
   */
  async read(digest: Digest, kind: EntryKind): Promise<Buffer> {
    let hasChanged = true;
    let placesBefore: string | null = null;
    for (let looks = 0; ; looks++) {
      const locations = this.#index.locate(digest);
      const places = locations.map(groupKey).join();
      const found = await this.#readFirstGood(locations, digest, kind);
      if (Buffer.isBuffer(found)) return found;
      const mayHaveMoved = hasChanged || found instanceof MissingPackError || places !== placesBefore;
      if (!mayHaveMoved || looks >= MOST_LOOKS) throw found;
      hasChanged = await this.#reconcile();
      placesBefore = places;
    }
  }

  /** That a pack is missing is told before what else is wrong: what was in it may be elsewhere by now. */
  async #readFirstGood(
    locations: readonly Location[],
    digest: Digest,
    kind: EntryKind,
  ): Promise<Buffer | CorruptionError> {
    let failure: CorruptionError | undefined;
    for (const location of locations) {
      const found = await this.readAt(location, digest, kind);
      if (Buffer.isBuffer(found)) return found;
      if (!(failure instanceof MissingPackError)) failure = found;
    }
    return failure ?? new CorruptionError(`${kind} ${digest.toString('hex')}`, 'no pack holds it');
  }

  /** One copy: its verified bytes, or what is wrong with it. */
  async readAt(location: Location, digest: Digest, kind: EntryKind): Promise<Buffer | CorruptionError> {
    const group = await this.#group(location);
    if (!Buffer.isBuffer(group)) return group;
    const bytes = group.subarray(location.position, location.position + location.length);
    const actual = digestOf(bytes);
    if (actual.equals(digest)) return bytes;
    this.#groups.delete(groupKey(location));
    const expected = digest.toString('hex');
    return new CorruptionError(`${kind} ${expected}`, placeOf(location), { expected, actual: actual.toString('hex') });
  }

  async #group(location: Location): Promise<Buffer | CorruptionError> {
    const key = groupKey(location);
    const cached = this.#groups.find(key);
    if (cached !== undefined) return cached;
    let loading = this.#loading.get(key);
    if (loading === undefined) {
      loading = this.#loadGroup(location, key).finally(() => this.#loading.delete(key));
      this.#loading.set(key, loading);
    }
    return loading;
  }

  async #loadGroup(location: Location, key: string): Promise<Buffer | CorruptionError> {
    const { packId, groupOffset, storedLength, plainLength, codec } = location;
    const bytes = await findBytes(this.#store, packName(packId), { offset: groupOffset, length: storedLength });
    if (bytes instanceof CorruptionError) return bytes;
    if (bytes === undefined) return new MissingPackError(`pack ${packId}`, 'it is missing');
    const plain = bytes.length === storedLength ? await expandGroup({ codec, bytes }, plainLength) : undefined;
    if (plain === undefined) return new CorruptionError('a group', placeOf(location));
    this.#groups.set(key, plain, plain.length);
    return plain;
  }

  /**
   * Whether the index was not as the store was. A comparison that is under way may have missed what is looked for: there is one
   * more after it, for all who have come meanwhile.
   */
  async #reconcile(): Promise<boolean> {
    if (this.#reconciling === undefined) return (await this.#startReconciling()).hasChanged;
    this.#next ??= this.#reconciling.then(
      () => this.#startReconciling(),
      () => this.#startReconciling(),
    );
    return (await this.#next).hasChanged;
  }

  async #startReconciling(): Promise<ReconcileResult> {
    this.#next = undefined;
    const reconciling = this.#index.reconcile(this.#store);
    this.#reconciling = reconciling;
    try {
      return await reconciling;
    } finally {
      if (this.#reconciling === reconciling) this.#reconciling = undefined;
    }
  }
}

/** Of an object; what the device cannot read is damage to one copy. */
export async function findBytes(
  store: ObjectStore,
  name: string,
  range: ByteRange,
): Promise<Buffer | CorruptionError | undefined> {
  try {
    return await store.find(name, range);
  } catch (error) {
    if (error instanceof CorruptionError) return error;
    throw error;
  }
}

function groupKey({ packId, groupOffset }: Location): string {
  return `${packId}:${groupOffset}`;
}

function placeOf({ packId, groupOffset, storedLength }: Location): string {
  return `bytes ${groupOffset}–${groupOffset + storedLength - 1} of ${packName(packId)}`;
}
