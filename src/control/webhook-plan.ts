/** When a delivery that failed is tried again, and what is said of its webhook: pure. */

const FIRST_PAUSE_MS = 1000;
/** An endpoint that is back hears of it within the hour. */
const LONGEST_PAUSE_MS = 3_600_000;
const FAILING_AFTER_MS = 86_400_000;

/**
 * The pause after so many failures in a row: twice as long each time up to an hour, and between half of that and all of it by
 * `chance` (0 to 1), so that what failed together is not tried together.
 */
export function planPause(failureCount: number, chance: number): number {
  const wholeMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failureCount - 1, 30));
  return Math.round(wholeMs * (0.5 + chance / 2));
}

export type WebhookStatus = 'Active' | 'Retrying' | 'Failing';

/** `Failing` once nothing was taken for a day; it is tried on all the same. */
export function webhookStatus(failingSinceMs: number | null, nowMs: number): WebhookStatus {
  if (failingSinceMs === null) return 'Active';
  return nowMs - failingSinceMs >= FAILING_AFTER_MS ? 'Failing' : 'Retrying';
}

/** What is wrong with a URL to post to, or null. */
export function findWebhookUrlProblem(text: string): string | null {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    return 'it must be an http:// or https:// URL';
  if (url.username !== '' || url.password !== '') return 'it must not hold a name or password: they would be shown';
  if (url.hash !== '') return 'it must not have a fragment';
  return text.length > 2048 ? 'it must be at most 2048 characters' : null;
}
