/** A repository's object store and index, opened together. */
import fs from 'node:fs';
import path from 'node:path';
import { OperationalError } from '../lib/errors.ts';
import { DirectoryStore } from './object-store/directory-store.ts';
import type { ObjectStore } from './object-store/object-store.ts';
import { PackIndex } from './pack-index.ts';

export interface Stores {
  store: ObjectStore;
  index: PackIndex;
}

/** Opens the repository in a directory for reading. A new index is filled from the packs at once. */
export async function openStores(repositoryFolder: string): Promise<Stores> {
  if (!fs.existsSync(repositoryFolder)) {
    throw new OperationalError(`there is no repository at ${repositoryFolder}`, { retryable: false });
  }
  const store = new DirectoryStore(repositoryFolder);
  const index = PackIndex.open(path.join(repositoryFolder, 'index.db'));
  try {
    if (index.isNew) await index.reconcile(store);
  } catch (error) {
    index.close();
    throw error;
  }
  return { store, index };
}
