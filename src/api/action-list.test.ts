/** Tests of the tables of parameters: nothing documented is left out, so nothing is accepted and ignored by accident. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { documentedActions, documentedParameters } from '../../test/conformance/documented.ts';
import { parametersBeyond } from '../../test/conformance/extensions.ts';
import { actions } from './action-list.ts';
import { coveredNames } from './parameters.ts';
import { actionsBeyond } from '../../test/conformance/extensions.ts';

const ofEcs = actions.filter(({ name }) => !Object.hasOwn(actionsBeyond, name));

test('every action is a documented one, or listed as an extension', () => {
  const documented = documentedActions();
  for (const { name } of ofEcs) assert.ok(name in documented, `${name} is not in test/data/ecs-actions.json`);
});

for (const action of ofEcs) {
  const all = Object.entries(documentedParameters(action.name));
  const documented = all.map(([name]) => name.toLowerCase());
  const structs = all.filter(([, { type }]) => type === 'Struct').map(([name]) => `${name.toLowerCase()}.`);
  const extensions = Object.keys({ ...parametersBeyond['*'], ...parametersBeyond[action.name] }).map((name) =>
    name.toLowerCase(),
  );
  const covered = coveredNames(action.parameters).map((name) => name.toLowerCase());

  test(`every documented parameter of ${action.name} is in its table`, () => {
    const missing = documented.filter((name) => name !== 'regionid' && !covered.some((one) => covers(one, name)));
    assert.deepEqual(missing, [], 'add them: used, noEffect(reason) or notBuilt(reason)');
  });

  test(`the table of ${action.name} has nothing that is not documented`, () => {
    const known = [...documented, ...extensions];
    const unknown = covered.filter(
      (one) =>
        !known.some((name) => covers(one, name) || isAbove(one, name)) && !structs.some((name) => one.startsWith(name)),
    );
    assert.deepEqual(
      unknown.filter((one) => !isAlternative(one, covered)),
      [],
    );
  });
}

test('what has no effect or is refused says why', () => {
  for (const action of actions) {
    for (const [name, parameter] of Object.entries(action.parameters)) {
      assert.equal(parameter.use === 'used', parameter.reason === '', `${action.name} ${name}`);
    }
  }
});

/** `one` is a name of a table, `name` a documented one. */
function covers(one: string, name: string): boolean {
  return one === name || (one.endsWith('.*') && name.startsWith(one.slice(0, -1)));
}

/** `DataDisk` itself is read to be refused; what is below a known name goes with it. */
function isAbove(one: string, name: string): boolean {
  return name.startsWith(`${one}.`) || one.startsWith(`${name}.`);
}

/** A list filter that nothing matches covers `Name` and `Name.N`; one of them is documented. */
function isAlternative(one: string, covered: readonly string[]): boolean {
  return covered.includes(one.endsWith('.n') ? one.slice(0, -2) : `${one}.n`);
}
