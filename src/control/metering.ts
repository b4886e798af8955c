/**
 * Metering (`ecs-api.md` 4.9): some times an hour, and soon after a snapshot was stored or deleted, what each chain takes is written down
 * where it differs from before. While no server runs nothing is looked at, and what was there last goes on to count, as the
 * snapshots do. Each mark is one statement that says all of its hour, so a crash leaves whole marks, and the same again changes
 * nothing. It loses what changed since the last look, which the next server sees again unless it is gone.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { listMembers } from '../catalog/snapshot-chains.ts';
import { listTags } from '../catalog/tags.ts';
import { listLatestMarks, listMarks, putMark } from '../catalog/usage.ts';
import { feeOfSpan, hourOf, nameOfPeriod, planMark, planSpans } from '../ecs/billing.ts';
import type { Period, PricedCategory, UsageMark } from '../ecs/billing.ts';
import { RequestError, messageOf } from '../lib/errors.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import type { Parts } from './parts.ts';

const LOOK_EVERY_MS = 300_000;
/** After something was stored or deleted, so that it is counted by then. */
const SOON_MS = 10_000;
/** So many times as long as it took to measure everything is waited before it is done again, but not for longer than that. */
const REST = 20;
const LONGEST_REST_MS = 900_000;
/** More at once, which are all in memory, are refused. */
const MOST_COSTS = 100_000;

export interface CostQuestion {
  fromMs: number;
  untilMs: number;
  period: Period;
  /** Whose costs are told apart: disks, values of a tag of the disks, or nobody's. */
  by: 'disk' | 'tag' | 'all';
  tagKey: string;
  diskId: string | null;
}

export interface Cost {
  period: string;
  /** The disk, or the tag's value (blank: the disk has none, or is deleted). */
  subject: string;
  category: PricedCategory;
  /** The size in each hour, added up. */
  gibHours: number;
  /** In units of 0.00001 of the currency; null without prices. */
  fee: number | null;
}

export class Metering {
  readonly #parts: Parts;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #woken = new AbortController();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** Something was stored or deleted. */
  wake(): void {
    this.#woken.abort();
  }

  nowMs(): number {
    return this.#parts.clock.nowMs();
  }

  /** Of the prices; null: there are none. */
  currency(): string | null {
    return this.#parts.priceList?.currency ?? null;
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#parts;
    const { signal } = this.#stopping;
    const latest = new Map<string, UsageMark>();
    let isKnown = false;
    while (!signal.aborted) {
      const begunMs = clock.monotonicMs();
      const woken = (this.#woken = new AbortController()); // while it looks, too
      try {
        if (!isKnown)
          for (const mark of await listLatestMarks(this.#parts.catalog.queries)) latest.set(keyOf(mark), mark);
        isKnown = true;
        await this.#look(latest);
      } catch (error) {
        if (!signal.aborted) log.warn(`what snapshots take could not be written down: ${messageOf(error)}`);
      }
      const restMs = Math.min(REST * (clock.monotonicMs() - begunMs), LONGEST_REST_MS);
      await clock
        .sleep(Math.max(LOOK_EVERY_MS, restMs), AbortSignal.any([signal, woken.signal]))
        .catch(() => undefined);
      if (woken.signal.aborted) await clock.sleep(Math.max(SOON_MS, restMs), signal).catch(() => undefined);
    }
  }

  /** Chains of which not everything is counted yet are left to the next look. */
  async #look(latest: Map<string, UsageMark>): Promise<void> {
    const { catalog, repository, clock } = this.#parts;
    const gone = new Set([...latest].filter(([, { sizeBytes }]) => sizeBytes > 0).map(([key]) => key));
    for await (const members of listMembers(catalog.queries)) {
      for (const [diskId, chain] of Map.groupBy(members, (row) => row.source_disk_id)) {
        await nextTurn();
        this.#stopping.signal.throwIfAborted();
        const treesOf = (isWanted: (category: string) => boolean) =>
          chain.flatMap(({ tree, category }) =>
            tree !== null && isWanted(category) ? [JSON.parse(tree) as TreeRef] : [],
          );
        const whole = treesOf(() => true);
        const { bytes, countedCount } = repository.sizeChain(whole);
        const standard = repository.sizeChain(treesOf((category) => category === 'standard')).bytes;
        const sizes = { standard, archive: Math.max(0, bytes - standard) };
        for (const category of ['standard', 'archive'] as const) {
          gone.delete(keyOf({ diskId, category }));
          if (countedCount < whole.length) continue;
          await this.#note(latest, { diskId, category, hour: hourOf(clock.nowMs()), sizeBytes: sizes[category] });
        }
      }
    }
    for (const key of gone) {
      const before = latest.get(key);
      if (before !== undefined) await this.#note(latest, { ...before, hour: hourOf(clock.nowMs()), sizeBytes: 0 });
    }
  }

  async #note(latest: Map<string, UsageMark>, seen: UsageMark): Promise<void> {
    const sizeBytes = planMark(latest.get(keyOf(seen)) ?? null, seen.hour, seen.sizeBytes);
    if (sizeBytes === null) return;
    const before = latest.get(keyOf(seen));
    // A clock that was set back writes nothing before what is written: the later hour has it.
    const mark = { ...seen, sizeBytes, hour: Math.max(seen.hour, before?.hour ?? 0) };
    await putMark(this.#parts.catalog.queries, mark);
    latest.set(keyOf(mark), mark);
  }

  /** Ordered by period, subject and category. The hour that is not over is not in it. */
  async listCosts({ fromMs, untilMs, period, by, tagKey, diskId }: CostQuestion): Promise<Cost[]> {
    const { catalog, clock, priceList } = this.#parts;
    const fromHour = hourOf(fromMs);
    const untilHour = Math.min(hourOf(untilMs), hourOf(clock.nowMs()));
    const costs = new Map<string, Cost>();
    for await (const marks of listMarks(catalog.queries, { fromHour, untilHour, diskId })) {
      await nextTurn();
      const [first] = marks;
      if (first === undefined) continue;
      const subject = by === 'tag' ? await this.#tagOf(first.diskId, tagKey) : by === 'disk' ? first.diskId : '';
      for (const span of planSpans(marks, { fromHour, untilHour, period })) {
        const name = nameOfPeriod(period, span.fromHour);
        const key = JSON.stringify([name, subject, span.category]);
        const cost = costs.get(key) ?? { period: name, subject, category: span.category, gibHours: 0, fee: null };
        const fee = priceList === null ? null : (cost.fee ?? 0) + feeOfSpan(span, priceList.prices);
        const gibHours = cost.gibHours + (span.sizeBytes / 1024 ** 3) * span.hourCount;
        costs.set(key, { ...cost, gibHours, fee });
        if (costs.size > MOST_COSTS) throw tooMany();
      }
    }
    const order = (cost: Cost) => `${cost.period} ${cost.subject} ${cost.category}`;
    return [...costs.values()].sort((one, other) => (order(one) < order(other) ? -1 : 1));
  }

  async #tagOf(diskId: string, tagKey: string): Promise<string> {
    const tags = (await listTags(this.#parts.catalog.queries, [diskId])).get(diskId) ?? [];
    return tags.find(({ key }) => key === tagKey)?.value ?? '';
  }
}

function tooMany(): RequestError {
  return new RequestError(
    'InvalidParameter',
    `These are more than ${MOST_COSTS} costs; ask for a shorter time, longer periods, or one disk.`,
  );
}

function keyOf({ diskId, category }: Pick<UsageMark, 'diskId' | 'category'>): string {
  return `${diskId} ${category}`;
}
