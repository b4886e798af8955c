/**
 * Answers as XML, for clients that ask for `Format=XML` (libcloud knows nothing else): the members of the JSON answer as
 * elements, a list as repeated children of its wrapper (`<Disks><Disk>…</Disk></Disks>`, empty: `<Tags/>`).
 */
import Builder from 'fast-xml-builder';
import { AssertionError } from '../lib/errors.ts';

const builder = new Builder({
  suppressEmptyNode: true,
  sanitizeName: (name) => {
    throw new AssertionError(`${JSON.stringify(name)} is no name of an XML element`);
  },
});

/** What XML 1.0 cannot hold, not even escaped (its production 2, Char). */
const NOT_XML = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

/** A whole document. Characters that XML cannot hold become U+FFFD. */
export function formatXml(root: string, body: object): string {
  const elements = builder.build({ [root]: body }).replace(NOT_XML, '\u{fffd}');
  // A parser would make a line feed of a bare carriage return.
  return `<?xml version="1.0" encoding="UTF-8"?>${elements.replaceAll('\r', '&#13;')}`;
}
