/** RAM's actions on policies, and on who has which (version 2015-05-01). */
import { findPolicy, type AccountState, type CustomPolicy } from '../../access/account-state.ts';
import { notThere } from '../../access/account-rules.ts';
import {
  attachPolicy,
  createPolicy,
  createPolicyVersion,
  deletePolicy,
  deletePolicyVersion,
  detachPolicy,
  getCustomPolicy,
  getVersion,
  holdersOf,
  setDefaultVersion,
  type PolicyType,
} from '../../access/policies.ts';
import { getRole } from '../../access/roles.ts';
import { systemPolicies, type SystemPolicy } from '../../access/system-policies.ts';
import { getUser } from '../../access/users.ts';
import type { RamPolicyVersionRow } from '../../catalog/access-schema.ts';
import { defineAccountAction } from '../caller.ts';
import { boolean, oneOf, required, text, withDefault } from '../parameters.ts';
import { anyPolicyType, existing, fact, named, pageOf, pages, policyType, time, versionId } from './parameters.ts';

const service = 'ram' as const;
const PolicyName = existing('PolicyName');
const PolicyDocument = required(text(), 'MissingParameter.PolicyDocument');

const createPolicyAction = defineAccountAction({
  name: 'CreatePolicy',
  service,
  parameters: { PolicyName: named('PolicyName'), PolicyDocument, Description: fact('Description') },
  run: async (values, { account }) => {
    const { PolicyName: policyName, PolicyDocument: document } = values;
    await createPolicy(account, { policyName, document, description: values.Description ?? '' });
    return { Policy: renderCustom(account.state, getCustomPolicy(account.state, policyName)) };
  },
});

const getPolicy = defineAccountAction({
  name: 'GetPolicy',
  service,
  parameters: { PolicyName, PolicyType: policyType },
  run: ({ PolicyName: name, PolicyType: type }, { account }) => {
    const policy = renderPolicy(account.state, type, name);
    const { document, VersionId, CreateDate } = { ...policy, ...versionOf(account.state, type, name) };
    const version = { VersionId, IsDefaultVersion: true, PolicyDocument: document, CreateDate };
    return { Policy: { ...policy, PolicyDocument: document }, DefaultPolicyVersion: version };
  },
});

const listPolicies = defineAccountAction({
  name: 'ListPolicies',
  service,
  parameters: { PolicyType: anyPolicyType, ...pages },
  run: (values, { account }) => {
    const { state } = account;
    const all = [
      ...systemPolicies.map((policy) => renderSystem(state, policy)),
      ...[...state.policies.values()].map((policy) => renderCustom(state, policy)),
    ].filter(({ PolicyType }) => values.PolicyType === null || PolicyType === values.PolicyType);
    const page = pageOf(all, values, (policy) => policy.PolicyName);
    return { ...page.fields, Policies: { Policy: page.shown } };
  },
});

const deletePolicyAction = defineAccountAction({
  name: 'DeletePolicy',
  service,
  parameters: { PolicyName },
  run: async (values, { account }) => {
    await deletePolicy(account, values.PolicyName);
    return {};
  },
});

const createVersion = defineAccountAction({
  name: 'CreatePolicyVersion',
  service,
  parameters: {
    PolicyName,
    PolicyDocument,
    SetAsDefault: withDefault(boolean(), false),
    RotateStrategy: withDefault(oneOf(['None', 'DeleteOldestNonDefaultVersionWhenLimitExceeded']), 'None'),
  },
  run: async (values, { account }) => {
    const { PolicyName: policyName, PolicyDocument: document, SetAsDefault: setAsDefault } = values;
    const rotate = values.RotateStrategy !== 'None';
    const version = await createPolicyVersion(account, { policyName, document, setAsDefault, rotate });
    return { PolicyVersion: renderVersion(version, setAsDefault) };
  },
});

const getVersionAction = defineAccountAction({
  name: 'GetPolicyVersion',
  service,
  parameters: { PolicyName, PolicyType: policyType, VersionId: versionId },
  run: ({ PolicyName: name, PolicyType: type, VersionId: number }, { account }) => {
    if (type === 'System') {
      const { document, VersionId, CreateDate } = versionOf(account.state, type, name);
      return { PolicyVersion: { VersionId, IsDefaultVersion: true, PolicyDocument: document, CreateDate } };
    }
    const policy = getCustomPolicy(account.state, name);
    return { PolicyVersion: renderVersion(getVersion(policy, number), number === policy.row.default_version) };
  },
});

const listVersions = defineAccountAction({
  name: 'ListPolicyVersions',
  service,
  parameters: { PolicyName, PolicyType: policyType },
  run: ({ PolicyName: name, PolicyType: type }, { account }) => {
    if (type === 'System') {
      const { document, VersionId, CreateDate } = versionOf(account.state, type, name);
      const version = { VersionId, IsDefaultVersion: true, PolicyDocument: document, CreateDate };
      return { PolicyVersions: { PolicyVersion: [version] } };
    }
    const { versions, row } = getCustomPolicy(account.state, name);
    const shown = versions.map((version) => renderVersion(version, version.version === row.default_version));
    return { PolicyVersions: { PolicyVersion: shown } };
  },
});

const deleteVersion = defineAccountAction({
  name: 'DeletePolicyVersion',
  service,
  parameters: { PolicyName, VersionId: versionId },
  run: async (values, { account }) => {
    await deletePolicyVersion(account, values.PolicyName, values.VersionId);
    return {};
  },
});

const setDefault = defineAccountAction({
  name: 'SetDefaultPolicyVersion',
  service,
  parameters: { PolicyName, VersionId: versionId },
  run: async (values, { account }) => {
    await setDefaultVersion(account, values.PolicyName, values.VersionId);
    return {};
  },
});

const which = { PolicyType: policyType, PolicyName };
const toUser = { ...which, UserName: existing('UserName') };
const toRole = { ...which, RoleName: existing('RoleName') };

function changeAttachment(
  name: 'AttachPolicyToUser' | 'DetachPolicyFromUser' | 'AttachPolicyToRole' | 'DetachPolicyFromRole',
  change: typeof attachPolicy,
) {
  const isUser = name.endsWith('User');
  if (isUser) {
    return defineAccountAction({
      ...{ name, service, parameters: toUser },
      run: async (values, { account }) => {
        const { PolicyType: type, PolicyName: policyName, UserName: userName } = values;
        await change(account, { policyType: type, policyName, to: { userName } });
        return {};
      },
    });
  }
  return defineAccountAction({
    ...{ name, service, parameters: toRole },
    run: async (values, { account }) => {
      const { PolicyType: type, PolicyName: policyName, RoleName: roleName } = values;
      await change(account, { policyType: type, policyName, to: { roleName } });
      return {};
    },
  });
}

const listForUser = defineAccountAction({
  name: 'ListPoliciesForUser',
  service,
  parameters: { UserName: existing('UserName') },
  run: (values, { account }) => listHeld(account.state, getUser(account.state, values.UserName).user_id),
});

const listForRole = defineAccountAction({
  name: 'ListPoliciesForRole',
  service,
  parameters: { RoleName: existing('RoleName') },
  run: (values, { account }) => listHeld(account.state, getRole(account.state, values.RoleName).row.role_id),
});

const listEntities = defineAccountAction({
  name: 'ListEntitiesForPolicy',
  service,
  parameters: which,
  run: ({ PolicyType: type, PolicyName: name }, { account }) => {
    const { state } = account;
    renderPolicy(state, type, name);
    const ids = holdersOf(state, type, name);
    return {
      Users: { User: ids.flatMap((id) => describeUser(state, id)) },
      Roles: { Role: ids.flatMap((id) => describeRole(state, id)) },
    };
  },
});

export const policyActions = [
  ...[createPolicyAction, getPolicy, listPolicies, deletePolicyAction, createVersion, getVersionAction, listVersions],
  ...[deleteVersion, setDefault, listForUser, listForRole, listEntities],
  changeAttachment('AttachPolicyToUser', attachPolicy),
  changeAttachment('DetachPolicyFromUser', detachPolicy),
  changeAttachment('AttachPolicyToRole', attachPolicy),
  changeAttachment('DetachPolicyFromRole', detachPolicy),
];

function describeUser(state: AccountState, id: string) {
  const user = state.usersById.get(id);
  return user === undefined ? [] : [{ UserId: id, UserName: user.user_name, DisplayName: user.display_name }];
}

function describeRole(state: AccountState, id: string) {
  const role = state.rolesById.get(id);
  return role === undefined ? [] : [{ RoleId: id, RoleName: role.row.role_name, Description: role.row.description }];
}

function listHeld(state: AccountState, principalId: string) {
  const rows = state.attachments.get(principalId) ?? [];
  return {
    Policies: {
      Policy: rows.map((row) => ({
        PolicyType: row.policy_type,
        PolicyName: row.policy_name,
        Description: renderPolicy(state, row.policy_type, row.policy_name).Description,
        AttachDate: time(row.attached_at_ms),
      })),
    },
  };
}

function renderPolicy(state: AccountState, type: PolicyType, name: string) {
  if (type === 'Custom') return renderCustom(state, getCustomPolicy(state, name));
  const policy = systemPolicies.find(({ policyName }) => policyName === name);
  if (policy === undefined) throw notThere('EntityNotExist.Policy', 'system policy', name);
  return renderSystem(state, policy);
}

/** The version that counts. */
function versionOf(state: AccountState, type: PolicyType, name: string) {
  const policy = findPolicy(state, type, name) as CustomPolicy | SystemPolicy | undefined;
  if (policy === undefined) throw notThere('EntityNotExist.Policy', 'policy', name);
  if (!('row' in policy)) return { document: policy.document, VersionId: 'v1', CreateDate: SYSTEM_DATE };
  const { document, row } = policy;
  const { created_at_ms: createdAtMs } = getVersion(policy, row.default_version);
  return { document, VersionId: `v${row.default_version}`, CreateDate: time(createdAtMs) };
}

function renderCustom(state: AccountState, { row }: CustomPolicy) {
  return {
    PolicyName: row.policy_name,
    PolicyType: 'Custom' as PolicyType,
    Description: row.description,
    DefaultVersion: `v${row.default_version}`,
    CreateDate: time(row.created_at_ms),
    UpdateDate: time(row.updated_at_ms),
    AttachmentCount: holdersOf(state, 'Custom', row.policy_name).length,
  };
}

/** They have always been there. */
const SYSTEM_DATE = '2015-05-01T00:00:00Z';

function renderSystem(state: AccountState, { policyName, description }: SystemPolicy) {
  return {
    PolicyName: policyName,
    PolicyType: 'System' as PolicyType,
    Description: description,
    DefaultVersion: 'v1',
    CreateDate: SYSTEM_DATE,
    UpdateDate: SYSTEM_DATE,
    AttachmentCount: holdersOf(state, 'System', policyName).length,
  };
}

function renderVersion({ version, document, created_at_ms: createdAtMs }: RamPolicyVersionRow, isDefault: boolean) {
  return {
    VersionId: `v${version}`,
    IsDefaultVersion: isDefault,
    PolicyDocument: document,
    CreateDate: time(createdAtMs),
  };
}
