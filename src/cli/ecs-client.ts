/** A client of the ECS API as the official ones are: one POST an action, signed with ACS3-HMAC-SHA256 (`ecs-api.md` 1.5). */
import crypto from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { systemClock, type Clock } from '../lib/clock.ts';
import { OperationalError, RequestError, messageOf } from '../lib/errors.ts';
import { systemRandom, type Random } from '../lib/random.ts';

const API_VERSION = '2014-05-26';
const ALGORITHM = 'ACS3-HMAC-SHA256';
/** Longer parameters go into the body. */
const QUERY_LIMIT_BYTES = 4096;
const ANSWER_TIMEOUT_MS = 60_000;

export interface EcsClientOptions {
  /** `http://HOST:PORT` or `https://…`. */
  endpoint: string;
  accessKeyId: string;
  accessKeySecret: string;
  /** Sent as RegionId with every call that does not name one. */
  region?: string;
  /** What to say after "nothing answers at …". */
  startHint?: string;
  clock?: Clock;
  random?: Random;
}

/** The server's refusal, as it told it. */
export class EcsError extends RequestError {
  readonly requestId: string;
  readonly status: number;
  /** Where to read more; empty when the server gave none. */
  readonly recommend: string;

  constructor(status: number, fields: { code: string; message: string; requestId: string; recommend: string }) {
    super(fields.code, fields.message);
    this.status = status;
    this.requestId = fields.requestId;
    this.recommend = fields.recommend;
  }
}

/** A request as it goes over the wire. */
export interface SignedRequest {
  path: string;
  headers: Record<string, string>;
  body: string;
}

export class EcsClient {
  readonly #options: EcsClientOptions;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(options: EcsClientOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
  }

  get endpoint(): string {
    return this.#options.endpoint;
  }

  /**
   * Performs one action and returns its JSON answer. Throws an EcsError for a refusal and a retryable OperationalError
   * when nobody answers. Values are text as the API takes it: numbers in decimal, booleans `true` or `false`.
   */
  async call<T extends object>(
    action: string,
    parameters: Record<string, string> = {},
    signal?: AbortSignal,
  ): Promise<T> {
    const { region } = this.#options;
    const all = region === undefined ? parameters : { RegionId: region, ...parameters };
    const { status, body } = await this.#send(this.#sign(action, all), signal);
    const answer = parseJson(body, this.endpoint, status);
    if (status < 200 || status > 299) throw decodeError(status, answer);
    return answer as T;
  }

  #sign(action: string, parameters: Record<string, string>): SignedRequest {
    return signRequest(this.#options, {
      action,
      parameters,
      host: new URL(this.endpoint).host,
      date: `${new Date(this.#clock.nowMs()).toISOString().slice(0, 19)}Z`,
      nonce: this.#random.bytes(16).toString('hex'),
    });
  }

  async #send(request: SignedRequest, signal?: AbortSignal): Promise<{ status: number; body: string }> {
    try {
      return await post(this.endpoint, request, signal);
    } catch (error) {
      signal?.throwIfAborted();
      const hint = this.#options.startHint === undefined ? '' : `; ${this.#options.startHint}`;
      const message = `no Hupo server answers at ${this.endpoint} (${messageOf(error)})${hint}`;
      throw new OperationalError(message, { retryable: true, cause: error });
    }
  }
}

/** Puts the parameters into the query, or into a form when they are long, and signs the whole. Pure. */
export function signRequest(
  key: { accessKeyId: string; accessKeySecret: string },
  call: { action: string; parameters: Record<string, string>; host: string; date: string; nonce: string },
): SignedRequest {
  const encoded = Object.entries(call.parameters)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`)
    .join('&');
  const inBody = encoded.length > QUERY_LIMIT_BYTES;
  const query = inBody ? '' : encoded;
  const body = inBody ? encoded : '';
  const headers: Record<string, string> = {
    ...(inBody ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
    host: call.host,
    'x-acs-action': call.action,
    'x-acs-content-sha256': sha256(body),
    'x-acs-date': call.date,
    'x-acs-signature-nonce': call.nonce,
    'x-acs-version': API_VERSION,
  };
  const names = Object.keys(headers).sort();
  const lines = names.map((name) => `${name}:${headers[name]}\n`).join('');
  const canonical = ['POST', '/', query, lines, names.join(';'), sha256(body)].join('\n');
  const signature = crypto
    .createHmac('sha256', key.accessKeySecret)
    .update(`${ALGORITHM}\n${sha256(canonical)}`)
    .digest('hex');
  const authorization = `${ALGORITHM} Credential=${key.accessKeyId},SignedHeaders=${names.join(';')},Signature=${signature}`;
  return {
    path: query === '' ? '/' : `/?${query}`,
    headers: { ...headers, authorization, accept: 'application/json', 'content-length': `${Buffer.byteLength(body)}` },
    body,
  };
}

/** RFC 3986: everything but letters, digits and `-_.~`. */
function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function sha256(text: string): string {
  return crypto.hash('sha256', text);
}

function post(
  endpoint: string,
  request: SignedRequest,
  signal?: AbortSignal,
): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const send = endpoint.startsWith('https:') ? https.request : http.request;
  const options = {
    method: 'POST',
    headers: request.headers,
    timeout: ANSWER_TIMEOUT_MS,
    ...(signal ? { signal } : {}),
  };
  const outgoing = send(new URL(request.path, endpoint), options, (incoming) => {
    const pieces: Buffer[] = [];
    incoming.on('data', (piece: Buffer) => pieces.push(piece));
    incoming.on('error', reject);
    incoming.on('end', () =>
      resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(pieces).toString('utf8') }),
    );
  });
  outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MS / 1000} s`)));
  outgoing.on('error', reject);
  outgoing.end(request.body);
  return promise;
}

function parseJson(body: string, endpoint: string, status: number): object {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // told below
  }
  throw new OperationalError(`${endpoint} answers (HTTP ${status}), but not with the JSON of an ECS API`, {
    retryable: false,
  });
}

function decodeError(status: number, answer: object): EcsError {
  const fields = answer as Record<string, unknown>;
  const text = (name: string) => (typeof fields[name] === 'string' ? fields[name] : '');
  return new EcsError(status, {
    code: text('Code') || `HTTP ${status}`,
    message: text('Message'),
    requestId: text('RequestId'),
    recommend: text('Recommend'),
  });
}
