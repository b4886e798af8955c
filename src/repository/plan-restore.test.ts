/** Plans of restores: each group once, in the order of the file, read in few pieces. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { CorruptionError } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { findStretch, planBatches, planRestore, planSpans } from './plan-restore.ts';
import type { GroupTask } from './plan-restore.ts';

const digest = (text: string) => Buffer.from(text.padEnd(32, '.'));

const at = (packId: string, groupOffset: number, position: number) => ({
  packId,
  groupOffset,
  storedLength: 10,
  plainLength: 131_072,
  codec: 1,
  position,
  length: CHUNK_BYTES,
});

const taskOf = (chunks: number[][], more: Partial<GroupTask> = {}): GroupTask => ({
  packId: '1',
  groupOffset: 32,
  storedLength: 1000,
  plainLength: chunks.length * CHUNK_BYTES,
  codec: 1,
  entries: chunks.map((targets, index) => ({ digest: 'd', position: index * CHUNK_BYTES, targets })),
  ...more,
});

test('a plan reads each group once, in order of the file, and writes equal chunks everywhere', () => {
  const places = new Map([
    ['b', at('2', 32, 0)],
    ['a', at('1', 32, 65_536)],
    ['c', at('2', 32, 65_536)],
  ]);
  const names = ['b', 'a', 'b', 'c'];
  const chunks = names.map((name, index) => ({ chunk: [1, 2, 5, 6][index] ?? 0, digest: digest(name) }));
  const locations = names.map((name) => places.get(name));
  const plan = planRestore(chunks, locations);
  assert.deepEqual(
    plan.map(({ packId, entries }) => [packId, entries.map(({ position, targets }) => [position, targets])]),
    [
      [
        '2',
        [
          [0, [1, 5]],
          [65_536, [6]],
        ],
      ],
      ['1', [[65_536, [2]]]],
    ],
  );
  assert.equal(plan[1]?.entries[0]?.digest, digest('a').toString('hex'));
});

test('a chunk that no pack holds, or that is none, is named', () => {
  const chunks = [{ chunk: 1, digest: digest('x') }];
  assert.throws(() => planRestore(chunks, [undefined]), CorruptionError);
  assert.throws(() => planRestore(chunks, [{ ...at('1', 32, 0), length: 5 }]), /it has 5 bytes/);
});

test('a group goes to one stretch of the file when its chunks follow one another there, and all of them', () => {
  assert.equal(findStretch(taskOf([[7], [8], [9]])), 7);
  assert.equal(findStretch(taskOf([[7]])), 7);
  assert.equal(findStretch(taskOf([[7], [9]])), undefined);
  assert.equal(findStretch(taskOf([[8], [7]])), undefined);
  assert.equal(findStretch(taskOf([[7], [8, 20]])), undefined);
  assert.equal(findStretch(taskOf([[7], [8]], { plainLength: 3 * CHUNK_BYTES })), undefined);
  assert.equal(findStretch(taskOf([])), undefined);
  const second = { digest: 'd', position: CHUNK_BYTES, targets: [7] };
  assert.equal(findStretch(taskOf([[7]], { entries: [second] })), undefined);
});

test('the work is cut by its plain bytes, whatever its groups have', () => {
  const small = Array.from({ length: 70 }, () => taskOf([[1], [2], [3], [4]]));
  const large = Array.from({ length: 9 }, () => taskOf([], { plainLength: 1024 * 1024 }));
  assert.deepEqual(planBatches([]), []);
  assert.deepEqual(
    [small, large, [...small.slice(0, 31), ...large]].map((tasks) => planBatches(tasks).map((batch) => batch.length)),
    [
      [32, 32, 6],
      [8, 1],
      [32, 8],
    ],
  );
  assert.deepEqual(planBatches(small).flat(), small);
});

test('neighbours in a pack are read at once, up to a mebibyte', () => {
  const tasks = [
    taskOf([[1]], { groupOffset: 32, storedLength: 600_000 }),
    taskOf([[2]], { groupOffset: 600_032, storedLength: 400_000 }),
    taskOf([[3]], { groupOffset: 1_000_032, storedLength: 400_000 }),
    taskOf([[4]], { groupOffset: 1_500_000, storedLength: 2_000_000 }),
    taskOf([[5]], { packId: '2', groupOffset: 3_500_000 }),
    taskOf([[6]], { packId: '2', groupOffset: 32 }),
  ];
  assert.deepEqual(
    planSpans(tasks).map(({ packId, offset, length, tasks: inside }) => [packId, offset, length, inside.length]),
    [
      ['1', 32, 1_000_000, 2],
      ['1', 1_000_032, 400_000, 1],
      ['1', 1_500_000, 2_000_000, 1],
      ['2', 3_500_000, 1000, 1],
      ['2', 32, 1000, 1],
    ],
  );
});
