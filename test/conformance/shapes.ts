/** Answers compared with the documented names and types of their fields, in JSON and in XML. */
import assert from 'node:assert/strict';
import { XMLParser } from 'fast-xml-parser';
import { fieldsBeyond, typesThatDiffer } from './extensions.ts';
import type { Shape } from './documented.ts';

/** Every field of the value is documented and has its type; `seen` gets the path of each. */
export function checkShape(value: unknown, shape: Shape | undefined, seen: Set<string>, at = ''): void {
  if (at in fieldsBeyond) {
    seen.add(at);
    return;
  }
  assert.ok(shape !== undefined, `${at} is not documented`);
  if (typeof shape === 'string') {
    seen.add(at);
    assert.equal(typeof value, typesThatDiffer[at]?.type ?? shape, at);
  } else if (Array.isArray(shape)) {
    assert.ok(Array.isArray(value), `${at} is no array`);
    for (const item of value) checkShape(item, shape[0], seen, at);
  } else {
    assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value), `${at} is no object`);
    for (const [name, member] of Object.entries(value)) {
      checkShape(member, shape[name], seen, at === '' ? name : `${at}.${name}`);
    }
  }
}

const parser = new XMLParser({ parseTagValue: false, trimValues: false, ignoreAttributes: false });

/** What an XML text says, with everything as text: `{ DescribeDisksResponse: { Disks: … } }`. */
export function parseXml(text: string): Record<string, unknown> {
  const { '?xml': _declaration, ...roots } = parser.parse(text) as Record<string, unknown>;
  return roots;
}

/** What the XML of a JSON answer must say: a list is its element as often as it has items, and nothing is a blank. */
export function asXmlSays(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 1 ? asXmlSays(value[0]) : value.map(asXmlSays);
  if (typeof value !== 'object' || value === null) return String(value);
  const members = Object.entries(value).filter(([, member]) => !(Array.isArray(member) && member.length === 0));
  if (members.length === 0) return '';
  return Object.fromEntries(members.map(([name, member]) => [name, asXmlSays(member)]));
}
