/** `hupo audit`: what the audit log holds, by ActionTrail's LookupEvents. */
import type { CliContext, ConnectOptions } from '../cli.ts';
import { formatSecond } from '../ecs/times.ts';
import { systemClock } from '../lib/clock.ts';
import { formatRows } from './columns.ts';
import { findConnection } from './connection.ts';
import type { EcsClient } from './ecs-client.ts';
import { withInterrupt } from './interrupt.ts';
import { parseSince } from './times.ts';
import { UsageError } from './usage-error.ts';

const ACTION_TRAIL = '2020-07-06';
const PAGE = 50;

export interface AuditOptions extends ConnectOptions {
  user?: string;
  action?: string;
  resource?: string;
  key?: string;
  since?: string;
  until?: string;
  count: string;
  json?: true;
}

interface AuditAnswer {
  eventTime: string;
  eventName: string;
  sourceIpAddress: string;
  resourceName: string;
  errorCode?: string;
  userIdentity: { userName: string; accessKeyId: string };
}

interface Events {
  Events: AuditAnswer[];
  NextToken?: string;
}

/** Returns the exit code. */
export async function runAudit(options: AuditOptions, context: CliContext): Promise<number> {
  const count = Number(options.count);
  if (!/^\d{1,9}$/.test(options.count) || count < 1) throw new UsageError(`--count ${options.count} is no number`);
  const filter = filterOf(options, systemClock.nowMs());
  const { client } = findConnection(options, context);
  const found = await withInterrupt((signal) => lookUp(client, { filter, count }, signal));
  if (options.json === true) context.out(found.map((event) => `${JSON.stringify(event)}\n`).join(''));
  else context.out(formatEvents(found));
  return 0;
}

async function lookUp(
  client: EcsClient,
  { filter, count }: { filter: Record<string, string>; count: number },
  signal: AbortSignal,
): Promise<AuditAnswer[]> {
  const found: AuditAnswer[] = [];
  let token: string | undefined;
  do {
    const size = String(Math.min(PAGE, count - found.length));
    const page = { ...filter, MaxResults: size, ...(token !== undefined && { NextToken: token }) };
    const answer = await client.call<Events>('LookupEvents', page, signal, ACTION_TRAIL);
    found.push(...answer.Events);
    token = answer.NextToken;
  } while (token !== undefined && found.length < count);
  return found;
}

function formatEvents(events: readonly AuditAnswer[]): string {
  const rows = events.map((event) => [
    ...[event.eventTime, event.userIdentity.userName || event.userIdentity.accessKeyId || '?', event.sourceIpAddress],
    ...[event.eventName, event.errorCode ?? 'done', event.resourceName],
  ]);
  return formatRows(['TIME', 'WHO', 'FROM', 'ACTION', 'RESULT', 'RESOURCES'], rows);
}

/** The parameters of the API; those that were not given are absent. */
export function filterOf(
  { user, action, resource, key, since, until }: Omit<AuditOptions, 'count'>,
  nowMs: number,
): Record<string, string> {
  const wanted: [string, string | undefined][] = [
    ['User', user],
    ['EventName', action],
    ['ResourceName', resource],
    ['EventAccessKeyId', key],
  ];
  const attributes = wanted
    .filter((one): one is [string, string] => one[1] !== undefined)
    .flatMap(([name, value], at) => [
      [`LookupAttribute.${at + 1}.Key`, name],
      [`LookupAttribute.${at + 1}.Value`, value],
    ]);
  return {
    ...(Object.fromEntries(attributes) as Record<string, string>),
    ...(since !== undefined && { StartTime: formatSecond(parseSince(since, nowMs)) }),
    ...(until !== undefined && { EndTime: formatSecond(parseSince(until, nowMs, '--until')) }),
  };
}
