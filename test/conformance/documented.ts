/** What the ECS documentation says of each action, from `test/data` (its README names the sources). */
import fs from 'node:fs';
import path from 'node:path';

/** A field's JSON type, a list with the shape of its items, or named members. */
export type Shape = string | [Shape] | { [name: string]: Shape };

export interface DocumentedParameter {
  /** `String`, `Integer`, `Long`, `Float`, `Boolean` or `Struct`. */
  type: string;
  /** Within its group, for members of one. */
  isRequired: boolean;
}

export interface DocumentedAction {
  /** Where `ecs-api.md` has it. */
  section: string;
  group: string;
  summary: string;
}

const folder = path.join(import.meta.dirname, '../data');

/** Every documented action, by name, in the order of the documentation. */
export function documentedActions(): Record<string, DocumentedAction> {
  const groups = read('ecs-actions.json') as Record<string, { section: string; actions: Record<string, string> }>;
  return Object.fromEntries(
    Object.entries(groups).flatMap(([group, { section, actions }]) =>
      Object.entries(actions).map(([name, summary]) => [name, { section, group, summary }]),
    ),
  );
}

/** By name; members are `DataDisk.N.Size`. */
export function documentedParameters(action: string): Record<string, DocumentedParameter> {
  const kinds = readOf('ecs-parameters', action) as Record<string, string>;
  return Object.fromEntries(
    Object.entries(kinds).map(([name, kind]) => {
      const [type = '', required] = kind.split(', ');
      return [name, { type, isRequired: required === 'required' }];
    }),
  );
}

export function documentedResponse(action: string): Record<string, Shape> {
  return readOf('ecs-responses', action) as Record<string, Shape>;
}

/** HTTP statuses by code: documentation of several years may give several. */
export function documentedErrors(action: string): Record<string, number[]> {
  return readOf('ecs-errors', action) as Record<string, number[]>;
}

/** `Disks.Disk.DiskId` for every field of a response that is no object or list itself. */
export function fieldPaths(shape: Shape, at = ''): string[] {
  if (typeof shape === 'string') return [at];
  if (Array.isArray(shape)) return fieldPaths(shape[0], at);
  return Object.entries(shape).flatMap(([name, member]) => fieldPaths(member, at === '' ? name : `${at}.${name}`));
}

function readOf(kind: string, action: string): unknown {
  const file = `${kind}/${action}.json`;
  if (fs.existsSync(path.join(folder, file))) return read(file);
  throw new Error(`test/data/${file} is not there: make it with test/data/derive-data.ts`);
}

function read(file: string): unknown {
  return JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8'));
}
