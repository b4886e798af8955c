/** What a person is told who mistypes a command: one form, and the help that is nearest. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { makeContext } from '../test/support/fake-ecs.ts';
import { runCli } from './cli.ts';

const mistyped: [line: string, message: string][] = [
  ['serv', "unknown command 'serv'; did you mean serve? See `hupo --help`."],
  ['disk imprt x', "unknown command 'imprt'; did you mean import? See `hupo disk --help`."],
  ['disk import', "missing required argument 'FILE'. See `hupo disk import --help`."],
  ['disk import x --nam y', "unknown option '--nam'; did you mean --name? See `hupo disk import --help`."],
  ['serve --listen', "option '--listen <HOST:PORT>' argument missing. See `hupo serve --help`."],
  [
    'completion tcsh',
    "'tcsh' is invalid for argument 'SHELL'. Allowed choices are bash, zsh, fish. See `hupo completion --help`.",
  ],
];

test('what is mistyped is told in the form of all errors, with the help that is nearest', async () => {
  for (const [line, message] of mistyped) {
    const context = makeContext({});
    assert.equal(await runCli(line.split(' '), context), 1, line);
    assert.deepEqual(context.output, { out: '', err: `hupo: ${message}\n` });
  }
});

test('help and version are no errors', async () => {
  for (const line of ['--help', '--version', 'help disk', 'disk import --help', 'ecs --help']) {
    const context = makeContext({});
    assert.deepEqual([await runCli(line.split(' '), context), context.output.err], [0, ''], line);
    assert.notEqual(context.output.out, '');
  }
});
