/**
 * One HTTP request in any of the four shapes that clients send (`clients.md` 1): parameters in the query, in a
 * urlencoded body, or in both; Action and Version there or in headers; the target in origin or absolute form.
 */
import { RequestError } from '../lib/errors.ts';
import { ParameterSet } from './parameter-set.ts';
import { decodePairs, type Pair } from './percent.ts';

/** Header values by lower-case name, each line apart (`IncomingMessage.headersDistinct`). */
export type HeaderLines = Readonly<Record<string, string[] | undefined>>;

export interface WireRequest {
  method: string;
  /** As on the request line. */
  target: string;
  headers: HeaderLines;
  body: Buffer;
}

export interface ApiRequest extends WireRequest {
  /** `/`, `//` …: what ACS3 signs. */
  path: string;
  query: Pair[];
  form: Pair[];
  parameters: ParameterSet;
}

/** A common parameter and where it was found: a header counts only if the signature covers it. */
export interface Located {
  value: string;
  header: string | null;
}

/**
 * Takes a request apart. RequestErrors: UnsupportedHTTPMethod, InvalidApi.NotFound (another path), UnsupportedParameter
 * (another kind of body), InvalidParameter (broken encoding, contradicting headers).
 */
export function parseRequest(wire: WireRequest): ApiRequest {
  if (wire.method !== 'GET' && wire.method !== 'POST') {
    throw new RequestError('UnsupportedHTTPMethod', `The method ${wire.method} is not supported; use GET or POST.`);
  }
  const { path, search } = splitTarget(wire.target);
  if (!/^\/+$/.test(path)) {
    throw new RequestError(
      'InvalidApi.NotFound',
      `There is nothing at ${JSON.stringify(path.slice(0, 64))}; the API is at "/".`,
    );
  }
  const query = decodePairs(search);
  const form = decodeForm(wire);
  return { ...wire, path, query, form, parameters: new ParameterSet([...query, ...form]) };
}

/**
 * The host that a request is for: of the target in absolute form, else of the Host header; lower case, without port, or
 * null when it is not said.
 */
export function hostOf({ target, headers }: Pick<WireRequest, 'target' | 'headers'>): string | null {
  const authority = /^https?:\/\/([^/?]*)/i.exec(target)?.[1] ?? findHeader(headers, 'host');
  return authority?.replace(/:\d*$/, '').toLowerCase() ?? null;
}

/** Path and query of a request target, whose host part (absolute form, sent by clients behind HTTP_PROXY) is dropped. */
export function splitTarget(target: string): { path: string; search: string } {
  const local = target.replace(/^https?:\/\/[^/?]*/i, '');
  const question = local.indexOf('?');
  const path = question < 0 ? local : local.slice(0, question);
  return { path: path === '' ? '/' : path, search: question < 0 ? '' : local.slice(question + 1) };
}

/** `Action` or `Version`: from query or body, else from the `x-acs-…` header, else null. */
export function locate(request: ApiRequest, name: 'Action' | 'Version'): Located | null {
  const value = request.parameters.find(name);
  if (value !== null) return { value, header: null };
  const header = `x-acs-${name.toLowerCase()}`;
  const line = findHeader(request.headers, header);
  return line === null ? null : { value: line, header };
}

/** The header's value, trimmed, or null when it is absent or blank. Several lines are sorted and joined by commas. */
export function findHeader(headers: HeaderLines, name: string): string | null {
  const lines = headers[name];
  if (lines === undefined) return null;
  return (
    lines
      .map((line) => line.trim())
      .sort()
      .join(',') || null
  );
}

/** The value of a header that makes sense once. RequestError InvalidParameter when its lines differ. */
export function findSingleHeader(headers: HeaderLines, name: string): string | null {
  const values = new Set((headers[name] ?? []).map((line) => line.trim()));
  if (values.size > 1) {
    throw new RequestError(
      'InvalidParameter',
      `The header ${name} is given twice with different values; give it once.`,
    );
  }
  return [...values][0] || null;
}

const FORM = 'application/x-www-form-urlencoded';

function decodeForm({ headers, body }: WireRequest): Pair[] {
  const type = findSingleHeader(headers, 'content-type') ?? FORM;
  const encoding = findSingleHeader(headers, 'content-encoding') ?? 'identity';
  if (body.length === 0) return [];
  if (encoding.toLowerCase() !== 'identity') throw unreadableBody('compressed as', encoding);
  if (type.split(';', 1)[0]?.trim().toLowerCase() !== FORM) throw unreadableBody('of type', type);
  return decodePairs(body.toString('latin1'));
}

function unreadableBody(how: string, value: string): RequestError {
  return new RequestError(
    'UnsupportedParameter',
    `A body ${how} ${JSON.stringify(value.slice(0, 64))} is not read; send ${FORM} as it is, or put the parameters in the query.`,
  );
}
