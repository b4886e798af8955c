import assert from 'node:assert/strict';
import test from 'node:test';
import { createFastClock } from '../../test/control/fast-clock.ts';
import { OperationalError } from '../lib/errors.ts';
import { EcsError } from './ecs-client.ts';
import { formatEvent, printEvents } from './events.ts';
import { parseSince } from './times.ts';

const event = (sequence: number) => ({
  ...{
    Id: `e${sequence}`,
    Type: 'ecs:Disk:StateChange',
    Subject: 'd-1',
    Time: '2026-11-23T10:00:00.000Z',
    Sequence: sequence,
  },
  Data: { diskName: 'one', oldStatus: 'Creating', newStatus: 'Available' },
});

const away = () => new OperationalError('nobody answers', { retryable: true });

/** Answers, or failures, one after the other; then the signal fires. */
function stageOf(answers: (object | Error)[]) {
  const asked: Record<string, string>[] = [];
  const printed = { out: '', err: '' };
  const ending = new AbortController();
  const call = async <T extends object>(_action: string, parameters: Record<string, string> = {}): Promise<T> => {
    asked.push(parameters);
    const answer = answers.shift();
    if (answer === undefined) {
      ending.abort(new Error('ended'));
      throw ending.signal.reason;
    }
    if (answer instanceof Error) throw answer;
    return answer as T;
  };
  const context = {
    out: (text: string) => void (printed.out += text),
    err: (text: string) => void (printed.err += text),
  };
  const stage = { context, clock: createFastClock(1000), connect: () => ({ call }) };
  return { asked, printed, stage, signal: ending.signal };
}

const answer = (sequences: number[], next: number, HasGap = false) => ({
  ...{ NextToken: `t${next}`, HasGap, Events: { Event: sequences.map(event) } },
});

test('what is kept is printed page by page, and then it ends', async () => {
  const { asked, printed, stage, signal } = stageOf([answer([1, 2], 2), answer([3], 3), answer([], 3)]);
  await printEvents({ json: true, type: ['ecs:Disk:StateChange'], resource: ['d-1', 'd-2'] }, stage, signal);
  assert.deepEqual(
    printed.out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { Sequence: number }).Sequence),
    [1, 2, 3],
  );
  assert.deepEqual(asked[0], {
    ...{ 'EventType.1': 'ecs:Disk:StateChange', 'ResourceId.1': 'd-1', 'ResourceId.2': 'd-2' },
    ...{ MaxResults: '100', Position: 'Earliest' },
  });
  assert.equal(asked[2]?.['NextToken'], 't3');
});

test('following begins now, waits in the server, and asks for the same again when that was away', async () => {
  const busy = new EcsError({ status: 503, code: 'ServiceUnavailable', message: '', requestId: '', recommend: '' });
  const { asked, printed, stage, signal } = stageOf([
    ...[answer([], 4), answer([5], 5), away(), away(), busy, answer([6], 6)],
    answer([], 6, true),
  ]);
  await assert.rejects(printEvents({ follow: true }, stage, signal), /ended/);
  assert.deepEqual(
    asked.map(({ NextToken }) => NextToken),
    [undefined, 't4', 't5', 't5', 't5', 't5', 't6', 't6'],
  );
  assert.equal(asked[0]?.['Position'], 'Latest');
  assert.equal(asked[1]?.['WaitSeconds'], '20');
  assert.equal(printed.out.split('\n').length, 3);
  assert.match(printed.err, /does not answer; waiting.*\n.*is back\n.*some events before these are not kept/s);
});

test('a server that is away at the beginning, or refuses, is told', async () => {
  for (const error of [
    away(),
    new EcsError({ status: 403, code: 'Forbidden', message: '', requestId: '', recommend: '' }),
  ]) {
    const { stage, signal } = stageOf([answer([], 1), error]);
    const following = printEvents({ follow: true }, stage, signal);
    await assert.rejects(following, error instanceof EcsError ? { code: 'Forbidden' } : /ended/);
    const { stage: other, signal: otherSignal } = stageOf([error]);
    await assert.rejects(printEvents({ follow: true }, other, otherSignal), error);
  }
});

test('ages and times are understood, and nothing else', () => {
  const nowMs = Date.UTC(2026, 10, 23);
  assert.equal(parseSince('2h', nowMs), nowMs - 7_200_000);
  assert.equal(parseSince('2026-11-22T00:00:00Z', nowMs), nowMs - 86_400_000);
  for (const text of ['', '5', 'x', '2w', '-1h', 'yesterday']) assert.throws(() => parseSince(text, nowMs), /--since/);
});

test('a line says what, whose, and why, and no name breaks it', () => {
  assert.equal(
    formatEvent(event(1)),
    '2026-11-23T10:00:00.000Z  ecs:Disk:StateChange  d-1  Creating → Available  one\n',
  );
  const Data = { snapshotName: 'a\nb', newStatus: 'failed', reason: 'torn' };
  assert.equal(
    formatEvent({ ...event(1), Data }),
    '2026-11-23T10:00:00.000Z  ecs:Disk:StateChange  d-1  failed  a b  (torn)\n',
  );
});
