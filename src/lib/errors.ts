/**
 * The four kinds of failure. Each says whether trying again can help; `api/errors.ts` alone turns them into ECS codes
 * and HTTP statuses. Nothing in the project throws anything else on purpose.
 */

/** The caller's mistake, with the documented ECS code (`ecs-api.md` 1.7, 6). Trying the same again cannot help. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code: string;
  /** Where one code of an action is documented with two HTTP statuses. */
  readonly status: number | undefined;
  constructor(code: string, message: string, { status }: { status?: number } = {}) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** The world's: a full disk, an absent server, a lost lease. `retryable` says whether waiting may mend it. */
export class OperationalError extends Error {
  override readonly name = 'OperationalError';
  readonly retryable: boolean;
  constructor(message: string, options: { retryable: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.retryable = options.retryable;
  }
}

/** Stored bytes are not what was stored. Says what, where, and the digests where there are any. */
export class CorruptionError extends Error {
  override readonly name = 'CorruptionError';
  readonly what: string;
  readonly where: string;
  readonly expected: string | undefined;
  readonly actual: string | undefined;
  constructor(what: string, where: string, digests: { expected?: string; actual?: string } = {}) {
    const detail = digests.expected === undefined ? '' : ` (expected ${digests.expected}, found ${digests.actual})`;
    super(`${what} is damaged: ${where}${detail}`);
    this.what = what;
    this.where = where;
    this.expected = digests.expected;
    this.actual = digests.actual;
  }
}

/** Ours: an invariant does not hold. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Whether waiting may mend it. */
export function isRetryable(error: unknown): boolean {
  return error instanceof OperationalError && error.retryable;
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `errno` name (`ENOSPC`, `ENOENT`, …) of a system error, or undefined. */
export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : undefined;
}
