/** A repository and transfer workers without files: trees are records of words, found by the hash of what they hold. */
import crypto from 'node:crypto';
import assert from 'node:assert/strict';
import type { SnapshotRepository, Transfer } from '../../src/control/parts.ts';
import { CorruptionError, OperationalError } from '../../src/lib/errors.ts';
import { CHUNK_BYTES } from '../../src/lib/geometry.ts';
import type { ChainSize } from '../../src/repository/chain-sizes.ts';
import type { CollectorBook } from '../../src/repository/collector-book.ts';
import type { Fence } from '../../src/repository/pack.ts';
import type { Manifest } from '../../src/repository/manifest.ts';
import type { TreeRef } from '../../src/repository/tree-ref.ts';
import type { CopyJob, CopyResult, UploadJob, UploadResult } from '../../src/transfer/job.ts';
import type { FakeDiskd } from './fake-diskd.ts';

type Words = Record<string, string>;

export class FakeRepository implements SnapshotRepository {
  readonly trees = new Map<string, Words>();
  readonly manifests = new Map<string, Manifest>();
  readonly deleted = new Set<string>();
  /** Roots of trees that the ledger does not know yet. */
  readonly uncounted = new Set<string | null>();
  collectCount = 0;
  /** How many upload: each in a session. */
  uploading = 0;

  async commitManifest(manifest: Manifest): Promise<void> {
    if (this.deleted.has(manifest.snapshotId)) throw new OperationalError('it was deleted', { retryable: false });
    const known = this.manifests.get(manifest.snapshotId);
    if (known !== undefined) assert.deepEqual(manifest, known, 'committed again with another content');
    this.words(manifest.tree);
    this.manifests.set(manifest.snapshotId, manifest);
  }

  expectStrangers(): void {}

  hasBadCopies(): boolean {
    return false;
  }

  async count(): Promise<void> {}

  /** As if each place and word were a chunk. */
  sizeChain(trees: readonly TreeRef[]): ChainSize {
    const counted = trees.filter(({ root }) => !this.uncounted.has(root));
    const chunks = new Set(counted.flatMap((tree) => Object.entries(this.words(tree)).map((each) => each.join())));
    return { bytes: chunks.size * CHUNK_BYTES, countedCount: counted.length };
  }

  fenceOf(session: number): Fence {
    return { ownerEpoch: 1, session };
  }

  async deleteManifest(snapshotId: string): Promise<void> {
    this.deleted.add(snapshotId);
    this.manifests.delete(snapshotId);
  }

  async listManifests(): Promise<Manifest[]> {
    return [...this.manifests.values()];
  }

  /** What a session that is open may have put stays: it is collected when that has ended. */
  async collect(book: CollectorBook): Promise<{ freedBytes: number; waiting: { packCount: number } }> {
    this.collectCount++;
    const { trees, sessions } = await book.look();
    if (sessions.length > 0) return { freedBytes: 0, waiting: { packCount: 1 } };
    assert.equal(this.uploading, 0, 'an upload goes on without a session');
    const manifests = [...this.manifests.values()];
    const live = new Set([...trees, ...manifests].map(({ tree }) => tree.root));
    for (const root of this.trees.keys()) if (!live.has(root)) this.trees.delete(root);
    return { freedBytes: 0, waiting: { packCount: 0 } };
  }

  /** What a tree holds; fails when it was collected. */
  words(tree: TreeRef): Words {
    if (tree.root === null) return {};
    const words = this.trees.get(tree.root);
    assert.ok(words, `the tree ${tree.root} is gone`);
    return words;
  }

  put(words: Words): TreeRef {
    const dataChunkCount = Object.keys(words).length;
    if (dataChunkCount === 0) return { root: null, levels: 0, dataChunkCount };
    const sorted = Object.fromEntries(Object.entries(words).sort(([a], [b]) => Number(a) - Number(b)));
    const root = crypto.hash('sha256', JSON.stringify(sorted));
    this.trees.set(root, sorted);
    return { root, levels: 1, dataChunkCount };
  }
}

export class FakeTransfer implements Transfer {
  readonly jobs: UploadJob[] = [];
  readonly copyJobs: CopyJob[] = [];
  /** Runs in the middle of each copy, as `during` of each upload; by default that does. */
  duringCopy: ((signal: AbortSignal) => Promise<void>) | null = null;
  /** A copy ends after so many words, and goes on in another. */
  wordsOfPart = 1;
  /** Runs in the middle of each upload: a test's way to delay or fail one. */
  during: (signal: AbortSignal, job: { snapshotId: string }) => Promise<void> = async () => undefined;
  /** So many uploads more fail in a way that waiting does not mend. */
  failuresLeft = 0;
  readonly #diskd: FakeDiskd;
  readonly #repository: FakeRepository;

  constructor(diskd: FakeDiskd, repository: FakeRepository) {
    this.#diskd = diskd;
    this.#repository = repository;
  }

  async upload(
    job: UploadJob,
    options: { signal: AbortSignal; onProgress: (doneBytes: number, totalBytes: number) => void },
  ): Promise<UploadResult> {
    this.jobs.push(job);
    this.#repository.uploading++;
    try {
      options.onProgress(1, 2);
      await Promise.race([this.during(options.signal, job), aborted(options.signal)]);
      options.signal.throwIfAborted();
      if (this.failuresLeft-- > 0) throw new OperationalError('the device is worn out', { retryable: false });
      const changed = this.#diskd.viewWords(job.diskId, job.snapshotId, job.sinceGeneration);
      const tree = this.#repository.put({ ...this.#repository.words(job.parent), ...changed });
      const changedChunkCount = Object.keys(changed).length;
      const newChunkCount = this.jobs.length; // differs each time, as figures of a repeated upload do
      return {
        tree,
        changedChunkCount,
        newChunkCount,
        readBytes: changedChunkCount * 65_536,
        storedBytes: newChunkCount,
      };
    } finally {
      this.#repository.uploading--;
    }
  }

  async copy(
    job: CopyJob,
    options: { signal: AbortSignal; onProgress: (doneBytes: number, totalBytes: number) => void },
  ): Promise<CopyResult> {
    this.copyJobs.push(job);
    this.#repository.uploading++;
    try {
      const during = this.duringCopy ?? this.during;
      await Promise.race([during(options.signal, job), aborted(options.signal)]);
      options.signal.throwIfAborted();
      if (this.failuresLeft-- > 0) throw new OperationalError('the device is worn out', { retryable: false });
      const source = fakeRepositories.get(job.source.storeFolder);
      assert.ok(source, `no repository is at ${job.source.storeFolder}`);
      if (!source.trees.has(job.tree.root ?? '')) throw new CorruptionError('a page', 'no pack holds it');
      const [wanted, words] = [source.words(job.tree), { ...this.#repository.words(job.begin) }];
      const apart = [...new Set([...Object.keys(wanted), ...Object.keys(words)])].filter(
        (at) => wanted[at] !== words[at],
      );
      for (const at of apart.slice(0, this.wordsOfPart)) {
        const word = wanted[at];
        if (word === undefined) delete words[at];
        else words[at] = word;
      }
      options.onProgress(Math.min(apart.length, this.wordsOfPart), apart.length);
      const statistics = { changedChunkCount: 1, newChunkCount: this.copyJobs.length, readBytes: 1, storedBytes: 1 };
      return { reached: this.#repository.put(words), totalBytes: apart.length, ...statistics };
    } finally {
      this.#repository.uploading--;
    }
  }
}

/** The repositories of all worlds, by their folder: what a copy reads from. */
export const fakeRepositories = new Map<string, FakeRepository>();

/** A worker that is held up ends with its signal all the same, as a process does. */
function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}
