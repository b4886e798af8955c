/**
 * The recycle bin: deleted snapshots and disks are listed, restored, and go for good when they are told to, when their time is
 * over, or when room is short, the one that would go first before the others.
 *
 * | died after        | durable state                                        | the next server                            |
 * | ----------------- | ---------------------------------------------------- | ------------------------------------------ |
 * | a deletion        | row and tags gone, an entry in the bin               | nothing: it is there until its time is over |
 * | restoring         | row and tags there, no entry                         | nothing: one transaction                   |
 * | emptying          | no entry, an operation as of DeleteSnapshot or DeleteDisk without a bin | goes on with it         |
 *
 * An entry goes by the time of `lock-clock.ts`, which no setting of the clock hurries while a server runs.
 */
import {
  deleteRecycled,
  findLastEnd,
  findRecycled,
  listDueRecycled,
  listRecycled,
  listRecycledTrees,
  parseRecycledSnapshot,
} from '../catalog/recycle-bin.ts';
import type { StoredOperation } from '../catalog/operations.ts';
import type { Queries, RecycledRow } from '../catalog/schema.ts';
import { listTreesOfDisk } from '../catalog/snapshot-chains.ts';
import { countSnapshots } from '../catalog/snapshots.ts';
import { AUTOMATIC_SNAPSHOT_QUOTA } from '../ecs/auto-snapshot-policy.ts';
import type { Paging, RecycledFilter } from '../ecs/list-filters.ts';
import type { Page, Recycled } from '../ecs/resources.ts';
import { MANUAL_SNAPSHOT_QUOTA } from '../ecs/states.ts';
import { RequestError, messageOf } from '../lib/errors.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { change, unconditionally } from './change.ts';
import { baseOf } from './disk-folder.ts';
import { raiseGarbageMark } from './garbage.ts';
import { DELETE_DISK } from './operations/delete-disk.ts';
import type { DeleteDiskState } from './operations/delete-disk.ts';
import { DELETE_SNAPSHOT } from './operations/delete-snapshot.ts';
import type { Parts } from './parts.ts';
import { putBack } from './recycle.ts';
import type { ChangeOptions } from './requests.ts';
import type { OperationRunner } from './runner.ts';
import { waitSoon } from './wait-soon.ts';

const LOOK_EVERY_MS = 60_000;
/** So many go in one transaction. */
const BATCH = 50;
const MEASURE_TIMEOUT_MS = 2000;

export class RecycleBin {
  readonly #parts: Parts;
  readonly #runner: () => OperationRunner;
  readonly #ending = new AbortController();
  #ended: Promise<void> = Promise.resolve();

  constructor(parts: Parts, runner: () => OperationRunner) {
    this.#parts = parts;
    this.#runner = runner;
  }

  /** From now on it gives way when room is short, and where it is empty `otherwise` does. */
  start(otherwise: (facts: string) => Promise<boolean>): void {
    this.#parts.space.onShort(async (facts) => (await this.#giveWay(facts)) || (await otherwise(facts)));
    this.#ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#ended;
  }

  /** A page, what was deleted last first. */
  async list(filter: RecycledFilter, paging: Paging): Promise<Page<Recycled>> {
    const { catalog, lockClock } = this.#parts;
    const page = await listRecycled(catalog.queries, filter, paging);
    const items: Recycled[] = [];
    for (const row of page.items) {
      items.push({
        ...{ resourceId: row.resource_id, resourceType: row.resource_type, name: row.name, sizeGib: row.size_gib },
        ...{ diskId: row.disk_id, deletedAtMs: row.created_at_ms, goesAtMs: lockClock.toClock(row.until_ms) },
        heldBytes: row.resource_type === 'disk' ? await this.#measureDisk(row) : await this.#measureSnapshot(row),
      });
    }
    return { ...page, items };
  }

  /** All or none. Disks are Available, snapshots accomplished. */
  async restore({ resourceIds }: { resourceIds: string[] }, options: ChangeOptions = unconditionally): Promise<void> {
    await change(this.#parts, options, async (transaction) => {
      for (const resourceId of new Set(resourceIds)) {
        const entry = await getRecycled(transaction, resourceId);
        await assertRestorable(transaction, entry);
        await putBack(transaction, entry, this.#parts.lockClock.nowMs());
      }
    });
    this.#parts.onStored?.();
  }

  /** All or none; answers when the bytes are gone, or soon. */
  async empty({ resourceIds }: { resourceIds: string[] }, options: ChangeOptions = unconditionally): Promise<void> {
    const operations = await change(this.#parts, options, async (transaction) => {
      const entries: RecycledRow[] = [];
      for (const resourceId of new Set(resourceIds)) entries.push(await getRecycled(transaction, resourceId));
      return await this.#record(transaction, entries);
    });
    await this.#perform(operations);
  }

  /** Everything that was there when it was asked, some at a time. */
  async emptyAll(options: ChangeOptions = unconditionally): Promise<void> {
    const lastMs = await findLastEnd(this.#parts.catalog.queries);
    while ((await this.#emptyDue(lastMs, options)) === BATCH);
  }

  /** For want of room, which `facts` tells. False when there is nothing in it. */
  async #giveWay(facts: string): Promise<boolean> {
    const operations = await change(this.#parts, unconditionally, async (transaction) => {
      const entries = await listDueRecycled(transaction, Number.MAX_SAFE_INTEGER, 1);
      return await this.#record(transaction, entries);
    });
    const [operation] = operations;
    if (operation === undefined) return false;
    this.#parts.log.warn(`room is short (${facts}): ${operation.subjectId} goes from the recycle bin for good`);
    await this.#perform(operations);
    return true;
  }

  async #run(): Promise<void> {
    const { clock, lockClock, log } = this.#parts;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        while (
          !signal.aborted &&
          lockClock.isSettled &&
          (await this.#emptyDue(lockClock.nowMs(), unconditionally)) === BATCH
        );
      } catch (error) {
        if (signal.aborted) return;
        log.warn(`the recycle bin could not be emptied of what is overdue: ${messageOf(error)}`);
      }
      await clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
    }
  }

  /** How many went. */
  async #emptyDue(untilMs: number, options: ChangeOptions): Promise<number> {
    const operations = await change(this.#parts, options, async (transaction) =>
      this.#record(transaction, await listDueRecycled(transaction, untilMs, BATCH)),
    );
    await this.#perform(operations);
    return operations.length;
  }

  /** From now on they are gone for good: the operations go on with what is left of them. */
  async #record(transaction: Queries, entries: readonly RecycledRow[]): Promise<StoredOperation[]> {
    const operations: StoredOperation[] = [];
    for (const entry of entries) operations.push(await this.#recordOne(transaction, entry));
    return operations;
  }

  async #recordOne(transaction: Queries, entry: RecycledRow): Promise<StoredOperation> {
    const { resource_id: resourceId, base } = entry;
    await deleteRecycled(transaction, resourceId);
    if (base === null) {
      return await this.#runner().record(transaction, DELETE_SNAPSHOT, resourceId, { snapshotId: resourceId });
    }
    await raiseGarbageMark(transaction);
    const state: DeleteDiskState = { diskId: resourceId, base: baseOf({ base }) };
    return await this.#runner().record(transaction, DELETE_DISK, resourceId, state);
  }

  async #perform(operations: readonly StoredOperation[]): Promise<void> {
    const runs = operations.map((operation) => this.#runner().start(operation).done());
    await waitSoon(
      this.#parts.clock,
      Promise.all(runs).then(() => undefined),
    );
  }

  /** What its files take; null while diskd cannot say. */
  async #measureDisk({ resource_id: diskId }: RecycledRow): Promise<number | null> {
    const asked = this.#parts.dataPlane.call('describeDisk', { diskId }, { timeoutMs: MEASURE_TIMEOUT_MS });
    return await asked.then(
      ({ disk }) => disk.allocatedBytes,
      () => null,
    );
  }

  /** What it has that no other snapshot of its disk has, neither one that is kept for undoing nor one in the bin. */
  async #measureSnapshot({ resource_id: snapshotId, disk_id: diskId, tree }: RecycledRow): Promise<number | null> {
    const { catalog, repository } = this.#parts;
    const recycled = await listRecycledTrees(catalog.queries, diskId);
    const others = [
      ...(await listTreesOfDisk(catalog.queries, diskId)),
      ...recycled.filter((other) => other.snapshotId !== snapshotId).map((other) => other.tree),
    ].map((text) => JSON.parse(text) as TreeRef);
    const own = JSON.parse(tree ?? 'null') as TreeRef;
    const [without, withIt] = [repository.sizeChain(others), repository.sizeChain([...others, own])];
    const isCounted = withIt.countedCount === others.length + 1 && without.countedCount === others.length;
    return isCounted ? Math.max(0, withIt.bytes - without.bytes) : null;
  }
}

async function getRecycled(queries: Queries, resourceId: string): Promise<RecycledRow> {
  const entry = await findRecycled(queries, resourceId);
  if (entry !== undefined) return entry;
  throw new RequestError(
    'InvalidResourceId.NotFound',
    `${resourceId} is not in the recycle bin: HupoDescribeRecycleBin lists what is there.`,
  );
}

/** A snapshot of a disk that has as many as may be stays in the bin. */
async function assertRestorable(transaction: Queries, entry: RecycledRow): Promise<void> {
  if (entry.resource_type === 'disk') return;
  const { source_snapshot_id: copiedId, automatic } = parseRecycledSnapshot(entry).snapshot;
  if (copiedId !== null) return;
  const { resource_id: snapshotId, disk_id: diskId } = entry;
  const most = automatic === 1 ? AUTOMATIC_SNAPSHOT_QUOTA : MANUAL_SNAPSHOT_QUOTA;
  const count = await countSnapshots(transaction, diskId, automatic === 1);
  if (count < most) return;
  throw new RequestError(
    'QuotaExceed.Snapshot',
    `${snapshotId} cannot be restored: the disk ${diskId} has ${count} snapshots of its kind, of at most ${most}. Delete some.`,
  );
}
