/**
 * Arrears of the account, which its operator tells of (an extension, for there is no shop): the snapshot service stops, and what
 * is PostPaid is under a `financial` lock (`catalog/instance-locks.ts`). One setting says so, so a crash comes before or after.
 *
 * Where it says how long, what the service keeps is deleted afterwards, once: all automatic snapshot policies, and all snapshots
 * that neither a disk nor an image is made from and no lock holds, as DeleteAutoSnapshotPolicy and DeleteSnapshot delete them. Its time is
 * that of `lock-clock.ts`, and nothing goes while that is not settled.
 *
 * | died | durable state | the next server |
 * |---|---|---|
 * | before or between deletions | those that went, each with its operation or its entry in the recycle bin | goes on with the others |
 * | before it is noted as done | nothing is left to be deleted | finds nothing, and notes it |
 * | after that | `deletedAtMs` | nothing: what is made afterwards stays |
 */
import { deleteAccountLock, findAccountLock, putAccountLock } from '../catalog/account-lock.ts';
import type { AccountLockState } from '../catalog/account-lock.ts';
import { deletePolicy, listAllPolicies } from '../catalog/policies.ts';
import type { Queries } from '../catalog/schema.ts';
import { findSnapshot, listUnusedSnapshots } from '../catalog/snapshots.ts';
import { deleteTags } from '../catalog/tags.ts';
import { DAY_MS } from '../ecs/lock-rules.ts';
import { RequestError, messageOf } from '../lib/errors.ts';
import { change, unconditionally } from './change.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions, LockAccountRequest } from './requests.ts';
import type { OperationRunner } from './runner.ts';
import { performDeletion, recordDeletion } from './snapshot-deletion.ts';

const LOOK_EVERY_MS = 60_000;
const BATCH = 50;

/** As people's clock shows times. */
export interface ShownAccount {
  lockedAtMs: number;
  deleteAtMs: number | null;
  deletedAtMs: number | null;
}

export class AccountLock {
  readonly #parts: Parts;
  readonly #runner: () => OperationRunner;
  readonly #ending = new AbortController();
  #ended: Promise<void> = Promise.resolve();

  constructor(parts: Parts, runner: () => OperationRunner) {
    this.#parts = parts;
    this.#runner = runner;
  }

  start(): void {
    this.#ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#ended;
  }

  /** Again: the time of the deletion is set anew. */
  async lock({ deleteAfterDays }: LockAccountRequest, options: ChangeOptions = unconditionally): Promise<void> {
    const { lockClock } = this.#parts;
    await change(this.#parts, options, async (transaction) => {
      const nowMs = lockClock.nowMs();
      const deleteAtMs = deleteAfterDays === null ? null : nowMs + deleteAfterDays * DAY_MS;
      const lockedAtMs = (await findAccountLock(transaction))?.lockedAtMs ?? nowMs;
      await putAccountLock(transaction, { lockedAtMs, deleteAtMs, deletedAtMs: null });
      await lockClock.save(transaction);
    });
  }

  /** It is not locked: nothing. What was deleted stays so. */
  async unlock(options: ChangeOptions = unconditionally): Promise<void> {
    await change(this.#parts, options, deleteAccountLock);
  }

  /** Null: it is in order. */
  async describe(): Promise<ShownAccount | null> {
    const { catalog, lockClock } = this.#parts;
    const state = await findAccountLock(catalog.queries);
    if (state === null) return null;
    const shown = (atMs: number | null) => (atMs === null ? null : lockClock.toClock(atMs));
    return {
      lockedAtMs: lockClock.toClock(state.lockedAtMs),
      ...{ deleteAtMs: shown(state.deleteAtMs), deletedAtMs: shown(state.deletedAtMs) },
    };
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#parts;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      const problem = await this.#look().then(() => null, messageOf);
      if (signal.aborted) return;
      if (problem !== null) log.warn(`what an account in arrears loses could not be deleted: ${problem}`);
      await clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    const { catalog, lockClock, log } = this.#parts;
    if (!lockClock.isSettled || !(await this.#isDue(catalog.queries))) return;
    log.info('the account has been in arrears for too long: its snapshots and automatic snapshot policies are deleted');
    const policyCount = await this.#deletePolicies();
    const snapshotCount = await this.#deleteSnapshots();
    const isDone = await catalog.transaction(async (transaction) => {
      const state = await this.#findDue(transaction);
      if (state === null || this.#ending.signal.aborted) return false;
      await putAccountLock(transaction, { ...state, deletedAtMs: lockClock.nowMs() });
      return true;
    });
    if (isDone) log.info(`${snapshotCount} snapshots and ${policyCount} policies of the account were deleted`);
  }

  /** Null once it is done, or called off. */
  async #findDue(queries: Queries): Promise<AccountLockState | null> {
    const state = await findAccountLock(queries);
    if (state === null || state.deleteAtMs === null || state.deletedAtMs !== null) return null;
    return state.deleteAtMs <= this.#parts.lockClock.nowMs() ? state : null;
  }

  async #isDue(queries: Queries): Promise<boolean> {
    return (await this.#findDue(queries)) !== null;
  }

  async #deletePolicies(): Promise<number> {
    const { queries } = this.#parts.catalog;
    let count = 0;
    for (const { policy_id: policyId } of await listAllPolicies(queries)) {
      if (this.#ending.signal.aborted) break;
      const isGone = await change(this.#parts, unconditionally, async (transaction) => {
        if (!(await this.#isDue(transaction))) return false;
        await deletePolicy(transaction, policyId);
        await deleteTags(transaction, policyId);
        return true;
      });
      count += isGone ? 1 : 0;
    }
    return count;
  }

  async #deleteSnapshots(): Promise<number> {
    const { queries } = this.#parts.catalog;
    let count = 0;
    let after = '';
    for (;;) {
      const snapshotIds = await listUnusedSnapshots(queries, after, BATCH);
      for (const snapshotId of snapshotIds) {
        if (this.#ending.signal.aborted) return count;
        count += (await this.#deleteSnapshot(snapshotId)) ? 1 : 0;
      }
      if (snapshotIds.length < BATCH) return count;
      after = snapshotIds.at(-1) ?? '';
    }
  }

  /** False when something holds it, or the account was unlocked meanwhile. */
  async #deleteSnapshot(snapshotId: string): Promise<boolean> {
    const parts = this.#parts;
    const runner = this.#runner();
    const copyId = await parts.regions.findCopyOf({ regionId: parts.region.regionId, snapshotId });
    if (copyId !== null) return false;
    try {
      const deletion = await change(parts, unconditionally, async (transaction) => {
        const row = await findSnapshot(transaction, snapshotId);
        if (row === undefined || !(await this.#isDue(transaction))) return null;
        return await recordDeletion({ parts, runner, transaction }, row, { force: false, skipsBin: false });
      });
      if (deletion === null) return false;
      await performDeletion(parts, runner, deletion);
      return true;
    } catch (error) {
      if (error instanceof RequestError) return false; // locked, or used meanwhile
      throw error;
    }
  }
}

/** Throws `code` while the account is in arrears; `what` there are none of then, for people. */
export async function assertInCredit(
  queries: Queries,
  what: string,
  code = 'InvalidAccountStatus.NotEnoughBalance',
): Promise<void> {
  if ((await findAccountLock(queries)) === null) return;
  throw new RequestError(
    code,
    `The account is in arrears: there are no new ${what} until HupoUnlockAccount ends that.`,
  );
}
