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
 * (another kind of body), InvalidParameter (broken encoding).
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

function decodeForm(wire: WireRequest): Pair[] {
  if (wire.body.length === 0) return [];
  const type = findHeader(wire.headers, 'content-type') ?? 'application/x-www-form-urlencoded';
  if (!/^application\/x-www-form-urlencoded(\s*;|$)/i.test(type)) {
    throw new RequestError(
      'UnsupportedParameter',
      `A body of type ${JSON.stringify(type.slice(0, 64))} is not read; send application/x-www-form-urlencoded or put the parameters in the query.`,
    );
  }
  return decodePairs(wire.body.toString('latin1'));
}
