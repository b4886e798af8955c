/** Who may be inside together, and that nobody waits who was called off. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { UPLOAD_LIMIT, UploadGate } from './upload-gate.ts';

const never = new AbortController().signal;

/** Uploads that go on until they are let go, as many as may at once. */
function fill(gate: UploadGate): { letGo: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (let i = 0; i < UPLOAD_LIMIT; i++) void gate.upload(() => promise, never);
  return { letGo: resolve };
}

test('uploads pass the gate together, what must be alone passes alone, in the order of coming', async () => {
  const gate = new UploadGate();
  const order: string[] = [];
  const doors = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const pass = (name: string, door?: PromiseWithResolvers<void>) => async () => {
    order.push(`${name} in`);
    await door?.promise;
    order.push(`${name} out`);
  };
  const passages = [
    gate.upload(pass('a', doors[0]), never),
    gate.upload(pass('b', doors[1]), never),
    gate.alone(pass('collector')),
    gate.upload(pass('c'), never),
  ];
  await setImmediate();
  assert.deepEqual(order, ['a in', 'b in']);
  for (const door of doors) door.resolve();
  await Promise.all(passages);
  assert.deepEqual(order.slice(4), ['collector in', 'collector out', 'c in', 'c out']);
  await assert.rejects(
    gate.alone(() => Promise.reject(new Error('no'))),
    /no/,
  );
  await gate.upload(pass('d'), never);
});

test('no more uploads pass the gate at once than its limit', async () => {
  const gate = new UploadGate();
  let inside = 0;
  let most = 0;
  const upload = async () => {
    most = Math.max(most, ++inside);
    await setImmediate();
    inside--;
  };
  await Promise.all(Array.from({ length: 3 * UPLOAD_LIMIT }, () => gate.upload(upload, never)));
  assert.equal(most, UPLOAD_LIMIT);
});

test('an upload that is called off while it waits ends at once, and those behind it go on', async () => {
  const gate = new UploadGate();
  const { letGo } = fill(gate);
  const called = new AbortController();
  const waiting = gate.upload(() => assert.fail('it runs'), called.signal);
  const order: string[] = [];
  const collector = gate.alone(async () => void order.push('collector'));
  const behind = gate.upload(async () => void order.push('upload'), never);
  called.abort(new Error('deleted'));
  await assert.rejects(waiting, /deleted/);
  await assert.rejects(
    gate.upload(() => assert.fail('it runs'), called.signal),
    /deleted/,
  );
  assert.deepEqual(order, []);
  letGo();
  await Promise.all([collector, behind]);
  assert.deepEqual(order, ['collector', 'upload']);
});

test('one that is inside is not thrown out by its signal', async () => {
  const gate = new UploadGate();
  const called = new AbortController();
  const { promise, resolve } = Promise.withResolvers<string>();
  const inside = gate.upload(() => promise, called.signal);
  await setImmediate();
  called.abort();
  resolve('stored');
  assert.equal(await inside, 'stored');
});
