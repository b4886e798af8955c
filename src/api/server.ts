/**
 * The API server: one HTTP request in, one JSON answer out. The order is: read it, find Action and Version, check the
 * signature, check the parameters, ask the control plane. A slow or broken client costs a connection for a limited time
 * and nothing else. Nothing is written here; what a crash leaves is the control plane's to know.
 */
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../lib/clock.ts';
import { RequestError, errnoOf, messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Random } from '../lib/random.ts';
import { actions, findAction } from './action-list.ts';
import type { Action, Region } from './action.ts';
import { authenticate } from './authenticate.ts';
import { readBody } from './body.ts';
import type { AccessKeys, ControlPlane, NonceLog } from './control-plane.ts';
import { errorBody, toErrorReply, type ErrorReply } from './errors.ts';
import { newRequestId, sendJson, sendRawJson } from './reply.ts';
import { locate, parseRequest, splitTarget, type ApiRequest } from './request.ts';

export interface ApiServerOptions {
  control: ControlPlane;
  keys: AccessKeys;
  nonces: NonceLog;
  clock: Clock;
  random: Random;
  /** `endpoint` is read at each answer, so it may be set once the port is known. */
  region: Region;
  /** What GET /healthz shows; it answers 503 when this throws. */
  health: () => Promise<object>;
  log: Log;
}

const API_VERSION = '2014-05-26';

/** Every parameter may be in the query, user data among them. */
const HEADER_LIMIT_BYTES = 128 * 1024;
const HEADER_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const IDLE_SOCKET_TIMEOUT_MS = 120_000;

/** The server, not yet listening. */
export function createApiServer(options: ApiServerOptions): http.Server {
  const server = http.createServer({
    maxHeaderSize: HEADER_LIMIT_BYTES,
    headersTimeout: HEADER_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: 5_000,
    requireHostHeader: false, // Node would refuse with an empty body.
  });
  server.setTimeout(IDLE_SOCKET_TIMEOUT_MS);
  const onRequest = (message: IncomingMessage, response: ServerResponse) => void answer(message, response, options);
  server.on('request', onRequest);
  // Without these listeners Node would answer by itself, with an empty body or none.
  server.on('checkExpectation', onRequest);
  server.on('connect', (_message: IncomingMessage, socket: Duplex) => refuseConnection(socket, 'CONNECT', options));
  server.on('clientError', (error: Error, socket: Duplex) => refuseConnection(socket, error, options));
  return server;
}

async function answer(message: IncomingMessage, response: ServerResponse, options: ApiServerOptions): Promise<void> {
  const requestId = newRequestId(options.random);
  response.on('error', () => response.destroy());
  let action: Action | null = null;
  try {
    if (isHealthCheck(message)) {
      sendJson(response, 200, requestId, await options.health());
      return;
    }
    const request = await read(message);
    checkFormat(request);
    action = actionOf(request);
    authenticate(request, options);
    const body = await action.run(request.parameters, options);
    sendJson(response, 200, requestId, { RequestId: requestId, ...body });
  } catch (error) {
    if (message.destroyed && !message.complete) return; // The client went away: nobody to answer.
    const reply = isHealthCheck(message) ? unhealthy : toErrorReply(error, action?.name ?? null);
    if (reply.isOurs)
      logFailure(error, { requestId, action: action?.name ?? message.url?.slice(0, 64) ?? '' }, options.log);
    sendError(response, reply, { requestId, hostId: options.region.endpoint, close: !message.complete });
  }
}

async function read(message: IncomingMessage): Promise<ApiRequest> {
  return parseRequest({
    method: message.method ?? '',
    target: message.url ?? '/',
    headers: message.headersDistinct,
    body: await readBody(message),
  });
}

/** Absent is JSON, whatever the signature: every client but one asks for JSON or cannot read anything else. */
function checkFormat(request: ApiRequest): void {
  const format = request.parameters.find('Format')?.toUpperCase() ?? 'JSON';
  if (format === 'JSON') return;
  throw format === 'XML'
    ? new RequestError('UnsupportedParameter', 'The parameter "Format" cannot be XML yet; give JSON or leave it out.')
    : new RequestError('InvalidParameter.Format', 'The parameter "Format" must be JSON.');
}

function actionOf(request: ApiRequest): Action {
  const name = locate(request, 'Action')?.value;
  const version = locate(request, 'Version')?.value;
  for (const [parameter, value] of [
    ['Action', name],
    ['Version', version],
  ]) {
    if (value !== undefined) continue;
    throw new RequestError(
      'MissingParameter',
      `The input parameter "${parameter}" that is mandatory for processing this request is not supplied.`,
    );
  }
  if (version !== API_VERSION) {
    throw new RequestError(
      'InvalidVersion',
      `The version ${JSON.stringify(version?.slice(0, 32))} is not valid; it must be ${API_VERSION}.`,
    );
  }
  const action = findAction(name ?? '');
  if (action !== undefined) return action;
  throw new RequestError(
    'InvalidAction.NotFound',
    `The action ${JSON.stringify(name?.slice(0, 64))} is not offered; this server has ${actions.map((x) => x.name).join(', ')}.`,
  );
}

function isHealthCheck(message: IncomingMessage): boolean {
  return message.method === 'GET' && splitTarget(message.url ?? '').path === '/healthz';
}

const unhealthy: ErrorReply = {
  status: 503,
  code: 'ServiceUnavailable',
  message: 'The server is up but not well; its log says why.',
  isOurs: true,
};

function sendError(
  response: ServerResponse,
  reply: ErrorReply,
  to: { requestId: string; hostId: string; close: boolean },
): void {
  if (response.headersSent || response.destroyed) return;
  sendJson(response, reply.status, to.requestId, errorBody(reply, to.requestId, to.hostId), to.close);
}

function logFailure(error: unknown, at: { requestId: string; action: string }, log: Log): void {
  const detail = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  log.warn(`request ${at.requestId} (${at.action}) failed: ${detail}`);
}

/** A request that Node could not parse, or one to open a tunnel. */
function refuseConnection(socket: Duplex, why: Error | 'CONNECT', options: ApiServerOptions): void {
  if (why !== 'CONNECT' && errnoOf(why) === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const requestId = newRequestId(options.random);
  const { status, reply } = refusalOf(why);
  sendRawJson(socket, status, requestId, errorBody(reply, requestId, options.region.endpoint));
}

function refusalOf(why: Error | 'CONNECT'): { status: { code: number; text: string }; reply: ErrorReply } {
  const [code, text, ecsCode, message] = wordsOf(why === 'CONNECT' ? why : (errnoOf(why) ?? ''));
  return { status: { code, text }, reply: toErrorReply(new RequestError(ecsCode, message), null) };
}

function wordsOf(why: string): [status: number, text: string, code: string, message: string] {
  switch (why) {
    case 'CONNECT':
      return [403, 'Forbidden', 'UnsupportedHTTPMethod', 'This server is no proxy for https; let the client use http.'];
    case 'HPE_HEADER_OVERFLOW':
      return [
        431,
        'Request Header Fields Too Large',
        'InvalidParameter',
        `Request line and headers are longer than ${HEADER_LIMIT_BYTES} bytes; send the parameters in the body.`,
      ];
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, 'Request Timeout', 'InvalidParameter', 'The request did not arrive in time.'];
    default:
      return [400, 'Bad Request', 'InvalidParameter', 'The request is not valid HTTP.'];
  }
}
