/**
 * F7: what one client writes to one disk after another, each after the answer before, is in the views of a group in that
 * order. Several writers go on over four disks, which are on different threads, while groups are frozen.
 */
import test from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { RequestError } from '../../src/lib/errors.ts';
import type { FreezeReply } from '../../src/disk/protocol.ts';
import type { NbdClient } from '../../src/nbd/client.ts';
import { ZERO_BASE, startDiskd } from '../support/diskd-process.ts';
import type { Diskd } from '../support/diskd-process.ts';

const BLOCK_BYTES = 4096;
const GROUPS = 1000;
const diskIds = ['d-order00000000000001', 'd-order00000000000002', 'd-order00000000000003', 'd-order00000000000004'];
/** One writes all alone, one flushes in between, one reads what it wrote; each in a block of its own. */
const writers: ((client: NbdClient, offset: number, block: Buffer) => Promise<void>)[] = [
  (client, offset, block) => client.write(offset, block),
  async (client, offset, block) => {
    await client.write(offset, block);
    await client.flush();
  },
  async (client, offset, block) => {
    await client.write(offset, block);
    assert.deepEqual(await client.read(offset, BLOCK_BYTES), block);
  },
];

async function makeDisks(diskd: Diskd): Promise<NbdClient[]> {
  const clients: NbdClient[] = [];
  for (const diskId of diskIds) {
    await diskd.client.call('createDisk', { diskId, sizeBytes: 1024 ** 3, base: ZERO_BASE });
    clients.push(await diskd.openNbd(diskId));
  }
  return clients;
}

function membersOf(group: string): { diskId: string; snapshotId: string }[] {
  return diskIds.map((diskId, index) => ({ diskId, snapshotId: `s-${group}-${index}` }));
}

test('in every group of snapshots, what was written later on another disk is never there without what was before', async (t) => {
  const diskd = await startDiskd(t);
  const clients = await makeDisks(diskd);
  const ended = new AbortController();
  const counts = writers.map(() => 0);
  const working = writers.map(async (write, writer) => {
    for (let sequence = 1; !ended.signal.aborted; sequence++) {
      const block = Buffer.alloc(BLOCK_BYTES);
      block.writeUInt32LE(sequence);
      for (const client of clients) await write(client, writer * BLOCK_BYTES, block);
      counts[writer] = sequence;
    }
  });
  let between = 0;
  try {
    for (let group = 0; group < GROUPS; group++) {
      const members = membersOf(`g${group}`);
      const before = [...counts];
      const reply = await diskd.client.call('freezeGroup', { groupId: `ssg-${group}`, members });
      const { frozenAtMs } = reply.members[0]!;
      assert.deepEqual(
        reply.members.map((member: FreezeReply) => [member.snapshotId, member.frozenAtMs]),
        members.map(({ snapshotId }) => [snapshotId, frozenAtMs]),
      );
      const views = await Promise.all(
        members.map(({ diskId, snapshotId }) => diskd.readViewChunk(diskId, snapshotId, 0)),
      );
      for (const [writer, least] of before.entries()) {
        const found = views.map((bytes) => bytes.readUInt32LE(writer * BLOCK_BYTES));
        const told = `group ${group}, writer ${writer}: ${found.join(' ')} after ${least}`;
        assert.deepEqual(
          found,
          [...found].sort((first, second) => second - first),
          told,
        );
        assert.ok(found[0]! - found.at(-1)! <= 1, told);
        assert.ok(found.at(-1)! >= least, told);
        if (found[0] !== found.at(-1)) between++;
      }
      await Promise.all(members.map((name) => diskd.client.call('releaseView', { ...name, committed: false })));
      await setTimeout(Math.random());
    }
  } finally {
    ended.abort();
    await Promise.all(working);
  }
  assert.ok(between > GROUPS / 4, `only ${between} views fell between two writes of one round`);
});

test('a group is frozen once; one that cannot be frozen whole holds nobody, and each member can be cancelled', async (t) => {
  const diskd = await startDiskd(t);
  const clients = await makeDisks(diskd);
  await clients[0]!.write(0, Buffer.alloc(BLOCK_BYTES, 1));
  const members = membersOf('a');
  const [first, second] = await Promise.all([
    diskd.client.call('freezeGroup', { groupId: 'ssg-a', members }),
    diskd.client.call('freezeGroup', { groupId: 'ssg-a', members }),
  ]);
  assert.deepEqual(first, second);
  assert.deepEqual(await diskd.client.call('freezeGroup', { groupId: 'ssg-a', members }), first);

  const broken = [...membersOf('b'), { diskId: diskIds[0]!, snapshotId: 's-a-0' }];
  await assert.rejects(diskd.client.call('freezeGroup', { groupId: 'ssg-b', members: broken }), isOfEarlierAttempt);
  await Promise.all(clients.map((client) => client.write(0, Buffer.alloc(BLOCK_BYTES, 2))));
  for (const name of membersOf('b')) await diskd.client.call('cancelFreeze', name);
  const { disks } = await diskd.client.call('listDisks', {});
  assert.deepEqual(
    disks.map(({ views }) => views.map(({ snapshotId }) => snapshotId)),
    members.map(({ snapshotId }) => [snapshotId]),
  );
  await assert.rejects(
    diskd.client.call('freezeGroup', { groupId: 'ssg-c', members: [{ diskId: 'd-none', snapshotId: 's-c' }] }),
    (error: unknown) => error instanceof RequestError && error.code === 'InvalidDiskId.NotFound',
  );
});

/** As after diskd died between the freezes of a group and its answer. */
function isOfEarlierAttempt(error: unknown): boolean {
  return error instanceof RequestError && error.code === 'OperationConflict' && error.message.includes('s-a-0');
}
