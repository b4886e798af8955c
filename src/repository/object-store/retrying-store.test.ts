import assert from 'node:assert/strict';
import test from 'node:test';
import { FaultyStore } from '../../../test/support/faulty-store.ts';
import type { FaultPlan } from '../../../test/support/faulty-store.ts';
import { seededRandom } from '../../../test/support/repositories.ts';
import type { Clock } from '../../lib/clock.ts';
import { AssertionError, CorruptionError, OperationalError } from '../../lib/errors.ts';
import { MemoryStore } from './memory-store.ts';
import type { ObjectInfo, ObjectStore } from './object-store.ts';
import { RetryingStore } from './retrying-store.ts';
import type { RetryOptions } from './retrying-store.ts';

interface Bed {
  memory: MemoryStore;
  faulty: FaultyStore;
  store: RetryingStore;
  /** The pauses that were made, in order. */
  pausesMs: number[];
}

/** A store in memory below one that fails as `plan` says, below the one under test; its pauses take no time. */
function setUp(plan: FaultPlan, options: Partial<RetryOptions> = {}): Bed {
  const pausesMs: number[] = [];
  const clock: Clock = {
    nowMs: () => 0,
    monotonicMs: () => 0,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      pausesMs.push(ms);
    },
  };
  const memory = new MemoryStore();
  const faulty = new FaultyStore(memory, plan);
  const defaults = { attempts: 4, firstPauseMs: 100, longestPauseMs: 1000, clock, random: seededRandom(7) };
  return { memory, faulty, store: new RetryingStore(faulty, { ...defaults, ...options }), pausesMs };
}

const bytes = (text: string): Buffer => Buffer.from(text);

/** One call of each operation, on an object `a/x`. */
const calls: [keyof ObjectStore, (store: ObjectStore) => Promise<unknown>][] = [
  ['put', async (store) => store.put('a/x', [bytes('x')])],
  ['find', async (store) => store.find('a/x')],
  ['stat', async (store) => store.stat('a/x')],
  ['list', async (store) => Array.fromAsync(store.list('a/'))],
  ['delete', async (store) => store.delete('a/x')],
  ['persist', async (store) => store.persist('a/x')],
  ['removeLeftovers', async (store) => store.removeLeftovers()],
];

test('a put whose answer was lost has created the object, whatever parts it was given in', async () => {
  for (const parts of [['hello'], ['he', '', 'llo'], [], ['']]) {
    const { memory, faulty, store } = setUp(({ operation }, occurrence) =>
      operation === 'put' && occurrence < 2 ? 'after' : undefined,
    );
    assert.equal(await store.put('a/x', parts.map(bytes)), true);
    assert.equal(memory.objects.get('a/x')?.toString(), parts.join(''));
    assert.deepEqual([faulty.callCounts.put, faulty.callCounts.find], [3, 1]);
  }
});

test('an object of another writer, there before a put is repeated, is not ours', async () => {
  for (const other of ['', 'hell', 'hello!', 'hexlo', 'jello']) {
    const { memory, store } = setUp(({ operation, name }, occurrence) => {
      if (operation !== 'put' || occurrence > 0) return undefined;
      memory.objects.set(name, bytes(other));
      return 'before';
    });
    assert.equal(await store.put('a/x', [bytes('he'), bytes('llo')]), false, `beside ${JSON.stringify(other)}`);
    assert.equal(memory.objects.get('a/x')?.toString(), other);
  }
});

test('a put that does not fail believes the store and reads nothing back', async () => {
  const { faulty, store } = setUp(() => undefined);
  assert.equal(await store.put('a/x', [bytes('x')]), true);
  assert.equal(await store.put('a/x', [bytes('x')]), false);
  assert.deepEqual([faulty.callCounts.put, faulty.callCounts.find], [2, 0]);
});

test('when reading back fails it alone is repeated: the bytes are not sent again', async () => {
  const { faulty, store } = setUp(({ operation }, occurrence) => {
    return occurrence < (operation === 'put' ? 1 : 3) ? 'after' : undefined;
  });
  assert.equal(await store.put('a/x', [bytes('x')]), true);
  assert.deepEqual([faulty.callCounts.put, faulty.callCounts.find], [2, 4]);
});

test('an object that is deleted before it is read back leaves open whose it was', async () => {
  const { memory, store } = setUp(({ operation, name }, occurrence) => {
    if (operation === 'find') memory.objects.delete(name);
    return operation === 'put' && occurrence === 0 ? 'after' : undefined;
  });
  await assert.rejects(store.put('a/x', [bytes('x')]), { name: 'OperationalError', retryable: true });
});

test('a find of a range that fails is repeated with the same range', async () => {
  const { store } = setUp(({ operation }, occurrence) =>
    operation === 'find' ? ([undefined, 'before', 'after'] as const)[(occurrence + 1) % 3] : undefined,
  );
  await store.put('a/x', [bytes('hello')]);
  assert.equal((await store.find('a/x', { offset: 1, length: 3 }))?.toString(), 'ell');
  assert.equal((await store.find('a/x', { offset: 4, length: 9 }))?.toString(), 'o');
  assert.equal(await store.find('a/y', { offset: 4, length: 9 }), undefined);
});

/** Names whose order as paths is not that of their bytes. */
const names = ['a/b-c/1', 'a/b.d', 'a/b/10', 'a/b/2', 'a/c'];

async function putNames({ memory }: Bed): Promise<void> {
  for (const name of names) await memory.put(name, [bytes(name)]);
}

async function listNames(store: ObjectStore): Promise<string[]> {
  return Array.fromAsync(store.list('a/'), ({ name }) => name);
}

test('a list broken at any position, and again at any other, has every name once and in order', async () => {
  for (let first = 0; first <= names.length; first++) {
    for (let second = 0; second <= names.length; second++) {
      const bed = setUp((_, occurrence) => [{ afterItems: first }, { afterItems: second }][occurrence]);
      await putNames(bed);
      assert.deepEqual(await listNames(bed.store), names, `broken after ${first}, then after ${second}`);
      assert.equal(bed.faulty.callCounts.list, 3);
    }
  }
});

test('a list that gets further each time goes on however often it breaks', async () => {
  const bed = setUp((_, occurrence) => (occurrence <= names.length ? { afterItems: occurrence } : undefined), {
    attempts: 2,
  });
  await putNames(bed);
  assert.deepEqual(await listNames(bed.store), names);
  assert.equal(bed.faulty.callCounts.list, names.length + 2);
});

test('a list that gets no further gives up after so many attempts, with what it found given out', async () => {
  const bed = setUp((_, occurrence) => (occurrence < 10 ? { afterItems: 3 } : undefined));
  await putNames(bed);
  const given: string[] = [];
  await assert.rejects(async () => {
    for await (const { name } of bed.store.list('a/')) given.push(name);
  }, OperationalError);
  assert.deepEqual(given, names.slice(0, 3));
  assert.equal(bed.faulty.callCounts.list, 4);
});

test('a broken list misses nothing that stays and repeats nothing, though objects come and go meanwhile', async () => {
  const bed = setUp((_, occurrence) => {
    if (occurrence === 0) return { afterItems: 3 };
    bed.memory.objects.delete('a/b/10'); // the last that was given out
    bed.memory.objects.delete('a/b-c/1');
    bed.memory.objects.set('a/a', bytes('new, before it'));
    bed.memory.objects.set('a/b/3', bytes('new, behind it'));
    return undefined;
  });
  await putNames(bed);
  assert.deepEqual(await listNames(bed.store), ['a/b-c/1', 'a/b.d', 'a/b/10', 'a/b/2', 'a/b/3', 'a/c']);
});

test('a store whose list is out of order is refused: names would be missing', async () => {
  const { memory, store } = setUp(() => undefined);
  memory.list = async function* list(): AsyncGenerator<ObjectInfo> {
    for (const name of ['a/2', 'a/1']) yield { name, sizeBytes: 0 };
  };
  await assert.rejects(listNames(store), AssertionError);
});

test('a call that goes on failing is given up after so many attempts, with the last error', async () => {
  for (const attempts of [1, 2, 5]) {
    for (const [operation, call] of calls) {
      const { faulty, store, pausesMs } = setUp(
        (_, occurrence) => {
          throw new OperationalError(`failure ${occurrence + 1}`, { retryable: true });
        },
        { attempts },
      );
      await assert.rejects(call(store), { name: 'OperationalError', message: `failure ${attempts}` }, operation);
      assert.equal(faulty.callCounts[operation], attempts);
      assert.equal(pausesMs.length, attempts - 1);
    }
  }
});

test('what waiting cannot mend goes through at once', async () => {
  const errors = [
    new OperationalError('no such bucket', { retryable: false }),
    new CorruptionError('a pack', 'its end'),
    new AssertionError('a bug'),
    new TypeError('another'),
  ];
  for (const error of errors) {
    for (const [operation, call] of calls) {
      const { faulty, store, pausesMs } = setUp((_, occurrence) => {
        if (occurrence === 0) return 'before';
        throw error;
      });
      await assert.rejects(call(store), error);
      assert.deepEqual([faulty.callCounts[operation], pausesMs.length], [2, 1], operation);
    }
  }
});

test('a signal that fires during a pause ends it, and nothing is repeated', async () => {
  for (const [operation, call] of calls) {
    const abort = new AbortController();
    const sleeping = Promise.withResolvers<void>();
    const clock: Clock = {
      nowMs: () => 0,
      monotonicMs: () => 0,
      sleep: async (_ms, signal) => {
        sleeping.resolve();
        assert.ok(signal, 'the pause is told of the signal');
        const ended = Promise.withResolvers<void>();
        signal.addEventListener('abort', () => ended.reject(signal.reason as Error));
        await ended.promise;
      },
    };
    const { faulty, store } = setUp(() => 'after', { clock, signal: abort.signal });
    const refused = assert.rejects(call(store), { name: 'AbortError' }, operation);
    await sleeping.promise;
    abort.abort();
    await refused;
    assert.equal(faulty.callCounts[operation], 1);
  }
});

test('after the signal a call is still made, but once', async () => {
  const { faulty, store } = setUp(({ operation }) => (operation === 'find' ? 'before' : undefined), {
    signal: AbortSignal.abort(),
  });
  assert.equal(await store.put('a/x', [bytes('x')]), true);
  await assert.rejects(store.find('a/x'), { name: 'AbortError' });
  assert.equal(faulty.callCounts.find, 1);
});

test('the limit of pauses doubles up to the longest; chance takes any share of it', async () => {
  const pausesWith = async (byte: number): Promise<number[]> => {
    const random = { bytes: (byteCount: number) => Buffer.alloc(byteCount, byte) };
    const { store, pausesMs } = setUp(() => 'before', { attempts: 8, random });
    await assert.rejects(store.stat('a/x'));
    return pausesMs;
  };
  assert.deepEqual(await pausesWith(0xff), [100, 200, 400, 800, 1000, 1000, 1000]);
  assert.deepEqual(await pausesWith(0x80), [50, 100, 201, 402, 502, 502, 502]);
  assert.deepEqual(await pausesWith(0), [0, 0, 0, 0, 0, 0, 0]);
});

test('no pause is longer than the longest, however often a call failed', async () => {
  const { store, pausesMs } = setUp(() => 'before', { attempts: 2000 });
  await assert.rejects(store.stat('a/x'));
  assert.equal(pausesMs.length, 1999);
  assert.ok(pausesMs.every((ms) => Number.isSafeInteger(ms) && ms >= 0 && ms <= 1000));
  assert.ok(new Set(pausesMs).size > 100, 'they differ');
});

test('a store that makes no attempt is a mistake', () => {
  assert.throws(() => setUp(() => undefined, { attempts: 0 }), AssertionError);
});
