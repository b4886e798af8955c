/**
 * Makes the data of `test/data/ecs-*` for every action that is built: `npm run docs:data FOLDER`. FOLDER
 * holds `parameters/` (copies from aliyun-openapi-meta), `responses/` (names and types of the npm client's classes) and
 * `errors/` (codes and statuses of the documentation), one file an action. No test needs it; `test/data/README.md` names
 * the sources.
 */
import fs from 'node:fs';
import path from 'node:path';
import { actions } from '../../src/api/action-list.ts';

interface SourceParameter {
  name: string;
  type: string;
  required: boolean;
  sub_parameters?: SourceParameter[];
}

const [source] = process.argv.slice(2);
if (source === undefined) throw new Error('usage: npm run docs:data FOLDER');
const data = path.join(import.meta.dirname, '../data');
for (const { name } of actions.filter((action) => !action.name.startsWith('Hupo'))) {
  const read = (kind: string): unknown => JSON.parse(fs.readFileSync(path.join(source, kind, `${name}.json`), 'utf8'));
  write('ecs-parameters', name, flatten((read('parameters') as { parameters: SourceParameter[] }).parameters));
  write('ecs-responses', name, (read('responses') as { body: object }).body);
  write('ecs-errors', name, statuses((read('errors') as { errors: { code: string; status: number }[] }).errors));
}

function write(kind: string, action: string, content: object): void {
  fs.writeFileSync(path.join(data, kind, `${action}.json`), `${JSON.stringify(content, null, 2)}\n`);
}

/** `Tag.N.Key` → its type, with `, required` where it must be given (within its group). Filters are numbered in the source. */
function flatten(parameters: SourceParameter[], prefix = ''): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const { name, type, required, sub_parameters: members } of parameters) {
    const own = prefix + name.replace(/^Filter\.\d+\./, 'Filter.N.');
    const kind = `${type}${required ? ', required' : ''}`;
    if (members !== undefined) Object.assign(flat, flatten(members, `${own}.${type === 'RepeatList' ? 'N.' : ''}`));
    else if (type === 'RepeatList') flat[`${own}.N`] = required ? 'String, required' : 'String';
    else flat[own] = kind;
  }
  return Object.fromEntries(Object.entries(flat).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function statuses(errors: { code: string; status: number }[]): Record<string, number[]> {
  const byCode: Record<string, number[]> = {};
  for (const { code, status } of errors) (byCode[code] ??= []).push(status);
  const sorted = Object.entries(byCode).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted.map(([code, found]) => [code, [...new Set(found)].sort((a, b) => a - b)]));
}
