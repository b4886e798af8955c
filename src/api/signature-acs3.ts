/** The header signature ACS3-HMAC-SHA256 (`ecs-api.md` 1.5). */
import { createHash, createHmac } from 'node:crypto';
import { RequestError } from '../lib/errors.ts';
import { percentEncode } from './percent.ts';
import { findHeader, type ApiRequest } from './request.ts';

export const ACS3_ALGORITHM = 'ACS3-HMAC-SHA256';

export interface Acs3Authorization {
  accessKeyId: string;
  /** Lower case, in the order of the header. */
  signedHeaders: string[];
  signature: string;
}

/**
 * Takes an Authorization header apart. RequestErrors: InvalidParamater (sic, the documented code) for another
 * algorithm, IncompleteSignature when a part is missing.
 */
export function parseAcs3Authorization(header: string): Acs3Authorization {
  const space = header.indexOf(' ');
  const algorithm = space < 0 ? header : header.slice(0, space);
  if (algorithm !== ACS3_ALGORITHM) {
    throw new RequestError(
      'InvalidParamater',
      `The signature algorithm ${JSON.stringify(algorithm.slice(0, 40))} is not supported: use ${ACS3_ALGORITHM}, or signature version 1.0 with HMAC-SHA1.`,
    );
  }
  const fields = new Map(
    header
      .slice(space + 1)
      .split(',')
      .map((part) => [part.trim().split('=', 1)[0] ?? '', part.slice(part.indexOf('=') + 1).trim()]),
  );
  const accessKeyId = fields.get('Credential') ?? '';
  const signedHeaders = (fields.get('SignedHeaders') ?? '').toLowerCase().split(';').filter(Boolean);
  const signature = fields.get('Signature') ?? '';
  if (accessKeyId === '' || signedHeaders.length === 0 || signature === '') {
    throw new RequestError(
      'IncompleteSignature',
      `The Authorization header lacks a part: it must read ${ACS3_ALGORITHM} Credential=…,SignedHeaders=…,Signature=….`,
    );
  }
  return { accessKeyId, signedHeaders, signature };
}

/** The text that is signed: the algorithm and the SHA-256 of the canonical request, over the headers that the client chose. */
export function stringToSignAcs3(request: ApiRequest, signedHeaders: readonly string[]): string {
  return `${ACS3_ALGORITHM}\n${sha256Hex(canonicalRequest(request, signedHeaders))}`;
}

/** Lower-case hex of the HMAC-SHA256 under the secret alone. */
export function signAcs3(stringToSign: string, secret: string): string {
  return createHmac('sha256', secret).update(stringToSign, 'utf8').digest('hex');
}

export function sha256Hex(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function canonicalRequest(request: ApiRequest, signedHeaders: readonly string[]): string {
  const query = request.query
    .map(([name, value]) => [name, `${percentEncode(name)}=${percentEncode(value)}`] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, text]) => text)
    .join('&');
  const headers = [...signedHeaders].sort().map((name) => `${name}:${findHeader(request.headers, name) ?? ''}\n`);
  const bodyHash = sha256Hex(request.body);
  return [request.method, request.path, query, headers.join(''), signedHeaders.join(';'), bodyHash].join('\n');
}
