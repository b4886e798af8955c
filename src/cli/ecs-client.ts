/** A client of the ECS API as the official ones are: one request an action, signed with ACS3-HMAC-SHA256 (`ecs-api.md` 1.5). */
import { systemClock, type Clock } from '../lib/clock.ts';
import { OperationalError, RequestError, messageOf } from '../lib/errors.ts';
import { systemRandom, type Random } from '../lib/random.ts';
import { exchange, explainFailure, type HttpAnswer } from './http-exchange.ts';
import { signRequest, type SignedRequest } from '../lib/acs3-request.ts';
import { nodeDigests } from '../lib/node-digests.ts';

const ANSWER_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 10_000;
const SERVER_STRING = 'server string to sign is:';

export interface EcsClientOptions {
  /** `http://HOST:PORT` or `https://…`. */
  endpoint: string;
  accessKeyId: string;
  accessKeySecret: string;
  stsToken?: string;
  /** Sent as RegionId with every call that does not name one. */
  region?: string;
  /** What to say after "nothing answers at …". */
  startHint?: string;
  /** PEM certificates of the CAs to trust, in place of the system's. */
  ca?: string | string[];
  /** Trusts any certificate. */
  skipSecureVerify?: boolean;
  connectTimeoutMs?: number;
  readTimeoutMs?: number;
  clock?: Clock;
  random?: Random;
}

/** The server's refusal, as it told it. */
export class EcsError extends RequestError {
  readonly requestId: string;
  override readonly status: number;
  /** Where to read more; empty when the server gave none. */
  readonly recommend: string;
  /** Of a SignatureDoesNotMatch: whether both signed the same text, so that only the secret can differ; null for others. */
  readonly isSecretWrong: boolean | null;
  /** How long the server asks to wait before the same again. */
  readonly retryAfterMs: number | null;

  constructor(fields: EcsErrorFields) {
    super(fields.code, fields.message);
    this.status = fields.status;
    this.requestId = fields.requestId;
    this.recommend = fields.recommend;
    this.isSecretWrong = fields.isSecretWrong ?? null;
    this.retryAfterMs = fields.retryAfterMs ?? null;
  }
}

export interface EcsErrorFields {
  status: number;
  code: string;
  message: string;
  requestId: string;
  recommend: string;
  isSecretWrong?: boolean | null;
  retryAfterMs?: number | null;
}

/** How one call is sent, where it is not the usual way. */
export interface SendOptions {
  method?: 'GET' | 'POST';
  body?: string;
  headers?: Record<string, string>;
  /** Of another product than ECS. */
  version?: string;
  signal?: AbortSignal | undefined;
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
    version?: string,
  ): Promise<T> {
    const body = await this.send(action, parameters, { signal, ...(version !== undefined && { version }) });
    const answer = findObject(body);
    if (answer === null) throw notAnApi(this.endpoint, 200);
    return answer as T;
  }

  /** The same, with the answer as the text that it is, which may be XML where that was asked for. */
  async send(action: string, parameters: Record<string, string>, options: SendOptions = {}): Promise<string> {
    const request = this.sign(action, parameters, options);
    const answer = await this.#exchange(request, options.signal);
    if (answer.status >= 200 && answer.status <= 299) return answer.body;
    throw decodeError(answer, request, this.endpoint);
  }

  /** The request that `send` would send now. */
  sign(action: string, parameters: Record<string, string>, options: SendOptions = {}): SignedRequest {
    const { region } = this.#options;
    const hasRegion = Object.keys(parameters).some((name) => name.toLowerCase() === 'regionid');
    return signRequest(
      this.#options,
      {
        action,
        parameters: region === undefined || hasRegion ? parameters : { RegionId: region, ...parameters },
        host: new URL(this.endpoint).host,
        date: `${new Date(this.#clock.nowMs()).toISOString().slice(0, 19)}Z`,
        nonce: this.#random.bytes(16).toString('hex'),
        ...(options.method === undefined ? {} : { method: options.method }),
        ...(options.body === undefined ? {} : { body: options.body }),
        ...(options.headers === undefined ? {} : { headers: options.headers }),
        ...(options.version === undefined ? {} : { version: options.version }),
      },
      nodeDigests,
    );
  }

  async #exchange(request: SignedRequest, signal?: AbortSignal): Promise<HttpAnswer> {
    const { ca, skipSecureVerify = false, connectTimeoutMs, readTimeoutMs, startHint } = this.#options;
    try {
      return await exchange(this.endpoint, request, {
        connectTimeoutMs: connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
        readTimeoutMs: readTimeoutMs ?? ANSWER_TIMEOUT_MS,
        skipSecureVerify,
        signal,
        ...(ca === undefined ? {} : { ca }),
      });
    } catch (error) {
      signal?.throwIfAborted();
      const known = explainFailure(this.endpoint, error);
      if (known !== null) throw new OperationalError(known, { retryable: false, cause: error });
      const hint = startHint === undefined ? '' : `; ${startHint}`;
      const message = `no Hupo server answers at ${this.endpoint} (${messageOf(error)})${hint}`;
      throw new OperationalError(message, { retryable: true, cause: error });
    }
  }
}

function findObject(body: string): object | null {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

function notAnApi(endpoint: string, status: number): OperationalError {
  return new OperationalError(`${endpoint} answers (HTTP ${status}), but not with the JSON of an ECS API`, {
    retryable: false,
  });
}

/** From JSON, or from the `<Error>` that was answered where XML was asked for. */
function decodeError(answer: HttpAnswer, request: SignedRequest, endpoint: string): Error {
  const fields = findObject(answer.body) ?? findXmlError(answer.body);
  if (fields === null) return notAnApi(endpoint, answer.status);
  const members = fields as Record<string, unknown>;
  const text = (name: string) => (typeof members[name] === 'string' ? members[name] : '');
  const [, serverString] = text('Message').split(SERVER_STRING);
  const retryAfter = answer.headers['x-acs-retry-after'];
  return new EcsError({
    status: answer.status,
    code: text('Code') || `HTTP ${answer.status}`,
    message: text('Message'),
    requestId: text('RequestId'),
    recommend: text('Recommend'),
    isSecretWrong: serverString === undefined ? null : serverString === request.stringToSign,
    retryAfterMs: typeof retryAfter === 'string' && /^\d+$/.test(retryAfter) ? Number(retryAfter) : null,
  });
}

function findXmlError(body: string): Record<string, string> | null {
  if (!/<Error>/.test(body)) return null;
  const found = [...body.matchAll(/<(Code|Message|RequestId|Recommend)>([^<]*)</g)];
  const decode = (text: string) =>
    text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&apos;', "'");
  return Object.fromEntries(found.map(([, name = '', text = '']) => [name, decode(text).replaceAll('&amp;', '&')]));
}
