/**
 * Kills: seeded rounds of everything that disks and snapshots go through, under load and under a verifying fio, in which
 * `serve`, diskd and transfer workers are killed at random moments. Nothing acknowledged is lost, no snapshot differs from its
 * instant, nothing is left behind. `HUPO_SEED=n` repeats a run, `HUPO_KILLS=n` makes it longer.
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import test from 'node:test';
import { needsPrograms } from '../requires.ts';
import { Chance } from './chance.ts';
import { KillRounds, killSteps, type KillStep } from './kill-rounds.ts';
import { killTargets, type KillTarget } from './killer.ts';
import { TestServer } from './server.ts';

const seed = Number(process.env['HUPO_SEED'] ?? crypto.randomInt(2 ** 31));
const leastKills = Number(process.env['HUPO_KILLS'] ?? 30);
const killsARound = leastKills < 200 ? 3 : 6;

test(
  `kills, seed ${seed}: nothing acknowledged is lost and no snapshot differs`,
  { skip: needsPrograms('fio') },
  async () => {
    console.log(`kills: HUPO_SEED=${seed} HUPO_KILLS=${leastKills}`);
    const chance = new Chance(seed);
    const rounds = new KillRounds(new TestServer(), chance);
    try {
      await rounds.start();
      for (let round = 1; rounds.killer.total < leastKills; round += 1) {
        assert.ok(round <= leastKills, `too few kills after ${round} rounds: ${JSON.stringify(rounds.killer.counts)}`);
        const [step, targets] = choose(chance, round);
        const started = performance.now();
        await rounds.run(step, targets, round);
        const seconds = ((performance.now() - started) / 1000).toFixed(1);
        console.log(
          `kills: round ${round}, ${step}: ${targets.join(', ')} (${rounds.killer.total} kills, ${seconds} s)`,
        );
      }
      await rounds.end();
      tell(rounds);
      for (const [target, count] of Object.entries(rounds.killer.counts)) {
        assert.ok(count >= Math.max(1, Math.floor(leastKills / 25)), `${target} was killed only ${count} times`);
      }
    } finally {
      rounds.abandon();
    }
  },
);

/** Each step in turn with another chance of kills, so that a short run has met every one. */
function choose(chance: Chance, round: number): [KillStep, KillTarget[]] {
  const step = killSteps[round % killSteps.length] ?? 'snapshots';
  const targets = Array.from({ length: killsARound }, () => chance.one(killTargets));
  targets[0] = killTargets[round % killTargets.length] ?? 'diskd';
  return [step, targets];
}

function tell({ killer, met, fio, caller }: KillRounds): void {
  console.log(`kills: ${JSON.stringify(killer.counts)}`);
  console.log(`kills: ${JSON.stringify(met)}`);
  console.log(`kills: fio was content ${fio.verifiedCount} times over ${fio.reconnectCount} lost connections`);
  console.log(
    `kills: ${caller.interruptedCount} calls were interrupted; ${JSON.stringify(Object.fromEntries(caller.refusals))}`,
  );
}
