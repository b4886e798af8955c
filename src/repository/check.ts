/**
 * Checks a repository: that every snapshot can be restored and every other root read, and where not, which object is to
 * blame and which ranges of which of them it hurts. Changes nothing but the index, which is a cache.
 */
import { CorruptionError, OperationalError, messageOf } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { copyName, listCopyNames, readCopy } from './catalog-copy.ts';
import { BadCopies, checkPacks } from './check-packs.ts';
import { CheckedTrees } from './checked-trees.ts';
import type { ByteRange } from './object-store/object-store.ts';
import {
  checkTombstone,
  decodeManifest,
  listSnapshotIds,
  listTombstoneIds,
  manifestName,
  tombstoneName,
} from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { findOwner } from './owner.ts';
import type { Stores } from './stores.ts';
import type { TreeRef } from './tree-ref.ts';

export interface RepositoryFinding {
  /** The name of the object that is damaged or missing; null when that is not known. */
  object: string | null;
  what: string;
  /** Snapshots and roots that it hurts, with the ranges of bytes that cannot be read; no ranges: the whole snapshot. */
  hurts: { name: string; ranges: ByteRange[] }[];
}

/** A tree that something other than a snapshot needs. */
export interface NamedRoot {
  /** For people. */
  name: string;
  tree: TreeRef;
  /** What lies beyond it is not needed. */
  sizeBytes: number;
}

export interface CheckRequest {
  /** Every stored byte is read and verified; `known`: what is known of that from earlier is told. */
  readData: boolean | 'known';
  /** Asked for when nothing is collected any more. */
  listRoots: () => Promise<readonly NamedRoot[]>;
}

/** Nothing may be collected meanwhile. */
export async function checkRepository(
  stores: Stores,
  { readData, listRoots }: CheckRequest,
): Promise<RepositoryFinding[]> {
  const bad = new BadCopies(stores.index);
  if (readData === 'known') bad.addKnown(stores.index);
  const findings = new Findings();
  for (const { object, what } of await checkPacks(stores, readData === true, bad)) findings.add(object, what);
  const deleted = await checkTombstones(stores, findings);
  const trees = new CheckedTrees(stores, bad);
  for await (const snapshotId of listSnapshotIds(stores.store)) {
    if (deleted.has(snapshotId)) continue;
    const manifest = await findGoodManifest(stores, snapshotId, findings);
    if (manifest !== undefined) await checkSnapshot(manifest, trees, findings);
  }
  for (const root of await listRoots()) await checkTree(root, trees, findings);
  await checkCopies(stores, trees, findings);
  await checkOwner(stores, findings);
  // What is lost is not taken for known any more: the next snapshot that meets it stores it again.
  if (findings.hasAny) await stores.index.reconcile(stores.store);
  return findings.list();
}

async function checkTombstones({ store }: Stores, findings: Findings): Promise<Set<string>> {
  const deleted = new Set<string>();
  for await (const snapshotId of listTombstoneIds(store)) {
    deleted.add(snapshotId);
    try {
      await checkTombstone(store, snapshotId);
    } catch (error) {
      findings.addError(tombstoneName(snapshotId), error);
    }
  }
  return deleted;
}

async function findGoodManifest(
  { store }: Stores,
  snapshotId: string,
  findings: Findings,
): Promise<Manifest | undefined> {
  const name = manifestName(snapshotId);
  try {
    const bytes = await store.find(name);
    return bytes === undefined ? undefined : decodeManifest(bytes, snapshotId);
  } catch (error) {
    findings.addError(name, error);
    findings.hurt(name, '', snapshotId, null);
    return undefined;
  }
}

/** Copies of the catalog. */
async function checkCopies({ store }: Stores, trees: CheckedTrees, findings: Findings): Promise<void> {
  for (const name of await listCopyNames(store)) {
    try {
      const copy = await readCopy(store, name);
      const sizeBytes = Math.ceil((copy?.sizeBytes ?? 0) / CHUNK_BYTES) * CHUNK_BYTES;
      if (copy === undefined) continue;
      const count = await checkTree({ name: copyName(name), tree: copy.tree, sizeBytes }, trees, findings);
      checkCount(copyName(name), { sizeBytes, tree: copy.tree, count }, findings);
    } catch (error) {
      findings.addError(copyName(name), error);
    }
  }
}

async function checkOwner({ store }: Stores, findings: Findings): Promise<void> {
  try {
    await findOwner(store);
  } catch (error) {
    findings.addError('owners/', error);
  }
}

async function checkSnapshot(manifest: Manifest, trees: CheckedTrees, findings: Findings): Promise<void> {
  const { snapshotId, sizeBytes, tree } = manifest;
  const count = await checkTree({ name: snapshotId, tree, sizeBytes }, trees, findings);
  checkCount(manifestName(snapshotId), { sizeBytes, tree, count }, findings);
}

/** Whether an object says of its tree what that is. */
function checkCount(
  object: string,
  {
    sizeBytes,
    tree,
    count,
  }: { sizeBytes: number; tree: TreeRef; count: { dataChunkCount: number | null; endChunk: number } },
  findings: Findings,
): void {
  if (count.dataChunkCount !== null && count.dataChunkCount !== tree.dataChunkCount) {
    findings.add(object, `its tree has ${count.dataChunkCount} data chunks, not ${tree.dataChunkCount}`);
  }
  if (count.endChunk * CHUNK_BYTES > sizeBytes) findings.add(object, `its tree goes beyond its ${sizeBytes} bytes`);
}

function checkTree({ name, tree, sizeBytes }: NamedRoot, trees: CheckedTrees, findings: Findings) {
  return trees.check(tree, ({ object, what, firstChunk, chunkCount }) => {
    const offset = firstChunk * CHUNK_BYTES;
    const length = Math.min(chunkCount * CHUNK_BYTES, sizeBytes - offset);
    findings.hurt(object, what, name, { offset, length });
  });
}

/** Findings by object, and what each hurts, with neighbouring ranges joined. */
class Findings {
  readonly #byObject = new Map<string | null, { whats: string[]; hurts: Map<string, ByteRange[]> }>();

  add(object: string | null, what: string): void {
    const finding = this.#of(object);
    if (what !== '' && !finding.whats.includes(what)) finding.whats.push(what);
  }

  /** Damage and newer versions are findings; anything else ends the check. */
  addError(object: string, error: unknown): void {
    const isFinding = error instanceof CorruptionError || (error instanceof OperationalError && !error.retryable);
    if (!isFinding) throw error;
    this.add(object, messageOf(error));
  }

  /** `what` counts only for an object without another finding; a null range means the whole snapshot. */
  hurt(object: string | null, what: string, name: string, range: ByteRange | null): void {
    const finding = this.#of(object);
    if (finding.whats.length === 0) finding.whats.push(what);
    const ranges = finding.hurts.get(name) ?? [];
    finding.hurts.set(name, ranges);
    if (range === null) return;
    const last = ranges.at(-1);
    if (last !== undefined && last.offset + last.length === range.offset) last.length += range.length;
    else ranges.push(range);
  }

  get hasAny(): boolean {
    return this.#byObject.size > 0;
  }

  list(): RepositoryFinding[] {
    return [...this.#byObject].flatMap(([object, { whats, hurts }]) => {
      const hurtList = [...hurts].map(([name, ranges]) => ({ name, ranges }));
      return [{ object, what: whats.join('; '), hurts: hurtList }];
    });
  }

  #of(object: string | null): { whats: string[]; hurts: Map<string, ByteRange[]> } {
    let finding = this.#byObject.get(object);
    if (finding === undefined) {
      finding = { whats: [], hurts: new Map() };
      this.#byObject.set(object, finding);
    }
    return finding;
  }
}
