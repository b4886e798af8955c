/**
 * Whether the policies of whoever asks allow a request. What it touches is told by `access-rules.ts`; each of these must be
 * allowed. The answer to a refused request is the same whether a resource is there or not.
 */
import type { RequestContext } from '../access/conditions.ts';
import { evaluate, mayEverAllow, type AccessQuestion, type Grant } from '../access/evaluate.ts';
import type { Principal } from '../access/principal.ts';
import { systemPolicies } from '../access/system-policies.ts';
import type { Tag } from '../ecs/resources.ts';
import { RequestError } from '../lib/errors.ts';
import { findAccessRule, type AccessRule, type AccessType, type FoundType, type Touch } from './access-rules.ts';
import type { Action } from './action.ts';
import type { ParameterSet } from './parameter-set.ts';
import { readParameters } from './parameters.ts';

/** Refused, with what clients show of why. */
export class AccessDenied extends RequestError {
  readonly detail: Readonly<Record<string, string>>;
  constructor(code: string, message: string, detail: Record<string, string>) {
    super(code, message);
    this.detail = detail;
  }
}

/** One request, as far as policies ask about it. */
export interface Asking {
  principal: Principal;
  action: Action;
  parameters: ParameterSet;
  accountId: string;
  regionId: string;
  /** `acs:SourceIp` and the like. */
  facts: RequestContext;
  /** Of resources of the region. */
  readTags: (resourceIds: string[]) => Promise<ReadonlyMap<string, readonly Tag[]>>;
}

/** A resource that a request touches. */
export interface Touched {
  /** `acs:ecs:cn-hangzhou:ACCOUNT:disk/d-…`. */
  name: string;
  /** Null: it does not exist yet, or any is meant. */
  id: string | null;
}

/** Throws an AccessDenied, or the RequestError of a bad parameter to whom the action may be allowed at all. */
export async function authorize(asking: Asking): Promise<void> {
  const { principal, action } = asking;
  const rule = findAccessRule(action.service, action.name);
  const { grants } = principal;
  if (grants === null || rule?.isFree === true) return;
  const name = `${action.service}:${action.name}`;
  if (rule === undefined || !grants.every((list) => mayEverAllow(list, name))) {
    throw denied(asking, { action: name, resource: '*', deniedBy: null });
  }
  const values = readParameters(action.parameters, asking.parameters);
  const touched = listTouched(rule, values, asking);
  const tags = grants.flat().some(asksForTags) ? await readTagsOf(touched, asking) : new Map<string, readonly Tag[]>();
  for (const { name: resource, id } of touched) {
    const own = id === null ? filterTags(rule, values) : (tags.get(id) ?? []);
    const context = contextOf(asking.facts, own, requestTags(rule, values));
    check(asking, grants, { action: name, resource, context });
  }
}

/** What the request touches, for policies and for the audit log; at least one. */
export function listTouched(
  { touches }: AccessRule,
  values: Readonly<Record<string, unknown>>,
  asking: Pick<Asking, 'principal' | 'action' | 'accountId' | 'regionId'>,
): Touched[] {
  const found = touches.flatMap((touch) => resolve(touch, values, asking));
  return found.length > 0 ? found : [{ name: nameOf(asking, '*'), id: null }];
}

function check(asking: Asking, grants: readonly (readonly Grant[])[], question: AccessQuestion): void {
  for (const list of grants) {
    const decision = evaluate(list, question);
    if (!decision.allowed) throw denied(asking, { ...question, deniedBy: decision.deniedBy });
  }
}

type Place = Pick<Asking, 'principal' | 'action' | 'accountId' | 'regionId'>;

function resolve(touch: Touch, values: Readonly<Record<string, unknown>>, place: Place): Touched[] {
  if (touch.how === 'all') return [{ name: nameOf(place, '*'), id: null }];
  if (touch.how === 'own') return [resolveOwn(touch.path, values, place)];
  if (touch.how === 'any') {
    const [regionId = place.regionId] = touch.region === undefined ? [] : textsAt(values, touch.region);
    return [{ name: nameOf({ ...place, regionId }, `${touch.type}/*`), id: null }];
  }
  const ids = textsAt(values, touch.path);
  const type = (id: string) => typeOf(touch.type, id, values);
  if (ids.length > 0 || touch.how === 'each') return ids.map((id) => ({ name: nameOfId(place, type(id), id), id }));
  return [{ name: nameOf(place, touch.type === 'by id' ? '*' : `${type('')}/*`), id: null }];
}

function typeOf(type: AccessType | FoundType, id: string, values: Readonly<Record<string, unknown>>): string {
  if (type === 'by id') return id.startsWith('d-') ? 'disk' : 'snapshot';
  return typeof type === 'string' ? type : (textsAt(values, type.named)[0] ?? '*');
}

function resolveOwn(path: string, values: Readonly<Record<string, unknown>>, place: Place): Touched {
  const [named] = textsAt(values, path);
  const own = place.principal.kind === 'user' ? place.principal.name : '*';
  return { name: nameOf(place, `user/${named ?? own}`), id: named ?? own };
}

function nameOf({ action, accountId, regionId }: Place, what: string): string {
  return action.service === 'ecs' ? `acs:ecs:${regionId}:${accountId}:${what}` : serviceName(action, accountId, what);
}

/** Roles and users belong to RAM whoever asks; they are in no region. */
function serviceName({ service }: Action, accountId: string, what: string): string {
  return `acs:${service === 'sts' ? 'ram' : service}::${accountId}:${what}`;
}

function nameOfId(place: Place, type: string, id: string): string {
  if (type === 'role' && id.startsWith('acs:ram:')) return id; // AssumeRole names its role in full.
  const isSystem = type === 'policy' && systemPolicies.some(({ policyName }) => policyName === id);
  return nameOf(isSystem ? { ...place, accountId: 'system' } : place, `${type}/${id}`);
}

/** The texts at `DataDisk.N.SnapshotId`: of each item of the lists on the way. */
function textsAt(values: unknown, path: string): string[] {
  const at = path
    .replaceAll('.N', '')
    .split('.')
    .reduce<unknown[]>((found, name) => found.flatMap((one) => memberOf(one, name)), [values]);
  return at.flatMap((value) => (typeof value === 'string' ? [value] : []));
}

function memberOf(value: unknown, name: string): unknown[] {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return [];
  const member = (value as Record<string, unknown>)[name];
  return Array.isArray(member) ? (member as unknown[]) : [member];
}

function asksForTags({ statements }: Grant): boolean {
  return statements.some(({ conditions }) => conditions.some(({ key }) => key.startsWith('acs:ResourceTag/')));
}

function readTagsOf(touched: readonly Touched[], { readTags }: Asking): Promise<ReadonlyMap<string, readonly Tag[]>> {
  return readTags([...new Set(touched.flatMap(({ id }) => id ?? []))]);
}

function tagsIn(values: Readonly<Record<string, unknown>>): { key: string; value: string | null }[] {
  const { Tag: given } = values as { Tag?: unknown };
  return Array.isArray(given) ? (given as { key: string; value: string | null }[]) : [];
}

function requestTags(rule: AccessRule, values: Readonly<Record<string, unknown>>) {
  return rule.tags === 'request' ? tagsIn(values) : [];
}

/** What a list shows has the tags that it is limited to. */
function filterTags(rule: AccessRule, values: Readonly<Record<string, unknown>>): Tag[] {
  if (rule.tags !== 'filter') return [];
  return tagsIn(values).flatMap(({ key, value }) => (value === null ? [] : [{ key, value }]));
}

function contextOf(
  facts: RequestContext,
  resourceTags: readonly Tag[],
  given: readonly { key: string; value: string | null }[],
): RequestContext {
  const context = new Map(facts);
  for (const { key, value } of resourceTags) context.set(`acs:ResourceTag/${key}`, [value]);
  for (const { key, value } of given) context.set(`acs:RequestTag/${key}`, [value ?? '']);
  return context;
}

function denied(
  { principal, action, accountId }: Asking,
  { action: name, resource, deniedBy }: { action: string; resource: string; deniedBy: Grant | null },
): AccessDenied {
  const who = principal.kind === 'role' ? `the role ${principal.name}` : `the user ${principal.name}`;
  const why =
    deniedBy === null ? 'no policy allows it' : `the ${deniedBy.policyType} policy ${deniedBy.policyName} denies it`;
  const message = `User not authorized to operate on the specified resource: ${who} may not do ${name} on ${resource}; ${why}.`;
  return new AccessDenied(action.service === 'ecs' ? 'Forbidden.RAM' : 'NoPermission', message, {
    AuthAction: name,
    AuthPrincipalDisplayName: principal.kind === 'user' ? principal.principalId : principal.name,
    AuthPrincipalOwnerId: accountId,
    AuthPrincipalType: principal.kind === 'role' ? 'AssumedRoleUser' : 'SubUser',
    NoPermissionType: deniedBy === null ? 'ImplicitDeny' : 'ExplicitDeny',
    PolicyType: deniedBy?.policyType === 'Session' ? 'AssumeRoleSessionPolicy' : 'AccountLevelIdentityBasedPolicy',
  });
}
