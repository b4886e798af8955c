/** Every documented error of every action is produced by a case, with its documented status, or listed with a reason. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { actions } from '../../src/api/action-list.ts';
import { askingFor } from './bad-values.ts';
import type { ErrorCase, ErrorCases } from './error-cases/case.ts';
import { errorCases } from './error-cases.ts';
import { documentedErrors } from './documented.ts';
import { recipesOf, type Parameters } from './recipes.ts';
import { catalogRows, openScene, type Scene } from './scene.ts';
import { listParameters } from './tables.ts';
import { unproducedErrors } from './unproduced-errors.ts';
import { actionsBeyond } from './extensions.ts';

const ofEcs = actions.map(({ name }) => name).filter((name) => !Object.hasOwn(actionsBeyond, name));

const actionsFolder = path.join(import.meta.dirname, '../../src/api/actions');

for (const [action, cases] of Object.entries(errorCases)) {
  test(`${action} answers with its documented errors`, async () => {
    await using scene = await openScene();
    const problems: string[] = [];
    for (const [code, one] of Object.entries(cases).filter(([, found]) => !hasSetUp(found))) {
      const before = await catalogRows(scene.world);
      problems.push(...(await findDifference(scene, action, code, one)));
      assert.deepEqual(await catalogRows(scene.world), before, `${action} ${code} changed something`);
    }
    for (const [code, one] of Object.entries(cases)) {
      if (hasSetUp(one)) problems.push(...(await inOwnScene(action, code, one)));
    }
    assert.ok(problems.length === 0, problems.join('\n'));
  });
}

for (const action of ofEcs) {
  test(`every documented error of ${action} is produced or listed`, () => {
    const problems: string[] = [];
    for (const code of Object.keys(documentedErrors(action))) {
      const isProduced = code in (errorCases[action] ?? {});
      const reasons = unproducedErrors.filter(({ errors }) => errors.test(`${action} ${code}`));
      if (isProduced && reasons.length > 0) problems.push(`${code} is produced, and listed as ${reasons[0]?.reason}`);
      if (!isProduced && reasons.length === 0)
        problems.push(`${code} has no case in error-cases/ and no reason in unproduced-errors.ts`);
      if (reasons.length > 1)
        problems.push(`${code} has two reasons: ${reasons.map(({ errors }) => String(errors)).join(' ')}`);
    }
    assert.deepEqual(problems, []);
  });
}

test('every reason is for some documented error', () => {
  const all = ofEcs.flatMap((action) => Object.keys(documentedErrors(action)).map((code) => `${action} ${code}`));
  for (const { errors } of unproducedErrors)
    assert.ok(
      all.some((one) => errors.test(one)),
      String(errors),
    );
});

test('no reason is for a code that the source of the action names', () => {
  const problems: string[] = [];
  for (const file of fs.readdirSync(actionsFolder)) {
    const source = fs.readFileSync(path.join(actionsFolder, file), 'utf8');
    const [, action = ''] = /name: '(\w+)'/.exec(source) ?? [];
    if (!ofEcs.includes(action)) continue;
    for (const code of codesNamed(file)) {
      const listed = unproducedErrors.find(({ errors }) => errors.test(`${action} ${code}`));
      const isDocumented = code in documentedErrors(action);
      if (listed !== undefined && isDocumented) problems.push(`${file} names ${code}, listed as: ${listed.reason}`);
    }
  }
  assert.deepEqual(problems, []);
});

test('no reason is for a code with which a parameter that is not built is refused', async () => {
  await using scene = await openScene();
  const problems: string[] = [];
  for (const action of actions.filter(({ name }) => ofEcs.includes(name))) {
    const good = recipesOf(action.name)[0]?.(scene) ?? {};
    for (const parameter of listParameters(action).filter(({ use }) => use === 'refused')) {
      for (const value of askingFor(parameter)) {
        const own = `${parameter.name.replaceAll(/\.N(?=\.|$)/g, '.1')}${parameter.type === 'Struct' ? '.Any' : ''}`;
        const { body } = await scene.call(action.name, { ...good, [own]: value, DryRun: 'true' });
        const code = String(body['Code']);
        const isListed = unproducedErrors.some(({ errors }) => errors.test(`${action.name} ${code}`));
        if (isListed && code in documentedErrors(action.name)) problems.push(`${action.name} ${own}=${value}: ${code}`);
      }
    }
  }
  assert.deepEqual(problems, []);
});

test('every case is of a documented error', () => {
  for (const [action, cases] of Object.entries(errorCases)) {
    const documented = documentedErrors(action);
    for (const code of Object.keys(cases)) assert.ok(code in documented, `${action} ${code}`);
  }
});

/** The codes in a file of an action and in the files beside it that it imports, but for those that it calls otherwise. */
function codesNamed(file: string): string[] {
  const source = fs.readFileSync(path.join(actionsFolder, file), 'utf8');
  const own = [...source.matchAll(/'([A-Z]\w+(?:\.\w+)+)'(?!:)/g)].map(([, code = '']) => code);
  const beside = [...source.matchAll(/from '\.\/([\w-]+\.ts)'/g)].map(([, name = '']) => name);
  return [...own, ...beside.flatMap(codesNamed)];
}

type WithSetUp = Extract<ErrorCase, { after: unknown }>;

function hasSetUp(one: ErrorCase): one is WithSetUp {
  return typeof one === 'object' && typeof one['after'] === 'function';
}

async function inOwnScene(action: string, code: string, one: WithSetUp): Promise<string[]> {
  await using scene = await openScene({ checkAtEnd: false });
  await one.after(scene);
  return await findDifference(scene, action, code, one.ask ?? {});
}

async function findDifference(
  scene: Scene,
  action: string,
  code: string,
  one: ErrorCases[string][string],
): Promise<string[]> {
  const asked = (typeof one === 'function' ? one(scene) : one) as Parameters;
  const good = recipesOf(action)[0]?.(scene) ?? {};
  const given = Object.entries({ ...good, ...asked }).filter(([, value]) => value !== '');
  const { status, body } = await scene.call(action, Object.fromEntries(given));
  const statuses = documentedErrors(action)[code] ?? [];
  if (body['Code'] === code && statuses.includes(status)) return [];
  const got = `${status} ${String(body['Code'])} (${String(body['Message'])})`;
  return [`${action} ${code} ${statuses.join('/')}: got ${got} for ${JSON.stringify(asked).slice(0, 150)}`];
}
