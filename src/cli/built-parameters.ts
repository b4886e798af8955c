/** What this server does with each parameter of an action: asked of the actions' own tables, which takes a moment to load. */
import { findAction } from '../api/action-list.ts';
import { coveredNames, type ParameterTable } from '../api/parameters.ts';

/** The patterns of all parameters that the server knows, documented or not; empty for an action that is not built. */
export function findBuiltPatterns(action: string): string[] {
  const names = coveredNames(findAction(action)?.parameters ?? {});
  const isParent = (name: string) => names.some((other) => other.startsWith(`${name}.`) && !other.endsWith('.*'));
  return names.filter((name) => !isParent(name));
}

/** `refused: …`, `no effect: …`, or nothing for what is used; null for an action that is not built. */
export function describeUse(action: string, pattern: string): string | null {
  const table = findAction(action)?.parameters;
  return table === undefined ? null : describeIn(table, pattern.split('.'));
}

function describeIn(table: ParameterTable, [name = '', ...below]: string[]): string {
  const found = Object.entries(table).find(([candidate]) => candidate.toLowerCase() === name.toLowerCase());
  if (found === undefined) return 'not used here';
  const [, { use, reason, members }] = found;
  if (use !== 'used') return `${use}: ${reason}`;
  const rest = below[0] === 'N' ? below.slice(1) : below;
  return members === undefined || rest.length === 0 ? '' : describeIn(members.table, rest);
}
