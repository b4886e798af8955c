/** The small pure parts: parent, progress, sizes, names, keys, addresses, the gate. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { OperationalError } from '../lib/errors.ts';
import { systemFiles } from '../lib/files.ts';
import { systemRandom } from '../lib/random.ts';
import { emptyTree } from '../repository/tree-ref.ts';
import { emptyOrigin, planSizeGib } from './disk-rows.ts';
import { chooseDevice } from './disks.ts';
import { planParent } from './parent.ts';
import { estimateProgress } from './progress.ts';
import { ensureRootKey } from './root-key.ts';

const tree = { root: 'a', levels: 1, dataChunkCount: 1 };
const base = { snapshotId: 's-0', tree: { root: 'b', levels: 1, dataChunkCount: 1 } };

test('a snapshot is compared with the newest one that it descends from, or with the base where that cannot be', () => {
  const stored = [2, 3].map((generation) => ({ snapshotId: `s-${generation}`, tree, generation }));
  const history: [number, number][] = [[1, 5]];
  const frozen = { generation: 5, base, baseGeneration: 1, history, compareReason: null };
  const newest = { snapshotId: 's-3', tree, sinceGeneration: 3 };
  const overBase = (sinceGeneration: number) => ({ snapshotId: null, tree: base.tree, sinceGeneration });
  assert.deepEqual(planParent(frozen, stored), newest);
  assert.deepEqual(planParent(frozen, stored.toReversed()), newest);
  assert.deepEqual(planParent(frozen, []), overBase(0));
  assert.deepEqual(
    planParent({ ...frozen, generation: 3 }, stored).snapshotId,
    's-2',
    'of what is earlier than itself',
  );
  assert.deepEqual(planParent({ ...frozen, baseGeneration: 4 }, stored), overBase(3), 'they are older than its base');
  const undone: [number, number][] = [
    [1, 2],
    [5, 5],
  ];
  assert.deepEqual(planParent({ ...frozen, history: undone }, stored).snapshotId, 's-2', 'a rollback undid s-3');
});

test('everything that a disk holds is read where nothing is known of its changes, or it began empty', () => {
  const history: [number, number][] = [[1, 5]];
  const frozen = { generation: 5, base, baseGeneration: 4, history, compareReason: null };
  const stored = [{ snapshotId: 's-4', tree, generation: 4 }];
  const lost = { ...frozen, compareReason: 'the journal was lost' };
  assert.deepEqual(planParent(lost, stored), { snapshotId: null, tree: base.tree, sinceGeneration: -1 });
  const empty = { ...frozen, base: { snapshotId: null, tree: emptyTree } };
  assert.deepEqual(planParent(empty, []), { snapshotId: null, tree: emptyTree, sinceGeneration: -1 });
});

test('progress is a whole percentage below 100, with an estimate that is never negative', () => {
  const count = fc.nat({ max: 2 ** 50 });
  fc.assert(
    fc.property(count, count, count, (doneBytes, totalBytes, elapsedMs) => {
      const { percent, remainingSeconds } = estimateProgress(doneBytes, totalBytes, elapsedMs);
      assert.ok(Number.isInteger(percent) && percent >= 0 && percent <= 99);
      assert.ok(Number.isInteger(remainingSeconds) && remainingSeconds >= 0);
    }),
  );
  assert.deepEqual(estimateProgress(25, 100, 10_000), { percent: 25, remainingSeconds: 30 });
});

test("a disk has at least its origin's size and its category's least, and not more than its most", () => {
  const essd = { category: 'cloud_essd', performanceLevel: 'PL1', sizeGib: null };
  const origin = { ...emptyOrigin, sizeGib: 30 };
  assert.equal(planSizeGib(essd, 'data', origin), 30);
  assert.equal(planSizeGib({ ...essd, sizeGib: 50 }, 'data', origin), 50);
  assert.equal(planSizeGib(essd, 'data', { ...emptyOrigin, sizeGib: 1 }), 20);
  assert.throws(() => planSizeGib(essd, 'data', emptyOrigin), { code: 'MissingParameter' });
  assert.throws(() => planSizeGib({ ...essd, sizeGib: 70_000 }, 'data', origin), {
    code: 'InvalidDiskSize.NotSupported',
  });
});

test('a device name is the wanted one if it is free, else the first free one', () => {
  assert.equal(chooseDevice(null, ['/dev/xvda', '/dev/xvdb', null]), '/dev/xvdc');
  assert.equal(chooseDevice('/dev/xvdh', ['/dev/xvdb']), '/dev/xvdh');
  assert.throws(() => chooseDevice('/dev/xvdb', ['/dev/xvdb']), { code: 'InvalidDevice.InUse' });
});

test('the root key is made once, 0600, and a file that is no key is said', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-key-'));
  try {
    const first = await ensureRootKey(systemFiles, folder, systemRandom);
    assert.match(first.accessKeyId, /^LTAI[0-9A-Za-z]{20}$/);
    assert.match(first.accessKeySecret, /^[0-9A-Za-z]{30}$/);
    assert.equal(fs.statSync(path.join(folder, 'root.json')).mode & 0o777, 0o600);
    assert.deepEqual(await ensureRootKey(systemFiles, folder, systemRandom), { ...first, isNew: false });
    fs.writeFileSync(path.join(folder, 'root.json'), '{}');
    await assert.rejects(ensureRootKey(systemFiles, folder, systemRandom), OperationalError);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});
