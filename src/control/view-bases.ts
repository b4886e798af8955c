/**
 * Who stands on a frozen view: the disks whose base it is, and the operations that name it (C12).
 *
 * Whoever begins to stand on a snapshot reads in its transaction whether the snapshot's tree is written in its row: it takes
 * the tree then, and the view only before. So once the tree is written nobody new comes, and the view may be released when, in
 * one transaction, no disk's base and no operation's state is that view.
 */
import { listDisksWithBase, setBase } from '../catalog/disks.ts';
import { listOperations } from '../catalog/operations.ts';
import type { DiskRow, Queries } from '../catalog/schema.ts';
import { isViewBase } from '../disk/protocol.ts';
import type { BaseRef, ViewBase } from '../disk/protocol.ts';
import { OperationalError, RequestError, messageOf } from '../lib/errors.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { formatBase } from './disk-folder.ts';
import type { Parts } from './parts.ts';

const LOOK_AGAIN_MS = 100;

/** Ask in a transaction: a disk and an operation may change places between two reads. */
export async function isStoodOn(transaction: Queries, view: ViewBase): Promise<boolean> {
  if ((await listDisksWithBase(transaction, formatBase(view))).length > 0) return true;
  return (await listOperations(transaction)).some(({ state }) => names(state, view));
}

/** The view anywhere in an operation's state, wherever its kind keeps it. */
function names(value: unknown, view: ViewBase): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if ('snapshotId' in value && isViewBase(value as BaseRef)) {
    const { snapshotId, viewOf } = value as ViewBase;
    return snapshotId === view.snapshotId && viewOf === view.viewOf;
  }
  return Object.values(value).some((part) => names(part, view));
}

/**
 * Resolves when nobody stands on the view any more: every disk that did stands on the tree, in diskd and in its row. A crash
 * leaves some moved and the rest for the next time. Operations are waited for; each ends, or takes the tree, by itself.
 */
export async function moveToTree(
  parts: Parts,
  { view, tree }: { view: ViewBase; tree: TreeRef },
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    for (const row of await listDisksWithBase(parts.catalog.queries, formatBase(view))) {
      if (!isBeingMade(row)) await moveDisk(parts, row.disk_id, { view, tree });
    }
    if (!(await parts.catalog.transaction((transaction) => isStoodOn(transaction, view)))) return;
    await parts.clock.sleep(LOOK_AGAIN_MS, signal);
  }
}

/** Its folder may not be there yet, and then come with the view as its base: it is looked at again when it is there. */
function isBeingMade({ status }: DiskRow): boolean {
  return status === 'Creating';
}

/** Whatever the failure, it is tried again: the view holds the disk's bytes. A disk whose folder is lost needs none. */
async function moveDisk(
  { dataPlane, catalog }: Parts,
  diskId: string,
  { view, tree }: { view: ViewBase; tree: TreeRef },
): Promise<void> {
  try {
    await dataPlane.call('rebase', { diskId, snapshotId: view.snapshotId, tree });
  } catch (error) {
    if (!(error instanceof RequestError && error.code === 'InvalidDiskId.NotFound')) {
      const message = `the disk ${diskId} cannot leave the frozen view of ${view.snapshotId}: ${messageOf(error)}`;
      throw new OperationalError(message, { retryable: true, cause: error });
    }
  }
  await catalog.transaction(async (transaction) => {
    const rows = await listDisksWithBase(transaction, formatBase(view));
    if (!rows.some((row) => row.disk_id === diskId)) return;
    await setBase(transaction, diskId, formatBase({ snapshotId: view.snapshotId, tree }));
  });
}

/**
 * At a start: frozen views that no operation knows, as after an import of an older catalog. One that disks stand on stays, for
 * it is all that they have.
 */
export async function releaseForgottenViews({ catalog, dataPlane, log }: Parts): Promise<void> {
  const { disks } = await dataPlane.call('listDisks', {});
  const operations = JSON.stringify(await listOperations(catalog.queries));
  const stoodOn = new Set(disks.flatMap(({ base }) => (isViewBase(base) ? [`${base.viewOf} ${base.snapshotId}`] : [])));
  for (const { diskId, views } of disks) {
    for (const { snapshotId } of views) {
      if (operations.includes(snapshotId) || stoodOn.has(`${diskId} ${snapshotId}`)) continue;
      log.warn(`the frozen view of ${snapshotId} on ${diskId} is released: no operation knows it`);
      await dataPlane.call('releaseView', { diskId, snapshotId, committed: false }).catch((error: unknown) => {
        if (!(error instanceof OperationalError || error instanceof RequestError)) throw error;
        log.warn(`it could not be: ${messageOf(error)}`);
      });
    }
  }
}
