/**
 * A region's repository in a directory, as the control plane and `hupo check` use it. Changes to which snapshots exist and
 * collections go one after another; what each leaves at a crash is told in `docs/format.md`.
 */
import fs from 'node:fs';
import { Mutex } from '../lib/mutex.ts';
import type { Random } from '../lib/random.ts';
import { checkRepository } from './check.ts';
import type { CheckRequest, RepositoryFinding } from './check.ts';
import { collectGarbage } from './collect.ts';
import type { CollectRequest, CollectResult } from './collect.ts';
import { commitManifest, deleteManifest, findManifest, readManifests } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { openStores } from './stores.ts';
import type { Stores } from './stores.ts';

const STORED_PREFIXES = ['packs/', 'snapshots/', 'tombstones/'];

/** Makes the folder, mode 0700, when it is absent. `random` names packs. */
export async function openRepository(folder: string, random: Random): Promise<Repository> {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  return new Repository(await openStores(folder), random);
}

export class Repository {
  readonly #stores: Stores;
  readonly #random: Random;
  readonly #changing = new Mutex();

  constructor(stores: Stores, random: Random) {
    this.#stores = stores;
    this.#random = random;
  }

  /** See `manifest.ts`: the last write of a snapshot. Again with the same content: nothing. */
  async commitManifest(manifest: Manifest): Promise<void> {
    await this.#changing.run(async () => commitManifest(this.#stores.store, manifest));
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
    await this.#changing.run(async () => deleteManifest(this.#stores.store, snapshotId));
  }

  /** Returns the space of what neither a manifest nor a root reaches. The caller sees to it that nothing uploads. */
  async collect(options: Pick<CollectRequest, 'roots' | 'onProgress'>): Promise<CollectResult> {
    const request = { ...options, stores: this.#stores, random: this.#random };
    return this.#changing.run(async () => collectGarbage(request));
  }

  /** What is wrong, empty when all is well. */
  async check(options: CheckRequest): Promise<RepositoryFinding[]> {
    return this.#changing.run(async () => checkRepository(this.#stores, options));
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
    this.#stores.index.close();
  }
}
