/**
 * A region's repository, as the control plane and `hupo check` use it. Collections and checks go one after another; what each
 * change leaves at a crash is told in `docs/format.md`.
 */
import fs from 'node:fs';
import path from 'node:path';
import { Mutex } from '../lib/mutex.ts';
import type { Random } from '../lib/random.ts';
import { checkRepository } from './check.ts';
import type { CheckRequest, RepositoryFinding } from './check.ts';
import { collectGarbage } from './collect.ts';
import type { CollectRequest, CollectResult } from './collect.ts';
import type { CollectorBook, CondemnedPacks } from './collector-book.ts';
import { EntryReader } from './entry-reader.ts';
import { Ledger } from './ledger.ts';
import { LedgerStore } from './ledger-store.ts';
import { commitManifest, deleteManifest, findManifest, readManifests } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { openStores, takeCondemned } from './stores.ts';
import type { RepositoryPlace, Stores } from './stores.ts';

const STORED_PREFIXES = ['packs/', 'snapshots/', 'tombstones/'];

/** Makes the folders, mode 0700, when they are absent. `random` names packs. */
export async function openRepository(place: RepositoryPlace, random: Random): Promise<Repository> {
  fs.mkdirSync(place.storeFolder, { recursive: true, mode: 0o700 });
  return new Repository(await openStores(place), {
    random,
    openLedgerStore: () => LedgerStore.open(path.join(place.cacheFolder, 'ledger.db')),
  });
}

export class Repository {
  readonly #stores: Stores;
  readonly #random: Random;
  readonly #openLedgerStore: () => LedgerStore;
  readonly #alone = new Mutex();
  /** Opened for the first collection: one process at a time may have it. */
  #ledger: Ledger | undefined;
  /** Whether packs may be in the store that the index does not know. */
  #maybeStrangers = true;

  constructor(stores: Stores, options: { random: Random; openLedgerStore: () => LedgerStore }) {
    this.#stores = stores;
    this.#random = options.random;
    this.#openLedgerStore = options.openLedgerStore;
  }

  /** See `manifest.ts`: the last write of a snapshot. Again with the same content: nothing. */
  async commitManifest(manifest: Manifest): Promise<void> {
    await commitManifest(this.#stores.store, manifest);
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
    await deleteManifest(this.#stores.store, snapshotId);
  }

  /** See `PackIndex.condemn`. */
  async takeCondemned(condemned: CondemnedPacks): Promise<void> {
    await takeCondemned(this.#stores, condemned);
  }

  /** Returns the space of what neither a manifest nor a tree of the book needs, beside those who write and read. */
  async collect(
    book: CollectorBook,
    options: Pick<CollectRequest, 'dryRun' | 'onProgress'> = {},
  ): Promise<CollectResult> {
    return this.#alone.run(async () => {
      const { store, index } = this.#stores;
      this.#ledger ??= new Ledger(this.#openLedgerStore(), index, new EntryReader(store, index));
      const listsStore = this.#maybeStrangers;
      const request = { ...options, stores: this.#stores, ledger: this.#ledger, book, random: this.#random };
      const result = await collectGarbage({ ...request, ownerEpoch: 0, listsStore });
      this.#maybeStrangers = false;
      return result;
    });
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
    this.#ledger?.close();
    this.#stores.index.close();
  }
}
