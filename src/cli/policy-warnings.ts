/**
 * What a policy document says that no request here is ever asked about: a misspelt action, a type of resources that does not exist.
 * RAM's API takes such documents, as it must; whoever writes a `Deny` so counts on it in vain, and is told. Pure.
 */
import { parsePolicy, type Patterns, type Statement } from '../access/policy-document.ts';
import { matchesPattern, splitResourceName } from '../access/pattern.ts';
import { findAccessRule, listRuledActions, type Touch } from '../api/access-rules.ts';
import { RequestError } from '../lib/errors.ts';
import { suggest } from './suggestions.ts';

/** A line for each; none of a document that is not valid, which the server tells. */
export function findPolicyWarnings(document: string, kind: 'policy' | 'session' = 'policy'): string[] {
  try {
    return parsePolicy(document, kind).flatMap((statement, index) =>
      findStatementWarnings(statement).map((warning) => `Statement[${index}] (${statement.effect}): ${warning}`),
    );
  } catch (error) {
    if (error instanceof RequestError) return [];
    throw error;
  }
}

function findStatementWarnings({ actions, resources }: Statement): string[] {
  const found = [...actions.patterns.flatMap(explainAction), ...resources.patterns.flatMap(explainResource)];
  return found.length > 0 ? found : explainPair(actions, resources);
}

function explainAction(pattern: string): string[] {
  const names = listRuledActions();
  if (names.some((name) => meet(pattern.toLowerCase(), name.toLowerCase()))) return [];
  const isWild = /[*?]/.test(pattern);
  return [`no action here ${isWild ? 'matches' : 'is'} ${pattern}${didYouMean(pattern, names)}`];
}

function explainResource(pattern: string): string[] {
  const [, service = '', region = '', , what = ''] = splitResourceName(pattern) ?? [];
  if (pattern === '*') return [];
  const matching = services().filter((one) => meet(service, one));
  if (matching.length === 0) return [`no service here is called ${service}${didYouMean(service, services())}`];
  if (region === '' && matching.every((one) => one === 'ecs')) {
    return [
      `${pattern} matches nothing, for resources of ecs are in regions; did you mean ${pattern.replace('acs:ecs::', 'acs:ecs:*:')}?`,
    ];
  }
  if (matching.some((one) => whatsOf(one).some((known) => isAsked(what, known)))) return [];
  const types = matching.flatMap(typesOf);
  const [typed = '', ...id] = what.split('/');
  const [near] = suggest(typed, types);
  if (near !== undefined)
    return [
      `${pattern} matches nothing; did you mean ${pattern.slice(0, -what.length)}${[near, ...(id.length > 0 ? id : ['*'])].join('/')}?`,
    ];
  return [
    `${pattern} matches nothing; types of resources are ${types.map((type) => `${type}/…`).join(', ') || 'none: only * is asked about'}`,
  ];
}

/** Both are there, but no request that is asked for the one touches the other. */
function explainPair(actions: Patterns, resources: Patterns): string[] {
  if (actions.except || resources.except || resources.patterns.includes('*')) return [];
  const wanted = listRuledActions().filter((name) =>
    actions.patterns.some((pattern) => meet(pattern.toLowerCase(), name.toLowerCase())),
  );
  const touched = [...new Set(wanted.flatMap(touchedBy))];
  const meets = resources.patterns.some((pattern) => {
    const [, service = '', , , what = ''] = splitResourceName(pattern) ?? [];
    return touched.some(
      (name) => meet(service, name.slice(0, name.indexOf(':'))) && isAsked(what, name.slice(name.indexOf(':') + 1)),
    );
  });
  if (meets) return [];
  const needed = touched.map((name) => name.slice(name.indexOf(':') + 1)).join(', ');
  return [`${actions.patterns.join(', ')} is never asked about ${resources.patterns.join(', ')}, but about ${needed}`];
}

/** `ecs:disk/*` of `ecs:CreateDisk`. */
function touchedBy(name: string): string[] {
  const [service = '', action = ''] = name.split(':');
  return (findAccessRule(service, action)?.touches ?? []).flatMap((touch) =>
    typesTouched(touch).map((type) => `${service === 'sts' ? 'ram' : service}:${type === '*' ? '*' : `${type}/*`}`),
  );
}

/** A type that a parameter names may be any. */
function typesTouched(touch: Touch): string[] {
  if (touch.how === 'all') return ['*'];
  if (touch.how === 'own') return ['user'];
  if (typeof touch.type === 'string' && touch.type !== 'by id') return [touch.type];
  return touch.type === 'by id' ? ['disk', 'snapshot'] : ecsTypes();
}

function ecsTypes(): string[] {
  const touches = listRuledActions().flatMap((name) => findAccessRule('ecs', name.replace('ecs:', ''))?.touches ?? []);
  return [
    ...new Set(touches.flatMap((touch) => ('type' in touch && typeof touch.type === 'string' ? [touch.type] : []))),
  ].filter((type) => type !== 'by id');
}

/** Of resource names: STS has none of its own. */
function services(): string[] {
  return [
    ...new Set(
      listRuledActions()
        .flatMap(touchedBy)
        .map((name) => name.slice(0, name.indexOf(':'))),
    ),
  ];
}

function whatsOf(service: string): string[] {
  const all = listRuledActions()
    .flatMap(touchedBy)
    .filter((name) => name.startsWith(`${service}:`));
  return [...new Set(all)].map((name) => name.slice(service.length + 1));
}

function typesOf(service: string): string[] {
  return whatsOf(service)
    .filter((what) => what !== '*')
    .map((what) => what.replace('/*', ''));
}

function didYouMean(typed: string, names: readonly string[]): string {
  const [near] = suggest(typed, names);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

/** What is of no type is asked about by the name `*` itself. */
function isAsked(pattern: string, known: string): boolean {
  return known === '*' ? matchesPattern(pattern, known) : meet(pattern, known);
}

/** Whether some text is matched by both: each may have `*` and `?`. In time proportional to the two lengths multiplied. */
export function meet(one: string, other: string): boolean {
  let before = rowOf('', other, []);
  for (const sign of one) before = rowOf(sign, other, before);
  return before.at(-1) === true;
}

/** For each beginning of `other`: whether it meets what was read of the other pattern, up to `sign`; `before` is that without it. */
function rowOf(sign: string, other: string, before: readonly boolean[]): boolean[] {
  const row = [before.length === 0 || (sign === '*' && before[0] === true)];
  for (const [index, last] of Array.from(other).entries()) {
    const isSame = sign === last || sign === '?' || last === '?';
    if (sign === '*' || last === '*') row.push(before[index + 1] === true || row[index] === true);
    else row.push(isSame && before[index] === true);
  }
  return row;
}
