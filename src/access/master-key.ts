/**
 * The key that secrets are sealed under, `DIR/keys/master.json` (0600): whoever has the catalog or a copy of it, and not this
 * file, has no secret. Made at the first start, before anything is sealed; a crash meanwhile leaves none or a whole one.
 * Each secret is sealed with AES-256-GCM and bound to the name of what it belongs to, so that none can be put in another's place.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import path from 'node:path';
import { OperationalError } from '../lib/errors.ts';
import { findFileBytes, replaceFile, type Files } from '../lib/files.ts';
import type { Random } from '../lib/random.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = 'aes-256-gcm';

/** What a key may be for: what is sealed for one use cannot be opened for another. */
type Use = 'secrets' | 'sessions';

export class MasterKey {
  readonly #keys: Readonly<Record<Use, Buffer>>;
  readonly #random: Random;

  constructor(bytes: Buffer, random: Random) {
    const derive = (use: Use) => Buffer.from(hkdfSync('sha256', bytes, '', `hupo ${use}`, KEY_BYTES));
    this.#keys = { secrets: derive('secrets'), sessions: derive('sessions') };
    this.#random = random;
  }

  /** Base64url. */
  seal(use: Use, owner: string, plain: Buffer): string {
    const nonce = this.#random.bytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#keys[use], nonce).setAAD(Buffer.from(owner));
    const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  /** Null when it was not sealed with this key, for this use and owner, or was changed since. */
  open(use: Use, owner: string, text: string): Buffer | null {
    const bytes = Buffer.from(text, 'base64url');
    const isWhole = bytes.length >= NONCE_BYTES + TAG_BYTES;
    if (!isWhole || bytes.toString('base64url') !== text) return null; // one token has one form
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv(CIPHER, this.#keys[use], nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(owner)).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
    } catch {
      return null;
    }
  }
}

/** The stored one, or a new one. Throws an OperationalError when the file is not what it was. */
export async function ensureMasterKey(files: Files, keysFolder: string, random: Random): Promise<MasterKey> {
  const file = path.join(keysFolder, 'master.json');
  const stored = findFileBytes(files, file);
  if (stored !== undefined) return new MasterKey(parseKey(stored, file), random);
  const bytes = random.bytes(KEY_BYTES);
  await replaceFile(files, file, Buffer.from(`${JSON.stringify({ masterKey: bytes.toString('base64') }, null, 2)}\n`));
  return new MasterKey(bytes, random);
}

function parseKey(bytes: Buffer, file: string): Buffer {
  try {
    const { masterKey } = JSON.parse(bytes.toString('utf8')) as { masterKey?: unknown };
    const key = Buffer.from(typeof masterKey === 'string' ? masterKey : '', 'base64');
    if (key.length === KEY_BYTES) return key;
  } catch {
    // no JSON: told below
  }
  throw new OperationalError(
    `${file} holds no key: put it back, or remove it; then the secrets of users' AccessKeys are lost, and they need new ones`,
    { retryable: false },
  );
}
