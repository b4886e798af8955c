/** The command line of `hupo role`: roles that users of the API take for a while; the work is in `access.ts` and `assume-role.ts`. */
import type { Command } from 'commander';
import type { CliContext } from '../cli.ts';
import type { Add } from './access-commands.ts';
import type { AssumeOptions } from './assume-role.ts';

export function addRoleCommands(
  program: Command,
  { add, withConnectOptions }: { add: Add; withConnectOptions: (command: Command) => Command },
  context: CliContext,
  exit: (code: number) => void,
): void {
  const { command } = context.environment;
  const role = program.command('role').description('roles, which users take for a while by a temporary key');
  add(role, 'list', 'list roles', () => ({
    ...{ action: 'ListRoles', parameters: { MaxItems: '1000' }, shown: 'Roles.Role[]' },
  }));
  add(
    role,
    'create <NAME> <FILE>',
    'make a role, which may do nothing yet; FILE says whom it trusts',
    (name, file) => ({
      ...{ action: 'CreateRole', parameters: { RoleName: name }, done: `The role ${name} was made.` },
      document: { file: file ?? '', as: 'AssumeRolePolicyDocument' },
    }),
  );
  add(role, 'show <NAME>', 'show what policies a role has', (name) => ({
    ...{ action: 'ListPoliciesForRole', parameters: { RoleName: name }, shown: 'Policies.Policy[]' },
  }));
  add(role, 'trust <NAME>', 'print whom a role trusts', (name) => ({
    ...{ action: 'GetRole', parameters: { RoleName: name }, shown: '"Role".AssumeRolePolicyDocument' },
  }));
  add(role, 'delete <NAME>', 'delete a role whose policies were taken away; its keys are refused at once', (name) => ({
    ...{ action: 'DeleteRole', parameters: { RoleName: name }, done: `The role ${name} is gone.` },
  }));
  for (const [word, action, done] of [
    ['attach', 'AttachPolicyToRole', 'has the policy'],
    ['detach', 'DetachPolicyFromRole', 'has no longer the policy'],
  ] as const) {
    add(role, `${word} <NAME> <POLICY>`, `${word} a policy, of the system or your own`, (name, policy = '') => ({
      ...{ action, done: `${name} ${done} ${policy}.` },
      ...{ parameters: { RoleName: name ?? '', PolicyName: policy }, findsType: true },
    }));
  }
  addAssume(withConnectOptions(role.command('assume')), context, exit);
  role.addHelpText(
    'after',
    `
FILE holds who may take the role, as RAM writes it; anybody of the account whose policies allow sts:AssumeRole:
  {"Version": "1", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": "acs:ram::*:root"}}}

Example:
  ${command} role create auditor trust.json
  ${command} role attach auditor AliyunECSReadOnlyAccess
  ${command} user attach eva AliyunSTSAssumeRoleAccess
  eval "$(${command} role assume auditor --export)"       # with the key of eva: root takes no roles
`,
  );
}

function addAssume(assume: Command, context: CliContext, exit: (code: number) => void): void {
  assume
    .argument('<NAME>', 'of the role, or acs:ram::ACCOUNT:role/NAME')
    .option('--session <NAME>', 'for the audit log', 'hupo-cli')
    .option('--for <TIME>', 'how long the key is taken, as 15m or 2h (default: 1h)')
    .option('--policy <FILE>', 'a policy that narrows what the key may do')
    .option('--export', 'as lines for a shell')
    .option('--json', 'the answer as it is')
    .description('take a role: prints a temporary key with its token')
    .action(async (name: string, options: AssumeOptions) => {
      const { runAssume } = await import('./assume-role.ts');
      exit(await runAssume(name, options, context));
    });
}
