import test from 'node:test';
import assert from 'node:assert/strict';
import { formatNbdUri, parseNbdUri } from './uri.ts';

test('an NBD URI has exactly the documented form, with the socket path percent-encoded', () => {
  const uri = formatNbdUri({ exportName: 'd-bp1', socketPath: '/tmp/a b/é.sock' });
  assert.equal(uri, 'nbd+unix:///d-bp1?socket=%2Ftmp%2Fa%20b%2F%C3%A9.sock');
  assert.deepEqual(parseNbdUri(uri), { exportName: 'd-bp1', socketPath: '/tmp/a b/é.sock' });
});

test('a socket path may also be written plainly', () => {
  assert.equal(parseNbdUri('nbd+unix:///d-1?socket=/run/d-1.sock').socketPath, '/run/d-1.sock');
});

test('anything else is refused with the form that is expected', () => {
  for (const uri of [
    'nbd://host/d-1',
    'nbd+unix:///d-1',
    'nbd+unix:///d-1?socket=relative',
    'nbd+unix:///%zz?socket=/s',
    '',
  ]) {
    assert.throws(() => parseNbdUri(uri), /is not of the form nbd\+unix/);
  }
});
