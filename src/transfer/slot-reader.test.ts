/** Chunks of a view are read as a byte array says, however they lie in the slots, and with few reads. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import type { ViewChunk, ViewPart } from '../disk/protocol.ts';
import { SEGMENT_SLOTS, slotFile, slotOffset } from '../disk/slot-address.ts';
import { AssertionError, CorruptionError, OperationalError } from '../lib/errors.ts';
import { BLOCK_BYTES, CHUNK_BYTES } from '../lib/geometry.ts';
import { isZeroChunk, planRun } from './read-plan.ts';
import { SlotReader } from './slot-reader.ts';

const BLOCKS = CHUNK_BYTES / BLOCK_BYTES;
const ALL = 2 ** BLOCKS - 1;
/** Slots on both sides of the border between two segment files. */
const FIRST_SLOT = SEGMENT_SLOTS - 20;
const SLOT_COUNT = 40;
const BUFFER_CHUNKS = 4;

/** Every block of the slots says where it lies: 4 bytes of its number, again and again. */
function blockBytes(slot: number, block: number): Buffer {
  const bytes = Buffer.alloc(BLOCK_BYTES);
  bytes.writeUInt32LE(slot * BLOCKS + block + 1);
  return bytes.fill(bytes.subarray(0, 4));
}

async function withSlots(body: (dataFolder: string) => Promise<void>): Promise<void> {
  const dataFolder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-slots-'));
  try {
    for (let slot = FIRST_SLOT; slot < FIRST_SLOT + SLOT_COUNT; slot++) {
      const fd = fs.openSync(slotFile(dataFolder, slot), fs.constants.O_CREAT | fs.constants.O_RDWR);
      const bytes = Buffer.concat(Array.from({ length: BLOCKS }, (_, block) => blockBytes(slot, block)));
      fs.writeSync(fd, bytes, 0, CHUNK_BYTES, slotOffset(slot));
      fs.closeSync(fd);
    }
    await body(dataFolder);
  } finally {
    fs.rmSync(dataFolder, { recursive: true });
  }
}

/** What a chunk must be, block by block, said as plainly as can be. */
function expectedBytes(chunk: ViewChunk): Buffer {
  const parts = 'parts' in chunk ? chunk.parts : [{ slot: chunk.slot, mask: ALL }];
  const blocks = Array.from({ length: BLOCKS }, (_, block) => {
    const part = parts.find(({ mask }) => Math.floor(mask / 2 ** block) % 2 === 1);
    const slot = part?.slot ?? null;
    return slot === null ? Buffer.alloc(BLOCK_BYTES) : blockBytes(slot, block);
  });
  return Buffer.concat(blocks);
}

async function readAll(dataFolder: string, chunks: ViewChunk[]): Promise<[number, Buffer | null][]> {
  const reader = new SlotReader(() => Buffer.alloc(BUFFER_CHUNKS * CHUNK_BYTES));
  const read: [number, Buffer | null][] = [];
  try {
    for await (const run of reader.read(dataFolder, chunks)) {
      for (const [position, { chunk }] of run.chunks.entries()) {
        const filled = run.buffers[Math.floor(position / BUFFER_CHUNKS)];
        const at = position % BUFFER_CHUNKS;
        assert.ok(filled === undefined || at < filled.chunkCount);
        read.push([chunk, filled?.buffer.subarray(at * CHUNK_BYTES, (at + 1) * CHUNK_BYTES) ?? null]);
      }
    }
  } finally {
    await reader.close();
  }
  return read;
}

const slots = fc.integer({ min: FIRST_SLOT, max: FIRST_SLOT + SLOT_COUNT - 1 });
const slotOrZeros = fc.oneof({ weight: 5, arbitrary: slots }, { weight: 1, arbitrary: fc.constant(null) });

/** Each block is of one of up to four slots or zeros; a slot is in one part only. */
const putTogether = fc
  .tuple(
    fc.uniqueArray(slotOrZeros, { minLength: 1, maxLength: 5 }),
    fc.array(fc.nat(4), { minLength: BLOCKS, maxLength: BLOCKS }),
  )
  .map(([sources, choices]): { parts: ViewPart[] } => {
    const masks = new Map<number | null, number>();
    for (const [block, choice] of choices.entries()) {
      const slot = sources[choice % sources.length] ?? null;
      masks.set(slot, (masks.get(slot) ?? 0) + 2 ** block);
    }
    return { parts: [...masks].map(([slot, mask]) => ({ slot, mask })) };
  });

const neighbours = fc
  .tuple(slots, fc.integer({ min: 1, max: 20 }))
  .map(([slot, count]) =>
    Array.from({ length: Math.min(count, FIRST_SLOT + SLOT_COUNT - slot) }, (_, i) => ({ slot: slot + i })),
  );

const views = fc
  .array(
    fc.oneof(neighbours, fc.array(putTogether, { maxLength: 4 }), fc.array(slotOrZeros.map((slot) => ({ slot })))),
    {
      maxLength: 6,
    },
  )
  .map((groups): ViewChunk[] => groups.flat().map((place, chunk) => ({ chunk: 3 * chunk, ...place })));

test('every chunk is read as its slots and zeros say, in order', async () => {
  await withSlots(async (dataFolder) => {
    await fc.assert(
      fc.asyncProperty(views, async (chunks) => {
        const read = await readAll(dataFolder, chunks);
        assert.deepEqual(
          read.map(([chunk]) => chunk),
          chunks.map(({ chunk }) => chunk),
        );
        for (const [position, chunk] of chunks.entries()) {
          const bytes = read[position]?.[1] ?? null;
          assert.equal(bytes === null, isZeroChunk(chunk));
          assert.ok(bytes === null || bytes.equals(expectedBytes(chunk)), JSON.stringify(chunk));
        }
      }),
    );
  });
});

test('whole chunks in slots that follow one another are one read, up to the border of a segment', () => {
  const chunks = Array.from({ length: 6 }, (_, i) => ({ chunk: 2 * i, slot: SEGMENT_SLOTS - 4 + i }));
  assert.deepEqual(planRun(chunks).reads, [
    { slot: SEGMENT_SLOTS - 4, slotBlock: 0, pieces: [{ block: 0, count: 4 * BLOCKS }] },
    { slot: SEGMENT_SLOTS, slotBlock: 0, pieces: [{ block: 4 * BLOCKS, count: 2 * BLOCKS }] },
  ]);
});

test('a chunk of two slots is two reads, one of them over the hole that the other fills', () => {
  const parts = [
    { slot: 7, mask: ALL - 0b110 },
    { slot: 9, mask: 0b010 },
    { slot: null, mask: 0b100 },
  ];
  assert.deepEqual(planRun([{ chunk: 5, parts }]), {
    reads: [
      {
        slot: 7,
        slotBlock: 0,
        pieces: [
          { block: 0, count: 1 },
          { block: null, count: 2 },
          { block: 3, count: 13 },
        ],
      },
      { slot: 9, slotBlock: 1, pieces: [{ block: 1, count: 1 }] },
    ],
    zeros: [{ block: 2, count: 1 }],
  });
});

test('parts that leave out a block, or have one twice, are never read', () => {
  for (const masks of [[ALL - 1], [ALL, 1], [0, ALL], [ALL + 1], [-1], []]) {
    const parts = masks.map((mask, index) => ({ slot: index + 1, mask }));
    const chunk = { chunk: 0, parts };
    assert.throws(() => planRun([chunk]), AssertionError, String(masks));
    assert.equal(isZeroChunk(chunk), false, 'nor taken for zeros');
  }
});

test('a slot that ends before a block that is wanted is damage, one that ends after it is read', async () => {
  const dataFolder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-slots-'));
  try {
    fs.writeFileSync(slotFile(dataFolder, 0), Buffer.concat([blockBytes(0, 0), blockBytes(0, 1)]));
    const partly = (mask: number): ViewChunk => ({
      chunk: 0,
      parts: [
        { slot: 0, mask },
        { slot: null, mask: ALL - mask },
      ],
    });
    const [[, bytes] = []] = await readAll(dataFolder, [partly(0b10)]);
    assert.ok(bytes?.equals(expectedBytes(partly(0b10))));
    await assert.rejects(readAll(dataFolder, [partly(0b101)]), CorruptionError);
  } finally {
    fs.rmSync(dataFolder, { recursive: true });
  }
});

test('a data file that cannot be read may be tried again', async () => {
  const dataFolder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-slots-'));
  try {
    fs.mkdirSync(slotFile(dataFolder, 0));
    await assert.rejects(readAll(dataFolder, [{ chunk: 0, slot: 3 }]), (error: Error) => {
      assert.ok(error instanceof OperationalError && error.retryable);
      return true;
    });
  } finally {
    fs.rmSync(dataFolder, { recursive: true });
  }
});
