/**
 * The API as the console speaks it: each call is signed here, in the browser, as any client's is. A clock of this machine that is
 * wrong is told by the server's own date, and the call made again once.
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { signRequest } from '../../../src/lib/acs3-request.ts';
import type { Digests, SigningKey } from '../../../src/lib/acs3-request.ts';

export type Parameters = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** What the server refused, or that it did not answer at all (`code` is then `Unreachable`). */
export class CallError extends Error {
  readonly code: string;
  readonly status: number;
  readonly requestId: string;

  constructor(fields: { code: string; message: string; status: number; requestId: string }) {
    super(fields.message);
    this.code = fields.code;
    this.status = fields.status;
    this.requestId = fields.requestId;
  }
}

export interface CallOptions {
  version?: string;
  signal?: AbortSignal;
}

const digests: Digests = {
  sha256: (text) => bytesToHex(sha256(utf8ToBytes(text))),
  hmacSha256: (key, text) => bytesToHex(hmac(sha256, utf8ToBytes(key), utf8ToBytes(text))),
};

/** Codes of a date that the server does not take. */
const WRONG_CLOCK = ['InvalidTimeStamp.Expired', 'IllegalTimestamp'];

export class EcsApi {
  readonly #key: SigningKey;
  #skewMs = 0;

  constructor(key: SigningKey) {
    this.#key = key;
  }

  get accessKeyId(): string {
    return this.#key.accessKeyId;
  }

  /** Throws a CallError. `T` is what the action answers with. */
  async call<T>(action: string, parameters: Parameters, options: CallOptions = {}): Promise<T> {
    try {
      return await this.#send<T>(action, parameters, options);
    } catch (error) {
      const isClock = error instanceof CallError && WRONG_CLOCK.includes(error.code) && this.#skewMs !== 0;
      if (!isClock) throw error;
      return await this.#send<T>(action, parameters, options);
    }
  }

  async #send<T>(action: string, parameters: Parameters, { version, signal }: CallOptions): Promise<T> {
    const request = signRequest(
      this.#key,
      {
        action,
        parameters: textsOf(parameters),
        host: window.location.host,
        date: new Date(Date.now() + this.#skewMs).toISOString().replace(/\.\d+Z$/, 'Z'),
        nonce: crypto.getRandomValues(new Uint32Array(4)).join('-'),
        ...(version === undefined ? {} : { version }),
      },
      digests,
    );
    const { host: _host, 'content-length': _length, ...headers } = request.headers;
    let response: Response;
    try {
      response = await fetch(request.path, {
        method: request.method,
        headers,
        body: request.body,
        signal: signal ?? null,
      });
    } catch (error) {
      if (signal?.aborted === true) throw error;
      throw new CallError({ code: 'Unreachable', message: 'The server does not answer.', status: 0, requestId: '' });
    }
    return await this.#read<T>(response);
  }

  async #read<T>(response: Response): Promise<T> {
    const body = (await response.json().catch(() => ({}))) as Record<string, unknown>;
    if (response.ok) return body as T;
    const date = Date.parse(response.headers.get('date') ?? '');
    if (!Number.isNaN(date)) this.#skewMs = Math.abs(date - Date.now()) > 60_000 ? date - Date.now() : 0;
    throw new CallError({
      code: textOf(body['Code'], 'InternalError'),
      message: textOf(body['Message'], `The server answered ${response.status}.`),
      status: response.status,
      requestId: textOf(body['RequestId'], ''),
    });
  }
}

/** What is null or undefined is not sent. */
export function textsOf(parameters: Parameters): Record<string, string> {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== '');
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}

function textOf(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value : otherwise;
}
