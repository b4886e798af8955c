/**
 * Manifests: a snapshot exists when its manifest does and its tombstone does not. Writing the manifest is the last
 * write of a snapshot (R3); deleting writes the tombstone first (R4), so a crash between the two leaves a manifest that
 * counts as deleted and that the next delete, or the collector, removes.
 */
import { CorruptionError, OperationalError } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { MOST_LEVELS } from './page.ts';
import type { ObjectStore } from './object-store/object-store.ts';
import { decodeSealed, encodeSealed } from './sealed-object.ts';
import { openObjectStore } from './stores.ts';
import type { RepositoryPlace } from './stores.ts';
import type { TreeRef } from './tree-ref.ts';

export interface Manifest {
  snapshotId: string;
  diskId: string;
  /** What the disk was for its instance then. */
  diskType: 'system' | 'data';
  sizeBytes: number;
  tree: TreeRef;
  /** The generation that the freeze closed, and the disk's incarnation then. */
  generation: number;
  incarnation: number;
  /** The instant of the freeze. */
  createdAtMs: number;
  /** What the upload was compared with, or null. Only history: a snapshot needs no other. */
  parentSnapshotId: string | null;
  name: string | null;
  description: string;
  statistics: ManifestStatistics;
  /** Of the owner that committed it. */
  ownerEpoch: number;
  /** Absent for a snapshot that was taken alone. */
  group?: ManifestGroup;
  /** Of a copy, what it is a copy of: generation and incarnation are those of that. Absent for any other. */
  copyOf?: ManifestCopy;
}

export interface ManifestCopy {
  regionId: string;
  snapshotId: string;
}

/** The group that a snapshot was taken in: what every one of its manifests says of it. */
export interface ManifestGroup {
  snapshotGroupId: string;
  name: string;
  description: string;
  instanceId: string | null;
  /** How many snapshots it has. */
  snapshotCount: number;
}

export interface ManifestStatistics {
  changedChunkCount: number;
  newChunkCount: number;
  readBytes: number;
  storedBytes: number;
}

const MANIFEST_MAGIC = 'HUPOSNAP';
const TOMBSTONE_MAGIC = 'HUPOTOMB';
const MANIFEST_PREFIX = 'snapshots/';
const TOMBSTONE_PREFIX = 'tombstones/';

export function manifestName(snapshotId: string): string {
  return `${MANIFEST_PREFIX}${snapshotId}`;
}

export function tombstoneName(snapshotId: string): string {
  return `${TOMBSTONE_PREFIX}${snapshotId}`;
}

export function encodeManifest(manifest: Manifest): Buffer {
  const { snapshotId, diskId, diskType, sizeBytes, tree, generation, incarnation, createdAtMs, parentSnapshotId } =
    manifest;
  const { name, description, statistics, ownerEpoch, group, copyOf } = manifest;
  const { changedChunkCount, newChunkCount, readBytes, storedBytes } = statistics;
  return encodeSealed(MANIFEST_MAGIC, {
    snapshotId,
    diskId,
    diskType,
    sizeBytes,
    tree: { root: tree.root, levels: tree.levels, dataChunkCount: tree.dataChunkCount },
    generation,
    incarnation,
    createdAtMs,
    parentSnapshotId,
    name,
    description,
    statistics: { changedChunkCount, newChunkCount, readBytes, storedBytes },
    ownerEpoch,
    ...(group && { group: encodeGroup(group) }),
    ...(copyOf && { copyOf: { regionId: copyOf.regionId, snapshotId: copyOf.snapshotId } }),
  });
}

function encodeGroup({ snapshotGroupId, name, description, instanceId, snapshotCount }: ManifestGroup): ManifestGroup {
  return { snapshotGroupId, name, description, instanceId, snapshotCount };
}

/** Throws CorruptionError unless the bytes are a whole manifest of `snapshotId`. */
export function decodeManifest(bytes: Buffer, snapshotId: string): Manifest {
  const name = `manifest ${manifestName(snapshotId)}`;
  const body = new Body(decodeSealed(MANIFEST_MAGIC, bytes, name), name);
  const tree = body.object('tree');
  const statistics = body.object('statistics');
  const manifest: Manifest = {
    snapshotId: body.string('snapshotId'),
    diskId: body.string('diskId'),
    diskType: body.oneOf('diskType', ['system', 'data']),
    sizeBytes: body.count('sizeBytes'),
    tree: decodeTree(tree, name),
    generation: body.count('generation'),
    incarnation: body.count('incarnation'),
    createdAtMs: body.count('createdAtMs'),
    parentSnapshotId: body.stringOrNull('parentSnapshotId'),
    name: body.stringOrNull('name'),
    description: body.string('description'),
    statistics: {
      changedChunkCount: statistics.count('changedChunkCount'),
      newChunkCount: statistics.count('newChunkCount'),
      readBytes: statistics.count('readBytes'),
      storedBytes: statistics.count('storedBytes'),
    },
    ownerEpoch: body.count('ownerEpoch'),
    ...(body.has('group') && { group: decodeGroup(body.object('group')) }),
    ...(body.has('copyOf') && { copyOf: decodeCopy(body.object('copyOf')) }),
  };
  if (manifest.snapshotId !== snapshotId) throw new CorruptionError(name, `it is of ${manifest.snapshotId}`);
  if (manifest.sizeBytes % CHUNK_BYTES !== 0) throw new CorruptionError(name, 'its size is no whole number of chunks');
  return manifest;
}

function decodeCopy(copyOf: Body): ManifestCopy {
  return { regionId: copyOf.string('regionId'), snapshotId: copyOf.string('snapshotId') };
}

function decodeGroup(group: Body): ManifestGroup {
  return {
    snapshotGroupId: group.string('snapshotGroupId'),
    name: group.string('name'),
    description: group.string('description'),
    instanceId: group.stringOrNull('instanceId'),
    snapshotCount: group.count('snapshotCount'),
  };
}

/** A tree in a sealed object; `name` is the object's. Throws CorruptionError. */
export function decodeTree(tree: Body, name: string): TreeRef {
  const [root, levels] = [tree.stringOrNull('root'), tree.count('levels')];
  const isTree = root === null ? levels === 0 : /^[0-9a-f]{64}$/.test(root) && levels >= 1 && levels <= MOST_LEVELS;
  if (!isTree) throw new CorruptionError(name, 'its tree');
  return { root, levels, dataChunkCount: tree.count('dataChunkCount') };
}

/** Members of a decoded JSON object, each of the type it must have. */
export class Body {
  readonly #members: Record<string, unknown>;
  readonly #name: string;

  constructor(members: Record<string, unknown>, name: string) {
    this.#members = members;
    this.#name = name;
  }

  has(member: string): boolean {
    return this.#members[member] !== undefined;
  }

  string(member: string): string {
    const value = this.#members[member];
    return typeof value === 'string' ? value : this.#refuse(member);
  }

  stringOrNull(member: string): string | null {
    return this.#members[member] === null ? null : this.string(member);
  }

  oneOf<T extends string>(member: string, values: readonly T[]): T {
    const value = values.find((each) => each === this.#members[member]);
    return value ?? this.#refuse(member);
  }

  count(member: string): number {
    const value = this.#members[member];
    return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : this.#refuse(member);
  }

  object(member: string): Body {
    const value = this.#members[member];
    if (typeof value !== 'object' || value === null) return this.#refuse(member);
    return new Body(value as Record<string, unknown>, this.#name);
  }

  #refuse(member: string): never {
    throw new CorruptionError(this.#name, `its member ${member}`);
  }
}

/**
 * Makes the snapshot exist: everything that its tree reaches must be durable already. Again with the same content:
 * nothing. Throws an OperationalError when the snapshot was deleted, or is there with another content.
 */
export async function commitManifest(store: ObjectStore, manifest: Manifest): Promise<void> {
  const name = manifestName(manifest.snapshotId);
  if ((await store.stat(tombstoneName(manifest.snapshotId))) !== undefined) {
    throw new OperationalError(`snapshot ${manifest.snapshotId} was deleted; it cannot be committed`, {
      retryable: false,
    });
  }
  const bytes = encodeManifest(manifest);
  if (await store.put(name, [bytes])) return;
  const there = await store.find(name);
  if (there?.equals(bytes)) return;
  throw new OperationalError(`${name} is there already with another content; nothing was changed`, {
    retryable: false,
  });
}

/** The manifest, or undefined when there is no such snapshot or it was deleted. Throws CorruptionError. */
export async function findManifest(store: ObjectStore, snapshotId: string): Promise<Manifest | undefined> {
  if ((await store.stat(tombstoneName(snapshotId))) !== undefined) return undefined;
  const bytes = await store.find(manifestName(snapshotId));
  return bytes === undefined ? undefined : decodeManifest(bytes, snapshotId);
}

/** The manifest of a snapshot that must be there. */
export async function readManifest(place: RepositoryPlace, snapshotId: string): Promise<Manifest> {
  const manifest = await findManifest(openObjectStore(place), snapshotId);
  if (manifest !== undefined) return manifest;
  throw new OperationalError(`there is no snapshot ${snapshotId} in the repository ${place.storeFolder}`, {
    retryable: false,
  });
}

/** Every snapshot, in the order of ids. Throws CorruptionError at the first damaged manifest. */
export async function* listManifests(store: ObjectStore): AsyncGenerator<Manifest> {
  for await (const snapshotId of listSnapshotIds(store)) {
    const manifest = await findManifest(store, snapshotId);
    if (manifest !== undefined) yield manifest;
  }
}

/** Every snapshot whose manifest is whole, and the ids of those whose manifest is not. */
export async function readManifests(store: ObjectStore): Promise<{ manifests: Manifest[]; damagedIds: string[] }> {
  const manifests: Manifest[] = [];
  const damagedIds: string[] = [];
  for await (const snapshotId of listSnapshotIds(store)) {
    try {
      const manifest = await findManifest(store, snapshotId);
      if (manifest !== undefined) manifests.push(manifest);
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      damagedIds.push(snapshotId);
    }
  }
  return { manifests, damagedIds };
}

/** Ids of the manifests that are there, deleted ones included, whatever their bytes. */
export async function* listSnapshotIds(store: ObjectStore): AsyncGenerator<string> {
  for await (const { name } of store.list(MANIFEST_PREFIX)) yield name.slice(MANIFEST_PREFIX.length);
}

/** Removes the snapshot's name, durably; its bytes go with the next collection. Absent or deleted: nothing more. */
export async function deleteManifest(store: ObjectStore, snapshotId: string): Promise<void> {
  await store.put(tombstoneName(snapshotId), [encodeSealed(TOMBSTONE_MAGIC, { snapshotId })]);
  await store.delete(manifestName(snapshotId));
}

export async function* listTombstoneIds(store: ObjectStore): AsyncGenerator<string> {
  for await (const { name } of store.list(TOMBSTONE_PREFIX)) yield name.slice(TOMBSTONE_PREFIX.length);
}

/** Throws CorruptionError when the tombstone, where there is one, is damaged or of another snapshot. */
export async function checkTombstone(store: ObjectStore, snapshotId: string): Promise<boolean> {
  const bytes = await store.find(tombstoneName(snapshotId));
  if (bytes === undefined) return false;
  const name = `tombstone ${tombstoneName(snapshotId)}`;
  const body = decodeSealed(TOMBSTONE_MAGIC, bytes, name);
  if (body['snapshotId'] !== snapshotId) throw new CorruptionError(name, `it is of ${String(body['snapshotId'])}`);
  return true;
}

/** Ends deletions that a crash cut short. Throws CorruptionError at a damaged tombstone. */
export async function finishDeletions(store: ObjectStore): Promise<void> {
  const deleted = new Set(await Array.fromAsync(listTombstoneIds(store)));
  for await (const snapshotId of listSnapshotIds(store)) {
    if (deleted.has(snapshotId) && (await checkTombstone(store, snapshotId)))
      await store.delete(manifestName(snapshotId));
  }
}
