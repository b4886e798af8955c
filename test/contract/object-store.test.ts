/** The promises of `ObjectStore`, held by every implementation. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { AssertionError } from '../../src/lib/errors.ts';
import { DirectoryStore } from '../../src/repository/object-store/directory-store.ts';
import { MemoryStore } from '../../src/repository/object-store/memory-store.ts';
import type { ObjectStore } from '../../src/repository/object-store/object-store.ts';
import { RecordingFiles } from '../crash/recording-files.ts';

const implementations: Record<string, (folder: string) => ObjectStore> = {
  MemoryStore: () => new MemoryStore(),
  DirectoryStore: (folder) => new DirectoryStore(folder),
  'DirectoryStore over recorded files': () => {
    const files = new RecordingFiles().startProcess();
    files.ensureFolder('/repository');
    return new DirectoryStore('/repository', files);
  },
};

const bytes = (text: string): Buffer[] => [Buffer.from(text)];

for (const [name, open] of Object.entries(implementations)) {
  const withStore = (title: string, body: (store: ObjectStore) => Promise<void>): void => {
    test(`${name}: ${title}`, async () => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-store-'));
      try {
        await body(open(folder));
      } finally {
        fs.rmSync(folder, { recursive: true });
      }
    });
  };

  withStore('an object reads back whole and in ranges', async (store) => {
    assert.equal(await store.put('packs/ab/one', [Buffer.from('hel'), Buffer.from('lo')]), true);
    assert.equal((await store.find('packs/ab/one'))?.toString(), 'hello');
    assert.equal((await store.find('packs/ab/one', { offset: 1, length: 3 }))?.toString(), 'ell');
    assert.equal((await store.find('packs/ab/one', { offset: 3, length: 9 }))?.toString(), 'lo');
    assert.equal((await store.find('packs/ab/one', { offset: 9, length: 1 }))?.length, 0);
    assert.deepEqual(await store.stat('packs/ab/one'), { name: 'packs/ab/one', sizeBytes: 5 });
    await store.persist('packs/ab/one');
  });

  withStore('an absent object is undefined', async (store) => {
    assert.equal(await store.find('snapshots/s-1'), undefined);
    assert.equal(await store.find('snapshots/s-1', { offset: 0, length: 1 }), undefined);
    assert.equal(await store.stat('snapshots/s-1'), undefined);
  });

  withStore('putting what is there changes nothing and says so', async (store) => {
    assert.equal(await store.put('a/x', bytes('first')), true);
    assert.equal(await store.put('a/x', bytes('second')), false);
    assert.equal((await store.find('a/x'))?.toString(), 'first');
  });

  withStore('of puts at once under one name one creates the object', async (store) => {
    const results = await Promise.all(['1', '2', '3', '4'].map(async (text) => store.put('a/x', bytes(text))));
    assert.equal(results.filter(Boolean).length, 1);
    assert.equal((await store.find('a/x'))?.toString(), String(results.indexOf(true) + 1));
    await store.put('b/y', bytes('y'));
    assert.equal(await store.removeLeftovers(), 0, 'nothing is left behind');
  });

  withStore('an empty object is an object', async (store) => {
    assert.equal(await store.put('a/empty', []), true);
    assert.equal((await store.find('a/empty'))?.length, 0);
  });

  withStore('a list holds what begins with the prefix, in order of names', async (store) => {
    const names = ['a/b/2', 'a/b/10', 'a/b-c/1', 'a/b.d', 'a/c', 'ab/x'];
    for (const each of names) await store.put(each, bytes(each));
    const listed = await Array.fromAsync(store.list('a/'));
    assert.deepEqual(
      listed,
      ['a/b-c/1', 'a/b.d', 'a/b/10', 'a/b/2', 'a/c'].map((each) => ({ name: each, sizeBytes: each.length })),
    );
    assert.deepEqual(await Array.fromAsync(store.list('none/')), []);
  });

  withStore('a deleted object is gone, and deleting it again is nothing', async (store) => {
    await store.put('a/x', bytes('x'));
    await store.delete('a/x');
    await store.delete('a/x');
    await store.delete('never/there');
    assert.equal(await store.find('a/x'), undefined);
    assert.equal(await store.put('a/x', bytes('again')), true);
  });

  withStore('names that leave the store are refused', async (store) => {
    for (const bad of ['', 'x', '/a/b', 'a/../b', '../a/b', 'a/.b', 'a//b', 'a/b/', 'a/b c', 'a/b\n']) {
      await assert.rejects(async () => store.put(bad, bytes('x')), AssertionError, JSON.stringify(bad));
      await assert.rejects(async () => store.find(bad), AssertionError, JSON.stringify(bad));
    }
    assert.throws(() => store.list('a'), AssertionError);
  });
}

test('DirectoryStore: what an interrupted put left is removed and counted', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-store-'));
  try {
    fs.mkdirSync(path.join(folder, 'tmp'));
    fs.writeFileSync(path.join(folder, 'tmp', 'packs~ab~one.0'), 'half');
    assert.equal(await new DirectoryStore(folder).removeLeftovers(), 4);
    assert.deepEqual(fs.readdirSync(path.join(folder, 'tmp')), []);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});
