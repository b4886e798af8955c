/**
 * One thread's part in freezing several disks at one instant (D2). Its disks are frozen, and their gates shut, in one turn of
 * the event loop; the gates open when diskd says that every thread has done so, or by themselves when that takes too long.
 *
 * Why the instant is one: let it be the last freeze. Whatever was begun on a disk after its own freeze is answered after the gate
 * opened, so after that instant; whatever was answered before the instant was done before the disk's freeze, and is in its view.
 */
import type { Clock } from '../lib/clock.ts';
import { RequestError } from '../lib/errors.ts';
import type { Gate } from '../nbd/gate.ts';
import type { Disk } from './disk.ts';
import type { FreezeReply } from './protocol.ts';

/** Guests are held no longer than this, whatever becomes of the group. */
export const GATE_LIMIT_MS = 250;

interface Member {
  disk: Disk;
  gate: Gate;
  snapshotId: string;
}

export class HeldFreezes {
  readonly #clock: Clock;
  readonly #held = new Map<string, { gates: Gate[]; over: AbortController }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** All of them, or the error of the first that could not be; those before it are then frozen, and for the caller to cancel. */
  freeze(groupId: string, members: Member[]): FreezeReply[] {
    const earlier = members.find(({ disk, snapshotId }) => disk.hasView(snapshotId));
    if (earlier !== undefined) {
      throw new RequestError(
        'OperationConflict',
        `${earlier.snapshotId} was frozen before, by an attempt that was lost`,
      );
    }
    for (const { gate } of members) gate.shut();
    this.#hold(
      groupId,
      members.map(({ gate }) => gate),
    );
    try {
      return members.map(({ disk, snapshotId }) => disk.freeze(snapshotId));
    } catch (error) {
      this.open(groupId);
      throw error;
    }
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

  #hold(groupId: string, gates: Gate[]): void {
    const over = new AbortController();
    this.#held.set(groupId, { gates, over });
    this.#clock.sleep(GATE_LIMIT_MS, over.signal).then(
      () => this.open(groupId),
      () => undefined,
    );
  }
}
