/**
 * Uploads one frozen view: what changed since the parent goes into packs, chunk by chunk in disk order, while the tree
 * is made beside. When it resolves, everything that the tree reaches is durable; the snapshot is not there until the
 * control plane commits its manifest. A crash leaves packs that nothing needs, which the next upload uses or the
 * collector removes.
 */
import type { DiskdCalls, ViewChunk } from '../disk/protocol.ts';
import type { Clock } from '../lib/clock.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import type { LineClient } from '../lib/line-channel.ts';
import type { Random } from '../lib/random.ts';
import { digestOf } from '../repository/digest.ts';
import type { Digest } from '../repository/digest.ts';
import { updateTree } from '../repository/tree.ts';
import type { TreeChange } from '../repository/tree.ts';
import { openRepositoryWriter } from '../repository/writer.ts';
import type { RepositoryWriter } from '../repository/writer.ts';
import type { UploadJob, UploadResult } from './job.ts';
import { isZeroChunk } from './read-plan.ts';
import { SlotReader } from './slot-reader.ts';

/** Chunks of one answer of diskd: 1 GiB of disk, about 0.5 MB of JSON; some 8 MB where every block is in another slot. */
const PAGE_CHUNKS = 16_384;
const PROGRESS_INTERVAL_MS = 200;

const zeroChunk = Buffer.alloc(CHUNK_BYTES);

export interface UploadContext {
  diskd: Pick<LineClient<DiskdCalls>, 'call'>;
  clock: Clock;
  random: Random;
  /** Bytes of the view looked at, of all that there are to look at. */
  onProgress: (doneBytes: number, totalBytes: number) => void;
  /** Awaited after so many bytes, for the pace. */
  pace?: (bytes: number) => Promise<void>;
}

/** Throws OperationalError (diskd or the store fails) or CorruptionError (a page of the parent is damaged). */
export async function uploadView(job: UploadJob, context: UploadContext): Promise<UploadResult> {
  const writer = await openRepositoryWriter(job.repository, job.session, context.random);
  try {
    const upload = new Upload(job, context, writer);
    return await upload.run();
  } finally {
    writer.close();
  }
}

class Upload {
  readonly #job: UploadJob;
  readonly #context: UploadContext;
  readonly #writer: RepositoryWriter;
  #changedChunkCount = 0;
  #newChunkCount = 0;
  #readBytes = 0;
  #doneBytes = 0;
  #totalBytes = 0;
  #reportedAtMs = 0;

  constructor(job: UploadJob, context: UploadContext, writer: RepositoryWriter) {
    this.#job = job;
    this.#context = context;
    this.#writer = writer;
  }

  async run(): Promise<UploadResult> {
    await this.#measure();
    const { pages, packs } = this.#writer;
    const tree = await updateTree(this.#job.parent, this.#storeChanges(), pages, packs);
    await packs.finish();
    this.#context.onProgress(this.#totalBytes, this.#totalBytes);
    return {
      tree,
      changedChunkCount: this.#changedChunkCount,
      newChunkCount: this.#newChunkCount,
      readBytes: this.#readBytes,
      storedBytes: packs.storedBytes,
    };
  }

  /** How much there is to read: the view's list once through, without its bytes. */
  async #measure(): Promise<void> {
    for await (const { chunks } of this.#viewPages()) {
      this.#totalBytes += chunks.reduce((sum, chunk) => sum + (isZeroChunk(chunk) ? 0 : CHUNK_BYTES), 0);
    }
    this.#context.onProgress(0, this.#totalBytes);
    this.#reportedAtMs = this.#context.clock.monotonicMs();
  }

  async *#storeChanges(): AsyncGenerator<TreeChange> {
    const slots = new SlotReader();
    try {
      for await (const { dataFolder, chunks } of this.#viewPages()) {
        for await (const run of slots.read(dataFolder, chunks)) {
          for (const [position, { chunk }] of run.chunks.entries()) {
            const at = position * CHUNK_BYTES;
            yield { chunk, digest: await this.#store(run.bytes?.subarray(at, at + CHUNK_BYTES) ?? null) };
          }
          await this.#context.pace?.(run.bytes?.length ?? 0);
        }
      }
    } finally {
      await slots.close();
    }
  }

  async #store(bytes: Buffer | null): Promise<Digest | null> {
    this.#changedChunkCount++;
    if (bytes === null) return null;
    this.#readBytes += CHUNK_BYTES;
    let digest: Digest | null = null;
    if (!bytes.equals(zeroChunk)) {
      digest = digestOf(bytes);
      if (await this.#writer.packs.put('chunk', digest, bytes)) this.#newChunkCount++;
    }
    this.#doneBytes += CHUNK_BYTES;
    this.#reportSometimes();
    return digest;
  }

  #reportSometimes(): void {
    const nowMs = this.#context.clock.monotonicMs();
    if (nowMs - this.#reportedAtMs < PROGRESS_INTERVAL_MS) return;
    this.#reportedAtMs = nowMs;
    this.#context.onProgress(this.#doneBytes, this.#totalBytes);
  }

  /** The view's changed chunks in order, a page at a time; the next is asked for before one is used. */
  async *#viewPages(): AsyncGenerator<{ dataFolder: string; chunks: ViewChunk[] }> {
    let asking = this.#askPage(0);
    for (;;) {
      const page = await asking;
      if (page.next !== null) {
        asking = this.#askPage(page.next);
        asking.catch(() => undefined);
      }
      yield page;
      if (page.next === null) return;
    }
  }

  async #askPage(fromChunk: number): Promise<DiskdCalls['listViewChunks']['reply']> {
    const { diskId, snapshotId, sinceGeneration } = this.#job;
    const request = { diskId, snapshotId, sinceGeneration, fromChunk, limit: PAGE_CHUNKS };
    return this.#context.diskd.call('listViewChunks', request);
  }
}
