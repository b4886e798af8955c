/** Reads pages of trees by digest, decoded, through a small cache. */
import type { Digest } from './digest.ts';
import type { EntryReader } from './entry-reader.ts';
import { LruCache } from './lru-cache.ts';
import { decodePage } from './page.ts';
import type { Page } from './page.ts';

/** About 16 MiB of decoded pages: leaf pages of 8 GiB of disk. */
const CACHED_PAGES = 1024;

export class PageReader {
  readonly #entries: EntryReader;
  readonly #pages = new LruCache<Page>(CACHED_PAGES);

  constructor(entries: EntryReader) {
    this.#entries = entries;
  }

  /** The page (shared: do not change it). Throws CorruptionError when it is not there, not whole, or of another level. */
  async read(digest: Digest, level: number): Promise<Page> {
    const name = digest.toString('hex');
    const cached = this.#pages.find(name);
    if (cached !== undefined && cached.level === level) return cached;
    const bytes = await this.#entries.read(digest, 'page');
    const page = decodePage(Buffer.from(bytes), level, name);
    this.#pages.set(name, page, 1);
    return page;
  }
}
