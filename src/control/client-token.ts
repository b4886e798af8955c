/** Idempotent requests (`ecs-api.md` 1.9): the first result again for the same token and parameters. */
import { deleteClientToken, findClientToken, insertClientToken } from '../catalog/client-tokens.ts';
import type { Queries } from '../catalog/schema.ts';
import { RequestError } from '../lib/errors.ts';
import type { Parts } from './parts.ts';
import type { Idempotency } from './requests.ts';
import type { OperationRunner } from './runner.ts';
import { waitSoon } from './wait-soon.ts';

/** What an operation keeps of the token, to forget it when the request comes to nothing. */
export interface TokenRef {
  action: string;
  token: string;
}

/** The result of the first request with this token, or null. Throws `IdempotentParameterMismatch`. */
export async function findEarlierResult<T>(transaction: Queries, idempotency: Idempotency | null): Promise<T | null> {
  if (idempotency === null) return null;
  const row = await findClientToken(transaction, idempotency.action, idempotency.token);
  if (row === undefined) return null;
  if (row.parameters_digest !== idempotency.parametersDigest) {
    throw new RequestError(
      'IdempotentParameterMismatch',
      `The ClientToken ${idempotency.token.split('\n', 1)[0]} was used for ${idempotency.action} with other parameters: use a new token.`,
    );
  }
  return JSON.parse(row.result) as T;
}

/** Remembers `result`, in the transaction that creates what it names. */
export async function rememberResult(
  transaction: Queries,
  idempotency: Idempotency | null,
  result: object,
  nowMs: number,
): Promise<TokenRef | null> {
  if (idempotency === null) return null;
  const { action, token, parametersDigest } = idempotency;
  await insertClientToken(transaction, {
    action,
    token,
    parameters_digest: parametersDigest,
    result: JSON.stringify(result),
    created_at_ms: nowMs,
  });
  return { action, token };
}

/**
 * Answers a repeated request as its first one: waits for what that began, if it still runs, as long as the first does.
 * Rejects with what that fails with. Without `step`, for its end.
 */
export async function awaitEarlier(
  parts: Parts,
  runner: OperationRunner,
  idempotency: Idempotency | null,
  step?: string,
): Promise<void> {
  if (idempotency === null) return;
  const { action, token } = idempotency;
  const runs = runner.findAll(({ state }) => {
    const held = (state as { token?: TokenRef | null }).token;
    return held?.action === action && held.token === token;
  });
  const results = runs.map((run) => (step === undefined ? run.done() : run.past(step)));
  await waitSoon(
    parts.clock,
    Promise.all(results).then(() => undefined),
  );
}

/**
 * For a request about several things, each of which may come to nothing by itself: those of `ids` that it is to act on.
 * These are all at first, and for a repeated request those that came to nothing; remember a result then.
 */
export async function planParts(
  transaction: Queries,
  idempotency: Idempotency | null,
  ids: readonly string[],
): Promise<readonly string[]> {
  const earlier = await findEarlierResult<PartsResult>(transaction, idempotency);
  if (earlier === null || idempotency === null) return ids;
  const { failedIds = [] } = earlier;
  if (failedIds.length > 0) await deleteClientToken(transaction, idempotency.action, idempotency.token);
  return failedIds;
}

interface PartsResult {
  /** What came to nothing of it, and may be tried again. */
  failedIds?: string[];
}

/** What the request asked for `id` came to nothing: the same request tries that part again, and only that. */
export async function forgetPart(transaction: Queries, token: TokenRef | null, id: string): Promise<void> {
  if (token === null) return;
  const row = await findClientToken(transaction, token.action, token.token);
  if (row === undefined) return;
  const { failedIds = [] } = JSON.parse(row.result) as PartsResult;
  await deleteClientToken(transaction, token.action, token.token);
  await insertClientToken(transaction, { ...row, result: JSON.stringify({ failedIds: [...failedIds, id] }) });
}

/** Nothing came of the request: the same one may try again. */
export async function forgetResult(transaction: Queries, token: TokenRef | null): Promise<void> {
  if (token !== null) await deleteClientToken(transaction, token.action, token.token);
}
