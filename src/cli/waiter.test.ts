import test from 'node:test';
import assert from 'node:assert/strict';
import type { Clock } from '../lib/clock.ts';
import type { Json } from './answer-json.ts';
import { waitForAnswer } from './waiter.ts';

const fields = { expr: 'S[0].Status', to: 'accomplished', timeoutS: 20, intervalS: 5 };

/** A clock that only sleeping moves. */
function sleepingClock(): Clock & { slept: number[] } {
  let nowMs = 0;
  const slept: number[] = [];
  return {
    slept,
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: (ms, signal) => {
      signal?.throwIfAborted();
      nowMs += ms;
      slept.push(ms);
      return Promise.resolve();
    },
  };
}

function wait(answers: Json[], more: Partial<typeof fields> = {}) {
  const clock = sleepingClock();
  const shown: string[] = [];
  const parts = { clock, signal: new AbortController().signal, show: (line: string) => void shown.push(line) };
  const call = () => Promise.resolve(answers.length > 1 ? answers.shift()! : answers[0]!);
  return { clock, shown, answer: waitForAnswer({ ...fields, ...more }, parts, call) };
}

const status = (text: Json): Json => ({ S: [{ Status: text }] });

test('the call is repeated until the text is there, and what is seen on the way is shown', async () => {
  const { answer, clock, shown } = wait([status('progressing'), status('progressing'), status('accomplished')]);
  assert.deepEqual(await answer, status('accomplished'));
  assert.deepEqual(clock.slept, [5000, 5000]);
  assert.equal(shown[1], 'waiting for S[0].Status to be accomplished: progressing, 5 s');
  assert.equal(shown.at(-1), '', 'the line is taken away');
});

test('after the timeout it says what was seen last', async () => {
  const { answer, clock } = wait([status('progressing')], { timeoutS: 12 });
  await assert.rejects(answer, /wait 'S\[0\]\.Status' to 'accomplished' timeout\(12 seconds\), last='progressing'/);
  assert.deepEqual(clock.slept, [5000, 5000, 2000]);
});

test('nothing, or anything but a text, is refused at once', async () => {
  await assert.rejects(wait([{ S: [] }]).answer, /finds nothing in the answer/);
  await assert.rejects(wait([status(23)]).answer, /object 23 isn't string/);
  await assert.rejects(wait([status({ a: 1 })]).answer, /object \{"a":1\} isn't string/);
  await assert.rejects(wait([status('x')], { expr: 'S[' }).answer, /--waiter expr: "S\[" is not a JMESPath expression/);
});

test('an interrupt ends the waiting', async () => {
  const controller = new AbortController();
  const call = () => {
    controller.abort(new Error('interrupted'));
    return Promise.resolve(status('progressing'));
  };
  const parts = { clock: sleepingClock(), signal: controller.signal, show: () => undefined };
  await assert.rejects(waitForAnswer(fields, parts, call), /interrupted/);
});
