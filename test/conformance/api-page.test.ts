/** The page of the API is what the program and its tests say now. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { format } from 'prettier';
import { actions } from '../../src/api/action-list.ts';
import { findErrorStatus } from '../../src/api/error-statuses.ts';
import { actionNotes, parameterNotes } from './api-notes.ts';
import { formatApiPage } from './api-page.ts';
import { documentedParameters } from './documented.ts';
import { gatewayCodes } from './gateway-codes.ts';

test('docs/api.md is current', async () => {
  const page = fs.readFileSync(path.join(import.meta.dirname, '../../docs/api.md'), 'utf8');
  const wanted = await format(formatApiPage(), { parser: 'markdown' });
  assert.ok(page === wanted, 'docs/api.md is not what the sources say now: run npm run docs');
});

test('the errors of every action have the statuses that the page says', () => {
  for (const [code, status] of Object.entries(gatewayCodes)) assert.equal(findErrorStatus(code, null), status, code);
});

test('every note is about an action or a parameter that there is', () => {
  const names = actions.map(({ name }) => name);
  for (const name of Object.keys(actionNotes)) assert.ok(names.includes(name), name);
  for (const note of Object.keys(parameterNotes)) {
    const [action = '', parameter = ''] = note.split(' ');
    assert.ok(parameter in documentedParameters(action), note);
  }
});
