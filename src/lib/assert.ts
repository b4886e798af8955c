/** Assertions that stay in production: a broken invariant stops the work at hand instead of harming data. */
import { AssertionError } from './errors.ts';

/** Throws an AssertionError (a bug of ours) unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Asserts a byte count, index or size: a safe integer that is not negative. Returns it. */
export function assertCount(value: number, name: string): number {
  assert(Number.isSafeInteger(value) && value >= 0, `${name} must be a non-negative safe integer, is ${value}`);
  return value;
}
