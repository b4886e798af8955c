/** RAM's actions on roles (version 2015-05-01), and those of STS that take them (2015-04-01). */
import { SESSION } from '../../access/account-rules.ts';
import type { Account } from '../../access/account.ts';
import { assumeRole, createRole, deleteRole, getRole, updateRole } from '../../access/roles.ts';
import type { RamRoleRow } from '../../catalog/access-schema.ts';
import { RequestError } from '../../lib/errors.ts';
import { defineAccountAction } from '../caller.ts';
import { integer, required, text, withDefault } from '../parameters.ts';
import { existing, fact, named, pageOf, pages, time } from './parameters.ts';

const service = 'ram' as const;
const RoleName = existing('RoleName');
const sessionSeconds = (name: string) =>
  integer({ least: SESSION.usual, most: SESSION.most, code: `InvalidParameter.${name}` });

const createRoleAction = defineAccountAction({
  name: 'CreateRole',
  service,
  parameters: {
    RoleName: named('RoleName'),
    AssumeRolePolicyDocument: required(text(), 'MissingParameter.AssumeRolePolicyDocument'),
    Description: fact('Description'),
    MaxSessionDuration: withDefault(sessionSeconds('MaxSessionDuration'), SESSION.usual),
  },
  run: async (values, { account }) => {
    const role = await createRole(account, {
      roleName: values.RoleName,
      description: values.Description ?? '',
      trustDocument: values.AssumeRolePolicyDocument,
      maxSessionSeconds: values.MaxSessionDuration,
    });
    return { Role: renderRole(account, role) };
  },
});

const getRoleAction = defineAccountAction({
  name: 'GetRole',
  service,
  parameters: { RoleName },
  run: (values, { account }) => ({ Role: renderRole(account, getRole(account.state, values.RoleName).row) }),
});

const listRoles = defineAccountAction({
  name: 'ListRoles',
  service,
  parameters: { ...pages },
  run: (values, { account }) => {
    const page = pageOf([...account.state.rolesByName.values()], values, ({ row }) => row.role_name);
    return { ...page.fields, Roles: { Role: page.shown.map(({ row }) => renderRole(account, row)) } };
  },
});

const updateRoleAction = defineAccountAction({
  name: 'UpdateRole',
  service,
  parameters: {
    RoleName,
    NewAssumeRolePolicyDocument: text(),
    NewDescription: fact('NewDescription'),
    NewMaxSessionDuration: sessionSeconds('NewMaxSessionDuration'),
  },
  run: async (values, { account }) => {
    const role = await updateRole(account, {
      roleName: values.RoleName,
      description: values.NewDescription,
      trustDocument: values.NewAssumeRolePolicyDocument,
      maxSessionSeconds: values.NewMaxSessionDuration,
    });
    return { Role: renderRole(account, role) };
  },
});

const deleteRoleAction = defineAccountAction({
  name: 'DeleteRole',
  service,
  parameters: { RoleName },
  run: async (values, { account }) => {
    await deleteRole(account, values.RoleName);
    return {};
  },
});

export const roleActions = [createRoleAction, getRoleAction, listRoles, updateRoleAction, deleteRoleAction];

const assumeRoleAction = defineAccountAction({
  name: 'AssumeRole',
  service: 'sts',
  parameters: {
    RoleArn: required(text(), 'MissingParameter.RoleArn'),
    RoleSessionName: named('RoleSessionName'),
    DurationSeconds: withDefault(
      integer({ least: SESSION.least, most: SESSION.most, code: 'InvalidParameter.DurationSeconds' }),
      SESSION.usual,
    ),
    Policy: text(),
  },
  run: (values, { account, principal, facts }) => {
    const { session, securityToken, role } = assumeRole(account, principal, {
      roleName: roleNameOf(values.RoleArn, account.accountId),
      sessionName: values.RoleSessionName,
      durationSeconds: values.DurationSeconds,
      policy: values.Policy,
      context: facts,
    });
    return {
      AssumedRoleUser: {
        Arn: `acs:sts::${account.accountId}:assumed-role/${role.role_name}/${session.sessionName}`,
        AssumedRoleId: `${role.role_id}:${session.sessionName}`,
      },
      Credentials: {
        AccessKeyId: session.accessKeyId,
        AccessKeySecret: session.secret,
        SecurityToken: securityToken,
        Expiration: time(session.expiresAtMs),
      },
    };
  },
});

const getCallerIdentity = defineAccountAction({
  name: 'GetCallerIdentity',
  service: 'sts',
  parameters: {},
  run: (_values, { account, principal }) => ({
    IdentityType: { root: 'Account', user: 'RAMUser', role: 'AssumedRoleUser' }[principal.kind],
    AccountId: account.accountId,
    PrincipalId: principal.principalId,
    Arn: principal.resourceName,
    ...(principal.kind === 'user' && { UserId: principal.principalId }),
    ...(principal.kind === 'role' && { RoleId: principal.principalId }),
  }),
});

export const stsActions = [assumeRoleAction, getCallerIdentity];

function roleNameOf(arn: string, accountId: string): string {
  const [, account, name] = /^acs:ram::(\d+):role\/(.+)$/.exec(arn) ?? [];
  if (name === undefined) {
    throw new RequestError(
      'InvalidParameter.RoleArn',
      `The parameter "RoleArn" must be acs:ram::${accountId}:role/NAME.`,
    );
  }
  return account === accountId ? name : '';
}

function renderRole(account: Account, role: RamRoleRow) {
  return {
    RoleId: role.role_id,
    RoleName: role.role_name,
    Arn: account.resourceName('ram', `role/${role.role_name}`),
    Description: role.description,
    AssumeRolePolicyDocument: role.trust_document,
    MaxSessionDuration: role.max_session_seconds,
    CreateDate: time(role.created_at_ms),
    UpdateDate: time(role.updated_at_ms),
  };
}
