import test, { type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { Argument, Command } from 'commander';
import { findUse } from './built-parameters.ts';
import { completeWords, formatCandidates } from './completion.ts';

const main = path.join(import.meta.dirname, '..', 'main.ts');

const program = new Command('hupo');
program.command('ecs').description('call');
program.command('serve').description('run').option('--data <DIR>', 'folder').option('--tls', 'https');
program
  .command('disk')
  .description('disks')
  .command('import')
  .description('import')
  .argument('<FILE>')
  .option('--name <NAME>');
program
  .command('completion')
  .description('print')
  .addArgument(new Argument('<SHELL>').choices(['bash', 'zsh']));
program.command('diskd', { hidden: true });

function complete(line: string, shell = 'zsh'): string[] | 'files' {
  const found = completeWords(line.split(' '), { shell, commands: program.commands, findUse });
  return found === 'files' ? found : found.map(({ word }) => word);
}

const cases: [line: string, expected: string[] | 'files'][] = [
  ['', ['ecs', 'serve', 'disk', 'completion']],
  ['se', ['serve']],
  ['serve --', ['--data', '--tls']],
  ['serve --tls --', ['--data']],
  ['serve --data ', 'files'],
  ['disk ', ['import']],
  ['disk import ', 'files'],
  ['disk import --name ', []],
  ['completion ', ['bash', 'zsh']],
  ['ecs CreateSn', ['CreateSnapshot', 'CreateSnapshotGroup']],
  ['ecs createsn', ['CreateSnapshot', 'CreateSnapshotGroup']],
  ['ecs help ResetD', ['ResetDisk', 'ResetDisks']],
  ['help ecs ResetD', ['ResetDisk', 'ResetDisks']],
  ['ecs --region x ResetD', ['ResetDisk', 'ResetDisks']],
  ['ecs ResetDisk --D', ['--DiskId', '--DryRun', '--dryrun', '--data']],
  ['ecs ResetDisk --DiskId d-1 --D', ['--DryRun', '--dryrun', '--data']],
  ['ecs ResetDisk --DiskId ', []],
  ['ecs ResetDisk --DryRun ', ['true', 'false']],
  ['ecs resetdisk --DryRun ', ['true', 'false']],
  ['ecs CreateDisk --S', ['--Size', '--SnapshotId', '--secure', '--skip-secure-verify', '--sts-token']],
  ['ecs CreateDisk --K', []],
  ['ecs CreateDisk --Encrypted ', ['false']],
  ['ecs CreateDisk --DiskCategory cloud_e', ['cloud_efficiency', 'cloud_essd', 'cloud_essd_entry']],
  ['ecs DescribeDisks --DiskType ', ['all', 'system', 'data']],
  ['ecs DescribeDisks --Status i', ['In_use']],
  ['ecs TagResources --ResourceType dis', ['disk']],
  ['ecs CreateSnapshot --Tag', ['--Tag.1.Key', '--Tag.1.Value']],
  ['ecs CreateSnapshot --Tag.1.Key k --Tag', ['--Tag.2.Key', '--Tag.1.Value']],
  ['ecs CreateSnapshot --Tag.7.', ['--Tag.7.Key', '--Tag.7.Value']],
  ['ecs DescribeDisks --output ', ['cols=', 'rows=', 'num=']],
  ['ecs DescribeDisks --output cols=A ', ['rows=', 'num=']],
  ['ecs DescribeDisks --output cols=A ro', ['rows=']],
  ['ecs DescribeDisks --waiter expr=a t', ['to=', 'timeout=']],
  ['ecs DescribeDisks --method ', ['GET', 'POST']],
  ['ecs DescribeDisks --ca ', 'files'],
  ['ecs DescribeDisks --insec', ['--insecure']],
  ['nothing ', []],
];

test('what can come next is offered', () => {
  for (const [line, expected] of cases) assert.deepEqual(complete(line), expected, line);
});

test('words that bash broke at = are put together again', () => {
  assert.deepEqual(complete('ecs DescribeDisks --output cols = A,B ro', 'bash'), ['rows=']);
  assert.deepEqual(complete('ecs DescribeDisks --output cols =', 'bash'), []);
  assert.deepEqual(complete('ecs DescribeDisks --DiskName = d-1 --region', 'bash'), ['--RegionId', '--region']);
});

test('candidates are lines, with a description after a tab', () => {
  assert.equal(formatCandidates([{ word: 'a', description: 'b' }, { word: 'c' }]), 'a\tb\nc\n');
  assert.equal(formatCandidates('files'), ':files\n');
});

function bash(t: TestContext, script: string): string {
  const made = spawnSync(process.execPath, [main, 'completion', 'bash'], { encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  const result = spawnSync('bash', ['--norc', '--noprofile', '-c', `${made.stdout}\n${script}`], { encoding: 'utf8' });
  if (result.error !== undefined) t.skip(`there is no bash: ${result.error.message}`);
  assert.equal(result.stderr, '');
  return result.stdout;
}

test('bash completes with the script that is printed', (t) => {
  const type = (...words: string[]) =>
    `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}) COMP_CWORD=${words.length - 1}; _hupo; echo "\${COMPREPLY[*]}"`;
  const output = bash(
    t,
    [
      'compopt() { echo "compopt $*"; }',
      'complete -p hupo',
      type('hupo', 'sto'),
      type('hupo', 'ecs', 'CreateSn'),
      type('hupo', 'ecs', 'CreateSnapshot', '--DiskI'),
      type('hupo', 'ecs', 'DescribeDisks', '--output', 'col'),
      type('hupo', 'ecs', 'DescribeDisks', '--output', 'cols', '=', 'A', 'row'),
      type('hupo', 'serve', '--data', ''),
    ].join('\n'),
  );
  assert.deepEqual(output.split('\n'), [
    'complete -F _hupo hupo',
    'stop',
    'CreateSnapshot CreateSnapshotGroup',
    '--DiskId',
    'compopt -o nospace',
    'cols=',
    'compopt -o nospace',
    'rows=',
    'compopt -o default',
    '',
    '',
  ]);
});

test('each shell has its script, and no other has one', () => {
  for (const [shell, line] of [
    ['zsh', 'compdef _hupo hupo'],
    ['fish', "complete -c hupo -f -a '(__hupo_complete)'"],
  ] as const) {
    const made = spawnSync(process.execPath, [main, 'completion', shell], { encoding: 'utf8' });
    assert.ok(made.stdout.includes(line), made.stdout);
    assert.ok(made.stdout.includes('__complete'), 'it asks this program');
  }
  assert.equal(spawnSync(process.execPath, [main, 'completion', 'tcsh']).status, 1);
});
