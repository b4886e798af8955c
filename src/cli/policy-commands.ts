/** The command line of `hupo policy`: one line of help per option; the work is in `policy.ts`. */
import type { Command } from 'commander';
import type { CliContext, ConnectOptions } from '../cli.ts';
import type { ListOptions } from './policy.ts';
import type { PreviewOptions } from './policy-preview.ts';
import type { PolicyOptions } from './policy-terms.ts';

export function addPolicyCommands(
  program: Command,
  context: CliContext,
  given: { exit: (code: number) => void; withConnectOptions: (command: Command) => Command },
): void {
  const { exit, withConnectOptions } = given;
  const { command } = context.environment;
  const policy = program
    .command('policy')
    .description('automatic snapshots: when they are made, how long they are kept, what comes next');
  policy.addHelpText('after', `\n\`${command} policy\` alone is \`${command} policy list\`.\n`);
  const add = (name: string) => withConnectOptions(policy.command(name));
  add('list')
    .option('--json', 'as JSON')
    .description('list policies: times, retention, how many disks they are applied to (the default)')
    .action(async (options: ListOptions) => {
      const { runPolicyList } = await import('./policy.ts');
      exit(await runPolicyList(options, context));
    });
  add('show')
    .argument('<PolicyId>', 'as `list` prints it')
    .option('--json', 'as JSON')
    .description('show everything about one policy, and its disks')
    .action(async (policyId: string, options: ListOptions) => {
      const { runPolicyShow } = await import('./policy.ts');
      exit(await runPolicyShow(policyId, options, context));
    });
  withTerms(add('create'), 'required')
    .option(
      '--instances-with <TAG...>',
      'apply it to all disks of the instances that have these tags, as key or key=value',
    )
    .option('--disk <DiskId...>', 'apply it to these disks')
    .description('make a policy')
    .addHelpText('after', helpOfTerms(`${command} policy create --at 2 --keep-days 7 --keep-weekly 4 --disk d-bp1abc…`))
    .action(async (options: PolicyOptions) => {
      const { runPolicyCreate } = await import('./policy.ts');
      exit(await runPolicyCreate(options, context));
    });
  withTerms(add('modify').argument('<PolicyId>', 'as `list` prints it'), 'optional')
    .description('change a policy, at once for all its disks; what it has made is kept by days as it was')
    .addHelpText('after', helpOfTerms(`${command} policy modify sp-bp1abc… --at 2,14`))
    .action(async (policyId: string, options: PolicyOptions) => {
      const { runPolicyModify } = await import('./policy.ts');
      exit(await runPolicyModify(policyId, options, context));
    });
  for (const [name, action, what] of [
    ['apply', 'ApplyAutoSnapshotPolicy', 'apply a policy to disks, besides those that they have'],
    ['cancel', 'CancelAutoSnapshotPolicy', 'take a policy from disks; what it has made stays'],
  ] as const) {
    add(name)
      .argument('<PolicyId>', 'as `list` prints it')
      .argument('<DiskId...>')
      .description(what)
      .action(async (policyId: string, diskIds: string[], options: ConnectOptions) => {
        const { runPolicyOfDisks } = await import('./policy.ts');
        exit(await runPolicyOfDisks(action, { policyId, diskIds }, { options, context }));
      });
  }
  add('delete')
    .argument('<PolicyId>', 'as `list` prints it')
    .description('delete a policy; the snapshots that it has made stay')
    .action(async (policyId: string, options: ConnectOptions) => {
      const { runPolicyDelete } = await import('./policy.ts');
      exit(await runPolicyDelete(policyId, options, context));
    });
  addLooks(add, context, exit);
}

function addLooks(add: (name: string) => Command, context: CliContext, exit: (code: number) => void): void {
  add('preview')
    .argument('<PolicyId>', 'as `list` prints it')
    .option('--runs <N>', 'so many runs ahead, up to 400', '10')
    .option('--disk <DiskId>', 'only of this disk')
    .option('--json', 'as JSON')
    .description('show the next runs, and what retention will delete by then, why, and what that frees')
    .action(async (policyId: string, options: PreviewOptions) => {
      const { runPolicyPreview } = await import('./policy-preview.ts');
      exit(await runPolicyPreview(policyId, options, context));
    });
  add('runs')
    .argument('[PolicyId]', 'only of this policy')
    .option('--json', 'as JSON')
    .description('show what the last runs did with each disk, and why not')
    .action(async (policyId: string | undefined, options: ListOptions) => {
      const { runPolicyRuns } = await import('./policy.ts');
      exit(await runPolicyRuns(policyId ?? null, options, context));
    });
  add('approve')
    .argument('<DiskId>', 'as `preview`, or the log of the server, names it')
    .description('agree that retention deletes what it holds back of a disk, for being much at once')
    .action(async (diskId: string, options: ConnectOptions) => {
      const { runPolicyApprove } = await import('./policy.ts');
      exit(await runPolicyApprove(diskId, options, context));
    });
}

function withTerms(command: Command, use: 'required' | 'optional'): Command {
  const [at, keep] = ['--at <HOURS>', '--keep-days <DAYS>'];
  const [atHelp, keepHelp] = [
    'hours of the day in UTC+8, as 2,14 or 8-18',
    'how long each snapshot is kept; forever: always',
  ];
  if (use === 'required') command.requiredOption(at, atHelp).requiredOption(keep, keepHelp);
  else command.option(at, atHelp).option(keep, keepHelp);
  return command
    .option('--days <DAYS>', `mon,thu…, mon-fri, or daily${use === 'required' ? ' (the default)' : ''}`)
    .option('--name <NAME>', 'a name for people')
    .option('--keep-last <N>', 'keep beyond those days: the last N')
    .option('--keep-hourly <N>', 'and the last of each of N hours')
    .option('--keep-daily <N>', 'of N days')
    .option('--keep-weekly <N>', 'of N weeks')
    .option('--keep-monthly <N>', 'of N months')
    .option('--keep-yearly <N>', 'of N years')
    .option('--missed <run|skip>', 'make up for a run that was missed while no server ran, once, or do not')
    .option('--copy-to <REGION>', 'copy each snapshot to that region of the server; none: do not')
    .option('--copy-keep-days <DAYS>', 'how long each copy is kept');
}

function helpOfTerms(example: string): string {
  return `
Hours and days are those of UTC+8, as the API has them. With --keep-hourly … --keep-yearly all snapshots are kept for --keep-days, and
of older ones those that the rules name; \`modify\` leaves what is not named, and 0 ends a rule. \`preview\` shows what comes of it.

Example:
  ${example}
`;
}
