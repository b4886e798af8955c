/** Reading while packs move under the reader: `test/model/collector-schedule` does it at random. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { CorruptionError } from '../lib/errors.ts';
import { digestOf } from './digest.ts';
import { EntryReader } from './entry-reader.ts';
import type { ObjectInfo, ObjectStore } from './object-store/object-store.ts';
import { PackIndex } from './pack-index.ts';
import { DelayedStore } from '../../test/support/delayed-store.ts';
import { chunkBytes, imageOf, memoryStores, seededRandom, storeImage } from '../../test/support/repositories.ts';

test('a pack that moves each time the index is compared with the store is found in the end', async () => {
  const { store, index } = memoryStores();
  let moves = 0;
  /** Each time a pack is read into the index it is gone by the time it is there. */
  const moving = new DelayedStore(store, async (operation) => {
    if (operation !== 'persist' || moves === 3) return;
    moves++;
    const before = [...store.objects.keys()];
    await storeImage({ store, index: PackIndex.open(':memory:') }, imageOf(0, 3, 1), { random: seededRandom(moves) });
    for (const name of before) await store.delete(name);
  });
  await storeImage({ store, index: PackIndex.open(':memory:') }, imageOf(0, 3, 1));
  const bytes = await new EntryReader(moving, index).read(digestOf(chunkBytes(1)), 'chunk');
  assert.ok(bytes.equals(chunkBytes(1)));
  assert.equal(moves, 3);
});

test('a pack that others on the same index see come and go meanwhile is found, too', async () => {
  const { store, index } = memoryStores();
  const move = async (seed: number): Promise<void> => {
    const before = [...store.objects.keys()];
    await storeImage({ store, index: PackIndex.open(':memory:') }, imageOf(0, 3, 1), { random: seededRandom(seed) });
    for (const name of before) {
      await store.delete(name);
      index.remove(name.slice(-32));
    }
  };
  await storeImage({ store, index }, imageOf(0, 3, 1));
  const calls = new Map<keyof ObjectStore, number>();
  const slow = new DelayedStore(store, async (operation) => {
    calls.set(operation, (calls.get(operation) ?? 0) + 1);
    if (operation !== 'find' || calls.get('find') !== 1) return;
    await move(2);
    await index.reconcile(store); // by another reader, in another process
  });
  /** After the list, and before its answer is used. */
  class SlowLists extends DelayedStore {
    override async *list(prefix: string): AsyncGenerator<ObjectInfo> {
      const names = await Array.fromAsync(super.list(prefix));
      yield* names;
      if (calls.get('list') === 1) await move(3);
    }
  }
  const reader = new EntryReader(new SlowLists(slow, async () => undefined), index);
  assert.ok((await reader.read(digestOf(chunkBytes(1)), 'chunk')).equals(chunkBytes(1)));
});

test('what is in no pack is looked for once', async () => {
  const { store, index } = memoryStores();
  let lists = 0;
  const counting = new DelayedStore(store, async (operation) => void (lists += operation === 'list' ? 1 : 0));
  const reader = new EntryReader(counting, index);
  await assert.rejects(reader.read(digestOf(chunkBytes(1)), 'chunk'), CorruptionError);
  assert.equal(lists, 1);
  const reads = Array.from({ length: 20 }, async (_, seed) => reader.read(digestOf(chunkBytes(seed)), 'chunk'));
  assert.ok((await Promise.allSettled(reads)).every(({ status }) => status === 'rejected'));
  assert.ok(lists <= 3, `one that was under way, and one for all others, not ${lists - 1}`);
});
