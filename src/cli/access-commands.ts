/** The command line of `hupo user`, `hupo key` and `hupo audit`: one line of help a command; the work is in `access.ts` and `audit.ts`. */
import type { Command } from 'commander';
import type { CliContext, ConnectOptions } from '../cli.ts';
import type { AccessCall } from './access.ts';
import type { AuditOptions } from './audit.ts';
import { addRoleCommands } from './role-commands.ts';

type Options = ConnectOptions & { json?: true };

interface Place {
  program: Command;
  withConnectOptions: (command: Command) => Command;
}

/** Adds a command whose arguments, in order, become one call. */
export type Add = (
  parent: Command,
  words: string,
  description: string,
  call: (...given: string[]) => AccessCall,
) => Command;

export function addAccessCommands(place: Place, context: CliContext, exit: (code: number) => void): void {
  const add: Add = (parent, words, description, call) => {
    const [name = '', ...given] = words.split(' ');
    const command = place.withConnectOptions(parent.command(name)).option('--json', 'the answer as it is');
    for (const one of given) command.argument(one);
    return command.description(description).action(async (...typed: unknown[]) => {
      const values = typed.slice(0, given.length) as string[];
      const { runAccess } = await import('./access.ts');
      exit(await runAccess(call(...values), typed[given.length] as Options, context));
    });
  };
  addUsers(place.program, add, context);
  addKeys(place.program, add);
  addRoleCommands(place.program, { add, withConnectOptions: place.withConnectOptions }, context, exit);
  addAudit(place, context, exit);
}

function addUsers(program: Command, add: Add, { environment: { command } }: CliContext): void {
  const user = program.command('user').description('users of the API, and what each may do');
  add(user, 'list', 'list users', () => ({ action: 'ListUsers', shown: 'Users.User[]' }));
  add(user, 'create <NAME>', 'make a user, who may do nothing yet', (name) => ({
    ...{ action: 'CreateUser', parameters: { UserName: name }, done: `The user ${name} was made.` },
  }));
  add(user, 'show <NAME>', 'show what policies a user has', (name) => ({
    ...{ action: 'ListPoliciesForUser', parameters: { UserName: name }, shown: 'Policies.Policy[]' },
  }));
  add(user, 'delete <NAME>', 'delete a user, whose keys and policies were taken away', (name) => ({
    ...{ action: 'DeleteUser', parameters: { UserName: name }, done: `The user ${name} is gone.` },
  }));
  for (const [word, action, done] of [
    ['attach', 'AttachPolicyToUser', 'has the policy'],
    ['detach', 'DetachPolicyFromUser', 'has no longer the policy'],
  ] as const) {
    add(user, `${word} <NAME> <POLICY>`, `${word} a policy, of the system or your own`, (name, policy = '') => ({
      ...{ action, done: `${name} ${done} ${policy}.` },
      ...{ parameters: { UserName: name ?? '', PolicyName: policy }, findsType: true },
    }));
  }
  const policy = user.command('policy').description('policies: what may be done to which resources, as RAM writes it');
  add(policy, 'list', 'list policies, those of the system too', () => ({
    ...{ action: 'ListPolicies', parameters: { MaxItems: '1000' }, shown: 'Policies.Policy[]' },
  }));
  add(policy, 'show <POLICY>', 'print what a policy says', (name = '') => ({
    ...{
      action: 'GetPolicy',
      parameters: { PolicyName: name },
      findsType: true,
      shown: '"DefaultPolicyVersion".PolicyDocument',
    },
  }));
  add(policy, 'create <POLICY> <FILE>', 'make a policy from a file', (name = '', file = '') => ({
    ...{
      action: 'CreatePolicy',
      parameters: { PolicyName: name },
      document: { file, as: 'PolicyDocument' },
      done: `The policy ${name} was made.`,
    },
  }));
  add(policy, 'update <POLICY> <FILE>', 'let a policy say what a file says', (name = '', file = '') => ({
    action: 'CreatePolicyVersion',
    parameters: {
      ...{ PolicyName: name, SetAsDefault: 'true' },
      RotateStrategy: 'DeleteOldestNonDefaultVersionWhenLimitExceeded',
    },
    ...{ document: { file, as: 'PolicyDocument' as const }, done: `The policy ${name} says so now.` },
  }));
  add(policy, 'delete <POLICY>', 'delete a policy that nobody has', (name = '') => ({
    ...{
      action: 'DeletePolicy',
      parameters: { PolicyName: name },
      deletesVersions: true,
      done: `The policy ${name} is gone.`,
    },
  }));
  user.addHelpText(
    'after',
    `\nExample:\n  ${command} user create eva\n  ${command} user attach eva AliyunECSReadOnlyAccess\n  ${command} key create eva\n`,
  );
}

function addKeys(program: Command, add: Add): void {
  const key = program.command('key').description('AccessKeys of users');
  const of = (name = '', id = '') => ({ UserName: name, UserAccessKeyId: id });
  add(key, 'create <USER>', 'make an AccessKey; its secret is shown only now', (name = '') => ({
    ...{ action: 'CreateAccessKey', parameters: { UserName: name }, shown: 'AccessKey' },
  }));
  add(key, 'list <USER>', 'list the AccessKeys of a user', (name = '') => ({
    ...{ action: 'ListAccessKeys', parameters: { UserName: name }, shown: 'AccessKeys.AccessKey[]' },
  }));
  for (const [word, Status, done] of [
    ['disable', 'Inactive', 'is refused from now on'],
    ['enable', 'Active', 'is taken again'],
  ] as const) {
    add(key, `${word} <USER> <AccessKeyId>`, `${word} an AccessKey`, (name, id) => ({
      ...{ action: 'UpdateAccessKey', parameters: { ...of(name, id), Status }, done: `${id} ${done}.` },
    }));
  }
  add(key, 'delete <USER> <AccessKeyId>', 'delete an AccessKey', (name, id) => ({
    ...{ action: 'DeleteAccessKey', parameters: of(name, id), done: `${id} is gone.` },
  }));
}

function addAudit({ program, withConnectOptions }: Place, context: CliContext, exit: (code: number) => void): void {
  withConnectOptions(program.command('audit'))
    .description('who changed what, from where, and what came of it; the latest first')
    .option('--user <NAME>', 'of a user, or root')
    .option('--action <Action>', 'of an action, such as DeleteDisk')
    .option('--resource <ID>', 'of a disk, a snapshot, a user …')
    .option('--key <AccessKeyId>', 'with an AccessKey')
    .option('--since <AGE|TIME>', 'as 5m, 2h, 7d, or 2026-01-31T08:00:00Z')
    .option('--until <AGE|TIME>', 'up to then')
    .option('--count <N>', 'so many at most', '50')
    .option('--json', 'as JSON, one event a line, with the parameters')
    .action(async (options: AuditOptions) => {
      const { runAudit } = await import('./audit.ts');
      exit(await runAudit(options, context));
    });
}
