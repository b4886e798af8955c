/**
 * Who asks, and is it a fresh request of theirs: both signatures, the clock, the nonce (`ecs-api.md` 1.3–1.7).
 *
 * What a request says counts only if its signature covers it: with version 1.0 that is every parameter and no header,
 * with ACS3 the query, the body (by its hash) and the headers in its list.
 */
import { timingSafeEqual } from 'node:crypto';
import { RequestError } from '../lib/errors.ts';
import type { Principal } from '../access/principal.ts';
import type { Clock } from '../lib/clock.ts';
import { parseSecond } from '../ecs/times.ts';
import type { AccessKeys, NonceLog } from './control-plane.ts';
import { findHeader, findSingleHeader, locate, type ApiRequest } from './request.ts';
import { parseAcs3Authorization, sha256Hex, signAcs3, stringToSignAcs3 } from './signature-acs3.ts';
import { signV1, stringToSignV1 } from './signature-v1.ts';

export interface Authenticity {
  keys: AccessKeys;
  nonces: NonceLog;
  clock: Clock;
}

interface Claim {
  accessKeyId: string;
  timestamp: string | null;
  nonce: string;
  securityToken: string | null;
  signature: string;
  stringToSign: () => string;
  sign: (stringToSign: string, secret: string) => string;
}

const CLOCK_TOLERANCE_MS = 15 * 60 * 1000;
const NONCE_LIMIT = 256;

const TOKEN_HEADER = 'x-acs-security-token';

/** Headers that ACS3 must sign, because the server acts on them. */
const ACS3_REQUIRED = ['host', 'x-acs-content-sha256', 'x-acs-date', 'x-acs-signature-nonce'];

/** Who signed it, or a RequestError with the documented code. The nonce is used up only by a good signature. */
export function authenticate(request: ApiRequest, { keys, nonces, clock }: Authenticity): Principal {
  const authorization = findSingleHeader(request.headers, 'authorization');
  const claim = authorization === null ? claimOfV1(request) : claimOfAcs3(request, authorization);
  checkTimestamp(claim.timestamp, clock.nowMs());
  const { secret, principal } = keys.getSigner(claim.accessKeyId, claim.securityToken);
  checkSignature(claim, secret);
  if (!nonces.accept(claim.accessKeyId, claim.nonce, clock.nowMs())) {
    throw new RequestError(
      'SignatureNonceUsed',
      'Specified signature nonce was used already; make a new one for each request.',
    );
  }
  return principal;
}

function claimOfV1(request: ApiRequest): Claim {
  const { parameters, query, form, method } = request;
  const accessKeyId = parameters.find('AccessKeyId');
  if (accessKeyId === null) {
    throw new RequestError(
      'MissingAccessKeyId',
      'AccessKeyId is mandatory for this action. Sign the request with an AccessKey pair.',
    );
  }
  const signature = requiredForSignature(parameters.find('Signature'), 'Signature');
  checkMethod(parameters.find('SignatureMethod'), 'SignatureMethod', 'HMAC-SHA1');
  checkMethod(parameters.find('SignatureVersion'), 'SignatureVersion', '1.0');
  const type = parameters.find('SignatureType');
  if (type !== null) checkMethod(type, 'SignatureType', '');
  for (const name of ['Action', 'Version'] as const) {
    if (locate(request, name)?.header) throw unsigned(`the parameter ${name}`);
  }
  return {
    accessKeyId,
    timestamp: parameters.find('Timestamp'),
    nonce: checkNonce(parameters.find('SignatureNonce'), 'SignatureNonce'),
    securityToken: parameters.find('SecurityToken'),
    signature,
    stringToSign: () => stringToSignV1(method, [...query, ...form]),
    sign: signV1,
  };
}

function claimOfAcs3(request: ApiRequest, header: string): Claim {
  const { accessKeyId, signedHeaders, signature } = parseAcs3Authorization(header);
  const located = [locate(request, 'Action')?.header, locate(request, 'Version')?.header];
  const token = findHeader(request.headers, TOKEN_HEADER);
  for (const name of [...ACS3_REQUIRED, ...located, token === null ? null : TOKEN_HEADER]) {
    if (name && !signedHeaders.includes(name)) throw unsigned(`the header ${name}`);
  }
  const bodyHash = findHeader(request.headers, 'x-acs-content-sha256');
  if (bodyHash?.toLowerCase() !== sha256Hex(request.body)) {
    throw new RequestError('IncompleteSignature', 'The header x-acs-content-sha256 is not the SHA-256 of the body.');
  }
  return {
    accessKeyId,
    timestamp: findHeader(request.headers, 'x-acs-date'),
    nonce: checkNonce(findHeader(request.headers, 'x-acs-signature-nonce'), 'x-acs-signature-nonce'),
    securityToken: token ?? request.parameters.find('SecurityToken'),
    signature,
    stringToSign: () => stringToSignAcs3(request, signedHeaders),
    sign: signAcs3,
  };
}

function checkTimestamp(text: string | null, nowMs: number): void {
  if (text === null) {
    throw new RequestError('IllegalTimestamp', 'The request has no timestamp (Timestamp, or the header x-acs-date).');
  }
  const timeMs = parseSecond(text);
  if (timeMs === null) {
    const shown = JSON.stringify(text.slice(0, 40));
    throw new RequestError('InvalidTimeStamp.Format', `The timestamp ${shown} must be UTC as yyyy-MM-ddTHH:mm:ssZ.`);
  }
  if (Math.abs(timeMs - nowMs) > CLOCK_TOLERANCE_MS) {
    throw new RequestError(
      'InvalidTimeStamp.Expired',
      `The timestamp ${text} is more than 15 minutes from the server's clock, ${new Date(nowMs).toISOString()}.`,
    );
  }
}

/** The message is the one that clients take apart to tell a wrong secret from a bug (`ecs-api.md` 1.6). */
function checkSignature(claim: Claim, secret: string): void {
  const stringToSign = claim.stringToSign();
  const expected = Buffer.from(claim.sign(stringToSign, secret), 'utf8');
  const actual = Buffer.from(claim.signature, 'utf8');
  if (expected.length === actual.length && timingSafeEqual(expected, actual)) return;
  throw new RequestError(
    'SignatureDoesNotMatch',
    `Specified signature is not matched with our calculation. server string to sign is:${stringToSign}`,
  );
}

function checkMethod(value: string | null, name: string, only: string): void {
  if (requiredForSignature(value, name).toUpperCase() === only) return;
  const rule = only === '' ? 'must be left out' : `must be ${only}`;
  throw new RequestError('InvalidParamater', `The parameter ${name} ${rule}.`);
}

function checkNonce(nonce: string | null, name: string): string {
  if (nonce !== null && nonce.length > NONCE_LIMIT) {
    throw new RequestError('IncompleteSignature', `${name} is longer than ${NONCE_LIMIT} characters.`);
  }
  return requiredForSignature(nonce, name);
}

function requiredForSignature(value: string | null, name: string): string {
  if (value === null) throw new RequestError('IncompleteSignature', `The signature is incomplete, it lacks: ${name}`);
  return value;
}

function unsigned(what: string): RequestError {
  return new RequestError('IncompleteSignature', `The signature does not cover everything, it lacks: ${what}`);
}
