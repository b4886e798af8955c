/** Who sees which generation, against sets of numbers. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Lineage } from './lineage.ts';
import { OPEN_END, baseEnd, continuedFrom, cutAt, isBaseZero, isSameBase, newLineage, sees } from './lineage.ts';
import type { BaseRef } from './protocol.ts';

const zeros: BaseRef = { snapshotId: null, tree: { root: null, levels: 0, dataChunkCount: 0 } };
const tree = (root: string, levels = 1): BaseRef => ({ snapshotId: 's-1', tree: { root, levels, dataChunkCount: 1 } });

/** A disk's life: writing, freezing, and rolling back to a frozen view or to a base. */
const life = fc.array(fc.constantFrom('freeze', 'toView', 'toTree'), { maxLength: 12 });

function seenOf(lineage: Lineage, last: number): number[] {
  return Array.from({ length: last + 1 }, (_, generation) => generation).filter((at) => sees(lineage, at));
}

test('live disk and views see what was written before them over the same base, and nothing that was undone', () => {
  const property = fc.property(life, fc.nat(), (steps, choice) => {
    let generation = 1;
    let live = newLineage(zeros, 1);
    let seen = new Set([0, 1]);
    const views: { lineage: Lineage; seen: Set<number> }[] = [];
    for (const step of steps) {
      const view = views[choice % Math.max(1, views.length)];
      if (step === 'freeze') {
        views.push({ lineage: cutAt(live, generation), seen: new Set(seen) });
        seen.add(++generation);
      } else if (step === 'toView' && view !== undefined) {
        live = continuedFrom(view.lineage, ++generation);
        seen = new Set([...view.seen, generation]);
      } else if (step === 'toTree') {
        generation += 2;
        live = newLineage(zeros, generation);
        seen = new Set([generation - 1, generation]);
      }
    }
    assert.deepEqual(
      seenOf(live, generation),
      [...seen].sort((a, b) => a - b),
    );
    assert.ok(sees(live, generation + 1) && sees(live, OPEN_END), 'it does not see what is written next');
    for (const { lineage, seen: expected } of views) {
      assert.deepEqual(
        seenOf(lineage, generation),
        [...expected].sort((a, b) => a - b),
      );
      assert.equal(sees(lineage, generation + 1), false);
    }
  });
  fc.assert(property, { numRuns: 300 });
});

test('beyond what a tree can hold a base is zeros; of a view nothing is known without looking', () => {
  assert.equal(baseEnd(newLineage(zeros, 1)), 0);
  assert.equal(baseEnd(newLineage(tree('a', 2), 1)), 128 * 128);
  assert.equal(isBaseZero(newLineage(tree('a'), 1), 127), false);
  assert.equal(isBaseZero(newLineage(tree('a'), 1), 128), true);
  assert.equal(isBaseZero(newLineage({ snapshotId: 's-1', viewOf: 'd-1' }, 1), 2 ** 40), false);
});

test('bases are the same by tree, or by view', () => {
  const view: BaseRef = { snapshotId: 's-1', viewOf: 'd-1' };
  assert.equal(isSameBase(tree('a'), tree('a')), true);
  assert.equal(isSameBase(tree('a'), tree('b')), false);
  assert.equal(isSameBase(view, { ...view }), true);
  assert.equal(isSameBase(view, { ...view, viewOf: 'd-2' }), false);
  assert.equal(isSameBase(view, tree('a')), false);
});
