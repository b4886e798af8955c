/** The pace of the passes, and what is told. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Clock } from '../lib/clock.ts';
import type { VerifiedRepository } from './verifier.ts';
import { Verifier } from './verifier.ts';

const DAY_MS = 86_400_000;

/** A clock on which only sleeping takes time. */
function jumpingClock(): Clock & { sleeps: number[] } {
  let nowMs = 1_000_000_000_000;
  const sleeps: number[] = [];
  return {
    sleeps,
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      sleeps.push(ms);
      nowMs += ms;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

/** `packs` of 16 MiB; each pass's begin and end, and when each pack was read. */
function fakeRepository(packs: number, findings: string[] = []) {
  let startedAtMs = 0;
  let last = 0;
  let left = 0;
  const passes: { startedAtMs: number; endedAtMs: number }[] = [];
  const repository: VerifiedRepository = {
    findPass: () => (startedAtMs === 0 ? null : { startedAtMs, leftBytes: left * 2 ** 24 }),
    findLastPass: () => last,
    verifyNext: async (nowMs) => {
      if (startedAtMs === 0) {
        startedAtMs = nowMs;
        last = nowMs;
        left = packs;
      }
      if (left > 0) {
        left--;
        return { readBytes: 2 ** 24, findings: left === 0 ? findings : [], ended: null, leftBytes: left * 2 ** 24 };
      }
      passes.push({ startedAtMs, endedAtMs: nowMs });
      startedAtMs = 0;
      const hurts = [{ name: 's-1', ranges: [{ offset: 0, length: 65_536 }] }];
      const ended = findings.length === 0 ? [] : [{ object: 'packs/aa/1', what: 'it is missing', hurts }];
      return { readBytes: 0, findings: [], ended, leftBytes: 0 };
    },
  };
  return { repository, passes };
}

async function run(days: number, packs: number, findings: string[] = [], periodDays = 10) {
  const clock = jumpingClock();
  const { repository, passes } = fakeRepository(packs, findings);
  const warnings: string[] = [];
  const log = { info: () => undefined, warn: (text: string) => void warnings.push(text) };
  const verifier = new Verifier({
    repository,
    listRoots: async () => [],
    heal: async () => 0,
    periodMs: periodDays * DAY_MS,
    clock,
    log,
  });
  const endMs = clock.nowMs() + days * DAY_MS;
  verifier.start();
  while (clock.nowMs() < endMs) await new Promise((resolve) => setImmediate(resolve));
  await verifier.stop();
  return { passes, warnings, clock };
}

test('every byte is read again within the period, evenly', async () => {
  const { passes, clock } = await run(41, 500);
  assert.equal(passes.length, 4);
  for (const [position, { startedAtMs, endedAtMs }] of passes.entries()) {
    const took = endedAtMs - startedAtMs;
    assert.ok(took > 8.5 * DAY_MS && took < 9.6 * DAY_MS, `${took / DAY_MS} days`);
    const next = passes[position + 1];
    if (next !== undefined) assert.ok(Math.abs(next.startedAtMs - startedAtMs - 10 * DAY_MS) < DAY_MS / 10);
  }
  assert.ok(clock.sleeps.every((ms) => ms <= 21_600_000));
});

test('a repository too large for the period is read without hurry all the same', async () => {
  const { passes, clock } = await run(0.4, 60_000, [], 0.25);
  assert.equal(passes.length, 1);
  assert.ok(clock.sleeps.every((ms) => ms >= 500));
});

test('damage is told, with whom it hurts', async () => {
  const { warnings } = await run(9, 3, ['packs/aa/1: bytes 32–99 are not what was written']);
  assert.deepEqual(warnings, [
    'damage in the repository: packs/aa/1: bytes 32–99 are not what was written',
    'damage in the repository: packs/aa/1: it is missing; this hurts bytes 0–65535 of s-1',
  ]);
});
