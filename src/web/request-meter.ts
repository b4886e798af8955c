/** Counts answered requests by action and code, and how long they took. Of what is no action only how many. */
import type { Sample } from './metrics.ts';

/** Seconds. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export class RequestMeter {
  readonly #counts = new Map<string, { action: string; code: string; count: number }>();
  readonly #durations = new Map<string, { buckets: number[]; sum: number; count: number }>();

  /** `action` null: none was recognised. */
  observe(action: string | null, code: string, seconds: number): void {
    const name = action ?? '';
    const key = `${name} ${code}`;
    const counted = this.#counts.get(key) ?? { action: name, code, count: 0 };
    this.#counts.set(key, { ...counted, count: counted.count + 1 });
    if (action === null) return;
    const taken = this.#durations.get(action) ?? { buckets: BOUNDS.map(() => 0), sum: 0, count: 0 };
    this.#durations.set(action, taken);
    taken.sum += seconds;
    taken.count += 1;
    const bucket = BOUNDS.findIndex((bound) => seconds <= bound);
    if (bucket >= 0) taken.buckets[bucket] = (taken.buckets[bucket] ?? 0) + 1;
  }

  samples(): Sample[] {
    const counts = [...this.#counts.values()].map(({ action, code, count }): Sample => ({
      name: 'hupo_api_requests_total',
      labels: { action, code },
      value: count,
    }));
    return [...counts, ...[...this.#durations].flatMap(([action, taken]) => histogram(action, taken))];
  }
}

/** Buckets hold what is in the smaller ones too. */
function histogram(
  action: string,
  { buckets, sum, count }: { buckets: number[]; sum: number; count: number },
): Sample[] {
  const name = 'hupo_api_request_duration_seconds' as const;
  let below = 0;
  const counted = BOUNDS.map((bound, index): Sample => {
    below += buckets[index] ?? 0;
    return { name, suffix: '_bucket', labels: { action, le: String(bound) }, value: below };
  });
  return [
    ...counted,
    { name, suffix: '_bucket', labels: { action, le: '+Inf' }, value: count },
    { name, suffix: '_sum', labels: { action }, value: sum },
    { name, suffix: '_count', labels: { action }, value: count },
  ];
}
