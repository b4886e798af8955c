/** Files of images as words: what is in a bucket, what fills a disk of the fake diskd, and what is written of a tree. */
import type { Exchange, ExportOrder, LoadOrder, WorkOptions } from '../../src/control/parts.ts';
import { OperationalError, RequestError } from '../../src/lib/errors.ts';
import { GIB } from '../../src/lib/geometry.ts';
import { parseNbdUri } from '../../src/nbd/uri.ts';
import type { ImageFacts, ImportFormat } from '../../src/transfer/image-header.ts';
import type { FakeDiskd } from './fake-diskd.ts';
import type { FakeRepository } from './fake-stores.ts';

interface FakeFile {
  format: string;
  sizeBytes: number;
  words: Record<string, string>;
  /** Written, and not whole yet. */
  isPartial?: boolean;
}

export class FakeExchange implements Exchange {
  /** By `bucket/object`. */
  readonly files = new Map<string, FakeFile>();
  readonly buckets = new Set(['images']);
  hasConverter = true;
  /** Runs in the middle of each reading and writing. */
  during: (options: WorkOptions) => Promise<void> = async () => undefined;
  readonly #diskd: FakeDiskd;
  readonly #repository: FakeRepository;

  constructor(diskd: FakeDiskd, repository: FakeRepository) {
    this.#diskd = diskd;
    this.#repository = repository;
  }

  put(object: string, words: Record<string, string>, change: Partial<FakeFile> = {}): void {
    this.files.set(`images/${object}`, { format: 'raw', sizeBytes: 2 * GIB, words, ...change });
  }

  /** What is there, of whole files. */
  list(): string[] {
    return [...this.files].filter(([, { isPartial = false }]) => !isPartial).map(([name]) => name);
  }

  async assertConverter(code: string): Promise<void> {
    if (!this.hasConverter) throw new RequestError(code, 'no converter');
  }

  async assertBucket(bucket: string): Promise<void> {
    if (!this.buckets.has(bucket)) throw new RequestError('InvalidOSSBucket.NotFound', `no bucket ${bucket}`);
  }

  async inspect({ bucket, object }: LoadOrder['place'], wanted: ImportFormat | null): Promise<ImageFacts> {
    await this.assertBucket(bucket);
    const file = this.files.get(`${bucket}/${object}`);
    if (file === undefined) throw new RequestError('InvalidOSSObject.NotFound', `no object ${object}`);
    if (wanted !== null && wanted !== file.format)
      throw new RequestError('InvalidImageFormat.Malformed', `no ${wanted}`);
    return { format: file.format as ImportFormat, sizeBytes: file.sizeBytes };
  }

  /** Half of it, then the other. */
  async load({ place, nbdUri }: LoadOrder, options: WorkOptions): Promise<void> {
    const { exportName } = parseNbdUri(nbdUri);
    const { words = {} } = this.files.get(`${place.bucket}/${place.object}`) ?? {};
    const entries = Object.entries(words);
    const write = (from: number, to?: number) => {
      for (const [chunk, word] of entries.slice(from, to)) this.#diskd.write(exportName, Number(chunk), word);
    };
    write(0, entries.length / 2);
    options.onProgress(0.5);
    await this.during(options);
    options.signal.throwIfAborted();
    if (this.#diskd.disks.get(exportName)?.open !== true) throw new OperationalError('cut off', { retryable: false });
    write(entries.length / 2);
  }

  async write({ tree, sizeBytes, bucket, object, format }: ExportOrder, options: WorkOptions): Promise<void> {
    const file = { format, sizeBytes, words: this.#repository.words(tree) };
    this.files.set(`${bucket}/${object}`, { ...file, isPartial: true });
    await this.during(options);
    options.signal.throwIfAborted();
    this.files.set(`${bucket}/${object}`, file);
  }

  async remove(bucket: string, objects: readonly string[]): Promise<void> {
    for (const object of objects) this.files.delete(`${bucket}/${object}`);
  }
}
