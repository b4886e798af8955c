/** RunInstances and CreateInstance as requests: what is checked and written before anything is done. */
import { findNewestOfFamily, listImageDisks } from '../catalog/images.ts';
import { insertInstance } from '../catalog/instances.ts';
import type { ImageRow, InstanceRow, Queries } from '../catalog/schema.ts';
import { findSetting, putSetting } from '../catalog/settings.ts';
import { insertTags } from '../catalog/tags.ts';
import { putUserData } from '../catalog/user-data.ts';
import { newId } from '../ecs/ids.ts';
import { refuseInstanceFromImage } from '../ecs/image-rules.ts';
import { findInstanceType } from '../ecs/instance-types.ts';
import { INSTANCE_AMOUNT_LIMIT } from '../ecs/states.ts';
import { assert } from '../lib/assert.ts';
import { RequestError } from '../lib/errors.ts';
import { newUuid } from '../lib/random.ts';
import { assertInCredit } from './account-lock.ts';
import { change } from './change.ts';
import { awaitEarlier, findEarlierResult, rememberResult } from './client-token.ts';
import { assertZone } from './disks.ts';
import { insertDisks, planDisks } from './instance-disks.ts';
import { RUN_INSTANCES } from './operations/run-instances.ts';
import type { RunInstancesState } from './operations/run-instances.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions, RunInstancesRequest } from './requests.ts';
import { assertAllowed, getImage } from './rows.ts';
import type { OperationRunner } from './runner.ts';
import { newOrderId, subscriptionOf } from './subscription-rows.ts';
import { waitSoon } from './wait-soon.ts';

export async function runInstances(
  parts: Parts,
  runner: OperationRunner,
  request: RunInstancesRequest,
  options: ChangeOptions,
): Promise<{ instanceIds: string[]; orderId: string | null }> {
  assertZone(parts, request.zoneId);
  assertAmount(request.amount);
  const { operation, ...result } = await change(parts, options, async (transaction) => {
    const earlier = await findEarlierResult<NewInstances>(transaction, options.idempotency);
    if (earlier !== null) return { ...earlier, operation: null };
    await assertInCredit(transaction, 'instances');
    const created = await insertInstances(parts, transaction, request);
    const orderId = (request.subscription ?? null) === null ? null : newOrderId(parts);
    const answered: NewInstances = { instanceIds: created, orderId };
    const token = await rememberResult(transaction, options.idempotency, answered, parts.clock.nowMs());
    const state: RunInstancesState = { instanceIds: created, token, start: request.start };
    return {
      ...answered,
      operation: await runner.record(transaction, RUN_INSTANCES, created[0] ?? '', state),
    };
  });
  if (operation === null) await awaitEarlier(parts, runner, options.idempotency);
  else await waitSoon(parts.clock, runner.start(operation).done());
  return result;
}

interface NewInstances {
  instanceIds: string[];
  /** Of a subscription; null: there is none. */
  orderId: string | null;
}

function assertAmount(amount: number): void {
  if (amount >= 1 && amount <= INSTANCE_AMOUNT_LIMIT) return;
  throw new RequestError('InvalidAmount.ValueNotSupported', `Amount is 1 to ${INSTANCE_AMOUNT_LIMIT}.`);
}

async function insertInstances(parts: Parts, transaction: Queries, request: RunInstancesRequest): Promise<string[]> {
  const image = await findUsableImage(transaction, request);
  const imageDisks = await listImageDisks(transaction, [image.image_id]);
  const disks = await planDisks(transaction, { row: image, disks: imageDisks }, request);
  const created: string[] = [];
  if ((request.subscription ?? null) !== null) await parts.lockClock.save(transaction);
  for (let index = 0; index < request.amount; index++) {
    const row = await newInstanceRow(parts, transaction, { request, imageId: image.image_id, index });
    await insertInstance(transaction, row);
    if (request.userData !== null) await putUserData(transaction, row.instance_id, request.userData);
    await insertTags(transaction, row.instance_id, request.tags);
    await insertDisks(parts, transaction, { row, disks, tags: request.tags });
    created.push(row.instance_id);
  }
  return created;
}

async function findUsableImage(
  transaction: Queries,
  { imageId, imageFamily, instanceType }: RunInstancesRequest,
): Promise<ImageRow> {
  const image =
    imageId === null ? await findNewestOfFamily(transaction, imageFamily ?? '') : await getImage(transaction, imageId);
  if (image === undefined) {
    throw new RequestError(
      'InvalidImageId.NotFound',
      `The image family ${imageFamily} has no image that is Available: DescribeImages with ImageFamily lists those that it has.`,
    );
  }
  const type = findInstanceType(instanceType);
  assert(type !== undefined, `there is no instance type ${instanceType}`);
  const facts = {
    imageId: image.image_id,
    status: image.status,
    ownerAlias: image.owner_alias,
    architecture: image.architecture,
  };
  assertAllowed(refuseInstanceFromImage(facts, type));
  return image;
}

async function newInstanceRow(
  parts: Parts,
  transaction: Queries,
  { request, imageId, index }: { request: RunInstancesRequest; imageId: string; index: number },
): Promise<InstanceRow> {
  const { regionId } = parts.region;
  const instanceId = newId('i-', regionId, parts.random);
  const address = await nextAddress(transaction);
  return {
    instance_id: instanceId,
    instance_name: request.instanceNames[index] ?? instanceId,
    host_name: request.hostNames[index] ?? `iZ${instanceId.slice(2)}Z`,
    description: request.description,
    zone_id: request.zoneId,
    instance_type: request.instanceType,
    image_id: imageId,
    status: 'Pending',
    created_at_ms: parts.clock.nowMs(),
    started_at_ms: null,
    serial_number: newUuid(parts.random),
    mac_address: address.mac,
    private_ip: address.ip,
    network_interface_id: newId('eni-', regionId, parts.random),
    deletion_protection: request.deletionProtection ? 1 : 0,
    resource_group_id: request.resourceGroupId,
    ...subscriptionOf(parts, request.subscription ?? null),
  };
}

/** Addresses are given out in order and never again: 172.16.0.2 … , 00:16:3e:00:00:01 … */
async function nextAddress(transaction: Queries): Promise<{ ip: string; mac: string }> {
  const number = 1 + Number((await findSetting(transaction, 'addresses')) ?? '0');
  await putSetting(transaction, 'addresses', String(number));
  const host = number + 1;
  const ip = `172.${16 + ((host >> 16) & 15)}.${(host >> 8) & 255}.${host & 255}`;
  const mac = [16, 8, 0].map((shift) => ((number >> shift) & 255).toString(16).padStart(2, '0')).join(':');
  return { ip, mac: `00:16:3e:${mac}` };
}
