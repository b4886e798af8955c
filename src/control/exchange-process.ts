/** Images as files: read and converted by `qemu-img`, written by a worker of low rank; below one folder (`transfer/exchange-folder.ts`). */
import fs from 'node:fs';
import path from 'node:path';
import { formatBytes } from '../lib/byte-units.ts';
import { OperationalError, RequestError } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import type { RepositoryPlace } from '../repository/stores.ts';
import { ExchangeFolder } from '../transfer/exchange-folder.ts';
import type { ExportJob } from '../transfer/export-worker.ts';
import type { ImageFacts, ImportFormat } from '../transfer/image-header.ts';
import { MISSING, convertRaw, fillDisk, hasQemuImg } from '../transfer/qemu-img.ts';
import type { Program } from './diskd-process.ts';
import type { Exchange, ExportOrder, LoadOrder, WorkOptions } from './parts.ts';
import { runWorker } from './worker-process.ts';

/** What the bytes are, of all that is to be done with a file that is converted after it was written. */
const WRITING_SHARE = 0.5;

export class ExchangeProcesses implements Exchange {
  readonly #folder: ExchangeFolder;
  readonly #program: Program;
  readonly #repository: RepositoryPlace;

  constructor(folder: string, program: Program, repository: RepositoryPlace) {
    this.#folder = new ExchangeFolder(folder);
    this.#program = program;
    this.#repository = repository;
  }

  async assertConverter(code: string): Promise<void> {
    if (!(await hasQemuImg())) throw new RequestError(code, `${MISSING}.`);
  }

  async assertBucket(bucket: string): Promise<void> {
    this.#folder.getBucket(bucket);
  }

  async inspect(place: LoadOrder['place'], wanted: ImportFormat | null): Promise<ImageFacts> {
    return this.#folder.inspect(place, wanted);
  }

  async load({ place, format, sizeBytes, nbdUri }: LoadOrder, { signal, onProgress }: WorkOptions): Promise<void> {
    const facts = this.#folder.inspect(place, format);
    if (facts.sizeBytes > sizeBytes) {
      throw new RequestError(
        'InvalidImageSize',
        `The object ${place.object} has become larger since it was asked for.`,
      );
    }
    const fd = this.#folder.open(place);
    try {
      await fillDisk({ fd, format, nbdUri }, { signal, onProgress });
    } finally {
      fs.closeSync(fd);
    }
  }

  async write({ tree, sizeBytes, bucket, object, format }: ExportOrder, options: WorkOptions): Promise<void> {
    const { raw, converted, final } = this.#folder.preparePartials(bucket, object);
    const { signal, onProgress } = options;
    const share = format === 'raw' ? 1 : WRITING_SHARE;
    assertRoom(path.dirname(final), tree.dataChunkCount * CHUNK_BYTES * (format === 'raw' ? 1 : 2));
    try {
      const job: ExportJob = { repository: this.#repository, tree, sizeBytes, file: raw };
      await runWorker<object>(this.#program, 'export', job, {
        signal,
        onProgress: (doneBytes, totalBytes) => onProgress(totalBytes > 0 ? (doneBytes / totalBytes) * share : share),
      });
      if (format !== 'raw') {
        await this.#convert({ raw, converted, format }, signal, (done) => onProgress(share + done * (1 - share)));
      }
      await this.#folder.publish(format === 'raw' ? raw : converted, final);
    } finally {
      for (const file of [raw, converted]) fs.rmSync(file, { force: true });
    }
  }

  async #convert(
    { raw, converted, format }: { raw: string; converted: string; format: ExportOrder['format'] },
    signal: AbortSignal,
    onProgress: (share: number) => void,
  ): Promise<void> {
    fs.writeFileSync(converted, '', { mode: 0o600 }); // qemu-img lets everybody read what it makes itself
    const fd = fs.openSync(raw, 'r');
    try {
      await convertRaw({ fd, format, file: converted }, { signal, onProgress });
    } finally {
      fs.closeSync(fd);
    }
  }

  async remove(bucket: string, objects: readonly string[]): Promise<void> {
    this.#folder.remove(bucket, objects);
  }
}

/** What is left over: the folder may lie where the disks are, and whatever else is on its file system. */
const KEPT_BYTES = 256 * 1024 * 1024;

/** Says so before it has filled the file system, where that can be foreseen. */
function assertRoom(folder: string, wantedBytes: number): void {
  const { bavail, bsize } = fs.statfsSync(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes >= wantedBytes + KEPT_BYTES) return;
  throw new OperationalError(
    `the file needs up to ${formatBytes(wantedBytes)} and the bucket has ${formatBytes(freeBytes)}, of which ${formatBytes(KEPT_BYTES)} stay free: make room there`,
    { retryable: false },
  );
}
