/** `hupo role assume`: a temporary key of a role by STS's AssumeRole, to be read, exported into a shell, or taken by a program. */
import type { CliContext, ConnectOptions } from '../cli.ts';
import { definedOnly, formatFields } from './access.ts';
import { findConnection } from './connection.ts';
import { readTextFile } from './ecs-options.ts';
import { withInterrupt } from './interrupt.ts';
import { findPolicyWarnings } from './policy-warnings.ts';
import { findDuration } from './times.ts';
import { UsageError } from './usage-error.ts';

const STS = '2015-04-01';

export interface AssumeOptions extends ConnectOptions {
  session: string;
  for?: string;
  policy?: string;
  export?: true;
  json?: true;
}

interface AssumeAnswer {
  Credentials: { AccessKeyId: string; AccessKeySecret: string; SecurityToken: string; Expiration: string };
}

/** Returns the exit code. */
export async function runAssume(roleName: string, options: AssumeOptions, context: CliContext): Promise<number> {
  const Policy = options.policy === undefined ? undefined : readTextFile(options.policy, '--policy');
  const DurationSeconds = options.for === undefined ? undefined : secondsOf('--for', options.for);
  const { client } = findConnection(options, context);
  const answer = await withInterrupt(async (signal) => {
    const { AccountId } = await client.call<{ AccountId: string }>('GetCallerIdentity', {}, signal, STS);
    const RoleArn = roleName.startsWith('acs:') ? roleName : `acs:ram::${AccountId}:role/${roleName}`;
    const asked = definedOnly({ RoleArn, RoleSessionName: options.session, DurationSeconds, Policy });
    return await client.call<AssumeAnswer>('AssumeRole', asked, signal, STS);
  });
  context.out(format(answer, options));
  for (const warning of findPolicyWarnings(Policy ?? '', 'session')) context.err(`hupo: warning: ${warning}\n`);
  return 0;
}

/** `2h` or `7200`, as the API takes it. Throws a UsageError. */
export function secondsOf(option: string, text: string): string {
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : findDuration(text);
  if (ms !== null) return String(ms / 1000);
  throw new UsageError(`${option} ${text} is no time as 15m, 2h or 3600 (seconds)`);
}

function format(answer: AssumeAnswer, options: AssumeOptions): string {
  if (options.json === true) return `${JSON.stringify(answer, null, 2)}\n`;
  const { AccessKeyId, AccessKeySecret, SecurityToken, Expiration } = answer.Credentials;
  if (options.export !== true) return formatFields({ AccessKeyId, AccessKeySecret, SecurityToken, Expiration });
  const lines = {
    HUPO_ACCESS_KEY_ID: AccessKeyId,
    HUPO_ACCESS_KEY_SECRET: AccessKeySecret,
    HUPO_STS_TOKEN: SecurityToken,
  };
  return Object.entries(lines)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`)
    .join('');
}
