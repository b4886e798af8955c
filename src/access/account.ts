/**
 * The account: who its users are, what they sign with and what they may do. All of it is in memory and answers at once; a change
 * is one transaction of the catalog and then read again, so that a key that was taken away is refused from the next request on.
 *
 * | died …                                    | is                                  | and then                                            |
 * | ----------------------------------------- | ----------------------------------- | --------------------------------------------------- |
 * | before `master.json` is whole             | no file, and nothing sealed          | the next start makes one                            |
 * | before the transaction of a change        | nothing                             | asked again                                         |
 * | after it, before the answer               | all of the change                   | of CreateAccessKey: a key whose secret nobody has seen, which is listed and can be deleted |
 * | `master.json` lost                        | users, policies and roles as before | their keys are refused, and the log says how many; root makes new ones |
 */
import type { Catalog } from '../catalog/catalog.ts';
import type { Queries } from '../catalog/schema.ts';
import { findSetting, putSetting } from '../catalog/settings.ts';
import type { Clock } from '../lib/clock.ts';
import { RequestError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { Mutex } from '../lib/mutex.ts';
import type { Random } from '../lib/random.ts';
import { grantsOf, readAccount, type AccountState } from './account-state.ts';
import type { Grant } from './evaluate.ts';
import type { MasterKey } from './master-key.ts';
import { parsePolicy } from './policy-document.ts';
import type { Signer } from './principal.ts';
import { randomNumber } from './random-text.ts';
import { openSession, revoked } from './session-tokens.ts';

export interface AccountOptions {
  /** Of the server's first region. */
  catalog: Catalog;
  masterKey: MasterKey;
  /** May do everything; it is in no catalog. */
  rootKey: { accessKeyId: string; accessKeySecret: string };
  clock: Clock;
  random: Random;
  log: Log;
}

const ACCOUNT_ID = 'account-id';

export class Account {
  readonly accountId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly masterKey: MasterKey;

  readonly #catalog: Catalog;
  readonly #rootKey: AccountOptions['rootKey'];
  readonly #changing = new Mutex();
  #state: AccountState;
  /** Sealed to plain, or null where it cannot be opened. */
  #secrets = new Map<string, string | null>();

  private constructor(options: AccountOptions, accountId: string, state: AccountState) {
    this.accountId = accountId;
    this.clock = options.clock;
    this.random = options.random;
    this.masterKey = options.masterKey;
    this.#catalog = options.catalog;
    this.#rootKey = options.rootKey;
    this.#state = state;
  }

  /** Says in the log when secrets cannot be opened. */
  static async open(options: AccountOptions): Promise<Account> {
    const { catalog, random, log } = options;
    const accountId = await ensureAccountId(catalog, random);
    const account = new Account(options, accountId, await readAccount(catalog.queries));
    const lost = [...account.state.keys.values()].filter((key) => account.#findSecret(key) === null).length;
    if (lost > 0) {
      log.warn(
        `the secrets of ${lost} AccessKeys of users are sealed under another keys/master.json and are refused: ` +
          'put that file back and start again, or delete these keys and make new ones; the root key works',
      );
    }
    return account;
  }

  get state(): AccountState {
    return this.#state;
  }

  /** All of `work` or, when it throws, nothing. It is handed the account as it is, and acts on nothing but the catalog. */
  async change<T>(work: (transaction: Queries, state: AccountState) => Promise<T>): Promise<T> {
    return this.#changing.run(async () => {
      const result = await this.#catalog.transaction(async (transaction) =>
        work(transaction, await readAccount(transaction)),
      );
      this.#state = await readAccount(this.#catalog.queries);
      return result;
    });
  }

  /** RequestErrors InvalidAccessKeyId.NotFound, .Inactive, InvalidSecurityToken.…. */
  getSigner(accessKeyId: string, securityToken: string | null): Signer {
    if (securityToken !== null) return this.#getSessionSigner(accessKeyId, securityToken);
    if (accessKeyId === this.#rootKey.accessKeyId) return this.#rootSigner();
    const { key, user } = this.#getKey(accessKeyId);
    const secret = this.#findSecret(key);
    if (secret === null) throw inactive('its secret was lost with keys/master.json; make a new one');
    const name = user.user_name;
    const resourceName = this.resourceName('ram', `user/${name}`);
    const grants = [grantsOf(this.#state, user.user_id)];
    return { secret, principal: { kind: 'user', accessKeyId, principalId: user.user_id, name, resourceName, grants } };
  }

  /** Of what is in no region. */
  resourceName(service: string, what: string): string {
    return `acs:${service}::${this.accountId}:${what}`;
  }

  /** Text that is never stored as it is. */
  sealSecret(accessKeyId: string, secret: string): string {
    return this.masterKey.seal('secrets', accessKeyId, Buffer.from(secret));
  }

  #rootSigner(): Signer {
    const { accessKeyId, accessKeySecret: secret } = this.#rootKey;
    const resourceName = this.resourceName('ram', 'root');
    const { accountId: principalId } = this;
    return { secret, principal: { kind: 'root', accessKeyId, principalId, name: 'root', resourceName, grants: null } };
  }

  #getSessionSigner(accessKeyId: string, token: string): Signer {
    const session = openSession(this.masterKey, token, { accessKeyId, nowMs: this.clock.nowMs() });
    const role = this.#state.rolesById.get(session.roleId);
    if (role === undefined) throw revoked('the role');
    const key = this.#state.keys.get(session.userKeyId);
    if (key?.status !== 'Active' || key.user_id !== session.userId) throw revoked('the AccessKey');
    const name = `${role.row.role_name}/${session.sessionName}`;
    const own = grantsOf(this.#state, session.roleId);
    const principal = {
      ...{ kind: 'role' as const, accessKeyId, principalId: session.roleId, name },
      resourceName: `acs:sts::${this.accountId}:assumed-role/${name}`,
      grants: session.policy === null ? [own] : [own, [narrowing(session.policy)]],
    };
    return { secret: session.secret, principal };
  }

  #getKey(accessKeyId: string) {
    const key = this.#state.keys.get(accessKeyId);
    const user = key === undefined ? undefined : this.#state.usersById.get(key.user_id);
    if (key === undefined || user === undefined) {
      throw new RequestError('InvalidAccessKeyId.NotFound', 'Specified access key is not found.');
    }
    if (key.status !== 'Active') throw inactive('whoever manages the users can enable it again');
    return { key, user };
  }

  #findSecret({ access_key_id: id, sealed_secret: sealed }: { access_key_id: string; sealed_secret: string }) {
    const known = this.#secrets.get(sealed);
    if (known !== undefined) return known;
    const secret = this.masterKey.open('secrets', id, sealed)?.toString() ?? null;
    if (this.#secrets.size > 10_000) this.#secrets = new Map();
    this.#secrets.set(sealed, secret);
    return secret;
  }
}

function narrowing(policy: string): Grant {
  return { policyName: 'session', policyType: 'Session', statements: parsePolicy(policy, 'session') };
}

function inactive(why: string): RequestError {
  return new RequestError('InvalidAccessKeyId.Inactive', `Specified access key is disabled: ${why}.`);
}

async function ensureAccountId(catalog: Catalog, random: Random): Promise<string> {
  return catalog.transaction(async (transaction) => {
    const known = await findSetting(transaction, ACCOUNT_ID);
    if (known !== undefined) return known;
    const made = randomNumber(random, '1', 16);
    await putSetting(transaction, ACCOUNT_ID, made);
    return made;
  });
}
