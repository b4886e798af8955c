/** Tests of names, descriptions and tags. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  findDescriptionProblem,
  findHostNameProblem,
  findNameProblem,
  findRepeatedKey,
  findSnapshotNameProblem,
  findTagKeyProblem,
  findTagValueProblem,
  formatInstanceNames,
} from './names.ts';
import type { Tag } from './resources.ts';

test('a name starts with a letter of any script and has 2 to 128 characters', () => {
  for (const name of ['ab', '数据盘', 'a:_.-9', `a${'b'.repeat(127)}`]) assert.equal(findNameProblem(name), null, name);
  for (const name of ['a', '1a', 'a b', 'http://x', 'HTTPS://x', `a${'b'.repeat(128)}`, 'a\n']) {
    assert.notEqual(findNameProblem(name), null, name);
  }
});

test('a snapshot name does not start with auto', () => {
  assert.notEqual(findSnapshotNameProblem('auto-1'), null);
  assert.equal(findSnapshotNameProblem('Auto-1'), null);
});

test('a description has 2 to 256 characters, counted as people do', () => {
  assert.equal(findDescriptionProblem('琥珀'), null);
  assert.equal(findDescriptionProblem('😀'.repeat(256)), null);
  for (const text of ['a', 'b'.repeat(257), 'http://a']) assert.notEqual(findDescriptionProblem(text), null, text);
});

test('a host name is labels of letters, digits and dashes', () => {
  for (const name of ['ab', 'web-1.example', 'A1']) assert.equal(findHostNameProblem(name), null, name);
  for (const name of ['a', '-ab', 'a..b', 'ab.', 'a_b', 'x'.repeat(65)])
    assert.notEqual(findHostNameProblem(name), null, name);
});

test('tag keys and values keep out of reserved words', () => {
  for (const key of ['k', '键', 'x'.repeat(128)]) assert.equal(findTagKeyProblem(key), null, key);
  for (const key of ['', 'aliyun-x', 'ACS:x', 'see http://x', 'x'.repeat(129)])
    assert.notEqual(findTagKeyProblem(key), null, key);
  assert.equal(findTagValueProblem(''), null);
  for (const value of ['acs:x', 'https://x', 'x'.repeat(129)]) assert.notEqual(findTagValueProblem(value), null, value);
});

test('a repeated tag key is found, also in another case', () => {
  assert.equal(findRepeatedKey([tag('a'), tag('b')]), null);
  assert.deepEqual(findRepeatedKey([tag('a'), tag('a')]), { key: 'a', sameCase: true });
  assert.deepEqual(findRepeatedKey([tag('a'), tag('A')]), { key: 'A', sameCase: false });
});

test('instances are numbered by the pattern, by the suffix, or not at all', () => {
  assert.deepEqual(formatInstanceNames('web', 2, false), ['web', 'web']);
  assert.deepEqual(formatInstanceNames('web', 2, true), ['web001', 'web002']);
  assert.deepEqual(formatInstanceNames('web', 1, true), ['web']);
  assert.deepEqual(formatInstanceNames('web-[99,3]-x', 3, false), ['web-099-x', 'web-100-x', 'web-101-x']);
  assert.deepEqual(formatInstanceNames('w[,]', 1, false), ['w000000']);
});

function tag(key: string): Tag {
  return { key, value: '' };
}
