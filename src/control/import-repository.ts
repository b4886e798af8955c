/**
 * `hupo repository import`: makes the catalog of a data folder know everything that the repository and the folder hold, after
 * the catalog was lost or restored from a copy (R2). A lost catalog is first brought back from its latest copy in the
 * repository. Then every manifest without a row gets one, every row without a manifest goes, and disks are as their folders
 * say. Nothing else may run on the folder. Again: nothing.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Catalog } from '../catalog/catalog.ts';
import { deleteEarlierSessions } from '../catalog/repository-sessions.ts';
import { deleteDisk, findAnyDisk, insertDisk, listAllDisks, setBase, updateDisk } from '../catalog/disks.ts';
import { listOperations, markUndoing } from '../catalog/operations.ts';
import { deleteRecycled, findRecycled, listAllRecycled } from '../catalog/recycle-bin.ts';
import type { DiskRow, Queries } from '../catalog/schema.ts';
import { deleteImage } from '../catalog/images.ts';
import { findInstance, updateInstance } from '../catalog/instances.ts';
import { renewEventLine } from '../catalog/events.ts';
import { deleteSetting, findSetting, putSetting } from '../catalog/settings.ts';
import { deleteEmptyGroups, findSnapshotGroup, insertSnapshotGroup } from '../catalog/snapshot-groups.ts';
import { deleteLock } from '../catalog/snapshot-locks.ts';
import { deleteSnapshot, findSnapshot, insertSnapshot, listAccomplishedSnapshots } from '../catalog/snapshots.ts';
import { DEFAULT_RESOURCE_GROUP_ID } from '../ecs/resource-groups.ts';
import type { Clock } from '../lib/clock.ts';
import { CorruptionError, messageOf } from '../lib/errors.ts';
import { CHUNK_BYTES, GIB } from '../lib/geometry.ts';
import { systemRandom } from '../lib/random.ts';
import { listCopyNames, readCopy } from '../repository/catalog-copy.ts';
import type { CatalogCopy } from '../repository/catalog-copy.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { ObjectStore } from '../repository/object-store/object-store.ts';
import { readManifests } from '../repository/manifest.ts';
import { restoreToFile } from '../repository/restore.ts';
import type { RepositoryPlace } from '../repository/stores.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import type { StoredDisk } from './check.ts';
import { baseOf, formatBase, treesOfBase } from './disk-folder.ts';
import { raiseGarbageMark } from './garbage.ts';
import { readLockTime } from './lock-clock.ts';
import { COPY_SNAPSHOT } from './operations/copy-snapshot.ts';
import { CREATE_SNAPSHOT } from './operations/create-snapshot.ts';
import type { CreateSnapshotState } from './operations/create-snapshot.ts';
import { CATALOG_COPY } from './repository-book.ts';
import { putBack } from './recycle.ts';
import { startLockOf } from './snapshot-locks.ts';

/** More than there can have been since a copy that anybody restores. */
const AHEAD = 1_000_000;

/** What was done, for people, a sentence each. */
export type Imported = string[];

/**
 * Brings the latest copy of the catalog that is whole to `file`, which must not be there; null when there is none. Sentences
 * about copies that are not whole go to `tell`.
 */
export async function restoreCatalog(
  place: RepositoryPlace,
  store: ObjectStore,
  file: string,
  tell: (sentence: string) => void,
): Promise<CatalogCopy | null> {
  for (const name of (await listCopyNames(store)).reverse()) {
    const partial = `${file}.partial`;
    fs.rmSync(partial, { force: true });
    try {
      const copy = await readCopy(store, name);
      if (copy === undefined) continue;
      const sizeBytes = Math.ceil(copy.sizeBytes / CHUNK_BYTES) * CHUNK_BYTES;
      await restoreToFile({ repository: place, tree: copy.tree, sizeBytes, file: partial });
      fs.truncateSync(partial, copy.sizeBytes);
      fs.renameSync(partial, file);
      return copy;
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      tell(`The copy of the catalog catalogs/${name} cannot be used: ${messageOf(error)}.`);
    } finally {
      fs.rmSync(partial, { force: true });
      fs.rmSync(path.join(path.dirname(file), `${path.basename(file)}-wal`), { force: true });
    }
  }
  return null;
}

/** Makes the catalog agree with the repository and with the disks' folders, in one transaction. */
export async function importInto(
  catalog: Catalog,
  given: {
    store: ObjectStore;
    /** Whether the repository has the root of a tree. */
    hasTree: (tree: TreeRef) => boolean;
    disks: readonly StoredDisk[];
    clock: Clock;
    zoneId: string;
    /** Whether the catalog may know what is gone since. */
    isOld: boolean;
  },
): Promise<Imported> {
  const { store, disks, clock, zoneId, isOld } = given;
  const { manifests, damagedIds } = await readManifests(store);
  const done: Imported = damagedIds.map(
    (snapshotId) => `The manifest of the snapshot ${snapshotId} is damaged: it was left out.`,
  );
  await catalog.transaction(async (transaction) => {
    await deleteEarlierSessions(transaction, Infinity);
    const known = new Map(manifests.map((manifest) => [manifest.snapshotId, manifest]));
    if (isOld) done.push(...(await settleOperations(transaction, known)), ...(await takeOutOfBin(transaction, clock)));
    const operations = (await listOperations(transaction)).filter(
      ({ kind, step }) => kind !== CREATE_SNAPSHOT || step !== 'rebase',
    );
    const busy = JSON.stringify(operations);
    const settled = manifests.filter(({ snapshotId }) => !busy.includes(snapshotId));
    const isLeft = (id: string) => damagedIds.includes(id) || busy.includes(id);
    done.push(...(await importSnapshots(transaction, settled, isLeft, clock)));
    done.push(...(await importDisks(transaction, disks, { zoneId, nowMs: clock.nowMs() })));
    await raiseGarbageMark(transaction);
    if (!isOld) return;
    done.push(...(await dropLostImages(transaction, given.hasTree)));
    await deleteSetting(transaction, CATALOG_COPY); // it may be gone, and the next copy needs no other
    await raiseNumbers(transaction);
    await renewEventLine(transaction, systemRandom);
  });
  return done;
}

/**
 * Of what was under way when the copy was made, a deletion and a snapshot that was frozen go on with the next server: its view
 * is there, and disks may stand on it. Where its manifest is there it only has to let go of the view. The rest is undone:
 * nothing of it is done to disks that have gone on since.
 */
async function settleOperations(transaction: Queries, manifests: ReadonlyMap<string, Manifest>): Promise<Imported> {
  const done: Imported = [];
  for (const { operationId, kind, subjectId, state, undoing } of await listOperations(transaction)) {
    if (kind.startsWith('delete-') || undoing) continue;
    if (kind === CREATE_SNAPSHOT) {
      const snapshot = state as CreateSnapshotState;
      const manifest = manifests.get(subjectId);
      if (manifest !== undefined) await markStored(transaction, operationId, { ...snapshot, ...storedAs(manifest) });
      if (manifest !== undefined || snapshot.frozen !== undefined) continue;
    }
    if (kind === COPY_SNAPSHOT && manifests.has(subjectId)) {
      // It is done: its row comes from the manifest.
      await transaction.deleteFrom('operations').where('operation_id', '=', operationId).execute();
      continue;
    }
    await markUndoing(transaction, operationId, 'the catalog was restored from a copy');
    done.push(`What ${kind} of ${subjectId} had begun when the copy was made is undone at the next start.`);
  }
  return done;
}

/** The operation goes on where the manifest is committed. */
async function markStored(transaction: Queries, operationId: string, state: CreateSnapshotState): Promise<void> {
  const change = { step: 'rebase', state: JSON.stringify(state) };
  await transaction.updateTable('operations').set(change).where('operation_id', '=', operationId).execute();
}

function storedAs({ tree, statistics, ownerEpoch }: Manifest): Partial<CreateSnapshotState> {
  return { result: { tree, ...statistics }, ownerEpoch };
}

/** Whether one was restored since the copy was made nobody knows: what is still there is put back, and can be deleted again. */
async function takeOutOfBin(transaction: Queries, clock: Clock): Promise<Imported> {
  const nowMs = await readLockTime(transaction, clock);
  const entries = await listAllRecycled(transaction);
  for (const entry of entries) await putBack(transaction, entry, nowMs);
  return entries.map(({ resource_id: id }) => `${id} was in the recycle bin when the copy was made: it is put back.`);
}

async function importSnapshots(
  transaction: Queries,
  manifests: readonly Manifest[],
  isLeft: (snapshotId: string) => boolean,
  clock: Clock,
): Promise<Imported> {
  const nowMs = await readLockTime(transaction, clock);
  const done: Imported = [];
  const stored = new Set(manifests.map(({ snapshotId }) => snapshotId));
  for (const { snapshot_id: snapshotId } of await listAccomplishedSnapshots(transaction)) {
    if (stored.has(snapshotId) || isLeft(snapshotId)) continue;
    await deleteLock(transaction, snapshotId);
    await deleteSnapshot(transaction, snapshotId);
    await deleteRecycled(transaction, snapshotId);
    done.push(`The snapshot ${snapshotId} is not in the repository any more: it is gone from the catalog.`);
  }
  for (const manifest of [...manifests].sort((first, second) => first.createdAtMs - second.createdAtMs)) {
    const row = await findSnapshot(transaction, manifest.snapshotId);
    if (row?.status === 'accomplished' || (await findRecycled(transaction, manifest.snapshotId)) !== undefined)
      continue;
    if (row !== undefined) await deleteSnapshot(transaction, manifest.snapshotId);
    await insertSnapshot(transaction, rowOf(manifest));
    await importGroup(transaction, manifest);
    await startLockOf(transaction, manifest.snapshotId, nowMs);
    const at = new Date(manifest.createdAtMs).toISOString();
    done.push(`The snapshot ${manifest.snapshotId} of ${manifest.diskId}, of ${at}, is in the catalog again.`);
  }
  await deleteEmptyGroups(transaction);
  return done;
}

/** The group of a snapshot, with whichever of its snapshots come. */
async function importGroup(transaction: Queries, { group, createdAtMs }: Manifest): Promise<void> {
  if (group === undefined || (await findSnapshotGroup(transaction, group.snapshotGroupId)) !== undefined) return;
  await insertSnapshotGroup(transaction, {
    snapshot_group_id: group.snapshotGroupId,
    group_name: group.name,
    description: group.description,
    instance_id: group.instanceId,
    frozen: 1,
    created_at_ms: createdAtMs,
    resource_group_id: DEFAULT_RESOURCE_GROUP_ID,
  });
}

function rowOf(manifest: Manifest): Parameters<typeof insertSnapshot>[1] {
  return {
    snapshot_id: manifest.snapshotId,
    snapshot_name: manifest.name,
    description: manifest.description,
    status: 'accomplished',
    frozen: 1,
    progress_percent: 100,
    remaining_seconds: 0,
    created_at_ms: manifest.createdAtMs,
    modified_at_ms: manifest.createdAtMs,
    source_disk_id: manifest.diskId,
    source_disk_size_gib: Math.ceil(manifest.sizeBytes / GIB),
    source_disk_type: manifest.diskType,
    retention_days: null,
    failure_reason: null,
    tree: JSON.stringify(manifest.tree),
    generation: manifest.generation,
    incarnation: manifest.incarnation,
    instant: 0,
    snapshot_group_id: manifest.group?.snapshotGroupId ?? null,
    undo_until_ms: null,
    source_region_id: manifest.copyOf?.regionId ?? null,
    source_snapshot_id: manifest.copyOf?.snapshotId ?? null,
    resource_group_id: DEFAULT_RESOURCE_GROUP_ID,
    category: 'standard',
    automatic: 0,
    kept_since_ms: null,
  };
}

/** Images that were deleted since the copy was made, and whose bytes are collected: what is needed must be there. */
async function dropLostImages(transaction: Queries, hasTree: (tree: TreeRef) => boolean): Promise<Imported> {
  const rows = await transaction.selectFrom('image_disks').select(['image_id', 'base']).execute();
  const isLost = ({ base }: { base: string | null }) =>
    base !== null && treesOfBase(baseOf({ base })).some((tree) => tree.root !== null && !hasTree(tree));
  const lost = new Set(rows.filter(isLost).map((row) => row.image_id));
  for (const imageId of lost) await deleteImage(transaction, imageId);
  return [...lost].map(
    (imageId) => `The image ${imageId} is not in the repository any more: it is gone from the catalog.`,
  );
}

/** What only folders know comes as `Available` data disks; what is in the catalog without a folder is gone. */
async function importDisks(
  transaction: Queries,
  disks: readonly StoredDisk[],
  { zoneId, nowMs }: { zoneId: string; nowMs: number },
): Promise<Imported> {
  const done: Imported = [];
  for (const disk of disks) {
    const row = await findAnyDisk(transaction, disk.diskId);
    const facts = { incarnation: disk.incarnation, base: formatBase(disk.base) };
    if (row === undefined) {
      await insertDisk(transaction, { ...newRow(disk, zoneId, nowMs), ...facts });
      done.push(`The disk ${disk.diskId} is in the catalog again, attached to nothing.`);
    } else if (row.incarnation !== facts.incarnation || row.base !== facts.base) {
      await updateDisk(transaction, disk.diskId, facts);
      await setBase(transaction, disk.diskId, facts.base);
      done.push(`The disk ${disk.diskId} is in the catalog as its folder says: it was rolled back since.`);
    }
  }
  const there = new Set(disks.map(({ diskId }) => diskId));
  const lost = (await listAllDisks(transaction)).filter(({ disk_id: diskId }) => !there.has(diskId));
  for (const { disk_id: diskId } of lost) {
    await deleteDisk(transaction, diskId);
    await deleteRecycled(transaction, diskId);
    done.push(`The disk ${diskId} has no folder any more: it is gone from the catalog.`);
  }
  return [...done, ...(await stopWithout(transaction, lost))];
}

/** An instance without its system disk runs no more. It stays until somebody deletes it, for people look for it. */
async function stopWithout(transaction: Queries, lost: readonly DiskRow[]): Promise<Imported> {
  const done: Imported = [];
  for (const { instance_id: instanceId, type } of lost) {
    const instance = instanceId === null ? undefined : await findInstance(transaction, instanceId);
    if (instance?.status !== 'Running' || type !== 'system') continue;
    await updateInstance(transaction, instance.instance_id, { status: 'Stopped' });
    done.push(`The instance ${instance.instance_id} has lost its system disk: it is Stopped; delete it.`);
  }
  return done;
}

function newRow({ diskId, sizeBytes, base }: StoredDisk, zoneId: string, nowMs: number): DiskRow {
  return {
    disk_id: diskId,
    zone_id: zoneId,
    disk_name: '',
    description: '',
    category: 'cloud_essd',
    performance_level: 'PL1',
    size_gib: Math.ceil(sizeBytes / GIB),
    status: 'Available',
    type: 'data',
    created_at_ms: nowMs,
    attached_at_ms: null,
    detached_at_ms: null,
    instance_id: null,
    device: null,
    delete_with_instance: 0,
    delete_auto_snapshot: 0,
    enable_auto_snapshot: 0,
    portable: 1,
    prepaid: 0,
    source_snapshot_id: base.snapshotId,
    image_id: null,
    ever_attached: 1,
    base: formatBase(base),
    incarnation: 1,
    home_instance_id: null,
    first_base: null,
    resource_group_id: DEFAULT_RESOURCE_GROUP_ID,
  };
}

/** The copy does not know the latest sessions and epochs, which packs and caches have: their numbers are not given again. */
async function raiseNumbers(transaction: Queries): Promise<void> {
  for (const name of ['repository-session', 'repository-epoch']) {
    const number = Number((await findSetting(transaction, name)) ?? '0');
    await putSetting(transaction, name, String(number + AHEAD));
  }
}
