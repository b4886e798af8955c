/** Pieces of answers that several resources share. Lists are always wrapped: `{"Tags":{"Tag":[]}}`. */
import type { Tag } from '../../ecs/resources.ts';

/** The expiry that ECS shows for what is paid as it goes. */
export const NEVER_EXPIRES = '2999-09-08T16:00Z';

/** Of an interface or one of its addresses. */
export const noPublicAddress = { AllocationId: '', PublicIpAddress: '' };

/** Both pairs of names: some clients read TagKey, the CSI driver reads Key (`clients.md` 2.3). */
export function renderTags(tags: readonly Tag[]): object {
  return { Tag: tags.map(({ key, value }) => ({ TagKey: key, TagValue: value, Key: key, Value: value })) };
}
