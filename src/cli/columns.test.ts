import assert from 'node:assert/strict';
import test from 'node:test';
import { alignCells, formatRows } from './columns.ts';

test('columns are as wide as their widest cell on a terminal, and no line ends with spaces', () => {
  assert.equal(
    formatRows(
      ['NAME', 'ID', 'NOTE'],
      [
        ['硬盘', 'd-1', ''],
        ['a\nb', 'd-22', 'x'],
      ],
    ),
    'NAME  ID    NOTE\n硬盘  d-1\na b   d-22  x\n',
  );
  assert.deepEqual(alignCells([['N'], ['10']], [{ align: 'right', width: 3 }]), ['  N', ' 10']);
});
