/** Who writes to the repository, and which packs are condemned (`repository/collector-book.ts`). */
import type { CondemnedPackRow, Queries } from './schema.ts';
import { findSetting, putSetting } from './settings.ts';

interface OpenSession {
  session: number;
  epoch: number;
}

interface CondemnedPacks {
  epoch: number;
  packs: { packId: string; epoch: number }[];
  dying: { packId: string; epoch: number }[];
  deleted: { packId: string; epoch: number }[];
  deletedSince: number;
}

const EPOCH = 'repository-epoch';
const SESSION = 'repository-session';
/** All packs that were deleted at a later epoch are remembered. */
const DELETED_SINCE = 'repository-deleted-since';
/** Packs; 16 GiB of them. */
const REMEMBERED = 1000;

/** In a transaction. `holder` is the catalog's epoch: a later server ends the sessions of earlier ones. */
export async function insertSession(queries: Queries, holder: number): Promise<OpenSession> {
  const session = Number((await findSetting(queries, SESSION)) ?? '0') + 1;
  await putSetting(queries, SESSION, String(session));
  const epoch = await readEpoch(queries);
  await queries.insertInto('repository_sessions').values({ session, epoch, holder_epoch: holder }).execute();
  return { session, epoch };
}

/** False when it was ended before. */
export async function deleteSession(queries: Queries, session: number): Promise<boolean> {
  const result = await queries.deleteFrom('repository_sessions').where('session', '=', session).executeTakeFirst();
  return result.numDeletedRows > 0n;
}

/** Ends what servers before the epoch `holder` left open; how many that were. */
export async function deleteEarlierSessions(queries: Queries, holder: number): Promise<number> {
  const result = await queries.deleteFrom('repository_sessions').where('holder_epoch', '<', holder).executeTakeFirst();
  return Number(result.numDeletedRows);
}

export async function listSessions(queries: Queries): Promise<OpenSession[]> {
  return await queries.selectFrom('repository_sessions').select(['session', 'epoch']).orderBy('session').execute();
}

export async function readCondemned(queries: Queries): Promise<CondemnedPacks> {
  const rows = await queries.selectFrom('condemned_packs').selectAll().orderBy('pack_id').execute();
  const listed = (wanted: CondemnedPackRow['state']) =>
    rows.filter(({ state }) => state === wanted).map(({ pack_id: packId, epoch }) => ({ packId, epoch }));
  const deletedSince = Number((await findSetting(queries, DELETED_SINCE)) ?? '0');
  const lists = { packs: listed('condemned'), dying: listed('dying'), deleted: listed('deleted') };
  return { epoch: await readEpoch(queries), ...lists, deletedSince };
}

/** In a transaction: adds packs to the list, at a new epoch. */
export async function addCondemned(queries: Queries, packIds: readonly string[]): Promise<CondemnedPacks> {
  const epoch = await raiseEpoch(queries);
  for (const packId of packIds) {
    await queries
      .insertInto('condemned_packs')
      .values({ pack_id: packId, epoch, state: 'condemned' })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  return await readCondemned(queries);
}

/** In a transaction: takes packs from the list, and lets others die, at a new epoch; null when it is not at `epoch` any more. */
export async function settleCondemned(
  queries: Queries,
  change: { epoch: number; pardoned: readonly string[]; dying: readonly string[] },
): Promise<CondemnedPacks | null> {
  if ((await readEpoch(queries)) !== change.epoch) return null;
  const epoch = await raiseEpoch(queries);
  for (const packId of change.pardoned) {
    await queries.deleteFrom('condemned_packs').where('pack_id', '=', packId).execute();
  }
  await setState(queries, change.dying, { state: 'dying', epoch });
  return await readCondemned(queries);
}

/** In a transaction: they are gone, at a new epoch. Of those that are, the latest are remembered. */
export async function markDeleted(queries: Queries, packIds: readonly string[]): Promise<CondemnedPacks> {
  await setState(queries, packIds, { state: 'deleted', epoch: await raiseEpoch(queries) });
  const old = await queries
    .selectFrom('condemned_packs')
    .select('epoch')
    .where('state', '=', 'deleted')
    .orderBy('epoch', 'desc')
    .offset(REMEMBERED)
    .limit(1)
    .executeTakeFirst();
  if (old !== undefined) {
    await queries
      .deleteFrom('condemned_packs')
      .where('state', '=', 'deleted')
      .where('epoch', '<=', old.epoch)
      .execute();
    await putSetting(queries, DELETED_SINCE, String(old.epoch));
  }
  return await readCondemned(queries);
}

async function setState(
  queries: Queries,
  packIds: readonly string[],
  change: Pick<CondemnedPackRow, 'state' | 'epoch'>,
): Promise<void> {
  for (const packId of packIds) {
    await queries.updateTable('condemned_packs').set(change).where('pack_id', '=', packId).execute();
  }
}

async function readEpoch(queries: Queries): Promise<number> {
  return Number((await findSetting(queries, EPOCH)) ?? '0');
}

async function raiseEpoch(queries: Queries): Promise<number> {
  const epoch = (await readEpoch(queries)) + 1;
  await putSetting(queries, EPOCH, String(epoch));
  return epoch;
}
