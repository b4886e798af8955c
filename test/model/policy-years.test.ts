import assert from 'node:assert/strict';
import test from 'node:test';
import { liveThrough } from './policy-years.ts';

/** Always the same years. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('ten years of a weekly policy, with clocks that go wrong and servers that end, lose and double nothing', async () => {
  const runs = await liveThrough({ years: 10, schedule: { hours: [3], weekdays: [7] }, chance: seeded(7) });
  assert.ok(runs > 500, `${runs} runs`);
});
