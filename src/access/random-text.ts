/** Random letters and digits, for keys and ids. */
import type { Random } from '../lib/random.ts';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const DIGITS = '0123456789';

export function randomLetters(random: Random, length: number): string {
  return randomOf(LETTERS, random, length);
}

/** `length` digits, the first of which is `first`. */
export function randomNumber(random: Random, first: string, length: number): string {
  return first + randomOf(DIGITS, random, length - 1);
}

/** Each character equally likely: bytes beyond the largest multiple of their count are thrown away. */
function randomOf(characters: string, random: Random, length: number): string {
  const fairLimit = 256 - (256 % characters.length);
  let text = '';
  while (text.length < length) {
    for (const byte of random.bytes(length)) {
      if (byte < fairLimit && text.length < length) text += characters.charAt(byte % characters.length);
    }
  }
  return text;
}
