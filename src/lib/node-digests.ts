/** The digests of `acs3-request.ts`, from Node. */
import crypto from 'node:crypto';
import type { Digests } from './acs3-request.ts';

export const nodeDigests: Digests = {
  sha256: (text) => crypto.hash('sha256', text),
  hmacSha256: (key, text) => crypto.createHmac('sha256', key).update(text).digest('hex'),
};
