/** Freezes of several disks at one instant, over all threads of diskd (`held-freezes.ts` says why the instant is one). */
import type { Clock } from '../lib/clock.ts';
import { OperationalError } from '../lib/errors.ts';
import { GATE_LIMIT_MS } from './held-freezes.ts';
import type { DiskdCalls, FreezeReply, GroupMember } from './protocol.ts';

/** What a thread does for it. */
export interface FreezingThread {
  shutGates(request: DiskdCalls['freezeGroup']['request']): Promise<void>;
  freezeTogether(request: DiskdCalls['freezeGroup']['request']): Promise<FreezeReply[]>;
  openGates(groupId: string): Promise<boolean>;
}

/** Groups whose reply is remembered, for callers who did not get it. */
const REMEMBERED_GROUPS = 100;
/** Gates that were not all shut within this open again, for the freezes need time too. */
const SHUT_WITHIN_MS = GATE_LIMIT_MS / 2;
/** So often it is tried to shut all gates; guests go on for a moment in between. */
const TRIES = 6;
const PAUSE_MS = 20;

type Part = [thread: FreezingThread, members: GroupMember[]];

export class GroupFreezes {
  readonly #clock: Clock;
  readonly #threadOf: (diskId: string) => FreezingThread;
  /** Opens a disk, so that nothing is waited for while others are held. */
  readonly #prepare: (diskId: string) => Promise<unknown>;
  readonly #replies = new Map<string, Promise<FreezeReply[]>>();

  constructor(
    clock: Clock,
    threadOf: (diskId: string) => FreezingThread,
    prepare: (diskId: string) => Promise<unknown>,
  ) {
    this.#clock = clock;
    this.#threadOf = threadOf;
    this.#prepare = prepare;
  }

  /** Asked again for the same group: the same answer. After a failure some may be frozen: `cancelFreeze` each. */
  async freeze({ groupId, members }: DiskdCalls['freezeGroup']['request']): Promise<FreezeReply[]> {
    let reply = this.#replies.get(groupId);
    if (reply === undefined) {
      reply = this.#freezeNow(groupId, members);
      this.#replies.set(groupId, reply);
      const [oldest] = this.#replies.keys();
      if (this.#replies.size > REMEMBERED_GROUPS) this.#replies.delete(oldest!);
    }
    return await reply;
  }

  async #freezeNow(groupId: string, members: GroupMember[]): Promise<FreezeReply[]> {
    await Promise.all(members.map(({ diskId }) => this.#prepare(diskId)));
    const parts = [...Map.groupBy(members, ({ diskId }) => this.#threadOf(diskId))];
    await this.#shutAll(groupId, parts);
    const frozen = await Promise.allSettled(
      parts.map(([thread, ofThread]) => thread.freezeTogether({ groupId, members: ofThread })),
    );
    const wereShut = await openAll(groupId, parts);
    throwFirst(frozen);
    if (!wereShut) {
      throw new OperationalError(`the disks of ${groupId} could not be held still together for so long`, {
        retryable: false,
      });
    }
    const replies = frozen.flatMap((part) => (part.status === 'fulfilled' ? part.value : []));
    return atOneInstant(members, replies);
  }

  /** A thread in the middle of long writes comes late: then all guests go on, and nothing was frozen. */
  async #shutAll(groupId: string, parts: Part[]): Promise<void> {
    for (let left = TRIES; left > 0; left--) {
      const startedMs = this.#clock.monotonicMs();
      const shut = await Promise.allSettled(parts.map(([thread, members]) => thread.shutGates({ groupId, members })));
      const isFailed = shut.some(({ status }) => status === 'rejected');
      if (!isFailed && this.#clock.monotonicMs() - startedMs <= SHUT_WITHIN_MS) return;
      await openAll(groupId, parts);
      throwFirst(shut);
      await this.#clock.sleep(PAUSE_MS);
    }
    throw new OperationalError(
      `the disks of ${groupId} are too busy to be held still together: nothing was frozen, try again`,
      { retryable: false },
    );
  }
}

/** Whether all were shut. */
async function openAll(groupId: string, parts: Part[]): Promise<boolean> {
  const opened = await Promise.all(parts.map(([thread]) => thread.openGates(groupId)));
  return !opened.includes(false);
}

function throwFirst(results: PromiseSettledResult<unknown>[]): void {
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** In the order of the members, and with the instant of the last. */
function atOneInstant(members: GroupMember[], replies: FreezeReply[]): FreezeReply[] {
  const frozenAtMs = Math.max(...replies.map((reply) => reply.frozenAtMs));
  const byId = new Map(replies.map((reply) => [reply.snapshotId, reply]));
  return members.map(({ snapshotId }) => ({ ...byId.get(snapshotId)!, frozenAtMs }));
}
