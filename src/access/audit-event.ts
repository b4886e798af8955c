/** What the audit log holds of a request. */

export interface AuditEvent {
  /** The RequestId. */
  eventId: string;
  atMs: number;
  /** `ecs`, `ram`, … */
  service: string;
  apiVersion: string;
  eventName: string;
  isWrite: boolean;
  /** Who: null where a request proved nobody. */
  principal: { kind: 'root' | 'user' | 'role'; principalId: string; name: string } | null;
  /** As the request said it. */
  accessKeyId: string;
  sourceIp: string;
  userAgent: string;
  regionId: string;
  /** Without secrets. */
  parameters: Readonly<Record<string, string>>;
  /** Ids, and names of what has none. */
  resources: readonly string[];
}

export interface AuditOutcome {
  errorCode: string | null;
  errorMessage: string | null;
  /** What was made. */
  created: readonly string[];
}

export interface AuditRecord extends AuditEvent {
  /** Null: it has not ended yet. */
  outcome: AuditOutcome | null;
}

export interface AuditFilter {
  fromMs: number;
  untilMs: number;
  /** All that are given must match. */
  eventId?: string;
  eventName?: string;
  userName?: string;
  accessKeyId?: string;
  resource?: string;
  service?: string;
  isWrite?: boolean;
  oldestFirst: boolean;
  limit: number;
  /** Where the page before ended. */
  after: number | null;
}

const HIDDEN = /password|secret|userdata|token|signature/i;
const VALUE_LIMIT = 6200;
const ALL_LIMIT = 16_000;

/** Parameters as they may be kept: no secrets, and none that is endless. */
export function keepable(pairs: Iterable<readonly [string, string]>): Record<string, string> {
  const kept: [string, string][] = [];
  let size = 0;
  for (const [name, value] of pairs) {
    const room = Math.max(0, Math.min(VALUE_LIMIT, ALL_LIMIT - size));
    const shown = HIDDEN.test(name) ? '***' : shorten(value, room);
    const shownName = shorten(name, 128);
    size += shownName.length + shown.length;
    if (kept.length < 500) kept.push([shownName, shown]);
  }
  return Object.fromEntries(kept);
}

function shorten(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
}

const CREATED_LIMIT = 200;

/** The ids and names in an answer, whose members are called so. */
export function idsIn(answer: unknown, name = ''): string[] {
  if (typeof answer === 'string')
    return /(Id|IdSet|Ids|UserName|PolicyName|RoleName)$/.test(name) && name !== 'RequestId' ? [answer] : [];
  if (Array.isArray(answer)) return answer.flatMap((item) => idsIn(item, name)).slice(0, CREATED_LIMIT);
  if (typeof answer !== 'object' || answer === null) return [];
  const found = Object.entries(answer).flatMap(([member, value]) => idsIn(value, member));
  return [...new Set(found)].slice(0, CREATED_LIMIT);
}
