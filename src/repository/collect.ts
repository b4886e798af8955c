/**
 * Garbage collection, beside uploads, restores and lazy reads: counts what the manifests in the store and the trees in the
 * catalog need (`ledger.ts`), rewrites packs that hold little of it, condemns those that hold nothing, and deletes what was
 * condemned when nobody can need it any more (`collector-book.ts` says why that is safe). One collector at a time.
 *
 * A crash at any point leaves every live entry readable: what was live in a pack is durable and indexed elsewhere before the
 * pack is condemned. It may leave an entry in two packs, a pack without index rows, a condemned pack that is gone already; the
 * next collection ends all of that.
 */
import { CorruptionError } from '../lib/errors.ts';
import type { CollectorBook, CondemnedPacks, Look } from './collector-book.ts';
import type { Digest } from './digest.ts';
import type { Ledger } from './ledger.ts';
import { finishDeletions } from './manifest.ts';
import { countNeeded } from './needed-trees.ts';
import type { IndexedPack, UnreadablePack } from './pack-index.ts';
import { packName } from './pack.ts';
import type { LocatedEntry } from './pack.ts';
import { encodeKept, findPackEntries } from './rewrite.ts';
import type { Rewriter, RewrittenPack } from './rewrite.ts';
import { planCollect, planDense } from './plan-collect.ts';
import type { CollectPlan, PackUsage } from './plan-collect.ts';
import { takeCondemned } from './stores.ts';
import type { Stores } from './stores.ts';

/** Old packs are condemned after so many bytes of live entries have found new ones. */
const REWRITE_BATCH_BYTES = 128 * 1024 * 1024;
const LEFT_DEAD_BYTES = 'leftDeadBytes';
/** Packs, between two looks at whose the repository is. */
const DELETED_AT_ONCE = 32;
/** Another collector that is at work changes the book under us: then it does what we would. */
const MOST_LOOKS = 3;

export interface CollectRequest {
  stores: Stores;
  ledger: Ledger;
  book: CollectorBook;
  ownerEpoch: number;
  /** Whether to look for packs in the store that the index does not know: a writer may have died. */
  listsStore: boolean;
  /** Only says what it would do; what is counted meanwhile is kept. */
  dryRun?: boolean;
  onProgress?: (donePacks: number, totalPacks: number) => void;
  /** Writes what is needed of some packs into new ones (`rewrite.ts`). */
  rewrite: Rewriter;
  /** Throws when another has taken the repository: then nothing is deleted any more. */
  assertOwned?: () => Promise<void>;
  /** Packs that came before are also rewritten in large groups, about so many bytes of them. */
  dense?: { addedBeforeMs: number; budgetBytes: number };
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
  /** Of them, those of which nobody knows what they hold: to be looked for again by the next collection. */
  unknownPacks: number;
}

interface BadKept {
  /** Hex. */
  digests: ReadonlySet<string>;
  /** Stored. */
  bytes: number;
}

/** Dead bytes in packs that stay when those of `rewritten` go. */
function leftDeadBytes(packs: readonly PackUsage[], rewritten: readonly string[]): number {
  const gone = new Set(rewritten);
  const left = packs.filter(({ packId, liveBytes }) => liveBytes > 0 && !gone.has(packId));
  return left.reduce((sum, { deadBytes }) => sum + deadBytes, 0);
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
  #packs: Map<string, IndexedPack> = new Map();
  /** Packs whose end cannot be read and that the index does not know. */
  readonly #strangers = new Map<string, UnreadablePack>();
  /** Those of them that are condemned now: they die when they cannot be read the next time either. */
  readonly #waitsForNext = new Set<string>();
  readonly #result: CollectResult = {
    freedBytes: 0,
    deletedPacks: 0,
    rewrittenPacks: 0,
    leftDeadBytes: 0,
    waiting: { packCount: 0, bytes: 0 },
    damaged: [],
    unknownPacks: 0,
  };
  /** By pack: damaged copies that are the only ones of something needed. */
  #badKept: ReadonlyMap<string, BadKept> = new Map();

  constructor(request: CollectRequest) {
    this.#request = request;
  }

  async run(): Promise<CollectResult> {
    const { stores, ledger, dryRun = false, listsStore } = this.#request;
    const { store, index } = stores;
    if (!dryRun && listsStore) this.#result.freedBytes += await store.removeLeftovers();
    if (!dryRun) await finishDeletions(store);
    const { unreadable } = listsStore ? await index.reconcile(store) : { unreadable: [] };
    const look = await this.#look();
    const packs = this.#measurePacks(look);
    const plan = this.#addDamaged(planCollect(packs, ledger.findFact(LEFT_DEAD_BYTES) ?? 0), packs);
    plan.deletes.push(...this.#listDead(unreadable, look));
    if (dryRun) return this.#describe(plan, look, packs);
    await this.#settle(look);
    const dense = this.#planDense(packs, plan);
    const rewrites = [...new Set([...plan.rewrites, ...dense])];
    const wasDense = plan.rewrites.filter((packId) => this.#packs.get(packId)?.isDense === true);
    const emptied = await this.#rewriteAll({ ...plan, rewrites, dense: new Set([...dense, ...wasDense]) });
    const condemned = [...plan.deletes, ...emptied];
    this.#badKept = this.#findBadKept();
    this.#result.leftDeadBytes = leftDeadBytes(this.#measurePacks(look), emptied);
    ledger.setFact(LEFT_DEAD_BYTES, this.#result.leftDeadBytes);
    if (condemned.length > 0) {
      await takeCondemned(stores, await this.#request.book.condemn(condemned));
      for (let looks = 0; looks < MOST_LOOKS && !(await this.#settle(await this.#look())); looks++);
    }
    return { ...this.#result, ...this.#describeStrangers() };
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
    await countNeeded(stores.store, ledger, look.trees);
    this.#badKept = this.#findBadKept();
  }

  #findBadKept(): Map<string, BadKept> {
    const { stores, ledger } = this.#request;
    const found = new Map<string, { digests: Set<string>; bytes: number }>();
    for (const { digest, packId } of stores.index.listBad()) {
      const bytes = ledger.findKeptBytes(digest, packId);
      if (bytes === null) continue;
      const bad = found.get(packId) ?? { digests: new Set<string>(), bytes: 0 };
      found.set(packId, bad);
      bad.digests.add(digest.toString('hex'));
      bad.bytes += bytes;
    }
    return found;
  }

  #describeStrangers(): Pick<CollectResult, 'damaged' | 'unknownPacks'> {
    const errors = [...this.#strangers.values()].map(({ error }) => error);
    return { damaged: [...this.#result.damaged, ...errors], unknownPacks: errors.length };
  }

  /** Where there are other copies of what has its home in a condemned pack, it goes to those (G5). */
  async #leave(packId: string): Promise<void> {
    const { ledger } = this.#request;
    if ((ledger.listLiveBytes().get(packId) ?? 0) === 0) return;
    const entries = await this.#findEntries(packId);
    if (entries !== undefined) await ledger.leave(packId, entries);
  }

  /**
   * Of packs that may be condemned: not those that are, that a session is still writing for, or that have the only copy of
   * something, damaged. What else a pack without an end has goes elsewhere all the same.
   */
  #measurePacks(look: Look): PackUsage[] {
    const { ledger } = this.#request;
    const live = ledger.listLiveBytes();
    const open = new Set(look.sessions.map(({ session }) => session));
    const condemned = new Set(look.condemned.packs.map(({ packId }) => packId));
    const isOfUse = ({ packId, isEndDamaged }: IndexedPack, liveBytes: number): boolean => {
      const { bytes: badBytes = 0 } = this.#badKept.get(packId) ?? {};
      return liveBytes === 0 || badBytes === 0 || (isEndDamaged && badBytes < liveBytes);
    };
    return [...this.#packs.values()]
      .filter(({ packId, session }) => !open.has(session) && !condemned.has(packId))
      .filter((pack) => isOfUse(pack, live.get(pack.packId) ?? 0))
      .map(({ packId, groupBytes }) => {
        const liveBytes = live.get(packId) ?? 0;
        return { packId, liveBytes, deadBytes: Math.max(0, groupBytes - liveBytes) };
      });
  }

  /**
   * What is needed of a damaged pack goes to new ones: where its end is damaged, and where copies in it are, as soon as those have
   * good ones elsewhere.
   */
  #addDamaged(plan: CollectPlan, packs: readonly { packId: string; liveBytes: number }[]): CollectPlan {
    const bad = new Set(this.#request.stores.index.listBad().map(({ packId }) => packId));
    const isDamaged = (packId: string) => bad.has(packId) || this.#packs.get(packId)?.isEndDamaged === true;
    const damaged = packs.filter(({ packId, liveBytes }) => isDamaged(packId) && liveBytes > 0);
    return { ...plan, rewrites: [...new Set([...plan.rewrites, ...damaged.map(({ packId }) => packId)])] };
  }

  /** Packs of which nobody knows what they hold are of no use when all that is needed has a good copy elsewhere. */
  #listDead(unreadable: readonly UnreadablePack[], { condemned }: Look): string[] {
    for (const stranger of unreadable) this.#strangers.set(stranger.packId, stranger);
    if (this.#request.ledger.hasHomeless() || this.#badKept.size > 0) return [];
    const known = new Set([...condemned.packs, ...condemned.dying, ...condemned.deleted].map(({ packId }) => packId));
    const dead = [...this.#strangers.keys()].filter((packId) => !known.has(packId));
    for (const packId of dead) this.#waitsForNext.add(packId);
    return dead;
  }

  #planDense(packs: readonly { packId: string; liveBytes: number }[], plan: CollectPlan): string[] {
    const { dense } = this.#request;
    if (dense === undefined) return [];
    const planned = new Set(plan.rewrites);
    const free = packs.filter(({ packId, liveBytes }) => liveBytes > 0 && !planned.has(packId));
    const candidates = free.flatMap(({ packId }) => this.#packs.get(packId) ?? []);
    return planDense(candidates, dense);
  }

  #describe(plan: CollectPlan, look: Look, packs: readonly PackUsage[]): CollectResult {
    const live = this.#request.ledger.listLiveBytes();
    const going = [...plan.deletes, ...plan.rewrites, ...look.condemned.packs.map(({ packId }) => packId)];
    const leaving = going.filter((packId) => !this.#badKept.has(packId));
    const freed = leaving.map((packId) => this.#sizeOf(packId) - (live.get(packId) ?? 0));
    return {
      ...this.#result,
      ...this.#describeStrangers(),
      freedBytes: freed.reduce((sum, bytes) => sum + bytes, 0),
      deletedPacks: plan.deletes.length + look.condemned.packs.length,
      rewrittenPacks: plan.rewrites.length,
      leftDeadBytes: leftDeadBytes(packs, plan.rewrites),
    };
  }

  /**
   * Lets die, or pardons, what was condemned before any session that is open at the look began, and deletes what is dying. False
   * when the book has changed since the look.
   */
  async #settle({ sessions, condemned }: Look): Promise<boolean> {
    const { stores, ledger, book } = this.#request;
    const oldest = Math.min(Infinity, ...sessions.map(({ epoch }) => epoch));
    const due = condemned.packs
      .filter(({ packId, epoch }) => epoch <= oldest && !this.#waitsForNext.has(packId))
      .map(({ packId }) => packId);
    const dueIds = new Set(due);
    const waiting = condemned.packs.filter(({ packId }) => !dueIds.has(packId));
    const bytes = waiting.reduce((sum, { packId }) => sum + this.#sizeOf(packId), 0);
    this.#result.waiting = { packCount: waiting.length, bytes };
    const live = ledger.listLiveBytes();
    const pardoned: string[] = [];
    for (const packId of due) {
      if ((live.get(packId) ?? 0) > 0 || (await this.#mayHoldMissing(packId))) pardoned.push(packId);
    }
    const pardonedIds = new Set(pardoned);
    const dead = due.filter((packId) => !pardonedIds.has(packId));
    let changed: CondemnedPacks | null = null;
    let dying = condemned.dying.map(({ packId }) => packId);
    if (due.length > 0) {
      changed = await book.settle({ epoch: condemned.epoch, pardoned, dying: dead });
      if (changed === null) return false;
      dying = [...dying, ...dead];
    }
    for (const [position, packId] of dying.entries()) {
      if (position % DELETED_AT_ONCE === 0) await this.#request.assertOwned?.();
      await this.#delete(packId);
    }
    if (dying.length > 0) changed = await book.forget(dying);
    if (changed !== null) await takeCondemned(stores, changed);
    return true;
  }

  /** Whether something that is needed, and that nobody knows a good place of, is in the pack, or may be. */
  async #mayHoldMissing(packId: string): Promise<boolean> {
    const { ledger, stores } = this.#request;
    if (!ledger.hasHomeless() && this.#badKept.size === 0) return false;
    const info = await stores.store.stat(packName(packId));
    if (info === undefined) return false;
    const entries = await findPackEntries(stores, packId, info.sizeBytes);
    const bad = new Set([...this.#badKept.values()].flatMap(({ digests }) => [...digests]));
    const isMissing = (digest: Digest) => ledger.isHomeless(digest) || bad.has(digest.toString('hex'));
    return entries === undefined || entries.some(({ digest }) => isMissing(digest));
  }

  async #delete(packId: string): Promise<void> {
    const { ledger, stores } = this.#request;
    stores.index.remove(packId, await this.#findEntries(packId));
    await stores.store.delete(packName(packId));
    ledger.forgetPack(packId);
    this.#result.freedBytes += this.#sizeOf(packId);
    this.#result.deletedPacks++;
    this.#strangers.delete(packId);
  }

  async #findEntries(packId: string): Promise<LocatedEntry[] | undefined> {
    return findPackEntries(this.#request.stores, packId, this.#sizeOf(packId));
  }

  /** Bytes. */
  #sizeOf(packId: string): number {
    return this.#packs.get(packId)?.sizeBytes ?? this.#strangers.get(packId)?.sizeBytes ?? 0;
  }

  /** The packs that hold nothing live any more, for it has its home in new ones. */
  async #rewriteAll({ rewrites, deletes, dense }: CollectPlan & { dense: ReadonlySet<string> }): Promise<string[]> {
    const emptied: string[] = [];
    let batch: RewrittenPack[] = [];
    let movedBytes = 0;
    for (const [position, packId] of rewrites.entries()) {
      const isDense = dense.has(packId);
      const next = rewrites[position + 1];
      const pack = await this.#planRewrite(packId);
      if (pack !== undefined) batch.push(pack);
      movedBytes += this.#packs.get(packId)?.plainBytes ?? 0;
      const isLast = next === undefined || dense.has(next) !== isDense;
      if (batch.length === 0 || (movedBytes < REWRITE_BATCH_BYTES && !isLast)) continue;
      emptied.push(...(await this.#rewrite(batch, isDense)));
      this.#request.onProgress?.(deletes.length + position + 1, deletes.length + rewrites.length);
      batch = [];
      movedBytes = 0;
    }
    this.#result.rewrittenPacks = emptied.length;
    const live = this.#request.ledger.listLiveBytes();
    return emptied.filter((packId) => (live.get(packId) ?? 0) === 0);
  }

  /** Which of its entries have their home in it; undefined when its end cannot be read, and it must stay. */
  async #planRewrite(packId: string): Promise<RewrittenPack | undefined> {
    const entries = await this.#findEntries(packId);
    if (entries === undefined) {
      this.#result.damaged.push(new CorruptionError(`pack ${packId}`, 'its end'));
      return undefined;
    }
    const bad = this.#badKept.get(packId)?.digests ?? new Set();
    const kept = entries.map(
      ({ digest }) => !bad.has(digest.toString('hex')) && this.#request.ledger.isKept(digest, packId),
    );
    return { packId, sizeBytes: this.#sizeOf(packId), kept: encodeKept(kept) };
  }

  /** The packs of the batch that are rewritten whole. */
  async #rewrite(packs: readonly RewrittenPack[], isDense: boolean): Promise<string[]> {
    const { stores, ledger, ownerEpoch, rewrite } = this.#request;
    const written = await rewrite({ packs, isDense, ownerEpoch });
    const moved: LocatedEntry[] = [];
    for (const { packId, sizeBytes } of written.packs) {
      // Another collector that took it for garbage may have deleted it by now.
      moved.push(...((await findPackEntries(stores, packId, sizeBytes)) ?? []));
      this.#result.freedBytes -= sizeBytes;
    }
    ledger.moveHomes(moved);
    for (const { digest, packId, message } of written.bad) {
      stores.index.markBad(Buffer.from(digest, 'hex'), packId);
      this.#result.damaged.push(new CorruptionError(`${digest} in pack ${packId}`, message));
    }
    const damaged = new Set(written.bad.map(({ packId }) => packId));
    return packs.map(({ packId }) => packId).filter((packId) => !damaged.has(packId));
  }
}
