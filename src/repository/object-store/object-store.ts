/**
 * What a repository lies on: named, immutable objects. Small enough for a directory and for S3 alike; nothing here
 * knows of a file system. `test/contract/object-store.test.ts` holds every implementation to these promises.
 *
 * Names are `folder/…/leaf` of `A–Z a–z 0–9 . _ -`; no part begins with a dot.
 */
import { assert } from '../../lib/assert.ts';

export interface ObjectInfo {
  name: string;
  sizeBytes: number;
}

export interface ByteRange {
  offset: number;
  length: number;
}

export interface ObjectStore {
  /**
   * Creates the object from `parts`, joined. Resolves to true when it survives a power cut; to false when an object of
   * that name is there already, which stays as it is and is durable too. Readers see the whole object or none. Rejects
   * with an OperationalError; the object is then there or not.
   */
  put(name: string, parts: readonly Uint8Array[]): Promise<boolean>;
  /**
   * The object's bytes, or those of `range` that it has; undefined when there is no such object. `room` is memory that a
   * store may answer in, a `directBuffer`: for large ranges that nobody reads again soon.
   */
  find(name: string, range?: ByteRange, room?: Buffer): Promise<Buffer | undefined>;
  stat(name: string): Promise<ObjectInfo | undefined>;
  /** Objects whose names begin with `prefix` (which ends in `/`), in the order of their names' bytes. */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /** Removes the object, durably. Absent: nothing. */
  delete(name: string): Promise<void>;
  /**
   * Resolves when an object that `find` shows survives a power cut. Only needed for objects whose `put` was not seen to
   * end, as after a crash of the writer.
   */
  persist(name: string): Promise<void>;
  /**
   * Removes what interrupted puts left behind, once nobody can be writing it any more. Puts through this store are never
   * hurt; one of another store that has written nothing for an hour may reject, and can be repeated. Returns the bytes
   * that it freed.
   */
  removeLeftovers(): Promise<number>;
}

const NAME = /^[\w-][\w.-]*(?:\/[\w-][\w.-]*)+$/;

export function assertObjectName(name: string): void {
  assert(NAME.test(name), `${JSON.stringify(name)} is no object name`);
}

export function assertPrefix(prefix: string): void {
  assert(prefix.endsWith('/') && NAME.test(`${prefix}x`), `${JSON.stringify(prefix)} is no prefix`);
}
