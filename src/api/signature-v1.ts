/** Signature version 1.0: HMAC-SHA1 over method and sorted parameters (`ecs-api.md` 1.4). */
import { createHmac } from 'node:crypto';
import { percentEncode, type Pair } from './percent.ts';

/**
 * The text that is signed. `pairs` are all decoded parameters of query and body, blanks too; `Signature` itself is left
 * out here. The path signed is always `/`.
 */
export function stringToSignV1(method: string, pairs: readonly Pair[]): string {
  const canonical = pairs
    .filter(([name]) => name !== 'Signature')
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`)
    .join('&');
  return `${method}&%2F&${percentEncode(canonical)}`;
}

/** Base64 of the HMAC-SHA1 under the secret followed by `&`. */
export function signV1(stringToSign: string, secret: string): string {
  return createHmac('sha1', `${secret}&`).update(stringToSign, 'utf8').digest('base64');
}
