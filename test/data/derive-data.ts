/**
 * Makes the data that is derived from the documentation: `npm run docs:data FOLDER`. FOLDER holds `parameters/` (copies from
 * aliyun-openapi-meta), `responses/` (names and types of the npm client's classes) and `errors/` (codes and statuses of
 * the documentation), one file an action. It writes `test/data/ecs-*` for the actions that are built, and
 * `src/cli/ecs-parameters.ts` for those that it has already. No test needs it; `test/data/README.md` names the sources.
 */
import fs from 'node:fs';
import path from 'node:path';
import { actions } from '../../src/api/action-list.ts';
import { isOwn } from '../conformance/extensions.ts';
import { ecsParameters } from '../../src/cli/ecs-parameters.ts';

interface SourceParameter {
  name: string;
  type: string;
  required: boolean;
  sub_parameters?: SourceParameter[];
}

const WIDTH = 110;
const ofCli = path.join(import.meta.dirname, '../../src/cli/ecs-parameters.ts');

const [source = ''] = process.argv.slice(2);
if (source === '') throw new Error('usage: npm run docs:data FOLDER');
for (const { name } of actions.filter((action) => !isOwn(action.name))) {
  write('ecs-parameters', name, kindsOf(parametersOf(name)));
  write('ecs-responses', name, (read('responses', name) as { body: object }).body);
  write('ecs-errors', name, statuses((read('errors', name) as { errors: { code: string; status: number }[] }).errors));
}
writeForCli();

function read(kind: string, action: string): unknown {
  return JSON.parse(fs.readFileSync(path.join(source, kind, `${action}.json`), 'utf8'));
}

function parametersOf(action: string): SourceParameter[] {
  return (read('parameters', action) as { parameters: SourceParameter[] }).parameters;
}

function write(kind: string, action: string, content: object): void {
  const file = path.join(import.meta.dirname, kind, `${action}.json`);
  fs.writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
}

/** `Tag.N.Key` → its type, with `, required` where it must be given (within its group). Filters are numbered in the source. */
function kindsOf(parameters: SourceParameter[], prefix = ''): Record<string, string> {
  const kinds: Record<string, string> = {};
  for (const { name, type, required, sub_parameters: members } of parameters) {
    const own = prefix + name.replace(/^Filter\.\d+\./, 'Filter.N.');
    const kind = `${type}${required ? ', required' : ''}`;
    if (members !== undefined) Object.assign(kinds, kindsOf(members, `${own}.${type === 'RepeatList' ? 'N.' : ''}`));
    else if (type === 'RepeatList') kinds[`${own}.N`] = required ? 'String, required' : 'String';
    else kinds[own] = kind;
  }
  return Object.fromEntries(Object.entries(kinds).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function statuses(errors: { code: string; status: number }[]): Record<string, number[]> {
  const byCode: Record<string, number[]> = {};
  for (const { code, status } of errors) (byCode[code] ??= []).push(status);
  const sorted = Object.entries(byCode).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([code, found]) => [code, [...new Set(found)].sort((a, b) => a - b)]));
}

/** What the file says before its data stays. */
function writeForCli(): void {
  const before = fs.readFileSync(ofCli, 'utf8');
  const opening = before.slice(0, before.indexOf('= {') + 3);
  const names = Object.keys(ecsParameters).sort();
  const entries = names.map((name) => `  ${name}: \`\n${wrap(wordsOf(parametersOf(name)))}\n  \`,\n`);
  fs.writeFileSync(ofCli, `${opening}\n${entries.join('')}};\n`);
}

/** `!Name:Type` for each, in the order of the documentation. */
function wordsOf(parameters: SourceParameter[]): string[] {
  const hasMembers = (name: string) => parameters.some((other) => other.name.startsWith(`${name}.`));
  const words = parameters.flatMap((parameter) => {
    if (parameter.type !== 'Struct') return flatten(parameter);
    return hasMembers(parameter.name) ? [] : [formatWord(`${parameter.name}.*`, 'Struct', parameter.required)];
  });
  return [...new Set(words)];
}

/** A list that must be there asks for its members that must be there, or for the first when none must. */
function flatten({ name, type, required, sub_parameters: members = [] }: SourceParameter): string[] {
  if (type !== 'RepeatList') return [formatWord(name, type, required)];
  if (members.length === 0) return [formatWord(`${name}.N`, 'String', required)];
  const isAsked = (member: SourceParameter, index: number) =>
    required && (member.required || (index === 0 && !members.some((other) => other.required)));
  return members.flatMap((member, index) =>
    flatten({ ...member, name: `${name}.N.${member.name}`, required: isAsked(member, index) }),
  );
}

/** Some lists are listed item by item: `Filter.1.Key`, `Filter.2.Key`, …. */
function formatWord(name: string, type: string, required: boolean): string {
  const pattern = name.replaceAll(/\.\d+(?=\.|$)/g, '.N');
  return `${required ? '!' : ''}${pattern}${type === 'String' ? '' : `:${type}`}`;
}

function wrap(words: readonly string[]): string {
  const lines = [''];
  for (const word of words) {
    const line = lines.at(-1) ?? '';
    if (line.length + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.map((line) => `    ${line}`).join('\n');
}
