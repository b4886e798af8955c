/**
 * The folder through which images come and go: a bucket is a folder in it, an object a file below that. Nothing outside is reachable:
 * names are checked (`ecs/exchange-names.ts`), symbolic links are not followed, and an opened file must be where its name says.
 */
import fs from 'node:fs';
import path from 'node:path';
import { findObjectProblem, isBucketName } from '../ecs/exchange-names.ts';
import { OperationalError, RequestError, errnoOf, messageOf } from '../lib/errors.ts';
import { END_BYTES, inspectImage } from './image-header.ts';
import type { ImageFacts, ImportFormat } from './image-header.ts';

export interface ObjectPlace {
  bucket: string;
  object: string;
}

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;

export class ExchangeFolder {
  readonly #root: string;

  /** `root` is absolute; it may be made later. */
  constructor(root: string) {
    this.#root = root;
  }

  /** The bucket's path. Throws `InvalidOSSBucket.NotFound`. */
  getBucket(bucket: string): string {
    const folder = path.join(this.#root, bucket);
    if (isBucketName(bucket) && isFolder(folder)) return folder;
    const rule = isBucketName(bucket)
      ? 'make a folder of that name in the exchange folder of the server (`hupo serve --exchange`)'
      : 'a bucket is a folder in the exchange folder, named by 3 to 63 lower-case letters, digits and "-"';
    throw new RequestError(
      'InvalidOSSBucket.NotFound',
      `There is no bucket ${JSON.stringify(bucket.slice(0, 64))}: ${rule}.`,
    );
  }

  /** What the object is. Throws `InvalidOSSObject.NotFound` or `InvalidImageFormat.Malformed`. */
  inspect(place: ObjectPlace, wanted: ImportFormat | null): ImageFacts {
    const fd = this.open(place);
    try {
      const facts = inspectImage(readEnds(fd), wanted);
      if (typeof facts !== 'string') return facts;
      throw new RequestError('InvalidImageFormat.Malformed', `${describe(place)} cannot be imported: ${facts}.`);
    } finally {
      fs.closeSync(fd);
    }
  }

  /** For reading; to be closed. Throws `InvalidOSSObject.NotFound` unless it is a regular file below its bucket. */
  open(place: ObjectPlace): number {
    const folder = this.getBucket(place.bucket);
    const problem = findObjectProblem(place.object);
    if (problem !== null) throw new RequestError('InvalidOSSObject.Malformed', `${describe(place)}: ${problem}.`);
    const file = path.join(folder, place.object);
    let fd: number;
    try {
      fd = fs.openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch (error) {
      const isLink = errnoOf(error) === 'ELOOP';
      throw notFound(place, isLink ? 'it is a symbolic link, and those are not followed' : reasonOf(error));
    }
    const problemOfFile = this.#findProblem(fd, file);
    if (problemOfFile === null) return fd;
    fs.closeSync(fd);
    throw notFound(place, problemOfFile);
  }

  /** Whoever puts a link in the way, also just now, leads nowhere: the kernel says what was opened. */
  #findProblem(fd: number, file: string): string | null {
    if (!fs.fstatSync(fd).isFile()) return 'it is no regular file';
    const opened = process.platform === 'linux' ? fs.readlinkSync(`/proc/self/fd/${fd}`) : fs.realpathSync(file);
    const expected = path.join(fs.realpathSync(this.#root), path.relative(this.#root, file));
    return opened === expected ? null : 'a part of its path is a symbolic link, and those are not followed';
  }

  /** Where a file is written until it is whole; what an earlier try has left is removed. */
  preparePartials(bucket: string, object: string): { raw: string; converted: string; final: string } {
    const folder = this.getBucket(bucket);
    const partials = {
      raw: path.join(folder, `.${object}.raw.partial`),
      converted: path.join(folder, `.${object}.partial`),
    };
    for (const file of Object.values(partials)) fs.rmSync(file, { force: true });
    return { ...partials, final: path.join(folder, object) };
  }

  /** Gives the whole file, which is synced, its name; durable when it resolves. */
  async publish(partial: string, final: string): Promise<void> {
    try {
      await sync(partial);
      await fs.promises.rename(partial, final);
      await sync(path.dirname(final));
    } catch (error) {
      throw new OperationalError(`the file could not be finished: ${messageOf(error)}`, {
        retryable: false,
        cause: error,
      });
    }
  }

  /** Removes whole and unfinished files. Absent, or their bucket: nothing. */
  remove(bucket: string, objects: readonly string[]): void {
    if (!isBucketName(bucket) || !isFolder(path.join(this.#root, bucket))) return;
    for (const object of objects) {
      const { final } = this.preparePartials(bucket, object);
      fs.rmSync(final, { force: true });
    }
  }
}

async function sync(file: string): Promise<void> {
  const handle = await fs.promises.open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isFolder(folder: string): boolean {
  return fs.lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
}

function readEnds(fd: number): { first: Buffer; last: Buffer; fileBytes: number } {
  const fileBytes = fs.fstatSync(fd).size;
  const read = (position: number) => {
    const bytes = Buffer.alloc(Math.min(END_BYTES, fileBytes));
    return bytes.subarray(0, fs.readSync(fd, bytes, 0, bytes.length, position));
  };
  return { first: read(0), last: read(Math.max(0, fileBytes - END_BYTES)), fileBytes };
}

function describe({ bucket, object }: ObjectPlace): string {
  return `The object ${JSON.stringify(object.slice(0, 200))} of the bucket ${bucket}`;
}

function reasonOf(error: unknown): string {
  const errno = errnoOf(error);
  return errno === 'ENOENT' || errno === 'ENOTDIR' ? 'there is no such file' : `it cannot be read (${errno})`;
}

function notFound(place: ObjectPlace, why: string): RequestError {
  return new RequestError('InvalidOSSObject.NotFound', `${describe(place)} cannot be used: ${why}.`);
}
