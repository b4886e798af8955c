/**
 * A region's repository, as the control plane and `hupo check` use it. Collections and checks go one after another; what each
 * change leaves at a crash is told in `docs/format.md`.
 */
import fs from 'node:fs';
import path from 'node:path';
import { assert } from '../lib/assert.ts';
import { Mutex } from '../lib/mutex.ts';
import type { Random } from '../lib/random.ts';
import { ChainSizes } from './chain-sizes.ts';
import type { ChainSize } from './chain-sizes.ts';
import { checkRepository } from './check.ts';
import type { CheckRequest, RepositoryFinding } from './check.ts';
import { collectGarbage } from './collect.ts';
import type { CollectRequest, CollectResult } from './collect.ts';
import type { CollectorBook } from './collector-book.ts';
import { EntryReader } from './entry-reader.ts';
import { healChunks } from './heal.ts';
import type { AskDisk } from './heal.ts';
import { PackWriter } from './pack-writer.ts';
import { Ledger } from './ledger.ts';
import { LedgerStore } from './ledger-store.ts';
import { describeSizes, measurePacks } from './sizes.ts';
import type { PackTotals, RepositorySizes } from './sizes.ts';
import { Verification } from './verification.ts';
import type { PassState, StepResult } from './verification.ts';
import { countNeeded } from './needed-trees.ts';
import { commitManifest, deleteManifest, findManifest, manifestName, readManifests } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import type { ObjectStore } from './object-store/object-store.ts';
import { TakenOverError, assertOwner } from './owner.ts';
import type { Owner } from './owner.ts';
import type { Fence } from './pack.ts';
import { rewritePacks } from './rewrite.ts';
import type { Rewriter } from './rewrite.ts';
import { openStores, takeCondemned } from './stores.ts';
import type { TreeRef } from './tree-ref.ts';
import type { RepositoryPlace, Stores } from './stores.ts';
import type { WriterSession } from './writer.ts';
import { readBootId } from '../lib/boot-id.ts';

/** A fact of the index: the owner's mark when it was last used for writing. */
const OWNER_MARK = 'ownerMark';
const STORED_PREFIXES = ['packs/', 'snapshots/', 'tombstones/', 'catalogs/', 'owners/'];

/**
 * Makes the folders, mode 0700, when they are absent. `random` names packs; `rewrite` rewrites them elsewhere, null: here.
 */
export async function openRepository(
  place: RepositoryPlace,
  random: Random,
  rewrite: Rewriter | null = null,
): Promise<Repository> {
  fs.mkdirSync(place.storeFolder, { recursive: true, mode: 0o700 });
  return new Repository(await openStores(place), {
    random,
    rewrite,
    openLedgerStore: () => LedgerStore.open(path.join(place.cacheFolder, 'ledger.db')),
  });
}

export class Repository {
  readonly #stores: Stores;
  readonly #random: Random;
  readonly #rewrite: Rewriter;
  readonly #openLedgerStore: () => LedgerStore;
  readonly #alone = new Mutex();
  readonly #owning = new Mutex();
  #owner: Owner | null = null;
  /** Opened for the first collection: one process at a time may have it. */
  #ledger: Ledger | undefined;
  #chainSizes: ChainSizes | undefined;
  #isMeasuring = false;
  readonly #closing = new AbortController();
  /** Whether packs may be in the store that the index does not know. */
  #maybeStrangers = true;

  constructor(
    stores: Stores,
    options: { random: Random; rewrite: Rewriter | null; openLedgerStore: () => LedgerStore },
  ) {
    this.#stores = stores;
    this.#random = options.random;
    this.#rewrite = options.rewrite ?? ((job) => rewritePacks(stores, job, { random: options.random }));
    this.#openLedgerStore = options.openLedgerStore;
  }

  get store(): ObjectStore {
    return this.#stores.store;
  }

  /** Whose repository it is from now on: `take` takes it. Before that nothing is written. */
  async changeOwner(take: (store: ObjectStore) => Promise<Owner>): Promise<Owner> {
    return this.#owning.run(async () => {
      const owner = await take(this.#stores.store);
      this.#owner = owner;
      this.#stores.index.setFact(OWNER_MARK, owner.mark);
      return owner;
    });
  }

  /**
   * The caches are of the time when the repository had the mark `mark`, its latest owner's; else they are forgotten, for
   * they are of another repository, or of another time of this one.
   */
  async useCachesOf(mark: string | null): Promise<void> {
    const { store, index } = this.#stores;
    const known = (index.findFact(OWNER_MARK) as unknown as string | undefined) ?? null;
    if (known === mark) return;
    index.clear();
    this.#openLedger().forget();
    await index.reconcileOnce(store, readBootId());
  }

  /** What a worker of that session writes into packs. */
  fenceOf(session: number): Fence {
    assert(this.#owner !== null, 'nobody has taken the repository');
    return { ownerEpoch: this.#owner.ownerEpoch, session };
  }

  /** Throws an OperationalError when another has taken it since. */
  async assertOwned(): Promise<void> {
    await this.#owning.run(async () => {
      assert(this.#owner !== null, 'nobody has taken the repository');
      await assertOwner(this.#stores.store, this.#owner);
    });
  }

  /**
   * See `manifest.ts`: the last write of a snapshot. Again with the same content: nothing. One that was committed just as
   * another took the repository is taken back.
   */
  async commitManifest(manifest: Manifest): Promise<void> {
    await this.assertOwned();
    await commitManifest(this.#stores.store, manifest);
    try {
      await this.assertOwned();
    } catch (error) {
      if (error instanceof TakenOverError) await this.#stores.store.delete(manifestName(manifest.snapshotId));
      throw error;
    }
  }

  async findManifest(snapshotId: string): Promise<Manifest | undefined> {
    return findManifest(this.#stores.store, snapshotId);
  }

  /** See `manifest.ts`. */
  async readManifests(): Promise<{ manifests: Manifest[]; damagedIds: string[] }> {
    return readManifests(this.#stores.store);
  }

  /** The snapshot is gone; its bytes go with the next collection. Absent: nothing. */
  async deleteManifest(snapshotId: string): Promise<void> {
    await this.assertOwned();
    await deleteManifest(this.#stores.store, snapshotId);
  }

  /** Returns the space of what neither a manifest nor a tree of the book needs, beside those who write and read. */
  async collect(
    book: CollectorBook,
    options: Pick<CollectRequest, 'dryRun' | 'onProgress' | 'dense'> = {},
  ): Promise<CollectResult> {
    return this.#alone.run(async () => {
      const listsStore = this.#maybeStrangers;
      if (options.dryRun !== true) this.#maybeStrangers = false;
      const request = { ...options, stores: this.#stores, ledger: this.#openLedger(), rewrite: this.#rewrite };
      const owned: CollectorBook = {
        look: () => book.look(),
        condemn: (packIds) => book.condemn(packIds),
        settle: async (change) => {
          await this.assertOwned();
          return book.settle(change);
        },
        forget: (packIds) => book.forget(packIds),
      };
      if (options.dryRun !== true) await this.assertOwned();
      const ownerEpoch = this.#owner?.ownerEpoch ?? 0;
      const assertOwned = () => this.assertOwned();
      try {
        const result = await collectGarbage({ ...request, book: owned, ownerEpoch, listsStore, assertOwned });
        // Packs that cannot be read are looked for again: they go when nothing is missing any more.
        this.#maybeStrangers ||= result.unknownPacks > 0;
        return result;
      } catch (error) {
        this.#maybeStrangers = true;
        throw error;
      }
    });
  }

  #openLedger(): Ledger {
    const { store, index } = this.#stores;
    this.#ledger ??= new Ledger(this.#openLedgerStore(), index, new EntryReader(store, index));
    return this.#ledger;
  }

  /** Counts what is needed now, and measures what each snapshot alone holds. */
  async count(book: Pick<CollectorBook, 'look'>, signal?: AbortSignal): Promise<void> {
    await this.#alone.run(async () => {
      const ledger = this.#openLedger();
      const { trees } = await book.look();
      await countNeeded(this.#stores.store, ledger, trees);
      await ledger.measure(signal);
    });
  }

  /** See `heal.ts`; durable when it resolves. */
  async heal(
    findings: readonly RepositoryFinding[],
    { fence, condemned }: WriterSession,
    askDisk: AskDisk,
  ): Promise<number> {
    await takeCondemned(this.#stores, condemned);
    const writer = new PackWriter({ ...this.#stores, random: this.#random, fence });
    const count = await healChunks(this.#stores, findings, writer, askDisk);
    await writer.finish();
    return count;
  }

  /** What can be told at once, at any size but that of the list of packs. */
  measure(): PackTotals & { lastPassMs: number } {
    return { ...measurePacks(this.#stores.index), lastPassMs: this.findLastPass() };
  }

  /** How large everything is, as of the last count. */
  async describe(): Promise<RepositorySizes> {
    return this.#alone.run(async () => describeSizes(this.#stores, this.#openLedger()));
  }

  /**
   * What the snapshots with these trees, all those of a chain, take as of what is counted now: at once, whatever goes on. What
   * it needs besides is measured soon after.
   */
  sizeChain(trees: readonly TreeRef[]): ChainSize {
    this.#chainSizes ??= new ChainSizes(this.#openLedger());
    const size = this.#chainSizes.size(trees);
    if (this.#chainSizes.isWaiting && !this.#isMeasuring) void this.#measureChains(this.#chainSizes);
    return size;
  }

  /** What cannot be read stays uncounted: a check tells why. */
  async #measureChains(sizes: ChainSizes): Promise<void> {
    this.#isMeasuring = true;
    await this.#alone.run(() => sizes.measure(this.#closing.signal)).catch(() => undefined);
    this.#isMeasuring = false;
  }

  /**
   * One pack more of the pass of verification, which begins where there is none, or none that began at `sinceMs` or later; see
   * `Verification`. Several may ask: when one has ended that pass, it has ended for all of them.
   */
  async verifyNext(
    nowMs: number,
    listRoots: CheckRequest['listRoots'],
    sinceMs = 0,
  ): Promise<StepResult & { leftBytes: number }> {
    return this.#alone.run(async () => {
      const verification = new Verification(this.#stores, this.#openLedger());
      const pass = verification.findPass();
      if (pass === null && sinceMs > 0 && verification.findLastPass() >= sinceMs) {
        return { readBytes: 0, findings: [], ended: [], leftBytes: 0 };
      }
      if (pass === null || pass.startedAtMs < sinceMs) verification.begin(Math.max(nowMs, sinceMs));
      const result = await verification.step(nowMs, listRoots);
      return { ...result, leftBytes: verification.findPass()?.leftBytes ?? 0 };
    });
  }

  /** The pass that is under way, or null. */
  findPass(): PassState | null {
    return new Verification(this.#stores, this.#openLedger()).findPass();
  }

  /** When the last pass began, milliseconds since 1970; 0: never. */
  findLastPass(): number {
    return new Verification(this.#stores, this.#openLedger()).findLastPass();
  }

  /** Whether there is something that a collection may mend, or that goes with one. */
  hasBadCopies(): boolean {
    const { index } = this.#stores;
    return index.listBad().length > 0 || index.listPacks().some(({ isEndDamaged }) => isEndDamaged);
  }

  /** A writer has died: it may have left packs that the index does not know. */
  expectStrangers(): void {
    this.#maybeStrangers = true;
  }

  /** What is wrong, empty when all is well. */
  async check(options: CheckRequest): Promise<RepositoryFinding[]> {
    return this.#alone.run(async () => checkRepository(this.#stores, options));
  }

  /** Bytes of all objects. */
  async measureStoredBytes(): Promise<number> {
    let storedBytes = 0;
    for (const prefix of STORED_PREFIXES) {
      for await (const { sizeBytes } of this.#stores.store.list(prefix)) storedBytes += sizeBytes;
    }
    return storedBytes;
  }

  close(): void {
    this.#closing.abort();
    this.#ledger?.close();
    this.#stores.index.close();
  }
}
