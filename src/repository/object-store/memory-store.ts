/** An object store in memory, for tests: the simplest thing that keeps the promises of `ObjectStore`. */
import { assertObjectName, assertPrefix } from './object-store.ts';
import type { ByteRange, ObjectInfo, ObjectStore } from './object-store.ts';

export class MemoryStore implements ObjectStore {
  readonly objects = new Map<string, Buffer>();

  async put(name: string, parts: readonly Uint8Array[]): Promise<boolean> {
    assertObjectName(name);
    if (this.objects.has(name)) return false;
    this.objects.set(name, Buffer.concat(parts));
    return true;
  }

  async find(name: string, range?: ByteRange): Promise<Buffer | undefined> {
    assertObjectName(name);
    const bytes = this.objects.get(name);
    if (bytes === undefined) return undefined;
    return Buffer.from(range === undefined ? bytes : bytes.subarray(range.offset, range.offset + range.length));
  }

  async stat(name: string): Promise<ObjectInfo | undefined> {
    assertObjectName(name);
    const bytes = this.objects.get(name);
    return bytes === undefined ? undefined : { name, sizeBytes: bytes.length };
  }

  list(prefix: string): AsyncIterable<ObjectInfo> {
    assertPrefix(prefix);
    return this.#walk(prefix);
  }

  async *#walk(prefix: string): AsyncGenerator<ObjectInfo> {
    const names = [...this.objects.keys()].filter((name) => name.startsWith(prefix)).sort();
    for (const name of names) {
      const bytes = this.objects.get(name);
      if (bytes !== undefined) yield { name, sizeBytes: bytes.length };
    }
  }

  async delete(name: string): Promise<void> {
    assertObjectName(name);
    this.objects.delete(name);
  }

  async persist(name: string): Promise<void> {
    assertObjectName(name);
  }

  async removeLeftovers(): Promise<number> {
    return 0;
  }
}
