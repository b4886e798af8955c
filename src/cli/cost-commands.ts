/** The command line of `hupo cost`: one line of help per option; the work is in `cost.ts`. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { CliContext } from '../cli.ts';
import type { CostOptions } from './cost.ts';

export function addCostCommand(
  program: Command,
  context: CliContext,
  { exit, withConnectOptions }: { exit: (code: number) => void; withConnectOptions: (command: Command) => Command },
): void {
  withConnectOptions(program.command('cost'))
    .option('--by <WHAT>', 'disk, tag:KEY (a tag of the disks) or none', 'disk')
    .option('--per <PERIOD>', 'month, day or hour', 'month')
    .option('--from <DATE>', 'as 2026-11-01 in UTC+8, or 2026-11-01T00:00:00Z (default: the month of --to)')
    .option('--to <DATE>', 'up to the beginning of it (default: now)')
    .option('--disk <DiskId>', 'only of this disk')
    .addOption(new Option('--csv', 'as comma-separated values').conflicts('json'))
    .option('--json', 'as JSON')
    .description('tell what snapshots took and cost')
    .addHelpText(
      'after',
      `
Each hour that a snapshot is there counts whole, and is told once it is over. Months, days and hours are those of UTC+8.
\`serve --prices FILE\` says what a GiB and month costs; without it only sizes are told.

Examples:
  ${context.environment.command} cost --by tag:team --per day
  ${context.environment.command} cost --from 2026-10-01 --to 2026-11-01 --csv > october.csv
`,
    )
    .action(async (options: CostOptions) => {
      const { runCost } = await import('./cost.ts');
      exit(await runCost(options, context));
    });
}
