import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { matchesPattern } from '../access/pattern.ts';
import { findPolicyWarnings, meet } from './policy-warnings.ts';

function warn(statement: object): string[] {
  return findPolicyWarnings(JSON.stringify({ Version: '1', Statement: [{ Effect: 'Deny', ...statement }] }));
}

const vain: [object, RegExp][] = [
  [
    { Action: 'ecs:DeleteSnapshoot', Resource: '*' },
    /no action here is ecs:DeleteSnapshoot; did you mean ecs:DeleteSnapshot\?$/,
  ],
  [{ Action: 'ecs:Destroy*', Resource: '*' }, /no action here matches ecs:Destroy\*/],
  [
    { Action: 'ecs:*', Resource: 'acs:ecs:*:*:snapshots/*' },
    /matches nothing; did you mean acs:ecs:\*:\*:snapshot\/\*\?$/,
  ],
  [{ Action: 'ecs:*', Resource: 'acs:ecs:*:*:Disk/d-1' }, /did you mean acs:ecs:\*:\*:disk\/d-1\?$/],
  [
    { Action: 'ecs:*', Resource: 'acs:ecs:*:*:volume/*' },
    /matches nothing; types of resources are disk\/…, snapshot\/…/,
  ],
  [{ Action: 'ecs:*', Resource: 'acs:ecs::1:disk/*' }, /are in regions; did you mean acs:ecs:\*:1:disk\/\*\?$/],
  [{ Action: 'ecs:*', Resource: 'acs:esc:*:*:disk/*' }, /no service here is called esc; did you mean ecs\?$/],
  [
    { Action: 'ecs:DeleteSnapshot', Resource: 'acs:ecs:*:*:disk/*' },
    /is never asked about .*disk\/\*, but about snapshot\/\*$/,
  ],
];

test('what a policy says in vain is told, with what was likely meant', () => {
  for (const [statement, expected] of vain) {
    const [first = '', ...more] = warn(statement);
    assert.match(first, expected);
    assert.match(first, /^Statement\[0\] \(Deny\): /);
    assert.deepEqual(more, []);
  }
});

const meant: object[] = [
  { Action: '*', Resource: '*' },
  { Action: ['ecs:describe*', 'ram:*', 'sts:AssumeRole'], Resource: '*' },
  { Action: 'ecs:DeleteSnapshot', Resource: ['acs:ecs:*:*:snapshot/s-1', 'acs:ecs:cn-x:1:*'] },
  { Action: 'ecs:TagResources', Resource: 'acs:ecs:*:*:instance/*' },
  { Action: 'sts:AssumeRole', Resource: 'acs:ram::*:role/eva' },
  { Action: 'ecs:*', Resource: 'acs:*:*:*:*' },
  { NotAction: 'ecs:DeleteDisk', NotResource: 'acs:ecs:*:*:d?sk/*' },
];

test('what is asked about at times is no warning, nor is a document that is not valid', () => {
  for (const statement of meant) assert.deepEqual(warn(statement), []);
  assert.deepEqual(findPolicyWarnings('{'), []);
});

test('two patterns meet when a text fits both', () => {
  const pattern = fc.array(fc.constantFrom('a', 'b', '*', '?'), { maxLength: 6 }).map((signs) => signs.join(''));
  const texts = listTexts(7);
  fc.assert(
    fc.property(pattern, pattern, (one, other) => {
      const isThere = texts.some((text) => matchesPattern(one, text) && matchesPattern(other, text));
      if (isThere) assert.ok(meet(one, other));
      if (one.length + other.length <= 7) assert.equal(meet(one, other), isThere);
      assert.equal(meet(one, other), meet(other, one));
    }),
  );
});

function listTexts(most: number): string[] {
  const texts = [''];
  for (let at = 0; at < texts.length; at++) {
    const text = texts[at] ?? '';
    if (text.length < most) texts.push(`${text}a`, `${text}b`);
  }
  return texts;
}
