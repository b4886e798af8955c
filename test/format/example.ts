/** The worked example of `docs/format.md`: the objects of a repository, from the hex of its blocks. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

const document = path.join(import.meta.dirname, '..', '..', 'docs', 'format.md');

/** Name → bytes. Asserts that every line is where it says. */
export function readExample(): Map<string, Buffer> {
  const [, section] = /^## An example, byte by byte$([\s\S]*?)^# Part 2/m.exec(fs.readFileSync(document, 'utf8')) ?? [];
  assert.ok(section, 'the example is gone');
  const blocks = [...section.matchAll(/^```text\n(\S+)\n([\s\S]*?)^```$/gm)];
  return new Map(blocks.map(([, name = '', lines = '']) => [name, decodeLines(name, lines.trimEnd().split('\n'))]));
}

function decodeLines(name: string, lines: string[]): Buffer {
  let bytes = Buffer.alloc(0);
  for (const line of lines) {
    const [, offset, hex = ''] = /^ *(\d+) {2}((?:[0-9a-f]{2} ?){1,16})(?: |$)/.exec(line) ?? [];
    assert.equal(Number(offset), bytes.length, `${name}: ${line}`);
    bytes = Buffer.concat([bytes, Buffer.from(hex.replaceAll(' ', ''), 'hex')]);
  }
  return bytes;
}

/** Below `folder`, as a directory store has them. */
export function writeExample(folder: string): void {
  for (const [name, bytes] of readExample()) {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, bytes);
  }
}
