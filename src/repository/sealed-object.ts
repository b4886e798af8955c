/**
 * Small self-describing objects (manifests, tombstones): magic ‖ version ‖ codec ‖ cipher ‖ body length ‖ JSON ‖
 * SHA-256 of all before (`docs/format.md`). Pure.
 */
import { assert } from '../lib/assert.ts';
import { CorruptionError } from '../lib/errors.ts';
import { CIPHER_NONE, CODEC_STORED, assertCipher, assertVersion } from './compression.ts';
import { DIGEST_BYTES, digestOf } from './digest.ts';

const SEALED_VERSION = 1;
const HEADER_BYTES = 16;

/** `magic` has 8 characters. */
export function encodeSealed(magic: string, body: object): Buffer {
  assert(magic.length === 8, 'a magic has 8 characters');
  const json = Buffer.from(JSON.stringify(body));
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(magic, 0, 'latin1');
  header.writeUInt16LE(SEALED_VERSION, 8);
  header[10] = CODEC_STORED;
  header[11] = CIPHER_NONE;
  header.writeUInt32LE(json.length, 12);
  const sealed = Buffer.concat([header, json]);
  return Buffer.concat([sealed, digestOf(sealed)]);
}

/** The body, not looked into yet. `name` is for messages. Throws CorruptionError, or for a newer version. */
export function decodeSealed(magic: string, bytes: Buffer, name: string): Record<string, unknown> {
  const damaged = (where: string) => new CorruptionError(name, where);
  if (bytes.length < HEADER_BYTES + DIGEST_BYTES) throw damaged('it is too short');
  if (bytes.toString('latin1', 0, 8) !== magic) throw damaged('its magic is another');
  const sealed = bytes.subarray(0, bytes.length - DIGEST_BYTES);
  const expected = bytes.toString('hex', sealed.length);
  const actual = digestOf(sealed).toString('hex');
  if (expected !== actual) throw new CorruptionError(name, 'its bytes', { expected, actual });
  assertVersion(bytes.readUInt16LE(8), SEALED_VERSION, name);
  assertCipher(bytes.readUInt8(11));
  if (bytes.readUInt8(10) !== CODEC_STORED) throw damaged(`its codec is ${bytes.readUInt8(10)}`);
  if (bytes.readUInt32LE(12) !== sealed.length - HEADER_BYTES) throw damaged('its length is another');
  return parseBody(sealed.toString('utf8', HEADER_BYTES), damaged);
}

function parseBody(text: string, damaged: (where: string) => Error): Record<string, unknown> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw damaged('its body is no JSON');
  }
  if (typeof body !== 'object' || body === null) throw damaged('its body is no object');
  return body as Record<string, unknown>;
}
