import test from 'node:test';
import assert from 'node:assert/strict';
import { readOptions } from './ecs-options.ts';
import { parseWords } from './ecs-words.ts';

const read = (...line: string[]) => readOptions(parseWords(['A', ...line]).flags);

test('the fields of flags become what they mean, with the documented defaults', () => {
  const { table, waiter } = read('--output', 'cols="A,B"', 'rows=R[]', '--waiter', 'expr=S', 'to=');
  assert.deepEqual(table, { columns: ['A', 'B'], rows: 'R[]', isNumbered: false });
  assert.deepEqual(waiter, { expr: 'S', to: '', timeoutS: 180, intervalS: 5 });
  assert.deepEqual(read('--waiter', 'expr=S', 'to=x', 'timeout=600', 'interval=2').waiter, {
    expr: 'S',
    to: 'x',
    timeoutS: 600,
    intervalS: 2,
  });
  assert.deepEqual(read('--pager', 'path=A.B', 'NextToken=').pager, { path: 'A.B', NextToken: '' });
});

test('connection flags are handed on, and only those that were given', () => {
  assert.deepEqual(read('--region', 'r', '--insecure', '--read-timeout', '7', '--ca', 'f').connect, {
    region: 'r',
    insecure: true,
    ca: 'f',
    readTimeoutMs: 7000,
  });
  assert.deepEqual(read('--secure', '--mode', 'StsToken', '--sts-token', 't').connect, {
    insecure: false,
    stsToken: 't',
  });
  assert.deepEqual(read().connect, {});
});

const mistakes: [line: string[], message: RegExp][] = [
  [['--output', 'rows=A[]'], /--output needs the columns/],
  [['--output', 'cols=A,', 'rows=A[]'], /--output needs the columns/],
  [['--output', 'cols=A', 'cols=B'], /--output has cols= twice/],
  [['--output', 'cols=A', 'num=yes'], /num=yes must be true or false/],
  [['--waiter', 'expr=A'], /--waiter needs both/],
  [['--waiter', 'expr=A', 'to=b', 'timeout=601'], /--waiter timeout=601 must be a whole number from 1 to 600/],
  [['--waiter', 'expr=A', 'to=b', 'interval=1'], /--waiter interval=1 must be a whole number from 2 to 10/],
  [['--waiter', 'expr=A', 'to=b', '--pager'], /flag --pager is exclusive with --waiter/],
  [['--dryrun', '--pager'], /flag --dryrun is exclusive with --pager/],
  [['--dryrun', '--quiet'], /flag --dryrun is exclusive with --quiet/],
  [['--secure', '--insecure'], /exclusive/],
  [['--method', 'PUT'], /--method PUT is not supported: it must be GET or POST/],
  [['--version', '2016-01-01'], /--version 2016-01-01 is not supported/],
  [['--mode', 'EcsRamRole'], /--mode EcsRamRole is not supported: it must be AK or StsToken/],
  [['--mode', 'StsToken'], /needs --sts-token/],
  [['--retry-count', '-1'], /--retry-count=-1 must be a whole number/],
  [['--body-file', '/nonexistent/form'], /there is no file \/nonexistent\/form/],
];

test('a flag that cannot be as it is given is refused with what it takes', () => {
  for (const [line, message] of mistakes) assert.throws(() => read(...line), { message }, line.join(' '));
});
