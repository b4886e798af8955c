/**
 * Garbage collection: marks what the manifests in the store and the caller's roots reach, deletes packs that hold
 * nothing of it, and rewrites packs that hold little. Nothing may be uploading meanwhile; reading goes on.
 *
 * A crash at any point leaves every live entry readable: a pack is deleted only when what was live in it is durable and
 * indexed elsewhere. It may leave an entry in two packs, or a pack without index rows; the next collection ends that.
 */
import { CorruptionError } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import { EntryReader } from './entry-reader.ts';
import { LiveEntries } from './live-entries.ts';
import { finishDeletions, listManifests } from './manifest.ts';
import { packName } from './pack.ts';
import type { PackContents } from './pack.ts';
import { readPackContents } from './pack-end.ts';
import { PackWriter } from './pack-writer.ts';
import { PageReader } from './page-reader.ts';
import { planCollect } from './plan-collect.ts';
import type { Stores } from './stores.ts';
import type { TreeRef } from './tree-ref.ts';

/** Old packs are deleted after so many bytes of live entries have found new ones. */
const REWRITE_BATCH_BYTES = 128 * 1024 * 1024;
const LEFT_DEAD_BYTES = 'leftDeadBytes';

export interface CollectRequest {
  stores: Stores;
  random: Random;
  /** Trees that are needed beside the manifests': disks' bases, uploads that are not committed yet. */
  roots: readonly TreeRef[];
  onProgress?: (donePacks: number, totalPacks: number) => void;
}

export interface CollectResult {
  /** What the object store holds less than before. */
  freedBytes: number;
  deletedPacks: number;
  rewrittenPacks: number;
  /** Dead bytes that stay until more is dead beside them. */
  leftDeadBytes: number;
  /** Packs that were left alone because they cannot be read; `checkRepository` says what that hurts. */
  damaged: CorruptionError[];
}

/**
 * Throws CorruptionError, and has removed nothing but leftovers, when a manifest, tombstone or page cannot be read:
 * what it reaches is not known.
 */
export async function collectGarbage(request: CollectRequest): Promise<CollectResult> {
  const { store, index } = request.stores;
  const freedBytes = await store.removeLeftovers();
  await finishDeletions(store);
  const { damaged } = await index.reconcile(store);
  const entries = new EntryReader(store, index);
  const live = new LiveEntries(index);
  try {
    await markAll(request, live, new PageReader(entries));
    await live.chooseCopies(entries);
    const collection = new Collection(request, live, entries, { freedBytes, damaged });
    return await collection.run();
  } finally {
    live.close();
  }
}

async function markAll({ stores, roots }: CollectRequest, live: LiveEntries, pages: PageReader): Promise<void> {
  for (const root of roots) await live.mark(root, pages);
  for await (const manifest of listManifests(stores.store)) await live.mark(manifest.tree, pages);
}

class Collection {
  readonly #request: CollectRequest;
  readonly #live: LiveEntries;
  readonly #entries: EntryReader;
  readonly #sizes: Map<string, number>;
  readonly #result: CollectResult;

  constructor(
    request: CollectRequest,
    live: LiveEntries,
    entries: EntryReader,
    begun: { freedBytes: number; damaged: CorruptionError[] },
  ) {
    this.#request = request;
    this.#live = live;
    this.#entries = entries;
    this.#sizes = request.stores.index.listPacks();
    this.#result = { ...begun, deletedPacks: 0, rewrittenPacks: 0, leftDeadBytes: 0 };
  }

  async run(): Promise<CollectResult> {
    const { index } = this.#request.stores;
    const plan = planCollect(this.#live.measurePacks(), index.findFact(LEFT_DEAD_BYTES) ?? 0);
    const total = plan.deletes.length + plan.rewrites.length;
    for (const packId of plan.deletes) {
      await this.#delete(packId);
      this.#result.deletedPacks++;
      this.#request.onProgress?.(this.#result.deletedPacks, total);
    }
    await this.#rewriteAll(plan.rewrites, total);
    this.#result.leftDeadBytes = Math.round(plan.leftDeadBytes);
    index.setFact(LEFT_DEAD_BYTES, this.#result.leftDeadBytes);
    return this.#result;
  }

  async #delete(packId: string): Promise<void> {
    const { store, index } = this.#request.stores;
    index.remove(packId);
    await store.delete(packName(packId));
    this.#result.freedBytes += this.#sizes.get(packId) ?? 0;
  }

  async #rewriteAll(packIds: readonly string[], total: number): Promise<void> {
    const writer = new PackWriter({ ...this.#request.stores, random: this.#request.random, isKnown: () => false });
    let emptied: string[] = [];
    let movedBytes = 0;
    for (const [position, packId] of packIds.entries()) {
      const moved = await this.#moveLive(packId, writer);
      if (moved !== undefined) {
        emptied.push(packId);
        movedBytes += moved;
      }
      if (movedBytes < REWRITE_BATCH_BYTES && position + 1 < packIds.length) continue;
      await writer.finish();
      for (const old of emptied) await this.#delete(old);
      this.#result.rewrittenPacks += emptied.length;
      this.#request.onProgress?.(this.#result.deletedPacks + position + 1, total);
      emptied = [];
      movedBytes = 0;
    }
    this.#result.freedBytes -= writer.storedBytes;
  }

  /** Puts the live entries of a pack into new ones; undefined when not all can be read and the pack must stay. */
  async #moveLive(packId: string, writer: PackWriter): Promise<number | undefined> {
    try {
      const contents = await readPackContents(this.#request.stores.store, packId, this.#sizes.get(packId) ?? 0);
      let movedBytes = 0;
      for (const group of contents.groups) movedBytes += await this.#moveGroup(packId, group, writer);
      return movedBytes;
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      this.#result.damaged.push(error);
      return undefined;
    }
  }

  async #moveGroup(packId: string, group: PackContents['groups'][number], writer: PackWriter): Promise<number> {
    const { offset: groupOffset, storedLength, plainLength, codec, kind } = group;
    let position = 0;
    let movedBytes = 0;
    for (const { digest, length } of group.entries) {
      const location = { packId, groupOffset, storedLength, plainLength, codec, position, length };
      position += length;
      if (!this.#live.isKept(digest, packId)) continue;
      const bytes = await this.#entries.readAt(location, digest, kind);
      if (!Buffer.isBuffer(bytes)) throw bytes;
      await writer.put(kind, digest, bytes);
      movedBytes += length;
    }
    return movedBytes;
  }
}
