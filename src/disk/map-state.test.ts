/** The map's rules that the model test does not see from outside. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { ABSENT, MapState, ZERO } from './map-state.ts';
import { listViewPage } from './view-list.ts';

function newMap(root: string | null, chunkCount = 5000): MapState {
  return new MapState({
    diskId: 'd-a',
    sizeBytes: chunkCount * CHUNK_BYTES,
    incarnation: 1,
    generation: 1,
    baseGeneration: 1,
    base: { snapshotId: null, tree: { root, levels: 1, dataChunkCount: 0 } },
    written: false,
    compareReason: 'a repair',
  });
}

test('zeroing drops the entry where nothing could need the difference, and makes a zero entry else', () => {
  const map = newMap(null);
  map.apply({ type: 'data', chunk: 9, slot: 4, generation: 1 });
  map.apply({ type: 'zero', chunk: 0, count: 5000, generation: 1 });
  assert.equal(map.place(9), ABSENT);
  assert.deepEqual(map.takeFreed(), [4]);
  map.apply({ type: 'data', chunk: 9, slot: 5, generation: 1 });
  map.apply({ type: 'freeze', snapshotId: 's-1', generation: 1, frozenAtMs: 0 });
  map.apply({ type: 'zero', chunk: 0, count: 5000, generation: 2 });
  assert.equal(map.place(9), ZERO);
  assert.equal(map.place(8), ABSENT);
  assert.deepEqual(map.takeFreed(), []);
  map.apply({ type: 'release', snapshotId: 's-1', committed: false });
  assert.deepEqual(map.takeFreed(), [5]);
  assert.equal(map.head.compareReason, 'a repair');
});

test('over a base, zeroing makes zero entries of absent chunks too', () => {
  const map = newMap('root');
  map.apply({ type: 'zero', chunk: 1000, count: 100, generation: 1 });
  assert.deepEqual([map.place(999), map.place(1000), map.place(1099), map.place(1100)], [ABSENT, ZERO, ZERO, ABSENT]);
  assert.equal(map.nextNotZero(1000, 1100), -1);
});

test('a committed release ends the comparing of every chunk', () => {
  const map = newMap(null);
  map.apply({ type: 'freeze', snapshotId: 's-1', generation: 1, frozenAtMs: 0 });
  map.apply({ type: 'release', snapshotId: 's-1', committed: true });
  assert.equal(map.head.compareReason, null);
});

test('pages shared with a checkpoint are copied before they change', () => {
  const map = newMap(null);
  map.apply({ type: 'data', chunk: 1, slot: 0, generation: 1 });
  const [shared] = map.sharePages();
  map.apply({ type: 'data', chunk: 1, slot: 9, generation: 1 });
  assert.equal(shared!.page.places[1], 2);
  assert.equal(map.place(1), 11);
});

test('a view lists what is later than a generation, page by page, and never what came from the base', () => {
  const map = newMap('root');
  map.apply({ type: 'data', chunk: 1, slot: 0, generation: 1 });
  map.apply({ type: 'data', chunk: 4000, slot: 1, generation: 0 });
  map.apply({ type: 'freeze', snapshotId: 's-1', generation: 1, frozenAtMs: 0 });
  map.apply({ type: 'release', snapshotId: 's-1', committed: true });
  map.apply({ type: 'data', chunk: 2, slot: 2, generation: 2 });
  map.apply({ type: 'zero', chunk: 3000, count: 2, generation: 2 });
  map.apply({ type: 'freeze', snapshotId: 's-2', generation: 2, frozenAtMs: 0 });
  map.apply({ type: 'data', chunk: 2, slot: 3, generation: 3 });
  map.apply({ type: 'data', chunk: 7, slot: 4, generation: 3 });
  const view = map.view!;
  const first = listViewPage(map, view, { sinceGeneration: 1, fromChunk: 0, limit: 2 });
  assert.deepEqual(first, {
    chunks: [
      { chunk: 2, slot: 2 },
      { chunk: 3000, slot: null },
    ],
    next: 3001,
  });
  const second = listViewPage(map, view, { sinceGeneration: 1, fromChunk: 3001, limit: 2 });
  assert.deepEqual(second, { chunks: [{ chunk: 3001, slot: null }], next: null });
});
