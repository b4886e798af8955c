/** The journal's bytes: what is written is read back, anything else is not a record. */
import test from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  RECORD_BYTES,
  decodeJournalHeader,
  decodeRecord,
  encodeJournalHeader,
  encodeRecord,
  journalSeed,
} from './journal-record.ts';
import type { JournalRecord } from './journal-record.ts';

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const snapshotId = fc.stringMatching(/^s-[0-9a-z]{1,30}$/);
const u16 = fc.integer({ min: 0, max: 0xffff });
const record = fc.oneof(
  fc.record({ type: fc.constant('data' as const), chunk: u32, slot: u32, generation: u32, mask: u16 }),
  fc.record({
    type: fc.constant('zero' as const),
    chunk: u32,
    count: u32,
    generation: u32,
    overZero: fc.boolean(),
    drops: fc.boolean(),
  }),
  fc.record({ type: fc.constant('freeze' as const), snapshotId, generation: u32, frozenAtMs: fc.nat() }),
  fc.record({ type: fc.constant('release' as const), snapshotId, committed: fc.boolean() }),
  fc.record({ type: fc.constant('marker' as const), covers: u32 }),
  fc.record({ type: fc.constant('settle' as const), page: u32 }),
  fc.record({ type: fc.constant('merge' as const), chunk: u32, upper: u32, lower: u32, keepsUpper: fc.boolean() }),
);

function encoded(value: JournalRecord, index: number, seed: number): Buffer {
  const bytes = Buffer.alloc(RECORD_BYTES);
  encodeRecord(value, index, seed, bytes, 0);
  return bytes;
}

test('a record is read back as it was written', () => {
  const property = fc.property(record, u32, (value, index) => {
    const seed = journalSeed('d-a', 1);
    assert.deepEqual(decodeRecord(encoded(value, index, seed), 0, index, seed), { ...value });
  });
  fc.assert(property, { numRuns: 300 });
});

test('a record with any bit flipped, of another place or of another journal is not a record', () => {
  const property = fc.property(record, fc.nat(RECORD_BYTES * 8 - 1), (value, bit) => {
    const seed = journalSeed('d-a', 1);
    const bytes = encoded(value, 7, seed);
    assert.equal(decodeRecord(bytes, 0, 8, seed), undefined);
    assert.equal(decodeRecord(bytes, 0, 7, journalSeed('d-a', 2)), undefined);
    bytes[bit >>> 3]! ^= 1 << (bit & 7);
    assert.equal(decodeRecord(bytes, 0, 7, seed), undefined);
  });
  fc.assert(property, { numRuns: 300 });
});

test('zeros are no record and no header', () => {
  assert.equal(decodeRecord(Buffer.alloc(RECORD_BYTES), 0, 0, journalSeed('d-a', 1)), undefined);
  assert.equal(decodeJournalHeader(Buffer.alloc(512)), undefined);
});

test('a header is read back as it was written, and not when a bit is flipped', () => {
  const header = { number: 3, previousCount: 17, bootId: '0'.repeat(36), diskId: 'd-0123456789abcdefghij' };
  const bytes = encodeJournalHeader(header);
  assert.deepEqual(decodeJournalHeader(bytes), header);
  bytes[100]! ^= 1;
  assert.equal(decodeJournalHeader(bytes), undefined);
});
