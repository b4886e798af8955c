/** Tests of declared parameters. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { RequestError } from '../lib/errors.ts';
import { ParameterSet } from './parameter-set.ts';
import {
  boolean,
  commaList,
  coveredNames,
  group,
  groups,
  integer,
  jsonList,
  knowingWords,
  noEffect,
  notBuilt,
  oneOf,
  readParameters,
  repeated,
  required,
  text,
  withDefault,
  type Parameter,
  type ParameterTable,
} from './parameters.ts';

function read<Table extends ParameterTable>(table: Table, values: Record<string, string>) {
  return readParameters(table, new ParameterSet(Object.entries(values)));
}

test('names match in any case, and the spelling asked for wins', () => {
  assert.deepEqual(read({ DiskId: text() }, { diskid: 'd-1' }), { DiskId: 'd-1' });
  assert.deepEqual(read({ RegionId: text() }, { regionId: 'a', RegionId: 'b' }), { RegionId: 'b' });
  assert.throws(
    () =>
      new ParameterSet([
        ['A', '1'],
        ['A', '2'],
      ]),
    { code: 'InvalidParameter' },
  );
});

test('a blank is as good as absent', () => {
  assert.deepEqual(read({ A: text(), B: withDefault(boolean(), true) }, { A: '', B: '' }), { A: null, B: true });
  assert.throws(() => read({ DiskId: required(text()) }, { DiskId: '' }), {
    code: 'MissingParameter',
    message: /"DiskId"/,
  });
});

test('numbers are whole, decimal and in range', () => {
  const table = { Size: integer({ least: 1, most: 100, code: 'BadSize' }) };
  assert.deepEqual(read(table, { Size: '020' }), { Size: 20 });
  for (const Size of ['0', '101', '-1', '1.5', '1e1', '0x10', ' 1', 'ten', '9'.repeat(400)]) {
    assert.throws(() => read(table, { Size }), { code: 'BadSize', message: /from 1 to 100/ }, Size);
  }
});

test('booleans and words come in any case', () => {
  assert.deepEqual(read({ A: boolean(), B: oneOf(['In_use']) }, { A: 'TRUE', B: 'in_USE' }), { A: true, B: 'In_use' });
  assert.throws(() => read({ A: boolean() }, { A: '1' }), { code: 'InvalidParameter' });
});

test('lists come as JSON, joined by commas, or numbered with gaps', () => {
  assert.deepEqual(
    read({ A: jsonList(), B: commaList(), C: repeated(3) }, { A: '["x"]', B: 'x, y', 'C.7': 'b', 'c.2': 'a' }),
    {
      A: ['x'],
      B: ['x', 'y'],
      C: ['a', 'b'],
    },
  );
  for (const A of [`['i-1','i-2']`, ` [ 'i-1' , 'i-2' ] `, '["i-1","i-2"]']) {
    assert.deepEqual(read({ A: jsonList() }, { A }), { A: ['i-1', 'i-2'] }, A);
  }
  const ambiguous = [`['a"b']`, `['a\\\\b']`, `['a',"b"]`, `['a''b']`, `['a',]`, `[a]`, `'a'`];
  for (const A of [...ambiguous, 'x', '"x"', '[1]', '{"a":1}', JSON.stringify(Array(101).fill('x'))]) {
    assert.throws(() => read({ A: jsonList('Bad') }, { A }), { code: 'Bad' });
  }
  assert.throws(() => read({ C: repeated(1, 'Bad') }, { 'C.1': 'a', 'C.2': 'b' }), { code: 'Bad' });
});

test('a table tells what values may be, for help and documentation', () => {
  const told = ({ shape, accepts, isRequired }: Parameter<unknown>) => [shape, accepts, isRequired];
  assert.deepEqual(told(withDefault(integer({ least: 1, most: 9 }), 2)), ['1 to 9; default 2', undefined, undefined]);
  assert.deepEqual(told(integer({ least: 1, most: 1_000_000_000 })), ['1 or more', undefined, undefined]);
  assert.deepEqual(told(required(boolean())), ['true or false', ['true', 'false'], true]);
  assert.deepEqual(told(oneOf(['a', 'b', 'c'])), ['one of a, b, c', ['a', 'b', 'c'], undefined]);
  assert.deepEqual(told(withDefault(knowingWords(text(), ['a', 'b']), 'b')), [
    'a or b; default b',
    ['a', 'b'],
    undefined,
  ]);
  assert.deepEqual(told(notBuilt('no', { neutral: ['false'] })), [undefined, ['false'], undefined]);
  assert.deepEqual(told(withDefault(text(), '')), [undefined, undefined, undefined], 'no default worth telling');
  assert.match(jsonList().shape ?? '', /JSON array/);
});

test('what stands where a list item would and is none is refused by name, with the form that is right', () => {
  const table = { C: repeated(3), Data: groups({ Size: text() }, { most: 2, code: 'TooMany' }) };
  for (const name of ['C.x', 'c.01', 'C.-1', 'C.10000', 'C.', 'C.1.Sub', 'C']) {
    const shown = name === 'C' ? 'C' : name.replace('.Sub', '.…');
    assert.throws(
      () => read(table, { [name]: 'v' }),
      (error: RequestError) => {
        assert.equal(error.code, 'InvalidParameter');
        assert.ok(error.message.includes(`"${shown}"`) && /C\.1/.test(error.message), error.message);
        return true;
      },
    );
  }
  for (const name of ['Data.x.Size', 'data.0x1.size', 'Data.01.Size', 'Data..Size', 'Data.Size', 'Data.1', 'Data']) {
    assert.throws(() => read(table, { [name]: 'v' }), { code: 'InvalidParameter', message: /Data\.1\.<member>/ }, name);
  }
  assert.deepEqual(read(table, { 'C.x': '', 'Data.x.Size': '', 'Database.x': 'v', Cx: 'v' }), { C: [], Data: [] });
});

test('members come below their group, and errors name them in full', () => {
  const table = {
    System: group({ Size: text() }),
    Data: groups({ Size: required(text()) }, { most: 2, code: 'TooMany' }),
  };
  assert.deepEqual(read(table, { 'System.Size': '1', 'data.2.size': '3', 'Data.1.Size': '2', 'Data.x.Size': '' }), {
    System: { Size: '1' },
    Data: [
      { Size: '2', name: 'Data.1' },
      { Size: '3', name: 'Data.2' },
    ],
  });
  assert.throws(() => read(table, { 'Data.3.Other': '1' }), { message: /"Data\.3\.Size"/ });
  assert.throws(() => read(table, { 'Data.1.Size': '1', 'Data.2.Size': '1', 'Data.3.Size': '1' }), { code: 'TooMany' });
  assert.throws(() => read(table, { System: '{"Size":1}' }), { code: 'InvalidParameter' });
  assert.deepEqual(coveredNames(table), ['System', 'System.Size', 'Data', 'Data.N.Size']);
});

test('what is not built is refused unless it asks for nothing new', () => {
  const table = {
    Encrypted: notBuilt('no', { code: 'No', neutral: ['false'] }),
    Cpu: notBuilt('no'),
    Pay: noEffect('free'),
  };
  assert.deepEqual(read(table, { Encrypted: 'False', Cpu: '', Pay: 'yes' }), { Encrypted: null, Cpu: null, Pay: null });
  assert.throws(() => read(table, { encrypted: 'true' }), { code: 'No' });
  assert.throws(() => read(table, { 'Cpu.Core': '2' }), { code: 'UnsupportedParameter' });
});
