/**
 * `hupo events`: what happened, as a client of the API. `--follow` goes on with what happens, also over a restart of the server, without
 * losing or repeating an event: each answer says where to go on, and an answer that did not come is asked for again.
 */
import type { CliContext, ConnectOptions } from '../cli.ts';
import type { Clock } from '../lib/clock.ts';
import { systemClock } from '../lib/clock.ts';
import { isRetryable } from '../lib/errors.ts';
import { formatSecond } from '../ecs/times.ts';
import { findConnection } from './connection.ts';
import { EcsError } from './ecs-client.ts';
import type { EcsClient } from './ecs-client.ts';
import { withInterrupt } from './interrupt.ts';
import { parseSince } from './times.ts';

const WAIT_SECONDS = 20;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5000;

export interface EventsOptions extends ConnectOptions {
  follow?: true;
  since?: string;
  type?: string[];
  resource?: string[];
  json?: true;
}

interface EventAnswer {
  Id: string;
  Type: string;
  Subject: string;
  Time: string;
  Sequence: number;
  Data: Record<string, string | number>;
}

interface DescribeEventsAnswer {
  NextToken: string;
  HasGap: boolean;
  Events: { Event: EventAnswer[] };
}

interface Stage {
  /** Asked again after a failure: a server that starts anew may be elsewhere. */
  connect: () => Pick<EcsClient, 'call'>;
  context: Pick<CliContext, 'out' | 'err'>;
  clock: Clock;
}

export async function runEvents(options: EventsOptions, context: CliContext): Promise<number> {
  const stage = { context, clock: systemClock, connect: () => findConnection(options, context).client };
  await withInterrupt((signal) => printEvents(options, stage, signal));
  return 0;
}

/** Ends when there are no more, or with the signal. */
export async function printEvents(options: EventsOptions, stage: Stage, signal: AbortSignal): Promise<void> {
  const { context, clock } = stage;
  const follow = options.follow === true;
  const filter = filterOf(options, clock.nowMs());
  let token: string | null = null;
  for (;;) {
    const position = follow && options.since === undefined ? 'Latest' : 'Earliest';
    const request = {
      ...filter,
      MaxResults: '100',
      ...(token === null ? { Position: position } : { NextToken: token }),
      ...(follow && token !== null && { WaitSeconds: String(WAIT_SECONDS) }),
    };
    const answer: DescribeEventsAnswer = await ask(request, { ...stage, follow: follow && token !== null }, signal);
    if (answer.HasGap) context.err('hupo: some events before these are not kept any more\n');
    const { Event: events } = answer.Events;
    for (const event of events) context.out(options.json === true ? `${JSON.stringify(event)}\n` : formatEvent(event));
    token = answer.NextToken;
    if (!follow && events.length === 0) return;
  }
}

/** While it follows, a server that is away is waited for. */
async function ask(
  request: Record<string, string>,
  { connect, follow, context, clock }: Stage & { follow: boolean },
  signal: AbortSignal,
): Promise<DescribeEventsAnswer> {
  for (let pauseMs = FIRST_PAUSE_MS, isTold = false; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      const answer = await connect().call<DescribeEventsAnswer>('HupoDescribeEvents', request, signal);
      if (isTold) context.err('hupo: the server is back\n');
      return answer;
    } catch (error) {
      const mayPass = isRetryable(error) || (error instanceof EcsError && error.status >= 500);
      if (signal.aborted || !follow || !mayPass) throw error;
      if (!isTold && pauseMs > FIRST_PAUSE_MS) {
        context.err('hupo: the server does not answer; waiting for it\n');
        isTold = true;
      }
      await clock.sleep(pauseMs, signal);
    }
  }
}

function filterOf({ type, resource, since }: EventsOptions, nowMs: number): Record<string, string> {
  const numbered = (name: string, values: readonly string[] = []) =>
    Object.fromEntries(values.map((value, index) => [`${name}.${index + 1}`, value]));
  return {
    ...numbered('EventType', type),
    ...numbered('ResourceId', resource),
    ...(since !== undefined && { StartTime: formatSecond(parseSince(since, nowMs)) }),
  };
}

/** `2026-11-23T10:00:00.000Z  ecs:Disk:StateChange  d-…  Creating → Available  name  (why)`. */
export function formatEvent({ Time, Type, Subject, Data }: EventAnswer): string {
  const text = (name: string) => (Data[name] === undefined ? '' : String(Data[name]));
  const change = text('oldStatus') === '' ? text('newStatus') : `${text('oldStatus')} → ${text('newStatus')}`;
  const name = ['diskName', 'snapshotName', 'snapshotGroupName', 'instanceName', 'imageName', 'taskAction']
    .map(text)
    .join('');
  const words = [Time, Type, Subject, change, name, text('reason') === '' ? '' : `(${text('reason')})`];
  return `${words
    .filter(Boolean)
    .join('  ')
    .replaceAll(/\p{Cc}/gu, ' ')}\n`;
}
