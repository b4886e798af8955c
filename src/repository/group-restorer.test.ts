/** What restores groups: the same on the thread that plans and on one of its own. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { AssertionError, CorruptionError } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { BatchLookup } from './digest-questions.ts';
import { digestOf } from './digest.ts';
import { GroupRestorer } from './group-restorer.ts';
import type { RestoreStart } from './group-restorer.ts';
import { planRestore } from './plan-restore.ts';
import type { GroupTask } from './plan-restore.ts';
import { RestoreThread } from './restore-thread.ts';
import { openStores, repositoryIn } from './stores.ts';
import { chunkBytes, imageOf, newPlace, storeImage } from '../../test/support/repositories.ts';

interface Fixture {
  start: RestoreStart;
  /** Chunk n of the file is the bytes of seed n, for 40 chunks. */
  tasks: GroupTask[];
}

const CHUNKS = 40;

async function withGroups(body: (fixture: Fixture) => Promise<void>): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-group-'));
  try {
    const stores = await openStores(newPlace(folder));
    await storeImage(stores, imageOf(0, CHUNKS, 0));
    const window = Array.from({ length: CHUNKS }, (_, chunk) => ({ chunk, digest: digestOf(chunkBytes(chunk)) }));
    const tasks = planRestore(window, new BatchLookup(stores.index).locate(window.map(({ digest }) => digest)));
    stores.index.close();
    const file = path.join(folder, 'out.img');
    fs.writeFileSync(file, '');
    await body({ start: { repository: repositoryIn(folder), file }, tasks });
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

for (const Restorer of [GroupRestorer, RestoreThread]) {
  test(`a ${Restorer.name} writes what it is told, one order after another`, async () => {
    await withGroups(async ({ start, tasks }) => {
      const restorer = new Restorer(start);
      const running = [tasks.slice(0, 3), tasks.slice(3, 4), tasks.slice(4)].map(async (some) => restorer.run(some));
      assert.deepEqual(await Promise.all(running), [12 * CHUNK_BYTES, 4 * CHUNK_BYTES, 24 * CHUNK_BYTES]);
      await restorer.finish();
      await restorer.close();
      const bytes = fs.readFileSync(start.file);
      for (let chunk = 0; chunk < CHUNKS; chunk++) {
        const written = bytes.subarray(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES);
        assert.ok(written.equals(chunkBytes(chunk)), `chunk ${chunk}`);
      }
    });
  });

  test(`a ${Restorer.name} names what is damaged, and does what comes after`, async () => {
    await withGroups(async ({ start, tasks: [first, second] }) => {
      assert.ok(first && second);
      const unknown = digestOf(Buffer.from('none')).toString('hex');
      const entries = first.entries.map((entry) => ({ ...entry, digest: unknown }));
      const restorer = new Restorer(start);
      const failing = restorer.run([{ ...first, entries }]);
      const running = restorer.run([second]);
      await assert.rejects(failing, (error) => error instanceof CorruptionError && error.what === `chunk ${unknown}`);
      assert.equal(await running, second.plainLength);
      await restorer.finish();
      await restorer.close();
      const bytes = fs.readFileSync(start.file).subarray(4 * CHUNK_BYTES, 5 * CHUNK_BYTES);
      assert.ok(bytes.equals(chunkBytes(4)));
    });
  });

  test(`a ${Restorer.name} finds chunks that are not where they were`, async () => {
    await withGroups(async ({ start, tasks: [first, second] }) => {
      assert.ok(first && second);
      const restorer = new Restorer(start);
      await restorer.run([{ ...first, packId: '0'.repeat(32) }]);
      await restorer.run([{ ...second, groupOffset: first.groupOffset, storedLength: first.storedLength }]);
      await restorer.finish();
      await restorer.close();
      const bytes = fs.readFileSync(start.file);
      const expected = Array.from({ length: 8 }, (_, chunk) => chunkBytes(chunk));
      assert.ok(bytes.equals(Buffer.concat(expected)));
    });
  });
}

test('a closed GroupRestorer leaves the file alone', async () => {
  await withGroups(async ({ start, tasks }) => {
    const restorer = new GroupRestorer(start);
    const running = restorer.run(tasks);
    await restorer.close();
    assert.equal(await running, 0);
    assert.equal(fs.statSync(start.file).size, 0);
  });
});

test('a thread that cannot begin fails what it is told', async () => {
  await withGroups(async ({ start, tasks }) => {
    const restorer = new RestoreThread({ ...start, file: `${start.file}.none` });
    await assert.rejects(restorer.run(tasks), /ENOENT/);
    await assert.rejects(restorer.run(tasks), (error) => !(error instanceof AssertionError));
    await restorer.close();
  });
});
