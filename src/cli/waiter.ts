/** `--waiter expr=PATH to=TEXT`: the same call again and again, until what it answers has the text. */
import type { Clock } from '../lib/clock.ts';
import { OperationalError } from '../lib/errors.ts';
import { findNumberText, type Json } from './answer-json.ts';
import { compileQuery } from './jmespath-query.ts';
import { formatWait } from './units.ts';
import { UsageError } from './usage-error.ts';

export interface WaiterFields {
  /** A JMESPath expression that gives a text. */
  expr: string;
  to: string;
  timeoutS: number;
  intervalS: number;
}

export interface WaiterParts {
  clock: Clock;
  signal: AbortSignal;
  /** Shows what it is and how long it has taken; empty text takes that away. */
  show: (line: string) => void;
}

/**
 * The answer that has it. Throws a UsageError when the expression gives nothing or no text, which waiting cannot change for
 * the better, and a retryable OperationalError after the timeout.
 */
export async function waitForAnswer(
  fields: WaiterFields,
  parts: WaiterParts,
  call: () => Promise<Json>,
): Promise<Json> {
  const { expr, to, timeoutS, intervalS } = fields;
  const query = compileQuery(expr, '--waiter expr');
  const startedMs = parts.clock.monotonicMs();
  try {
    for (;;) {
      const answer = await call();
      const found = asText(query(answer), expr);
      if (found === to) return answer;
      const tookMs = parts.clock.monotonicMs() - startedMs;
      if (tookMs >= timeoutS * 1000) {
        throw new OperationalError(`wait '${expr}' to '${to}' timeout(${timeoutS} seconds), last='${found}'`, {
          retryable: true,
        });
      }
      parts.show(`waiting for ${expr} to be ${to}: ${found}, ${formatWait(tookMs)}`);
      await parts.clock.sleep(Math.min(intervalS * 1000, timeoutS * 1000 - tookMs), parts.signal);
    }
  } finally {
    parts.show('');
  }
}

function asText(found: Json, expr: string): string {
  if (typeof found === 'string') return found;
  if (found === null) {
    throw new UsageError(`--waiter expr=${expr} finds nothing in the answer, so there is nothing to wait for`);
  }
  const shown = findNumberText(found) ?? JSON.stringify(found);
  throw new UsageError(
    `--waiter expr=${expr}: object ${shown.slice(0, 200)} isn't string; only texts can be waited for, such as a Status`,
  );
}
