/**
 * Walks trees for the checker: every page is read and verified, every chunk must have a copy that is not known to be
 * bad. Pages found clean once, with all below, are not walked again: snapshots share most of them.
 */
import type { StatementSync } from 'node:sqlite';
import { CorruptionError } from '../lib/errors.ts';
import type { BadCopies } from './check-packs.ts';
import type { Digest } from './digest.ts';
import { EntryReader } from './entry-reader.ts';
import { packName } from './pack.ts';
import type { PackIndex } from './pack-index.ts';
import { chunksOfLevel, decodePage } from './page.ts';
import type { Page } from './page.ts';
import type { Stores } from './stores.ts';
import type { TreeRef } from './tree-ref.ts';

/** Chunks that cannot be read, and the object to blame, where it is known. */
export interface Hurt {
  object: string | null;
  what: string;
  firstChunk: number;
  chunkCount: number;
}

interface Place {
  digest: Digest;
  level: number;
  firstChunk: number;
}

export class CheckedTrees {
  readonly #index: PackIndex;
  readonly #entries: EntryReader;
  readonly #bad: BadCopies;
  readonly #addClean: StatementSync;
  readonly #findClean: StatementSync;

  constructor({ store, index }: Stores, bad: BadCopies) {
    this.#index = index;
    this.#entries = new EntryReader(store, index);
    this.#bad = bad;
    index.database.exec(`
      DROP TABLE IF EXISTS temp.clean;
      CREATE TEMP TABLE clean (digest BLOB PRIMARY KEY, chunkCount INTEGER, endChunk INTEGER) WITHOUT ROWID;
    `);
    this.#addClean = index.database.prepare('INSERT OR IGNORE INTO temp.clean VALUES (?, ?, ?)');
    this.#findClean = index.database.prepare('SELECT chunkCount, endChunk FROM temp.clean WHERE digest = ?');
  }

  /**
   * Reports what is hurt, in chunk order. Resolves to the number of data chunks (null when parts cannot be read) and the
   * chunk after the last.
   */
  async check(
    tree: TreeRef,
    report: (hurt: Hurt) => void,
  ): Promise<{ dataChunkCount: number | null; endChunk: number }> {
    if (tree.root === null) return { dataChunkCount: 0, endChunk: 0 };
    let isHurt = false;
    const root = { digest: Buffer.from(tree.root, 'hex'), level: tree.levels, firstChunk: 0 };
    const { chunkCount, endChunk } = await this.#checkPage(root, (hurt) => {
      isHurt = true;
      report(hurt);
    });
    return { dataChunkCount: isHurt ? null : chunkCount, endChunk };
  }

  /** Ends are relative to the page, so that they hold wherever it is shared. */
  async #checkPage(place: Place, report: (hurt: Hurt) => void): Promise<{ chunkCount: number; endChunk: number }> {
    const known = this.#findClean.get(place.digest);
    if (known !== undefined) return known as { chunkCount: number; endChunk: number };
    let isHurt = false;
    const reportHere = (hurt: Hurt): void => {
      isHurt = true;
      report(hurt);
    };
    const counted = { chunkCount: 0, endChunk: 0 };
    const page = await this.#readPage(place, reportHere);
    for (const [index, digest] of page?.children.entries() ?? []) {
      if (digest === null) continue;
      const below = { digest, level: place.level - 1, firstChunk: index * chunksOfLevel(place.level - 1) };
      const child = await this.#checkChild({ ...below, firstChunk: place.firstChunk + below.firstChunk }, reportHere);
      counted.chunkCount += child.chunkCount;
      counted.endChunk = below.firstChunk + child.endChunk;
    }
    if (!isHurt) this.#addClean.run(place.digest, counted.chunkCount, counted.endChunk);
    return counted;
  }

  async #checkChild(place: Place, report: (hurt: Hurt) => void): Promise<{ chunkCount: number; endChunk: number }> {
    if (place.level > 0) return this.#checkPage(place, report);
    const locations = this.#index.locate(place.digest);
    if (locations.every((location) => this.#bad.has(place.digest, location))) {
      const first = locations[0];
      const what = first === undefined ? 'chunks of it are in no pack' : 'chunks of it are damaged';
      report({
        object: first === undefined ? null : packName(first.packId),
        what,
        firstChunk: place.firstChunk,
        chunkCount: 1,
      });
    }
    return { chunkCount: 1, endChunk: 1 };
  }

  async #readPage({ digest, level, firstChunk }: Place, report: (hurt: Hurt) => void): Promise<Page | undefined> {
    const name = digest.toString('hex');
    let blame: Hurt = {
      object: null,
      what: `page ${name} is in no pack`,
      firstChunk,
      chunkCount: chunksOfLevel(level),
    };
    for (const location of this.#index.locate(digest)) {
      const bytes = await this.#entries.readAt(location, digest, 'page');
      const page = Buffer.isBuffer(bytes) ? tryDecode(bytes, level, name) : bytes;
      if (!(page instanceof CorruptionError)) return page;
      blame = { ...blame, object: packName(location.packId), what: page.message };
    }
    report(blame);
    return undefined;
  }
}

function tryDecode(bytes: Buffer, level: number, name: string): Page | CorruptionError {
  try {
    return decodePage(Buffer.from(bytes), level, name);
  } catch (error) {
    if (error instanceof CorruptionError) return error;
    throw error;
  }
}
