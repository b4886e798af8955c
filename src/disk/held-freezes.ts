/**
 * One thread's part in freezing several disks at one instant (D2). First the gates of its disks are shut; when all threads have
 * done that its disks are frozen; the gates open when diskd says that every thread has done so, or by themselves when that takes
 * too long, before the freeze or after it.
 *
 * Why the instant is one: let it be the last freeze. Whatever was begun on a disk after its own freeze is answered after the gate
 * opened, so after that instant; whatever was answered before the instant was done before the disk's freeze, and is in its view.
 */
import type { Clock } from '../lib/clock.ts';
import { OperationalError, RequestError } from '../lib/errors.ts';
import type { Gate } from '../nbd/gate.ts';
import type { Disk } from './disk.ts';
import type { FreezeReply } from './protocol.ts';

/** Guests are held no longer than this, whatever becomes of the group. */
export const GATE_LIMIT_MS = 250;

interface Member {
  disk: Disk;
  snapshotId: string;
}

export class HeldFreezes {
  readonly #clock: Clock;
  readonly #held = new Map<string, { gates: Gate[]; over: AbortController }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Until `open`, or for so long. */
  shut(groupId: string, gates: Gate[]): void {
    for (const gate of gates) gate.shut();
    const over = new AbortController();
    this.#held.set(groupId, { gates, over });
    this.#clock.sleep(GATE_LIMIT_MS, over.signal).then(
      () => this.open(groupId),
      () => undefined,
    );
  }

  /**
   * All of them, or the error of the first that could not be; those before it are then frozen, and for the caller to cancel. None
   * of them where the gates are not shut any more.
   */
  freeze(groupId: string, members: Member[]): FreezeReply[] {
    if (!this.#held.has(groupId)) {
      throw new OperationalError(`the disks of ${groupId} were not held for so long`, { retryable: false });
    }
    const earlier = members.find(({ disk, snapshotId }) => disk.hasView(snapshotId));
    if (earlier !== undefined) {
      throw new RequestError(
        'OperationConflict',
        `${earlier.snapshotId} was frozen before, by an attempt that was lost`,
      );
    }
    return members.map(({ disk, snapshotId }) => disk.freeze(snapshotId));
  }

  /** False when they were open already, so that the instant may not be one. */
  open(groupId: string): boolean {
    const held = this.#held.get(groupId);
    if (held === undefined) return false;
    this.#held.delete(groupId);
    held.over.abort();
    for (const gate of held.gates) gate.open();
    return true;
  }
}
