/**
 * Serves one disk on one unix socket to a limited number of clients. Nothing here lasts: what was answered is the device's
 * to keep. A crash leaves the socket file behind, which the next server at that path replaces.
 */
import fs from 'node:fs';
import net from 'node:net';
import { systemClock, type Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { Connection } from './connection.ts';
import type { BlockDevice } from './device.ts';
import { FlushGroup } from './flush-group.ts';
import type { Gate } from './gate.ts';
import { RareReport } from './rare-report.ts';
import { ReplyBuffers } from './reply-buffers.ts';
import type { Throttle } from './throttle.ts';

const CONNECTION_LIMIT = 16;

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
  /** What went wrong with the device, the socket or a client, for the log. */
  onError?: (message: string) => void;
  /** One more is disconnected at once. */
  connectionLimit?: number;
  /** What the clients together are held to. */
  throttle?: Throttle;
  gate?: Gate;
  /** Of the thread: share it among its disks. */
  buffers?: ReplyBuffers;
  clock?: Clock;
}

/** Resolves when clients can connect. */
export async function serveNbd(options: ServeOptions): Promise<NbdServer> {
  const { socketPath, device, onError = () => undefined } = options;
  const flushes = new FlushGroup(() => device.flush());
  const connections = new Set<Connection>();
  const listener = createListener(options, flushes, connections);
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

function createListener(options: ServeOptions, flushes: FlushGroup, connections: Set<Connection>): net.Server {
  const { exportName, device, onError = () => undefined, throttle, gate, clock = systemClock } = options;
  const { connectionLimit = CONNECTION_LIMIT, buffers = new ReplyBuffers() } = options;
  const misuse = new RareReport(clock, (message) => onError(`disk ${exportName}: ${message}`));
  return net.createServer((socket) => {
    if (connections.size >= connectionLimit) {
      socket.destroy();
      misuse.note(`a client was refused: ${connectionLimit} are connected already`);
      return;
    }
    const shared = { exportName, device, flushes, buffers, throttle, gate, clock, onError, misuse };
    const connection = new Connection(socket, shared);
    connections.add(connection);
    void connection.closed.then(() => connections.delete(connection));
  });
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
