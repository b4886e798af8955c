/** The command line of `hupo account`: one line of help per option; the work is in `account.ts`. */
import type { Command } from 'commander';
import type { CliContext, ConnectOptions } from '../cli.ts';
import type { LockOptions, ShowOptions } from './account.ts';

export function addAccountCommands(
  program: Command,
  context: CliContext,
  { exit, withConnectOptions }: { exit: (code: number) => void; withConnectOptions: (command: Command) => Command },
): void {
  const account = program.command('account').description('arrears of the account: show, lock, unlock');
  const { command } = context.environment;
  account.addHelpText(
    'after',
    `\n\`${command} account\` alone is \`${command} account show\`. Each region has its own state.\n`,
  );
  withConnectOptions(account.command('show'))
    .option('--json', 'as JSON: the answer of HupoDescribeAccount')
    .description('show whether it is locked, and when what is deleted (the default)')
    .action(async (options: ShowOptions) => {
      const { runAccountShow } = await import('./account.ts');
      exit(await runAccountShow(options, context));
    });
  withConnectOptions(account.command('lock'))
    .option(
      '--delete-after <DAYS>',
      'so many days later delete its policies, and the snapshots that nothing is made from; ECS: 15',
    )
    .option('--yes', 'do not ask before --delete-after')
    .description('say that it is in arrears: the snapshot service stops, and what is PostPaid is locked')
    .action(async (options: LockOptions) => {
      const { runAccountLock } = await import('./account.ts');
      exit(await runAccountLock(options, context));
    });
  withConnectOptions(account.command('unlock'))
    .description('say that it is not; what was deleted stays so')
    .action(async (options: ConnectOptions) => {
      const { runAccountUnlock } = await import('./account.ts');
      exit(await runAccountUnlock(options, context));
    });
}
