/** How an answer goes out: JSON or XML, never empty, with the headers that clients look for (`clients.md` 2.1). */
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { newUuid, type Random } from '../lib/random.ts';
import { formatXml } from './xml.ts';

export type Format = 'JSON' | 'XML';

/** Exactly so: clients compare them. */
const CONTENT_TYPES = { JSON: 'application/json;charset=utf-8', XML: 'text/xml;charset=utf-8' } as const;

export interface Reply {
  status: number;
  requestId: string;
  body: object;
  format: Format;
  /** The root element, in XML. */
  root: string;
  /** Ends the connection afterwards, for requests that were not read to their end. */
  close?: boolean;
  /** When a refused client may come again. */
  retryAfterMs?: number | undefined;
}

/** An upper-case UUID. */
export function newRequestId(random: Random): string {
  return newUuid(random).toUpperCase();
}

export function send(response: ServerResponse, reply: Reply): void {
  const { status, requestId, body, format, root, close, retryAfterMs } = reply;
  const text = format === 'XML' ? formatXml(root, body) : JSON.stringify(body);
  const bytes = Buffer.from(text, 'utf8');
  response.writeHead(status, {
    'Content-Type': CONTENT_TYPES[format],
    'Content-Length': bytes.length,
    'Access-Control-Allow-Origin': '*',
    'Cache-Control': 'no-store',
    'X-Acs-Request-Id': requestId,
    ...(retryAfterMs === undefined ? {} : { 'X-Acs-Retry-After': String(retryAfterMs) }),
    ...(close === true ? { Connection: 'close' } : {}),
  });
  response.end(bytes);
}

/** How long a refused connection is read on: closing it on bytes that were not read would take the answer with them. */
const LINGER_MS = 1_000;

/** JSON on a connection whose request could not be parsed, which then ends. */
export function sendRawJson(
  socket: Duplex,
  status: { code: number; text: string },
  requestId: string,
  body: object,
): void {
  if (socket.writableEnded) return; // Answered already; what still comes is thrown away.
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const text = JSON.stringify(body);
  const head = [
    `HTTP/1.1 ${status.code} ${status.text}`,
    `Content-Type: ${CONTENT_TYPES.JSON}`,
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Access-Control-Allow-Origin: *',
    'Cache-Control: no-store',
    `X-Acs-Request-Id: ${requestId}`,
    'Connection: close',
  ];
  const lingering = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(lingering));
  socket.on('error', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`);
  socket.resume();
}
