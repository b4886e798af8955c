/** That the repository belongs to this catalog, and that the catalog is the latest of its kind (`repository/owner.ts`). */
import type { Catalog } from '../catalog/catalog.ts';
import { findSetting, putSetting } from '../catalog/settings.ts';
import { OperationalError } from '../lib/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import { newUuid } from '../lib/random.ts';
import type { ObjectStore } from '../repository/object-store/object-store.ts';
import { findAnyOwner, takeRepository } from '../repository/owner.ts';
import type { Owner } from '../repository/owner.ts';

const CATALOG_ID = 'catalog-id';
/** JSON: the mark that it took the repository with last, or is about to, and the one before. */
const MARKS = 'repository-marks';

interface Marks {
  latest: string;
  before: string | null;
}

interface Taking {
  catalog: Catalog;
  store: ObjectStore;
  clock: Clock;
  random: Random;
}

/** How the catalog stands to the repository. */
export type Standing =
  | { is: 'free' | 'ours'; owner: Owner | null }
  /** `behind`: it is of this catalog, which was restored from an older copy; `foreign`: of another. */
  | { is: 'behind' | 'foreign'; owner: Owner };

export async function findStanding({ catalog, store }: Pick<Taking, 'catalog' | 'store'>): Promise<Standing> {
  const owner = await findAnyOwner(store);
  if (owner === null) return { is: 'free', owner };
  const marks = await readMarks(catalog);
  if (marks !== null && (owner.mark === marks.latest || owner.mark === marks.before)) return { is: 'ours', owner };
  const catalogId = await findSetting(catalog.queries, CATALOG_ID);
  return { is: owner.catalogId === catalogId ? 'behind' : 'foreign', owner };
}

/** At a server's start. Throws an OperationalError that says what to do when the repository is not this catalog's. */
export async function takeOwn(taking: Taking, advise: (command: string) => string): Promise<Owner> {
  const standing = await findStanding(taking);
  if (standing.is === 'foreign') {
    const { catalogId, ownerEpoch } = standing.owner;
    throw new OperationalError(
      `the repository belongs to another catalog (${catalogId}, epoch ${ownerEpoch}), and this one may only read it: ` +
        `\`${advise('repository import')}\` brings back a catalog that was lost, \`${advise('repository adopt')}\` takes the repository from the other for ever`,
      { retryable: false },
    );
  }
  if (standing.is === 'behind') throw behindError(advise);
  return await take(taking);
}

/** Of a catalog that was restored from a copy: what it thinks is in the repository may be gone. */
export function behindError(advise: (command: string) => string): OperationalError {
  return new OperationalError(
    `catalog.db is older than the repository, as one that was restored from a copy: ` +
      `\`${advise('repository import')}\` brings back what it does not know`,
    { retryable: false },
  );
}

/** Whoever had it. */
export async function take({ catalog, store, clock, random }: Taking): Promise<Owner> {
  const before = await findAnyOwner(store);
  const catalogId = (await findSetting(catalog.queries, CATALOG_ID)) ?? newUuid(random);
  const mark = newUuid(random);
  const owner = { ownerEpoch: (before?.ownerEpoch ?? 0) + 1, catalogId, mark, takenAtMs: clock.nowMs() };
  // Written down first: a crash after the taking must not make the catalog a stranger to its own repository.
  await catalog.transaction(async (transaction) => {
    await putSetting(transaction, CATALOG_ID, catalogId);
    const marks: Marks = { latest: mark, before: before?.mark ?? null };
    await putSetting(transaction, MARKS, JSON.stringify(marks));
  });
  if (await takeRepository(store, owner, before)) return owner;
  throw new OperationalError('another server took the repository at this moment: try again', { retryable: true });
}

async function readMarks(catalog: Catalog): Promise<Marks | null> {
  const text = await findSetting(catalog.queries, MARKS);
  return text === undefined ? null : (JSON.parse(text) as Marks);
}
