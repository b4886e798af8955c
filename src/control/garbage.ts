/**
 * The mark in the catalog that says that the repository holds bytes which nothing needs. It is raised in the transaction
 * that makes them garbage, and lowered after a collection, unless it was raised again meanwhile.
 */
import { clearSetting, findSetting, putSetting } from '../catalog/settings.ts';
import type { Queries } from '../catalog/schema.ts';

const NAME = 'garbage';

/** `cause` differs each time: an operation's or a snapshot's id. */
export async function raiseGarbageMark(queries: Queries, cause: string): Promise<void> {
  await putSetting(queries, NAME, cause);
}

export async function findGarbageMark(queries: Queries): Promise<string | undefined> {
  return await findSetting(queries, NAME);
}

/** Lowers the mark that `findGarbageMark` told of, if it is still that one. */
export async function lowerGarbageMark(queries: Queries, cause: string): Promise<void> {
  await clearSetting(queries, NAME, cause);
}
