/**
 * Subscriptions (PrePaid): renewing, changing how instances and their data disks are charged, and what comes when one is over.
 * Nothing is paid, so an order is a number and nothing else. Each request is one transaction.
 *
 * When the end of a subscription is over, it is renewed by its own period as often as is needed, or else the instance gets the
 * `financial` lock, which releases it after `serve --expired-days` (`instance-locks.ts` does so); renewing it, or making it PostPaid,
 * takes that lock off. Ends are moments of `lock-clock.ts`: no setting of the clock hurries one while a server runs, and none ends
 * while a start doubts the clock. Periods are added to what people's clock shows.
 *
 * | died | durable state | the next server |
 * |---|---|---|
 * | before an end is looked at | as it was | looks at it |
 * | after | the next end, or the lock with the time of the release | nothing |
 */
import { listDisksOfInstance, updateDisk } from '../catalog/disks.ts';
import { deleteInstanceLocks, listInstanceLocks, putInstanceLock } from '../catalog/instance-locks.ts';
import { findInstance, updateInstance } from '../catalog/instances.ts';
import type { InstanceRow, Queries } from '../catalog/schema.ts';
import { listExpired } from '../catalog/subscriptions.ts';
import { DAY_MS } from '../ecs/lock-rules.ts';
import { planAutomaticEnd, planRenewal, refuseLateEnd } from '../ecs/subscription.ts';
import {
  refuseChangeCharge,
  refuseChangeDiskCharge,
  refuseRenew,
  refuseRenewalStatus,
} from '../ecs/subscription-rules.ts';
import type { SubscriptionFacts } from '../ecs/subscription-rules.ts';
import { RequestError, messageOf } from '../lib/errors.ts';
import { assertInCredit } from './account-lock.ts';
import { change, unconditionally } from './change.ts';
import { findEarlierResult, rememberResult } from './client-token.ts';
import type { Parts } from './parts.ts';
import type {
  ChangeDisksChargeRequest,
  ChangeInstancesChargeRequest,
  ChangeOptions,
  RenewInstanceRequest,
  RenewalRequest,
} from './requests.ts';
import { assertAllowed, getDisk, getInstance } from './rows.ts';
import { newOrderId, paidWithInstance, showEnd, subscriptionOf } from './subscription-rows.ts';

const LOOK_EVERY_MS = 60_000;
const EXPIRED_KEPT_MS = 15 * DAY_MS;

interface Order {
  orderId: string;
}

export class Subscriptions {
  readonly #parts: Parts;
  readonly #ending = new AbortController();
  #ended: Promise<void> = Promise.resolve();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  start(): void {
    this.#ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#ended;
  }

  /** From its end on, or from now where that is over. */
  renew({ instanceId, period }: RenewInstanceRequest, options: ChangeOptions = unconditionally): Promise<Order> {
    return this.#order(options, async (transaction) => {
      const { lockClock } = this.#parts;
      const row = await getInstance(transaction, instanceId);
      assertAllowed(refuseRenew(await factsOf(transaction, row)));
      const nowMs = lockClock.toClock(lockClock.nowMs());
      const endMs = planRenewal(showEnd(lockClock, row.expires_at_ms ?? 0), nowMs, period);
      assertAllowed(refuseLateEnd(endMs, nowMs, 'InvalidPeriod.ExceededMaximumExpirationDate'));
      await updateInstance(transaction, instanceId, { expires_at_ms: lockClock.fromClock(endMs) });
      await deleteInstanceLocks(transaction, instanceId, 'financial');
      await lockClock.save(transaction);
    });
  }

  /** All of them or none. */
  changeInstances(request: ChangeInstancesChargeRequest, options: ChangeOptions = unconditionally): Promise<Order> {
    return this.#order(options, async (transaction) => {
      await assertInCredit(transaction, 'charge types');
      for (const instanceId of new Set(request.instanceIds))
        await this.#changeInstance(transaction, instanceId, request);
      await this.#parts.lockClock.save(transaction);
    });
  }

  /** Data disks of one PrePaid instance; all of them or none. */
  changeDisks(request: ChangeDisksChargeRequest, options: ChangeOptions = unconditionally): Promise<Order> {
    const { instanceId, diskIds, chargeType } = request;
    return this.#order(options, async (transaction) => {
      await assertInCredit(transaction, 'charge types');
      const instance = await factsOf(transaction, await getInstance(transaction, instanceId));
      for (const diskId of new Set(diskIds)) {
        const disk = await getDisk(transaction, diskId, 'InvalidDiskIds.NotFound');
        const { instance_id: attachedTo, type, status } = disk;
        assertAllowed(refuseChangeDiskCharge({ instance, disk: { diskId, attachedTo, type, status } }));
        await updateDisk(transaction, diskId, chargeType === 'PrePaid' ? paidWithInstance : paidByItself);
      }
    });
  }

  /** How they are renewed from now on; all of them or none. */
  async setRenewal(request: RenewalRequest, options: ChangeOptions = unconditionally): Promise<void> {
    const { instanceIds, status, period } = request;
    const isAutomatic = status === 'AutoRenewal';
    await change(this.#parts, options, async (transaction) => {
      for (const instanceId of new Set(instanceIds)) {
        const row = await findInstance(transaction, instanceId);
        if (row === undefined) {
          const message = `There is no instance ${instanceId}: DescribeInstances lists those that there are.`;
          throw new RequestError('InvalidParameter.InvalidInstanceId', message);
        }
        assertAllowed(refuseRenewalStatus(await factsOf(transaction, row), status));
        await updateInstance(transaction, instanceId, {
          ...{ renew_period: isAutomatic ? period.count : null, renew_unit: isAutomatic ? period.unit : null },
          renewal_status: status,
        });
      }
    });
  }

  /** With the same token the same order again. */
  async #order(options: ChangeOptions, work: (transaction: Queries) => Promise<void>): Promise<Order> {
    return await change(this.#parts, options, async (transaction) => {
      const earlier = await findEarlierResult<Order>(transaction, options.idempotency);
      if (earlier !== null) return earlier;
      await work(transaction);
      const order = { orderId: newOrderId(this.#parts) };
      await rememberResult(transaction, options.idempotency, order, this.#parts.clock.nowMs());
      return order;
    });
  }

  /** With its system disk; PostPaid, all that was paid with it is paid by itself. */
  async #changeInstance(
    transaction: Queries,
    instanceId: string,
    { chargeType, period, includesDataDisks }: ChangeInstancesChargeRequest,
  ): Promise<void> {
    const row = await findInstance(transaction, instanceId);
    if (row === undefined) {
      const message = `There is no instance ${instanceId}: DescribeInstances lists those that there are.`;
      throw new RequestError('InvalidParameter.InstanceIds', message);
    }
    assertAllowed(refuseChangeCharge(await factsOf(transaction, row), chargeType));
    const subscription = subscriptionOf(this.#parts, period === null ? null : { period, renewal: null });
    await updateInstance(transaction, instanceId, subscription);
    await deleteInstanceLocks(transaction, instanceId, 'financial');
    for (const { disk_id: diskId, type, prepaid } of await listDisksOfInstance(transaction, instanceId)) {
      if (chargeType === 'PostPaid') {
        const freed = type === 'system' ? { prepaid: 0 } : paidByItself;
        if (prepaid === 1) await updateDisk(transaction, diskId, freed);
      } else if (type === 'system' || includesDataDisks) await updateDisk(transaction, diskId, paidWithInstance);
    }
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#parts;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      const problem = await this.#endDue().then(() => null, messageOf);
      if (signal.aborted) return;
      if (problem !== null) log.warn(`subscriptions that are over could not be looked at: ${problem}`);
      await clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
    }
  }

  async #endDue(): Promise<void> {
    const { catalog, lockClock, log } = this.#parts;
    if (!lockClock.isSettled) return;
    for (const instanceId of await listExpired(catalog.queries, lockClock.nowMs())) {
      if (this.#ending.signal.aborted) return;
      const note = await catalog.transaction((transaction) => this.#end(transaction, instanceId));
      if (note !== null) log.info(`the subscription of ${instanceId} is over: ${note}`);
    }
  }

  /** What was done, for people; null: nothing, for it was renewed, locked or deleted meanwhile. */
  async #end(transaction: Queries, instanceId: string): Promise<string | null> {
    const { lockClock, expiredKeptMs = EXPIRED_KEPT_MS } = this.#parts;
    const nowMs = lockClock.nowMs();
    if (!(await listExpired(transaction, nowMs)).includes(instanceId)) return null;
    await lockClock.save(transaction);
    const row = await getInstance(transaction, instanceId);
    const { renew_period: count, renew_unit: unit, expires_at_ms: expiresAtMs } = row;
    if (row.renewal_status === 'AutoRenewal' && count !== null && unit !== null) {
      const [endMs, shownMs] = [showEnd(lockClock, expiresAtMs ?? 0), lockClock.toClock(nowMs)];
      const nextMs = planAutomaticEnd(endMs, shownMs, { count, unit });
      await updateInstance(transaction, instanceId, { expires_at_ms: lockClock.fromClock(nextMs) });
      return `it is renewed until ${new Date(nextMs).toISOString()}`;
    }
    const releaseAtMs = expiredKeptMs === 0 ? null : nowMs + expiredKeptMs;
    await putInstanceLock(transaction, { instance_id: instanceId, reason: 'financial', release_at_ms: releaseAtMs });
    const then = releaseAtMs === null ? 'until it is renewed' : `and released in ${expiredKeptMs / DAY_MS} days`;
    return `it is locked ${then}`;
  }
}

const paidByItself = { prepaid: 0, portable: 1 };

async function factsOf(transaction: Queries, row: InstanceRow): Promise<SubscriptionFacts> {
  const { instance_id: instanceId, status } = row;
  const locks = (await listInstanceLocks(transaction, [instanceId])).get(instanceId) ?? [];
  return { instanceId, status, locks, isPrePaid: row.expires_at_ms !== null };
}
