/**
 * What stands between a request and its action: who signed it, whether they ask too often, whether their policies allow it, and
 * the record of it. A change is begun only when the record that somebody asked for it is durable (`access/audit-log.ts`).
 */
import type { Account } from '../access/account.ts';
import { idsIn, keepable, type AuditEvent, type AuditOutcome } from '../access/audit-event.ts';
import type { AuditLog } from '../access/audit-log.ts';
import type { RequestContext } from '../access/conditions.ts';
import type { Principal } from '../access/principal.ts';
import { Throttle, Throttled, type Rate } from '../access/throttle.ts';
import type { Clock } from '../lib/clock.ts';
import { RequestError, messageOf } from '../lib/errors.ts';
import { findAccessRule, type AccessRule } from './access-rules.ts';
import type { Action } from './action.ts';
import { authenticate } from './authenticate.ts';
import { authorize, listTouched } from './authorize.ts';
import type { NonceLog } from './control-plane.ts';
import { toErrorReply } from './errors.ts';
import { readParameters } from './parameters.ts';
import type { Pair } from './percent.ts';
import { versionOf } from './products.ts';
import type { ApiRegions } from './regions.ts';
import { findHeader, findSingleHeader, type ApiRequest } from './request.ts';
import { parseAcs3Authorization } from './signature-acs3.ts';

/** What requests a key may make a second; null: as many as it likes. */
export interface RequestRates {
  reads: Rate;
  changes: Rate;
}

export class Guard {
  readonly account: Account;
  readonly audit: AuditLog;
  readonly reads: Throttle;
  readonly changes: Throttle;
  /** By address: of requests that prove nobody. */
  readonly failures = new Throttle({ perSecond: 10, burst: 200 });

  constructor(account: Account, audit: AuditLog, rates: RequestRates) {
    this.account = account;
    this.audit = audit;
    this.reads = new Throttle(rates.reads);
    this.changes = new Throttle(rates.changes);
  }
}

/** Where a request came from. */
export interface Origin {
  address: string;
  isSecure: boolean;
  userAgent: string;
}

interface Incoming {
  request: ApiRequest;
  action: Action;
  requestId: string;
  from: Origin;
}

interface Means {
  guard: Guard;
  regions: ApiRegions;
  nonces: NonceLog;
  clock: Clock;
}

/**
 * Who signed the request. Whoever fails often from one address is told to wait; a good signature is taken whatever others at
 * that address do, and takes nothing from what they may try.
 */
export function admit(incoming: Incoming, means: Means): Principal {
  const { guard, clock } = means;
  try {
    return authenticate(incoming.request, { ...means, keys: guard.account });
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    const event = eventOf(incoming, { principal: null, regionId: '', resources: [] }, clock);
    guard.audit.refuse(event, outcomeOf(error, incoming.action));
    const waitMs = guard.failures.take(incoming.from.address, clock.monotonicMs());
    if (waitMs === 0) throw error;
    throw tooMany(waitMs, 'requests from this address that were not signed well');
  }
}

/** Does it, or throws a Throttled, an AccessDenied, or what the action throws. */
export async function runGuarded(incoming: Incoming & { principal: Principal }, means: Means): Promise<object> {
  const { request, action, principal } = incoming;
  const rule = findAccessRule(action.service, action.name);
  throttle(principal, rule, means);
  const served = means.regions.find(request, action.regional);
  const { account, audit } = means.guard;
  const facts = factsOf(incoming, means.clock);
  const place = { regionId: served.region.regionId, accountId: account.accountId };
  const run = () =>
    action.run(request.parameters, {
      ...{ control: served.control, region: served.region, regions: means.regions.regions },
      caller: { principal, account, audit, facts },
    });
  const asking = { principal, action, parameters: request.parameters, facts, readTags: served.readTags, ...place };
  const told = { principal, regionId: place.regionId };
  const refused = (error: RequestError) =>
    refuse(incoming, { ...told, resources: listNamed(rule ?? untold, asking) }, error, means);
  try {
    await authorize(asking);
  } catch (error) {
    if (error instanceof RequestError) refused(error);
    throw error;
  }
  if (rule?.changes === false) return await run();
  const resources = readResources(rule ?? untold, asking, refused);
  return await recorded(eventOf(incoming, { ...told, resources }, means.clock), { audit, action, run });
}

/** Of an action that has no rule, which only root may ask for. */
const untold: AccessRule = { changes: true, touches: [], tags: 'request' };

/** The parameters are looked at before the record is made: one that is wrong costs no sync. */
function readResources(
  rule: AccessRule,
  asking: {
    principal: Principal;
    action: Action;
    parameters: ApiRequest['parameters'];
    accountId: string;
    regionId: string;
  },
  onRefused: (error: RequestError) => void,
): string[] {
  try {
    const touched = listTouched(rule, readParameters(asking.action.parameters, asking.parameters), asking);
    return [...new Set(touched.flatMap(({ id }) => id ?? []))];
  } catch (error) {
    if (error instanceof RequestError) onRefused(error);
    throw error;
  }
}

/** What a request that is refused names, also where its parameters are wrong: then those that are whole. */
function listNamed(rule: AccessRule, asking: Parameters<typeof readResources>[1]): string[] {
  try {
    return readResources(rule, asking, () => undefined);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    const paths = rule.touches.flatMap((touch) => ('path' in touch ? [touch.path] : []));
    const texts = paths.map((path) => asking.parameters.find(path) ?? '');
    return [...new Set(texts.filter((text) => /^[\w@.-]{1,128}$/.test(text)))];
  }
}

async function recorded(
  event: AuditEvent,
  { audit, action, run }: { audit: AuditLog; action: Action; run: () => Promise<object> },
): Promise<object> {
  await audit.begin(event);
  try {
    const answer = await run();
    audit.end(event.eventId, { errorCode: null, errorMessage: null, created: idsIn(answer) });
    return answer;
  } catch (error) {
    audit.end(event.eventId, outcomeOf(error, action));
    throw error;
  }
}

function refuse(
  incoming: Incoming,
  told: { principal: Principal; regionId: string; resources: string[] },
  error: RequestError,
  { guard, clock }: Means,
): void {
  guard.audit.refuse(eventOf(incoming, told, clock), outcomeOf(error, incoming.action));
}

function outcomeOf(error: unknown, action: Action): AuditOutcome {
  const { code, isOurs } = toErrorReply(error, action.name);
  return { errorCode: code, errorMessage: isOurs ? '' : messageOf(error).slice(0, 500), created: [] };
}

function throttle(principal: Principal, rule: AccessRule | undefined, { guard, clock }: Means): void {
  const isChange = rule?.changes ?? true;
  // Each session of a role has a key of its own, but it is the role that asks.
  const owner = principal.kind === 'role' ? principal.principalId : principal.accessKeyId;
  const waitMs = (isChange ? guard.changes : guard.reads).take(owner, clock.monotonicMs());
  if (waitMs > 0) throw tooMany(waitMs, isChange ? 'changes with this AccessKey' : 'requests with this AccessKey');
}

function tooMany(waitMs: number, what: string): Throttled {
  const message = `Request was denied due to user flow control: too many ${what}; try again in ${waitMs} ms.`;
  return new Throttled('Throttling.User', message, waitMs);
}

function factsOf({ from }: Incoming, clock: Clock): RequestContext {
  return new Map([
    ['acs:SourceIp', [from.address]],
    ['acs:SecureTransport', [String(from.isSecure)]],
    ['acs:CurrentTime', [new Date(clock.nowMs()).toISOString()]],
    ['acs:MFAPresent', ['false']],
  ]);
}

function eventOf(
  { request, action, requestId, from }: Incoming,
  { principal, regionId, resources }: { principal: Principal | null; regionId: string; resources: string[] },
  clock: Clock,
): AuditEvent {
  return {
    ...{ eventId: requestId, atMs: clock.nowMs(), service: action.service, apiVersion: versionOf(action.service) },
    ...{ eventName: action.name, isWrite: findAccessRule(action.service, action.name)?.changes ?? true },
    principal: principal && { kind: principal.kind, principalId: principal.principalId, name: principal.name },
    accessKeyId: (principal?.accessKeyId ?? claimedKey(request)).slice(0, 128),
    ...{ sourceIp: from.address, userAgent: from.userAgent.slice(0, 256), regionId, resources },
    parameters: keepable(businessOf(request)),
  };
}

/** Of a request that proved nobody. */
function claimedKey(request: ApiRequest): string {
  try {
    const header = findSingleHeader(request.headers, 'authorization');
    return header === null
      ? (request.parameters.find('AccessKeyId') ?? '')
      : parseAcs3Authorization(header).accessKeyId;
  } catch {
    return findHeader(request.headers, 'x-acs-accesskey-id') ?? '';
  }
}

const TRANSPORT = /^(action|version|format|accesskeyid|signature\w*|timestamp|securitytoken)$/;

function businessOf({ parameters }: ApiRequest): Pair[] {
  return [...parameters.sent()].filter(([name]) => !TRANSPORT.test(name.toLowerCase()));
}
