/** The promises of `ObjectStore`, held by every implementation. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import type { Clock } from '../../src/lib/clock.ts';
import { AssertionError } from '../../src/lib/errors.ts';
import { systemFiles } from '../../src/lib/files.ts';
import type { Random } from '../../src/lib/random.ts';
import { directBuffer, directReadBytes } from '../../src/repository/direct-file.ts';
import { DirectoryStore } from '../../src/repository/object-store/directory-store.ts';
import { MemoryStore } from '../../src/repository/object-store/memory-store.ts';
import type { ObjectStore } from '../../src/repository/object-store/object-store.ts';
import { RetryingStore } from '../../src/repository/object-store/retrying-store.ts';
import { RecordingFiles, systemError } from '../crash/recording-files.ts';
import { DelayedStore } from '../support/delayed-store.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import type { Fault, FaultPlan } from '../support/faulty-store.ts';

const implementations: Record<string, (folder: string) => ObjectStore> = {
  MemoryStore: () => new MemoryStore(),
  DirectoryStore: (folder) => new DirectoryStore(folder),
  'DirectoryStore over recorded files': () => {
    const files = new RecordingFiles().startProcess();
    files.ensureFolder('/repository');
    return new DirectoryStore('/repository', files);
  },
  'RetryingStore over MemoryStore': () => retrying(new MemoryStore()),
  'RetryingStore over DirectoryStore': (folder) => retrying(new DirectoryStore(folder)),
  'RetryingStore over a store whose calls fail': () => retrying(new FaultyStore(new MemoryStore(), failInEachWay)),
  'DelayedStore over MemoryStore': () => new DelayedStore(new MemoryStore(), overtaking()),
};

function retrying(inner: ObjectStore): RetryingStore {
  const clock: Clock = { nowMs: () => 0, monotonicMs: () => 0, sleep: async () => undefined };
  const random: Random = { bytes: (byteCount) => Buffer.alloc(byteCount) };
  return new RetryingStore(inner, { attempts: 12, firstPauseMs: 1, longestPauseMs: 1, clock, random });
}

/** Every call fails before it takes effect, again after it, and then succeeds; a list breaks between names as well. */
const failInEachWay: FaultPlan = ({ operation }, occurrence) => {
  const faults: Fault[] = operation === 'list' ? ['before', { afterItems: 1 }, { afterItems: 3 }] : ['before'];
  return [...faults, 'after' as const, undefined][occurrence % (faults.length + 2)];
};

/** Each delay takes fewer turns than the one before it, five at the most: of calls at once the last acts first. */
function overtaking(): () => Promise<void> {
  let callCount = 0;
  return async () => {
    for (let turn = callCount++ % 5; turn < 5; turn++) await Promise.resolve();
  };
}

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

  withStore('ranges are the same with room for the answer, wherever they begin and end', async (store) => {
    const content = randomBytes(3 * 1024 * 1024 + 777);
    await store.put('packs/ab/large', [content]);
    const [small, large] = [directBuffer(8192), directBuffer(directReadBytes(1024 * 1024))];
    for (const offset of [
      0,
      1,
      4095,
      4096,
      1_000_003,
      content.length - 5000,
      content.length - 1,
      content.length + 9000,
    ]) {
      for (const length of [1, 4096, 4097, 8193, 1024 * 1024]) {
        for (const room of [small, large]) {
          const found = await store.find('packs/ab/large', { offset, length }, room);
          assert.ok(found?.equals(content.subarray(offset, offset + length)), `${length} content at ${offset}`);
        }
      }
    }
  });

  withStore('an absent object is undefined', async (store) => {
    assert.equal(await store.find('snapshots/s-1'), undefined);
    assert.equal(await store.find('snapshots/s-1', { offset: 0, length: 1 }), undefined);
    assert.equal(await store.find('snapshots/s-1', { offset: 0, length: 1 }, directBuffer(8192)), undefined);
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

  withStore('puts under way beside removeLeftovers create their objects', async (store) => {
    const contents = [Buffer.from('small'), randomBytes(3 * 1024 * 1024 + 777)];
    const puts = contents.map(async (content, number) => store.put(`a/${number}`, [content]));
    const all = Promise.all(puts);
    const isEnded = async () => Promise.race([all.then(() => true), new Promise(setImmediate).then(() => false)]);
    do assert.equal(await store.removeLeftovers(), 0);
    while (!(await isEnded()));
    assert.deepEqual(await all, [true, true]);
    for (const [number, content] of contents.entries()) assert.ok((await store.find(`a/${number}`))?.equals(content));
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

test('DirectoryStore: what an interrupted put left is removed and counted an hour after it was written, not before', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-store-'));
  try {
    const temporary = path.join(folder, 'tmp');
    fs.mkdirSync(temporary);
    const writtenAtS = { 'packs~ab~old.0': 1000, 'packs~ab~young.0': 1001 };
    for (const [leaf, seconds] of Object.entries(writtenAtS)) {
      fs.writeFileSync(path.join(temporary, leaf), 'half');
      fs.utimesSync(path.join(temporary, leaf), seconds, seconds);
    }
    const clock = { nowMs: () => 1_000_500 + 60 * 60 * 1000 };
    assert.equal(await new DirectoryStore(folder, systemFiles, clock).removeLeftovers(), 4);
    assert.deepEqual(fs.readdirSync(temporary), ['packs~ab~young.0']);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test('DirectoryStore: a put of another store beside removeLeftovers creates its object', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-store-'));
  try {
    const put = new DirectoryStore(folder).put('a/x', bytes('x'));
    assert.equal(fs.readdirSync(path.join(folder, 'tmp')).length, 1, 'it is being written');
    assert.equal(await new DirectoryStore(folder).removeLeftovers(), 0);
    assert.equal(await put, true);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test('DirectoryStore: what a put leaves that failed is a leftover like others', async () => {
  const machine = new RecordingFiles();
  const files = machine.startProcess();
  files.ensureFolder('/repository');
  const store = new DirectoryStore('/repository', files);
  machine.fault = ({ name }) => (name === 'link' ? { error: systemError('ENOSPC', 'link') } : undefined);
  await assert.rejects(store.put('a/x', bytes('four')), { name: 'OperationalError', retryable: true });
  assert.equal(await store.removeLeftovers(), 4);
  assert.deepEqual(files.list('/repository/tmp'), []);
});

test('DelayedStore: a list is a round trip for each thousand names, every other call is one', async () => {
  const inner = new MemoryStore();
  const store = new DelayedStore(inner, async () => undefined);
  const countTrips = async (act: () => Promise<unknown>): Promise<number> => {
    const before = store.roundTripCount;
    await act();
    return store.roundTripCount - before;
  };
  for (let count = 0; count < 1000; count++) await inner.put(`a/${count}`, []);
  assert.equal(await countTrips(async () => Array.fromAsync(store.list('none/'))), 1);
  assert.equal(await countTrips(async () => Array.fromAsync(store.list('a/'))), 1);
  assert.equal(await countTrips(async () => store.put('a/1000', [])), 1);
  assert.equal(await countTrips(async () => Array.fromAsync(store.list('a/'))), 2);
  assert.equal(await countTrips(async () => store.find('a/1', { offset: 0, length: 1 })), 1);
});

test('DirectoryStore: of puts by several processes at once one creates the object, and what others left is no obstacle', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-store-'));
  try {
    fs.mkdirSync(path.join(folder, 'tmp'));
    fs.writeFileSync(path.join(folder, 'tmp', 'owners~1.0'), 'of another, which is still writing');
    const stores = Array.from({ length: 6 }, () => new DirectoryStore(folder));
    const results = await Promise.all(
      stores.map(async (store, number) => store.put('owners/1', bytes(String(number)))),
    );
    assert.deepEqual(results.filter(Boolean).length, 1);
    const text = (await stores[0]?.find('owners/1'))?.toString();
    assert.equal(text, String(results.indexOf(true)));
    assert.deepEqual(fs.readdirSync(path.join(folder, 'tmp')), ['owners~1.0']);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});
