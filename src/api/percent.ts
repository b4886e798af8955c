/**
 * Percent-encoding, both ways. What is on the wire is not what was signed (spaces come as `+` or `%20`, `*` raw or
 * encoded), so requests are decoded to plain text first and encoded again by one rule (`ecs-api.md` 1.4).
 */
import { RequestError } from '../lib/errors.ts';

export type Pair = readonly [name: string, value: string];

/** More than any client sends, few enough to sort in a moment. */
const PAIR_LIMIT = 2000;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** RFC 3986: keeps `A–Z a–z 0–9 - _ . ~`, everything else becomes upper-case `%XX` of its UTF-8 bytes. */
export function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${byteHex(character.charCodeAt(0))}`);
}

/**
 * Splits a query or a urlencoded form into decoded pairs, in order, blank values kept. `raw` has one character a byte
 * (latin1), as Node hands over request targets. RequestError InvalidParameter for broken encoding or too many pairs.
 */
export function decodePairs(raw: string): Pair[] {
  if (raw === '') return [];
  const parts = raw.split('&').filter((part) => part !== '');
  if (parts.length > PAIR_LIMIT) {
    throw new RequestError(
      'InvalidParameter',
      `The request has ${parts.length} parameters; at most ${PAIR_LIMIT} are read.`,
    );
  }
  return parts.map((part) => {
    const equals = part.indexOf('=');
    return equals < 0 ? [decode(part), ''] : [decode(part.slice(0, equals)), decode(part.slice(equals + 1))];
  });
}

function decode(raw: string): string {
  const bytes = Buffer.alloc(raw.length);
  let length = 0;
  for (let index = 0; index < raw.length; index += 1) {
    const character = raw.charAt(index);
    if (character === '%') {
      const hex = raw.slice(index + 1, index + 3);
      if (!/^[0-9A-Fa-f]{2}$/.test(hex)) throw brokenEncoding(raw);
      bytes[length] = Number.parseInt(hex, 16);
      index += 2;
    } else {
      bytes[length] = character === '+' ? 0x20 : raw.charCodeAt(index);
    }
    length += 1;
  }
  try {
    return utf8.decode(bytes.subarray(0, length));
  } catch {
    throw brokenEncoding(raw);
  }
}

function brokenEncoding(raw: string): RequestError {
  const shown = JSON.stringify(raw.slice(0, 40));
  return new RequestError(
    'InvalidParameter',
    `The request is not percent-encoded UTF-8 near ${shown}; write "%" as %25 and other characters as their UTF-8 bytes.`,
  );
}

function byteHex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}
