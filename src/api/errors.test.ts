/** Tests of the error table against the documented statuses, and against the codes that the source throws. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { AssertionError, CorruptionError, OperationalError, RequestError } from '../lib/errors.ts';
import { findErrorStatus } from './error-statuses.ts';
import { errorBody, toErrorReply } from './errors.ts';

/** `InvalidDiskId.NotFound`: nothing else in the source is written so. */
const DOTTED_CODE = /'([A-Z][A-Za-z]+(?:\.[A-Z][A-Za-z]+)+)'/g;

const root = path.join(import.meta.dirname, '../..');

test('each status is one that the documentation of the action gives', () => {
  const folder = path.join(root, 'test/data/ecs-errors');
  let compared = 0;
  for (const file of fs.readdirSync(folder)) {
    const action = path.basename(file, '.json');
    const documented = JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8')) as Record<string, number[]>;
    for (const [code, statuses] of Object.entries(documented)) {
      const status = findErrorStatus(code, action);
      if (status === undefined || status >= 500) continue; // Failures have one status, whatever the action.
      compared += 1;
      assert.ok(statuses.includes(status), `${action} ${code}: ${status} is not of ${statuses.join(', ')}`);
    }
  }
  assert.ok(compared > 150, `only ${compared} compared`);
});

test('every code that the source names has a status', () => {
  const source = path.join(root, 'src');
  const files = fs
    .readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => /(?<!\.test)\.ts$/.test(name));
  for (const file of files) {
    const content = fs.readFileSync(path.join(source, file), 'utf8');
    const thrown = [...content.matchAll(/new RequestError\(\s*'([^']+)'/g), ...content.matchAll(DOTTED_CODE)];
    for (const [, code = ''] of thrown) assert.notEqual(findErrorStatus(code, null), undefined, `${file}: ${code}`);
  }
});

test('only the world and bugs are 5xx, and they tell no internals', () => {
  const secret = '/var/lib/secret';
  const cases: [Error, number, string][] = [
    [new RequestError('InvalidDiskId.NotFound', 'x'), 404, 'InvalidDiskId.NotFound'],
    [new RequestError('Unheard.Of', 'x'), 400, 'Unheard.Of'],
    [new OperationalError(secret, { retryable: true }), 503, 'ServiceUnavailable'],
    [new OperationalError(secret, { retryable: false }), 500, 'InternalError'],
    [new CorruptionError(secret, secret), 500, 'InternalError'],
    [new AssertionError(secret), 500, 'InternalError'],
    [new TypeError(secret), 500, 'InternalError'],
  ];
  for (const [error, status, code] of cases) {
    const reply = toErrorReply(error, null);
    assert.deepEqual([reply.status, reply.code, reply.isOurs], [status, code, status >= 500]);
    assert.ok(!reply.message.includes(secret));
  }
});

test('a code has the status that its action documents', () => {
  const error = new RequestError('IdempotentParameterMismatch', 'x');
  assert.equal(toErrorReply(error, 'CreateSnapshot').status, 403);
  assert.equal(toErrorReply(error, 'CreateDisk').status, 400);
  assert.equal(findErrorStatus('InvalidDataDiskSize.ValueNotSupported', 'HupoBeginImport'), 403);
});

test('every member of the envelope is a string', () => {
  const body = errorBody(toErrorReply(new RequestError('InvalidParameter', 'x'), null), 'ID', 'host:1');
  assert.deepEqual(Object.keys(body).sort(), ['Code', 'HostId', 'Message', 'Recommend', 'RequestId']);
  for (const value of Object.values(body)) assert.equal(typeof value, 'string');
  assert.match(JSON.stringify(body['Recommend']), /InvalidParameter.*ID/);
});
