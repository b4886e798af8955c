/** Tests of the tables of parameters: nothing documented is left out, so nothing is accepted and ignored by accident. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { actions } from './action-list.ts';
import { coveredNames } from './parameters.ts';

const folder = path.join(import.meta.dirname, '../../test/data/ecs-parameters');

test('every documented parameter of every action is in its table', () => {
  for (const file of fs.readdirSync(folder)) {
    const action = actions.find(({ name }) => name === path.basename(file, '.json'));
    assert.ok(action, file);
    const covered = coveredNames(action.parameters).map((name) => name.toLowerCase());
    const documented = JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8')) as string[];
    for (const name of documented) {
      if (name === 'RegionId') continue; // Checked for every action alike.
      assert.ok(
        covered.some((one) => covers(one, name.toLowerCase())),
        `${action.name} ${name} is in no table`,
      );
    }
  }
});

test('what has no effect or is refused says why', () => {
  for (const action of actions) {
    for (const [name, parameter] of Object.entries(action.parameters)) {
      assert.equal(parameter.use === 'used', parameter.reason === '', `${action.name} ${name}`);
    }
  }
});

function covers(one: string, name: string): boolean {
  return one === name || (one.endsWith('.*') && name.startsWith(one.slice(0, -1)));
}
