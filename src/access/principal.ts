/** Who signed a request. */
import type { Grant } from './evaluate.ts';

export interface Principal {
  kind: 'root' | 'user' | 'role';
  accessKeyId: string;
  /** Stays the same when a user is renamed: the account's, a user's or a role's id. */
  principalId: string;
  /** `root`, the user's name, or `ROLE/SESSION`. */
  name: string;
  /** `acs:ram::ACCOUNT:…`. */
  resourceName: string;
  /**
   * What it may do has to be allowed by each of these lists: its policies, and those that a session was narrowed by. Null: root,
   * which may do everything.
   */
  grants: readonly (readonly Grant[])[] | null;
}

/** What is needed to check a signature, and who it is then. */
export interface Signer {
  secret: string;
  principal: Principal;
}
