/**
 * Garbage collection, beside uploads, restores and lazy reads: counts what the manifests in the store and the trees in the
 * catalog need (`ledger.ts`), rewrites packs that hold little of it, condemns those that hold nothing, and deletes what was
 * condemned when nobody can need it any more (`collector-book.ts` says why that is safe). One collector at a time.
 *
 * A crash at any point leaves every live entry readable: what was live in a pack is durable and indexed elsewhere before the
 * pack is condemned. It may leave an entry in two packs, a pack without index rows, a condemned pack that is gone already; the
 * next collection ends all of that.
 */
import { assert } from '../lib/assert.ts';
import { CorruptionError } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import type { CollectorBook, CondemnedPacks, Look } from './collector-book.ts';
import type { Digest } from './digest.ts';
import { EntryReader } from './entry-reader.ts';
import type { Ledger } from './ledger.ts';
import { finishDeletions } from './manifest.ts';
import { listNeededTrees } from './needed-trees.ts';
import type { IndexedPack } from './pack-index.ts';
import { locationsOf, packName } from './pack.ts';
import type { Location, PackContents } from './pack.ts';
import { readPackContents } from './pack-end.ts';
import { PackWriter } from './pack-writer.ts';
import type { PackWriterOptions } from './pack-writer.ts';
import { planCollect } from './plan-collect.ts';
import type { CollectPlan } from './plan-collect.ts';
import { takeCondemned } from './stores.ts';
import type { Stores } from './stores.ts';

/** Old packs are condemned after so many bytes of live entries have found new ones. */
const REWRITE_BATCH_BYTES = 128 * 1024 * 1024;
const LEFT_DEAD_BYTES = 'leftDeadBytes';
/** Another collector that is at work changes the book under us: then it does what we would. */
const MOST_LOOKS = 3;

export interface CollectRequest {
  stores: Stores;
  ledger: Ledger;
  book: CollectorBook;
  random: Random;
  ownerEpoch: number;
  /** Whether to look for packs in the store that the index does not know: a writer may have died. */
  listsStore: boolean;
  /** Only says what it would do; what is counted meanwhile is kept. */
  dryRun?: boolean;
  onProgress?: (donePacks: number, totalPacks: number) => void;
  /** Of the packs that it writes. */
  writing?: Pick<PackWriterOptions, 'groupBytes' | 'packBytes' | 'compressor'>;
}

export interface CollectResult {
  /** What the object store holds less than before; of a dry run, what it would hold less in the end. */
  freedBytes: number;
  deletedPacks: number;
  rewrittenPacks: number;
  /** Dead bytes that stay until more is dead beside them. */
  leftDeadBytes: number;
  /** Condemned packs that wait for sessions which began before, and their bytes. */
  waiting: { packCount: number; bytes: number };
  /** Packs that were left alone because they cannot be read; `checkRepository` says what that hurts. */
  damaged: CorruptionError[];
}

/**
 * Throws CorruptionError, and has removed nothing but leftovers, when a manifest, tombstone or page cannot be read:
 * what it reaches is not known.
 */
export async function collectGarbage(request: CollectRequest): Promise<CollectResult> {
  const collection = new Collection(request);
  return collection.run();
}

class Collection {
  readonly #request: CollectRequest;
  readonly #entries: EntryReader;
  #packs: Map<string, IndexedPack> = new Map();
  readonly #result: CollectResult = {
    freedBytes: 0,
    deletedPacks: 0,
    rewrittenPacks: 0,
    leftDeadBytes: 0,
    waiting: { packCount: 0, bytes: 0 },
    damaged: [],
  };

  constructor(request: CollectRequest) {
    this.#request = request;
    const { store, index } = request.stores;
    this.#entries = new EntryReader(store, index);
  }

  async run(): Promise<CollectResult> {
    const { stores, ledger, dryRun = false, listsStore } = this.#request;
    const { store, index } = stores;
    if (!dryRun) await finishDeletions(store);
    if (listsStore) this.#result.damaged.push(...(await index.reconcile(store)).damaged);
    const look = await this.#look();
    if (!dryRun && look.sessions.length === 0) this.#result.freedBytes += await store.removeLeftovers();
    const packs = this.#measurePacks(look);
    const plan = this.#addHealed(planCollect(packs, ledger.findFact(LEFT_DEAD_BYTES) ?? 0), packs);
    if (dryRun) return this.#describe(plan, look);
    await this.#settle(look);
    const condemned = [...plan.deletes, ...(await this.#rewriteAll(plan))];
    this.#result.leftDeadBytes = Math.round(plan.leftDeadBytes);
    ledger.setFact(LEFT_DEAD_BYTES, this.#result.leftDeadBytes);
    if (condemned.length > 0) {
      await takeCondemned(stores, await this.#request.book.condemn(condemned));
      for (let looks = 0; looks < MOST_LOOKS && !(await this.#settle(await this.#look())); looks++);
    }
    return this.#result;
  }

  /** Counts all that is needed at one instant, and learns what is condemned. */
  async #look(): Promise<Look> {
    const { book } = this.#request;
    for (let look = await book.look(); ;) {
      try {
        await this.#countAt(look);
        return look;
      } catch (error) {
        if (!(error instanceof CorruptionError)) throw error;
        const next = await book.look();
        if (next.condemned.epoch === look.condemned.epoch) throw error;
        look = next; // another collector has deleted what was needed at that instant and is not any more
      }
    }
  }

  async #countAt(look: Look): Promise<void> {
    const { stores, ledger } = this.#request;
    await takeCondemned(stores, look.condemned);
    this.#packs = new Map(stores.index.listPacks().map((pack) => [pack.packId, pack]));
    for (const packId of ledger.listLiveBytes().keys()) if (!this.#packs.has(packId)) ledger.forgetPack(packId);
    for (const { packId } of look.condemned.packs) await this.#leave(packId);
    await ledger.count(await listNeededTrees(stores.store, ledger, look.trees));
  }

  /** Where there are other copies of what has its home in a condemned pack, it goes to those (G5). */
  async #leave(packId: string): Promise<void> {
    const { ledger } = this.#request;
    if ((ledger.listLiveBytes().get(packId) ?? 0) === 0) return;
    const contents = await this.#tryContents(packId, this.#packs.get(packId)?.sizeBytes ?? 0);
    if (contents !== undefined) await ledger.leave(packId, locationsOf(contents));
  }

  /** Of packs that may be condemned: not those that are, that a session is still writing for, or that are damaged. */
  #measurePacks(look: Look): { packId: string; liveBytes: number; deadBytes: number }[] {
    const { ledger } = this.#request;
    const live = ledger.listLiveBytes();
    const open = new Set(look.sessions.map(({ session }) => session));
    const condemned = new Set(look.condemned.packs.map(({ packId }) => packId));
    const damaged = new Set(this.#listBadKept());
    return [...this.#packs.values()]
      .filter(({ packId, session }) => !open.has(session) && !condemned.has(packId))
      .map(({ packId, groupBytes }) => {
        const liveBytes = live.get(packId) ?? 0;
        return { packId, liveBytes, deadBytes: Math.max(0, groupBytes - liveBytes) };
      })
      .filter(({ packId, liveBytes }) => liveBytes === 0 || !damaged.has(packId));
  }

  /** Packs whose only copy of something needed is damaged. */
  #listBadKept(): string[] {
    const { stores, ledger } = this.#request;
    return stores.index.listBad().flatMap(({ digest, packId }) => (ledger.isKept(digest, packId) ? [packId] : []));
  }

  /** What is needed of a pack with damaged copies goes to new ones, as soon as those have good copies elsewhere. */
  #addHealed(plan: CollectPlan, packs: readonly { packId: string; liveBytes: number }[]): CollectPlan {
    const bad = new Set(this.#request.stores.index.listBad().map(({ packId }) => packId));
    const healed = packs.filter(({ packId, liveBytes }) => bad.has(packId) && liveBytes > 0);
    return { ...plan, rewrites: [...new Set([...plan.rewrites, ...healed.map(({ packId }) => packId)])] };
  }

  #describe(plan: CollectPlan, look: Look): CollectResult {
    const live = this.#request.ledger.listLiveBytes();
    const going = [...plan.deletes, ...plan.rewrites, ...look.condemned.packs.map(({ packId }) => packId)];
    const freed = going.map((packId) => (this.#packs.get(packId)?.sizeBytes ?? 0) - (live.get(packId) ?? 0));
    return {
      ...this.#result,
      freedBytes: freed.reduce((sum, bytes) => sum + bytes, 0),
      deletedPacks: plan.deletes.length + look.condemned.packs.length,
      rewrittenPacks: plan.rewrites.length,
      leftDeadBytes: Math.round(plan.leftDeadBytes),
    };
  }

  /**
   * Lets die, or pardons, what was condemned before any session that is open at the look began, and deletes what is dying. False
   * when the book has changed since the look.
   */
  async #settle({ sessions, condemned }: Look): Promise<boolean> {
    const { stores, ledger, book } = this.#request;
    const oldest = Math.min(Infinity, ...sessions.map(({ epoch }) => epoch));
    const due = condemned.packs.filter(({ epoch }) => epoch <= oldest).map(({ packId }) => packId);
    const waiting = condemned.packs.filter(({ packId }) => !due.includes(packId));
    const bytes = waiting.reduce((sum, { packId }) => sum + (this.#packs.get(packId)?.sizeBytes ?? 0), 0);
    this.#result.waiting = { packCount: waiting.length, bytes };
    const live = ledger.listLiveBytes();
    const pardoned: string[] = [];
    for (const packId of due) {
      if ((live.get(packId) ?? 0) > 0 || (await this.#mayHoldHomeless(packId))) pardoned.push(packId);
    }
    const dead = due.filter((packId) => !pardoned.includes(packId));
    let changed: CondemnedPacks | null = null;
    let dying = condemned.dying.map(({ packId }) => packId);
    if (due.length > 0) {
      changed = await book.settle({ epoch: condemned.epoch, pardoned, dying: dead });
      if (changed === null) return false;
      dying = [...dying, ...dead];
    }
    for (const packId of dying) await this.#delete(packId);
    if (dying.length > 0) changed = await book.forget(dying);
    if (changed !== null) await takeCondemned(stores, changed);
    return true;
  }

  /** Whether something that is needed, and that nobody knows a place of, is in the pack, or may be. */
  async #mayHoldHomeless(packId: string): Promise<boolean> {
    const { ledger, stores } = this.#request;
    if (!ledger.hasHomeless()) return false;
    const info = await stores.store.stat(packName(packId));
    if (info === undefined) return false;
    const contents = await this.#tryContents(packId, info.sizeBytes);
    return contents === undefined || [...locationsOf(contents)].some(({ digest }) => ledger.isHomeless(digest));
  }

  async #delete(packId: string): Promise<void> {
    const { ledger, stores } = this.#request;
    stores.index.remove(packId, await this.#tryContents(packId, this.#packs.get(packId)?.sizeBytes ?? 0));
    await stores.store.delete(packName(packId));
    ledger.forgetPack(packId);
    this.#result.freedBytes += this.#packs.get(packId)?.sizeBytes ?? 0;
    this.#result.deletedPacks++;
  }

  async #tryContents(packId: string, sizeBytes: number): Promise<PackContents | undefined> {
    try {
      return await readPackContents(this.#request.stores.store, packId, sizeBytes);
    } catch (error) {
      if (error instanceof CorruptionError) return undefined;
      throw error;
    }
  }

  /** The packs that hold nothing live any more, for it has its home in new ones. */
  async #rewriteAll({ rewrites, deletes }: CollectPlan): Promise<string[]> {
    const { stores, random, ownerEpoch, ledger } = this.#request;
    const moved: { digest: Digest; location: Location }[] = [];
    const writer = new PackWriter({
      ...{ ...stores, random, ...this.#request.writing },
      fence: { ownerEpoch, session: 0 },
      isKnown: () => false,
      onIndexed: (contents) => moved.push(...locationsOf(contents)),
    });
    const emptied: string[] = [];
    let batch: string[] = [];
    let movedBytes = 0;
    for (const [position, packId] of rewrites.entries()) {
      const bytes = await this.#moveLive(packId, writer);
      movedBytes += bytes.movedBytes;
      if (bytes.isWhole) batch.push(packId);
      if (movedBytes < REWRITE_BATCH_BYTES && position + 1 < rewrites.length) continue;
      await writer.finish();
      ledger.moveHomes(moved.splice(0));
      emptied.push(...batch);
      this.#request.onProgress?.(deletes.length + position + 1, deletes.length + rewrites.length);
      batch = [];
      movedBytes = 0;
    }
    this.#result.freedBytes -= writer.storedBytes;
    this.#result.rewrittenPacks = emptied.length;
    const live = ledger.listLiveBytes();
    for (const packId of emptied)
      assert((live.get(packId) ?? 0) === 0, `pack ${packId} holds live bytes once rewritten`);
    return emptied;
  }

  /** Puts the live entries of a pack into new ones; not whole when some cannot be read and the pack must stay. */
  async #moveLive(packId: string, writer: PackWriter): Promise<{ movedBytes: number; isWhole: boolean }> {
    const { stores, ledger } = this.#request;
    const moved = { movedBytes: 0, isWhole: true };
    const contents = await this.#tryContents(packId, this.#packs.get(packId)?.sizeBytes ?? 0);
    if (contents === undefined) {
      this.#result.damaged.push(new CorruptionError(`pack ${packId}`, 'its end'));
      return { ...moved, isWhole: false };
    }
    for (const { digest, kind, location } of locationsOf(contents)) {
      if (!ledger.isKept(digest, packId)) continue;
      const bytes = await this.#entries.readAt(location, digest, kind);
      if (Buffer.isBuffer(bytes)) {
        await writer.put(kind, digest, bytes);
        moved.movedBytes += bytes.length;
        continue;
      }
      stores.index.markBad(digest, packId);
      this.#result.damaged.push(bytes);
      moved.isWhole = false;
    }
    return moved;
  }
}
