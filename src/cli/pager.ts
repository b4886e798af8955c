/**
 * `--pager`: all pages of a list as one. Where the first answer has a NextToken, tokens are followed; else pages are
 * counted up to TotalCount. What is printed is the list alone, in its two wrappers.
 */
import { OperationalError } from '../lib/errors.ts';
import type { Json } from './answer-json.ts';
import { compileQuery, findListPath, type Query } from './jmespath-query.ts';
import { UsageError } from './usage-error.ts';

/** Where the fields are, if not under their usual names. The last part of a path is the parameter's name. */
export interface PagerFields {
  path?: string;
  PageNumber?: string;
  PageSize?: string;
  TotalCount?: string;
  /** Empty: go by page numbers. */
  NextToken?: string;
}

export type PageCall = (more: Record<string, string>) => Promise<Json>;

/** Throws a UsageError when there is no list, an OperationalError when the pages never end. */
export async function fetchAllPages(fields: PagerFields, call: PageCall): Promise<Json> {
  const first = await call({});
  const path = fields.path ?? findListPath(first);
  if (path === null) {
    throw new UsageError('--pager finds no list in the answer: say where it is with --pager path=PATH');
  }
  const items: Json[] = [];
  const list = compileQuery(path, '--pager path');
  const next = planNext(fields, first);
  for (let page: Json | null = first; page !== null;) {
    const found = listOf(list, page, path);
    items.push(...found);
    const more = next(page, found.length);
    page = more === null ? null : await call(more);
  }
  return wrap(path, items);
}

/** What to ask for after a page; null after the last. */
type Next = (page: Json, itemCount: number) => Record<string, string> | null;

function planNext(fields: PagerFields, first: Json): Next {
  const tokenPath = fields.NextToken ?? 'NextToken';
  if (tokenPath === '') return followNumbers(fields);
  const token = compileQuery(tokenPath, '--pager NextToken');
  const hasToken = typeof token(first) === 'string' && token(first) !== '';
  return hasToken || fields.NextToken !== undefined ? followTokens(token, tokenPath) : followNumbers(fields);
}

function followTokens(token: Query, path: string): Next {
  const seen = new Set<string>();
  return (page) => {
    const found = token(page);
    if (typeof found !== 'string' || found === '') return null;
    if (seen.has(found)) {
      throw new OperationalError(`--pager: the server gave the token ${found} twice, so its pages never end`, {
        retryable: false,
      });
    }
    seen.add(found);
    return { [lastPart(path)]: found };
  };
}

function followNumbers(fields: PagerFields): Next {
  const numberPath = fields.PageNumber ?? 'PageNumber';
  const number = compileQuery(numberPath, '--pager PageNumber');
  const size = compileQuery(fields.PageSize ?? 'PageSize', '--pager PageSize');
  const total = compileQuery(fields.TotalCount ?? 'TotalCount', '--pager TotalCount');
  return (page, itemCount) => {
    const current = Number(number(page) ?? Number.NaN);
    const isMore = itemCount > 0 && current * Number(size(page)) < Number(total(page));
    return isMore ? { [lastPart(numberPath)]: String(current + 1) } : null;
  };
}

function listOf(query: Query, page: Json, path: string): Json[] {
  const found = query(page);
  if (Array.isArray(found)) return found;
  throw new UsageError(`--pager path=${path} gives no list in the answer`);
}

/** `A.B.Disks.Disk[]` → `{"Disks": {"Disk": items}}`, as the aliyun CLI does. */
function wrap(path: string, items: Json[]): Json {
  const [inner = '', outer] = path
    .split('.')
    .map((part) => part.replace(/\[\]$/, ''))
    .reverse();
  return outer === undefined ? { [inner]: items } : { [outer]: { [inner]: items } };
}

function lastPart(path: string): string {
  return path.split('.').at(-1) ?? path;
}
