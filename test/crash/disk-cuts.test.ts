/** Power cuts at chosen places of the local engine: what the random work of `power-cut-disk.test.ts` meets too rarely. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { isViewBase } from '../../src/disk/protocol.ts';
import { BLOCK_BYTES } from '../../src/lib/geometry.ts';
import { DiskHarness, baseRef } from '../model/disk-harness.ts';
import { powerCuts, seededPick } from './recording-files.ts';

/** The disk after each of the power cuts that are possible now, on another boot. */
async function* disksAfterCuts(real: DiskHarness): AsyncGenerator<DiskHarness> {
  real.process.kill();
  const options = { pick: seededPick(1), statesPerMoment: 30, fromEvent: real.machine.eventCount };
  for (const { files } of powerCuts(real.machine, options)) {
    const again = new DiskHarness(files);
    again.bootId = 'boot-2';
    await again.open();
    yield again;
    await again.finish();
  }
}

test('a merge never leaves new bytes in a chunk that counts as unchanged (D5)', async () => {
  const real = await DiskHarness.create({ record: true });
  await real.fill(0, 1);
  const { generation } = real.disk.freeze('s-1');
  await real.disk.awaitDurable('s-1');
  real.disk.releaseView('s-1', true);
  await real.disk.device.flush();
  await real.fill(0, 2, 0, BLOCK_BYTES);
  while (real.disk.sweep.isDue) real.disk.sweep.slice(() => false);
  assert.equal(real.disk.describe().mapping.olderLayerCount, 0, 'nothing was merged');
  let count = 0;
  for await (const again of disksAfterCuts(real)) {
    const [byte] = await again.read(0, 1);
    again.disk.freeze('s-2');
    const { chunks } = await again.listView('s-2', generation);
    assert.ok(byte === 1 || chunks.has(0), `chunk 0 begins with ${byte} and counts as unchanged`);
    count++;
  }
  assert.ok(count > 10, `only ${count} states were looked at`);
});

test('a base that was replaced is not needed again after a power cut, not even by a view that had ended', async () => {
  const base = { snapshotId: 's-3', viewOf: 'd-other' };
  const real = await DiskHarness.create({ record: true, base });
  real.disk.freeze('s-1');
  await real.disk.awaitDurable('s-1');
  await real.disk.rollback(baseRef(1), 2);
  real.disk.releaseView('s-1', false);
  await real.disk.rebase('s-3', baseRef(3).tree);
  for await (const again of disksAfterCuts(real)) {
    for (const lineage of again.disk.store.map.readers)
      assert.ok(!isViewBase(lineage.base), 'the view is a base again');
  }
});
