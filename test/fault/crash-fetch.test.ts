/** The crash table of `hupo disk fetch`: the server dies before, and after, each of its acts. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { dieEverywhere } from '../control/die-everywhere.ts';

test('a base is fetched whole, whenever the server dies', async () => {
  const acts = await dieEverywhere({
    prepare: async (world) => {
      const { diskId } = await world.runOne();
      world.diskd.write(diskId, 1, 'a');
      world.diskd.write(diskId, 2, 'b');
      const snapshotId = await world.takeSnapshot(diskId);
      return { made: await world.makeDisk(snapshotId), snapshotId };
    },
    act: (world, { made }) => world.control.fetchBase({ diskId: made, action: 'start' }),
    verify: async (world, { made, snapshotId }) => {
      await world.control.fetchBase({ diskId: made, action: 'start' });
      await world.settle();
      await world.control.deleteSnapshot({ snapshotId, force: true });
      await world.settle();
      assert.deepEqual(world.diskd.ownWords(made), { 1: 'a', 2: 'b' });
      await world.checkSettled();
    },
  });
  assert.ok(acts >= 5, `only ${acts} acts`);
});
