/**
 * The API server: one HTTP request in, one answer out, in JSON or XML. The order is: read it, find format, Action and
 * Version, check the signature, check the parameters, ask the control plane. A slow or broken client costs a connection
 * for a limited time and nothing else. Nothing is written here; what a crash leaves is the control plane's to know.
 */
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import type { Clock } from '../lib/clock.ts';
import { RequestError, messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Random } from '../lib/random.ts';
import { ConsoleFiles } from '../web/console-files.ts';
import type { MetricsPage } from '../web/metrics-page.ts';
import { shareOnePort } from '../tls/one-port.ts';
import type { Action } from './action.ts';
import { authenticate } from './authenticate.ts';
import { admit, runGuarded, type Guard, type Origin } from './guard.ts';
import { readBody } from './body.ts';
import type { NonceLog } from './control-plane.ts';
import { errorBody, toErrorReply, type ErrorReply } from './errors.ts';
import { actionOf, checkOwners, formatOf } from './gateway.ts';
import { HEADER_LIMIT_BYTES, refuseConnection } from './refusals.ts';
import { newRequestId, send, type Format } from './reply.ts';
import type { ApiRegions } from './regions.ts';
import { parseRequest, splitTarget, type ApiRequest } from './request.ts';

export interface ApiServerOptions {
  regions: ApiRegions;
  /** Who may do what, and what is written down of it. */
  guard: Guard;
  nonces: NonceLog;
  clock: Clock;
  random: Random;
  /** What GET /healthz shows; it answers 503 when this throws. */
  health: () => Promise<object>;
  /** GET /metrics, and what counts requests for it. */
  metrics?: MetricsPage;
  /** GET /console/. */
  consoleFiles?: ConsoleFiles;
  log: Log;
}

const HEADER_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** Requests of one connection that wait; no client is known to send more than one. */
const AHEAD_LIMIT = 1000;
/** Each may hold a request's body and its answer. */
const CONNECTION_LIMIT = 4096;
const IDLE_SOCKET_TIMEOUT_MS = 120_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;

const HTTP_LIMITS = {
  maxHeaderSize: HEADER_LIMIT_BYTES,
  headersTimeout: HEADER_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
  connectionsCheckingInterval: 5_000,
  requireHostHeader: false, // Node would refuse with an empty body.
};

/** The server, not yet listening. */
export function createApiServer(options: ApiServerOptions): http.Server {
  return listenTo(http.createServer(HTTP_LIMITS), options, answerApi);
}

/** The same over TLS. Plain http on its port is told to use https; `endPlain` ends connections that are not TLS (yet). */
export function createSecureApiServer(
  options: ApiServerOptions,
  certificate: { key: string; cert: string },
): { server: https.Server; endPlain: () => void } {
  const { key, cert } = certificate;
  const tls = { key, cert, minVersion: 'TLSv1.2' as const, handshakeTimeout: HANDSHAKE_TIMEOUT_MS };
  const server = https.createServer({ ...HTTP_LIMITS, ...tls });
  server.removeAllListeners('tlsClientError'); // Node's own takes it for broken http, to be answered.
  server.on('tlsClientError', (_error: Error, socket: Duplex) => socket.destroy());
  listenTo(server, options, answerApi);
  const plain = listenTo(http.createServer(HTTP_LIMITS), options, refusePlain);
  return { server, endPlain: shareOnePort(server, plain) };
}

/** Takes one request to its answer's body and root element; what it throws is the answer too. */
type Answer = (message: IncomingMessage, asked: Asked, options: ApiServerOptions) => Promise<object>;

/** What is known of a request so far, for whatever goes wrong after. */
interface Asked {
  requestId: string;
  format: Format;
  action: Action | null;
  /** The connection ends after the answer. */
  close: boolean;
}

function listenTo<Server extends http.Server | https.Server>(
  server: Server,
  options: ApiServerOptions,
  answer: Answer,
): Server {
  server.maxConnections = CONNECTION_LIMIT;
  server.setTimeout(IDLE_SOCKET_TIMEOUT_MS);
  const takeTurn = createTurns();
  const onRequest = (message: IncomingMessage, response: ServerResponse) =>
    takeTurn(message.socket, response, () => respond(message, response, { options, answer }));
  const refuse = (socket: Duplex, why: Error | 'CONNECT') =>
    refuseConnection(socket, why, { random: options.random, endpoint: options.regions.endpoint });
  server.on('request', onRequest);
  // Without these listeners Node would answer by itself, with an empty body or none.
  server.on('checkExpectation', onRequest);
  server.on('connect', (_message: IncomingMessage, socket: Duplex) => refuse(socket, 'CONNECT'));
  server.on('clientError', (error: Error, socket: Duplex) => refuse(socket, error));
  return server;
}

/**
 * Runs what is to be done for the requests of a connection one after the other, each when the answer before has gone out:
 * what a client sends ahead and does not read the answers of costs no work. One that is very far ahead is cut off.
 */
function createTurns(): (socket: Duplex, response: ServerResponse, work: () => Promise<void>) => void {
  const turns = new WeakMap<Duplex, { last: Promise<void>; count: number }>();
  return (socket, response, work) => {
    const turn = turns.get(socket) ?? { last: Promise.resolve(), count: 0 };
    turns.set(socket, turn);
    if (++turn.count > AHEAD_LIMIT) socket.destroy();
    const gone = new Promise<void>((resolve) => response.once('close', resolve));
    turn.last = turn.last.then(async () => {
      if (!response.destroyed) await work();
      await gone;
      turn.count--;
    });
  };
}

async function respond(
  message: IncomingMessage,
  response: ServerResponse,
  { options, answer }: { options: ApiServerOptions; answer: Answer },
): Promise<void> {
  const asked: Asked = { requestId: newRequestId(options.random), format: 'JSON', action: null, close: false };
  response.on('error', () => response.destroy());
  const { clock, metrics, consoleFiles } = options;
  if (consoleFiles !== undefined && ConsoleFiles.wants(message)) return consoleFiles.answer(message, response);
  if (metrics !== undefined && isMetrics(message)) return await metrics.answer(message, response);
  const startedMs = clock.monotonicMs();
  const count = (code: string) => {
    const takenMs = clock.monotonicMs() - startedMs;
    metrics?.requests.observe(asked.action?.name ?? null, code, takenMs / 1000);
    options.log.debug?.(`answered ${code} in ${takenMs.toFixed(1)} ms`, {
      ...{ requestId: asked.requestId, action: asked.action?.name ?? '-', code, takenMs: Math.round(takenMs) },
      ...{ method: message.method ?? '', from: message.socket.remoteAddress ?? '' },
    });
  };
  try {
    const body = await answer(message, asked, options);
    send(response, { ...asked, status: 200, body, root: `${asked.action?.name ?? ''}Response` });
    if (asked.action !== null) count('OK');
  } catch (error) {
    if (message.destroyed && !message.complete) return; // The client went away: nobody to answer.
    const reply = isHealthCheck(message) && !(error instanceof RequestError) ? unhealthy : replyTo(error, asked);
    count(reply.code);
    if (reply.isOurs) logFailure(error, message, { asked, log: options.log });
    if (response.headersSent || response.destroyed) return;
    const body = errorBody(reply, asked.requestId, options.regions.endpoint);
    send(response, {
      ...asked,
      status: reply.status,
      body,
      root: 'Error',
      close: asked.close || !message.complete,
      retryAfterMs: reply.retryAfterMs,
    });
  }
}

async function answerApi(message: IncomingMessage, asked: Asked, options: ApiServerOptions): Promise<object> {
  if (isHealthCheck(message)) return await options.health();
  const request = await read(message);
  asked.format = formatOf(request);
  asked.action = actionOf(request);
  const from = originOf(message);
  const incoming = { request, action: asked.action, requestId: asked.requestId, from };
  const principal = admit(incoming, options);
  checkOwners(request);
  const answer = await runGuarded({ ...incoming, principal }, options);
  return { RequestId: asked.requestId, ...answer };
}

/** Whoever listens on the way has seen a signed request: its nonce is used up, so that nobody can send it again over https. */
async function refusePlain(message: IncomingMessage, asked: Asked, options: ApiServerOptions): Promise<never> {
  asked.close = true;
  const request = await read(message).catch(() => null);
  try {
    if (request !== null) asked.format = formatOf(request);
    if (request !== null) authenticate(request, { ...options, keys: options.guard.account });
  } catch {
    // the answer is the same
  }
  throw new RequestError(
    'InvalidProtocol.NeedSsl',
    'Your request is denied as lack of ssl protect: this server speaks https only, so let the client use https.',
  );
}

async function read(message: IncomingMessage): Promise<ApiRequest> {
  return parseRequest({
    method: message.method ?? '',
    target: message.url ?? '/',
    headers: message.headersDistinct,
    body: await readBody(message),
  });
}

function originOf({ socket, headers }: IncomingMessage): Origin {
  return {
    address: socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/i, '') ?? '',
    isSecure: 'encrypted' in socket,
    userAgent: headers['user-agent'] ?? '',
  };
}

function replyTo(error: unknown, { action }: Asked): ErrorReply {
  return toErrorReply(error, action?.name ?? null);
}

function isHealthCheck({ method, url }: IncomingMessage): boolean {
  return (method === 'GET' || method === 'HEAD') && splitTarget(url ?? '').path === '/healthz';
}

function isMetrics({ method, url }: IncomingMessage): boolean {
  return method === 'GET' && splitTarget(url ?? '').path === '/metrics';
}

const unhealthy: ErrorReply = {
  status: 503,
  code: 'ServiceUnavailable',
  message: 'The server is up but not well; its log says why.',
  isOurs: true,
};

function logFailure(error: unknown, message: IncomingMessage, to: { asked: Asked; log: Log }): void {
  const { requestId, action } = to.asked;
  const what = action?.name ?? message.url?.slice(0, 64) ?? '';
  const detail = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  to.log.warn(`request ${requestId} (${what}) failed: ${detail}`, { requestId, action: what });
}
