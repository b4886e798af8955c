/** Freezes of groups over threads that come late: guests go on, and nothing is frozen until all are held at once. */
import test from 'node:test';
import assert from 'node:assert/strict';
import type { Clock } from '../lib/clock.ts';
import { GroupFreezes } from './group-freezes.ts';
import type { FreezingThread } from './group-freezes.ts';
import type { FreezeReply, GroupMember } from './protocol.ts';

const members = ['d-a', 'd-b'].map((diskId) => ({ diskId, snapshotId: `s-${diskId}` }));

class Bed {
  nowMs = 0;
  readonly acts: string[] = [];
  readonly clock: Clock = {
    nowMs: () => this.nowMs,
    monotonicMs: () => this.nowMs,
    sleep: async (ms) => {
      this.nowMs += ms;
    },
  };

  /** One for each disk; the shutting of its gate takes so long each time, in turn. */
  group(shutMs: Record<string, number[]>): GroupFreezes {
    const threads = new Map(
      members.map(({ diskId }) => [diskId, this.#thread(diskId, [...(shutMs[diskId] ?? [])])] as const),
    );
    return new GroupFreezes(
      this.clock,
      (diskId) => threads.get(diskId)!,
      async () => undefined,
    );
  }

  #thread(diskId: string, shutMs: number[]): FreezingThread {
    let isShut = false;
    return {
      shutGates: async () => {
        this.nowMs += shutMs.shift() ?? 1;
        this.acts.push(`shut ${diskId}`);
        isShut = true;
      },
      freezeTogether: async ({ members: own }) => {
        assert.ok(isShut);
        this.acts.push(`freeze ${diskId}`);
        return own.map((member: GroupMember) => ({ ...member, frozenAtMs: this.nowMs }) as unknown as FreezeReply);
      },
      openGates: async () => {
        this.acts.push(`open ${diskId}`);
        const wasShut = isShut;
        isShut = false;
        return wasShut;
      },
    };
  }
}

test('disks are frozen when all gates are shut, and not while one comes late', async () => {
  const bed = new Bed();
  const replies = await bed.group({ 'd-b': [200, 400] }).freeze({ groupId: 'ssg-1', members });
  assert.deepEqual(
    replies.map((reply) => reply.snapshotId),
    ['s-d-a', 's-d-b'],
  );
  const round = ['shut d-a', 'shut d-b', 'open d-a', 'open d-b'];
  const last = ['shut d-a', 'shut d-b', 'freeze d-a', 'freeze d-b', 'open d-a', 'open d-b'];
  assert.deepEqual(bed.acts, [...round, ...round, ...last]);
});

test('disks that can never be held together are not frozen, and the group fails', async () => {
  const bed = new Bed();
  const late = Array.from({ length: 100 }, () => 300);
  await assert.rejects(
    bed.group({ 'd-a': late }).freeze({ groupId: 'ssg-1', members }),
    /too busy to be held still together: nothing was frozen, try again/,
  );
  assert.equal(bed.acts.filter((act) => act.startsWith('freeze')).length, 0);
  assert.equal(bed.acts.at(-1), 'open d-b');
});
