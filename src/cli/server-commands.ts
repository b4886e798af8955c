/** The command line of what is done on the server's machine: serve, stop, check, backup, restore, doctor. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { CliContext } from '../cli.ts';
import type { ServeOptions } from '../serve.ts';

/** `version`: of this program. */
interface ServerContext extends CliContext {
  version: string;
}

export function addServerCommands(program: Command, context: ServerContext, exit: (code: number) => void): void {
  addServeCommand(program, context, exit);
  addOthers(program, context, exit);
  addDoctorCommand(program, context, exit);
  addBackupCommands(program, context, exit);
}

function addServeCommand(program: Command, context: CliContext, exit: (code: number) => void): void {
  const { dataFolder } = context.environment;
  const serve = program
    .command('serve')
    .description('run the service')
    .option('--data <DIR>', 'folder that holds everything', dataFolder)
    .option('--listen <HOST:PORT>', 'where the API answers', '127.0.0.1:7400')
    .option('--region <ID>', 'region id; its zones are <ID>-a and <ID>-b', 'cn-hangzhou')
    .addOption(
      new Option(
        '--add-region <ID[=DIR]>',
        'serve another region too, with a folder of its own (default: regions/ID in DIR); may be repeated',
      ).argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]),
    )
    .option('--tls', 'answer over https, with a certificate of a CA that is made for DIR and never leaves it')
    .option('--exchange <DIR>', 'folder of the buckets of ImportImage and ExportImage (default: exchange in DIR)')
    .option('--disk-limits', 'hold each disk to the operations and bytes a second of its category, level and size')
    .option('--reserve <SIZE>', 'what guests leave free of the file system, as 512MiB (default: 2 %, at most 1GiB)');
  withTimes(withTelling(serve)).action(async (options: ServeOptions) => {
    const { runServe } = await import('../serve.ts');
    exit(await runServe(options, context));
  });
}

/** How long things are kept, and when they are looked at. */
function withTimes(serve: Command): Command {
  return serve
    .option('--compact-days <DAYS>', 'what was stored so many days ago is compressed better; 0: never', '1')
    .option(
      '--retention-share <PERCENT>',
      'of the snapshots of a disk, retention deletes so many at a time without being told to',
      '50',
    )
    .option('--prices <FILE>', 'what snapshots cost, as JSON: `cost` then tells it (default: only what they take)')
    .option('--undo-hours <HOURS>', 'what a rollback replaced is kept for so long, to be undone; 0: not at all', '24')
    .option('--recycle-hours <HOURS>', 'deleted snapshots and disks can be restored for so long; 0: not at all', '24')
    .option('--expired-days <DAYS>', 'so long after its subscription ended an instance is released; 0: never', '15')
    .option('--event-days <DAYS>', 'events are kept for so long', '7')
    .option('--verify-days <DAYS>', 'every stored byte is read again within so many days; 0: never', '30')
    .option('--audit-days <DAYS>', 'who changed what is kept for so many days; 0: for ever', '90')
    .option(
      '--high-water <SIZE>',
      'no snapshot or import is begun with less free than this (default: the reserve and 5 %, at most 4GiB)',
    );
}

/** Who may ask how much, and what is told. */
function withTelling(serve: Command): Command {
  return serve
    .addOption(
      new Option('--metrics <WHO>', 'who may read GET /metrics')
        .choices(['loopback', 'public', 'off'])
        .default('loopback'),
    )
    .addOption(
      new Option('--log-format <FORMAT>', 'of the log on standard error').choices(['text', 'json']).default('text'),
    )
    .addOption(
      new Option('--log-level <LEVEL>', 'least that is logged; debug has every request and operation')
        .choices(['debug', 'info', 'warn'])
        .default('info'),
    )
    .option('--metrics-token-file <FILE>', 'who reads GET /metrics must know the first line of it, from wherever')
    .option('--disk-metrics', 'GET /metrics has what each open disk does')
    .option('--requests-per-second <N>', 'what an AccessKey may ask, and ten times that at once; 0: no limit', '1000')
    .option('--changes-per-second <N>', 'the same of what changes something', '200');
}

function addOthers(program: Command, context: CliContext, exit: (code: number) => void): void {
  const { dataFolder } = context.environment;
  program
    .command('stop')
    .description('end the service and its data plane, whoever is connected')
    .option('--data <DIR>', 'folder of the service', dataFolder)
    .action(async (options: { data: string }) => {
      const { runStop } = await import('./stop.ts');
      exit(await runStop(options, context));
    });
  program
    .command('check')
    .description('verify disks, snapshots and catalog; exits 1 if anything is wrong')
    .option('--data <DIR>', 'folder of the service', dataFolder)
    .option('--read-data', 'also read and verify every byte of the repository, and compare disks with their snapshots')
    .option(
      '--heal',
      'the same, and write anew from its snapshot what a disk holds otherwise though it was not written since',
    )
    .option('--repair', 'mend what can be mended of disks first; only while nothing runs')
    .addHelpText('after', formatCheckHelp(context.environment.command))
    .action(async (options: { data: string; readData?: boolean; heal?: boolean; repair?: boolean }) => {
      const { runCheck } = await import('./check.ts');
      exit(await runCheck(options, context));
    });
}

function addBackupCommands(program: Command, context: ServerContext, exit: (code: number) => void): void {
  const withData = (name: string) =>
    program.command(name).option('--data <DIR>', 'folder of the service', context.environment.dataFolder);
  withData('backup')
    .argument('<FILE>', 'where to; must not exist')
    .description(
      'write the catalog and the keys to one file, while the service runs or not (disks and repository are not in it)',
    )
    .action(async (file: string, options: { data: string }) => {
      const { runBackup } = await import('./backup.ts');
      exit(await runBackup(file, options, context));
    });
  withData('restore')
    .argument('<FILE>', 'that `backup` wrote')
    .description('put catalog and keys into a folder that has no catalog; `repository import` must follow')
    .action(async (file: string, options: { data: string }) => {
      const { runRestore } = await import('./backup.ts');
      exit(await runRestore(file, options, context));
    });
}

function addDoctorCommand(program: Command, context: CliContext, exit: (code: number) => void): void {
  program
    .command('doctor')
    .description('say what is found on this machine, what is missing and what is unsafe; exits 1 if anything is unsafe')
    .option('--data <DIR>', 'folder of the service', context.environment.dataFolder)
    .option('--json', 'as JSON')
    .action(async (options: { data: string; json?: true }) => {
      const { runDoctor } = await import('./doctor.ts');
      exit(await runDoctor(options, context));
    });
}

function formatCheckHelp(command: string): string {
  return `
With a server on DIR the check is done by it, beside all that it does. Without one, it is done here: through the data plane
if that runs, else on the files, locked meanwhile. A finding of a disk says what --repair would do about it; without
--repair nothing is changed.

While the data plane runs, --read-data also reads the chunks of 64 KiB that disks hold and that were not written since their last
snapshot, and compares them with that: what differs was damaged by the device below. --heal writes it anew from the snapshot, as a
guest would. The exit code is 1 also when all that was found is healed: a second check tells.

Examples:
  ${command} check
  ${command} check --read-data --data /var/lib/hupo
  ${command} stop && ${command} check --repair
`;
}
