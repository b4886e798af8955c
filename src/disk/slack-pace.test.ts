import test from 'node:test';
import assert from 'node:assert/strict';
import { SlackPace } from './slack-pace.ts';

test('a disk that is written gets few holes a second, a quiet one or one that is short of space many', () => {
  const pace = new SlackPace();
  assert.equal(pace.runs(0, 0, false), 512);
  assert.equal(pace.runs(5000, 1000, false), 8);
  assert.equal(pace.runs(5500, 1500, false), 0, 'the second is not over');
  assert.equal(pace.runs(5500, 1500, true), 512, 'space is worth more');
  assert.equal(pace.runs(9000, 2000, false), 8);
  assert.equal(pace.runs(9050, 3000, false), 512, 'it is quiet again');
  assert.equal(pace.runs(9060, 3007, false), 512);
});
