/** A page of the map against lists of layers. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { ABSENT, MapPage, PAGE_CHUNKS, capturePage, decodePage, encodePage } from './map-page.ts';

interface Layer {
  place: number;
  generation: number;
  mask: number;
}

type Model = Layer[][];

/** `which` of a chunk's layers is meant, counted round. */
interface Step {
  kind: 'insert' | 'addBlocks' | 'replace' | 'remove' | 'capture';
  chunk: number;
  which: number;
  layer: Layer;
}

const layer = fc.record({
  place: fc.integer({ min: 1, max: 0xffff_ffff }),
  generation: fc.nat(6),
  mask: fc.integer({ min: 1, max: 0xffff }),
});
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('insert', 'insert', 'insert', 'addBlocks', 'replace', 'remove', 'remove', 'capture'),
  chunk: fc.constantFrom(0, 1, 100, PAGE_CHUNKS - 1),
  which: fc.nat(20),
  layer,
});

function rowsOf(page: MapPage, i: number): number[] {
  const rows: number[] = [];
  if (page.place(i) === ABSENT) return rows;
  for (let row = i; ; row = page.next(row)) {
    rows.push(row);
    if (page.next(row) === 0) return rows;
  }
}

function layersOf(page: MapPage): Model {
  return Array.from({ length: PAGE_CHUNKS }, (_, i) =>
    rowsOf(page, i).map((row) => ({ place: page.place(row), generation: page.generation(row), mask: page.mask(row) })),
  );
}

function assertSame(page: MapPage, model: Model): void {
  assert.deepEqual(layersOf(page), model);
  assert.equal(page.entryCount, model.filter((layers) => layers.length > 0).length);
  assert.equal(
    page.olderCount,
    model.reduce((sum, layers) => sum + Math.max(0, layers.length - 1), 0),
  );
  for (const { generation } of model.flat()) assert.ok(generation <= page.maxGeneration);
}

function apply({ kind, chunk, which, layer: asked }: Step, page: MapPage, model: Model): void {
  const layers = model[chunk]!;
  const at = which % Math.max(1, layers.length);
  const found = layers[at];
  if (kind === 'insert') {
    const below = layers.findIndex(({ generation }) => generation <= asked.generation);
    layers.splice(below < 0 ? layers.length : below, 0, { ...asked });
    page.insert(chunk, asked.place, asked.generation, asked.mask);
  } else if (found !== undefined && kind === 'addBlocks') {
    page.addBlocks(rowsOf(page, chunk)[at]!, asked.mask);
    found.mask |= asked.mask;
  } else if (found !== undefined && kind === 'replace') {
    page.replace(rowsOf(page, chunk)[at]!, asked.place, asked.mask);
    layers[at] = { ...found, place: asked.place, mask: asked.mask };
  } else if (found !== undefined && kind === 'remove') {
    page.remove(chunk, at === 0 ? -1 : rowsOf(page, chunk)[at - 1]!);
    layers.splice(at, 1);
  }
}

test('a page holds the layers of its chunks, newest first, whatever is done to them', () => {
  const property = fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
    const page = new MapPage();
    const model: Model = Array.from({ length: PAGE_CHUNKS }, () => []);
    const captured: { bytes: () => Buffer; before: Buffer }[] = [];
    for (const asked of steps) {
      if (asked.kind === 'capture') {
        const capture = capturePage(7, page);
        captured.push({ bytes: () => encodePage(capture), before: encodePage(capture) });
      } else apply(asked, page, model);
    }
    assertSame(page, model);
    const read = decodePage(encodePage(capturePage(7, page)), 7);
    assert.ok(read !== undefined);
    assertSame(read, model);
    for (const { bytes, before } of captured) assert.ok(bytes().equals(before), 'a capture changed with its page');
    read.insert(3, 9, 6, 1);
    read.insert(3, 8, 6, 2);
    assert.equal(layersOf(read)[3]!.length, 2, 'free rows are not the same after reading');
  });
  fc.assert(property, { numRuns: 300 });
});

test('a page whose older layers are gone takes no more room than one that never had any', () => {
  const page = new MapPage();
  for (let i = 0; i < PAGE_CHUNKS; i++) for (const generation of [1, 2, 3]) page.insert(i, 2 + i, generation, 1);
  assert.ok(page.encodedBytes > 9000);
  for (let i = 0; i < PAGE_CHUNKS; i++) for (let older = 0; older < 2; older++) page.remove(i, i);
  assert.equal(page.encodedBytes, 16 + 12 * PAGE_CHUNKS);
  assert.equal(page.olderCount, 0);
});

test('bytes of another page, too short, or with layers that have no end are no page', () => {
  const page = new MapPage();
  page.insert(0, 2, 1, 1);
  page.insert(0, 3, 2, 1);
  const bytes = encodePage(capturePage(4, page));
  assert.ok(decodePage(bytes, 4) !== undefined);
  assert.equal(decodePage(bytes, 5), undefined);
  assert.equal(decodePage(bytes.subarray(0, bytes.length - 12), 4), undefined);
  const circle = Buffer.from(bytes);
  circle.writeUInt16LE(PAGE_CHUNKS, 16 + 12 * PAGE_CHUNKS + 10); // row 256 is below itself
  assert.equal(decodePage(circle, 4), undefined);
  const beyond = Buffer.from(bytes);
  beyond.writeUInt16LE(PAGE_CHUNKS + 1, 16 + 12 * PAGE_CHUNKS + 10);
  assert.equal(decodePage(beyond, 4), undefined);
});
