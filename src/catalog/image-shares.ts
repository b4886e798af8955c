/** The accounts that images are shared with, as they were written down. */
import type { Paging } from '../ecs/list-filters.ts';
import type { ImageShare, Page } from '../ecs/resources.ts';
import { startOf, toPage } from './paging.ts';
import type { Queries } from './schema.ts';

/** One that is there already keeps its time. */
export async function insertImageShare(queries: Queries, imageId: string, share: ImageShare): Promise<void> {
  await queries
    .insertInto('image_shares')
    .values({ image_id: imageId, account_id: share.accountId, shared_at_ms: share.sharedAtMs })
    .onConflict((conflict) => conflict.columns(['image_id', 'account_id']).doNothing())
    .execute();
}

export async function deleteImageShare(queries: Queries, imageId: string, accountId: string): Promise<void> {
  const shares = queries.deleteFrom('image_shares').where('image_id', '=', imageId);
  await shares.where('account_id', '=', accountId).execute();
}

export async function countImageShares(queries: Queries, imageId: string): Promise<number> {
  const shares = queries.selectFrom('image_shares').where('image_id', '=', imageId);
  return (await shares.select((row) => row.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()).total;
}

/** A page, by account. */
export async function listImageShares(queries: Queries, imageId: string, paging: Paging): Promise<Page<ImageShare>> {
  const { offset } = startOf(paging);
  const shares = queries.selectFrom('image_shares').selectAll().where('image_id', '=', imageId).orderBy('account_id');
  const rows = await shares
    .limit(paging.pageSize + 1)
    .offset(offset)
    .execute();
  const total = await countImageShares(queries, imageId);
  const page = toPage(rows, paging, total, (row) => ({ createdAtMs: row.shared_at_ms, id: row.account_id }));
  const items = page.items.map((row) => ({ accountId: row.account_id, sharedAtMs: row.shared_at_ms }));
  return { ...page, items };
}
