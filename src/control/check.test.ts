import assert from 'node:assert/strict';
import test from 'node:test';
import { World, allRows, diskRequest, runRequest } from '../../test/control/world.ts';
import { RequestError } from '../lib/errors.ts';
import { emptyTree } from '../repository/tree-ref.ts';
import type { Manifest } from '../repository/manifest.ts';
import { checkEverything, compareRecords, disksOfDiskd } from './check.ts';
import type { CheckedRepository, Records, StoredDisk } from './check.ts';

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
  diskType: 'data',
  ownerEpoch: 1,
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
  return { disks: [disk], snapshots: [{ snapshotId: 's-1', tree }], changing: '[]', ...change };
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
  const changing = JSON.stringify([{ subjectId: 'd-1', state: { snapshotId: 's-1' } }]);
  assert.deepEqual(compareRecords(records({ changing, snapshots: [] }), [], [manifest]), []);
});

/** What a check of the world finds; `roots` are those that its repository is asked to verify. */
async function checkWorld(world: World): Promise<{ findings: string[]; roots: string[] }> {
  const roots: string[] = [];
  const repository: CheckedRepository = {
    readManifests: async () => ({ manifests: await world.repository.listManifests(), damagedIds: [] }),
    check: async (request) => {
      for (const { name, tree: each } of await request.listRoots()) {
        world.repository.words(each);
        roots.push(name);
      }
      return [];
    },
  };
  const handlers = world.diskd.handlers();
  const disks = disksOfDiskd({
    call: async (name, body) => (await handlers[name](body as never, new AbortController().signal)) as never,
  });
  const options = { heal: false, readData: false };
  const { findings } = await checkEverything(world.catalog.queries, disks, repository, options);
  return { findings, roots };
}

test('disks that are just being made are no finding, neither by themselves nor with their instance', async (t) => {
  const world = await World.create();
  t.after(() => world.end());
  const held = Promise.withResolvers<void>();
  world.diskd.before = (call) => (call === 'createDisk' ? held.promise : Promise.resolve());
  const making = [world.control.createDisk(diskRequest()), world.control.runInstances(runRequest())];
  await world.until('diskd to be asked', async () => world.diskd.calls.includes('createDisk'));
  await world.until('both to be written', async () => {
    const rows = await world.catalog.queries.selectFrom('disks').select('disk_id').execute();
    return rows.length === 3;
  });
  assert.deepEqual((await checkWorld(world)).findings, []);
  held.resolve();
  await Promise.all(making);
  await world.settle();
  assert.deepEqual((await checkWorld(world)).findings, []);
});

test('disks that go with an instance that cannot start are no finding while half of them are gone', async (t) => {
  const world = await World.create();
  t.after(() => world.end());
  const held = Promise.withResolvers<void>();
  let deletionCount = 0;
  world.diskd.before = async (call) => {
    if (call === 'openDisk') throw new RequestError('OperationDenied', 'it refuses');
    if (call === 'deleteDisk' && ++deletionCount === 2) await held.promise;
  };
  const running = world.control.runInstances(runRequest()).catch(() => undefined);
  await world.until('the second deletion', async () => deletionCount === 2);
  assert.deepEqual((await checkWorld(world)).findings, []);
  held.resolve();
  await running;
  await world.settle();
});

test('a disk that was Creating when the catalog was read is no finding, whatever became of its operation', async (t) => {
  const world = await World.create();
  t.after(() => world.end());
  const { diskId } = await world.control.createDisk(diskRequest());
  world.diskd.disks.delete(diskId);
  assert.match((await checkWorld(world)).findings.join(), new RegExp(diskId));
  await world.catalog.queries.updateTable('disks').set({ status: 'Creating' }).execute();
  assert.deepEqual((await checkWorld(world)).findings, []);
});

test('what only a disk or an image keeps is verified too, and what an operation works with', async (t) => {
  const world = await World.create();
  t.after(() => world.end());
  const { diskId, instanceId } = await world.runOne();
  world.diskd.write(diskId, 1, 'a');
  const snapshotId = await world.takeSnapshot(diskId);
  const { diskId: madeId } = await world.control.createDisk(diskRequest({ snapshotId }));
  const { imageId } = await world.control.createImage({
    ...{ instanceId, disks: null, snapshotId: null, imageName: null, description: '', imageFamily: '' },
    ...{ imageVersion: '', architecture: null, platform: null, bootMode: null, resourceGroupId: 'rg-1', tags: [] },
  });
  await world.settle();
  await world.control.deleteSnapshot({ snapshotId, force: true });
  await world.settle();
  await world.power('stop', instanceId);
  const own = (await world.control.listSnapshots({ diskId }, allRows)).items[0]?.snapshotId ?? '';
  const held = Promise.withResolvers<void>();
  world.diskd.before = (call) => (call === 'rollback' ? held.promise : Promise.resolve());
  const resetting = world.control.resetDisk({ diskId, snapshotId: own });
  await world.until('diskd to be asked', async () => world.diskd.calls.includes('rollback'));
  const { findings, roots } = await checkWorld(world);
  assert.deepEqual(findings, []);
  assert.deepEqual(roots, [
    `the base of the disk ${madeId}`,
    `/dev/xvdb of the image ${imageId}`,
    `what reset-disk of ${diskId} works with`,
  ]);
  held.resolve();
  await resetting;
  await world.settle();
});
