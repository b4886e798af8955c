/** Opens a repository in a directory for writing packs: the index agrees with the store before anything relies on it. */
import type { Random } from '../lib/random.ts';
import { EntryReader } from './entry-reader.ts';
import { PackWriter } from './pack-writer.ts';
import { PageReader } from './page-reader.ts';
import { openStores } from './stores.ts';

export interface RepositoryWriter {
  pages: PageReader;
  packs: PackWriter;
  /** Forgets what was not finished. */
  close(): void;
}

/** Several processes may write at once, but none while the collector runs. */
export async function openRepositoryWriter(repositoryFolder: string, random: Random): Promise<RepositoryWriter> {
  const { store, index } = await openStores(repositoryFolder);
  try {
    await index.reconcile(store);
  } catch (error) {
    index.close();
    throw error;
  }
  return {
    pages: new PageReader(new EntryReader(store, index)),
    packs: new PackWriter({ store, index, random }),
    close: () => index.close(),
  };
}
