/**
 * Requests and replies between Hupo's own processes: one JSON object a line over a unix socket (0600).
 *
 *   → {"id":1,"call":"freeze","body":{…}}        ← {"id":1,"reply":{…}}  or  {"id":1,"error":{"kind","message","code","retryable"}}
 *
 * Replies may come in any order. Either side may close; every call under way then fails with a retryable
 * OperationalError. A line over the limit, or one that is no JSON object, ends that connection only.
 */
import net from 'node:net';
import fs from 'node:fs';
import { OperationalError, RequestError, CorruptionError, messageOf } from './errors.ts';

const LINE_LIMIT_BYTES = 64 * 1024 * 1024;

/** The calls of a protocol: name → request body and reply, both plain JSON. */
export type Calls = Record<string, { request: object; reply: object }>;

interface WireError {
  kind: 'request' | 'operational' | 'corruption' | 'bug';
  message: string;
  code?: string;
  retryable?: boolean;
}

interface RequestLine {
  id: number;
  call: string;
  body: object;
}

interface ReplyLine {
  id: number;
  reply?: object;
  error?: WireError;
}

export type Handlers<C extends Calls> = {
  [K in keyof C]: (body: C[K]['request'], connection: AbortSignal) => Promise<C[K]['reply']>;
};

export interface LineServer {
  /** Stops listening, unlinks the socket and drops every connection. */
  close(): Promise<void>;
}

/** Listens on `socketPath` (a leftover socket file is removed first; hold the folder's lock). */
export async function serveLines<C extends Calls>(socketPath: string, handlers: Handlers<C>): Promise<LineServer> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    const gone = new AbortController();
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      gone.abort();
    });
    readLines(socket, (line) => {
      void answer(socket, handlers, line as RequestLine, gone.signal);
    });
  });
  fs.rmSync(socketPath, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, () => resolve());
  });
  fs.chmodSync(socketPath, 0o600);
  return {
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function answer<C extends Calls>(
  socket: net.Socket,
  handlers: Handlers<C>,
  line: RequestLine,
  connection: AbortSignal,
): Promise<void> {
  const result: ReplyLine = { id: line.id };
  try {
    const handler = Object.hasOwn(handlers, line.call) ? handlers[line.call] : undefined;
    if (handler === undefined) throw new OperationalError(`unknown call ${line.call}`, { retryable: false });
    result.reply = await handler(line.body, connection);
  } catch (error) {
    result.error = encodeError(error);
  }
  if (socket.writable) socket.write(`${JSON.stringify(result)}\n`);
}

function encodeError(error: unknown): WireError {
  const message = messageOf(error);
  if (error instanceof RequestError) return { kind: 'request', message, code: error.code };
  if (error instanceof OperationalError) return { kind: 'operational', message, retryable: error.retryable };
  if (error instanceof CorruptionError) return { kind: 'corruption', message };
  return { kind: 'bug', message: error instanceof Error ? (error.stack ?? message) : message };
}

function decodeError(error: WireError): Error {
  switch (error.kind) {
    case 'request':
      return new RequestError(error.code ?? 'InternalError', error.message);
    case 'corruption':
      return new CorruptionError('stored data', error.message);
    case 'operational':
    case 'bug':
      return new OperationalError(error.message, { retryable: error.retryable ?? false });
    default:
      return new OperationalError('an error of an unknown kind', { retryable: false });
  }
}

function readLines(socket: net.Socket, onLine: (line: object) => void): void {
  let rest: Buffer[] = [];
  let restBytes = 0;
  socket.on('data', (data: Buffer) => {
    let start = 0;
    for (let end = data.indexOf(10, start); end !== -1; end = data.indexOf(10, start)) {
      const bytes = restBytes === 0 ? data.subarray(start, end) : Buffer.concat([...rest, data.subarray(start, end)]);
      rest = [];
      restBytes = 0;
      start = end + 1;
      if (!parseLine(socket, bytes, onLine)) return;
    }
    if (start < data.length) rest.push(data.subarray(start));
    restBytes += data.length - start;
    if (restBytes > LINE_LIMIT_BYTES) socket.destroy();
  });
}

function parseLine(socket: net.Socket, bytes: Buffer, onLine: (line: object) => void): boolean {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof value === 'object' && value !== null) {
      onLine(value);
      return true;
    }
  } catch {
    // not JSON: the connection is of no use any more
  }
  socket.destroy();
  return false;
}

/** A client's end. `closed` resolves when the connection has ended, for whatever reason. */
export class LineClient<C extends Calls> {
  readonly closed: Promise<void>;
  readonly #socket: net.Socket;
  readonly #waiting = new Map<number, { resolve: (reply: object) => void; reject: (error: Error) => void }>();
  #nextId = 1;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      for (const waiting of this.#waiting.values()) {
        waiting.reject(new OperationalError('the connection ended before the answer', { retryable: true }));
      }
      this.#waiting.clear();
      resolve();
    });
    readLines(socket, (line) => this.#settle(line as ReplyLine));
  }

  /** Throws a retryable OperationalError when nobody listens there. */
  static async connect<C extends Calls>(socketPath: string): Promise<LineClient<C>> {
    const socket = net.connect(socketPath);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('error', (error) =>
        reject(new OperationalError(`nothing answers at ${socketPath}`, { retryable: true, cause: error })),
      );
    });
    return new LineClient<C>(socket);
  }

  async call<K extends keyof C & string>(name: K, body: C[K]['request']): Promise<C[K]['reply']> {
    if (this.#socket.destroyed) throw new OperationalError('the connection has ended', { retryable: true });
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<object>();
    this.#waiting.set(id, { resolve, reject });
    this.#socket.write(`${JSON.stringify({ id, call: name, body })}\n`);
    return (await promise) as C[K]['reply'];
  }

  close(): void {
    this.#socket.destroy();
  }

  #settle(line: ReplyLine): void {
    const waiting = this.#waiting.get(line.id);
    if (waiting === undefined) return;
    this.#waiting.delete(line.id);
    if (line.error !== undefined) waiting.reject(decodeError(line.error));
    else waiting.resolve(line.reply ?? {});
  }
}
