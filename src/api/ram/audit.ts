/** LookupEvents of ActionTrail (version 2020-07-06): the audit log. */
import type { AuditFilter, AuditRecord } from '../../access/audit-event.ts';
import { formatSecond, parseSecond } from '../../ecs/times.ts';
import { defineAccountAction } from '../caller.ts';
import {
  groups,
  integer,
  invalidParameter,
  oneOf,
  required,
  text,
  withDefault,
  type Parameter,
} from '../parameters.ts';

const KEYS = [
  ...['EventId', 'EventName', 'User', 'EventAccessKeyId', 'ResourceName', 'ServiceName', 'EventRW'],
] as const;
const MOST = 50;

const attributes = groups(
  { Key: required(oneOf(KEYS, 'InvalidLookupAttribute')), Value: required(text(), 'InvalidLookupAttribute') },
  { most: KEYS.length, code: 'InvalidLookupAttribute' },
);

const time: Parameter<number | null> = {
  ...text(),
  shape: 'UTC as yyyy-MM-ddTHH:mm:ssZ',
  read: (set, name) => {
    const value = text().read(set, name);
    const timeMs = value === null ? null : parseSecond(value);
    if (value === null || timeMs !== null) return timeMs;
    throw invalidParameter('InvalidParameter', name, value, 'it must be UTC as yyyy-MM-ddTHH:mm:ssZ');
  },
};

const nextToken = text('InvalidParameter.NextToken', (token) =>
  /^\d{1,15}$/.test(token) ? null : 'no answer gave it',
);

const lookupEvents = defineAccountAction({
  name: 'LookupEvents',
  service: 'actiontrail',
  parameters: {
    StartTime: time,
    EndTime: time,
    LookupAttribute: attributes,
    MaxResults: withDefault(integer({ least: 1, most: MOST }), 20),
    NextToken: nextToken,
    Direction: withDefault(oneOf(['FORWARD', 'BACKWARD']), 'BACKWARD'),
  },
  run: (values, { audit, account }) => {
    const untilMs = values.EndTime === null ? account.clock.nowMs() : values.EndTime + 999;
    const fromMs = values.StartTime ?? 0;
    const { events, nextToken: next } = audit.lookup({
      ...{ fromMs, untilMs, limit: values.MaxResults, oldestFirst: values.Direction === 'FORWARD' },
      after: values.NextToken === null ? null : Number(values.NextToken),
      ...filterOf(values.LookupAttribute),
    });
    return {
      StartTime: formatSecond(fromMs),
      EndTime: formatSecond(untilMs),
      Events: events.map((event) => render(event, account.accountId)),
      ...(next !== null && { NextToken: next }),
    };
  },
});

export const auditActions = [lookupEvents];

function filterOf(given: readonly { Key: (typeof KEYS)[number]; Value: string }[]): Partial<AuditFilter> {
  const asFilter = {
    EventId: (value: string) => ({ eventId: value }),
    EventName: (value: string) => ({ eventName: value }),
    User: (value: string) => ({ userName: value }),
    EventAccessKeyId: (value: string) => ({ accessKeyId: value }),
    ResourceName: (value: string) => ({ resource: value }),
    ServiceName: (value: string) => ({ service: value.toLowerCase() }),
    EventRW: (value: string) => ({ isWrite: value.toLowerCase() === 'write' }),
  };
  return Object.assign({}, ...given.map(({ Key, Value }) => asFilter[Key](Value))) as Partial<AuditFilter>;
}

const IDENTITIES = { root: 'root-account', user: 'ram-user', role: 'assumed-role' } as const;

function render(event: AuditRecord, accountId: string): object {
  const { principal, outcome } = event;
  return {
    eventId: event.eventId,
    requestId: event.eventId,
    eventVersion: '1',
    eventType: 'ApiCall',
    eventTime: formatSecond(event.atMs),
    eventName: event.eventName,
    eventRW: event.isWrite ? 'Write' : 'Read',
    serviceName: event.service,
    apiVersion: event.apiVersion,
    acsRegion: event.regionId,
    sourceIpAddress: event.sourceIp,
    userAgent: event.userAgent,
    userIdentity: {
      type: principal === null ? 'unknown' : IDENTITIES[principal.kind],
      accountId,
      principalId: principal?.principalId ?? '',
      userName: principal?.name ?? '',
      accessKeyId: event.accessKeyId,
    },
    // As text: names that somebody sent are no names of XML elements.
    requestParameterJson: JSON.stringify(event.parameters),
    resourceName: [...new Set([...event.resources, ...(outcome?.created ?? [])])].join(';'),
    ...(outcome !== null && outcome.errorCode !== null
      ? { errorCode: outcome.errorCode, errorMessage: outcome.errorMessage ?? '' }
      : {}),
  };
}
