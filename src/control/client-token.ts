/** Idempotent requests (`ecs-api.md` 1.9): the first result again for the same token and parameters. */
import { deleteClientToken, findClientToken, insertClientToken } from '../catalog/client-tokens.ts';
import type { Queries } from '../catalog/schema.ts';
import { RequestError } from '../lib/errors.ts';
import type { Idempotency } from './requests.ts';

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
      `The ClientToken ${idempotency.token} was used for ${idempotency.action} with other parameters: use a new token.`,
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

/** Nothing came of the request: the same one may try again. */
export async function forgetResult(transaction: Queries, token: TokenRef | null): Promise<void> {
  if (token !== null) await deleteClientToken(transaction, token.action, token.token);
}
