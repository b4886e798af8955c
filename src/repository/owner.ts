/**
 * Who may write to a repository: one catalog at a time (R6). Whoever takes it puts the next owner object, which only one can;
 * the highest counts. Every start of a server takes it anew, so a catalog that was restored from an older copy is found out:
 * it does not know the mark of the highest.
 */
import { CorruptionError, OperationalError } from '../lib/errors.ts';
import type { ObjectStore } from './object-store/object-store.ts';
import { decodeSealed, encodeSealed } from './sealed-object.ts';

const OWNER_MAGIC = 'HUPOOWNR';
const OWNER_PREFIX = 'owners/';
const EPOCH_DIGITS = 10;

export interface Owner {
  /** Rises by one. */
  ownerEpoch: number;
  /** Of the catalog, for its life. */
  catalogId: string;
  /** Random, of this taking. */
  mark: string;
  takenAtMs: number;
}

/** The owner, or null when nobody has taken the repository yet. Throws CorruptionError. */
export async function findOwner(store: ObjectStore): Promise<Owner | null> {
  const names = (await Array.fromAsync(store.list(OWNER_PREFIX))).map(({ name }) => name);
  const name = names.at(-1);
  if (name === undefined) return null;
  const bytes = await store.find(name);
  // It was removed, so there is a higher one.
  return bytes === undefined ? findOwner(store) : decodeOwner(bytes, name);
}

/** Becomes the owner after `before`, which goes; false when somebody else did. */
export async function takeRepository(store: ObjectStore, owner: Owner, before: Owner | null): Promise<boolean> {
  const { ownerEpoch, catalogId, mark, takenAtMs } = owner;
  const bytes = encodeSealed(OWNER_MAGIC, { ownerEpoch, catalogId, mark, takenAtMs });
  if (!(await store.put(ownerName(ownerEpoch), [bytes]))) return false;
  if (before !== null) await store.delete(ownerName(before.ownerEpoch));
  return true;
}

/** Throws an OperationalError when another has taken the repository since. */
export async function assertOwner(store: ObjectStore, owner: Owner): Promise<void> {
  const found = await findOwner(store);
  if (found?.mark === owner.mark) return;
  const by = found === null ? 'nobody' : `the catalog ${found.catalogId}, at epoch ${found.ownerEpoch}`;
  throw new OperationalError(`the repository was taken over: it belongs to ${by}; this server may only read it`, {
    retryable: false,
  });
}

function ownerName(ownerEpoch: number): string {
  return `${OWNER_PREFIX}${String(ownerEpoch).padStart(EPOCH_DIGITS, '0')}`;
}

function decodeOwner(bytes: Buffer, name: string): Owner {
  const body = decodeSealed(OWNER_MAGIC, bytes, `the owner ${name}`);
  const { ownerEpoch, catalogId, mark, takenAtMs } = body;
  const isWhole =
    typeof ownerEpoch === 'number' &&
    typeof catalogId === 'string' &&
    typeof mark === 'string' &&
    typeof takenAtMs === 'number' &&
    ownerName(ownerEpoch) === name;
  if (!isWhole) throw new CorruptionError(`the owner ${name}`, 'its members');
  return { ownerEpoch, catalogId, mark, takenAtMs };
}
