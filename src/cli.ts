/**
 * The command line: one line of help per option here, the work of each command in `cli/`, `serve.ts`, `disk/` or
 * `transfer/`, loaded when it is asked for.
 */
import fs from 'node:fs';
import { Argument, Command, CommanderError, Option } from 'commander';
import { addCostCommand } from './cli/cost-commands.ts';
import { addPolicyCommands } from './cli/policy-commands.ts';
import { addAccountCommands } from './cli/account-commands.ts';
import { addRecycleBinCommands } from './cli/recycle-bin-commands.ts';
import { addAccessCommands } from './cli/access-commands.ts';
import { addEventCommands } from './cli/event-commands.ts';
import { addServerCommands } from './cli/server-commands.ts';
import { addRepositoryCommands } from './cli/repository-commands.ts';
import type { Shell } from './cli/completion-scripts.ts';
import { UsageError } from './cli/usage-error.ts';
import type { DiskOptions } from './cli/disk.ts';
import type { FetchOptions } from './cli/fetch-base.ts';
import type { UndoOptions } from './cli/undo-rollback.ts';
import type { Environment } from './config.ts';
import { InterruptedError } from './cli/interrupt.ts';
import { AssertionError, RequestError, messageOf } from './lib/errors.ts';

export interface CliContext {
  environment: Environment;
  /** The command that starts Hupo again in a child process: `execPath ...args <command>`. */
  program: { execPath: string; args: string[]; diskdEnvironment?: NodeJS.ProcessEnv };
  out: (text: string) => void;
  err: (text: string) => void;
}

/** How the client commands find their server: flags, then the environment, then the files of a running server's DIR. */
export interface ConnectOptions {
  /** `http://HOST:PORT`, `https://…`, or `HOST[:PORT]`. */
  endpoint?: string;
  /** Whether an endpoint without a scheme is http; undefined leaves it to the endpoint. */
  insecure?: boolean;
  accessKeyId?: string;
  accessKeySecret?: string;
  stsToken?: string;
  region?: string;
  data?: string;
  /** A file with the certificate of the CA to trust. */
  ca?: string;
  skipSecureVerify?: boolean;
  /** A profile of the aliyun CLI, and the file where it is. */
  profile?: string;
  profileFile?: string;
  connectTimeoutMs?: number;
  readTimeoutMs?: number;
}

/** Runs one command; returns the process's exit code. */
export async function runCli(args: string[], context: CliContext): Promise<number> {
  const [first, second, ...rest] = args;
  if (first === '__complete') return complete(args.slice(1), context);
  let exitCode = 0;
  const program = createProgram(context, (code) => {
    exitCode = code;
  });
  try {
    const isHelp = first === 'help' && (second === 'ecs' || rest.length > 0);
    await program.parseAsync(isHelp ? [...args.slice(1), '--help'] : expandDefaults(args), { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (isMistyped(error)) context.err(formatMistyped(error, findCommand(program, args), context));
      return error.exitCode;
    }
    if (error instanceof InterruptedError) exitCode = error.exitCode;
    if (error instanceof RequestError) {
      const { formatShortRefusal } = await import('./cli/refusal.ts');
      context.err(formatShortRefusal(error, first ?? ''));
    } else context.err(`hupo: ${error instanceof AssertionError ? error.stack : messageOf(error)}\n`);
    return exitCode || 1;
  }
}

/** `hupo disk`, `policy` and `recycle-bin` list, `hupo account` and `repository` show: a default that commander had would take a mistyped command for an argument of it. */
function expandDefaults(args: string[]): string[] {
  const [first, second] = args;
  const isHelp = second === '--help' || second === '-h';
  const lookedAt = {
    ...{ disk: 'list', policy: 'list', 'recycle-bin': 'list' },
    ...{ account: 'show', repository: 'show' },
  }[first ?? ''];
  const isAlone = lookedAt !== undefined && !isHelp && (second ?? '-').startsWith('-');
  return isAlone ? [first ?? '', lookedAt, ...args.slice(1)] : args;
}

/** Help and version end the parsing as errors do, with output of their own. */
function isMistyped({ code, exitCode }: CommanderError): boolean {
  return exitCode !== 0 && code !== 'commander.help';
}

/** The command that was meant, as far as it was typed right. */
function findCommand(program: Command, args: readonly string[]): Command {
  const found = program.commands.find((command) => command.name() === args[0]);
  return found === undefined ? program : findCommand(found, args.slice(1));
}

/** In the form of all other errors, with the help that is nearest. */
function formatMistyped({ message }: CommanderError, command: Command, { environment }: CliContext): string {
  const what = message
    .replace(/^error: (command-argument value )?/, '')
    .replace(/\s*\n\((Did you mean .*)\)$/, (_all, hint: string) => `; ${hint[0]?.toLowerCase()}${hint.slice(1)}`);
  const names: string[] = [];
  for (let at: Command | null = command; at?.parent; at = at.parent) names.unshift(at.name());
  const help = [environment.command, ...names, '--help'].join(' ');
  return `hupo: ${what.replace(/[.]$/, '')}${what.endsWith('?') ? '' : '.'} See \`${help}\`.\n`;
}

/** Called by the scripts of `hupo completion` on every Tab. */
async function complete(args: readonly string[], context: CliContext): Promise<number> {
  const { completeWords, formatCandidates, needsParameters } = await import('./cli/completion.ts');
  const [shell = '', ...words] = args;
  const { commands } = createProgram(context, () => undefined);
  const findUse = needsParameters(words) ? (await import('./cli/built-parameters.ts')).findUse : () => null;
  context.out(formatCandidates(completeWords(words, { shell, commands, findUse })));
  return 0;
}

function createProgram(context: CliContext, exit: (code: number) => void): Command {
  const program = new Command(context.environment.command)
    .description('A self-hosted cloud-disk and snapshot service that speaks the Alibaba Cloud ECS API.')
    .exitOverride()
    .hook('preAction', (_program, command) => {
      if (command.opts()['data'] === '') throw new UsageError('--data names no folder: it is empty');
    })
    .version(readVersion())
    .enablePositionalOptions()
    .configureOutput({ writeOut: context.out, writeErr: context.err, outputError: () => undefined });
  addServerCommands(program, { ...context, version: readVersion() }, exit);
  addClientCommands(program, context, exit);
  addRecycleBinCommands(program, context, withConnectOptions, exit);
  addAccountCommands(program, context, { exit, withConnectOptions });
  addEventCommands(program, context, { exit, withConnectOptions });
  addRepositoryCommands(program, context, exit);
  addPolicyCommands(program, context, { exit, withConnectOptions });
  addAccessCommands({ program, withConnectOptions }, context, exit);
  addCostCommand(program, context, { exit, withConnectOptions });
  addCompletionCommand(program, context);
  addInternalCommands(program, context, exit);
  return program;
}

/** From package.json, which lies beside `src/` and beside `dist/`. */
function readVersion(): string {
  const text = fs.readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function withConnectOptions(command: Command): Command {
  return command
    .option(
      '--endpoint <URL>',
      'the server: http://HOST:PORT or https://… (default: HUPO_ENDPOINT, then the one of --data)',
    )
    .option('--access-key-id <ID>', 'default: HUPO_ACCESS_KEY_ID, then the root key of --data')
    .option('--access-key-secret <SECRET>', 'default: HUPO_ACCESS_KEY_SECRET, then the root key of --data')
    .option('--sts-token <TOKEN>', 'of a temporary key (default: HUPO_STS_TOKEN, with the key of the environment)')
    .option('--profile <NAME>', 'a profile of the aliyun CLI, with its key, token, region and endpoint')
    .option('--region <ID>', "default: the server's")
    .option('--data <DIR>', 'folder of a service on this machine (default: HUPO_DATA, then the data home)')
    .option('--ca <FILE>', 'certificate of the CA to trust over https (default: HUPO_CA, then DIR/tls/ca.pem)');
}

function addClientCommands(program: Command, context: CliContext, exit: (code: number) => void): void {
  program
    .command('demo')
    .argument('[IMAGE]', 'a raw disk image of yours; without one, an ext4 image is made')
    .description('disk, snapshot, change, rollback, disk from snapshot on real bytes, on a temporary server')
    .option('--keep', 'leave the server up afterwards')
    .action(async (image: string | undefined, options: { keep?: boolean }) => {
      const { runDemo } = await import('./cli/demo.ts');
      exit(await runDemo({ image: image ?? null, keep: options.keep ?? false }, context));
    });
  program
    .command('ecs')
    .argument('[Action...]')
    .usage('<Action> [--Parameter value …] [flags]')
    .description('call an ECS action as the aliyun CLI does: hupo ecs --help lists them')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (words: string[]) => {
      const { runEcs } = await import('./cli/ecs.ts');
      exit(await runEcs(words, context));
    });
  const disk = program.command('disk').description('disks: what they hold and do now, and files as disks');
  addDiskLooks(disk, context, exit);
  addDiskFetch(disk, context, exit);
  addDiskUndo(disk, context, exit);
  withConnectOptions(disk.command('import'))
    .argument('<FILE>', 'a raw image')
    .description('make a disk from a raw image (rounded up to GiB and to the least size of the category)')
    .option('--name <NAME>', 'name of the disk')
    .option('--category <CATEGORY>', 'disk category', 'cloud_essd')
    .option('--zone <ID>', "default: the region's first zone")
    .action(async (file: string, options: ConnectOptions & { name?: string; category: string; zone?: string }) => {
      const { runImport } = await import('./cli/import-disk.ts');
      exit(await runImport(file, options, context));
    });
  const snapshot = program.command('snapshot').description('snapshots and files');
  withConnectOptions(snapshot.command('export'))
    .argument('<SnapshotId>', 'an accomplished snapshot')
    .argument('<FILE>', 'where to write the raw image (sparse); must not exist')
    .description('write a snapshot to a raw image file, verified on the way')
    .action(async (snapshotId: string, file: string, options: ConnectOptions) => {
      const { runExport } = await import('./cli/export-snapshot.ts');
      exit(await runExport(snapshotId, file, options, context));
    });
}

function addDiskLooks(disk: Command, context: CliContext, exit: (code: number) => void): void {
  const { command, dataFolder } = context.environment;
  const withLookOptions = (name: string, examples: readonly string[]) =>
    disk
      .command(name)
      .option('--data <DIR>', 'folder of a service on this machine', dataFolder)
      .option('--json', 'as JSON: counters since a disk was opened, and what it does per second; one line a look')
      .option('--count <N>', 'end after so many looks')
      .addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${command} disk ${line}\n`).join('')}`);
  disk.addHelpText('after', `\n\`${command} disk\` alone is \`${command} disk list\`.\n`);
  withLookOptions('list', ['list', 'list --watch 5', "list --json | jq '.disks[].diskId'"])
    .description('list the disks that the data plane of DIR serves: size, clients, mapped, views, load (the default)')
    .option('--watch [SECONDS]', 'again every second, or every SECONDS, until Ctrl-C')
    .action(async (options: DiskOptions) => {
      const { runDisks } = await import('./cli/disk.ts');
      exit(await runDisks({ table: 'list' }, options, context));
    });
  withLookOptions('show', ['show d-bp1abc…', 'show d-bp1abc… --watch', 'show d-bp1abc… --json'])
    .argument('<DiskId>', 'as `list` prints it')
    .description('show everything about one disk: base, generation, mapping, frozen views, limits, journal, load')
    .option('--watch [SECONDS]', 'again every second, or every SECONDS, until Ctrl-C')
    .action(async (diskId: string, options: DiskOptions) => {
      const { runDisks } = await import('./cli/disk.ts');
      exit(await runDisks({ diskId }, options, context));
    });
  withLookOptions('top', ['top', 'top --every 10', 'top --count 60 > load.txt'])
    .description('watch what the disks do, the busiest first, until Ctrl-C; lines where the output is no terminal')
    .option('--every <SECONDS>', 'pause between two looks', '1')
    .action(async ({ every, ...options }: DiskOptions & { every: string }) => {
      const { runDisks } = await import('./cli/disk.ts');
      exit(await runDisks({ table: 'top' }, { ...options, watch: every }, context));
    });
}

function addDiskFetch(disk: Command, context: CliContext, exit: (code: number) => void): void {
  disk
    .command('fetch')
    .argument('<DiskId>', 'a disk that was made from a snapshot or image, or rolled back')
    .option('--data <DIR>', 'folder of a service on this machine', context.environment.dataFolder)
    .option('--background', 'do not wait for it')
    .addOption(new Option('--stop', 'end it; what was fetched stays in the disk').conflicts('background'))
    .description('bring all that a disk still reads from its snapshot into the disk itself, while it is in use')
    .addHelpText(
      'after',
      `
A disk made from a snapshot or image, or rolled back to one, reads from it what it has not read or written yet. With this the
rest comes at once: later reads do not wait for the repository, and it need keep nothing for this disk. Ctrl-C ends the waiting,
not the fetching.
`,
    )
    .action(async (diskId: string, options: FetchOptions) => {
      const { runFetch } = await import('./cli/fetch-base.ts');
      exit(await runFetch(diskId, options, context));
    });
}

function addDiskUndo(disk: Command, context: CliContext, exit: (code: number) => void): void {
  withConnectOptions(disk.command('undo'))
    .argument('<DiskId>', 'a disk that was rolled back or re-initialised; its instance is stopped')
    .option('--list', 'only list what is kept, the latest first')
    .description('bring back what the disk held before its last rollback')
    .addHelpText(
      'after',
      `
What ResetDisk and ReInitDisk replace is kept for a day (\`serve --undo-hours\` says for how long). It is no snapshot among the others:
DescribeSnapshots lists it with SnapshotType=undo or by its id, and DescribeSnapshotsUsage tells what all of it takes (UndoSize).
It goes earlier with its disk, where room is short, and by DeleteSnapshot. Undoing is a rollback too, so it can be undone.
`,
    )
    .action(async (diskId: string, options: UndoOptions) => {
      const { runUndo } = await import('./cli/undo-rollback.ts');
      exit(await runUndo(diskId, options, context));
    });
}

function addCompletionCommand(program: Command, context: CliContext): void {
  program
    .command('completion')
    .addArgument(new Argument('<SHELL>').choices(['bash', 'zsh', 'fish']))
    .description('print what makes a shell complete commands, actions and parameters on Tab; it says how to install it')
    .action(async (shell: Shell) => {
      const { formatCompletionScript } = await import('./cli/completion-scripts.ts');
      context.out(formatCompletionScript(shell, context.program));
    });
}

function addInternalCommands(program: Command, context: CliContext, exit: (code: number) => void): void {
  program
    .command('diskd', { hidden: true })
    .requiredOption('--data <DIR>')
    .requiredOption('--run <DIR>')
    .option('--reserve <BYTES>', 'what is kept free where the disks are', '0')
    .action(async ({ data, run, reserve }: { data: string; run: string; reserve: string }) => {
      const { runDiskd } = await import('./disk/diskd.ts');
      const options = { dataFolder: data, runFolder: run, reserveBytes: Number(reserve), err: context.err };
      exit(await runDiskd(options));
    });
  program.command('copy', { hidden: true }).action(async () => {
    const { runCopyWorker } = await import('./transfer/copy-worker.ts');
    exit(await runCopyWorker());
  });
  program.command('export', { hidden: true }).action(async () => {
    const { runExportWorker } = await import('./transfer/export-worker.ts');
    exit(await runExportWorker());
  });
  program.command('rewrite', { hidden: true }).action(async () => {
    const { runRewriteWorker } = await import('./transfer/rewrite-worker.ts');
    exit(await runRewriteWorker());
  });
  program.command('transfer', { hidden: true }).action(async () => {
    const { runTransferWorker } = await import('./transfer/worker.ts');
    exit(await runTransferWorker());
  });
}
