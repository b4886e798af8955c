/** Pieces of answers that several resources share. Lists are always wrapped: `{"Tags":{"Tag":[]}}`. */
import type { Tag } from '../../ecs/resources.ts';
import { NEVER_EXPIRES_MS } from '../../ecs/subscription.ts';
import type { ChargeType } from '../../ecs/subscription.ts';
import { formatMinute } from '../../ecs/times.ts';

/** Of what is PostPaid the end that ECS shows for that. */
export function renderCharge(expiresAtMs: number | null): { expiredTime: string; chargeType: ChargeType } {
  const expiredTime = formatMinute(expiresAtMs ?? NEVER_EXPIRES_MS);
  return { expiredTime, chargeType: expiresAtMs === null ? 'PostPaid' : 'PrePaid' };
}

/** Of an interface or one of its addresses. */
export const noPublicAddress = { AllocationId: '', PublicIpAddress: '' };

/** Both pairs of names: some clients read TagKey, the CSI driver reads Key (`clients.md` 2.3). */
export function renderTags(tags: readonly Tag[]): object {
  return { Tag: tags.map(({ key, value }) => ({ TagKey: key, TagValue: value, Key: key, Value: value })) };
}
