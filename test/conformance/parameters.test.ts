/**
 * Every documented parameter of every action, one at a time in a good request: wrong values are refused with a documented
 * code and change nothing, what is not built is refused, and what has no effect has none.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { actions } from '../../src/api/action-list.ts';
import type { Action } from '../../src/api/action.ts';
import { commonPairs, encodePairs, send, signPairs, type Answer } from '../clients/api-fixture.ts';
import { askingFor, badValues, likelyValues, strangeValues } from './bad-values.ts';
import { documentedErrors } from './documented.ts';
import { commonErrors, errorsBeyond } from './common-errors.ts';
import { singleValues } from './single-values.ts';
import { recipesOf, type Parameters } from './recipes.ts';
import { catalogRows, openScene, withoutRequestId, type Scene } from './scene.ts';
import { listParameters, type Listed } from './tables.ts';
import { actionsBeyond } from './extensions.ts';

const ofEcs = actions.filter(({ name }) => !Object.hasOwn(actionsBeyond, name));

for (const action of ofEcs) {
  test(`${action.name} refuses wrong values`, async () => {
    await using scene = await openScene();
    const problems: (string | null)[] = [];
    for (const parameter of listed(action).filter(({ use }) => use === 'used')) {
      for (const value of badValues(action.name, parameter)) {
        problems.push(await findNoRefusal(scene, action.name, request(scene, action, parameter, value)));
      }
    }
    assertNone(problems);
  });

  test(`${action.name} refuses what is not built`, async () => {
    await using scene = await openScene();
    const problems: (string | null)[] = [];
    for (const parameter of listed(action).filter(({ use }) => use === 'refused')) {
      const found = askingFor(parameter).map((value) =>
        findNoRefusal(scene, action.name, { ...request(scene, action, parameter, value), DryRun: 'true' }),
      );
      const answers = await Promise.all(found);
      if (!answers.includes(null)) problems.push(...answers); // one of true and false asks for what is so anyway
    }
    assertNone(problems);
  });

  test(`${action.name} is not changed by what has no effect`, async () => {
    await using scene = await openScene();
    for (const parameter of listed(action).filter(({ use }) => use === 'no effect')) {
      const plain = await tried(scene, action, base(scene, action, parameter.name));
      for (const value of [...askingFor(parameter), 'no-such-word']) {
        const asked = await tried(scene, action, request(scene, action, parameter, value));
        assert.deepEqual(asked, plain, `${parameter.name}=${value}`);
      }
    }
  });

  test(`${action.name} is changed by each parameter that it uses`, async () => {
    await using scene = await openScene();
    const ids = Object.values(scene).filter((id): id is string => typeof id === 'string');
    const idle: string[] = [];
    const optional = listed(action).filter(({ use, isRequired }) => use === 'used' && !isRequired);
    for (const parameter of optional) {
      const pair = parameter.name === 'Tag.N.Value' ? { 'Tag.1.Key': 'team' } : {};
      const plain = await tried(scene, action, { ...base(scene, action, parameter.name), ...pair });
      let differs = false;
      for (const value of likelyValues(parameter, ids)) {
        const asked = await tried(scene, action, { ...request(scene, action, parameter, value), ...pair });
        differs = isGood(asked) && !isDeepStrictEqual(asked, plain);
        if (differs) break;
      }
      const isListed = singleValues.some(({ parameters }) => parameters.test(`${action.name} ${parameter.name}`));
      if (!differs && !isListed) idle.push(parameter.name);
    }
    assert.deepEqual(idle, []);
  });

  test(`${action.name} answers strange values without a failure of ours`, async () => {
    await using scene = await openScene();
    const before = await catalogRows(scene.world);
    const problems: (string | null)[] = [];
    for (const parameter of listed(action)) {
      for (const value of strangeValues) {
        const parameters = { ...request(scene, action, parameter, value), DryRun: 'true' };
        problems.push(findUndocumented(action.name, await scene.call(action.name, parameters), parameters));
      }
    }
    assertNone(problems);
    assert.deepEqual(await catalogRows(scene.world), before);
    assert.deepEqual(scene.api.warnings, []);
  });

  test(`${action.name} asks for what must be there`, async () => {
    await using scene = await openScene();
    const good = base(scene, action);
    const problems: (string | null)[] = [];
    for (const { name } of listed(action).filter(({ isRequired, name: full }) => isRequired && !full.includes('.N.'))) {
      const own = name.replace('.N', '.1');
      assert.ok(own in good, `the good request of ${action.name} has no ${own}`);
      const { [own]: _left, ...rest } = good;
      for (const parameters of [rest, { ...rest, [own]: '' }]) {
        problems.push(await findNoRefusal(scene, action.name, parameters));
        const { body } = await scene.call(action.name, parameters);
        if (/^(Missing|InvalidParameter|Invalid\.Param|InvalidTagKey)/.test(String(body['Code']))) continue;
        problems.push(`${action.name} without ${own}: ${String(body['Code'])}`);
      }
    }
    assertNone(problems);
  });

  test(`${action.name} reads names in any case, gaps between numbers, and each way of sending`, async () => {
    await using scene = await openScene();
    for (const recipe of recipesOf(action.name)) {
      const good = recipe(scene);
      const plain = await tried(scene, action, good);
      const lower = Object.fromEntries(Object.entries(good).map(([name, value]) => [name.toLowerCase(), value]));
      const gaps = Object.fromEntries(Object.entries(good).map(([name, value]) => [name.replace('.1', '.4'), value]));
      assert.deepEqual(await tried(scene, action, lower), plain, 'in lower case');
      assert.deepEqual(await tried(scene, action, gaps), plain, 'numbered from 4');
      for (const way of ['GET', 'query', 'form', 'both'] as const) {
        assert.deepEqual(await tried(scene, action, good, way), plain, way);
      }
    }
  });
}

test('lists that are too long are refused', async () => {
  await using scene = await openScene();
  const problems: (string | null)[] = [];
  for (const [action, name, most] of [
    ['CreateDisk', 'Tag.N.Key', 20],
    ['RunInstances', 'DataDisk.N.Size', 16],
    ['RunInstances', 'Tag.N.Key', 20],
    ['CreateInstance', 'DataDisk.N.Size', 16],
    ['DescribeDisks', 'Tag.N.Key', 20],
    ['DescribeDisks', 'Filter.N.Key', 4],
    ['TagResources', 'ResourceId.N', 50],
    ['TagResources', 'Tag.N.Key', 20],
    ['UntagResources', 'TagKey.N', 20],
    ['UntagResources', 'ResourceId.N', 50],
    ['ListTagResources', 'ResourceId.N', 50],
    ['StartInstances', 'InstanceId.N', 100],
    ['StopInstances', 'InstanceId.N', 100],
    ['RebootInstances', 'InstanceId.N', 100],
    ['DeleteInstances', 'InstanceId.N', 100],
  ] as const) {
    const found = actions.find((one) => one.name === action);
    assert.ok(found);
    const parameters = { ...base(scene, found) };
    for (let index = 1; index <= most + 1; index++) parameters[name.replace('.N', `.${index}`)] = `40${index}`;
    problems.push(await findNoRefusal(scene, action, parameters));
  }
  assertNone(problems);
});

/** Documented parameters that are no group of others. */
function listed(action: Action): Listed[] {
  const all = listParameters(action);
  return all.filter(({ name }) => !all.some((other) => other.name.startsWith(`${name}.`)));
}

/** The good request that speaks of the parameter's group, else the first. */
function base(scene: Scene, action: Action, parameter = ''): Parameters {
  const [root = ''] = parameter.split(/\.N(?=\.|$)/, 1);
  const good = recipesOf(action.name).map((recipe) => recipe(scene));
  return (
    good.find((one) => Object.keys(one).some((name) => name === root || name.startsWith(`${root}.`))) ?? good[0] ?? {}
  );
}

function request(scene: Scene, action: Action, { name, type }: Listed, value: string): Parameters {
  const own = `${name.replaceAll(/\.N(?=\.|$)/g, '.1')}${type === 'Struct' ? '.Any' : ''}`;
  return { ...base(scene, action, name), [own]: value };
}

/** What is wrong when the request is not refused with a documented code, or changes something; null when nothing is. */
async function findNoRefusal(scene: Scene, action: string, parameters: Parameters): Promise<string | null> {
  const before = await catalogRows(scene.world);
  const answer = await scene.call(action, parameters);
  const isTaken = answer.status === 200 || isDryRunCode(answer.body['Code']);
  if (isTaken) return `${action} takes ${show(parameters)}`;
  assert.deepEqual(await catalogRows(scene.world), before, `${action} ${show(parameters)} changed something`);
  return findUndocumented(action, answer, parameters);
}

function findUndocumented(
  action: string,
  answer: Pick<Answer, 'status' | 'body'>,
  parameters: Parameters,
): string | null {
  const { status, body } = answer;
  const code = String(body['Code']);
  const what = `${action} ${show(parameters)}: ${status} ${code} ${String(body['Message'])}`;
  const about = `${action}: ${status} ${code} ${/"([^"]+)"/.exec(String(body['Message']))?.[1] ?? ''}`;
  if (isDryRunCode(code) || status === 200) return null;
  assert.ok(status >= 400 && status < 500, what);
  assert.deepEqual(Object.keys(body).sort(), ['Code', 'HostId', 'Message', 'Recommend', 'RequestId'], what);
  for (const value of Object.values(body)) assert.equal(typeof value, 'string', what);
  const statuses = documentedErrors(action)[code] ?? commonErrors[code] ?? errorsBeyond(action, code)?.statuses;
  if (statuses === undefined) return `no documentation has the code: ${about}`;
  return statuses.includes(status) ? null : `documented with ${statuses.join(', ')}: ${about}`;
}

function assertNone(problems: (string | null)[]): void {
  const found = problems.filter((problem) => problem !== null);
  assert.ok(found.length === 0, `${found.length} findings:\n${[...new Set(found)].slice(0, 40).join('\n')}`);
}

interface Tried {
  answer: object;
  asked: object[];
}

/** What the request asks of the control plane and answers, tried without a change. */
async function tried(scene: Scene, action: Action, parameters: Parameters, way: Way = 'query'): Promise<Tried> {
  const from = scene.api.calls.length;
  const isChange = 'DryRun' in action.parameters && !/^(Describe|List)/.test(action.name);
  const business = Object.entries({ ...parameters, ...(isChange ? { DryRun: 'true' } : {}) });
  const answer = await sendBy(scene, action.name, business, way);
  const asked = scene.api.calls.slice(from).map(({ method, request: what, more }) => ({ method, what, more }));
  return { answer: withoutRequestId(answer), asked };
}

function isGood(asked: { answer: object }): boolean {
  const { status, Code: code } = asked.answer as { status: number; Code?: string };
  return status === 200 || isDryRunCode(code);
}

type Way = 'GET' | 'query' | 'form' | 'both';

function sendBy(scene: Scene, action: string, business: [string, string][], way: Way): Promise<Answer> {
  const method = way === 'GET' ? 'GET' : 'POST';
  const pairs = signPairs(method, [...commonPairs(action), ...business]);
  const names = new Set(business.map(([name]) => name));
  const inForm = pairs.filter(([name]) => way === 'form' || (way === 'both' && names.has(name)));
  const inQuery = pairs.filter((pair) => !inForm.includes(pair));
  const target = `/?${encodePairs(inQuery)}`;
  if (inForm.length === 0) return send(scene.api, target, { method });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return send(scene.api, target, { method, headers, body: encodePairs(inForm) });
}

function isDryRunCode(code: unknown): boolean {
  return code === 'DryRunOperation' || code === 'DRYRUN.SUCCESS';
}

function show(parameters: Parameters): string {
  const shown = Object.entries(parameters).map(([name, value]) => `${name}=${JSON.stringify(value.slice(0, 24))}`);
  return shown.join(' ').slice(0, 400);
}
