/** What tests of ImportImage ask for, in a world: two files in a bucket, and the image that comes of them. */
import { DEFAULT_RESOURCE_GROUP_ID } from '../../src/ecs/resource-groups.ts';
import type { Image } from '../../src/ecs/resources.ts';
import type { ImportImageRequest } from '../../src/control/requests.ts';
import { GIB } from '../../src/lib/geometry.ts';
import { allRows, runRequest } from './world.ts';
import type { World } from './world.ts';

export function fileOf(object: string): ImportImageRequest['disks'][number] {
  return { place: { bucket: 'images', object }, format: null, sizeGib: null };
}

export function importRequest(change: Partial<ImportImageRequest> = {}): ImportImageRequest {
  const plain = { description: '', architecture: null, platform: null, bootMode: null, tags: [] };
  const resourceGroupId = DEFAULT_RESOURCE_GROUP_ID;
  return { disks: [fileOf('system'), fileOf('data')], imageName: 'imported', resourceGroupId, ...plain, ...change };
}

export function putFiles(world: World): void {
  world.exchange.put('system', { 1: 'a', 2: 'b' });
  world.exchange.put('data', { 3: 'c', 4: 'd' }, { sizeBytes: 5 * GIB + 1, format: 'qcow2' });
}

export async function ownImages(world: World): Promise<Image[]> {
  return (await world.control.listImages({ ownerAlias: 'self' }, allRows)).items;
}

export async function readInstanceOf(world: World, imageId: string) {
  const { instanceIds } = await world.control.runInstances(runRequest({ imageId, dataDisks: [] }));
  await world.settle();
  const { items } = await world.control.listDisks({ instanceId: instanceIds[0] ?? '' }, allRows);
  const disks = items.toSorted((a, b) => (a.device ?? '').localeCompare(b.device ?? ''));
  return disks.map(({ diskId }) => world.diskWords(diskId));
}
