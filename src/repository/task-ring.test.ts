/** Tasks between threads, looked at on one: each is done once, settled in order, with its own results, at any count. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { AssertionError } from '../lib/errors.ts';
import { RESULT_BYTES, RING_TASKS, TaskGiver, TaskTaker } from './task-ring.ts';

const LAST_TICKET = 2 ** 31 - 1;

test('what is given is done in order and settled in order, also where the counters go around', () => {
  const steps = fc.array(fc.constantFrom('give', 'do', 'settle'), { maxLength: 400 });
  const property = fc.property(steps, fc.constantFrom(1, LAST_TICKET - 70, -70), (list, firstTicket) => {
    const giver = new TaskGiver(firstTicket);
    const taker = new TaskTaker(giver.memory);
    let [given, done, settled] = [0, 0, 0];
    for (const step of list) {
      if (step === 'give' && given - settled < RING_TASKS) {
        giver.give({ kind: 1, at: given, length: given + 1 });
        given++;
      } else if (step === 'do' && done < given) {
        taker.doNext((task, bytes) => {
          assert.deepEqual(task, { kind: 1, at: done, length: done + 1 });
          bytes.fill(done % 256);
          return { first: done, second: -1 - done };
        });
        done++;
      } else if (step === 'settle') {
        const result = giver.settle();
        assert.equal(result === undefined, settled === done);
        if (result === undefined) continue;
        assert.deepEqual({ ...result, bytes: Buffer.from(result.bytes) }, resultOf(settled));
        settled++;
      }
    }
  });
  fc.assert(property, { numRuns: 300 });
});

function resultOf(number: number) {
  return { first: number, second: -1 - number, bytes: Buffer.alloc(RESULT_BYTES, number % 256) };
}

test('the giver is woken when half of what is under way is done, whichever half', async () => {
  const giver = new TaskGiver();
  const taker = new TaskTaker(giver.memory);
  const doNext = () => taker.doNext(() => ({ first: 0, second: 0 }));
  for (let i = 0; i < 5; i++) giver.give({ kind: 1, at: i, length: 1 });
  let isWoken = false;
  const waiting = giver.waitForSome().then(() => (isWoken = true));
  doNext();
  doNext();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isWoken, false);
  doNext();
  await waiting;
  doNext();
  doNext();
  await giver.waitForSome();
});

test('a giver that waits for nothing goes on at once, and one that waits can be woken', async () => {
  const giver = new TaskGiver();
  await giver.waitForSome();
  giver.give({ kind: 1, at: 0, length: 1 });
  const waiting = giver.waitForSome();
  giver.wake();
  await waiting;
});

test('more tasks than there are cells are a bug', () => {
  const giver = new TaskGiver();
  for (let i = 0; i < RING_TASKS; i++) giver.give({ kind: 1, at: i, length: 1 });
  assert.throws(() => giver.give({ kind: 1, at: 0, length: 1 }), AssertionError);
});
