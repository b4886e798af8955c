/**
 * Event subscriptions, told by HTTP. Each has a loop of its own, so that a slow endpoint holds up nobody else, and is told of
 * one event after the other, in the order of their numbers (E2): the next only when the one before was taken.
 *
 * | step                         | durable after it                        | after a crash                                      |
 * | ---------------------------- | --------------------------------------- | -------------------------------------------------- |
 * | the endpoint took an event   | nothing yet                             | it is told again, with the same id (E3)            |
 * | `delivered_sequence` written | the event is done                       | the next one follows                               |
 * | a try failed                 | failures, reason, when to try again     | the pause goes on                                  |
 *
 * Nothing is dropped for failing: it is tried until it is taken, or not kept any more, which is counted and shown (`MissedCount`).
 */
import type { Catalog } from '../catalog/catalog.ts';
import {
  deleteSubscription,
  findSubscription,
  insertSubscription,
  listSubscriptions,
  updateSubscription,
} from '../catalog/event-subscriptions.ts';
import { countEvents, findEventRange, listEvents } from '../catalog/events.ts';
import type { EventSubscriptionRow } from '../catalog/schema.ts';
import { TEST_EVENT_TYPE, renderEvent } from '../ecs/events.ts';
import type { CloudEvent } from '../ecs/events.ts';
import { newId } from '../ecs/ids.ts';
import type { Clock } from '../lib/clock.ts';
import { OperationalError, RequestError, messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Random } from '../lib/random.ts';
import type { EventFeed } from './event-feed.ts';
import { planPause, webhookStatus } from './webhook-plan.ts';
import type { WebhookStatus } from './webhook-plan.ts';
import type { Post } from './webhook-post.ts';
import type { WebhookSecrets } from './webhook-secrets.ts';
import { newWebhookSecret, signDelivery } from './webhook-signature.ts';

const ANSWER_TIMEOUT_MS = 15_000;
const SUBSCRIPTION_LIMIT = 20;
const IDLE_MS = 3_600_000;

export interface WebhookParts {
  catalog: Catalog;
  feed: EventFeed;
  secrets: WebhookSecrets;
  post: Post;
  regionId: string;
  clock: Clock;
  random: Random;
  log: Log;
}

export interface Subscription {
  subscriptionId: string;
  url: string;
  /** Empty: all. */
  types: string[];
  description: string;
  createdAtMs: number;
  status: WebhookStatus;
  /** Tries in a row that failed, and why the last did. */
  failureCount: number;
  lastError: string | null;
  nextTryAtMs: number | null;
  lastSuccessAtMs: number | null;
  /** Events that wait for it. */
  backlogCount: number;
  missedCount: number;
}

export class Webhooks {
  readonly #parts: WebhookParts;
  readonly #stopping = new AbortController();
  readonly #loops = new Map<string, { ending: AbortController; ended: Promise<void>; retry: () => void }>();

  constructor(parts: WebhookParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    const { catalog, secrets } = this.#parts;
    const rows = await listSubscriptions(catalog.queries);
    await secrets.keepOnly(rows.map((row) => row.subscription_id));
    for (const row of rows) this.#run(row.subscription_id);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#loops.values()].map(({ ended }) => ended));
  }

  /** Told of what happens from now on. Its secret is told only here. */
  async create(wanted: {
    url: string;
    types: string[];
    description: string;
  }): Promise<{ subscriptionId: string; secret: string }> {
    const { catalog, secrets, random, clock, regionId } = this.#parts;
    const subscriptionId = newId('es-', regionId, random);
    const secret = newWebhookSecret(random);
    await this.assertRoom();
    await secrets.put(subscriptionId, secret);
    await catalog.transaction(async (transaction) => {
      const { newest } = await findEventRange(transaction);
      await insertSubscription(transaction, {
        ...{ subscription_id: subscriptionId, url: wanted.url, types: JSON.stringify(wanted.types) },
        ...{ description: wanted.description, created_at_ms: clock.nowMs(), delivered_sequence: newest, failures: 0 },
        ...{
          next_try_at_ms: null,
          failing_since_ms: null,
          last_error: null,
          last_success_at_ms: null,
          missed_count: 0,
        },
      });
    });
    this.#run(subscriptionId);
    return { subscriptionId, secret };
  }

  async assertRoom(): Promise<void> {
    if ((await listSubscriptions(this.#parts.catalog.queries)).length < SUBSCRIPTION_LIMIT) return;
    throw new RequestError(
      'QuotaExceed.EventSubscription',
      `There are ${SUBSCRIPTION_LIMIT} event subscriptions already, and no more can be made: delete one first.`,
    );
  }

  async list(): Promise<Subscription[]> {
    const { queries } = this.#parts.catalog;
    const nowMs = this.#parts.clock.nowMs();
    const shown: Subscription[] = [];
    for (const row of await listSubscriptions(queries)) {
      const backlogCount = await countEvents(queries, typesOf(row), row.delivered_sequence);
      shown.push({ ...toSubscription(row, nowMs), backlogCount });
    }
    return shown;
  }

  async delete(subscriptionId: string): Promise<void> {
    const { catalog, secrets } = this.#parts;
    if (!(await deleteSubscription(catalog.queries, subscriptionId))) throw notFound(subscriptionId);
    const loop = this.#loops.get(subscriptionId);
    loop?.ending.abort();
    await loop?.ended;
    await secrets.remove(subscriptionId);
  }

  /** Sends an event that says it is a test, now; null, or how it failed. One that waited to be tried again is tried now. */
  async test(subscriptionId: string): Promise<string | null> {
    const { catalog, clock, random, regionId } = this.#parts;
    const row = await this.get(subscriptionId);
    const event: CloudEvent = {
      ...{ specversion: '1.0', id: random.bytes(12).toString('hex'), source: 'acs.ecs', type: TEST_EVENT_TYPE },
      ...{ subject: subscriptionId, time: new Date(clock.nowMs()).toISOString(), datacontenttype: 'application/json' },
      ...{ aliyunregionid: regionId, sequence: '0'.repeat(16), data: { subscriptionId } },
    };
    const problem = await this.#deliver(row, event, this.#stopping.signal).then(() => null, messageOf);
    if (problem === null) {
      await updateSubscription(catalog.queries, subscriptionId, { next_try_at_ms: null });
      this.#loops.get(subscriptionId)?.retry();
    }
    return problem;
  }

  /** Throws `InvalidEventSubscriptionId.NotFound`. */
  async get(subscriptionId: string): Promise<EventSubscriptionRow> {
    const row = await findSubscription(this.#parts.catalog.queries, subscriptionId);
    if (row === undefined) throw notFound(subscriptionId);
    return row;
  }

  #run(subscriptionId: string): void {
    const ending = new AbortController();
    const loop = { ending, ended: Promise.resolve(), retry: () => undefined as void };
    const signal = AbortSignal.any([ending.signal, this.#stopping.signal]);
    this.#loops.set(subscriptionId, loop);
    loop.ended = this.#tell(subscriptionId, signal, (retry) => (loop.retry = retry)).finally(() =>
      this.#loops.delete(subscriptionId),
    );
  }

  async #tell(subscriptionId: string, signal: AbortSignal, onPause: (retry: () => void) => void): Promise<void> {
    const { feed, clock, log } = this.#parts;
    while (!signal.aborted) {
      const news = feed.nextNews();
      try {
        const waitMs = await this.#tellNext(subscriptionId, signal);
        if (waitMs === null) return;
        if (waitMs === 0 || signal.aborted) continue;
        const woken = new AbortController();
        onPause(() => woken.abort());
        if (waitMs === IDLE_MS) void news.happened.then(() => woken.abort());
        await clock.sleep(waitMs, AbortSignal.any([signal, woken.signal])).catch(() => undefined);
      } catch (error) {
        log.warn(`events cannot be told to ${subscriptionId}: ${messageOf(error)}`);
        await clock.sleep(ANSWER_TIMEOUT_MS, signal).catch(() => undefined);
      } finally {
        news.forget();
      }
    }
  }

  /** Tells the next event, if there is one and it is time; how long to wait then, or null when it is gone. */
  async #tellNext(subscriptionId: string, signal: AbortSignal): Promise<number | null> {
    const { catalog, clock, regionId } = this.#parts;
    const row = await findSubscription(catalog.queries, subscriptionId);
    if (row === undefined) return null;
    const waitMs = (row.next_try_at_ms ?? 0) - clock.nowMs();
    if (waitMs > 0) return Math.min(waitMs, IDLE_MS - 1); // a clock that was put back makes nobody wait longer
    const { oldest, newest } = await findEventRange(catalog.queries);
    if (row.delivered_sequence < oldest - 1) return await this.#skip(row, oldest - 1);
    const types = typesOf(row);
    const [event] = await listEvents(catalog.queries, types.length === 0 ? {} : { types }, {
      after: row.delivered_sequence,
      limit: 1,
    });
    if (event === undefined) {
      if (newest > row.delivered_sequence)
        await updateSubscription(catalog.queries, subscriptionId, { delivered_sequence: newest });
      return IDLE_MS;
    }
    try {
      await this.#deliver(row, renderEvent(event, regionId), signal);
    } catch (error) {
      if (signal.aborted) return 0;
      return await this.#noteFailure(row, messageOf(error));
    }
    await updateSubscription(catalog.queries, subscriptionId, {
      ...{ delivered_sequence: event.sequence, failures: 0, next_try_at_ms: null, failing_since_ms: null },
      ...{ last_error: null, last_success_at_ms: clock.nowMs() },
    });
    return 0;
  }

  /** Only one that failed for long, or a server that was away for long, comes to this. */
  async #skip(row: EventSubscriptionRow, to: number): Promise<number> {
    const { catalog, log } = this.#parts;
    const count = to - row.delivered_sequence;
    log.warn(`${count} events were not kept long enough to be told to ${row.subscription_id} (${row.url})`);
    const change = { delivered_sequence: to, missed_count: row.missed_count + count };
    await updateSubscription(catalog.queries, row.subscription_id, change);
    return 0;
  }

  async #noteFailure(row: EventSubscriptionRow, reason: string): Promise<number> {
    const { catalog, clock, random, log } = this.#parts;
    const failures = row.failures + 1;
    const nowMs = clock.nowMs();
    const pauseMs = planPause(failures, random.bytes(1).readUInt8() / 255);
    if (failures === 1)
      log.warn(`the webhook ${row.subscription_id} (${row.url}) took no event: ${reason}; it is tried again`);
    await updateSubscription(catalog.queries, row.subscription_id, {
      ...{ failures, last_error: reason, next_try_at_ms: nowMs + pauseMs },
      failing_since_ms: row.failing_since_ms ?? nowMs,
    });
    return pauseMs;
  }

  async #deliver(row: EventSubscriptionRow, event: CloudEvent, signal: AbortSignal): Promise<void> {
    const { secrets, clock, post } = this.#parts;
    const secret = secrets.find(row.subscription_id);
    if (secret === undefined) {
      const message = 'its secret is not in keys/webhooks.json any more: delete it and make another';
      throw new OperationalError(message, { retryable: true });
    }
    const body = JSON.stringify(event);
    const headers = {
      'content-type': 'application/cloudevents+json; charset=utf-8',
      'user-agent': 'hupo',
      ...signDelivery(secret, { id: event.id, nowMs: clock.nowMs(), body }),
    };
    const late = new AbortController();
    const over = new AbortController();
    void clock.sleep(ANSWER_TIMEOUT_MS, over.signal).then(
      () => late.abort(),
      () => undefined,
    );
    try {
      await post({ url: row.url, headers, body }, AbortSignal.any([signal, late.signal]));
    } finally {
      over.abort();
    }
  }
}

function typesOf(row: EventSubscriptionRow): string[] {
  return JSON.parse(row.types) as string[];
}

function toSubscription(row: EventSubscriptionRow, nowMs: number): Omit<Subscription, 'backlogCount'> {
  return {
    subscriptionId: row.subscription_id,
    url: row.url,
    types: typesOf(row),
    description: row.description,
    createdAtMs: row.created_at_ms,
    status: webhookStatus(row.failing_since_ms, nowMs),
    failureCount: row.failures,
    lastError: row.last_error,
    nextTryAtMs: row.next_try_at_ms,
    lastSuccessAtMs: row.last_success_at_ms,
    missedCount: row.missed_count,
  };
}

function notFound(subscriptionId: string): RequestError {
  return new RequestError(
    'InvalidEventSubscriptionId.NotFound',
    `There is no event subscription ${JSON.stringify(subscriptionId.slice(0, 64))}: HupoDescribeEventSubscriptions lists them.`,
  );
}
