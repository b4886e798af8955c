/**
 * Makes `src/cli/ecs-parameters.ts` again: `node test/data/derive-parameters.ts FOLDER`, where FOLDER is `metadatas/ecs` of
 * github `aliyun/aliyun-openapi-meta`. Only the actions that the file has already are taken, or those named after FOLDER.
 */
import fs from 'node:fs';
import path from 'node:path';

interface DocumentedParameter {
  name: string;
  type: string;
  required: boolean;
  sub_parameters?: DocumentedParameter[];
}

const WIDTH = 110;
const target = path.join(import.meta.dirname, '../../src/cli/ecs-parameters.ts');

const [folder, ...asked] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node test/data/derive-parameters.ts FOLDER [Action …]');
const before = fs.readFileSync(target, 'utf8');
const opening = before.slice(0, before.indexOf('= {') + 3);
const names = asked.length > 0 ? asked : [...before.matchAll(/^ {2}(\w+): `/gm)].map(([, name = '']) => name);
const entries = names.toSorted().map((name) => `  ${name}: \`\n${wrap(derive(folder, name))}\n  \`,\n`);
fs.writeFileSync(target, `${opening}\n${entries.join('')}};\n`);

function derive(metadata: string, action: string): string[] {
  const text = fs.readFileSync(path.join(metadata, `${action}.json`), 'utf8');
  const { parameters } = JSON.parse(text) as { parameters: DocumentedParameter[] };
  const hasMembers = (name: string) => parameters.some((other) => other.name.startsWith(`${name}.`));
  const words = parameters.flatMap((parameter) => {
    if (parameter.type !== 'Struct') return flatten(parameter);
    return hasMembers(parameter.name) ? [] : [format(`${parameter.name}.*`, 'Struct', parameter.required)];
  });
  return [...new Set(words)];
}

/** A list that must be there asks for its members that must be there, or for the first when none must. */
function flatten({ name, type, required, sub_parameters: members = [] }: DocumentedParameter): string[] {
  if (type !== 'RepeatList') return [format(name, type, required)];
  if (members.length === 0) return [format(`${name}.N`, 'String', required)];
  const isAsked = (member: DocumentedParameter, index: number) =>
    required && (member.required || (index === 0 && !members.some((other) => other.required)));
  return members.flatMap((member, index) =>
    flatten({ ...member, name: `${name}.N.${member.name}`, required: isAsked(member, index) }),
  );
}

/** Some lists are listed item by item: `Filter.1.Key`, `Filter.2.Key`, …. */
function format(name: string, type: string, required: boolean): string {
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
