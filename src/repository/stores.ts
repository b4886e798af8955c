/** A repository's object store and index, opened together. */
import fs from 'node:fs';
import path from 'node:path';
import { readBootId } from '../lib/boot-id.ts';
import { OperationalError } from '../lib/errors.ts';
import type { CondemnedPacks } from './collector-book.ts';
import { DirectoryStore } from './object-store/directory-store.ts';
import type { ObjectStore } from './object-store/object-store.ts';
import { PackIndex } from './pack-index.ts';

/** Where a repository is: plain data, told to other processes. Paths are absolute. */
export interface RepositoryPlace {
  /** The directory that is its object store. */
  storeFolder: string;
  /** Of this machine's caches, `index.db` and `ledger.db`; made when absent. */
  cacheFolder: string;
}

export interface Stores {
  store: ObjectStore;
  index: PackIndex;
}

/** The repository of a data folder. */
export function repositoryIn(dataFolder: string): RepositoryPlace {
  return { storeFolder: path.join(dataFolder, 'repository'), cacheFolder: path.join(dataFolder, 'cache') };
}

/** Opens a repository that is there. The first to do so after a boot makes the index agree with the store. */
export async function openStores(place: RepositoryPlace): Promise<Stores> {
  const store = openObjectStore(place);
  fs.mkdirSync(place.cacheFolder, { recursive: true, mode: 0o700 });
  const index = PackIndex.open(path.join(place.cacheFolder, 'index.db'));
  try {
    await index.reconcileOnce(store, readBootId());
  } catch (error) {
    index.close();
    throw error;
  }
  return { store, index };
}

/** See `PackIndex.condemn`: before a session takes anything for known. */
export async function takeCondemned({ store, index }: Stores, condemned: CondemnedPacks): Promise<void> {
  if (index.condemn(condemned)) return;
  await index.reconcile(store);
  index.condemn({ ...condemned, deletedSince: 0 });
}

export function openObjectStore({ storeFolder }: RepositoryPlace): ObjectStore {
  if (fs.existsSync(storeFolder)) return new DirectoryStore(storeFolder);
  throw new OperationalError(`there is no repository at ${storeFolder}`, { retryable: false });
}
