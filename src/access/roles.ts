/** Changes of roles, and how they are taken; each change is one transaction (`account.ts`). */
import type { RamRoleRow } from '../catalog/access-schema.ts';
import { RequestError } from '../lib/errors.ts';
import type { Account } from './account.ts';
import type { AccountState, Role } from './account-state.ts';
import { LIMITS, alreadyThere, checkCount, notThere, stillUsed } from './account-rules.ts';
import type { RequestContext } from './conditions.ts';
import { mayAssume } from './evaluate.ts';
import { parsePolicy, parseTrust } from './policy-document.ts';
import type { Principal } from './principal.ts';
import { randomLetters, randomNumber } from './random-text.ts';
import { sealSession, type Session } from './session-tokens.ts';

/** RequestError EntityNotExist.Role. */
export function getRole(state: AccountState, roleName: string): Role {
  const role = state.rolesByName.get(roleName);
  if (role === undefined) throw notThere('EntityNotExist.Role', 'role', roleName);
  return role;
}

/** RequestError MalformedPolicyDocument. */
export function createRole(
  account: Account,
  asked: { roleName: string; description: string; trustDocument: string; maxSessionSeconds: number },
): Promise<RamRoleRow> {
  parseTrust(asked.trustDocument);
  const nowMs = account.clock.nowMs();
  return account.change(async (transaction, state) => {
    if (state.rolesByName.has(asked.roleName)) throw alreadyThere('EntityAlreadyExist.Role', 'role', asked.roleName);
    checkCount(state.rolesByName.size, LIMITS.roles, 'LimitExceeded.Role', 'roles');
    const role: RamRoleRow = {
      ...{ role_id: randomNumber(account.random, '3', 18), role_name: asked.roleName, description: asked.description },
      ...{ trust_document: asked.trustDocument, max_session_seconds: asked.maxSessionSeconds },
      ...{ created_at_ms: nowMs, updated_at_ms: nowMs },
    };
    await transaction.insertInto('ram_roles').values(role).execute();
    return role;
  });
}

/** Null leaves what is. */
export function updateRole(
  account: Account,
  asked: {
    roleName: string;
    description: string | null;
    trustDocument: string | null;
    maxSessionSeconds: number | null;
  },
): Promise<RamRoleRow> {
  if (asked.trustDocument !== null) parseTrust(asked.trustDocument);
  const nowMs = account.clock.nowMs();
  return account.change(async (transaction, state) => {
    const { row } = getRole(state, asked.roleName);
    const changed = {
      description: asked.description ?? row.description,
      trust_document: asked.trustDocument ?? row.trust_document,
      max_session_seconds: asked.maxSessionSeconds ?? row.max_session_seconds,
      updated_at_ms: nowMs,
    };
    await transaction.updateTable('ram_roles').set(changed).where('role_id', '=', row.role_id).execute();
    return { ...row, ...changed };
  });
}

export function deleteRole(account: Account, roleName: string): Promise<void> {
  return account.change(async (transaction, state) => {
    const { row } = getRole(state, roleName);
    if ((state.attachments.get(row.role_id) ?? []).length > 0) {
      throw stillUsed('DeleteConflict.Role.Policy', `The role ${roleName} still has policies: detach them first.`);
    }
    await transaction.deleteFrom('ram_roles').where('role_id', '=', row.role_id).execute();
  });
}

export interface AssumedRole {
  session: Session;
  securityToken: string;
  role: RamRoleRow;
}

/**
 * Gives a user a temporary key of a role that trusts it. RequestErrors NoPermission, also of a role that is not there, and
 * InvalidParameter.DurationSeconds.
 */
export function assumeRole(
  account: Account,
  asker: Principal,
  asked: {
    roleName: string;
    sessionName: string;
    durationSeconds: number;
    policy: string | null;
    context: RequestContext;
  },
): AssumedRole {
  if (asked.policy !== null) parsePolicy(asked.policy, 'session');
  if (asker.kind === 'root') throw noPermission('Roles may not be assumed by root accounts; make a user for it.');
  if (asker.kind === 'role') throw noPermission('A role cannot be assumed with the token of another.');
  const role = account.state.rolesByName.get(asked.roleName);
  const names = [asker.resourceName, account.resourceName('ram', 'root')];
  if (role === undefined || !mayAssume(role.trust, names, asked.context)) {
    throw noPermission(`There is no role ${JSON.stringify(asked.roleName)} that trusts the user ${asker.name}.`);
  }
  if (asked.durationSeconds > role.row.max_session_seconds) {
    throw new RequestError(
      'InvalidParameter.DurationSeconds',
      `The parameter "DurationSeconds" is ${asked.durationSeconds}; sessions of the role last at most ${role.row.max_session_seconds}.`,
    );
  }
  const session: Session = {
    accessKeyId: `STS.${randomLetters(account.random, 24)}`,
    secret: randomLetters(account.random, 44),
    roleId: role.row.role_id,
    sessionName: asked.sessionName,
    expiresAtMs: account.clock.nowMs() + asked.durationSeconds * 1000,
    ...{ userId: asker.principalId, userKeyId: asker.accessKeyId, policy: asked.policy },
  };
  return { session, securityToken: sealSession(account.masterKey, session), role: role.row };
}

function noPermission(message: string): RequestError {
  return new RequestError('NoPermission', message);
}
