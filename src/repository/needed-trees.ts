/** Every tree that is needed: those of the manifests and of the catalog's copies in the store, and those that the catalog knows. */
import { CorruptionError } from '../lib/errors.ts';
import { listCopyNames, readCopy } from './catalog-copy.ts';
import type { CatalogCopy } from './catalog-copy.ts';
import type { Ledger, NamedTree } from './ledger.ts';
import { LEDGER } from './ledger-store.ts';
import { decodeManifest, listSnapshotIds, listTombstoneIds, manifestName } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import type { ObjectStore } from './object-store/object-store.ts';
import type { TreeRef } from './tree-ref.ts';

const SNAPSHOT = 'snapshot ';

/** What a snapshot is called among the trees. */
export function snapshotTreeName(snapshotId: string): string {
  return `${SNAPSHOT}${snapshotId}`;
}

/** The snapshot of a tree's name, or null. */
export function snapshotIdOf(name: string): string | null {
  const snapshotId = name.slice(SNAPSHOT.length);
  return name.startsWith(SNAPSHOT) && !snapshotId.includes(' ') ? snapshotId : null;
}

/** As a snapshot's tree is counted: it differs little from its parent's. */
export function namedTreeOf(
  manifest: Pick<Manifest, 'snapshotId' | 'tree' | 'diskId' | 'parentSnapshotId'>,
): NamedTree {
  const { snapshotId, tree, diskId, parentSnapshotId } = manifest;
  const near = parentSnapshotId === null ? [] : [snapshotTreeName(parentSnapshotId)];
  return { name: snapshotTreeName(snapshotId), tree, near, chain: diskId };
}

/**
 * Counts all that is needed. Throws CorruptionError when a manifest, or a page of a tree, cannot be read: then not all of it
 * is counted.
 */
export async function countNeeded(
  store: ObjectStore,
  ledger: Ledger,
  catalogTrees: readonly NamedTree[],
): Promise<void> {
  if (await ledger.count(await listNeededTrees(store, ledger, catalogTrees))) return;
  // All is counted anew, in the order in which it came: manifests tell that, which are read for it.
  const isCounted = await ledger.count(await listNeededTrees(store, ledger, catalogTrees));
  if (!isCounted) throw new CorruptionError(LEDGER, 'it is of no use again');
}

/**
 * Manifests are read once: those that the ledger counts already are as they were. Throws CorruptionError when one cannot be
 * read, for nobody knows what it needs.
 */
async function listNeededTrees(
  store: ObjectStore,
  ledger: Ledger,
  catalogTrees: readonly NamedTree[],
): Promise<NamedTree[]> {
  const deleted = new Set(await Array.fromAsync(listTombstoneIds(store)));
  const counted = ledger.listNamed();
  const trees = new Map<string, NamedTree>();
  const uncounted: Manifest[] = [];
  for await (const snapshotId of listSnapshotIds(store)) {
    if (deleted.has(snapshotId)) continue;
    const name = snapshotTreeName(snapshotId);
    const known = counted.get(name);
    if (known === undefined) uncounted.push(...(await readOne(store, snapshotId)));
    else trees.set(name, { name, near: [], ...known });
  }
  // A chunk counts as recorded by the first snapshot of the disk that has it.
  uncounted.sort((a, b) => a.generation - b.generation || a.createdAtMs - b.createdAtMs);
  for (const manifest of uncounted) trees.set(snapshotTreeName(manifest.snapshotId), namedTreeOf(manifest));
  for (const name of await listCopyNames(store)) {
    const known = counted.get(`catalog ${name}`);
    const tree = known?.tree ?? (await readWhole(store, name))?.tree;
    if (tree !== undefined) trees.set(`catalog ${name}`, { name: `catalog ${name}`, tree, near: [], chain: 'catalog' });
  }
  for (const named of catalogTrees) if (!isThere(trees, named)) trees.set(named.name, named);
  return [...trees.values()];
}

/** Undefined also for a damaged one, which is no copy. */
async function readWhole(store: ObjectStore, name: string): Promise<CatalogCopy | undefined> {
  try {
    return await readCopy(store, name);
  } catch (error) {
    if (error instanceof CorruptionError) return undefined;
    throw error;
  }
}

/** None when it was deleted since it was listed. */
async function readOne(store: ObjectStore, snapshotId: string): Promise<Manifest[]> {
  const bytes = await store.find(manifestName(snapshotId));
  return bytes === undefined ? [] : [decodeManifest(bytes, snapshotId)];
}

/** A catalog that was restored from a copy may know another tree by a name: both are needed, then. */
function isThere(trees: Map<string, NamedTree>, { name, tree }: NamedTree): boolean {
  const found = trees.get(name);
  if (found === undefined) return false;
  if (isSameTree(found.tree, tree)) return true;
  trees.delete(name);
  trees.set(`${name}, its manifest`, { ...found, name: `${name}, its manifest` });
  return false;
}

function isSameTree(first: TreeRef, second: TreeRef): boolean {
  return first.root === second.root && first.levels === second.levels;
}
