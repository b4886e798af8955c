import test from 'node:test';
import assert from 'node:assert/strict';
import { parseAnswer } from './answer-json.ts';
import { explainEmptyColumns, formatTable, type TableFields } from './table.ts';

const answer = parseAnswer(`{
  "TotalCount": 2, "Disks": {"Disk": [
    {"DiskId": "d-1", "Size": 20, "Portable": true, "Big": 9007199254740993, "DiskName": "琥珀", "Tags": {"Tag": [{"V": "v", "K": "k"}]}},
    {"DiskId": "d-long", "Size": 5, "Portable": false, "DiskName": "a\\tb\\n\\u001b[1m", "Description": null}
  ]}}`);

function format(columns: string, rows: string | null, isNumbered = false, value = answer): string[] {
  const fields: TableFields = { columns: columns.split(','), rows, isNumbered };
  return formatTable(fields, value).split('\n');
}

test('a table has titles, dashes and a row for each item; what is missing is <nil>', () => {
  assert.deepEqual(format('DiskId,Size,Description,Nope', 'Disks.Disk[]'), [
    'DiskId | Size | Description | Nope',
    '------ | ---- | ----------- | ----',
    'd-1    | 20   | <nil>       | <nil>',
    'd-long | 5    | <nil>       | <nil>',
    '',
  ]);
  assert.deepEqual(format('DiskId,Size', 'Disks.Disk[]', true), [
    'Num | DiskId | Size',
    '--- | ------ | ----',
    '0   | d-1    | 20',
    '1   | d-long | 5',
    '',
  ]);
});

test('cells are written as Go writes values, and cannot move the cursor', () => {
  assert.deepEqual(format('Portable,Big,Tags,DiskName', 'Disks.Disk[]'), [
    'Portable | Big              | Tags                    | DiskName',
    '-------- | ---              | ----                    | --------',
    'true     | 9007199254740993 | map[Tag:[map[K:k V:v]]] | 琥珀',
    'false    | <nil>            | <nil>                   | a\\u0009b\\u000a\\u001b[1m',
    '',
  ]);
});

test('columns are as wide as a terminal shows them: a Chinese character takes two places', () => {
  const value = parseAnswer('{"L":[{"N":"琥珀 e\\u0301","S":1},{"N":"abc","S":2}]}');
  assert.deepEqual(format('N,S', 'L', false, value), [
    'N      | S',
    '-      | -',
    '琥珀 e\u0301 | 1',
    'abc    | 2',
    '',
  ]);
});

test('a column that is nothing in every row is explained, but not one that a row has', () => {
  const explain = (columns: string, rows: string | null) =>
    explainEmptyColumns({ columns: columns.split(','), rows, isNumbered: false }, answer);
  assert.deepEqual(explain('DiskId,Tags,Description', 'Disks.Disk[]'), []);
  assert.deepEqual(explain('diskid', 'Disks.Disk[]'), ['no row has diskid; did you mean DiskId?']);
  assert.match(
    explain('Colour', 'Disks.Disk[]')[0] ?? '',
    /^no row has Colour; it may be one of Big, Description, DiskId/,
  );
  assert.match(explain('DiskId', null)[0] ?? '', /give the list of its rows: rows=Disks\.Disk\[\]/);
  assert.deepEqual(explain('TotalCount', null), []);
  assert.deepEqual(explain('Nope', 'Disks.Disk[?Size>`99`]'), [], 'without rows nothing can be said');
});

test('columns may be expressions; one that fails for a row is <nil> there', () => {
  assert.deepEqual(format('Tags.Tag[0].K,length(Tags.Tag)', 'Disks.Disk[?Size>`4`]').slice(2), [
    'k             | 1',
    '<nil>         | <nil>',
    '',
  ]);
});

test('without rows the answer is the one row; rows that are lists take places', () => {
  assert.deepEqual(format('TotalCount', null), ['TotalCount', '----------', '2', '']);
  assert.deepEqual(format('Id:0,Size:1,More:7', 'Disks.Disk[].[DiskId,Size]').slice(0, 3), [
    'Id     | Size | More',
    '--     | ---- | ----',
    'd-1    | 20   | <nil>',
  ]);
  assert.throws(() => format('Id', 'Disks.Disk[].[DiskId,Size]'), /must be Name:0/);
});

test('an empty list is a table without rows', () => {
  assert.deepEqual(format('A,B', 'X.Y[]', false, parseAnswer('{"X":{"Y":[]}}')), ['A | B', '- | -', '']);
});

test('what is no list, or no expression, is refused with the list that there is', () => {
  assert.throws(
    () => format('A', 'Disks'),
    /rows=Disks gives no list; the list of this answer is rows=Disks\.Disk\[\]/,
  );
  assert.throws(() => format('A', 'Snapshots.Snapshot[]'), /gives nothing; the list of this answer/);
  assert.throws(() => format('A', 'RequestId', false, parseAnswer('{"RequestId":"R"}')), /has no list: leave rows out/);
  assert.throws(() => format('A(', 'Disks.Disk[]'), /--output cols: "A\(" is not a JMESPath expression/);
  assert.throws(() => format('A', 'Disks.Disk['), /--output rows: "Disks\.Disk\[" is not a JMESPath expression/);
});
