/** Opens a repository for writing packs. */
import type { Random } from '../lib/random.ts';
import type { CondemnedPacks } from './collector-book.ts';
import { EntryReader } from './entry-reader.ts';
import type { Fence } from './pack.ts';
import { PackWriter } from './pack-writer.ts';
import type { Compressor } from './pack-writer.ts';
import { PageReader } from './page-reader.ts';
import { openStores, takeCondemned } from './stores.ts';
import type { RepositoryPlace } from './stores.ts';

export interface RepositoryWriter {
  pages: PageReader;
  packs: PackWriter;
  /** Forgets what was not finished. */
  close(): void;
}

/** An open session, and what was condemned when it began (`collector-book.ts`). Plain data: it goes to a worker. */
export interface WriterSession {
  fence: Fence;
  condemned: CondemnedPacks;
}

/** Several processes may write at once, beside the collector. Throws what `openStores` throws. */
export async function openRepositoryWriter(
  place: RepositoryPlace,
  { fence, condemned }: WriterSession,
  random: Random,
  compressor?: Compressor,
): Promise<RepositoryWriter> {
  const { store, index } = await openStores(place);
  try {
    await takeCondemned({ store, index }, condemned);
  } catch (error) {
    index.close();
    throw error;
  }
  return {
    pages: new PageReader(new EntryReader(store, index)),
    packs: new PackWriter({ store, index, random, fence, ...(compressor && { compressor }) }),
    close: () => index.close(),
  };
}
