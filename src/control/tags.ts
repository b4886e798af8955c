/** TagResources, UntagResources and their older names as requests: all the resources are changed in one transaction or none. */
import type { Queries } from '../catalog/schema.ts';
import { deleteTag, deleteTags, listTags, putTags } from '../catalog/tags.ts';
import { TAG_LIMIT } from '../ecs/names.ts';
import type { Tag, TaggedType } from '../ecs/resources.ts';
import { RequestError } from '../lib/errors.ts';
import { change } from './change.ts';
import type { Parts } from './parts.ts';
import { findPresence } from './presence.ts';
import type { ChangeOptions, TagResourcesRequest, UntagResourcesRequest } from './requests.ts';

/** A key that a resource has gets the new value. */
export async function tagResources(parts: Parts, request: TagResourcesRequest, options: ChangeOptions): Promise<void> {
  const { resourceType, resourceIds, tags } = request;
  await change(parts, options, async (transaction) => {
    for (const resourceId of new Set(resourceIds)) {
      await assertTaggable(transaction, resourceType, resourceId);
      const present = (await listTags(transaction, [resourceId])).get(resourceId) ?? [];
      assertFits(resourceId, present, tags);
      await putTags(transaction, resourceId, tags);
    }
  });
}

/** A tag that a resource has not got is no mistake. */
export async function untagResources(
  parts: Parts,
  request: UntagResourcesRequest,
  options: ChangeOptions,
): Promise<void> {
  const { resourceType, resourceIds, tags } = request;
  await change(parts, options, async (transaction) => {
    for (const resourceId of new Set(resourceIds)) {
      await assertTaggable(transaction, resourceType, resourceId);
      if (tags === null) await deleteTags(transaction, resourceId);
      for (const tag of tags ?? []) await deleteTag(transaction, resourceId, tag);
    }
  });
}

async function assertTaggable(transaction: Queries, type: TaggedType, resourceId: string): Promise<void> {
  const state = await findPresence(transaction, type, resourceId);
  if (state === 'absent') {
    throw new RequestError('InvalidResourceId.NotFound', `There is no ${type} ${resourceId}: tags need one.`);
  }
  if (state === 'public') {
    throw new RequestError(
      'InvalidResourceId.NotSupported',
      `The image ${resourceId} is public: only your own images can have tags.`,
    );
  }
}

/**
 * At most 20 tags together. Keys that differ only by case are refused, here as within one request, so that no resource ever
 * has two of them, whichever way its tags came.
 */
function assertFits(resourceId: string, present: readonly Tag[], added: readonly Tag[]): void {
  const keys = new Map(present.map(({ key }) => [key.toLowerCase(), key]));
  for (const { key } of added) {
    const there = keys.get(key.toLowerCase()) ?? key;
    if (there !== key) {
      throw new RequestError(
        'TagKey.Duplication',
        `${resourceId} has the tag key ${JSON.stringify(there)}, which differs from ${JSON.stringify(key)} only by case: use that one, or remove it first.`,
      );
    }
    keys.set(key.toLowerCase(), key);
  }
  if (keys.size <= TAG_LIMIT) return;
  throw new RequestError(
    'OperationDenied.QuotaExceed',
    `${resourceId} would have ${keys.size} tags, and at most ${TAG_LIMIT} are allowed: remove some first.`,
  );
}
