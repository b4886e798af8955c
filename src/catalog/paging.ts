/** Pages of ordered lists: newest first by (creation, id), by number or by an opaque token that names the last row seen. */
import type { Paging } from '../ecs/list-filters.ts';
import type { Page } from '../ecs/resources.ts';
import { RequestError } from '../lib/errors.ts';

/** The row after which a page begins. */
export interface Position {
  createdAtMs: number;
  id: string;
}

/** Where the page begins: after a row, or after `offset` rows. Throws `InvalidParameter.NextToken` for a bad token. */
export function startOf(paging: Paging): { after: Position | null; offset: number } {
  if (paging.nextToken !== null) return { after: parseNextToken(paging.nextToken), offset: 0 };
  return { after: null, offset: (paging.pageNumber - 1) * paging.pageSize };
}

/** A page of `rows`, which are one more than `pageSize` where more follow. */
export function toPage<T>(rows: T[], paging: Paging, totalCount: number, positionOf: (row: T) => Position): Page<T> {
  const items = rows.slice(0, paging.pageSize);
  const last = items.at(-1);
  const more = rows.length > paging.pageSize && last !== undefined;
  return { items, totalCount, nextToken: more ? formatNextToken(positionOf(last)) : null };
}

export function formatNextToken(position: Position): string {
  return Buffer.from(JSON.stringify([position.createdAtMs, position.id])).toString('base64url');
}

function parseNextToken(token: string): Position {
  const [createdAtMs, id, ...rest] = decodeToken(token);
  if (!Number.isSafeInteger(createdAtMs) || typeof id !== 'string' || rest.length > 0) throw badToken();
  return { createdAtMs: createdAtMs as number, id };
}

/** The token of a list that is ordered by two texts, which together are different in every row. */
export function formatTextToken(position: readonly [string, string]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** Throws `InvalidParameter.NextToken` for a bad token. */
export function parseTextToken(token: string): [string, string] {
  const [first, second, ...rest] = decodeToken(token);
  if (typeof first !== 'string' || typeof second !== 'string' || rest.length > 0) throw badToken();
  return [first, second];
}

function decodeToken(token: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (Array.isArray(value)) return value;
  } catch {
    // no JSON: told below, like every other bad token
  }
  throw badToken();
}

function badToken(): RequestError {
  return new RequestError(
    'InvalidParameter.NextToken',
    'NextToken is not one that this server gave: start without it.',
  );
}
