/**
 * `hupo user`, `hupo key`, `hupo audit`: each is a call of RAM's or ActionTrail's API, as any other client makes it, with the
 * key of the environment or the root key of DIR.
 */
import type { CliContext, ConnectOptions } from '../cli.ts';
import { parseAnswer, type Json } from './answer-json.ts';
import { findConnection } from './connection.ts';
import { EcsError, type EcsClient } from './ecs-client.ts';
import { readTextFile } from './ecs-options.ts';
import { withInterrupt } from './interrupt.ts';
import { compileQuery } from './jmespath-query.ts';
import { formatRefusal } from './refusal.ts';
import { formatTable } from './table.ts';
import { UsageError } from './usage-error.ts';

const RAM = '2015-05-01';
const ACTION_TRAIL = '2020-07-06';

export interface AccessCall {
  action: string;
  parameters?: Record<string, string | undefined>;
  /** A file whose text is the policy's document. */
  document?: string;
  /** Whether the policy is one of the system has to be found out. */
  findsType?: boolean;
  /** Versions that do not count go first. */
  deletesVersions?: boolean;
  /** Which part of the answer is shown. */
  shown?: string;
  /** What is said when it is done. */
  done?: string;
}

/** Returns the exit code. */
export async function runAccess(
  call: AccessCall,
  options: ConnectOptions & { json?: true },
  context: CliContext,
): Promise<number> {
  const document = call.document === undefined ? {} : { PolicyDocument: readTextFile(call.document, 'the policy') };
  return await answering(options, context, async (client, signal) => {
    const parameters = { ...definedOnly(call.parameters ?? {}), ...document };
    if (call.findsType === true) Object.assign(parameters, { PolicyType: await findType(client, parameters, signal) });
    if (call.deletesVersions === true) await deleteVersions(client, parameters, signal);
    const answer = await client.send(call.action, parameters, { signal, version: RAM });
    context.out(options.json === true ? `${answer}\n` : formatShown(call, parseAnswer(answer)));
  });
}

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

const AUDIT_PAGE = 50;

/** Returns the exit code. */
export async function runAudit(options: AuditOptions, context: CliContext): Promise<number> {
  const count = Number(options.count);
  if (!/^\d{1,9}$/.test(options.count) || count < 1) throw new UsageError(`--count ${options.count} is no number`);
  return await answering(options, context, async (client, signal) => {
    const filter = auditFilterOf(options);
    const found: AuditAnswer[] = [];
    let token: string | undefined;
    do {
      const size = String(Math.min(AUDIT_PAGE, count - found.length));
      const page = { ...filter, MaxResults: size, ...(token !== undefined && { NextToken: token }) };
      const answer = await client.call<Events>('LookupEvents', page, signal, ACTION_TRAIL);
      found.push(...answer.Events);
      token = answer.NextToken;
    } while (token !== undefined && found.length < count);
    if (options.json === true) context.out(found.map((event) => `${JSON.stringify(event)}\n`).join(''));
    else context.out(formatEvents(found));
  });
}

const AUDIT_COLUMNS = ['Time', 'Who', 'From', 'Action', 'Result', 'Resources'];

function formatEvents(events: readonly AuditAnswer[]): string {
  const rows = events.map((event) => ({
    Time: event.eventTime,
    Who: event.userIdentity.userName || event.userIdentity.accessKeyId || '?',
    From: event.sourceIpAddress,
    Action: event.eventName,
    Result: event.errorCode ?? 'done',
    Resources: event.resourceName,
  }));
  return formatTable({ columns: AUDIT_COLUMNS, rows: 'Events', isNumbered: false }, { Events: rows });
}

function auditFilterOf({ user, action, resource, key, since, until }: AuditOptions): Record<string, string> {
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
  const times = definedOnly({ StartTime: since, EndTime: until });
  return { ...(Object.fromEntries(attributes) as Record<string, string>), ...times };
}

async function answering(
  options: ConnectOptions,
  context: CliContext,
  work: (client: EcsClient, signal: AbortSignal) => Promise<void>,
): Promise<number> {
  const { client } = findConnection(options, context);
  try {
    await withInterrupt((signal) => work(client, signal));
    return 0;
  } catch (error) {
    if (!(error instanceof EcsError)) throw error;
    context.err(formatRefusal(error));
    return 1;
  }
}

/** One of the system has its name for itself: no custom policy can be called so. */
async function findType(client: EcsClient, given: Record<string, string>, signal: AbortSignal): Promise<string> {
  const asked = { PolicyType: 'System', MaxItems: '1000' };
  const answer = await client.call<{ Policies: { Policy: { PolicyName: string }[] } }>(
    'ListPolicies',
    asked,
    signal,
    RAM,
  );
  return answer.Policies.Policy.some(({ PolicyName }) => PolicyName === given['PolicyName']) ? 'System' : 'Custom';
}

async function deleteVersions(client: EcsClient, given: Record<string, string>, signal: AbortSignal): Promise<void> {
  const asked = { ...given, PolicyType: 'Custom' };
  type Versions = { PolicyVersions: { PolicyVersion: { VersionId: string; IsDefaultVersion: boolean }[] } };
  const { PolicyVersions } = await client.call<Versions>('ListPolicyVersions', asked, signal, RAM);
  for (const { VersionId, IsDefaultVersion } of PolicyVersions.PolicyVersion) {
    if (!IsDefaultVersion) await client.call('DeletePolicyVersion', { ...given, VersionId }, signal, RAM);
  }
}

/** The columns that people look at, by what the rows are. */
const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  'Users.User[]': ['UserName', 'UserId', 'Comments', 'CreateDate'],
  'Policies.Policy[]': ['PolicyName', 'PolicyType', 'Description'],
  'AccessKeys.AccessKey[]': ['AccessKeyId', 'Status', 'CreateDate'],
};

function formatShown({ shown, done }: AccessCall, answer: Json): string {
  if (shown === undefined) return `${done ?? 'Done.'}\n`;
  const columns = COLUMNS[shown];
  if (columns !== undefined) return formatTable({ columns, rows: shown, isNumbered: false }, answer);
  const part = compileQuery(shown, 'the answer')(answer);
  if (typeof part === 'string') return `${part}\n`;
  const lines = Object.entries(part as Record<string, string>).map(([name, value]) => `${name.padEnd(16)} ${value}`);
  return `${lines.join('\n')}\n`;
}

function definedOnly(given: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(given).filter((one): one is [string, string] => one[1] !== undefined));
}
