/** The options of `hupo events` and `hupo events webhook`. */
import type { Command } from 'commander';
import type { CliContext } from '../cli.ts';
import type { EventsOptions } from './events.ts';
import type { WebhookOptions } from './event-webhooks.ts';

type WithConnectOptions = (command: Command) => Command;

const repeated = (value: string, before: string[] | undefined) => [...(before ?? []), value];

export function addEventCommands(
  program: Command,
  context: CliContext,
  given: { exit: (code: number) => void; withConnectOptions: WithConnectOptions },
): void {
  const { exit, withConnectOptions } = given;
  const events = withConnectOptions(program.command('events'))
    .description('what happened to disks, snapshots, instances, images and tasks, and whom it is told to')
    .option('--follow', 'go on with what happens, until Ctrl-C; without --since from now on')
    .option('--since <AGE|TIME>', 'as 15m, 2h, 7d, or 2026-11-23T10:00:00Z (default: all that is kept)')
    .option('--type <TYPE>', 'of that type, as ecs:Disk:StateChange; may be repeated', repeated)
    .option('--resource <ID>', 'of that disk, snapshot, instance, image or task; may be repeated', repeated)
    .option('--json', 'one JSON object a line')
    .action(async (options: EventsOptions) => {
      const { runEvents } = await import('./events.ts');
      exit(await runEvents(options, context));
    });
  addWebhookCommands(events.command('webhook'), context, given);
}

function addWebhookCommands(
  webhook: Command,
  context: CliContext,
  { exit, withConnectOptions }: { exit: (code: number) => void; withConnectOptions: WithConnectOptions },
): void {
  webhook.description('tell events to a URL by HTTP POST, signed');
  const command = (name: string) =>
    withConnectOptions(webhook.command(name)).option('--json', 'as JSON, where something is printed');
  command('add')
    .argument('<URL>', 'http:// or https://')
    .option('--type <TYPE>', 'only events of that type; may be repeated', repeated)
    .option('--description <TEXT>', 'for people')
    .description('tell events to a URL from now on; prints the secret to verify them with')
    .action(async (url: string, options: WebhookOptions) => {
      const { addWebhook } = await import('./event-webhooks.ts');
      exit(await addWebhook(url, options, context));
    });
  command('list')
    .description('list webhooks: whether they take events, and what waits for them')
    .action(async (options: WebhookOptions) => {
      const { listWebhooks } = await import('./event-webhooks.ts');
      exit(await listWebhooks(options, context));
    });
  command('remove')
    .argument('<ID>', 'es-…')
    .description('tell no more to a webhook')
    .action(async (id: string, options: WebhookOptions) => {
      const { removeWebhook } = await import('./event-webhooks.ts');
      exit(await removeWebhook(id, options, context));
    });
  command('test')
    .argument('<ID>', 'es-…')
    .description('send a test event now, and try again now what waits; exits 1 when it is not taken')
    .action(async (id: string, options: WebhookOptions) => {
      const { testWebhook } = await import('./event-webhooks.ts');
      exit(await testWebhook(id, options, context));
    });
}
