/**
 * The root AccessKey, `DIR/keys/root.json` (0600): made at the first start. A crash while it is made leaves no key or a whole
 * one. A key in the environment is used instead and stored nowhere.
 */
import path from 'node:path';
import { findFileBytes, replaceFile } from '../lib/files.ts';
import type { Files } from '../lib/files.ts';
import { OperationalError } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';

export interface RootKey {
  accessKeyId: string;
  accessKeySecret: string;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** The stored key, or a new one (`isNew`: show it). */
export async function ensureRootKey(
  files: Files,
  keysFolder: string,
  random: Random,
): Promise<RootKey & { isNew: boolean }> {
  const file = path.join(keysFolder, 'root.json');
  const stored = findFileBytes(files, file);
  if (stored !== undefined) return { ...parseKey(stored, file), isNew: false };
  const key = { accessKeyId: `LTAI${randomText(random, 20)}`, accessKeySecret: randomText(random, 30) };
  await replaceFile(files, file, Buffer.from(`${JSON.stringify(key, null, 2)}\n`));
  return { ...key, isNew: true };
}

function parseKey(bytes: Buffer, file: string): RootKey {
  try {
    const { accessKeyId, accessKeySecret } = JSON.parse(bytes.toString('utf8')) as Partial<RootKey>;
    if (typeof accessKeyId === 'string' && typeof accessKeySecret === 'string') return { accessKeyId, accessKeySecret };
  } catch {
    // no JSON: told below
  }
  throw new OperationalError(`${file} holds no AccessKey: put it back, or remove it to get a new one`, {
    retryable: false,
  });
}

/** Each character equally likely: bytes beyond a multiple of 62 are thrown away. */
function randomText(random: Random, length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of random.bytes(length)) {
      if (byte < 248 && text.length < length) text += LETTERS.charAt(byte % 62);
    }
  }
  return text;
}
