/** One HTTP request and its whole answer, over http or https, with time limits that say which of them was met. */
import http from 'node:http';
import https from 'node:https';
import { errnoOf, messageOf } from '../lib/errors.ts';

export interface ExchangeOptions {
  connectTimeoutMs: number;
  /** Between two signs of life of the server. */
  readTimeoutMs: number;
  /** PEM certificates of the CAs to trust, in place of the system's. */
  ca?: string | string[];
  skipSecureVerify?: boolean;
  signal?: AbortSignal | undefined;
}

export interface HttpRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

export interface HttpAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** Rejects with whatever Node says when there is no whole answer. */
export function exchange(endpoint: string, request: HttpRequest, options: ExchangeOptions): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const { ca, signal, skipSecureVerify = false } = options;
  const isSecure = endpoint.startsWith('https:');
  const send = isSecure ? https.request : http.request;
  const secureOptions = { rejectUnauthorized: !skipSecureVerify, ...(ca === undefined ? {} : { ca }) };
  const outgoing = send(
    new URL(request.path, endpoint),
    {
      method: request.method,
      headers: request.headers,
      agent: false,
      ...(isSecure ? secureOptions : {}),
      ...(signal === undefined ? {} : { signal }),
    },
    (incoming) => {
      const pieces: Buffer[] = [];
      incoming.on('data', (piece: Buffer) => pieces.push(piece));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const body = Buffer.concat(pieces).toString('utf8');
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body });
      });
    },
  );
  limitTimes(outgoing, isSecure, options);
  outgoing.on('error', reject);
  outgoing.end(request.body);
  return promise;
}

function limitTimes(outgoing: http.ClientRequest, isSecure: boolean, options: ExchangeOptions): void {
  const { connectTimeoutMs, readTimeoutMs } = options;
  outgoing.on('socket', (socket) => {
    const giveUp = () => outgoing.destroy(new Error(`no connection within ${connectTimeoutMs / 1000} s`));
    const timer = setTimeout(giveUp, connectTimeoutMs);
    const stop = () => clearTimeout(timer);
    socket.once(isSecure ? 'secureConnect' : 'connect', stop);
    socket.once('close', stop);
    socket.setTimeout(readTimeoutMs, () => outgoing.destroy(new Error(`no answer within ${readTimeoutMs / 1000} s`)));
  });
}

/** Codes of OpenSSL for a certificate that no trusted CA vouches for. */
const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
]);

/** Why the exchange with `endpoint` failed and what to do about it, or null when nothing but the server's absence is known. */
export function explainFailure(endpoint: string, error: unknown): string | null {
  const code = errnoOf(error) ?? '';
  const message = messageOf(error);
  if (UNTRUSTED.has(code)) {
    return (
      `the certificate of ${endpoint} is not one that this command trusts (${code}): give its CA's certificate with --ca FILE ` +
      'or HUPO_CA; `hupo serve --tls` keeps it in DIR/tls/ca.pem, so --data DIR does it on the same machine'
    );
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `the certificate of ${endpoint} is not for this name (${message}): use a name or address that it is for`;
  }
  if (code.startsWith('CERT_')) return `the certificate of ${endpoint} is not valid (${code})`;
  if (endpoint.startsWith('https:') && /wrong version number|packet length too long|before secure TLS/i.test(message)) {
    return `${endpoint} does not speak https: if it speaks http, give http://… as endpoint, or --insecure`;
  }
  if (endpoint.startsWith('http:') && code.startsWith('HPE_')) {
    return `${endpoint} does not speak http (${message}): if it was started with --tls, give https://… as endpoint`;
  }
  return null;
}
