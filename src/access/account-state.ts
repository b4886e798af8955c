/** All users, keys, policies and roles of the account, as they are in memory: they are few, and every request asks for them. */
import type {
  RamAttachmentRow,
  RamKeyRow,
  RamPolicyRow,
  RamPolicyVersionRow,
  RamRoleRow,
  RamUserRow,
} from '../catalog/access-schema.ts';
import type { Queries } from '../catalog/schema.ts';
import type { Grant } from './evaluate.ts';
import { parsePolicy, parseTrust, type TrustStatement } from './policy-document.ts';
import { systemPolicies } from './system-policies.ts';

export interface CustomPolicy extends Grant {
  row: RamPolicyRow;
  /** The oldest first. */
  versions: RamPolicyVersionRow[];
  document: string;
}

export interface Role {
  row: RamRoleRow;
  trust: TrustStatement[];
}

export interface AccountState {
  usersByName: ReadonlyMap<string, RamUserRow>;
  usersById: ReadonlyMap<string, RamUserRow>;
  keys: ReadonlyMap<string, RamKeyRow>;
  policies: ReadonlyMap<string, CustomPolicy>;
  rolesByName: ReadonlyMap<string, Role>;
  rolesById: ReadonlyMap<string, Role>;
  /** By user or role. */
  attachments: ReadonlyMap<string, RamAttachmentRow[]>;
}

export async function readAccount(queries: Queries): Promise<AccountState> {
  const users = await queries.selectFrom('ram_users').selectAll().orderBy('created_at_ms').orderBy('user_id').execute();
  const keys = await queries
    .selectFrom('ram_keys')
    .selectAll()
    .orderBy('created_at_ms')
    .orderBy('access_key_id')
    .execute();
  const rows = await queries.selectFrom('ram_policies').selectAll().orderBy('policy_name').execute();
  const versions = await queries.selectFrom('ram_policy_versions').selectAll().orderBy('version').execute();
  const roleRows = await queries.selectFrom('ram_roles').selectAll().orderBy('role_name').execute();
  const attached = await queries.selectFrom('ram_attachments').selectAll().orderBy('attached_at_ms').execute();
  const versionsOf = groupBy(versions, (version) => version.policy_name);
  const policies = rows.map((row) => policyOf(row, versionsOf.get(row.policy_name) ?? []));
  const roles = roleRows.map((row) => ({ row, trust: parseTrust(row.trust_document) }));
  return {
    usersByName: new Map(users.map((user) => [user.user_name, user])),
    usersById: new Map(users.map((user) => [user.user_id, user])),
    keys: new Map(keys.map((key) => [key.access_key_id, key])),
    policies: new Map(policies.map((policy) => [policy.policyName, policy])),
    rolesByName: new Map(roles.map((role) => [role.row.role_name, role])),
    rolesById: new Map(roles.map((role) => [role.row.role_id, role])),
    attachments: groupBy(attached, (row) => row.principal_id),
  };
}

/** What the policies of a user or a role say. */
export function grantsOf(state: AccountState, principalId: string): Grant[] {
  return (state.attachments.get(principalId) ?? []).flatMap(
    ({ policy_type: type, policy_name: name }) => findPolicy(state, type, name) ?? [],
  );
}

export function findPolicy(state: AccountState, type: 'System' | 'Custom', name: string): Grant | undefined {
  if (type === 'Custom') return state.policies.get(name);
  return systemPolicies.find(({ policyName }) => policyName === name);
}

function policyOf(row: RamPolicyRow, versions: RamPolicyVersionRow[]): CustomPolicy {
  const document = versions.find(({ version }) => version === row.default_version)?.document ?? '';
  return {
    policyName: row.policy_name,
    policyType: 'Custom',
    row,
    versions,
    document,
    statements: parsePolicy(document),
  };
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
