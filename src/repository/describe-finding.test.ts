import assert from 'node:assert/strict';
import test from 'node:test';
import { describeFinding } from './describe-finding.ts';

const range = (index: number) => ({ offset: index * 131_072, length: 65_536 });

test('what is hurt alike is told once', () => {
  const hurts = [
    { name: 's-1', ranges: [range(0)] },
    { name: 's-2', ranges: [range(0), range(1)] },
    { name: 's-3', ranges: [range(0)] },
    { name: 's-4', ranges: [] },
  ];
  assert.equal(
    describeFinding({ object: 'packs/aa/aa', what: 'it is damaged', hurts }),
    'packs/aa/aa: it is damaged; this hurts bytes 0–65535 of s-1, s-3; bytes 0–65535, 131072–196607 of s-2; all of s-4',
  );
  assert.equal(describeFinding({ object: null, what: 'it is odd', hurts: [] }), 'it is odd');
});

test('of many ranges and names the first are told, and how many there are', () => {
  const ranges = Array.from({ length: 40 }, (_, index) => range(index));
  const hurts = Array.from({ length: 1000 }, (_, index) => ({ name: `s-${index}`, ranges }));
  const text = describeFinding({ object: null, what: 'it is damaged', hurts });
  assert.ok(text.length < 400, text);
  assert.match(
    text,
    /bytes 0–65535, .*, 917504–983039 and 32 more ranges, 2\.50 MiB in all, of s-0, .*s-19 and 980 more$/,
  );
});
