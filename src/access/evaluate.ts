/**
 * Whether policies allow what a request does: what no statement allows is denied, and a statement that denies wins over all
 * that allow. Pure; what a request touches is told by `api/access-rules.ts`.
 */
import { isSatisfied, type RequestContext } from './conditions.ts';
import { matchesAction, matchesPattern, matchesResource } from './pattern.ts';
import type { Patterns, Statement, TrustStatement } from './policy-document.ts';

/** A policy that somebody has. */
export interface Grant {
  policyName: string;
  policyType: 'System' | 'Custom' | 'Session';
  statements: readonly Statement[];
}

/** One action on one resource. */
export interface AccessQuestion {
  /** `ecs:CreateSnapshot`. */
  action: string;
  /** `acs:ecs:cn-hangzhou:ACCOUNT:disk/d-…`. */
  resource: string;
  context: RequestContext;
}

export type Decision =
  | { allowed: true }
  /** With the policy that denies it explicitly; null: none allows it. */
  | { allowed: false; deniedBy: Grant | null };

export function evaluate(grants: readonly Grant[], question: AccessQuestion): Decision {
  const applies = (effect: Statement['effect']) => (grant: Grant) =>
    grant.statements.some((statement) => statement.effect === effect && isAbout(statement, question));
  const deniedBy = grants.find(applies('Deny'));
  if (deniedBy !== undefined) return { allowed: false, deniedBy };
  return grants.some(applies('Allow')) ? { allowed: true } : { allowed: false, deniedBy: null };
}

/** Whether there is anything, in any circumstances, on which the action may be allowed. */
export function mayEverAllow(grants: readonly Grant[], action: string): boolean {
  return grants.some(({ statements }) =>
    statements.some(({ effect, actions }) => effect === 'Allow' && isAmong(actions, action, matchesAction)),
  );
}

/** Whether a role may be taken by whom `names` are all names: of the user, and of the account. */
export function mayAssume(
  trust: readonly TrustStatement[],
  names: readonly string[],
  context: RequestContext,
): boolean {
  const applies = ({ principals, conditions }: TrustStatement) =>
    names.some((name) => principals.some((pattern) => matchesPattern(pattern, name))) &&
    conditions.every((condition) => isSatisfied(condition, context));
  const about = trust.filter(applies);
  return about.some(({ effect }) => effect === 'Allow') && !about.some(({ effect }) => effect === 'Deny');
}

function isAbout(statement: Statement, { action, resource, context }: AccessQuestion): boolean {
  return (
    isAmong(statement.actions, action, matchesAction) &&
    isAmong(statement.resources, resource, matchesResource) &&
    statement.conditions.every((condition) => isSatisfied(condition, context))
  );
}

function isAmong(
  { except, patterns }: Patterns,
  name: string,
  matches: (pattern: string, name: string) => boolean,
): boolean {
  return patterns.some((pattern) => matches(pattern, name)) !== except;
}
