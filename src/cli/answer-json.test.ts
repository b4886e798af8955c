import test from 'node:test';
import assert from 'node:assert/strict';
import { findNumberText, formatAnswer, parseAnswer } from './answer-json.ts';

test('keys are sorted, tabs indent, numbers keep their text, HTML stays', () => {
  const text = '{"b":[{"z":1.0,"a":9007199254740993},{}],"a":"<b> & \\"q\\"","n":null,"t":true,"e":[],"x":-1e3,"i":7}';
  assert.equal(
    formatAnswer(parseAnswer(text)),
    [
      '{',
      '\t"a": "<b> & \\"q\\"",',
      '\t"b": [',
      '\t\t{',
      '\t\t\t"a": 9007199254740993,',
      '\t\t\t"z": 1.0',
      '\t\t},',
      '\t\t{}',
      '\t],',
      '\t"e": [],',
      '\t"i": 7,',
      '\t"n": null,',
      '\t"t": true,',
      '\t"x": -1e3',
      '}',
    ].join('\n'),
  );
  assert.equal(formatAnswer(parseAnswer('"text"')), '"text"');
});

test('a number that JavaScript cannot hold is known by its text', () => {
  const [large, small] = parseAnswer('[9007199254740993, 7]') as unknown[];
  assert.equal(findNumberText(large), '9007199254740993');
  assert.equal(findNumberText(small), undefined);
  assert.equal(small, 7);
});
