/** Map pages in memory: the limit holds while disks of many pages are worked on, and nothing is lost by forgetting. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { CHUNK_BYTES, DiskHarness } from '../../test/model/disk-harness.ts';
import { PAGE_CHUNKS } from './map-page.ts';
import { PageBudget } from './page-budget.ts';

/** A map whose pages can be forgotten, but `stuck` of them. */
class FakeMap {
  forgottenCount = 0;
  callCount = 0;
  readonly #budget: PageBudget;
  cachedCount: number;
  stuck: number;

  constructor(budget: PageBudget, cachedCount: number, stuck = 0) {
    this.#budget = budget;
    this.cachedCount = cachedCount;
    this.stuck = stuck;
    budget.pageCount += cachedCount;
    budget.maps.add(this);
  }

  forgetPages(count: number): number {
    this.callCount++;
    const forgotten = Math.min(count, this.cachedCount - this.stuck);
    this.cachedCount -= forgotten;
    this.forgottenCount += forgotten;
    this.#budget.pageCount -= forgotten;
    return forgotten;
  }
}

test('under its limit nothing is forgotten; above it a tenth goes, shared by what the disks hold', () => {
  const budget = new PageBudget(1000);
  const small = new FakeMap(budget, 100);
  const large = new FakeMap(budget, 900);
  budget.trim();
  assert.equal(small.callCount, 0);
  const last = new FakeMap(budget, 1);
  budget.trim();
  assert.ok(budget.pageCount <= 900);
  assert.ok(large.forgottenCount > 5 * small.forgottenCount, 'the small disk pays for the large one');
  assert.ok(last.forgottenCount <= 1);
});

test('a search that finds nothing to forget is not made again at once', () => {
  const budget = new PageBudget(1000);
  const stuck = new FakeMap(budget, 2000, 2000);
  for (let commits = 0; commits < 100; commits++) budget.trim();
  assert.ok(stuck.callCount <= 2, `${stuck.callCount} searches`);
  stuck.stuck = 0;
  stuck.cachedCount += 100;
  budget.pageCount += 100;
  budget.trim();
  assert.ok(budget.pageCount <= 1000, 'it is searched again when there are more');
});

test('a disk of many pages is worked on within the limit, and every page is as it was', async () => {
  const pages = 150;
  const limit = 12;
  const real = await DiskHarness.create({ chunkCount: pages * PAGE_CHUNKS, pageLimit: limit, checkpointRecords: 8 });
  const byteOf = (page: number, round: number): number => 1 + ((page * 7 + round) % 250);
  let most = 0;
  for (let round = 0; round < 3; round++) {
    if (round === 1) real.disk.freeze('s-1');
    for (let page = 0; page < pages; page++) {
      await real.fill(page * PAGE_CHUNKS + round, byteOf(page, round), 0, 4096);
      if (page % 4 === 0) await real.disk.store.checkpoint();
      most = Math.max(most, real.disk.describe().mapping.cachedPageCount);
    }
  }
  // Beyond the limit there are only those that no checkpoint has, and one search's worth.
  assert.ok(most <= limit + 14, `${most} pages were in memory`);
  assert.equal(real.disk.describe().mapping.pageCount, pages);
  for (let page = 0; page < pages; page++) {
    for (let round = 0; round < 3; round++) {
      const found = await real.read((page * PAGE_CHUNKS + round) * CHUNK_BYTES, 4097);
      assert.deepEqual([found[0], found[4095], found[4096]], [byteOf(page, round), byteOf(page, round), 0]);
      real.disk.device.commit();
    }
    assert.ok(real.disk.describe().mapping.cachedPageCount <= limit + 14);
  }
  const { chunks } = await real.disk.listViewChunks({
    snapshotId: 's-1',
    sinceGeneration: -1,
    fromChunk: 0,
    limit: 999,
  });
  assert.equal(chunks.length, pages);
  real.disk.releaseView('s-1', true);
  await real.restart();
  await real.finish();
});
