/** Answers to what is no request that Node could parse: JSON all the same, then the connection ends. */
import type { Duplex } from 'node:stream';
import { RequestError, errnoOf } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import { TLS_HANDSHAKE } from '../tls/one-port.ts';
import { errorBody, toErrorReply } from './errors.ts';
import { newRequestId, sendRawJson } from './reply.ts';

/** Every parameter may be in the query, user data among them. */
export const HEADER_LIMIT_BYTES = 128 * 1024;

/** Node's error, with what it could not parse. */
interface ParseError extends Error {
  rawPacket?: Buffer;
}

/** `why`: Node's error about the connection, or that it was asked to open a tunnel. */
export function refuseConnection(
  socket: Duplex,
  why: ParseError | 'CONNECT',
  { random, endpoint }: { random: Random; endpoint: string },
): void {
  if (why !== 'CONNECT' && (errnoOf(why) === 'ECONNRESET' || isTls(why))) {
    socket.destroy(); // Nobody to answer, or nobody who could read it.
    return;
  }
  const { status, text, code, message } = wordsOf(why === 'CONNECT' ? why : (errnoOf(why) ?? ''));
  const requestId = newRequestId(random);
  const reply = toErrorReply(new RequestError(code, message), null);
  sendRawJson(socket, { code: status, text }, requestId, errorBody(reply, requestId, endpoint));
}

/** A client that speaks https to an http server. */
function isTls({ rawPacket }: ParseError): boolean {
  return rawPacket?.[0] === TLS_HANDSHAKE;
}

function wordsOf(why: string): { status: number; text: string; code: string; message: string } {
  switch (why) {
    case 'CONNECT':
      return {
        status: 403,
        text: 'Forbidden',
        code: 'UnsupportedHTTPMethod',
        message: 'This server is no proxy for https; let the client use http.',
      };
    case 'HPE_HEADER_OVERFLOW':
      return {
        status: 431,
        text: 'Request Header Fields Too Large',
        code: 'InvalidParameter',
        message: `Request line and headers are longer than ${HEADER_LIMIT_BYTES} bytes; send the parameters in the body.`,
      };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return {
        status: 408,
        text: 'Request Timeout',
        code: 'InvalidParameter',
        message: 'The request did not arrive in time.',
      };
    default:
      return {
        status: 400,
        text: 'Bad Request',
        code: 'InvalidParameter',
        message: 'The request is not valid HTTP.',
      };
  }
}
