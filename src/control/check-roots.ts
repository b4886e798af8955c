/**
 * What `hupo check` verifies of the repository besides its snapshots: the trees that only disks, images and operations keep,
 * by names that say whom damage hurts. They are the collector's roots (C6), so while it rests all of them must be whole.
 */
import { listAllDisks } from '../catalog/disks.ts';
import { listOperations } from '../catalog/operations.ts';
import type { Queries } from '../catalog/schema.ts';
import { GIB } from '../lib/geometry.ts';
import type { NamedRoot } from '../repository/check.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { baseOf, treesOfBase } from './disk-folder.ts';

export async function listNamedRoots(queries: Queries): Promise<NamedRoot[]> {
  const roots = [...(await listDiskRoots(queries)), ...(await listImageRoots(queries))];
  for (const { kind, subjectId, state } of await listOperations(queries)) {
    for (const tree of findTrees(state)) {
      roots.push({ name: `what ${kind} of ${subjectId} works with`, tree, sizeBytes: Infinity });
    }
  }
  return roots.filter(({ tree }) => tree.root !== null);
}

/** Of a disk, what it has not written itself still reads from its base. */
async function listDiskRoots(queries: Queries): Promise<NamedRoot[]> {
  const rows = await listAllDisks(queries);
  return rows.flatMap((row) => {
    const name = `the base of the disk ${row.disk_id}`;
    return treesOfBase(baseOf(row)).map((tree) => ({ name, tree, sizeBytes: row.size_gib * GIB }));
  });
}

async function listImageRoots(queries: Queries): Promise<NamedRoot[]> {
  const rows = await queries
    .selectFrom('image_disks')
    .select(['image_id', 'device', 'size_gib', 'base'])
    .orderBy('image_id')
    .orderBy('device')
    .execute();
  return rows.flatMap(({ image_id: imageId, device, size_gib: sizeGib, base }) => {
    const name = `${device} of the image ${imageId}`;
    const trees = base === null ? [] : treesOfBase(baseOf({ base }));
    return trees.map((tree) => ({ name, tree, sizeBytes: sizeGib * GIB }));
  });
}

/** Every tree in an operation's state, wherever its kind keeps it. */
function findTrees(value: unknown): TreeRef[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('root' in value && 'levels' in value) return [value as TreeRef];
  return Object.values(value).flatMap(findTrees);
}
