/** Freezes of several disks at one instant, over all threads of diskd (`held-freezes.ts` says why the instant is one). */
import { OperationalError } from '../lib/errors.ts';
import type { DiskdCalls, FreezeReply, GroupMember } from './protocol.ts';

/** What a thread does for it. */
export interface FreezingThread {
  freezeTogether(request: DiskdCalls['freezeGroup']['request']): Promise<FreezeReply[]>;
  openGates(groupId: string): Promise<boolean>;
}

/** Groups whose reply is remembered, for callers who did not get it. */
const REMEMBERED_GROUPS = 100;

export class GroupFreezes {
  readonly #threadOf: (diskId: string) => FreezingThread;
  /** Opens a disk, so that nothing is waited for while others are held. */
  readonly #prepare: (diskId: string) => Promise<unknown>;
  readonly #replies = new Map<string, Promise<FreezeReply[]>>();

  constructor(threadOf: (diskId: string) => FreezingThread, prepare: (diskId: string) => Promise<unknown>) {
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
    const frozen = await Promise.allSettled(
      parts.map(([thread, ofThread]) => thread.freezeTogether({ groupId, members: ofThread })),
    );
    const opened = await Promise.all(parts.map(([thread]) => thread.openGates(groupId)));
    const failed = frozen.find((part) => part.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    if (opened.includes(false)) {
      throw new OperationalError(`the disks of ${groupId} could not be held still together for so long`, {
        retryable: false,
      });
    }
    const replies = frozen.flatMap((part) => (part.status === 'fulfilled' ? part.value : []));
    return atOneInstant(members, replies);
  }
}

/** In the order of the members, and with the instant of the last. */
function atOneInstant(members: GroupMember[], replies: FreezeReply[]): FreezeReply[] {
  const frozenAtMs = Math.max(...replies.map((reply) => reply.frozenAtMs));
  const byId = new Map(replies.map((reply) => [reply.snapshotId, reply]));
  return members.map(({ snapshotId }) => ({ ...byId.get(snapshotId)!, frozenAtMs }));
}
