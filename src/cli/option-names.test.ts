import assert from 'node:assert/strict';
import test from 'node:test';
import { nameOptions } from './option-names.ts';

test('a message speaks of the option that was typed, not of the parameter', () => {
  const message = 'The specified parameter "timePoints" is not valid: "25"; give hours.';
  assert.equal(nameOptions(message, 'policy'), '--at is not valid: "25"; give hours.');
  assert.equal(
    nameOptions('The parameter "TargetTags.1.Key" must not be blank.', 'policy'),
    '--instances-with must not be blank.',
  );
  assert.equal(nameOptions('The parameter "Keep.Weekly" is "x".', 'policy'), '--keep-weekly is "x".');
  assert.equal(nameOptions('The parameter "EndTime" must be later.', 'cost'), '--to must be later.');
});

test('what the command does not know stays as it is', () => {
  assert.equal(nameOptions('The parameter "Format" is "x".', 'policy'), 'The parameter "Format" is "x".');
  assert.equal(nameOptions('The parameter "timePoints" is wrong.', 'demo'), 'The parameter "timePoints" is wrong.');
});
