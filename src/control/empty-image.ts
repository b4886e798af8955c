/** The public image of a server that has no other: an empty disk. */
import { ensureImage } from '../catalog/images.ts';
import { SYSTEM_DEVICE_NAME } from '../ecs/device-names.ts';
import { emptyTree } from '../repository/tree-ref.ts';
import type { Parts } from './parts.ts';

/** The public image that is always there: an empty disk. */
export const EMPTY_IMAGE_ID = 'hupo_empty_20G';

export async function ensureEmptyImage({ catalog, clock }: Parts): Promise<void> {
  const image = {
    image_id: EMPTY_IMAGE_ID,
    image_name: EMPTY_IMAGE_ID,
    description: 'An empty disk of 20 GiB',
    owner_alias: 'system',
    size_gib: 20,
    os_type: 'linux',
    os_name: 'Empty disk',
    platform: 'Others Linux',
    architecture: 'x86_64',
    created_at_ms: clock.nowMs(),
    image_family: '',
    image_version: '',
    boot_mode: 'BIOS',
    status: 'Available',
    failure_reason: null,
    deleted: 0,
    resource_group_id: '',
  } as const;
  await ensureImage(catalog.queries, image, {
    image_id: EMPTY_IMAGE_ID,
    device: SYSTEM_DEVICE_NAME,
    type: 'system',
    size_gib: image.size_gib,
    snapshot_id: null,
    base: JSON.stringify({ snapshotId: null, tree: emptyTree }),
  });
}
