/** Units of the map file: never two blocks in one, and a block is read back or told to be damaged. */
import assert from 'node:assert/strict';
import test from 'node:test';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { CorruptionError, OperationalError } from '../lib/errors.ts';
import { RecordingFiles, systemError } from '../../test/crash/recording-files.ts';
import type { BlockPlace } from './map-file.ts';
import { MapFile, UNIT_BYTES, wholeUnits } from './map-file.ts';

function newFile(): { machine: RecordingFiles; files: ReturnType<RecordingFiles['startProcess']>; file: MapFile } {
  const machine = new RecordingFiles({ record: false });
  const files = machine.startProcess();
  return { machine, files, file: MapFile.create(files, '/') };
}

const step = fc.oneof(
  fc.record({ free: fc.constant(false), size: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ free: fc.constant(true), size: fc.nat(50) }),
);

test('blocks never share a unit, and the lowest place that is large enough is taken', () => {
  const property = fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
    const { file } = newFile();
    const used = new Set<number>();
    const blocks: BlockPlace[] = [];
    const isFree = (unit: number, count: number): boolean =>
      Array.from({ length: count }, (_, i) => unit + i).every((at) => !used.has(at));
    for (const { free, size } of steps) {
      if (free) {
        const [block] = blocks.splice(size % Math.max(1, blocks.length), 1);
        if (block === undefined) continue;
        file.free(block);
        for (let i = 0; i < block.unitCount; i++) used.delete(block.unit + i);
        continue;
      }
      let lowest = 0;
      while (!isFree(lowest, size)) lowest++;
      const block = file.allocate(size);
      assert.deepEqual(block, { unit: lowest, unitCount: size });
      for (let i = 0; i < size; i++) used.add(lowest + i);
      blocks.push(block);
    }
  });
  fc.assert(property, { numRuns: 200 });
});

test('a block is read back; a flipped bit and a lost end are damage that says where', () => {
  const { files, file } = newFile();
  const bytes = wholeUnits(Buffer.from('a page, say'));
  const place = file.allocate(1);
  file.write(place.unit, bytes);
  const crc = zlib.crc32(bytes);
  assert.ok(file.read(place, crc, 'page 3').equals(bytes));
  const fd = files.open('/map', 'read-write');
  files.write(fd, Buffer.from([0]), 0, 1, 2);
  assert.throws(() => file.read(place, crc, 'page 3'), /page 3 of \/map at byte 0/);
  files.truncate(fd, 100);
  assert.throws(() => file.read(place, crc, 'page 3'), CorruptionError);
  files.close(fd);
});

test('many free units at the end go back; where that fails, a later one does it', () => {
  const { machine, files, file } = newFile();
  const kept = file.allocate(1);
  const gone = file.allocate(600);
  file.write(gone.unit + 599, Buffer.alloc(UNIT_BYTES));
  file.free(gone);
  machine.fault = (call) => (call.name === 'truncate' ? { error: systemError('EIO', call.path) } : undefined);
  file.cut();
  machine.fault = undefined;
  assert.equal(files.find('/map')!.sizeBytes, 601 * UNIT_BYTES);
  file.cut();
  assert.equal(files.find('/map')!.sizeBytes, (kept.unit + 1) * UNIT_BYTES);
  assert.deepEqual(file.allocate(2), { unit: 1, unitCount: 2 });
});

test('a missing file is damage, and a closed one is not touched', async () => {
  const { files, file } = newFile();
  file.close();
  file.close();
  assert.equal(files.openCount, 0);
  await assert.rejects(file.sync(), OperationalError);
  assert.throws(() => file.write(0, Buffer.alloc(UNIT_BYTES)), OperationalError);
  files.unlink('/map');
  assert.throws(() => MapFile.open(files, '/', 'read'), CorruptionError);
});
