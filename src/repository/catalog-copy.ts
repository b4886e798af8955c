/**
 * Copies of the catalog in the repository (R2): the file as a tree of chunks, so that a copy costs what changed since the one
 * before, and an object `catalogs/<epoch>-<number>` that names it. A tree that is not there whole is no copy.
 */
import fs from 'node:fs';
import { CorruptionError } from '../lib/errors.ts';
import { CHUNK_BYTES } from '../lib/geometry.ts';
import { digestOf } from './digest.ts';
import type { Digest } from './digest.ts';
import { Body, decodeTree } from './manifest.ts';
import type { ObjectStore } from './object-store/object-store.ts';
import type { PackWriter } from './pack-writer.ts';
import type { PageReader } from './page-reader.ts';
import { decodeSealed, encodeSealed } from './sealed-object.ts';
import { updateTree, walkTree } from './tree.ts';
import type { TreeChange } from './tree.ts';
import type { TreeRef } from './tree-ref.ts';

const COPY_MAGIC = 'HUPOCATL';
const COPY_PREFIX = 'catalogs/';

export interface CatalogCopy {
  /** Below `catalogs/`; later copies have later names. */
  name: string;
  catalogId: string;
  ownerEpoch: number;
  /** Rises with every copy of an owner's epoch. */
  number: number;
  takenAtMs: number;
  sizeBytes: number;
  tree: TreeRef;
}

const zeroChunk = Buffer.alloc(CHUNK_BYTES);

/** Stores what in `file` differs from `parent`, durably when the writer is finished. The last chunk is filled up with zeros. */
export async function storeFile(
  file: string,
  parent: TreeRef,
  { pages, packs }: { pages: PageReader; packs: PackWriter },
): Promise<{ tree: TreeRef; sizeBytes: number }> {
  const before = new Map<number, Digest>();
  for await (const { chunk, digest } of walkTree(parent, pages)) before.set(chunk, digest);
  const handle = await fs.promises.open(file, 'r');
  try {
    const { size: sizeBytes } = await handle.stat();
    const changes = async function* (): AsyncGenerator<TreeChange> {
      const chunkCount = Math.ceil(sizeBytes / CHUNK_BYTES);
      for (let chunk = 0; chunk < chunkCount; chunk++) {
        const bytes = Buffer.alloc(CHUNK_BYTES);
        await handle.read(bytes, 0, CHUNK_BYTES, chunk * CHUNK_BYTES);
        const digest = bytes.equals(zeroChunk) ? null : digestOf(bytes);
        const known = before.get(chunk) ?? null;
        if (digest === null ? known === null : known?.equals(digest) === true) continue;
        if (digest !== null) await packs.put('chunk', digest, bytes);
        yield { chunk, digest };
      }
      for (const chunk of [...before.keys()].filter((each) => each >= chunkCount)) yield { chunk, digest: null };
    };
    const tree = await updateTree(parent, changes(), pages, packs);
    return { tree, sizeBytes };
  } finally {
    await handle.close();
  }
}

/** Makes the copy be there, and removes all but the latest `kept`. What the tree reaches must be durable. */
export async function putCopy(store: ObjectStore, copy: Omit<CatalogCopy, 'name'>, kept: number): Promise<void> {
  const { catalogId, ownerEpoch, number, takenAtMs, sizeBytes, tree } = copy;
  const body = { catalogId, ownerEpoch, number, takenAtMs, sizeBytes, tree };
  await store.put(nameOf(copy), [encodeSealed(COPY_MAGIC, body)]);
  const names = await listCopyNames(store);
  for (const name of names.slice(0, Math.max(0, names.length - kept))) await store.delete(copyName(name));
}

/** Those whose trees cannot be read whole: they are of no use, and would keep the collector waiting. */
export async function removeDamagedCopies(store: ObjectStore, pages: PageReader): Promise<void> {
  for (const name of await listCopyNames(store)) {
    try {
      const copy = await readCopy(store, name);
      if (copy === undefined) continue;
      for await (const _entry of walkTree(copy.tree, pages)) continue;
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      await store.delete(copyName(name));
    }
  }
}

/** Oldest first. */
export async function listCopyNames(store: ObjectStore): Promise<string[]> {
  const names = await Array.fromAsync(store.list(COPY_PREFIX));
  return names.map(({ name }) => name.slice(COPY_PREFIX.length));
}

/** Undefined when it was removed meanwhile. Throws CorruptionError. */
export async function readCopy(store: ObjectStore, name: string): Promise<CatalogCopy | undefined> {
  const bytes = await store.find(copyName(name));
  if (bytes === undefined) return undefined;
  const what = `the copy of the catalog ${copyName(name)}`;
  const body = new Body(decodeSealed(COPY_MAGIC, bytes, what), what);
  const copy = {
    name,
    catalogId: body.string('catalogId'),
    ownerEpoch: body.count('ownerEpoch'),
    number: body.count('number'),
    takenAtMs: body.count('takenAtMs'),
    sizeBytes: body.count('sizeBytes'),
    tree: decodeTree(body.object('tree'), what),
  };
  if (nameOf(copy) !== copyName(name)) throw new CorruptionError(what, 'it is of another name');
  return copy;
}

/** The object's. */
export function copyName(name: string): string {
  return `${COPY_PREFIX}${name}`;
}

function nameOf({ ownerEpoch, number }: Pick<CatalogCopy, 'ownerEpoch' | 'number'>): string {
  return `${COPY_PREFIX}${String(ownerEpoch).padStart(10, '0')}-${String(number).padStart(10, '0')}`;
}
