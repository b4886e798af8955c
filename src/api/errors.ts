/** The only place that turns our errors into ECS error codes and HTTP statuses (`ecs-api.md` 1.6, 1.7). */
import { Throttled } from '../access/throttle.ts';
import { CorruptionError, OperationalError, RequestError } from '../lib/errors.ts';
import { AccessDenied } from './authorize.ts';
import { findErrorStatus } from './error-statuses.ts';

export interface ErrorReply {
  status: number;
  code: string;
  message: string;
  /** Whether a person should hear of it: it is no fault of the caller. */
  isOurs: boolean;
  /** When to come again. */
  retryAfterMs?: number;
  /** Of a refusal by policies: which action, whose, and why. */
  accessDenied?: Readonly<Record<string, string>>;
}

/** Any thrown value as what the caller is told. Internals (paths, stacks) stay in the log. */
export function toErrorReply(error: unknown, action: string | null): ErrorReply {
  if (error instanceof RequestError) return ofRequest(error, action);
  if (error instanceof OperationalError && error.retryable) {
    return ours(
      503,
      'ServiceUnavailable',
      'The request has failed due to a temporary failure of the server; try again.',
    );
  }
  if (error instanceof CorruptionError) {
    return ours(
      500,
      'InternalError',
      'Stored data that this request needs is damaged; `hupo check` says what and where.',
    );
  }
  return ours(
    500,
    'InternalError',
    'The request processing has failed due to some unknown error; the server log has it by its RequestId.',
  );
}

/** The body of an error answer. All members but AccessDeniedDetail are strings: a client panics on anything else (`clients.md` 2.2). */
export function errorBody(reply: ErrorReply, requestId: string, hostId: string): Record<string, string | object> {
  const query = new URLSearchParams({ q: reply.code, product: 'Ecs', requestId });
  return {
    RequestId: requestId,
    HostId: hostId,
    Code: reply.code,
    Message: reply.message,
    Recommend: `https://api.aliyun.com/troubleshoot?${query.toString()}`,
    ...(reply.accessDenied !== undefined && { AccessDeniedDetail: reply.accessDenied }),
  };
}

/** A code outside the table is still the caller's mistake: never 5xx, which clients would repeat for minutes. */
function ofRequest(error: RequestError, action: string | null): ErrorReply {
  const { code, message } = error;
  const status = error.status ?? findErrorStatus(code, action) ?? (code.endsWith('.NotFound') ? 404 : 400);
  return {
    ...{ status, code, message, isOurs: false },
    ...(error instanceof Throttled && { retryAfterMs: error.retryAfterMs }),
    ...(error instanceof AccessDenied && { accessDenied: error.detail }),
  };
}

function ours(status: number, code: string, message: string): ErrorReply {
  return { status, code, message, isOurs: true };
}
