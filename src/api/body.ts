/** Reads a request's body whole, up to a limit, whatever way it is sent (length given or chunked). */
import type { IncomingMessage } from 'node:http';
import { RequestError } from '../lib/errors.ts';

/** The longest documented request (16 data disks, 20 tags, user data) stays below a quarter of this. */
export const BODY_LIMIT_BYTES = 256 * 1024;

/** Read and thrown away beyond the limit, so that most clients hear the answer instead of a broken connection. */
const DISCARD_LIMIT_BYTES = 8 * 1024 * 1024;

/** RequestError InvalidParameter when the body is over the limit. */
export async function readBody(message: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of message.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length <= BODY_LIMIT_BYTES) pieces.push(piece);
    if (length > DISCARD_LIMIT_BYTES) break;
  }
  if (length > BODY_LIMIT_BYTES) {
    throw new RequestError('InvalidParameter', `The body of the request is longer than ${BODY_LIMIT_BYTES} bytes.`);
  }
  return Buffer.concat(pieces);
}
