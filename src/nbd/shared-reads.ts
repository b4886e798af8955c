/**
 * Reading sockets into one buffer that all clients of a thread share. For a socket that a server accepts Node makes a fresh
 * 64 KiB buffer at every read, and collecting those costs a busy disk a fifth of its processor time. A `net.Socket` made
 * with `onread` reads into a given buffer; a server cannot be told to make such ones, so the accepted socket's handle is
 * moved to one made here. Node does not document the handle: where it is not there, the accepted socket is read as it is.
 */
import net from 'node:net';

const SHARED_BYTES = 256 * 1024;
let shared: Buffer | undefined;

interface HandleHolder {
  _handle?: object | null;
}

/** Returns the socket to use in place of `accepted`. What `take` is given holds its bytes during the call only. */
export function readShared(accepted: net.Socket, take: (data: Buffer) => void): net.Socket {
  const holder = accepted as HandleHolder;
  const handle = holder._handle;
  if (typeof handle !== 'object' || handle === null) return accepted.on('data', take);
  const buffer = (shared ??= Buffer.allocUnsafeSlow(SHARED_BYTES));
  const callback = (byteCount: number): boolean => {
    take(buffer.subarray(0, byteCount));
    return true;
  };
  const options: net.SocketConstructorOpts = { onread: { buffer, callback } };
  const socket = new net.Socket(Object.assign(options, { handle }));
  holder._handle = null;
  accepted.destroy(); // the server forgets it; there is nothing left to close
  return socket;
}
