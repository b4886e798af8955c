/** Events of whole lives, as they are asked for, forgotten, and told to webhooks. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { listEvents, renewEventLine } from '../catalog/events.ts';
import { eventTypes, renderEvent } from '../ecs/events.ts';
import type { StoredEvent } from '../ecs/events.ts';
import { OperationalError } from '../lib/errors.ts';
import { systemRandom } from '../lib/random.ts';
import { createWorld, groupRequest, imageRequest, snapshotRequest } from '../../test/control/world.ts';
import type { World } from '../../test/control/world.ts';
import { EventFeed } from './event-feed.ts';
import type { Delivery } from './webhook-post.ts';
import { WebhookSecrets } from './webhook-secrets.ts';
import { systemFiles } from '../lib/files.ts';
import { Webhooks } from './webhooks.ts';

const everything = { filter: {}, token: null, position: 'Earliest' as const, limit: 100, waitMs: 0 };

async function eventsOf(world: World, resourceId: string): Promise<StoredEvent[]> {
  return listEvents(world.catalog.queries, { resourceIds: [resourceId] }, { after: 0, limit: 1000 });
}

const changes = (events: readonly StoredEvent[]) => events.map(({ oldStatus, newStatus }) => [oldStatus, newStatus]);

test('each change of a life is told once, in order, beginning where the one before ended', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  const snapshotId = await world.takeSnapshot(diskId);
  const cloneId = await world.makeDisk(snapshotId);
  await world.attach(cloneId, instanceId);
  await world.control.detachDisk({ diskId: cloneId, instanceId, deleteWithInstance: null });
  await world.until('it to be detached', async () => (await world.disk(cloneId))?.status === 'Available');
  await world.control.deleteDisk({ diskId: cloneId });
  await world.control.deleteSnapshot({ snapshotId, force: true });
  await world.settle();
  assert.deepEqual(changes(await eventsOf(world, snapshotId)), [
    [null, 'progressing'],
    ['progressing', 'accomplished'],
    ['accomplished', 'Deleted'],
  ]);
  const ofClone = await eventsOf(world, cloneId);
  assert.deepEqual(changes(ofClone), [
    [null, 'Creating'],
    ['Creating', 'Available'],
    ['Available', 'Attaching'],
    ['Attaching', 'In_use'],
    ['In_use', 'Detaching'],
    ['Detaching', 'Available'],
    ['Available', 'Deleted'],
  ]);
  const told = ofClone.map((event) => renderEvent(event, 'cn-hangzhou'));
  assert.deepEqual(
    told.map(({ type, data }) => [type, data['operation'], data['result'], data['instanceId']]).slice(2, 6),
    [
      ['ecs:Disk:StateChange', undefined, undefined, instanceId],
      ['ecs:Disk:DiskOperationCompleted', 'AttachDisk', 'accomplished', instanceId],
      ['ecs:Disk:StateChange', undefined, undefined, instanceId],
      ['ecs:Disk:DiskOperationCompleted', 'DetachDisk', 'accomplished', instanceId],
    ],
  );
  assert.equal(new Set(told.map(({ id }) => id)).size, told.length);
  assert.deepEqual(changes(await eventsOf(world, instanceId)), [
    [null, 'Pending'],
    ['Pending', 'Starting'],
    ['Starting', 'Running'],
  ]);
});

test('snapshots that fail, groups, images and tasks are told, each with a type that is listed', async (t) => {
  const world = await createWorld(t);
  const { instanceId, diskId } = await world.runOne();
  const { groupId } = await world.control.createSnapshotGroup(groupRequest({ instanceId }));
  await world.settle();
  assert.deepEqual(changes(await eventsOf(world, groupId)), [
    [null, 'progressing'],
    ['progressing', 'accomplished'],
  ]);
  await world.control.deleteSnapshotGroup({ groupId });
  assert.deepEqual(changes(await eventsOf(world, groupId)).at(-1), ['accomplished', 'Deleted']);
  const { imageId } = await world.control.createImage(imageRequest({ instanceId }));
  await world.settle();
  await world.control.deleteImage({ imageId, force: true });
  assert.deepEqual(changes(await eventsOf(world, imageId)), [
    [null, 'Creating'],
    ['Creating', 'Available'],
    ['Available', 'Deleted'],
  ]);
  const { taskId } = await world.control.modifyDiskSpec({
    ...{ diskId, category: 'cloud_auto', performanceLevel: null },
  } as Parameters<typeof world.control.modifyDiskSpec>[0]);
  await world.settle();
  assert.deepEqual(changes(await eventsOf(world, taskId ?? '')), [
    [null, 'Processing'],
    ['Processing', 'Finished'],
  ]);
  world.transfer.during = async () => {
    throw new OperationalError('the pack is torn', { retryable: false });
  };
  const { snapshotId } = await world.control.createSnapshot(snapshotRequest(diskId));
  await world.settle();
  const failed = (await eventsOf(world, snapshotId)).at(-1);
  assert.ok(failed);
  const { type, data } = renderEvent(failed, 'cn-hangzhou');
  assert.equal(type, 'ecs:Snapshot:CreateSnapshotCompleted');
  assert.equal(data['result'], 'failed');
  assert.match(String(data['reason']), /the pack is torn/);
  const all = await listEvents(world.catalog.queries, {}, { after: 0, limit: 1000 });
  const known = new Set(eventTypes.map((one) => `${one.type} ${one.resourceType}`));
  for (const one of all) assert.ok(known.has(`${one.type} ${one.resourceType}`), `${one.type} is in no list`);
});

test('what is not shown is not told: a snapshot that was never frozen, and what is kept for undoing', async (t) => {
  const world = await createWorld(t);
  world.undoMs = 3_600_000;
  await world.restart();
  const { instanceId, diskId } = await world.runOne();
  const snapshotId = await world.takeSnapshot(diskId);
  await world.power('stop', instanceId);
  await world.until('it to stop', async () => (await world.instance(instanceId))?.status === 'Stopped');
  await world.control.resetDisk({ diskId, snapshotId });
  await world.until('the rollback', async () => (await world.disk(diskId))?.status === 'In_use');
  const kept = await world.catalog.queries
    .selectFrom('snapshots')
    .selectAll()
    .where('undo_until_ms', 'is not', null)
    .execute();
  assert.equal(kept.length, 1);
  assert.deepEqual(await eventsOf(world, kept[0]?.snapshot_id ?? ''), []);
  await world.settle();
  assert.deepEqual(await eventsOf(world, kept[0]?.snapshot_id ?? ''), []);
  assert.ok((await eventsOf(world, diskId)).some(({ newStatus }) => newStatus === 'ReIniting'));
});

test('a change that is taken back is not told', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  const before = await eventsOf(world, diskId);
  const change = world.catalog.transaction(async (transaction) => {
    await transaction.updateTable('disks').set({ status: 'ReIniting' }).where('disk_id', '=', diskId).execute();
    throw new Error('taken back');
  });
  await assert.rejects(change, /taken back/);
  assert.deepEqual(await eventsOf(world, diskId), before);
});

test('pages go on behind each other, by type and resource, and an answer waits for the next event', async (t) => {
  const world = await createWorld(t);
  const { diskId } = await world.runOne();
  const { feed } = world.control.events;
  const all = (await feed.list(everything)).events;
  let token: string | null = null;
  const paged: StoredEvent[] = [];
  for (;;) {
    const page = await feed.list({ ...everything, token, limit: 2 });
    if (page.events.length === 0) break;
    paged.push(...page.events);
    token = page.nextToken;
  }
  assert.deepEqual(paged, all);
  const filtered = await feed.list({ ...everything, filter: { types: ['ecs:Instance:StateChange'] } });
  assert.deepEqual([...new Set(filtered.events.map(({ type }) => type))], ['ecs:Instance:StateChange']);
  const waiting = feed.list({ ...everything, filter: { types: ['ecs:Snapshot:StateChange'] }, token, waitMs: 600_000 });
  const snapshotId = await world.beginSnapshot(diskId);
  assert.deepEqual(
    (await waiting).events.map(({ resourceId, newStatus }) => [resourceId, newStatus]),
    [[snapshotId, 'progressing']],
  );
  const { nextToken } = await feed.list({ ...everything, token: null, position: 'Latest' });
  await world.settle();
  assert.deepEqual((await feed.list({ ...everything, position: 'Latest' })).events, []);
  const late = feed.list({
    ...everything,
    filter: { types: ['ecs:Image:StateChange'] },
    token: nextToken,
    waitMs: 600_000,
  });
  feed.release();
  assert.deepEqual((await late).events, [], 'an ending server keeps nobody waiting');
});

test('old events are forgotten from the oldest on, and who has not read them is told; so is who comes from another history', async (t) => {
  const world = await createWorld(t);
  await world.runOne();
  const { feed } = world.control.events;
  const { events } = await feed.list(everything);
  const early = await feed.list({ ...everything, limit: 1 });
  assert.ok(events.length > 5);
  await feed.forget(3);
  const rest = await feed.list(everything);
  assert.deepEqual(rest.events, events.slice(-3));
  assert.equal(rest.isGap, false);
  const page = await feed.list({ ...everything, token: early.nextToken });
  assert.deepEqual([page.isGap, page.events], [true, rest.events]);
  const { catalog, clock } = world;
  const strict = new EventFeed({ catalog, clock, log: { info: () => undefined, warn: () => undefined }, keptMs: -1 });
  await strict.forget();
  assert.deepEqual((await feed.list(everything)).events, []);
  const { nextToken } = await feed.list(everything);
  assert.equal((await feed.list({ ...everything, token: nextToken })).isGap, false);
  await renewEventLine(catalog.queries, systemRandom);
  assert.equal((await feed.list({ ...everything, token: nextToken })).isGap, true);
  await assert.rejects(feed.list({ ...everything, token: 'x' }), { code: 'InvalidParameter.NextToken' });
  await world.runOne();
  assert.ok(((await feed.list(everything)).events[0]?.sequence ?? 0) > (events.at(-1)?.sequence ?? 0));
});

/** Webhooks of a world with an endpoint of the test's. */
function createWebhooks(
  world: World,
  t: TestContext,
  take: (delivery: Delivery) => void,
): { hooks: Webhooks; start: () => Promise<void> } {
  const hooks = new Webhooks({
    ...{ catalog: world.catalog, feed: world.control.events.feed, regionId: 'cn-hangzhou', clock: world.clock },
    secrets: new WebhookSecrets(systemFiles, path.join(world.folder, 'keys')),
    post: async (delivery) => take(delivery),
    random: systemRandom,
    log: { info: () => undefined, warn: (message) => void world.warnings.push(message) },
  });
  t.after(() => hooks.stop());
  return { hooks, start: () => hooks.start() };
}

const bodyOf = ({ body }: Delivery) =>
  JSON.parse(body) as { id: string; type: string; sequence: string; subject: string };

test('a webhook is told every event from its making on, in order and signed, also those of while it failed', async (t) => {
  const world = await createWorld(t, 2000);
  await world.runOne();
  const taken: Delivery[] = [];
  let isUp = false;
  let tries = 0;
  const { hooks } = createWebhooks(world, t, (delivery) => {
    tries += 1;
    if (!isUp) throw new OperationalError('it answered 500', { retryable: true });
    taken.push(delivery);
  });
  const { newest } = {
    newest: (await listEvents(world.catalog.queries, {}, { after: 0, limit: 1000 })).at(-1)?.sequence ?? 0,
  };
  const { subscriptionId, secret } = await hooks.create({ url: 'http://127.0.0.1:1/', types: [], description: '' });
  assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  assert.equal(fs.readFileSync(path.join(world.folder, 'catalog.db'), 'latin1').includes(secret.slice(6)), false);
  const { instanceId } = await world.runOne();
  await world.until('it to fail', async () => tries > 2);
  const [failing] = await hooks.list();
  assert.ok(failing);
  assert.equal(failing.status === 'Retrying' || failing.status === 'Failing', true);
  assert.equal(failing.lastError, 'it answered 500');
  assert.ok(failing.backlogCount > 3);
  isUp = true;
  const wanted = await listEvents(world.catalog.queries, {}, { after: newest, limit: 1000 });
  await world.until('it to be told', async () => taken.length >= wanted.length);
  assert.deepEqual(
    taken.map((one) => bodyOf(one).id),
    wanted.map(({ id }) => id),
  );
  assert.ok(taken.some((one) => bodyOf(one).subject === instanceId));
  await world.until('it to be noted', async () => (await hooks.list())[0]?.status === 'Active');
  assert.equal((await hooks.list())[0]?.backlogCount, 0);
  await hooks.delete(subscriptionId);
  assert.deepEqual(await hooks.list(), []);
  assert.equal(fs.readFileSync(path.join(world.folder, 'keys', 'webhooks.json'), 'utf8'), '{}\n');
});

test('a server that dies between telling and noting tells again with the same id; one that is slow holds up no other', async (t) => {
  const world = await createWorld(t, 2000);
  const first: Delivery[] = [];
  const stuck = Promise.withResolvers<void>();
  const { hooks } = createWebhooks(world, t, (delivery) => void first.push(delivery));
  const slow = await hooks.create({ url: 'http://slow.test/', types: ['ecs:Snapshot:StateChange'], description: '' });
  await hooks.create({ url: 'http://fast.test/', types: ['ecs:Instance:StateChange'], description: '' });
  await hooks.stop();
  const again: Delivery[] = [];
  const later = new Webhooks({
    ...{ catalog: world.catalog, feed: world.control.events.feed, regionId: 'cn-hangzhou', clock: world.clock },
    secrets: new WebhookSecrets(systemFiles, path.join(world.folder, 'keys')),
    post: async (delivery, signal) => {
      again.push(delivery);
      if (!delivery.url.includes('slow')) return;
      await Promise.race([
        stuck.promise,
        new Promise<void>((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('late')))),
      ]);
    },
    random: systemRandom,
    log: { info: () => undefined, warn: () => undefined },
  });
  await later.start();
  const { diskId } = await world.runOne();
  await world.beginSnapshot(diskId);
  await world.until('the slow one to be told', async () => again.some(({ url }) => url.includes('slow')));
  await world.until('the other', async () => again.filter(({ url }) => url.includes('fast')).length === 3);
  await later.stop();
  const { queries } = world.catalog;
  const row = await queries
    .selectFrom('event_subscriptions')
    .selectAll()
    .where('subscription_id', '=', slow.subscriptionId)
    .executeTakeFirstOrThrow();
  const told = again.filter(({ url }) => url.includes('slow'));
  assert.equal(new Set(told.map((one) => bodyOf(one).id)).size, 1);
  assert.ok(row.delivered_sequence < Number(bodyOf(told[0] as Delivery).sequence));
  const { hooks: third, start } = createWebhooks(world, t, (delivery) => void first.push(delivery));
  await start();
  await world.until('it to be told', async () => first.some(({ url }) => url.includes('slow')));
  assert.equal(bodyOf(first.find(({ url }) => url.includes('slow')) as Delivery).id, bodyOf(told[0] as Delivery).id);
  await third.stop();
});
