/** Opens a repository for writing packs. */
import type { Random } from '../lib/random.ts';
import { EntryReader } from './entry-reader.ts';
import type { Fence } from './pack.ts';
import { PackWriter } from './pack-writer.ts';
import { PageReader } from './page-reader.ts';
import { openStores } from './stores.ts';
import type { RepositoryPlace } from './stores.ts';

export interface RepositoryWriter {
  pages: PageReader;
  packs: PackWriter;
  /** Forgets what was not finished. */
  close(): void;
}

/**
 * For the session of `fence`, which must be open and whose epoch's condemned packs the index must know
 * (`collector-book.ts`). Several processes may write at once, beside the collector.
 */
export async function openRepositoryWriter(
  place: RepositoryPlace,
  fence: Fence,
  random: Random,
): Promise<RepositoryWriter> {
  const { store, index } = await openStores(place);
  return {
    pages: new PageReader(new EntryReader(store, index)),
    packs: new PackWriter({ store, index, random, fence }),
    close: () => index.close(),
  };
}
