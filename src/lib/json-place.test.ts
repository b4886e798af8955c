import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { findJsonProblem } from './json-place.ts';

test('what is JSON has no problem, and what is none has one', () => {
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"',
    '\\',
    '1',
    '01',
    '-',
    '.5',
    '1e3',
    'true',
    'nul',
    ' ',
    '\n',
  ];
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json(),
        fc.array(fc.constantFrom(...pieces)).map((list) => list.join('')),
      ),
      (text) => {
        assert.equal(findJsonProblem(text) === null, isJson(text), text);
      },
    ),
  );
});

const places: [string, number, number, string | null][] = [
  ['', 1, 1, null],
  ['x', 1, 1, 'x'],
  ['{"a": x}', 1, 7, 'x'],
  ['{\n  "a": 1,\n}', 3, 1, '}'],
  ['{\n  "a": 1\n  "b": 2\n}', 3, 3, '"'],
  ['[1 2]', 1, 4, '2'],
  ['{"a": "b\n"}', 1, 9, '\n'],
  ['{} {}', 1, 4, '{'],
  ['{"a": ["b', 1, 10, null],
  ['{"a": tr', 1, 7, 't'],
];

test('the place is that of the first character that cannot be there', () => {
  for (const [text, line, column, found] of places)
    assert.deepEqual(findJsonProblem(text), { line, column, found }, text);
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
