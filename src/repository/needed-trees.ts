/** Every tree that is needed: those of the manifests in the store, known to the catalog or not, and those of the catalog. */
import type { Ledger, NamedTree } from './ledger.ts';
import { decodeManifest, listSnapshotIds, listTombstoneIds, manifestName } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import type { ObjectStore } from './object-store/object-store.ts';
import type { TreeRef } from './tree-ref.ts';

/** What a snapshot is called among the trees. */
export function snapshotTreeName(snapshotId: string): string {
  return `snapshot ${snapshotId}`;
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
 * Manifests are read once: those that the ledger counts already are as they were. Throws CorruptionError when one cannot be
 * read, for nobody knows what it needs.
 */
export async function listNeededTrees(
  store: ObjectStore,
  ledger: Ledger,
  catalogTrees: readonly NamedTree[],
): Promise<NamedTree[]> {
  const deleted = new Set(await Array.fromAsync(listTombstoneIds(store)));
  const counted = ledger.listNamed();
  const trees = new Map<string, NamedTree>();
  for await (const snapshotId of listSnapshotIds(store)) {
    if (deleted.has(snapshotId)) continue;
    const name = snapshotTreeName(snapshotId);
    const known = counted.get(name);
    const named = known === undefined ? await readNamed(store, snapshotId) : { name, near: [], ...known };
    if (named !== undefined) trees.set(name, named);
  }
  for (const named of catalogTrees) if (!isThere(trees, named)) trees.set(named.name, named);
  return [...trees.values()];
}

/** Undefined when it was deleted since it was listed. */
async function readNamed(store: ObjectStore, snapshotId: string): Promise<NamedTree | undefined> {
  const bytes = await store.find(manifestName(snapshotId));
  return bytes === undefined ? undefined : namedTreeOf(decodeManifest(bytes, snapshotId));
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
