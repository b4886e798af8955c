/** The collector's book (`repository/collector-book.ts`), kept in the catalog, and the sessions of those who write. */
import { listAllDisks } from '../catalog/disks.ts';
import { listImageBases } from '../catalog/images.ts';
import { listOperations } from '../catalog/operations.ts';
import type { StoredOperation } from '../catalog/operations.ts';
import {
  addCondemned,
  deleteEarlierSessions,
  deleteSession,
  insertSession,
  listSessions,
  markDeleted,
  readCondemned,
  settleCondemned,
} from '../catalog/repository-sessions.ts';
import type { Queries } from '../catalog/schema.ts';
import { findSetting } from '../catalog/settings.ts';
import { listSnapshotTrees } from '../catalog/snapshots.ts';
import { OperationalError } from '../lib/errors.ts';
import type { CollectorBook, CondemnedPacks, Look } from '../repository/collector-book.ts';
import type { NamedTree } from '../repository/ledger.ts';
import { snapshotTreeName } from '../repository/needed-trees.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import type { WriterSession } from '../repository/writer.ts';
import { baseOf, treesOfBase } from './disk-folder.ts';
import { listFormerTrees } from './former-trees.ts';
import { raiseGarbageMark } from './garbage.ts';
import type { Parts } from './parts.ts';

/** The setting that holds the tree of the catalog's latest copy in the repository, JSON. */
export const CATALOG_COPY = 'catalog-copy';

type TreesOf = (operation: StoredOperation) => TreeRef[];

export class RepositoryBook implements CollectorBook {
  readonly #catalog: Parts['catalog'];
  readonly #treesOf: TreesOf;

  constructor(catalog: Parts['catalog'], treesOf: TreesOf) {
    this.#catalog = catalog;
    this.#treesOf = treesOf;
  }

  async look(): Promise<Look> {
    return await this.#catalog.transaction(async (transaction) => ({
      trees: await listTrees(transaction, this.#treesOf),
      sessions: await listSessions(transaction),
      condemned: await readCondemned(transaction),
    }));
  }

  async condemn(packIds: readonly string[]): Promise<CondemnedPacks> {
    return await this.#catalog.transaction((transaction) => addCondemned(transaction, packIds));
  }

  async settle(change: Parameters<CollectorBook['settle']>[0]): Promise<CondemnedPacks | null> {
    return await this.#catalog.transaction((transaction) => settleCondemned(transaction, change));
  }

  async forget(packIds: readonly string[]): Promise<CondemnedPacks> {
    return await this.#catalog.transaction((transaction) => markDeleted(transaction, packIds));
  }
}

type Written = Pick<Parts, 'catalog'> & { repository: Pick<Parts['repository'], 'fenceOf' | 'expectStrangers'> };

/**
 * Runs `work` in a session. It calls `end` in the transaction that writes its tree down (G3), which throws a retryable
 * OperationalError when the session was ended by others. When `work` fails, what it wrote is garbage, unless others have
 * taken it for known.
 */
export async function inSession<T>(
  { catalog, repository }: Written,
  work: (session: WriterSession, end: (transaction: Queries) => Promise<void>) => Promise<T>,
): Promise<T> {
  const { session, condemned } = await catalog.transaction(async (transaction) => ({
    ...(await insertSession(transaction, catalog.epoch)),
    condemned: await readCondemned(transaction),
  }));
  const end = async (transaction: Queries): Promise<void> => {
    if (await deleteSession(transaction, session)) return;
    throw new OperationalError(`the session ${session} was ended: what it wrote is written again`, { retryable: true });
  };
  try {
    return await work({ fence: repository.fenceOf(session), condemned }, end);
  } catch (error) {
    repository.expectStrangers();
    await catalog.transaction(async (transaction) => {
      if (await deleteSession(transaction, session)) await raiseGarbageMark(transaction);
    });
    throw error;
  }
}

/** At the start, while nothing uploads. */
export async function endEarlierSessions({ catalog }: Pick<Parts, 'catalog'>): Promise<void> {
  await catalog.transaction(async (transaction) => {
    if ((await deleteEarlierSessions(transaction, catalog.epoch)) > 0) await raiseGarbageMark(transaction);
  });
}

/**
 * All that is needed but for what only manifests tell. What disks began as is not among them: whoever may still use it has its
 * snapshot or its image here (`reinit-disk.ts`).
 */
async function listTrees(transaction: Queries, treesOf: TreesOf): Promise<NamedTree[]> {
  const snapshots = await listSnapshotTrees(transaction);
  const disks = await listAllDisks(transaction);
  const images = await listImageBases(transaction);
  const operations = await listOperations(transaction);
  const copy = await findSetting(transaction, CATALOG_COPY);
  return [
    ...snapshots.map(({ snapshotId, diskId, tree }) =>
      named(snapshotTreeName(snapshotId), JSON.parse(tree) as TreeRef, diskId),
    ),
    ...disks.flatMap((row) => treesOfBase(baseOf(row)).map((tree) => named(`disk ${row.disk_id}`, tree))),
    ...images.flatMap((base, position) =>
      treesOfBase(baseOf({ base })).map((tree) => named(`image disk ${position}`, tree)),
    ),
    ...(await listFormerTrees(transaction)),
    ...(copy === undefined ? [] : [named('the latest copy of the catalog', JSON.parse(copy) as TreeRef, 'catalog')]),
    ...operations.flatMap((operation) =>
      treesOf(operation).map((tree, position) =>
        named(`${operation.operationId} ${position}`, tree, diskIdOf(operation.state)),
      ),
    ),
  ];
}

function named(name: string, tree: TreeRef, chain = ''): NamedTree {
  return { name, tree, near: [], chain };
}

function diskIdOf(state: unknown): string {
  const diskId = (state as { diskId?: unknown }).diskId;
  return typeof diskId === 'string' ? diskId : '';
}
