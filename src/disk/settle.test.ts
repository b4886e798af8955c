/** What is taken out of a chunk's layers, against brute force: all readers see the same, and nothing stays that none needs. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { CHUNK_BLOCKS, FULL_MASK } from '../lib/geometry.ts';
import type { Lineage, Range } from './lineage.ts';
import { OPEN_END, sees } from './lineage.ts';
import { ABSENT, FIRST_SLOT, MapPage, ZERO } from './map-page.ts';
import { findMergeable, hasNeedless, resolveBlocks, settleChunk } from './settle.ts';

const CHUNK = 5;
const base = { snapshotId: null, tree: { root: null, levels: 0, dataChunkCount: 0 } };

/** Masks that are often nested, whole or next to one another. */
const mask = fc.oneof(
  fc.constant(FULL_MASK),
  fc.constantFrom(1, 2, 3, 0xff, 0xff00, 0x8000),
  fc.integer({ min: 1, max: FULL_MASK }),
);
const layers = fc.array(fc.record({ generation: fc.nat(8), mask, isZero: fc.boolean() }), { maxLength: 9 });
const view = fc
  .uniqueArray(fc.nat(9), { minLength: 2, maxLength: 6 })
  .map((borders): Lineage => ({ base, baseGeneration: 1, ranges: rangesOf(borders.sort((a, b) => a - b)) }));
const readers = fc.tuple(view, fc.array(view, { maxLength: 4 })).map(([live, views]): [Lineage, Lineage[]] => {
  const last = live.ranges.at(-1)!;
  return [{ ...live, ranges: [...live.ranges.slice(0, -1), [last[0], OPEN_END]] }, views];
});

function rangesOf(borders: readonly number[]): Range[] {
  return Array.from({ length: Math.floor(borders.length / 2) }, (_, i) => [borders[2 * i]!, borders[2 * i + 1]! - 1]);
}

function pageOf(list: readonly { generation: number; mask: number; isZero: boolean }[]): MapPage {
  const page = new MapPage();
  list.forEach(({ generation, mask: held, isZero }, i) => {
    page.insert(CHUNK, isZero ? ZERO : FIRST_SLOT + i, generation, isZero ? FULL_MASK : held);
  });
  return page;
}

function rowsOf(page: MapPage): number[] {
  const rows: number[] = [];
  for (let row = CHUNK; page.place(row) !== ABSENT; row = page.next(row)) {
    rows.push(row);
    if (page.next(row) === 0) break;
  }
  return rows;
}

/** For each block, the row that a reader gets it from, or −1 for the base. */
function rowsSeen(page: MapPage, reader: Lineage): number[] {
  return Array.from({ length: CHUNK_BLOCKS }, (_, block) => {
    const found = rowsOf(page).find(
      (row) => sees(reader, page.generation(row)) && (page.mask(row) & (1 << block)) !== 0,
    );
    return found ?? -1;
  });
}

function placesSeen(page: MapPage, reader: Lineage): number[] {
  return rowsSeen(page, reader).map((row) => (row < 0 ? -1 : page.place(row)));
}

test('blocks are resolved as a search from the newest layer on finds them', () => {
  const property = fc.property(layers, view, mask, (list, reader, wanted) => {
    const page = pageOf(list);
    const { parts, inBase } = resolveBlocks(page, CHUNK, reader, wanted);
    const found = Array.from({ length: CHUNK_BLOCKS }, (_, block) => {
      const part = parts.find((one) => (one.mask & (1 << block)) !== 0);
      return part === undefined ? -1 : part.place;
    });
    const expected = placesSeen(page, reader).map((place, block) => ((wanted & (1 << block)) === 0 ? -1 : place));
    assert.deepEqual(found, expected);
    const missing = expected.reduce((bits, place, block) => (place === -1 ? bits | (1 << block) : bits), 0);
    assert.equal(inBase, missing & wanted);
  });
  fc.assert(property, { numRuns: 500 });
});

test('settling changes nothing for any reader, and leaves nothing that none of them needs', () => {
  const property = fc.property(layers, readers, (list, [live, views]) => {
    const page = pageOf(list);
    const all = [live, ...views];
    const before = all.map((reader) => placesSeen(page, reader));
    const placesBefore = rowsOf(page).map((row) => page.place(row));
    const found = list.length > 0 && hasNeedless(page, CHUNK, all);
    const gone: number[] = [];
    settleChunk(page, CHUNK, all, (place) => gone.push(place));
    assert.deepEqual(
      all.map((reader) => placesSeen(page, reader)),
      before,
    );
    assert.equal(found, gone.length > 0);
    const needed = new Set(all.flatMap((reader) => rowsSeen(page, reader)));
    for (const row of rowsOf(page)) assert.ok(needed.has(row), `row ${row} stays and nobody needs it`);
    const left = rowsOf(page).map((row) => page.place(row));
    const rising = (a: number, b: number) => a - b;
    assert.deepEqual([...left, ...gone].sort(rising), placesBefore.sort(rising));
  });
  fc.assert(property, { numRuns: 1000 });
});

test('a pair to merge is the lowest two neighbours of the live disk that no view sees, the upper one a slot', () => {
  const property = fc.property(layers, readers, (list, [live, views]) => {
    const page = pageOf(list);
    const rows = rowsOf(page);
    const isLiveOnly = (row: number): boolean => {
      const generation = page.generation(row);
      return sees(live, generation) && !views.some((other) => sees(other, generation));
    };
    const expected = rows.findLastIndex(
      (row, i) => i + 1 < rows.length && page.place(row) >= FIRST_SLOT && isLiveOnly(row) && isLiveOnly(rows[i + 1]!),
    );
    const pair = findMergeable(page, CHUNK, live, views);
    assert.deepEqual(pair, expected < 0 ? undefined : { upper: rows[expected]!, lower: rows[expected + 1]! });
  });
  fc.assert(property, { numRuns: 500 });
});
