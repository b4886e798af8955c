import test from 'node:test';
import assert from 'node:assert/strict';
import { parseWords } from './ecs-words.ts';

function parse(line: string[]): object {
  const { words, flags, parameters } = parseWords(line);
  return { words, flags: Object.fromEntries(flags), parameters: Object.fromEntries(parameters) };
}

const cases: [line: string[], words: string[], flags: Record<string, string[]>, parameters: Record<string, string>][] =
  [
    [['DescribeDisks'], ['DescribeDisks'], {}, {}],
    [['A', '--DiskId', 'd-1'], ['A'], {}, { DiskId: 'd-1' }],
    [['--DiskId', 'd-1', 'A'], ['A'], {}, { DiskId: 'd-1' }],
    [['A', '--Tag.1.Key=a=b'], ['A'], {}, { 'Tag.1.Key': 'a=b' }],
    [['A', '--Name:x:y=z'], ['A'], {}, { Name: 'x:y=z' }],
    [['A', '--Description='], ['A'], {}, { Description: '' }],
    [['A', '--Description', ''], ['A'], {}, { Description: '' }],
    [['A', '--Description=--x'], ['A'], {}, { Description: '--x' }],
    [['A', '--Description', '---x'], ['A'], {}, { Description: '---x' }],
    [['A', '--PortRange', '-1/-1'], ['A'], {}, { PortRange: '-1/-1' }],
    [['A', '--Description', 'two\nlines'], ['A'], {}, { Description: 'two\nlines' }],
    [['A', '--DiskIds', '["d-1","d-2"]'], ['A'], {}, { DiskIds: '["d-1","d-2"]' }],
    [['A', '--region', 'x', '--RegionId', 'y'], ['A'], { region: ['x'] }, { RegionId: 'y' }],
    [
      ['A', '--output', 'cols=B,C', 'rows=D.E[]', 'num=true'],
      ['A'],
      { output: ['cols=B,C', 'rows=D.E[]', 'num=true'] },
      {},
    ],
    [['A', '--output=cols=B', 'rows=D.E[]'], ['A'], { output: ['cols=B', 'rows=D.E[]'] }, {}],
    [['A', '-o', 'cols=B', '--output', 'rows=C'], ['A'], { output: ['cols=B', 'rows=C'] }, {}],
    [['A', '--output', 'cols=B', '--Size', '5'], ['A'], { output: ['cols=B'] }, { Size: '5' }],
    [['A', '--waiter', 'expr=S[0].T', 'to=x y'], ['A'], { waiter: ['expr=S[0].T', 'to=x y'] }, {}],
    [['A', '--pager'], ['A'], { pager: [] }, {}],
    [['--pager', 'A'], ['A'], { pager: [] }, {}],
    [['A', '--all-pages', 'NextToken='], ['A'], { pager: ['NextToken='] }, {}],
    [['A', '--header', 'X-A=1', '--header', 'X-B=2=3'], ['A'], { header: ['X-A=1', 'X-B=2=3'] }, {}],
    [['--header', 'X-A=1', 'A'], ['A'], { header: ['X-A=1'] }, {}],
    [['A', '-q', '--force', '--insecure'], ['A'], { quiet: [], force: [], insecure: [] }, {}],
    [['A', '-e', 'h:1', '-p=mine'], ['A'], { endpoint: ['h:1'], profile: ['mine'] }, {}],
    [['A', '--retry-timeout', '5'], ['A'], { 'read-timeout': ['5'] }, {}],
    [['help', 'A'], ['help', 'A'], {}, {}],
    [['A', 'B'], ['A', 'B'], {}, {}],
    [[], [], {}, {}],
  ];

test('words are read as the aliyun CLI reads them', () => {
  for (const [line, words, flags, parameters] of cases) {
    assert.deepEqual(parse(line), { words, flags, parameters }, line.join(' '));
  }
});

const mistakes: [line: string[], message: RegExp][] = [
  [['A', '--DiskId'], /^--DiskId lacks its value$/],
  [['A', '--DiskId', '--Size', '5'], /^--DiskId lacks its value; one that begins with "--" is written --DiskId=--…$/],
  [['A', '--DiskId', 'd-1', '--DiskId', 'd-2'], /^--DiskId is given twice$/],
  [['A', '--region', 'x', '--region', 'y'], /^--region is given twice$/],
  [['A', '--force=true'], /^--force is a switch and takes no value$/],
  [['A', '--'], /"--" alone/],
  [['A', '-x'], /"-x" is no flag/],
  [['A', '--output', 'json'], /"json" does not belong behind --output/],
  [['A', '--output', 'columns=A'], /--output has no field "columns"/],
  [['A', '--waiter', 'expr=a', '||', 'b'], /"\|\|" does not belong behind --waiter.*quote/],
];

test('what cannot be read is named, with how it is written', () => {
  for (const [line, message] of mistakes) assert.throws(() => parse(line), { message }, line.join(' '));
});
