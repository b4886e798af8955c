/**
 * Power cuts while a snapshot is uploaded, committed, deleted and collected (F2, R3): in every state that a cut may
 * leave, each snapshot that was acknowledged reads back byte for byte, one that was not is there wholly or not at all, a
 * deleted one does not come back, and the next writer and collector find their way.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { commitManifest, deleteManifest, listManifests } from '../../src/repository/manifest.ts';
import { DirectoryStore } from '../../src/repository/object-store/directory-store.ts';
import { PackIndex } from '../../src/repository/pack-index.ts';
import type { Stores } from '../../src/repository/stores.ts';
import { emptyTree } from '../../src/repository/tree-ref.ts';
import {
  assertChecksClean,
  assertImage,
  collectAlone,
  imageOf,
  manifestOf,
  seededRandom,
  storeImage,
} from '../support/repositories.ts';
import type { Image } from '../support/repositories.ts';
import { RecordingFiles, powerCuts, seededPick } from './recording-files.ts';

const FOLDER = '/repository';

const images: Record<string, Image> = {
  's-1': imageOf(0, 6, 1),
  's-2': new Map([...imageOf(0, 6, 1), ...imageOf(3, 5, 50)]),
  's-5': imageOf(2, 9, 52),
};

type Mark = { committed?: string; deleting?: string; deleted?: string };

/** The whole life of two snapshots on one machine, marking what was acknowledged. */
async function live(machine: RecordingFiles): Promise<void> {
  const files = machine.startProcess();
  files.ensureFolder(FOLDER);
  await files.syncFolder('/');
  const stores: Stores = { store: new DirectoryStore(FOLDER, files), index: PackIndex.open(':memory:') };
  const mark = (value: Mark) => machine.mark(value);
  let parent = emptyTree;
  for (const snapshotId of ['s-1', 's-2']) {
    const image = images[snapshotId] ?? new Map();
    parent = await storeImage(stores, image, { parent, random: seededRandom(Number(snapshotId.slice(2))) });
    await commitManifest(stores.store, manifestOf(snapshotId, parent));
    mark({ committed: snapshotId });
  }
  mark({ deleting: 's-1' });
  await deleteManifest(stores.store, 's-1');
  mark({ deleted: 's-1' });
  await collectAlone(stores, { random: seededRandom(9) });
  stores.index.close();
}

async function assertSurvives(stores: Stores, marks: readonly unknown[]): Promise<void> {
  const all = (marks as Mark[]).filter((mark) => typeof mark === 'object');
  const committed = all.flatMap((mark) => mark.committed ?? []);
  const deleting = new Set(all.flatMap((mark) => mark.deleting ?? []));
  const deleted = new Set(all.flatMap((mark) => mark.deleted ?? []));
  const there = new Map((await Array.fromAsync(listManifests(stores.store))).map((each) => [each.snapshotId, each]));
  for (const snapshotId of committed) {
    if (!deleting.has(snapshotId)) assert.ok(there.has(snapshotId), `${snapshotId} was acknowledged and is gone`);
  }
  for (const snapshotId of deleted) assert.ok(!there.has(snapshotId), `${snapshotId} was deleted and is back`);
  for (const [snapshotId, { tree }] of there) await assertImage(stores, tree, images[snapshotId] ?? new Map());
}

/** After the reboot: a new index, as a lost `index.db` gives. */
async function assertGoesOn(files: RecordingFiles, marks: readonly unknown[]): Promise<void> {
  const process = files.startProcess();
  process.ensureFolder(FOLDER);
  const stores: Stores = { store: new DirectoryStore(FOLDER, process), index: PackIndex.open(':memory:') };
  try {
    await stores.index.reconcile(stores.store);
    await assertSurvives(stores, marks);
    await assertChecksClean(stores);
    const tree = await storeImage(stores, images['s-5'] ?? new Map(), { random: seededRandom(71) });
    await commitManifest(stores.store, manifestOf('s-5', tree));
    await collectAlone(stores, { random: seededRandom(72) });
    await assertImage(stores, tree, images['s-5'] ?? new Map());
    await assertSurvives(stores, marks);
    await assertChecksClean(stores);
    assert.equal(process.openCount, 0, 'no file is left open');
  } finally {
    stores.index.close();
  }
}

test('whatever a power cut leaves of upload, commit, delete and collection, acknowledged snapshots are whole', async () => {
  const machine = new RecordingFiles();
  await live(machine);
  const seed = 20_261_122;
  let count = 0;
  for (const { files, marks, description } of powerCuts(machine, {
    pick: seededPick(seed),
    statesPerMoment: 3,
    skip: 2,
  })) {
    await assertGoesOn(files, marks).catch((error: unknown) => {
      throw new Error(`seed ${seed}: ${description}, after ${JSON.stringify(marks)}`, { cause: error });
    });
    count++;
  }
  assert.ok(count > 50, `only ${count} states were looked at`);
});

test('a process killed at any moment leaves nothing that the next collection does not remove', async () => {
  for (const killAt of [3, 9, 15, 21, 27, 33, 40]) {
    const machine = new RecordingFiles({ record: false });
    let calls = 0;
    machine.fault = ({ name }) => {
      const isChange = ['open', 'write', 'rename', 'unlink', 'syncData', 'syncFolder'].includes(name);
      return isChange && ++calls >= killAt ? { error: new Error('the process is gone') } : undefined;
    };
    await assert.rejects(live(machine), /the process is gone/);
    machine.fault = undefined;
    const files = machine.startProcess();
    const store = new DirectoryStore(FOLDER, files);
    files.ensureFolder(FOLDER);
    const stores: Stores = { store, index: PackIndex.open(':memory:') };
    await collectAlone(stores, { random: seededRandom(4) });
    assert.deepEqual(files.list(`${FOLDER}/tmp`), []);
    const isEmpty = (await Array.fromAsync(listManifests(store))).length === 0;
    if (isEmpty) assert.deepEqual(await Array.fromAsync(store.list('packs/')), []);
    await assertChecksClean(stores);
    stores.index.close();
  }
});
