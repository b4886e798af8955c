/** JMESPath expressions of `--output`, `--waiter`, `--pager` and `--cli-query`, with errors that say which flag is wrong. */
import { TreeInterpreter, compile } from '@jmespath-community/jmespath';
import { messageOf } from '../lib/errors.ts';
import type { Json } from './answer-json.ts';
import { UsageError } from './usage-error.ts';

/** What the expression finds in a value; null where there is nothing. */
export type Query = (value: Json) => Json;

/** Throws a UsageError for an expression that is none; the query throws one for an expression that does not fit the value. */
export function compileQuery(expression: string, where: string): Query {
  const node = attempt(`${where}: "${expression}" is not a JMESPath expression`, () => compile(expression));
  return (value) =>
    attempt(`${where}: "${expression}" cannot be evaluated on this answer`, () => {
      return (TreeInterpreter.search(node, value) ?? null) as Json;
    });
}

function attempt<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new UsageError(`${what} (${messageOf(error)})`);
  }
}

/** `{"Disks": {"Disk": […]}}` → `Disks.Disk[]`: the first list of the kind that every list of ECS has. */
export function findListPath(answer: Json): string | null {
  for (const [outer, value] of membersOf(answer)) {
    for (const [inner, list] of membersOf(value)) {
      if (Array.isArray(list)) return `${outer}.${inner}[]`;
    }
  }
  return null;
}

/** Of an object; of anything else none. */
export function membersOf(value: Json): [string, Json][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}
