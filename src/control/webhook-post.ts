/** One HTTP POST to a webhook. Redirects are not followed, the answer's body is not read, and only http and https are spoken. */
import { OperationalError, messageOf } from '../lib/errors.ts';

export interface Delivery {
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** Resolves when the endpoint took it (2xx); throws an OperationalError that says how it did not. */
export type Post = (delivery: Delivery, signal: AbortSignal) => Promise<void>;

export const postWebhook: Post = async ({ url, headers, body }, signal) => {
  const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal }).catch(
    (error: unknown) => {
      throw failure(signal.aborted ? 'it did not answer in time' : reasonOf(error), error);
    },
  );
  await response.body?.cancel().catch(() => undefined);
  if (response.ok) return;
  const isRedirect = response.status >= 300 && response.status < 400;
  throw failure(`it answered ${response.status}${isRedirect ? ', and redirects are not followed' : ''}`);
};

/** fetch says only that it failed; why is its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return messageOf(cause ?? error);
}

function failure(message: string, cause?: unknown): OperationalError {
  return new OperationalError(message, { retryable: true, cause });
}
