/**
 * F4: whatever the collectors do beside uploads, deletions, reads and new disks, in any order, with kills, stalls and servers
 * that are taken for dead: every committed snapshot and every disk reads back, and in the end nothing is left over.
 * `HUPO_SEEDS` is how many, `HUPO_FIRST_SEED` where they begin.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { runSeeds } from '../support/seed-threads.ts';

const seedCount = Number(process.env['HUPO_SEEDS'] ?? 600);
const firstSeed = Number(process.env['HUPO_FIRST_SEED'] ?? 1);

test(`${seedCount} schedules of uploads, deletions, reads and collectors from seed ${firstSeed}`, async () => {
  const module = import.meta.resolve('./collector-seed.ts');
  const events = await runSeeds({ module, firstSeed, seedCount });
  if (seedCount < 100) return;
  for (const event of ['snapshot', 'collected', 'rewritten', 'fenced', 'kill', 'restart', 'index lost']) {
    assert.ok((events.get(event) ?? 0) > 0, `nobody was ever: ${event}`);
  }
});
