/**
 * Trees of pages: reading one in chunk order, and making the next one from changes. Only pages that a change touches
 * are read and written; all others are shared with the parent. Equal contents give equal trees.
 */
import { assert, assertCount } from '../lib/assert.ts';
import { digestOf } from './digest.ts';
import type { Digest } from './digest.ts';
import { MOST_LEVELS, PAGE_FANOUT, chunksOfLevel, encodePage, noChildren } from './page.ts';
import type { Children, Page } from './page.ts';
import type { PageReader } from './page-reader.ts';
import type { EntryKind } from './pack.ts';
import { emptyTree } from './tree-ref.ts';
import type { TreeRef } from './tree-ref.ts';

export interface TreeEntry {
  chunk: number;
  digest: Digest;
}

/** A chunk that is not as in the parent, or may not be; null: zeros. */
export interface TreeChange {
  chunk: number;
  digest: Digest | null;
}

/** One by one or some at a time. */
export type TreeChanges = AsyncIterable<TreeChange | readonly TreeChange[]>;

/** What a tree is written to: the pack writer. */
export interface PageSink {
  put(kind: EntryKind, digest: Digest, bytes: Buffer): Promise<boolean>;
}

/** Pages that are read ahead of the walk below each inner page. */
const PAGES_AHEAD = 4;

/** The chunks of the tree that are not zero, in order, from `fromChunk` on. Throws CorruptionError at a bad page. */
export async function* walkTree(tree: TreeRef, pages: PageReader, fromChunk = 0): AsyncGenerator<TreeEntry> {
  for await (const { firstChunk, children } of walkLeafPages(tree, pages, fromChunk)) {
    for (const [index, digest] of children.entries()) {
      if (digest !== null && firstChunk + index >= fromChunk) yield { chunk: firstChunk + index, digest };
    }
  }
}

/** The leaf pages that hold chunks from `fromChunk` on, in order. */
export async function* walkLeafPages(
  tree: TreeRef,
  pages: PageReader,
  fromChunk = 0,
): AsyncGenerator<{ firstChunk: number; children: Children }> {
  if (tree.root === null) return;
  yield* walkPage(await pages.read(Buffer.from(tree.root, 'hex'), tree.levels), 0, pages, fromChunk);
}

async function* walkPage(
  page: Page,
  firstChunk: number,
  pages: PageReader,
  fromChunk: number,
): AsyncGenerator<{ firstChunk: number; children: Children }> {
  if (page.level === 1) {
    yield { firstChunk, children: page.children };
    return;
  }
  const span = chunksOfLevel(page.level - 1);
  const below = page.children.flatMap((digest, index) => {
    const first = firstChunk + index * span;
    return digest === null || first + span <= fromChunk ? [] : [{ digest, first }];
  });
  const reading: Promise<Page>[] = [];
  for (const [position, { first }] of below.entries()) {
    for (const { digest } of below.slice(position + reading.length, position + PAGES_AHEAD)) {
      const read = pages.read(digest, page.level - 1);
      read.catch(() => undefined);
      reading.push(read);
    }
    const child = await reading.shift();
    if (child !== undefined) yield* walkPage(child, first, pages, fromChunk);
  }
}

/** The digest of one chunk, or null for zeros. */
export async function findChunkDigest(tree: TreeRef, pages: PageReader, chunk: number): Promise<Digest | null> {
  assertCount(chunk, 'chunk');
  if (tree.root === null || chunk >= chunksOfLevel(tree.levels)) return null;
  let digest: Digest | null = Buffer.from(tree.root, 'hex');
  for (let level = tree.levels; level >= 1 && digest !== null; level--) {
    const page: Page = await pages.read(digest, level);
    digest = page.children[Math.floor(chunk / chunksOfLevel(level - 1)) % PAGE_FANOUT] ?? null;
  }
  return digest;
}

/**
 * The tree of `parent` with `changes` (in strictly rising chunk order) applied. Its new pages are put into `sink`, and
 * are durable when that is finished.
 */
export async function updateTree(
  parent: TreeRef,
  changes: TreeChanges,
  pages: PageReader,
  sink: PageSink,
): Promise<TreeRef> {
  const update = new TreeUpdate(parent, changes, pages, sink);
  try {
    return await update.run();
  } finally {
    await update.close();
  }
}

class TreeUpdate {
  readonly #parent: TreeRef;
  readonly #changes: AsyncIterator<TreeChange | readonly TreeChange[]>;
  readonly #pages: PageReader;
  readonly #sink: PageSink;
  /** The next change, or undefined at the end, and those after it that are there. */
  #next: TreeChange | undefined;
  #following: readonly TreeChange[] = [];
  #followingAt = 0;
  #dataChunkCount: number;
  /** The pages at child 0 of child 0 …, as last written: the sink cannot be read back yet. By level. */
  readonly #spine = new Map<number, { digest: Digest; children: Children }>();

  constructor(parent: TreeRef, changes: TreeChanges, pages: PageReader, sink: PageSink) {
    this.#parent = parent;
    this.#changes = changes[Symbol.asyncIterator]();
    this.#pages = pages;
    this.#sink = sink;
    this.#dataChunkCount = parent.dataChunkCount;
  }

  /** Whoever gives the changes may have things open. */
  async close(): Promise<void> {
    await this.#changes.return?.();
  }

  async run(): Promise<TreeRef> {
    await this.#advance();
    let level = Math.max(1, this.#parent.levels);
    let children = await this.#childrenOf(
      this.#parent.root === null ? null : Buffer.from(this.#parent.root, 'hex'),
      level,
    );
    await this.#apply(children, level, 0);
    while (await this.#isMoreData()) {
      const lower = await this.#putPage(level, children, 0);
      children = noChildren();
      children[0] = lower;
      level++;
      await this.#apply(children, level, 0);
    }
    while (level > 1 && children.every((child, index) => child === null || index === 0)) {
      level--;
      children = await this.#childrenOf(children[0] ?? null, level);
    }
    const root = await this.#putPage(level, children, 0);
    if (root === null) return emptyTree;
    return { root: root.toString('hex'), levels: level, dataChunkCount: this.#dataChunkCount };
  }

  /** Skips zeros beyond the tree's end: they are zeros already. */
  async #isMoreData(): Promise<boolean> {
    while (this.#next?.digest === null) await this.#advance();
    return this.#next !== undefined;
  }

  async #apply(children: Children, level: number, first: number): Promise<void> {
    const span = chunksOfLevel(level - 1);
    while (this.#next !== undefined && this.#next.chunk < first + span * PAGE_FANOUT) {
      const index = Math.floor((this.#next.chunk - first) / span);
      const old = children[index] ?? null;
      if (level > 1) {
        children[index] = await this.#updatePage(old, level - 1, first + index * span);
      } else {
        this.#dataChunkCount += (this.#next.digest === null ? 0 : 1) - (old === null ? 0 : 1);
        children[index] = this.#next.digest;
        if (!this.#step()) await this.#advance();
      }
    }
  }

  async #updatePage(digest: Digest | null, level: number, first: number): Promise<Digest | null> {
    const children = await this.#childrenOf(digest, level);
    await this.#apply(children, level, first);
    return this.#putPage(level, children, first);
  }

  /** A copy that may be changed. */
  async #childrenOf(digest: Digest | null, level: number): Promise<Children> {
    if (digest === null) return noChildren();
    const fresh = this.#spine.get(level);
    if (fresh?.digest.equals(digest)) return [...fresh.children];
    return [...(await this.#pages.read(digest, level)).children];
  }

  async #putPage(level: number, children: Children, first: number): Promise<Digest | null> {
    if (children.every((child) => child === null)) return null;
    const bytes = encodePage({ level, children });
    const digest = digestOf(bytes);
    await this.#sink.put('page', digest, bytes);
    if (first === 0) this.#spine.set(level, { digest, children });
    return digest;
  }

  async #advance(): Promise<void> {
    while (!this.#step()) {
      const { value, done } = await this.#changes.next();
      if (done === true) {
        this.#next = undefined;
        return;
      }
      this.#following = Array.isArray(value) ? value : [value];
      this.#followingAt = 0;
    }
  }

  /** To the next change, where it is there. */
  #step(): boolean {
    const next = this.#following[this.#followingAt];
    if (next === undefined) return false;
    this.#followingAt++;
    const previous = this.#next?.chunk ?? -1;
    assertCount(next.chunk, 'chunk');
    assert(next.chunk > previous, `changes come in order: chunk ${next.chunk} after ${previous}`);
    assert(next.chunk < chunksOfLevel(MOST_LEVELS), `chunk ${next.chunk} is beyond any tree`);
    this.#next = next;
    return true;
  }
}
