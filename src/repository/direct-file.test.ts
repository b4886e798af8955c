/** Large writes past the page cache: what is added is in the file, wherever it goes and however it is cut. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { DIRECT_BUFFER_BYTES, DirectWriter, directBuffer } from './direct-file.ts';
import { DirectoryStore } from './object-store/directory-store.ts';

const BLOCK_BYTES = 4096;

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-direct-'));
  try {
    await body(folder);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

test('stretches of a file, and its end, are what was added, and gaps are zeros', async () => {
  const piece = fc.record({ blocks: fc.integer({ min: 1, max: 900 }), isReserved: fc.boolean(), isLeft: fc.boolean() });
  const stretch = fc.record({ gapBlocks: fc.nat(3), pieces: fc.array(piece, { maxLength: 6 }) });
  await withFolder(async (folder) => {
    const file = path.join(folder, 'file');
    const buffers: [Buffer, Buffer] = [directBuffer(), directBuffer()];
    const property = fc.asyncProperty(fc.array(stretch, { maxLength: 4 }), fc.nat(4095), async (stretches, tail) => {
      fs.writeFileSync(file, '');
      const expected: Buffer[] = [];
      let position = 0;
      const writer = new DirectWriter(file, buffers);
      const add = async (bytes: Buffer, isReserved = false): Promise<void> => {
        if (isReserved && bytes.length <= DIRECT_BUFFER_BYTES) {
          bytes.copy(await writer.reserve(bytes.length, position));
          writer.commit(bytes.length);
        } else {
          await writer.add(bytes, position);
        }
        expected.push(bytes);
        position += bytes.length;
      };
      for (const { gapBlocks, pieces } of stretches) {
        expected.push(Buffer.alloc(gapBlocks * BLOCK_BYTES));
        position += gapBlocks * BLOCK_BYTES;
        for (const { blocks, isReserved, isLeft } of pieces) {
          if (isLeft) (await writer.reserve(BLOCK_BYTES, position)).fill(254);
          await add(Buffer.alloc(blocks * BLOCK_BYTES, expected.length + 1), isReserved);
        }
      }
      await add(Buffer.alloc(tail, 255));
      await writer.finish();
      await writer.close();
      fs.truncateSync(file, position);
      assert.ok(fs.readFileSync(file).equals(Buffer.concat(expected)));
    });
    await fc.assert(property, { numRuns: 20 });
  });
});

test('a failed write is reported by finish', async () => {
  await withFolder(async (folder) => {
    const file = path.join(folder, 'file');
    fs.writeFileSync(file, '');
    const writer = new DirectWriter(file, [directBuffer(), directBuffer()]);
    await writer.add(Buffer.alloc(BLOCK_BYTES), 2 ** 52);
    await assert.rejects(writer.finish(), /EFBIG/);
    await writer.close();
  });
});

test('an object of any length that is written so is there to its last byte', async () => {
  await withFolder(async (folder) => {
    for (const length of [1, 2, 3].flatMap((n) => [-1, 0, 1, 4095].map((more) => n * DIRECT_BUFFER_BYTES + more))) {
      const bytes = Buffer.alloc(length, `${length} `);
      const store = new DirectoryStore(folder);
      assert.equal(await store.put(`a/${length}`, [bytes.subarray(0, 1000), bytes.subarray(1000)]), true);
      assert.ok((await store.find(`a/${length}`))?.equals(bytes));
      assert.deepEqual(fs.readdirSync(path.join(folder, 'tmp')), []);
    }
  });
});
