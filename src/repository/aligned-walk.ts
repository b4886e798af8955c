/**
 * Goes over several trees at once, position by position, and only where the first two differ: pages that they share are
 * not read, so it costs what differs. A tree of fewer levels than another begins below it, at child 0 of child 0.
 */
import { assert } from '../lib/assert.ts';
import type { Digest } from './digest.ts';
import { PAGE_FANOUT, chunksOfLevel } from './page.ts';
import { PageReader } from './page-reader.ts';
import type { TreeRef } from './tree-ref.ts';

/** Where the first two trees differ, and what each tree has there: the digest of a chunk or page, or null. */
export interface ApartPlace {
  /** 0: a chunk; else the level of the page. */
  level: number;
  /** The chunk, or the first one that the page covers. */
  firstChunk: number;
  digests: readonly (Digest | null)[];
}

/** A page or chunk of `level`; a tree's root stands for the tree at every level above its own, too. */
interface Node {
  digest: Digest;
  level: number;
}

type Nodes = readonly (Node | null)[];

/**
 * The places from `fromChunk` on in which `trees[0]` and `trees[1]` differ, pages before what is below them, in runs that end
 * with a chunk or at the end. `pages` are of one repository, or of one for each tree. Throws CorruptionError at a bad page.
 */
export async function* walkApart(
  trees: readonly TreeRef[],
  pages: PageReader | readonly PageReader[],
  fromChunk = 0,
): AsyncGenerator<ApartPlace[]> {
  const levels = Math.max(0, ...trees.map((tree) => tree.levels));
  const nodes = trees.map((tree) => nodeOf(tree.root === null ? null : Buffer.from(tree.root, 'hex'), tree.levels));
  if (levels === 0) return;
  const walk = new Walk(pages, fromChunk);
  for await (const places of walk.visit(nodes, levels, 0)) yield places;
  if (walk.pending.length > 0) yield walk.pending;
}

function nodeOf(digest: Digest | null, level: number): Node | null {
  return digest === null ? null : { digest, level };
}

class Walk {
  /** One for all trees, or one for each. */
  readonly #pages: PageReader | readonly PageReader[];
  readonly #fromChunk: number;
  /** Pages whose first chunk that differs is still to come. */
  pending: ApartPlace[] = [];

  constructor(pages: PageReader | readonly PageReader[], fromChunk: number) {
    this.#pages = pages;
    this.#fromChunk = fromChunk;
  }

  async *visit(nodes: Nodes, level: number, firstChunk: number): AsyncGenerator<ApartPlace[]> {
    if (isShared(nodes) || firstChunk + chunksOfLevel(level) <= this.#fromChunk) return;
    if (firstChunk >= this.#fromChunk) this.#add(nodes, level, firstChunk);
    const below = await Promise.all(nodes.map(async (node, tree) => this.#childrenOf(node, level, tree)));
    const span = chunksOfLevel(level - 1);
    for (let index = 0; index < PAGE_FANOUT; index++) {
      const children = below.map((each) => each?.[index] ?? null);
      if (level > 1) yield* this.visit(children, level - 1, firstChunk + index * span);
      else if (!isShared(children) && firstChunk + index >= this.#fromChunk) this.#add(children, 0, firstChunk + index);
    }
    if (level > 1 || this.pending.at(-1)?.level !== 0) return;
    yield this.pending;
    this.pending = [];
  }

  #add(nodes: Nodes, level: number, firstChunk: number): void {
    this.pending.push({
      level,
      firstChunk,
      digests: nodes.map((node) => (node?.level === level ? node.digest : null)),
    });
  }

  async #childrenOf(node: Node | null, level: number, tree: number): Promise<Nodes | null> {
    if (node === null) return null;
    if (node.level < level) return [node];
    const pages = this.#pages instanceof PageReader ? this.#pages : this.#pages[tree];
    assert(pages !== undefined, 'every tree has a reader of its pages');
    const { children } = await pages.read(node.digest, level);
    return children.map((digest) => nodeOf(digest, level - 1));
  }
}

function isShared([first = null, second = null]: Nodes): boolean {
  if (first === null || second === null) return first === second;
  return first.level === second.level && first.digest.equals(second.digest);
}
