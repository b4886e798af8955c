/** What this server does with each parameter of an action: asked of the actions' own tables, which takes a moment to load. */
import { findAction } from '../api/action-list.ts';
import { coveredNames, type Parameter, type ParameterTable } from '../api/parameters.ts';

export interface ParameterUse {
  use: Parameter<unknown>['use'];
  /** Why it is refused or has no effect; empty for what is used. */
  reason: string;
  /** What its value may be, for people; empty where the table does not know. */
  shape: string;
  /** All words that its value may be, where they are few; of a refused one those that are taken all the same. */
  accepts: readonly string[];
  isRequired: boolean;
}

/** The patterns of all parameters that the server knows, documented or not; empty for an action that is not built. */
export function findBuiltPatterns(action: string): string[] {
  const names = coveredNames(findAction(action)?.parameters ?? {});
  const isParent = (name: string) => names.some((other) => other.startsWith(`${name}.`) && !other.endsWith('.*'));
  return names.filter((name) => !isParent(name));
}

/** Null for an action that is not built. */
export function findUse(action: string, pattern: string): ParameterUse | null {
  const table = findAction(action)?.parameters;
  if (table === undefined) return null;
  const found = findIn(table, pattern.split('.'));
  if (found === null) return { use: 'no effect', reason: 'not used here', shape: '', accepts: [], isRequired: false };
  const { use, reason, shape = '', accepts = [] } = found;
  return { use, reason, shape, accepts, isRequired: found === table[pattern] && found.isRequired === true };
}

/** The entry for a name, in the table or in that of a group above it. */
function findIn(table: ParameterTable, [name = '', ...below]: string[]): Parameter<unknown> | null {
  const found = Object.entries(table).find(([candidate]) => candidate.toLowerCase() === name.toLowerCase())?.[1];
  if (found?.members === undefined || below.length === 0) return found ?? null;
  return findIn(found.members.table, below[0] === 'N' ? below.slice(1) : below);
}
