/** The command line of `hupo repository`: one line of help per option; the work is in `repository-*.ts`. */
import type { Command } from 'commander';
import type { CliContext } from '../cli.ts';
import type { LookOptions } from './repository-look.ts';
import type { TakeOptions } from './repository-take.ts';

export function addRepositoryCommands(program: Command, context: CliContext, exit: (code: number) => void): void {
  const { command, dataFolder } = context.environment;
  const repository = program
    .command('repository')
    .description('where snapshots are stored: sizes, verification, taking over');
  repository.addHelpText('after', `\n\`${command} repository\` alone is \`${command} repository show\`.\n`);
  const add = (name: string) =>
    repository.command(name).option('--data <DIR>', 'folder of a service on this machine', dataFolder);
  const addLook = (name: string) => add(name).option('--json', 'as JSON');
  addLook('show')
    .description('show packs, what of them is needed, how much is saved, and how large each chain is (the default)')
    .action(async (options: LookOptions) => {
      const { runRepositoryShow } = await import('./repository-look.ts');
      exit(await runRepositoryShow(options, context));
    });
  addLook('snapshots')
    .description('list snapshots: what each recorded first, would free if deleted, and when it was last verified')
    .action(async (options: LookOptions) => {
      const { runRepositorySnapshots } = await import('./repository-look.ts');
      exit(await runRepositorySnapshots(options, context));
    });
  addLook('check')
    .option('--read-data', 'read and verify every stored byte, from its own start')
    .option('--budget <SIZE>', 'with --read-data: read so much only, as 10GiB, of the pass that the server is in')
    .description('verify packs, manifests and trees; exits 1 if anything is wrong')
    .addHelpText(
      'after',
      `
What is damaged is told here, with the snapshots and the ranges of bytes that it hurts (all of them with --json); what the service finds in its own passes is in
its log. A damaged chunk is stored again by the next snapshot that meets it, and everything that has it is whole again. A service
reads all of its repository again within --verify-days of \`${command} serve\` by itself.
`,
    )
    .action(async (options: LookOptions & { readData?: boolean; budget?: string }) => {
      const { runRepositoryCheck } = await import('./repository-look.ts');
      exit(await runRepositoryCheck(options, context));
    });
  addLook('collect')
    .option('--dry-run', 'only say what would go, and what that frees at most; no server needs to run')
    .description('return the space of what nothing needs any more (a server must run); it does that by itself')
    .action(async (options: LookOptions & { dryRun?: boolean }) => {
      const { runRepositoryCollect } = await import('./repository-look.ts');
      exit(await runRepositoryCollect(options, context));
    });
  addLook('compact')
    .description(
      'compress better, in larger groups, what uploads have stored (a server must run); it does that after --compact-days',
    )
    .action(async (options: LookOptions) => {
      const { runRepositoryCompact } = await import('./repository-look.ts');
      exit(await runRepositoryCompact(options, context));
    });
  addTaking(add, context, exit);
}

function addTaking(add: (name: string) => Command, context: CliContext, exit: (code: number) => void): void {
  add('import')
    .option('--region <ID>', 'of a catalog that is made anew', 'cn-hangzhou')
    .description('make a catalog that was lost, or restored from a copy, know all that the repository holds')
    .addHelpText(
      'after',
      `
The service must be stopped. Without catalog.db it is brought back from its latest copy in the repository, which is made within
seconds after every snapshot and every hour (a catalog.db that no server has served stays, as catalog.db.before-import); then
snapshots and disks that it does not know are added. Nothing is removed from the repository. Again: nothing is left to do.
`,
    )
    .action(async (options: TakeOptions) => {
      const { runRepositoryImport } = await import('./repository-take.ts');
      exit(await runRepositoryImport(options, context));
    });
  add('adopt')
    .option('--region <ID>', 'of a catalog that is made anew', 'cn-hangzhou')
    .description('take the repository from the catalog that it belongs to, which may only read it from then on')
    .addHelpText(
      'after',
      `
Stop the server of that catalog first. One that still runs goes on answering, and refuses what needs the repository.
`,
    )
    .action(async (options: TakeOptions) => {
      const { runRepositoryAdopt } = await import('./repository-take.ts');
      exit(await runRepositoryAdopt(options, context));
    });
}
