/** `hupo events webhook`: whom events are told to by HTTP, as a client of the API. */
import type { CliContext, ConnectOptions } from '../cli.ts';
import { findConnection } from './connection.ts';

export interface WebhookOptions extends ConnectOptions {
  type?: string[];
  description?: string;
  json?: true;
}

interface SubscriptionAnswer {
  SubscriptionId: string;
  Url: string;
  EventTypes: { EventType: string[] };
  Description: string;
  Status: string;
  FailureCount: number;
  LastError: string;
  NextTryTime: string;
  LastSuccessTime: string;
  BacklogCount: number;
  MissedCount: number;
}

export async function addWebhook(url: string, options: WebhookOptions, context: CliContext): Promise<number> {
  const { client } = findConnection(options, context);
  const answer = await client.call<{ SubscriptionId: string; Secret: string }>('HupoCreateEventSubscription', {
    Url: url,
    ...Object.fromEntries((options.type ?? []).map((type, index) => [`EventType.${index + 1}`, type])),
    ...(options.description !== undefined && { Description: options.description }),
  });
  if (options.json === true) context.out(`${JSON.stringify(answer)}\n`);
  else {
    context.out(`${answer.SubscriptionId} tells events to ${url} from now on.\n`);
    context.out(`Its secret, with which the endpoint verifies them, is shown only now:\n  ${answer.Secret}\n`);
  }
  return 0;
}

export async function listWebhooks(options: WebhookOptions, context: CliContext): Promise<number> {
  const { client } = findConnection(options, context);
  const answer = await client.call<{ EventSubscriptions: { EventSubscription: SubscriptionAnswer[] } }>(
    'HupoDescribeEventSubscriptions',
  );
  const { EventSubscription: all } = answer.EventSubscriptions;
  if (options.json === true) context.out(`${JSON.stringify(all)}\n`);
  else if (all.length === 0) context.out('There are no webhooks.\n');
  else context.out(all.map(formatSubscription).join(''));
  return 0;
}

export async function removeWebhook(id: string, options: WebhookOptions, context: CliContext): Promise<number> {
  const { client } = findConnection(options, context);
  await client.call('HupoDeleteEventSubscription', { SubscriptionId: id });
  context.out(`${id} is removed: no more is told to it.\n`);
  return 0;
}

/** 1 when it was not taken. */
export async function testWebhook(id: string, options: WebhookOptions, context: CliContext): Promise<number> {
  const { client } = findConnection(options, context);
  const answer = await client.call<{ IsDelivered: boolean; Error: string }>('HupoTestEventSubscription', {
    SubscriptionId: id,
  });
  if (answer.IsDelivered) context.out(`${id} took a test event.\n`);
  else context.err(`hupo: ${id} did not take a test event: ${answer.Error}\n`);
  return answer.IsDelivered ? 0 : 1;
}

function formatSubscription(one: SubscriptionAnswer): string {
  const types = one.EventTypes.EventType.length === 0 ? 'all events' : one.EventTypes.EventType.join(', ');
  const lines = [`${one.SubscriptionId}  ${one.Status}  ${one.Url}`, `  tells ${types}; ${one.BacklogCount} wait`];
  if (one.Description !== '') lines.push(`  ${one.Description}`);
  if (one.FailureCount > 0)
    lines.push(`  failed ${one.FailureCount} times, next at ${one.NextTryTime}: ${one.LastError}`);
  if (one.MissedCount > 0) lines.push(`  ${one.MissedCount} events were not kept long enough to be told`);
  return `${lines.map((line) => line.replaceAll(/\p{Cc}/gu, ' ')).join('\n')}\n`;
}
