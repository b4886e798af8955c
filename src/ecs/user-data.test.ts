/** Tests of what user data may be. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { findUserDataProblem } from './user-data.ts';

const base64 = (count: number) => Buffer.alloc(count, 'x').toString('base64');

test('Base64 of up to 32 KB is user data', () => {
  for (const count of [0, 1, 2, 3, 32 * 1024]) assert.equal(findUserDataProblem(base64(count)), null);
  assert.equal(findUserDataProblem(base64(32 * 1024 + 1))?.kind, 'size');
});

test('what is no Base64, or is not written as it comes out, is refused for its form', () => {
  for (const text of ['#!/bin/sh', 'eA', 'eB==', 'eA==\n', 'e A=', 'eHg_']) {
    assert.equal(findUserDataProblem(text)?.kind, 'form', text);
  }
});
