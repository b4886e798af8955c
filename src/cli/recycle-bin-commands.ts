/** The command line of `hupo recycle-bin`: one line of help per option; the work is in `recycle-bin.ts`. */
import type { Command } from 'commander';
import type { CliContext, ConnectOptions } from '../cli.ts';
import type { BinListOptions, EmptyOptions } from './recycle-bin.ts';

export function addRecycleBinCommands(
  program: Command,
  context: CliContext,
  withConnectOptions: (command: Command) => Command,
  exit: (code: number) => void,
): void {
  const { command } = context.environment;
  const bin = program.command('recycle-bin').description('deleted snapshots and disks: list, restore, delete for good');
  bin.addHelpText(
    'after',
    `
\`${command} recycle-bin\` alone is \`${command} recycle-bin list\`. What is deleted can be restored for a day (\`serve --recycle-hours\` says for how long),
and goes earlier where room is short, what would go first before the rest.
`,
  );
  withConnectOptions(bin.command('list'))
    .option('--json', 'as JSON: the items of HupoDescribeRecycleBin')
    .description('list what can be restored, what was deleted last first, and until when (the default)')
    .action(async (options: BinListOptions) => {
      const { runBinList } = await import('./recycle-bin.ts');
      exit(await runBinList(options, context));
    });
  withConnectOptions(bin.command('restore'))
    .argument('<ID...>', 'snapshots and disks, as `list` prints them')
    .description('restore them as they were, all or none; disks are attached to nothing')
    .action(async (ids: string[], options: ConnectOptions) => {
      const { runBinRestore } = await import('./recycle-bin.ts');
      exit(await runBinRestore(ids, options, context));
    });
  withConnectOptions(bin.command('empty'))
    .argument('[ID...]', 'snapshots and disks, as `list` prints them')
    .option('--all', 'everything that is in it')
    .option('--yes', 'do not ask before --all; needed where there is no terminal to ask on')
    .description('delete them for good, so that their space comes back')
    .action(async (ids: string[], options: EmptyOptions) => {
      const { runBinEmpty } = await import('./recycle-bin.ts');
      exit(await runBinEmpty(ids, options, context));
    });
}
