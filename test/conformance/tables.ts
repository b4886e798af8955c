/** What the actions' own tables say of each documented parameter. */
import type { Action } from '../../src/api/action.ts';
import type { ParameterTable } from '../../src/api/parameters.ts';
import { documentedParameters } from './documented.ts';

export interface Listed {
  /** As the documentation writes it: `DataDisk.N.Size`. */
  name: string;
  type: string;
  isRequired: boolean;
  use: 'used' | 'no effect' | 'refused';
  /** Why it has no effect or is refused. */
  reason: string;
  /** What its value may be, where the table knows; empty else. */
  shape: string;
  /** All words that its value may be; of a refused one those that are taken all the same. */
  accepts: readonly string[];
}

/**
 * Every documented parameter of the action but RegionId, which is checked for all alike, and old spellings. The members
 * of a group are listed and not the group; the documented schema leaves some out.
 */
export function listParameters(action: Action): Listed[] {
  const documented = Object.entries(documentedParameters(action.name));
  const listed = documented
    .filter(([name]) => !/^regionId$/i.test(name) && !/\.(key|value)$/.test(name))
    .flatMap(([name, { type, isRequired }]) => {
      const members = type === 'Struct' ? membersOf(action.parameters, name) : [];
      if (members.length > 0) return members.map((member) => ({ name: member, type: 'String', isRequired: false }));
      return [{ name, type, isRequired }];
    });
  const unique = listed.filter(({ name }, index) => listed.findLastIndex((other) => other.name === name) === index);
  return unique.map((parameter) => {
    const found = find(action.parameters, parameter.name);
    if (found === null) throw new Error(`${action.name} ${parameter.name} is in no table`);
    return { ...parameter, ...found, isRequired: parameter.isRequired || found.isRequired };
  });
}

function membersOf(table: ParameterTable, name: string): string[] {
  const members = table[name]?.members;
  return members === undefined ? [] : Object.keys(members.table).map((own) => `${name}.${members.below}${own}`);
}

/** The entry for a name, in the table or in that of a group above it. */
function find(table: ParameterTable, name: string, prefix = ''): Omit<Listed, 'name' | 'type'> | null {
  for (const [own, parameter] of Object.entries(table)) {
    const { use, reason, covers, members, shape = '', accepts = [] } = parameter;
    const full = prefix + own;
    const inside = members && find(members.table, name, `${full}.${members.below}`);
    if (inside) return inside;
    if (covers.some((below) => isCovered(full + below, name))) {
      return { use, reason, shape, accepts, isRequired: parameter.isRequired === true && prefix === '' };
    }
  }
  return null;
}

function isCovered(covering: string, name: string): boolean {
  const [one, other] = [covering.toLowerCase(), name.toLowerCase()];
  return one === other || (one.endsWith('.*') && other.startsWith(one.slice(0, -1)));
}
