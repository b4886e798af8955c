/** The list of a frozen view's changed chunks, as diskd gives it. */
import type { DiskdCalls, ViewChunk } from '../disk/protocol.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import type { LineClient } from '../lib/line-channel.ts';
import type { UploadJob } from './job.ts';
import { isZeroChunk } from './read-plan.ts';

/** Chunks of one answer of diskd: 64 MiB of disk, about 30 kB of JSON; 0.5 MB where every block is in another slot. */
const PAGE_CHUNKS = 1024;

export class View {
  readonly #job: UploadJob;
  readonly #diskd: Pick<LineClient<DiskdCalls>, 'call'>;

  constructor(job: UploadJob, diskd: Pick<LineClient<DiskdCalls>, 'call'>) {
    this.#job = job;
    this.#diskd = diskd;
  }

  /** How many bytes there are to read: the list once through, without them. */
  async measure(): Promise<number> {
    let bytes = 0;
    for await (const { chunks } of this.pages()) {
      bytes += chunks.reduce((sum, chunk) => sum + (isZeroChunk(chunk) ? 0 : CHUNK_BYTES), 0);
    }
    return bytes;
  }

  /** The changed chunks in order, a page at a time; the next is asked for before one is used. */
  async *pages(): AsyncGenerator<{ dataFolder: string; chunks: ViewChunk[] }> {
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
    return this.#diskd.call('listViewChunks', request);
  }
}
