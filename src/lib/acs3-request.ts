/**
 * One ECS call as an HTTP request, signed with ACS3-HMAC-SHA256 (`ecs-api.md` 1.5). Pure; the digests come from outside, for the
 * console signs in a browser, where there is no `node:crypto`.
 */

/** SHA-256 of text in UTF-8, and its HMAC; both in lower-case hex. */
export interface Digests {
  sha256: (text: string) => string;
  hmacSha256: (key: string, text: string) => string;
}

const API_VERSION = '2014-05-26';
const ALGORITHM = 'ACS3-HMAC-SHA256';
const FORM = 'application/x-www-form-urlencoded';
/** Longer parameters go into the body. */
const QUERY_LIMIT_BYTES = 4096;

export interface SigningKey {
  accessKeyId: string;
  accessKeySecret: string;
  /** The security token of a temporary key. */
  stsToken?: string;
}

export interface SignedCall {
  action: string;
  /** Text as the API takes it. */
  parameters: Record<string, string>;
  /** `HOST:PORT`, as it is sent. */
  host: string;
  /** `2026-01-02T03:04:05Z`. */
  date: string;
  nonce: string;
  method?: 'GET' | 'POST';
  /** Of another product than ECS. */
  version?: string;
  /** A form of further parameters. */
  body?: string;
  /** Sent beside ours. Those that begin with `x-acs-` are signed, too. */
  headers?: Record<string, string>;
}

/** A request as it goes over the wire. */
export interface SignedRequest {
  method: 'GET' | 'POST';
  path: string;
  headers: Record<string, string>;
  body: string;
  /** What was signed: the server tells its own when they differ. */
  stringToSign: string;
}

/** Parameters go into the query, or, when they are long and the request is a POST without a body, into a form. */
export function signRequest(key: SigningKey, call: SignedCall, { sha256, hmacSha256 }: Digests): SignedRequest {
  const { method = 'POST', body: givenBody = '' } = call;
  const encoded = encodeParameters(call.parameters);
  const inBody = method === 'POST' && givenBody === '' && encoded.length > QUERY_LIMIT_BYTES;
  const query = inBody ? '' : encoded;
  const body = inBody ? encoded : givenBody;
  const { signed, other } = splitHeaders(call.headers ?? {});
  const headers: Record<string, string> = {
    ...(body === '' ? {} : { 'content-type': FORM }),
    ...signed,
    host: call.host,
    'x-acs-action': call.action,
    'x-acs-content-sha256': sha256(body),
    'x-acs-date': call.date,
    'x-acs-signature-nonce': call.nonce,
    'x-acs-version': call.version ?? API_VERSION,
    ...(key.stsToken === undefined ? {} : { 'x-acs-security-token': key.stsToken }),
  };
  const names = Object.keys(headers).sort();
  const lines = names.map((name) => `${name}:${headers[name]?.trim()}\n`).join('');
  const canonical = [method, '/', query, lines, names.join(';'), sha256(body)].join('\n');
  const stringToSign = `${ALGORITHM}\n${sha256(canonical)}`;
  const signature = hmacSha256(key.accessKeySecret, stringToSign);
  const authorization = `${ALGORITHM} Credential=${key.accessKeyId},SignedHeaders=${names.join(';')},Signature=${signature}`;
  return {
    method,
    path: query === '' ? '/' : `/?${query}`,
    headers: {
      accept: 'application/json',
      ...other,
      ...headers,
      authorization,
      ...(method === 'POST' ? { 'content-length': String(new TextEncoder().encode(body).length) } : {}),
    },
    body,
    stringToSign,
  };
}

function splitHeaders(headers: Record<string, string>): Record<'signed' | 'other', Record<string, string>> {
  const lower = Object.entries(headers).map(([name, value]): [string, string] => [name.toLowerCase(), value]);
  const isSigned = ([name]: [string, string]) => name.startsWith('x-acs-');
  return {
    signed: Object.fromEntries(lower.filter(isSigned)),
    other: Object.fromEntries(lower.filter((header) => !isSigned(header))),
  };
}

function encodeParameters(parameters: Record<string, string>): string {
  return Object.entries(parameters)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`)
    .join('&');
}

/** RFC 3986: everything but letters, digits and `-_.~`. */
function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
