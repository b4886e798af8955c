/** Trees against the simplest model of a disk: a map from chunk to digest. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { AssertionError } from '../lib/errors.ts';
import { digestOf } from './digest.ts';
import type { Digest } from './digest.ts';
import { EntryReader } from './entry-reader.ts';
import type { EntryKind } from './pack.ts';
import { PageReader } from './page-reader.ts';
import { findChunkDigest, updateTree, walkTree } from './tree.ts';
import type { TreeChange } from './tree.ts';
import { emptyTree } from './tree-ref.ts';
import type { TreeRef } from './tree-ref.ts';
import { memoryStores } from '../../test/support/repositories.ts';

/** Pages by name, readable at once, with a count of what was put and read. */
class PageBox {
  readonly bytes = new Map<string, Buffer>();
  putCount = 0;
  readonly pages: PageReader;

  constructor() {
    const { store, index } = memoryStores();
    const entries = new EntryReader(store, index);
    entries.read = async (digest) => {
      const found = this.bytes.get(digest.toString('hex'));
      assert.ok(found, 'a page that is read has been written');
      return found;
    };
    this.pages = new PageReader(entries);
  }

  async put(kind: EntryKind, digest: Digest, bytes: Buffer): Promise<boolean> {
    assert.equal(kind, 'page');
    this.putCount++;
    this.bytes.set(digest.toString('hex'), Buffer.from(bytes));
    return true;
  }

  async update(parent: TreeRef, changes: ReadonlyMap<number, string | null>): Promise<TreeRef> {
    return updateTree(parent, listOf(changes), this.pages, this);
  }
}

async function* listOf(changes: ReadonlyMap<number, string | null>): AsyncGenerator<TreeChange> {
  for (const [chunk, text] of [...changes].sort(([a], [b]) => a - b)) {
    yield { chunk, digest: text === null ? null : digestOf(Buffer.from(text)) };
  }
}

/** Chunks near one another, near the borders of pages, and far out. */
const chunkArbitrary = fc.oneof(
  fc.nat(300),
  fc.constantFrom(0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 2 ** 29 - 1),
  fc.nat(2 ** 29 - 1),
);
const changesArbitrary = fc
  .array(fc.tuple(chunkArbitrary, fc.option(fc.constantFrom('a', 'b', 'c'), { freq: 2 })), { maxLength: 40 })
  .map((pairs) => new Map(pairs));

test('a tree after any changes is the model after them, and the same tree as one made at once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(changesArbitrary, { maxLength: 5 }), chunkArbitrary, async (rounds, fromChunk) => {
      const box = new PageBox();
      const model = new Map<number, string>();
      let tree = emptyTree;
      for (const changes of rounds) {
        tree = await box.update(tree, changes);
        for (const [chunk, text] of changes) {
          if (text === null) model.delete(chunk);
          else model.set(chunk, text);
        }
      }
      const expected = [...model].sort(([a], [b]) => a - b);
      const walked = await Array.fromAsync(walkTree(tree, box.pages));
      assert.deepEqual(
        walked.map(({ chunk, digest }) => [chunk, digest.toString('hex')]),
        expected.map(([chunk, text]) => [chunk, digestOf(Buffer.from(text)).toString('hex')]),
      );
      assert.equal(tree.dataChunkCount, model.size);
      assert.deepEqual(tree, await new PageBox().update(emptyTree, model));
      const late = await Array.fromAsync(walkTree(tree, box.pages, fromChunk), ({ chunk }) => chunk);
      assert.deepEqual(
        late,
        [...model.keys()].filter((chunk) => chunk >= fromChunk).sort((a, b) => a - b),
      );
      for (const chunk of [fromChunk, ...model.keys()]) {
        const text = model.get(chunk);
        const digest = await findChunkDigest(tree, box.pages, chunk);
        assert.deepEqual(digest, text === undefined ? null : digestOf(Buffer.from(text)));
      }
    }),
    { numRuns: 60 },
  );
});

test('one changed chunk writes one page a level', async () => {
  const box = new PageBox();
  const tree = await box.update(emptyTree, new Map(Array.from({ length: 1000 }, (_, i) => [i * 100, 'x'])));
  assert.equal(tree.levels, 3);
  box.putCount = 0;
  const next = await box.update(tree, new Map([[50_000, 'y']]));
  assert.equal(box.putCount, 3);
  assert.notEqual(next.root, tree.root);
});

test('changes that change nothing give the parent', async () => {
  const box = new PageBox();
  const tree = await box.update(emptyTree, new Map([[7, 'x']]));
  assert.deepEqual(await box.update(tree, new Map([[7, 'x']])), tree);
  assert.deepEqual(await box.update(tree, new Map([[8, null]])), tree);
  assert.deepEqual(await box.update(tree, new Map([[2 ** 30, null]])), tree);
  assert.deepEqual(await box.update(tree, new Map()), tree);
  assert.deepEqual(await box.update(tree, new Map([[7, null]])), emptyTree);
});

test('changes out of order are a bug that is caught', async () => {
  let isClosed = false;
  async function* wrong(): AsyncGenerator<TreeChange> {
    try {
      yield { chunk: 2, digest: null };
      yield { chunk: 1, digest: null };
    } finally {
      isClosed = true;
    }
  }
  const box = new PageBox();
  await assert.rejects(updateTree(emptyTree, wrong(), box.pages, box), AssertionError);
  assert.ok(isClosed, 'whoever gives the changes can close what it has open');
});
