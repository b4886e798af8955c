/**
 * F4: whatever the collectors do beside uploads, deletions, reads and new disks, in any order, with kills, stalls and servers
 * that are taken for dead: every committed snapshot and every disk reads back, and in the end nothing is left over.
 * `HUPO_SEEDS` is how many, `HUPO_FIRST_SEED` where they begin.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { CollectorWorld } from './collector-world.ts';

const seeds = Number(process.env['HUPO_SEEDS'] ?? 300);
const firstSeed = Number(process.env['HUPO_FIRST_SEED'] ?? 1);

test(`${seeds} schedules of uploads, deletions, reads and collectors from seed ${firstSeed}`, async () => {
  const events = new Map<string, number>();
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const world = new CollectorWorld(seed);
    try {
      await world.run({ uploaders: 3, uploads: 4 });
    } catch (error) {
      throw new Error(`HUPO_FIRST_SEED=${seed} HUPO_SEEDS=1`, { cause: error });
    }
    world.close();
    for (const [event, count] of world.events) events.set(event, (events.get(event) ?? 0) + count);
  }
  if (seeds < 100) return;
  for (const event of ['snapshot', 'collected', 'rewritten', 'fenced', 'kill', 'restart', 'index lost']) {
    assert.ok((events.get(event) ?? 0) > 0, `nobody was ever: ${event}`);
  }
});
