import assert from 'node:assert/strict';
import test from 'node:test';
import { allRows, createWorld } from '../../test/control/world.ts';

import { listAllDisks } from '../catalog/disks.ts';
import { MemoryStore } from '../repository/object-store/memory-store.ts';
import { baseOf } from './disk-folder.ts';
import { importInto } from './import-repository.ts';

test('an instance whose system disk has no folder any more is Stopped, and that is told', async (t) => {
  const world = await createWorld(t);
  const [one, other] = [await world.runOne(), await world.runOne()];
  const { items } = await world.control.listDisks({ instanceId: one.instanceId, type: 'system' }, allRows);
  const gone = new Set([items[0]?.diskId, other.diskId]);
  const rows = (await listAllDisks(world.catalog.queries)).filter((row) => !gone.has(row.disk_id));
  const told = await importInto(world.catalog, {
    ...{ store: new MemoryStore(), hasTree: () => true, clock: world.clock, zoneId: 'cn-hangzhou-a', isOld: false },
    disks: rows.map((row) => ({
      ...{ diskId: row.disk_id, sizeBytes: row.size_gib * 1024 ** 3, incarnation: row.incarnation },
      base: baseOf(row),
    })),
  });
  const lines = told.filter((line) => line.includes('The instance'));
  assert.deepEqual(lines, [`The instance ${one.instanceId} has lost its system disk: it is Stopped; delete it.`]);
  assert.equal((await world.instance(one.instanceId))?.status, 'Stopped');
  assert.equal((await world.instance(other.instanceId))?.status, 'Running', 'a data disk is no reason');
});
