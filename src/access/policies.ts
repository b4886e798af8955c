/** Changes of custom policies and their versions, and who has which; each is one transaction (`account.ts`). */
import type { RamPolicyVersionRow } from '../catalog/access-schema.ts';
import type { Account } from './account.ts';
import { findPolicy, type AccountState, type CustomPolicy } from './account-state.ts';
import { LIMITS, alreadyThere, checkCount, notThere, stillUsed } from './account-rules.ts';
import { parsePolicy } from './policy-document.ts';
import { getRole } from './roles.ts';
import { getUser } from './users.ts';

export type PolicyType = 'System' | 'Custom';

/** RequestError EntityNotExist.Policy. */
export function getCustomPolicy(state: AccountState, name: string): CustomPolicy {
  const policy = state.policies.get(name);
  if (policy === undefined) throw notThere('EntityNotExist.Policy', 'custom policy', name);
  return policy;
}

/** The ids of users and roles that have it. */
export function holdersOf(state: AccountState, type: PolicyType, name: string): string[] {
  return [...state.attachments]
    .filter(([, rows]) => rows.some((row) => row.policy_type === type && row.policy_name === name))
    .map(([principalId]) => principalId);
}

/** RequestError MalformedPolicyDocument. */
export function createPolicy(
  account: Account,
  asked: { policyName: string; description: string; document: string },
): Promise<void> {
  const { policyName, description, document } = asked;
  parsePolicy(document);
  const nowMs = account.clock.nowMs();
  return account.change(async (transaction, state) => {
    if (state.policies.has(policyName) || findPolicy(state, 'System', policyName) !== undefined) {
      throw alreadyThere('EntityAlreadyExist.Policy', 'policy', policyName);
    }
    checkCount(state.policies.size, LIMITS.policies, 'LimitExceeded.Policy', 'policies');
    const times = { created_at_ms: nowMs, updated_at_ms: nowMs };
    await transaction
      .insertInto('ram_policies')
      .values({ policy_name: policyName, description, default_version: 1, last_version: 1, ...times })
      .execute();
    await transaction
      .insertInto('ram_policy_versions')
      .values({ policy_name: policyName, version: 1, document, created_at_ms: nowMs })
      .execute();
  });
}

/** The new version counts at once with `setAsDefault`; `rotate` makes room by deleting the oldest that does not count. */
export function createPolicyVersion(
  account: Account,
  asked: { policyName: string; document: string; setAsDefault: boolean; rotate: boolean },
): Promise<RamPolicyVersionRow> {
  const { policyName, document, setAsDefault, rotate } = asked;
  parsePolicy(document);
  const nowMs = account.clock.nowMs();
  return account.change(async (transaction, state) => {
    const { row, versions } = getCustomPolicy(state, policyName);
    const oldest = versions.find(({ version }) => version !== row.default_version);
    if (versions.length >= LIMITS.versions && rotate && oldest !== undefined) {
      await transaction
        .deleteFrom('ram_policy_versions')
        .where('policy_name', '=', policyName)
        .where('version', '=', oldest.version)
        .execute();
    } else {
      checkCount(versions.length, LIMITS.versions, 'LimitExceeded.Policy.Version', `versions of ${policyName}`);
    }
    const version = row.last_version + 1;
    const made = { policy_name: policyName, version, document, created_at_ms: nowMs };
    await transaction.insertInto('ram_policy_versions').values(made).execute();
    await transaction
      .updateTable('ram_policies')
      .set({ last_version: version, updated_at_ms: nowMs, ...(setAsDefault ? { default_version: version } : {}) })
      .where('policy_name', '=', policyName)
      .execute();
    return made;
  });
}

export function setDefaultVersion(account: Account, policyName: string, version: number): Promise<void> {
  const nowMs = account.clock.nowMs();
  return account.change(async (transaction, state) => {
    getVersion(getCustomPolicy(state, policyName), version);
    await transaction
      .updateTable('ram_policies')
      .set({ default_version: version, updated_at_ms: nowMs })
      .where('policy_name', '=', policyName)
      .execute();
  });
}

/** RequestError EntityNotExist.Policy.Version. */
export function getVersion(policy: CustomPolicy, version: number): RamPolicyVersionRow {
  const found = policy.versions.find((row) => row.version === version);
  if (found === undefined)
    throw notThere('EntityNotExist.Policy.Version', `version of ${policy.policyName}`, `v${version}`);
  return found;
}

export function deletePolicyVersion(account: Account, policyName: string, version: number): Promise<void> {
  return account.change(async (transaction, state) => {
    const policy = getCustomPolicy(state, policyName);
    getVersion(policy, version);
    if (policy.row.default_version === version) {
      throw stillUsed(
        'DeleteConflict.Policy.Version.Default',
        `The version v${version} of ${policyName} is the one that counts.`,
      );
    }
    await transaction
      .deleteFrom('ram_policy_versions')
      .where('policy_name', '=', policyName)
      .where('version', '=', version)
      .execute();
  });
}

export function deletePolicy(account: Account, policyName: string): Promise<void> {
  return account.change(async (transaction, state) => {
    const policy = getCustomPolicy(state, policyName);
    const [holder] = holdersOf(state, 'Custom', policyName);
    if (holder !== undefined) {
      const kind = state.usersById.has(holder) ? 'User' : 'Role';
      throw stillUsed(`DeleteConflict.Policy.${kind}`, `The policy ${policyName} is attached: detach it first.`);
    }
    if (policy.versions.length > 1) {
      throw stillUsed(
        'DeleteConflict.Policy.Version',
        `The policy ${policyName} has versions besides the one that counts.`,
      );
    }
    await transaction.deleteFrom('ram_policy_versions').where('policy_name', '=', policyName).execute();
    await transaction.deleteFrom('ram_policies').where('policy_name', '=', policyName).execute();
  });
}

export interface Attachment {
  policyType: PolicyType;
  policyName: string;
  /** Of one of them the name. */
  to: { userName: string } | { roleName: string };
}

export function attachPolicy(account: Account, asked: Attachment): Promise<void> {
  const nowMs = account.clock.nowMs();
  return account.change(async (transaction, state) => {
    const { policyType, policyName } = asked;
    const { kind, id, name } = getHolder(state, asked);
    if (findPolicy(state, policyType, policyName) === undefined)
      throw notThere('EntityNotExist.Policy', 'policy', policyName);
    const present = state.attachments.get(id) ?? [];
    if (present.some((row) => row.policy_type === policyType && row.policy_name === policyName)) {
      throw alreadyThere(`EntityAlreadyExist.${kind}.Policy`, `policy of ${name},`, policyName);
    }
    const ofType = present.filter((row) => row.policy_type === policyType).length;
    checkCount(ofType, LIMITS.attachments, `LimitExceeded.${kind}.Policy`, `policies of ${name}`);
    await transaction
      .insertInto('ram_attachments')
      .values({ principal_id: id, policy_type: policyType, policy_name: policyName, attached_at_ms: nowMs })
      .execute();
  });
}

export function detachPolicy(account: Account, asked: Attachment): Promise<void> {
  return account.change(async (transaction, state) => {
    const { policyType, policyName } = asked;
    const { kind, id, name } = getHolder(state, asked);
    const result = await transaction
      .deleteFrom('ram_attachments')
      .where('principal_id', '=', id)
      .where('policy_type', '=', policyType)
      .where('policy_name', '=', policyName)
      .executeTakeFirst();
    if (result.numDeletedRows === 0n) throw notThere(`EntityNotExist.${kind}.Policy`, `policy of ${name},`, policyName);
  });
}

function getHolder(state: AccountState, { to }: Attachment): { kind: 'User' | 'Role'; id: string; name: string } {
  if ('userName' in to) return { kind: 'User', id: getUser(state, to.userName).user_id, name: to.userName };
  return { kind: 'Role', id: getRole(state, to.roleName).row.role_id, name: to.roleName };
}
