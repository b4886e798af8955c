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

test('no more uploads pass the gate at once than its limit, and one that fails leaves it', async () => {
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
  const failing = Array.from({ length: 2 * UPLOAD_LIMIT }, () =>
    assert.rejects(
      gate.upload(() => Promise.reject(new Error('no')), never),
      /no/,
    ),
  );
  await Promise.all(failing);
});

test('an upload that is called off while it waits ends at once, and those behind it go on', async () => {
  const gate = new UploadGate();
  const { letGo } = fill(gate);
  const called = new AbortController();
  const waiting = gate.upload(() => assert.fail('it runs'), called.signal);
  const order: string[] = [];
  const behind = gate.upload(async () => void order.push('upload'), never);
  called.abort(new Error('deleted'));
  await assert.rejects(waiting, /deleted/);
  await assert.rejects(
    gate.upload(() => assert.fail('it runs'), called.signal),
    /deleted/,
  );
  assert.deepEqual(order, []);
  letGo();
  await behind;
  assert.deepEqual(order, ['upload']);
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
