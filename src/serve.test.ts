import assert from 'node:assert/strict';
import test from 'node:test';
import { OperationalError } from './lib/errors.ts';
import { parseAddress } from './serve.ts';

test('an address is HOST:PORT, also with an IPv6 host', () => {
  assert.deepEqual(parseAddress('127.0.0.1:7400'), { host: '127.0.0.1', port: 7400 });
  assert.deepEqual(parseAddress('localhost:0'), { host: 'localhost', port: 0 });
  assert.deepEqual(parseAddress('[::1]:80'), { host: '::1', port: 80 });
});

test('anything else is refused with the form that is expected', () => {
  for (const text of ['', '7400', ':7400', '127.0.0.1', '127.0.0.1:', '127.0.0.1:70000', '::1:80', 'a:b:1']) {
    assert.throws(() => parseAddress(text), OperationalError, text);
  }
});
