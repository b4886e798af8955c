/**
 * Which chunks and pages are needed, how much of each pack that is, and what each tree alone keeps. It is kept up to date by
 * what changes: trees are compared with one another, never read whole again.
 *
 * Each tree has a parent, another one or none. A _reference_ is a place (a chunk's, or a page's) where a tree differs from
 * its parent; what is there is referred to. Invariants:
 *
 * - **L1** A chunk or page is in some tree that counts when, and only when, it has a reference: going up from a tree that holds
 *   it to the last ancestor that holds it in the same place, there is one.
 * - **L2** Adding a tree, and removing one, changes what differs and no more: a removed tree's first child, the _heir_, takes its
 *   seat and its parent; where both agree nothing changes, so only where they differ is looked at.
 * - **L3** Each reference is of a seat, and each chunk or page has the sum of them. Is that the count times one seat, it may be
 *   needed by that tree alone, whose measure is then forgotten. So every measure that is there is right.
 * - **L4** Adding and removing go on where they were: how far they are is written with what they counted.
 */
import { CorruptionError } from '../lib/errors.ts';
import { walkApart } from './aligned-walk.ts';
import type { ApartPlace } from './aligned-walk.ts';
import type { Digest } from './digest.ts';
import type { EntryReader } from './entry-reader.ts';
import { LEDGER, treeKeyOf as keyOf } from './ledger-store.ts';
import type { CountedTree, Home, LedgerStore, TreePlace } from './ledger-store.ts';
import { storedShareOf } from './pack.ts';
import type { Location } from './pack.ts';
import { snapshotIdOf } from './needed-trees.ts';
import type { PackIndex } from './pack-index.ts';
import { PageReader } from './page-reader.ts';
import { emptyTree } from './tree-ref.ts';
import type { TreeRef } from './tree-ref.ts';

/** Places that are counted in one transaction, about. */
const BATCH_PLACES = 4096;

/** A tree that is needed, by the name of what needs it. */
export interface NamedTree {
  name: string;
  tree: TreeRef;
  /** Names of trees that it is likely to differ little from, the likeliest first. */
  near: readonly string[];
  /** The chain of snapshots that it belongs to: their disk's id; empty: none. */
  chain: string;
}

/** What is known of a needed tree. */
export interface TreeSize {
  /** Of 64 KiB, that were first recorded by it in its chain. */
  ownChunkCount: number;
  /** What would be garbage if only it went, bytes as stored; null: not measured yet. */
  freedBytes: number | null;
  /** When every byte that it needs was last read and right; null: not yet. */
  verifiedAtMs: number | null;
}

export class Ledger {
  readonly #store: LedgerStore;
  readonly #index: PackIndex;
  readonly #entries: EntryReader;
  readonly #pages: PageReader;

  constructor(store: LedgerStore, index: PackIndex, entries: EntryReader) {
    this.#store = store;
    this.#index = index;
    this.#entries = entries;
    this.#pages = new PageReader(entries);
  }

  /**
   * Counts exactly the trees that are given. False when it could not, for what was counted before was of no use, and is
   * forgotten. Throws CorruptionError, and then not all of them are counted, when a page of one cannot be read.
   */
  async count(trees: readonly NamedTree[]): Promise<boolean> {
    // Of several names of a tree the first counts: snapshots come before what stands on them.
    const wanted = new Map<string, NamedTree>();
    for (const named of trees) {
      const key = keyOf(named.tree);
      if (named.tree.root !== null && !wanted.has(key)) wanted.set(key, named);
    }
    try {
      await this.#goOn(wanted);
      await this.#findHomes();
      const counted = await this.#addAll(wanted, trees);
      await this.#removeOthers(wanted, counted);
      this.#nameAll(trees, counted);
      return true;
    } catch (error) {
      if (!(error instanceof CorruptionError) || !this.#mayBeStale(error, wanted)) throw error;
      this.#store.clear();
      return false;
    }
  }

  /**
   * Whether to count anew helps: it does not where all that is counted is wanted, and one of these is damaged. What is not
   * wanted may be gone, when another collector was at work since.
   */
  #mayBeStale({ what }: CorruptionError, wanted: ReadonlyMap<string, NamedTree>): boolean {
    return (
      what === LEDGER ||
      this.#store
        .listIds()
        .keys()
        .some((key) => !wanted.has(key))
    );
  }

  /** What an earlier process left. */
  async #goOn(wanted: ReadonlyMap<string, NamedTree>): Promise<void> {
    for (const tree of this.#store.listUnfinished()) {
      if (tree.state === 'removing') await this.#remove(tree);
      else if (!wanted.has(keyOf(tree.tree)))
        throw new CorruptionError(LEDGER, 'half of a tree that is gone is counted');
      else await this.#add(tree);
    }
  }

  /** Ids by key of all trees that are counted then. */
  async #addAll(wanted: ReadonlyMap<string, NamedTree>, trees: readonly NamedTree[]): Promise<Map<string, number>> {
    const keys = new Map(trees.map(({ name, tree }) => [name, keyOf(tree)]));
    const known = this.#store.listIds();
    const latest = this.#store.listLatestIds();
    for (const [key, { tree, near, chain }] of wanted) {
      if (known.has(key)) continue;
      const likely = near.map((name) => known.get(keys.get(name) ?? '')).find((id) => id !== undefined);
      const parent = likely ?? (chain === '' ? undefined : latest.get(chain)) ?? null;
      const added = this.#store.transaction(() => this.#store.insertTree(tree, chain, parent));
      await this.#add(added);
      known.set(key, added.id);
      latest.set(chain, added.id);
    }
    return known;
  }

  async #removeOthers(wanted: ReadonlyMap<string, NamedTree>, counted: ReadonlyMap<string, number>): Promise<void> {
    for (const [key, id] of counted) {
      if (wanted.has(key)) continue;
      const found = this.#store.findTree(id);
      if (found !== undefined) await this.#remove(found);
    }
  }

  #nameAll(trees: readonly NamedTree[], counted: ReadonlyMap<string, number>): void {
    const wanted = new Map(trees.map(({ name, tree }) => [name, counted.get(keyOf(tree))]));
    this.#store.transaction(() => {
      for (const [name, id] of this.#store.listNames()) {
        if (wanted.get(name) === id) wanted.delete(name);
        else if (wanted.get(name) === undefined) this.#store.setName(name, null);
      }
      for (const [name, id] of wanted) if (id !== undefined) this.#store.setName(name, id);
    });
  }

  async #add(added: CountedTree): Promise<void> {
    const parent = this.#treeOf(added.parent);
    for await (const places of this.#batches([added.tree, parent], added.nextChunk)) {
      const homes = await this.#homesOf(places.map(({ digests }) => digests[0] ?? null));
      this.#store.transaction(() => {
        let ownCount = 0;
        for (const { level, digests } of places) {
          const [digest = null] = digests;
          if (digest === null) continue;
          this.#store.addRef(digest, added.seat, homes.get(hex(digest)) ?? HOMELESS, level === 0);
          if (level === 0) ownCount++;
        }
        this.#store.addOwnChunks(added.id, ownCount);
        this.#store.updateTree(added.id, { nextChunk: afterPlaces(places) });
      });
    }
    this.#store.transaction(() => {
      this.#store.updateTree(added.id, { state: 'whole', nextChunk: 0, freedBytes: null });
      if (added.parent !== null) this.#store.updateTree(added.parent, { freedBytes: null });
    });
  }

  async #remove(removed: CountedTree): Promise<void> {
    const { id, parent } = removed;
    const children = this.#store.listChildren(id);
    const heirId = removed.state === 'removing' ? removed.heir : chooseHeir(removed, children);
    if (removed.state !== 'removing') {
      this.#store.transaction(() => this.#store.updateTree(id, { state: 'removing', heir: heirId, nextChunk: 0 }));
    }
    const heir = children.find((child) => child.id === heirId);
    const others = children.filter((child) => child.id !== heirId);
    if (heir === undefined) await this.#removeLeaf(removed);
    else await this.#handOver(removed, heir, others);
    this.#store.transaction(() => {
      if (heir !== undefined) {
        const left = this.#store.findTree(id)?.ownChunkCount ?? 0;
        this.#store.addOwnChunks(heir.id, left);
        this.#store.updateTree(heir.id, { parent, seat: removed.seat, freedBytes: null });
        for (const other of others) this.#store.updateTree(other.id, { parent: heir.id, freedBytes: null });
      }
      if (parent !== null) this.#store.updateTree(parent, { freedBytes: null });
      this.#store.deleteTree(id);
    });
  }

  async #removeLeaf(removed: CountedTree): Promise<void> {
    for await (const places of this.#batches([removed.tree, this.#treeOf(removed.parent)], removed.nextChunk)) {
      this.#store.transaction(() => {
        for (const { level, digests } of places) {
          if (digests[0]) this.#store.dropRef(digests[0], removed.seat, level === 0);
        }
        this.#store.updateTree(removed.id, { nextChunk: afterPlaces(places) });
      });
    }
  }

  async #handOver(removed: CountedTree, heir: CountedTree, others: readonly CountedTree[]): Promise<void> {
    const trees = [removed.tree, heir.tree, this.#treeOf(removed.parent), ...others.map(({ tree }) => tree)];
    for await (const places of this.#batches(trees, removed.nextChunk)) {
      this.#store.transaction(() => {
        for (const place of places) this.#handOverPlace(place, { removed, heir, others });
        this.#store.updateTree(removed.id, { nextChunk: afterPlaces(places) });
      });
    }
  }

  /** References are added before others are dropped, so what stays keeps its home: it has one, for the removed tree holds it. */
  #handOverPlace(
    { level, digests }: ApartPlace,
    who: { removed: CountedTree; heir: CountedTree; others: readonly CountedTree[] },
  ): void {
    const [gone = null, kept = null, above = null, ...theirs] = digests;
    const { removed, heir } = who;
    const own = (id: number, count: number): void => {
      if (level === 0) this.#store.addOwnChunks(id, count);
    };
    for (const [position, digest] of theirs.entries()) {
      const other = who.others[position];
      if (digest === null || other === undefined) continue;
      const wasCounted = !isSame(digest, gone);
      const counts = !isSame(digest, kept);
      if (counts && !wasCounted) this.#store.addRef(digest, other.seat, HOMELESS, level === 0);
      if (!counts && wasCounted) this.#store.dropRef(digest, other.seat, level === 0);
      own(other.id, Number(counts) - Number(wasCounted));
    }
    if (kept !== null) {
      if (!isSame(kept, above)) this.#store.moveRef(kept, heir.seat, removed.seat);
      else {
        this.#store.dropRef(kept, heir.seat, level === 0);
        own(heir.id, -1);
      }
    }
    if (gone === null || isSame(gone, above)) return;
    this.#store.dropRef(gone, removed.seat, level === 0);
    own(removed.id, -1);
  }

  /** Measures what was not measured yet, of the trees that are needed by one name. */
  async measure(signal?: AbortSignal): Promise<void> {
    for (const tree of this.#store.listUnmeasured()) {
      signal?.throwIfAborted();
      const freedBytes = await this.#measureOne(tree);
      this.#store.transaction(() => this.#store.updateTree(tree.id, { freedBytes }));
    }
  }

  /** What removing it would drop, tallied, and of that what has no other reference. */
  async #measureOne(tree: CountedTree): Promise<number> {
    const children = this.#store.listChildren(tree.id);
    const heir = children.find(({ id }) => id === chooseHeir(tree, children));
    const others = children.filter((child) => child !== heir);
    const above = this.#treeOf(tree.parent);
    const trees = [tree.tree, heir === undefined ? above : heir.tree, above, ...others.map((child) => child.tree)];
    this.#store.beginTally();
    for await (const places of this.#batches(trees, 0)) {
      const dropped = places.flatMap(({ digests: [own = null, , parents = null, ...theirs] }) => {
        if (own === null || isSame(own, parents)) return [];
        const stay = theirs.filter((digest) => digest !== null && isSame(digest, own)).length;
        return [{ digest: own, count: 1 - stay }];
      });
      this.#store.tally(dropped);
    }
    return this.#store.endTally();
  }

  /** By name. Where several names need one tree, none of them frees anything alone. */
  listSizes(): Map<string, TreeSize> {
    const trees = new Map(this.#store.listTrees().map((tree) => [tree.id, tree]));
    const names = new Map([...this.#store.listNames()].sort(([a], [b]) => rankOf(a) - rankOf(b)));
    const shared = new Map<number, number>();
    for (const id of names.values()) shared.set(id, (shared.get(id) ?? 0) + 1);
    const sizes = new Map<string, TreeSize>();
    const told = new Set<number>();
    for (const [name, id] of names) {
      const tree = trees.get(id);
      if (tree === undefined) continue;
      const freedBytes = (shared.get(id) ?? 0) > 1 ? 0 : tree.freedBytes;
      // Of several that are the same, one has recorded it: the first snapshot, where there is one.
      const ownChunkCount = told.has(id) ? 0 : tree.ownChunkCount;
      told.add(id);
      sizes.set(name, { ownChunkCount, freedBytes, verifiedAtMs: tree.verifiedAtMs });
    }
    return sizes;
  }

  /** What is known of a tree that is counted whole. */
  findWhole(tree: TreeRef): TreePlace | undefined {
    const found = this.#store.findPlaceOf(tree);
    return found?.state === 'whole' ? found : undefined;
  }

  findPlace(id: number): TreePlace | undefined {
    return this.#store.findPlace(id);
  }

  /** In how many chunks, that are not zeros, a tree differs from another. It costs what differs. */
  async countApart(tree: TreeRef, other: TreeRef): Promise<number> {
    let count = 0;
    for await (const places of this.#batches([tree, other], 0)) {
      count += places.filter(({ level, digests: [own = null] }) => level === 0 && own !== null).length;
    }
    return count;
  }

  /** Every name with the tree that it needs. */
  listNamed(): Map<string, Pick<NamedTree, 'tree' | 'chain'>> {
    return this.#store.listNamed();
  }

  /** Of each pack, what is needed of it; packs that are not named: nothing. */
  listLiveBytes(): Map<string, number> {
    return this.#store.listLiveBytes();
  }

  /** Whether the copy in that pack is the one that is kept. */
  isKept(digest: Digest, packId: string): boolean {
    return this.findKeptBytes(digest, packId) !== null;
  }

  /** What it takes of the pack, where it is the one that is kept; else null. */
  findKeptBytes(digest: Digest, packId: string): number | null {
    const home = this.#store.findHome(digest);
    return home?.pack === this.#store.numberOf(packId) ? home.bytes : null;
  }

  /** Whether nobody knows a place of something that is needed. */
  hasHomeless(): boolean {
    return this.#store.listHomeless().length > 0;
  }

  isHomeless(digest: Digest): boolean {
    return this.#store.findHome(digest)?.pack === 0;
  }

  /** What is needed lies in a new pack from now on, which is durable. */
  moveHomes(moved: readonly { digest: Digest; location: Location }[]): void {
    this.#store.transaction(() => {
      for (const { digest, location } of moved) this.#store.setHome(digest, this.#homeAt(location));
    });
  }

  /** What has its home in that pack, of its `entries`, and a copy in another that stays, has it there from now on. */
  async leave(packId: string, entries: Iterable<{ digest: Digest }>): Promise<void> {
    for (const { digest } of entries) {
      if (!this.isKept(digest, packId)) continue;
      const location = await this.#choose(digest);
      if (location === undefined || location.packId === packId) continue;
      this.#store.transaction(() => this.#store.setHome(digest, this.#homeAt(location)));
    }
  }

  /** A pack that is not there any more. What had its home there is looked for elsewhere by the next `count`. */
  forgetPack(packId: string): void {
    this.#store.forgetPack(packId);
  }

  /** What is counted now is verified when the pass ends that begins now. */
  beginPass(): void {
    this.#store.beginPass();
  }

  /** `hurt` are names of trees that are not whole. */
  endPass(startedAtMs: number, hurt: readonly string[]): void {
    const names = this.#store.listNames();
    this.#store.endPass(
      startedAtMs,
      hurt.flatMap((name) => names.get(name) ?? []),
    );
  }

  /** Different chunks that are needed. */
  get liveChunkCount(): number {
    return this.#store.liveChunkCount;
  }

  findFact(name: string): number | undefined {
    return this.#store.findFact(name);
  }

  setFact(name: string, value: number): void {
    this.#store.setFact(name, value);
  }

  /** Everything. */
  forget(): void {
    this.#store.clear();
  }

  close(): void {
    this.#store.close();
  }

  /** For what had none (a lost pack, a damaged copy), and for what has it in a copy that was found damaged. */
  async #findHomes(): Promise<void> {
    const bad = this.#index.listBad().filter(({ digest, packId }) => this.isKept(digest, packId));
    const digests = [...this.#store.listHomeless(), ...bad.map(({ digest }) => digest)];
    if (digests.length === 0) return;
    const homes = await this.#locateAll(digests);
    this.#store.transaction(() => {
      for (const digest of digests) {
        const home = homes.get(hex(digest));
        if (home !== undefined) this.#store.setHome(digest, home);
      }
    });
  }

  async #homesOf(digests: readonly (Digest | null)[]): Promise<Map<string, Home>> {
    return this.#locateAll(digests.filter((digest) => digest !== null && !this.#store.hasRef(digest)) as Digest[]);
  }

  async #locateAll(digests: readonly Digest[]): Promise<Map<string, Home>> {
    const homes = new Map<string, Home>();
    for (const digest of digests) {
      const location = await this.#choose(digest);
      if (location !== undefined) homes.set(hex(digest), this.#homeAt(location));
    }
    return homes;
  }

  /** The copy that is kept, of several one that reads well: the others may then go. */
  async #choose(digest: Digest): Promise<Location | undefined> {
    const locations = this.#index.locate(digest);
    if (locations.length <= 1) return locations[0];
    for (const location of locations) {
      if (Buffer.isBuffer(await this.#entries.readAt(location, digest, 'chunk'))) return location;
    }
    return locations[0];
  }

  #homeAt(location: Location): Home {
    return { pack: this.#store.numberOf(location.packId), bytes: storedShareOf(location) };
  }

  #treeOf(id: number | null): TreeRef {
    return (id === null ? undefined : this.#store.findTree(id)?.tree) ?? emptyTree;
  }

  async *#batches(trees: readonly TreeRef[], fromChunk: number): AsyncGenerator<ApartPlace[]> {
    let batch: ApartPlace[] = [];
    for await (const places of walkApart(trees, this.#pages, fromChunk)) {
      batch.push(...places);
      if (batch.length < BATCH_PLACES) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }
}

const HOMELESS: Home = { pack: 0, bytes: 0 };

/** Which child takes the place of a tree that goes; null: it has none. */
export function chooseHeir(
  { chain }: Pick<CountedTree, 'chain'>,
  children: readonly Pick<CountedTree, 'id' | 'chain'>[],
): number | null {
  return (children.find((child) => child.chain === chain) ?? children[0])?.id ?? null;
}

function afterPlaces(places: readonly ApartPlace[]): number {
  return (places.at(-1)?.firstChunk ?? 0) + 1;
}

function isSame(first: Digest | null, second: Digest | null): boolean {
  if (first === null || second === null) return first === second;
  return first.equals(second);
}

function hex(digest: Digest): string {
  return digest.toString('hex');
}

function rankOf(name: string): number {
  return snapshotIdOf(name) === null ? 1 : 0;
}
