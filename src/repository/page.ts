/** The bytes of a page of a tree (`docs/format.md`): up to 128 digests, of chunks (level 1) or of pages below. Pure. */
import { assert } from '../lib/assert.ts';
import { CorruptionError } from '../lib/errors.ts';
import { assertVersion } from './compression.ts';
import { DIGEST_BYTES } from './digest.ts';
import type { Digest } from './digest.ts';

export const PAGE_FANOUT = 128;
export const PAGE_VERSION = 1;
/** 128^5 chunks are 2 PiB; every tree of a disk fits. */
export const MOST_LEVELS = 5;

const MAGIC = Buffer.from('HUPG');
const BITMAP_AT = 8;
const HEADER_BYTES = 24;

/** Digests by child index; null: zeros. Always 128 long. */
export type Children = (Digest | null)[];

export interface Page {
  level: number;
  children: Children;
}

/** Chunks that a page of `level` covers; 1 for level 0. */
export function chunksOfLevel(level: number): number {
  return PAGE_FANOUT ** level;
}

const ABSENT: Readonly<Children> = Array.from({ length: PAGE_FANOUT }, () => null);

export function noChildren(): Children {
  return [...ABSENT];
}

/** At least one child must be there. */
export function encodePage({ level, children }: Page): Buffer {
  assert(children.length === PAGE_FANOUT && level >= 1 && level <= MOST_LEVELS, 'a page has 128 children and a level');
  const present = children.filter((child) => child !== null);
  assert(present.length > 0, 'a page without children is not stored');
  const bytes = Buffer.alloc(HEADER_BYTES + present.length * DIGEST_BYTES);
  MAGIC.copy(bytes, 0);
  bytes[4] = PAGE_VERSION;
  bytes[5] = level;
  bytes.writeUInt16LE(present.length, 6);
  let at = HEADER_BYTES;
  for (const [index, child] of children.entries()) {
    if (child === null) continue;
    const byteAt = BITMAP_AT + (index >> 3);
    bytes[byteAt] = bytes.readUInt8(byteAt) | (1 << (index & 7));
    at += child.copy(bytes, at);
  }
  return bytes;
}

/** `name` is for messages. Throws CorruptionError, or for a newer version. */
export function decodePage(bytes: Buffer, level: number, name: string): Page {
  const damaged = (where: string) => new CorruptionError(`page ${name}`, where);
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw damaged('it is no page');
  assertVersion(bytes.readUInt8(4), PAGE_VERSION, `page ${name}`);
  if (bytes.readUInt8(5) !== level) throw damaged(`it is of level ${bytes.readUInt8(5)}, not ${level}`);
  const count = bytes.readUInt16LE(6);
  if (count === 0 || bytes.length !== HEADER_BYTES + count * DIGEST_BYTES) throw damaged('it has another length');
  const children = noChildren();
  let at = HEADER_BYTES;
  for (let index = 0; index < PAGE_FANOUT; index++) {
    if (((bytes.readUInt8(BITMAP_AT + (index >> 3)) >> (index & 7)) & 1) === 0) continue;
    children[index] = bytes.subarray(at, at + DIGEST_BYTES);
    at += DIGEST_BYTES;
  }
  if (at !== bytes.length) throw damaged('its bitmap counts wrongly');
  return { level, children };
}
