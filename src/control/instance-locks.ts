/**
 * Locks of instances: the operator of the service sets them, which is an extension, and the end of a subscription does
 * (`subscriptions.ts`). What they keep people from is `ecs/operation-locks.ts`.
 *
 * A lock may say when the instance is released: then snapshots of its disks that are in the making are cancelled, and it is
 * deleted with all its disks, by force (one whose subscription ended only with those that go with it, as all do that are paid
 * with it); snapshots that are accomplished stay, the disks go into the recycle bin. Its time is that of `lock-clock.ts`, which no setting of the clock hurries while a server runs. A server that dies leaves the lock, or a
 * DeleteInstance with which the next one goes on.
 */
import { listDisksOfInstance, updateDisk } from '../catalog/disks.ts';
import {
  deleteInstanceLocks,
  listDueReasons,
  listDueReleases,
  listInstanceLocks,
  listReleaseTimes,
  putInstanceLock,
} from '../catalog/instance-locks.ts';
import { updateInstance } from '../catalog/instances.ts';
import type { Queries } from '../catalog/schema.ts';
import { listProgressingSnapshots } from '../catalog/snapshots.ts';
import { refuseLocked } from '../ecs/operation-locks.ts';
import type { LockReason, LockedAction } from '../ecs/operation-locks.ts';
import { DAY_MS } from '../ecs/lock-rules.ts';
import { RequestError, messageOf } from '../lib/errors.ts';
import { change, unconditionally } from './change.ts';
import { deleteInstances } from './delete-instances.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions } from './requests.ts';
import { assertAllowed, getInstance } from './rows.ts';
import type { OperationRunner } from './runner.ts';
import { cancelSnapshot } from './snapshots.ts';

const LOOK_EVERY_MS = 60_000;

export interface LockInstanceRequest {
  instanceId: string;
  reason: LockReason;
  /** Null: it is not released. */
  releaseDays: number | null;
}

export class InstanceLocks {
  readonly #parts: Parts;
  readonly #runner: () => OperationRunner;
  readonly #ending = new AbortController();
  #ended: Promise<void> = Promise.resolve();

  constructor(parts: Parts, runner: () => OperationRunner) {
    this.#parts = parts;
    this.#runner = runner;
  }

  start(): void {
    this.#ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#ended;
  }

  /** Again: the time of the release is set anew. */
  async lock(request: LockInstanceRequest, options: ChangeOptions = unconditionally): Promise<void> {
    const { instanceId, reason, releaseDays } = request;
    const { lockClock } = this.#parts;
    await change(this.#parts, options, async (transaction) => {
      await getInstance(transaction, instanceId);
      const releaseAtMs = releaseDays === null ? null : lockClock.nowMs() + releaseDays * DAY_MS;
      await putInstanceLock(transaction, { instance_id: instanceId, reason, release_at_ms: releaseAtMs });
      await lockClock.save(transaction);
    });
  }

  /** It is not locked: nothing. */
  async unlock(
    { instanceId, reason }: { instanceId: string; reason: LockReason },
    options: ChangeOptions = unconditionally,
  ): Promise<void> {
    await change(this.#parts, options, async (transaction) => {
      await getInstance(transaction, instanceId);
      await deleteInstanceLocks(transaction, instanceId, reason);
    });
  }

  /** When each of them is released, as people's clock shows it; those that are not are absent. */
  async releaseTimes(instanceIds: readonly string[]): Promise<Map<string, number>> {
    const { catalog, lockClock } = this.#parts;
    const times = await listReleaseTimes(catalog.queries, instanceIds);
    return new Map([...times].map(([instanceId, atMs]) => [instanceId, lockClock.toClock(atMs)]));
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#parts;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      const problem = await this.#releaseDue().then(() => null, messageOf);
      if (signal.aborted) return;
      if (problem !== null) log.warn(`what is locked and overdue could not be released: ${problem}`);
      await clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
    }
  }

  /** One that cannot be released now keeps no other waiting. */
  async #releaseDue(): Promise<void> {
    const { catalog, lockClock, log } = this.#parts;
    if (!lockClock.isSettled) return;
    for (const instanceId of await listDueReleases(catalog.queries, lockClock.nowMs())) {
      await this.#release(instanceId).catch((error: unknown) => {
        if (!(error instanceof RequestError)) throw error;
        log.warn(`${instanceId} is locked and to be released, which is tried again: ${error.message}`);
      });
    }
  }

  async #release(instanceId: string): Promise<void> {
    const { catalog, lockClock, log } = this.#parts;
    const dueAtMs = lockClock.nowMs();
    const diskIds = await catalog.transaction(async (transaction) => {
      const reasons = await listDueReasons(transaction, instanceId, dueAtMs);
      if (reasons.length === 0) return null;
      const { expires_at_ms: expiresAtMs } = await getInstance(transaction, instanceId);
      await updateInstance(transaction, instanceId, { deletion_protection: 0 });
      const attached = await listDisksOfInstance(transaction, instanceId);
      // What is not paid with a subscription does not end with it, unless it says so.
      const isWhole = expiresAtMs === null || reasons.includes('security');
      const disks = attached.filter((disk) => isWhole || disk.delete_with_instance === 1);
      for (const { disk_id: diskId } of disks) await updateDisk(transaction, diskId, { delete_with_instance: 1 });
      return disks.map((disk) => disk.disk_id);
    });
    if (diskIds === null) return; // renewed or unlocked meanwhile
    log.info(`${instanceId} is released with its disks: the time of its lock is over`);
    for (const { snapshot_id: snapshotId } of await listProgressingSnapshots(catalog.queries, diskIds)) {
      const gone = cancelSnapshot(this.#parts, this.#runner(), snapshotId);
      await gone.catch((error: unknown) => {
        if (!(error instanceof RequestError)) throw error; // held
      });
    }
    const request = { instanceIds: [instanceId], force: true, dueAtMs };
    await deleteInstances(this.#parts, this.#runner(), request, unconditionally);
  }
}

/** Throws while a lock of the instance keeps people from the action; null: a disk that is attached to nothing. */
export async function assertUnlocked(
  transaction: Queries,
  action: LockedAction,
  instanceId: string | null,
): Promise<void> {
  if (instanceId === null) return;
  const locks = (await listInstanceLocks(transaction, [instanceId])).get(instanceId) ?? [];
  assertAllowed(refuseLocked(action, instanceId, locks));
}
