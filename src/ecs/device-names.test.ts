/** Tests of device names. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { findFreeDataDeviceName, isDataDeviceName } from './device-names.ts';

test('the next free name comes after z as aa', () => {
  assert.equal(findFreeDataDeviceName(['/dev/xvda']), '/dev/xvdb');
  assert.equal(findFreeDataDeviceName(['/dev/xvdb', '/dev/xvdd']), '/dev/xvdc');
  const letters = Array.from('bcdefghijklmnopqrstuvwxyz', (letter) => `/dev/xvd${letter}`);
  assert.equal(findFreeDataDeviceName(letters), '/dev/xvdaa');
});

test('only names of data disks are names of data disks', () => {
  for (const name of ['/dev/xvdb', '/dev/xvdz', '/dev/xvdaa']) assert.ok(isDataDeviceName(name), name);
  for (const name of ['/dev/xvda', '/dev/sdb', 'xvdb', '/dev/xvdb1', '/dev/xvdB'])
    assert.ok(!isDataDeviceName(name), name);
});
