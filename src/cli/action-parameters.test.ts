import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { actions } from '../api/action-list.ts';
import { exampleOf, findDocumentedName, knownActions, nameOf, parametersOf } from './action-parameters.ts';
import { actionNames } from './ecs-actions.ts';
import { ecsParameters } from './ecs-parameters.ts';

test('every action that is built has its line of help, and no other', () => {
  assert.deepEqual(actionNames.toSorted(), actions.map(({ name }) => name).toSorted());
});

test('every action that is built has its parameters listed', () => {
  const withoutParameters = actionNames.filter((name) => parametersOf(name).length === 0);
  assert.deepEqual(withoutParameters, []);
  assert.ok(knownActions.includes('DescribeInstanceVncUrl'), 'documented actions are known before they are built');
});

test('names and types are those that the conformance tests hold the API against', () => {
  const folder = path.join(import.meta.dirname, '../../test/data/ecs-parameters');
  for (const file of fs.readdirSync(folder)) {
    const kinds = JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8')) as Record<string, string>;
    const words = (ecsParameters[path.basename(file, '.json')] ?? '').split(/\s+/).filter(Boolean);
    const listed = Object.fromEntries(words.map((word) => word.replace('!', '').split(':')));
    const differing = Object.entries(kinds).filter(([name, kind]) => {
      const type = listed[name] ?? (name in listed ? 'String' : listed[`${name}.*`]);
      const isAbove = Object.keys(listed).some((each) => each.startsWith(`${name}.`));
      return type === undefined ? !isAbove : type !== kind.split(',')[0];
    });
    assert.deepEqual(differing, [], file);
  }
});

test('names match in any case, numbers from 1, and what is below an open group', () => {
  const patterns = ['DiskId', 'Tag.N.Key', 'InstanceId.N', 'CpuOptions.Numa', 'Features.*'];
  const cases: [string, string | null][] = [
    ['DiskId', 'DiskId'],
    ['diskid', 'DiskId'],
    ['Tag.12.key', 'Tag.12.Key'],
    ['Tag.0.Key', null],
    ['Tag.x.Key', null],
    ['Tag.1', null],
    ['Tag', null],
    ['InstanceId.2', 'InstanceId.2'],
    ['InstanceId', null],
    ['CpuOptions.Numa', 'CpuOptions.Numa'],
    ['CpuOptions.1uma', null],
    ['Features.NvmeSupport', 'Features.NvmeSupport'],
    ['Features', null],
    ['Features.', null],
  ];
  for (const [typed, name] of cases) assert.equal(findDocumentedName(patterns, typed), name, typed);
});

test('a pattern becomes a name with numbers', () => {
  assert.equal(nameOf('NetworkInterface.N.SecurityGroupIds.N', 2), 'NetworkInterface.2.SecurityGroupIds.2');
  assert.equal(nameOf('CpuOptions.Numa'), 'CpuOptions.Numa');
  assert.equal(exampleOf('Features.*'), '--Features.…');
});
