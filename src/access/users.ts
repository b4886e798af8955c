/** Changes of users and their AccessKeys; each is one transaction (`account.ts`). */
import type { RamKeyRow, RamUserRow } from '../catalog/access-schema.ts';
import type { Account } from './account.ts';
import type { AccountState } from './account-state.ts';
import { LIMITS, alreadyThere, checkCount, notThere, stillUsed } from './account-rules.ts';
import { randomLetters, randomNumber } from './random-text.ts';

/** What a person says of a user. */
export interface UserFacts {
  displayName: string;
  comments: string;
  mobilePhone: string;
  email: string;
}

/** RequestError EntityNotExist.User. */
export function getUser(state: AccountState, userName: string): RamUserRow {
  const user = state.usersByName.get(userName);
  if (user === undefined) throw notThere('EntityNotExist.User', 'user', userName);
  return user;
}

export function createUser(account: Account, userName: string, facts: UserFacts): Promise<RamUserRow> {
  const nowMs = account.clock.nowMs();
  return account.change(async (transaction, state) => {
    if (state.usersByName.has(userName)) throw alreadyThere('EntityAlreadyExist.User', 'user', userName);
    checkCount(state.usersByName.size, LIMITS.users, 'LimitExceeded.User', 'users');
    const user = {
      ...{ user_id: randomNumber(account.random, '2', 18), user_name: userName, display_name: facts.displayName },
      ...{ comments: facts.comments, mobile_phone: facts.mobilePhone, email: facts.email },
      ...{ created_at_ms: nowMs, updated_at_ms: nowMs },
    };
    await transaction.insertInto('ram_users').values(user).execute();
    return user;
  });
}

/** Null leaves what is. */
export function updateUser(
  account: Account,
  userName: string,
  changes: { [Fact in keyof UserFacts]: string | null } & { newName: string | null },
): Promise<RamUserRow> {
  const nowMs = account.clock.nowMs();
  return account.change(async (transaction, state) => {
    const user = getUser(state, userName);
    const { newName } = changes;
    if (newName !== null && newName !== userName && state.usersByName.has(newName)) {
      throw alreadyThere('EntityAlreadyExist.User', 'user', newName);
    }
    const changed = {
      user_name: newName ?? user.user_name,
      display_name: changes.displayName ?? user.display_name,
      comments: changes.comments ?? user.comments,
      mobile_phone: changes.mobilePhone ?? user.mobile_phone,
      email: changes.email ?? user.email,
      updated_at_ms: nowMs,
    };
    await transaction.updateTable('ram_users').set(changed).where('user_id', '=', user.user_id).execute();
    return { ...user, ...changed };
  });
}

/** What it has must be taken away first, so that nobody deletes more than they know of. */
export function deleteUser(account: Account, userName: string): Promise<void> {
  return account.change(async (transaction, state) => {
    const user = getUser(state, userName);
    if (keysOf(state, user).length > 0) {
      throw stillUsed('DeleteConflict.User.AccessKey', `The user ${userName} still has AccessKeys: delete them first.`);
    }
    if ((state.attachments.get(user.user_id) ?? []).length > 0) {
      throw stillUsed('DeleteConflict.User.Policy', `The user ${userName} still has policies: detach them first.`);
    }
    await transaction.deleteFrom('ram_users').where('user_id', '=', user.user_id).execute();
  });
}

/** The oldest first. */
export function keysOf(state: AccountState, user: RamUserRow): RamKeyRow[] {
  return [...state.keys.values()].filter((key) => key.user_id === user.user_id);
}

/** The secret is told here and never again. */
export function createKey(account: Account, userName: string): Promise<{ key: RamKeyRow; secret: string }> {
  const { random, clock } = account;
  return account.change(async (transaction, state) => {
    const user = getUser(state, userName);
    checkCount(
      keysOf(state, user).length,
      LIMITS.keysOfUser,
      'LimitExceeded.User.AccessKey',
      `AccessKeys of ${userName}`,
    );
    const accessKeyId = `LTAI${randomLetters(random, 20)}`;
    const secret = randomLetters(random, 30);
    const key: RamKeyRow = {
      access_key_id: accessKeyId,
      user_id: user.user_id,
      sealed_secret: account.sealSecret(accessKeyId, secret),
      status: 'Active',
      created_at_ms: clock.nowMs(),
    };
    await transaction.insertInto('ram_keys').values(key).execute();
    return { key, secret };
  });
}

export function changeKey(
  account: Account,
  asked: { userName: string; accessKeyId: string; status: RamKeyRow['status'] },
): Promise<void> {
  return account.change(async (transaction, state) => {
    const { access_key_id: id } = getKeyOf(state, asked);
    await transaction.updateTable('ram_keys').set({ status: asked.status }).where('access_key_id', '=', id).execute();
  });
}

export function deleteKey(account: Account, asked: { userName: string; accessKeyId: string }): Promise<void> {
  return account.change(async (transaction, state) => {
    const { access_key_id: id } = getKeyOf(state, asked);
    await transaction.deleteFrom('ram_keys').where('access_key_id', '=', id).execute();
  });
}

function getKeyOf(state: AccountState, asked: { userName: string; accessKeyId: string }): RamKeyRow {
  const user = getUser(state, asked.userName);
  const key = state.keys.get(asked.accessKeyId);
  if (key?.user_id === user.user_id) return key;
  throw notThere('EntityNotExist.User.AccessKey', `AccessKey of ${asked.userName}`, asked.accessKeyId);
}
