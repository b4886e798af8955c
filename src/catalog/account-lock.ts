/** Whether the account is in arrears: one setting, so that one write locks everything. Times are those of `control/lock-clock.ts`. */
import { sql } from 'kysely';
import type { Queries } from './schema.ts';
import { deleteSetting, findSetting, putSetting } from './settings.ts';

const ACCOUNT_LOCK = 'account-lock';

export interface AccountLockState {
  lockedAtMs: number;
  /** When what the snapshot service keeps is deleted; null: never. */
  deleteAtMs: number | null;
  /** When that was done; null: it was not. */
  deletedAtMs: number | null;
}

export async function findAccountLock(queries: Queries): Promise<AccountLockState | null> {
  const text = await findSetting(queries, ACCOUNT_LOCK);
  return text === undefined ? null : (JSON.parse(text) as AccountLockState);
}

export async function putAccountLock(queries: Queries, state: AccountLockState): Promise<void> {
  await putSetting(queries, ACCOUNT_LOCK, JSON.stringify(state));
}

export async function deleteAccountLock(queries: Queries): Promise<void> {
  await deleteSetting(queries, ACCOUNT_LOCK);
}

/** In a query: the account is in arrears. */
export const isInArrears = sql<boolean>`EXISTS (SELECT 1 FROM settings WHERE name = ${ACCOUNT_LOCK})`;
