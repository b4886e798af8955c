/** How an answer goes out: always JSON, never empty, with the headers that clients look for (`clients.md` 2.1). */
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Random } from '../lib/random.ts';

const CONTENT_TYPE = 'application/json;charset=utf-8';

/** An upper-case UUID (version 4). */
export function newRequestId(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
    .toUpperCase();
}

/** Sends `body` as JSON. `close` ends the connection after it, for requests that were not read to their end. */
export function sendJson(
  response: ServerResponse,
  status: number,
  requestId: string,
  body: object,
  close = false,
): void {
  const bytes = Buffer.from(JSON.stringify(body), 'utf8');
  response.writeHead(status, {
    'Content-Type': CONTENT_TYPE,
    'Content-Length': bytes.length,
    'Access-Control-Allow-Origin': '*',
    'Cache-Control': 'no-store',
    'X-Acs-Request-Id': requestId,
    ...(close ? { Connection: 'close' } : {}),
  });
  response.end(bytes);
}

/** The same on a connection whose request could not be parsed, which then ends. */
export function sendRawJson(
  socket: Duplex,
  status: { code: number; text: string },
  requestId: string,
  body: object,
): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const text = JSON.stringify(body);
  const head = [
    `HTTP/1.1 ${status.code} ${status.text}`,
    `Content-Type: ${CONTENT_TYPE}`,
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Access-Control-Allow-Origin: *',
    `X-Acs-Request-Id: ${requestId}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`, () => socket.destroy());
}
