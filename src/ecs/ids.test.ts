/** Tests of identifiers. */
import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { systemRandom } from '../lib/random.ts';
import { diskOfSnapshotLink, diskSerial, newId, regionCode, snapshotLinkId } from './ids.ts';

test('an id has its prefix, the region code and 17 characters', () => {
  for (const prefix of ['d-', 's-', 'i-']) {
    const id = newId(prefix, 'cn-hangzhou', systemRandom);
    assert.match(id, /^[dsi]-bp1[0-9a-z]{17}$/);
    assert.equal(id.length, 22);
  }
});

test('an id uses every character and throws away bytes that would favour some', () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => 255 - index));
  let position = 0;
  const counting = {
    bytes: (count: number) => Buffer.from(Array.from({ length: count }, () => bytes[position++ % 256] ?? 0)),
  };
  const counts = new Map<string, number>();
  for (let index = 0; index < 252; index += 1) {
    for (const character of newId('', 'cn-hangzhou', counting).slice(3)) {
      counts.set(character, (counts.get(character) ?? 0) + 1);
    }
  }
  assert.equal(counts.size, 36);
  assert.ok(Math.max(...counts.values()) - Math.min(...counts.values()) < 15);
});

test('every region has a code of three characters that stays the same', () => {
  fc.assert(
    fc.property(fc.string(), (regionId) => {
      assert.match(regionCode(regionId), /^[0-9a-z]{3}$/);
      assert.equal(regionCode(regionId), regionCode(regionId));
    }),
  );
  assert.equal(regionCode('cn-hongkong'), 'j6c');
});

test('a disk, its serial and its snapshot chain share a suffix', () => {
  assert.equal(diskSerial('d-bp1x'), 'bp1x');
  assert.equal(snapshotLinkId('d-bp1x'), 'sl-bp1x');
  assert.equal(diskOfSnapshotLink('sl-bp1x'), 'd-bp1x');
  assert.equal(diskOfSnapshotLink('s-bp1x'), null);
});
