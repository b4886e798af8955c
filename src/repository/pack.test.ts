/** The bytes of packs, pages and manifests: what is decoded is what was encoded, and no changed bit gets through. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { CorruptionError, OperationalError } from '../lib/errors.ts';
import { digestOf } from './digest.ts';
import { decodeManifest, encodeManifest } from './manifest.ts';
import {
  PACK_HEADER_BYTES,
  PACK_TRAILER_BYTES,
  decodePackEnd,
  encodePackEnd,
  findPackId,
  locationsOf,
  packName,
  storedShareOf,
} from './pack.ts';
import type { PackGroup } from './pack.ts';
import { decodePage, encodePage, noChildren } from './page.ts';
import { manifestOf } from '../../test/support/repositories.ts';

const packId = '00112233445566778899aabbccddeeff';

const groupsArbitrary = fc
  .array(
    fc.record({
      kind: fc.constantFrom('chunk' as const, 'page' as const),
      codec: fc.constantFrom(0, 1),
      crc32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      storedLength: fc.integer({ min: 1, max: 300_000 }),
      lengths: fc.array(fc.integer({ min: 1, max: 65_536 }), { minLength: 1, maxLength: 4 }),
    }),
    { maxLength: 6 },
  )
  .map((drafts) => {
    let offset = PACK_HEADER_BYTES;
    return drafts.map(({ lengths, ...draft }, number): PackGroup => {
      const entries = lengths.map((length, i) => ({ digest: digestOf(Buffer.from(`${number} ${i}`)), length }));
      const group = { ...draft, offset, plainLength: lengths.reduce((a, b) => a + b), entries };
      offset += draft.storedLength;
      return group;
    });
  });

const fence = { ownerEpoch: 3, session: 7_000_000_000 };
const isDense = true;

function sizeOf(groups: readonly PackGroup[], end: Buffer): number {
  return PACK_HEADER_BYTES + groups.reduce((sum, group) => sum + group.storedLength, 0) + end.length;
}

test('the end of a pack decodes to what was encoded', () => {
  fc.assert(
    fc.property(groupsArbitrary, (groups) => {
      const end = encodePackEnd({ packId, fence, isDense, groups });
      const sizeBytes = sizeOf(groups, end);
      assert.deepEqual(decodePackEnd(packId, sizeBytes, end), { packId, sizeBytes, fence, isDense, groups });
    }),
  );
});

test('what is stored of a group is shared out among its entries to the last byte', () => {
  fc.assert(
    fc.property(groupsArbitrary, (groups) => {
      const locations = [...locationsOf({ packId, sizeBytes: 0, fence, isDense, groups })];
      const stored = groups.map(({ offset }) =>
        locations
          .filter(({ location }) => location.groupOffset === offset)
          .reduce((sum, { location }) => sum + storedShareOf(location), 0),
      );
      assert.deepEqual(
        stored,
        groups.map(({ storedLength }) => storedLength),
      );
    }),
  );
});

test('any changed bit in the end of a pack is found', () => {
  fc.assert(
    fc.property(groupsArbitrary, fc.nat(), (groups, choice) => {
      const end = encodePackEnd({ packId, fence, isDense, groups });
      const sizeBytes = sizeOf(groups, end);
      const bit = choice % (end.length * 8);
      end[bit >> 3] = end.readUInt8(bit >> 3) ^ (1 << (bit & 7));
      assert.throws(() => decodePackEnd(packId, sizeBytes, end), isDamagedOrNewer);
    }),
  );
});

test('a pack under another name, or of another length, is found', () => {
  const end = encodePackEnd({ packId, fence, isDense, groups: [] });
  assert.throws(() => decodePackEnd('ff'.repeat(16), PACK_HEADER_BYTES + end.length, end), CorruptionError);
  assert.throws(() => decodePackEnd(packId, PACK_HEADER_BYTES + end.length + 1, end), CorruptionError);
});

test('a newer version of a pack is refused by that name', () => {
  const end = encodePackEnd({ packId, fence, isDense, groups: [] });
  end.writeUInt16LE(2, end.length - PACK_TRAILER_BYTES + 4);
  assert.throws(() => decodePackEnd(packId, PACK_HEADER_BYTES + end.length, end), /version 2.*use a newer one/);
});

test('only names of packs are taken for packs', () => {
  assert.equal(packName(packId), `packs/00/${packId}`);
  assert.equal(findPackId(`packs/00/${packId}`), packId);
  for (const name of [`packs/01/${packId}`, `packs/00/${packId}0`, 'packs/00/x', `packs/${packId}`]) {
    assert.equal(findPackId(name), undefined);
  }
});

test('a page decodes to what was encoded', () => {
  const indexes = fc.uniqueArray(fc.nat(127), { minLength: 1, maxLength: 128 });
  fc.assert(
    fc.property(indexes, fc.integer({ min: 1, max: 5 }), (present, level) => {
      const children = noChildren();
      for (const index of present) children[index] = digestOf(Buffer.from([index]));
      assert.deepEqual(decodePage(encodePage({ level, children }), level, 'x'), { level, children });
    }),
  );
});

test('a page of another level, cut short, or no page at all is refused', () => {
  const children = noChildren();
  children[5] = digestOf(Buffer.from('five'));
  const bytes = encodePage({ level: 2, children });
  assert.throws(() => decodePage(bytes, 1, 'x'), CorruptionError);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodePage(bytes.subarray(0, length), 2, 'x'), CorruptionError);
  }
  assert.throws(() => decodePage(Buffer.alloc(65_536), 1, 'x'), CorruptionError);
});

test('a manifest decodes to what was encoded, under its own name only', () => {
  const manifest = manifestOf('s-1', { root: 'ab'.repeat(32), levels: 2, dataChunkCount: 7 });
  const bytes = encodeManifest(manifest);
  assert.deepEqual(decodeManifest(bytes, 's-1'), manifest);
  assert.throws(() => decodeManifest(bytes, 's-2'), /is of s-1/);
});

test('any changed bit, and any cut, of a manifest is found', () => {
  const bytes = encodeManifest(manifestOf('s-1', { root: null, levels: 0, dataChunkCount: 0 }));
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7));
    assert.throws(() => decodeManifest(flipped, 's-1'), CorruptionError);
  }
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeManifest(bytes.subarray(0, length), 's-1'), CorruptionError);
  }
});

function isDamagedOrNewer(error: unknown): boolean {
  return error instanceof CorruptionError || (error instanceof OperationalError && !error.retryable);
}
