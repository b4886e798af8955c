/**
 * Serves one disk on one unix socket to any number of clients. Nothing here lasts: what was answered is the device's to
 * keep. A crash leaves the socket file behind, which the next server at that path replaces.
 */
import fs from 'node:fs';
import net from 'node:net';
import { messageOf } from '../lib/errors.ts';
import { Connection } from './connection.ts';
import type { BlockDevice } from './device.ts';
import { FlushGroup } from './flush-group.ts';

export interface NbdServer {
  /** Clients connected now. */
  readonly clientCount: number;
  /**
   * Takes no new clients and no new requests, answers those under way, flushes, ends every client and unlinks the
   * socket. Throws what the flush threw, after all that. Again: the same promise.
   */
  close(): Promise<void>;
}

export interface ServeOptions {
  /** In a folder that only its owner may enter. A leftover file is replaced: hold the folder's lock. */
  socketPath: string;
  /** Clients may also leave the name empty. */
  exportName: string;
  device: BlockDevice;
  /** What went wrong with the device or the socket, for the log. */
  onError?: (message: string) => void;
}

/** Resolves when clients can connect. */
export async function serveNbd(options: ServeOptions): Promise<NbdServer> {
  const { socketPath, exportName, device, onError = () => undefined } = options;
  const flushes = new FlushGroup(() => device.flush());
  const connections = new Set<Connection>();
  const listener = net.createServer((socket) => {
    const connection = new Connection(socket, { exportName, device, flushes, onError });
    connections.add(connection);
    void connection.closed.then(() => connections.delete(connection));
  });
  fs.rmSync(socketPath, { force: true });
  await listen(listener, socketPath);
  listener.on('error', (error) => onError(`accepting a client at ${socketPath}: ${messageOf(error)}`));
  let closing: Promise<void> | undefined;
  return {
    get clientCount() {
      return connections.size;
    },
    close: () => {
      closing ??= closeServer(listener, connections, () => flushes.run());
      return closing;
    },
  };
}

async function listen(listener: net.Server, socketPath: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(socketPath, () => {
      listener.off('error', reject);
      resolve();
    });
  });
  fs.chmodSync(socketPath, 0o600);
}

/** The listener unlinks its socket itself when it closes. */
async function closeServer(
  listener: net.Server,
  connections: Set<Connection>,
  flush: () => Promise<void>,
): Promise<void> {
  const listenerClosed = new Promise<void>((resolve) => listener.close(() => resolve()));
  await Promise.all([...connections].map((connection) => connection.finish()));
  try {
    await flush();
  } finally {
    await Promise.all([...connections].map((connection) => connection.end()));
    await listenerClosed;
  }
}
