/** What documents say of the program, held against the program. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { actions } from '../src/api/action-list.ts';
import { eventTypes } from '../src/ecs/events.ts';

const root = path.dirname(import.meta.dirname);
const readme = fs.readFileSync(path.join(root, 'README.md'), 'utf8');

function help(...command: string[]): string {
  const args = [path.join(root, 'src', 'main.ts'), ...command, '--help'];
  return spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout;
}

test('the README names every action that is built, and no other', () => {
  const [, list] = /\*\*Actions there are:\*\*([\s\S]*?)Actions and documented parameters/.exec(readme) ?? [];
  assert.ok(list, 'the list of actions is gone');
  const named = list.match(/\b[A-Z][a-z]+(?:[A-Z]+[a-z]+)+\b/g) ?? [];
  assert.deepEqual(named.toSorted(), actions.map(({ name }) => name).toSorted());
});

test('every command and option in the documents is one of the program', () => {
  const documents = [readme, fs.readFileSync(path.join(root, 'docs', 'operations.md'), 'utf8')].join('\n');
  const commands = help();
  for (const [, name] of documents.matchAll(/\bhupo (?!琥珀)([a-z]+)\b(?= |`|$)/gm)) {
    assert.match(commands, new RegExp(`^  ${name}\\b`, 'm'), `hupo ${name} is no command`);
  }
  for (const option of ['--data', '--listen', '--region']) assert.match(help('serve'), new RegExp(option));
  assert.match(help('check'), /--read-data/);
  for (const script of documents.matchAll(/\bnpm run ([a-z:]+)/g)) {
    const { scripts } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')) as { scripts: object };
    assert.ok(Object.hasOwn(scripts, script[1] ?? ''), `npm run ${script[1]} is no script`);
  }
});

test('docs/events.md lists every type of event, and no other', () => {
  const text = fs.readFileSync(path.join(root, 'docs', 'events.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `(ecs:\S+)` +\| (.*?) +\| (\w+) +\| (yes|no) +\|$/gm)].map((row) => row.slice(1));
  assert.deepEqual(
    rows,
    eventTypes.map(({ type, when, resourceType, isOfEcs }) => [type, when, resourceType, isOfEcs ? 'yes' : 'no']),
  );
});
