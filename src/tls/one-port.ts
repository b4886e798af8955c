/**
 * One port for https and, only to be told so, http: the first byte of a connection says which it is. Without this a client
 * that speaks http to an https server sees a broken connection and nothing that explains it.
 */
import type http from 'node:http';
import type https from 'node:https';
import type net from 'node:net';
import { assert } from '../lib/assert.ts';

/** The first byte of every TLS connection: a record of type handshake (RFC 8446, 5.1). */
export const TLS_HANDSHAKE = 0x16;

/** For a first byte, and for everything that is not TLS. */
const PATIENCE_MS = 10_000;

/**
 * Lets `secure`, which listens, hand connections that are not TLS to `plain`, which does not. Returns how to end those
 * connections, and of ones that have not said yet what they are or are in the handshake; `secure` knows of the others.
 */
export function shareOnePort(
  secure: https.Server,
  plain: http.Server,
  { patienceMs = PATIENCE_MS }: { patienceMs?: number } = {},
): () => void {
  const [startTls] = secure.listeners('connection');
  assert(startTls !== undefined, 'a TLS server starts the handshake on each connection');
  secure.removeAllListeners('connection');
  const waiting = new Set<net.Socket>();
  const shaking = new Map<string, net.Socket>();
  secure.on('secureConnection', (socket: net.Socket) => shaking.delete(peerOf(socket)));
  secure.on('connection', (socket: net.Socket) => {
    waiting.add(socket);
    const deadline = setTimeout(() => socket.destroy(), patienceMs);
    const letGo = () => {
      clearTimeout(deadline);
      waiting.delete(socket);
    };
    socket.once('close', letGo);
    onFirstByte(socket, (first) => {
      if (first === TLS_HANDSHAKE) {
        letGo();
        const peer = peerOf(socket);
        shaking.set(peer, socket);
        socket.once('close', () => shaking.delete(peer));
        startTls.call(secure, socket);
        return;
      }
      socket.allowHalfOpen = true; // As an http server's own connections are.
      plain.emit('connection', socket);
    });
  });
  return () => {
    for (const socket of [...waiting, ...shaking.values()]) socket.destroy();
  };
}

/** The same for a connection and for the TLS on it. */
function peerOf({ remoteAddress, remotePort }: net.Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** Calls `next` once, with everything that was read put back. A connection that ends or breaks before is closed. */
function onFirstByte(socket: net.Socket, next: (first: number) => void): void {
  const giveUp = () => socket.destroy();
  const look = () => {
    const bytes = socket.read() as Buffer | null;
    const first = bytes?.[0];
    if (bytes === null || first === undefined) return;
    socket.off('readable', look).off('error', giveUp).off('end', giveUp);
    socket.unshift(bytes);
    next(first);
  };
  socket.on('readable', look).on('error', giveUp).on('end', giveUp);
}
