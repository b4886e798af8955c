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

/** Another catalog has become the owner. */
export class TakenOverError extends OperationalError {
  constructor(message: string) {
    super(message, { retryable: false });
  }
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
  if (!(await putOwner(store, owner, bytes))) return false;
  // What is left of it counts no more.
  if (before !== null) await store.delete(ownerName(before.ownerEpoch)).catch(() => undefined);
  return true;
}

/** Where the answer is lost, or a full device let it fail halfway, what is there decides. */
async function putOwner(store: ObjectStore, owner: Owner, bytes: Buffer): Promise<boolean> {
  try {
    return await store.put(ownerName(owner.ownerEpoch), [bytes]);
  } catch (error) {
    const found = await findOwner(store).catch(() => null);
    if (found?.mark === owner.mark) return true;
    throw error;
  }
}

/** As `findOwner`; a damaged object tells its epoch only, by its name: whoever that is, it is another. */
export async function findAnyOwner(store: ObjectStore): Promise<Owner | null> {
  try {
    return await findOwner(store);
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error;
    const names = (await Array.fromAsync(store.list(OWNER_PREFIX))).map(({ name }) => name);
    const ownerEpoch = Number(names.at(-1)?.slice(OWNER_PREFIX.length) ?? '0') || 0;
    return { ownerEpoch, catalogId: 'that its damaged object does not tell', mark: '', takenAtMs: 0 };
  }
}

/** Throws an OperationalError when another has taken the repository since. */
export async function assertOwner(store: ObjectStore, owner: Owner): Promise<void> {
  const found = await findOwner(store);
  if (found?.mark === owner.mark) return;
  const by = found === null ? 'nobody' : `the catalog ${found.catalogId}, at epoch ${found.ownerEpoch}`;
  throw new TakenOverError(`the repository was taken over: it belongs to ${by}; this server may only read it`);
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
