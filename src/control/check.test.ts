import assert from 'node:assert/strict';
import test from 'node:test';
import { emptyTree } from '../repository/tree-ref.ts';
import type { Manifest } from '../repository/manifest.ts';
import { compareRecords } from './check.ts';
import type { Records, StoredDisk } from './check.ts';

const tree = { root: 'a'.repeat(64), levels: 1, dataChunkCount: 1 };
const disk: StoredDisk = {
  diskId: 'd-1',
  sizeBytes: 1024,
  incarnation: 1,
  base: { snapshotId: null, tree: emptyTree },
};
const manifest: Manifest = {
  snapshotId: 's-1',
  diskId: 'd-1',
  sizeBytes: 1024,
  tree,
  generation: 1,
  incarnation: 1,
  createdAtMs: 1,
  parentSnapshotId: null,
  name: null,
  description: '',
  statistics: { changedChunkCount: 1, newChunkCount: 1, readBytes: 1, storedBytes: 1 },
};

function records(change: Partial<Records> = {}): Records {
  return { disks: [disk], snapshots: [{ snapshotId: 's-1', tree }], operations: '[]', ...change };
}

test('records that agree give no finding', () => {
  assert.deepEqual(compareRecords(records(), [disk], [manifest]), []);
});

test('each disagreement is found and names its subject', () => {
  const other = { ...tree, root: 'b'.repeat(64) };
  const cases: [RegExp, string[]][] = [
    [/disk d-1 is in the catalog, but/, compareRecords(records(), [], [manifest])],
    [/disks\/d-1 is there, but the catalog/, compareRecords(records({ disks: [] }), [disk], [manifest])],
    [/d-1 has size 2048, the catalog says 1024/, compareRecords(records(), [{ ...disk, sizeBytes: 2048 }], [manifest])],
    [/d-1 has incarnation 2/, compareRecords(records(), [{ ...disk, incarnation: 2 }], [manifest])],
    [/d-1 has base aaaa/, compareRecords(records(), [{ ...disk, base: { snapshotId: 's-1', tree } }], [manifest])],
    [/s-1 is accomplished, but the repository/, compareRecords(records(), [disk], [])],
    [/repository has the snapshot s-1/, compareRecords(records({ snapshots: [] }), [disk], [manifest])],
    [/s-1 has another tree/, compareRecords(records(), [disk], [{ ...manifest, tree: other }])],
  ];
  for (const [expected, findings] of cases) {
    assert.equal(findings.length, 1, String(expected));
    assert.match(findings[0] ?? '', expected);
  }
});

test('what an operation is changing is no finding', () => {
  const operations = JSON.stringify([{ subjectId: 'd-1', state: { snapshotId: 's-1' } }]);
  assert.deepEqual(compareRecords(records({ operations, snapshots: [] }), [], [manifest]), []);
});
