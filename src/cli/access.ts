/**
 * `hupo user`, `hupo key`, `hupo role`: each is a call of RAM's API, as any other client makes it, with the key of the
 * environment or the root key of DIR.
 */
import type { CliContext, ConnectOptions } from '../cli.ts';
import { findNumberText, parseAnswer, type Json } from './answer-json.ts';
import { formatRows } from './columns.ts';
import { findConnection } from './connection.ts';
import type { EcsClient } from './ecs-client.ts';
import { readTextFile } from './ecs-options.ts';
import { withInterrupt } from './interrupt.ts';
import { compileQuery } from './jmespath-query.ts';
import { findPolicyWarnings } from './policy-warnings.ts';

const RAM = '2015-05-01';

export interface AccessCall {
  action: string;
  parameters?: Record<string, string | undefined>;
  /** A file whose text is the policy's document, and the parameter that it goes into. */
  document?: { file: string; as: 'PolicyDocument' | 'AssumeRolePolicyDocument' };
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
  const document = readDocument(call);
  const { client } = findConnection(options, context);
  await withInterrupt(async (signal) => {
    const parameters = { ...definedOnly(call.parameters ?? {}), ...document };
    if (call.findsType === true) Object.assign(parameters, { PolicyType: await findType(client, parameters, signal) });
    if (call.deletesVersions === true) await deleteVersions(client, parameters, signal);
    const answer = await client.send(call.action, parameters, { signal, version: RAM });
    context.out(options.json === true ? `${answer}\n` : formatShown(call, parseAnswer(answer)));
  });
  for (const warning of findPolicyWarnings(document['PolicyDocument'] ?? ''))
    context.err(`hupo: warning: ${warning}\n`);
  return 0;
}

function readDocument({ document }: AccessCall): Record<string, string> {
  return document === undefined ? {} : { [document.as]: readTextFile(document.file, 'the policy') };
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

/** The titles and members that people look at, by what the rows are. */
const COLUMNS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'Users.User[]': { USER: 'UserName', 'USER ID': 'UserId', MADE: 'CreateDate', COMMENTS: 'Comments' },
  'Policies.Policy[]': { POLICY: 'PolicyName', TYPE: 'PolicyType', DESCRIPTION: 'Description' },
  'AccessKeys.AccessKey[]': { ACCESSKEYID: 'AccessKeyId', STATUS: 'Status', MADE: 'CreateDate' },
  'Roles.Role[]': { ROLE: 'RoleName', ARN: 'Arn', 'LONGEST SESSION': 'MaxSessionDuration', DESCRIPTION: 'Description' },
};

function formatShown({ shown, done }: AccessCall, answer: Json): string {
  if (shown === undefined) return `${done ?? 'Done.'}\n`;
  const columns = COLUMNS[shown];
  const part = compileQuery(shown, 'the answer')(answer);
  if (columns !== undefined) {
    const rows = part as Record<string, Json>[];
    return formatRows(
      Object.keys(columns),
      rows.map((row) => Object.values(columns).map((name) => textOf(row[name]))),
    );
  }
  if (typeof part === 'string') return `${part}\n`;
  return formatFields(part as Record<string, string>);
}

function textOf(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : (findNumberText(value) ?? String(value as number | boolean));
}

/** A line each. */
export function formatFields(fields: Readonly<Record<string, string>>): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name.padEnd(16)} ${value}\n`)
    .join('');
}

export function definedOnly(given: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(given).filter((one): one is [string, string] => one[1] !== undefined));
}
