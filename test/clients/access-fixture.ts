/** Users with keys and policies on an API fixture, and requests as they sign them. */
import { createPolicy, createPolicyVersion, attachPolicy } from '../../src/access/policies.ts';
import { createKey, createUser } from '../../src/access/users.ts';
import type { Action } from '../../src/api/action.ts';
import type { Pair } from '../../src/api/percent.ts';
import { products, versionOf } from '../../src/api/products.ts';
import { signV1, stringToSignV1 } from '../../src/api/signature-v1.ts';
import { commonPairs, encodePairs, send, type Answer, type ApiFixture } from './api-fixture.ts';

export interface Key {
  accessKeyId: string;
  secret: string;
  securityToken?: string;
}

export interface TestUser {
  userName: string;
  userId: string;
  key: Key;
}

export const everyAction: readonly Action[] = products.flatMap(({ actions }) => actions);

export function policyOf(...statements: object[]): string {
  return JSON.stringify({ Version: '1', Statement: statements });
}

/** A user with a key and, unless it is null, one policy of its own. */
export async function makeUser(api: ApiFixture, userName: string, document: string | null): Promise<TestUser> {
  const { account } = api.guard;
  const facts = { displayName: userName, comments: '', mobilePhone: '', email: '' };
  const user = await createUser(account, userName, facts);
  const { key, secret } = await createKey(account, userName);
  if (document !== null) {
    await createPolicy(account, { policyName: userName, description: '', document });
    await attachPolicy(account, { policyType: 'Custom', policyName: userName, to: { userName } });
  }
  return { userName, userId: user.user_id, key: { accessKeyId: key.access_key_id, secret } };
}

/** Another document for the policy that `makeUser` made. */
export async function setPolicy(api: ApiFixture, { userName }: TestUser, document: string): Promise<void> {
  const how = { setAsDefault: true, rotate: true };
  await createPolicyVersion(api.guard.account, { policyName: userName, document, ...how });
}

/** As the aliyun CLI sends it, signed with a key that is not root's. */
export async function callAs(
  api: ApiFixture,
  key: Key,
  name: string,
  parameters: Record<string, string> = {},
): Promise<Answer> {
  const action = everyAction.find((one) => one.name === name);
  const common = new Map([
    ...commonPairs(name),
    ['Version', versionOf(action?.service ?? 'ecs')] as const,
    ['AccessKeyId', key.accessKeyId] as const,
    ['SecurityToken', key.securityToken ?? ''] as const,
  ]);
  const pairs: Pair[] = [...common, ...Object.entries(parameters)];
  const signature = signV1(stringToSignV1('POST', pairs), key.secret);
  return await send(api, `/?${encodePairs([...pairs, ['Signature', signature]])}`, { method: 'POST' });
}
