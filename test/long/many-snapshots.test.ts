/**
 * Ten thousand snapshots of a sparse disk of 1 TiB, 0.01 % changed before each: storing, counting and listing cost the same for
 * the last as for the first, and memory stays bounded. `HUPO_SNAPSHOTS` is how many.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { CHUNK_BYTES } from '../../src/lib/geometry.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { digestOf } from '../../src/repository/digest.ts';
import { takeRepository } from '../../src/repository/owner.ts';
import { openRepositoryReader } from '../../src/repository/reader.ts';
import { openRepository } from '../../src/repository/repository.ts';
import type { TreeChange } from '../../src/repository/tree.ts';
import { updateTree } from '../../src/repository/tree.ts';
import { emptyTree } from '../../src/repository/tree-ref.ts';
import type { TreeRef } from '../../src/repository/tree-ref.ts';
import { openRepositoryWriter } from '../../src/repository/writer.ts';
import { MemoryBook } from '../support/memory-book.ts';
import { anySession, manifestOf, newPlace } from '../support/repositories.ts';

const snapshotCount = Number(process.env['HUPO_SNAPSHOTS'] ?? 10_000);
const DISK_CHUNKS = 2 ** 40 / CHUNK_BYTES;
const CHANGED_CHUNKS = Math.round(DISK_CHUNKS / 10_000);
/** Files are written in pieces of 1 MiB. */
const RUN_CHUNKS = 16;

/** Repeatable; below `limit`. */
function chance(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

function changedChunks(snapshot: number): number[] {
  const next = chance(snapshot + 1);
  const chunks = new Set<number>();
  while (chunks.size < CHANGED_CHUNKS) {
    const first = next(DISK_CHUNKS / RUN_CHUNKS) * RUN_CHUNKS;
    for (let chunk = first; chunk < first + RUN_CHUNKS; chunk++) chunks.add(chunk);
  }
  return [...chunks].sort((a, b) => a - b).slice(0, CHANGED_CHUNKS);
}

/** 64 KiB that only this chunk of this snapshot has, and that take next to nothing. */
function fill(bytes: Buffer, snapshot: number, chunk: number): Buffer {
  bytes.writeUInt32LE(snapshot + 1, 0);
  bytes.writeUInt32LE(chunk, 4);
  return bytes;
}

interface Times {
  storeMs: number;
  countMs: number;
  listMs: number;
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

test(`${snapshotCount} snapshots of a sparse disk of 1 TiB cost the same each`, async (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-many-'));
  try {
    const place = newPlace(folder);
    const repository = await openRepository(place, systemRandom);
    await repository.changeOwner(async (store) => {
      const owner = { ownerEpoch: 1, catalogId: 'a catalog', mark: 'its mark', takenAtMs: 1 };
      await takeRepository(store, owner, null);
      return owner;
    });
    const book = new MemoryBook();
    const times: Times[] = [];
    const bytes = Buffer.alloc(CHUNK_BYTES);
    let parent: TreeRef = emptyTree;
    let peakBytes = 0;
    for (let snapshot = 0; snapshot < snapshotCount; snapshot++) {
      const startMs = performance.now();
      const writer = await openRepositoryWriter(place, anySession, systemRandom);
      const changes = async function* (): AsyncGenerator<TreeChange> {
        for (const chunk of changedChunks(snapshot)) {
          const digest = digestOf(fill(bytes, snapshot, chunk));
          await writer.packs.put('chunk', digest, bytes);
          yield { chunk, digest };
        }
      };
      parent = await updateTree(parent, changes(), writer.pages, writer.packs);
      await writer.packs.finish();
      writer.close();
      const snapshotId = `s-${String(snapshot).padStart(6, '0')}`;
      const before = snapshot === 0 ? null : `s-${String(snapshot - 1).padStart(6, '0')}`;
      await repository.commitManifest({
        ...manifestOf(snapshotId, parent, 2 ** 40),
        ...{ diskId: 'd-1', parentSnapshotId: before },
      });
      const storedMs = performance.now();
      await repository.count(book);
      const countedMs = performance.now();
      const reader = await openRepositoryReader(place);
      const [chunk = 0] = changedChunks(snapshot);
      assert.ok((await reader.readChunk(parent, chunk))?.equals(fill(bytes, snapshot, chunk)));
      reader.close();
      times.push({
        storeMs: storedMs - startMs,
        countMs: countedMs - storedMs,
        listMs: performance.now() - countedMs,
      });
      peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
      if ((snapshot + 1) % 500 === 0) t.diagnostic(describe(snapshot + 1, times.slice(-100), peakBytes));
    }
    const tenth = Math.max(10, Math.floor(snapshotCount / 10));
    const early = times.slice(tenth, 2 * tenth);
    const late = times.slice(-tenth);
    for (const what of ['storeMs', 'countMs', 'listMs'] as const) {
      const [first, last] = [early, late].map((part) => median(part.map((time) => time[what])));
      t.diagnostic(`${what}: ${first?.toFixed(1)} → ${last?.toFixed(1)}`);
    }
    const sizes = await repository.describe();
    assert.equal(sizes.snapshots.length, snapshotCount);
    assert.equal(sizes.chains[0]?.ownBytes, snapshotCount * CHANGED_CHUNKS * CHUNK_BYTES);
    repository.close();
    // Not against a clock: the last against the first of the same run. Opening takes next to nothing, so noise is left to it.
    const grown = (what: keyof Times, noiseMs: number): number => {
      const [first = 0, last = 0] = [early, late].map((part) => median(part.map((time) => time[what])));
      return last / Math.max(first, noiseMs);
    };
    assert.ok(grown('storeMs', 0) < 3, `storing grew ${grown('storeMs', 0)} ×`);
    assert.ok(grown('countMs', 0) < 3, `counting grew ${grown('countMs', 0)} ×`);
    assert.ok(grown('listMs', 20) < 3, `opening grew ${grown('listMs', 20)} ×`);
    assert.ok(peakBytes < 1024 ** 3, `${peakBytes} bytes resident`);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

function describe(count: number, times: readonly Times[], peakBytes: number): string {
  const of = (what: keyof Times) => median(times.map((time) => time[what])).toFixed(1);
  const peak = Math.round(peakBytes / 2 ** 20);
  return `${count}: store ${of('storeMs')} ms, count ${of('countMs')} ms, open and read ${of('listMs')} ms, ${peak} MiB resident`;
}
