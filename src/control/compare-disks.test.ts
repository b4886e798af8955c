/** What disks are compared with, and what is said of it (D8). */
import assert from 'node:assert/strict';
import test from 'node:test';
import { type World, createWorld } from '../../test/control/world.ts';
import type { DiskdCalls } from '../disk/protocol.ts';
import { CorruptionError, RequestError } from '../lib/errors.ts';
import { compareDisk } from './compare-disks.ts';

type Request = DiskdCalls['compareDisk']['request'];
const nothing = { isComparable: true, comparedCount: 1, differing: [], next: null };
const isNot = { isComparable: false, comparedCount: 0, differing: [], next: null };

function compare(world: World, diskId: string, heal = false) {
  const handler = world.diskd.handlers().compareDisk;
  const dataPlane = { call: async (_name: string, body: never) => handler(body, new AbortController().signal) };
  return compareDisk(world.catalog.queries, dataPlane as never, diskId, heal);
}

/** A disk with two snapshots, made from one of another disk. */
async function begin(world: World) {
  const one = await world.runOne();
  world.diskd.write(one.diskId, 0, 'a');
  const origin = await world.takeSnapshot(one.diskId);
  const diskId = await world.makeDisk(origin);
  await world.attach(diskId, one.instanceId);
  const snapshots = [await world.takeSnapshot(diskId)];
  world.diskd.write(diskId, 1, 'b');
  snapshots.push(await world.takeSnapshot(diskId));
  return { diskId, origin, snapshots };
}

test('a disk is compared with its newest snapshot that it is made of, at last with what it was made from', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await begin(world);
  const asked: (number | null)[] = [];
  world.diskd.compare = ({ generation }: Request) => {
    asked.push(generation);
    return generation === null ? nothing : isNot;
  };
  assert.deepEqual(await compare(world, diskId), { comparedBytes: 65_536, findings: [] });
  assert.deepEqual(asked, [2, 1, null]);
  world.diskd.compare = () => nothing;
  assert.equal((await compare(world, 'd-none'))?.comparedBytes, 0);
});

test('neighbours are told together, with what was done, and of very many only how much', async (t) => {
  const world = await createWorld(t);
  const { diskId, snapshots } = await begin(world);
  const at = (chunk: number, isHealed: boolean, failure: string | null = null) => ({ chunk, isHealed, failure });
  world.diskd.compare = ({ fromChunk }) =>
    fromChunk === 0
      ? { ...nothing, differing: [at(1, true), at(2, true), at(3, false, 'no room')], next: 4 }
      : { ...nothing, differing: [at(4, false, 'no room'), at(9, false)] };
  const found = await compare(world, diskId, true);
  const told = (bytes: string, done: string) =>
    `the disk ${diskId}: bytes ${bytes} are not as in ${snapshots[1]}, and were not written since (${done})`;
  assert.deepEqual(found?.findings, [
    told('65536–196608', 'written anew from it'),
    told('196608–327680', 'not written anew: no room'),
    told('589824–655360', '`hupo check --heal` would write them anew from it'),
  ]);
  world.diskd.compare = () => ({ ...nothing, differing: Array.from({ length: 50 }, (_, i) => at(2 * i, false)) });
  const many = (await compare(world, diskId))?.findings ?? [];
  assert.deepEqual([many.length, many.at(-1)], [21, `the disk ${diskId}: and 1.88 MiB more`]);
});

test('what was found is told when the rest cannot be compared; what is deleted meanwhile is no finding', async (t) => {
  const world = await createWorld(t);
  const { diskId, snapshots } = await begin(world);
  const differing = [{ chunk: 1, isHealed: true, failure: null }];
  world.diskd.compare = ({ fromChunk }) => {
    if (fromChunk > 0) throw new CorruptionError('page 7', 'no pack holds it');
    return { ...nothing, differing, next: 2 };
  };
  const found = (await compare(world, diskId, true))?.findings ?? [];
  assert.equal(found.length, 2);
  assert.match(found[1] ?? '', new RegExp(`cannot be compared with ${snapshots[1]}: .*no pack holds it`));

  world.diskd.compare = ({ generation }) => {
    if (generation === 2) throw new CorruptionError('page 7', 'no pack holds it');
    return nothing;
  };
  await world.control.deleteSnapshot({ snapshotId: snapshots[1] ?? '', force: true });
  await world.settle();
  assert.deepEqual((await compare(world, diskId))?.findings, []);
  world.diskd.compare = () => {
    throw new RequestError('OperationDenied', 'an older version');
  };
  assert.equal(await compare(world, diskId), null, 'an old data plane compares nothing');
});
