/** Tests of who is let in: each refusal has its documented code. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { MasterKey } from '../access/master-key.ts';
import type { Signer } from '../access/principal.ts';
import { openSession } from '../access/session-tokens.ts';
import { formatSecond } from '../ecs/times.ts';
import { systemClock, type Clock } from '../lib/clock.ts';
import { RequestError } from '../lib/errors.ts';
import { systemRandom } from '../lib/random.ts';
import { authenticate } from './authenticate.ts';
import { percentEncode, type Pair } from './percent.ts';
import { parseRequest, type ApiRequest, type WireRequest } from './request.ts';
import { sha256Hex, signAcs3, stringToSignAcs3 } from './signature-acs3.ts';
import { signV1, stringToSignV1 } from './signature-v1.ts';

const NOW_MS = Date.UTC(2026, 10, 22, 12);
const clock: Clock = { ...systemClock, nowMs: () => NOW_MS };
const SECRET = 'testsecret';

const masterKey = new MasterKey(Buffer.alloc(32, 7), systemRandom);

function getSigner(accessKeyId: string, token: string | null): Signer {
  if (token !== null) openSession(masterKey, token, { accessKeyId, nowMs: NOW_MS });
  if (accessKeyId !== 'testid') throw new RequestError('InvalidAccessKeyId.NotFound', 'not there');
  const principal = {
    kind: 'root' as const,
    accessKeyId,
    principalId: '1',
    name: 'root',
    resourceName: '',
    grants: null,
  };
  return { secret: SECRET, principal };
}

function authenticity() {
  const seen = new Set<string>();
  const accept = (id: string, nonce: string) => {
    const isNew = !seen.has(`${id} ${nonce}`);
    seen.add(`${id} ${nonce}`);
    return isNew;
  };
  return { clock, keys: { getSigner }, nonces: { accept } };
}

function signedV1(changes: Record<string, string | null> = {}, secret = SECRET): ApiRequest {
  const all: Record<string, string | null> = {
    Action: 'DescribeDisks',
    Version: '2014-05-26',
    AccessKeyId: 'testid',
    SignatureMethod: 'HMAC-SHA1',
    SignatureVersion: '1.0',
    SignatureType: '',
    SignatureNonce: 'n1',
    SecurityToken: '',
    Timestamp: formatSecond(NOW_MS),
    ...changes,
  };
  const pairs = Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== null);
  return v1Request(pairs, signV1(stringToSignV1('GET', pairs), secret));
}

function v1Request(pairs: Pair[], signature: string | null, headers: WireRequest['headers'] = {}): ApiRequest {
  const all: Pair[] = signature === null ? pairs : [...pairs, ['Signature', signature]];
  const query = all.map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`).join('&');
  return parseRequest({ method: 'GET', target: `/?${query}`, headers, body: Buffer.alloc(0) });
}

function signedAcs3(
  changes: { headers?: Record<string, string>; body?: string; unsigned?: string[]; secret?: string } = {},
): ApiRequest {
  const body = Buffer.from(changes.body ?? '');
  const headers: Record<string, string> = {
    host: '127.0.0.1:7400',
    'x-acs-action': 'DescribeDisks',
    'x-acs-version': '2014-05-26',
    'x-acs-date': formatSecond(NOW_MS),
    'x-acs-signature-nonce': 'n1',
    'x-acs-content-sha256': sha256Hex(body),
    ...changes.headers,
  };
  const lines = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
  const signedHeaders = Object.keys(headers).filter((name) => !changes.unsigned?.includes(name));
  const wire = { method: 'POST', target: '/?DiskIds=%5B%5D', headers: lines, body };
  const signature = signAcs3(stringToSignAcs3(parseRequest(wire), signedHeaders), changes.secret ?? SECRET);
  const authorization = `ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=${signedHeaders.join(';')},Signature=${signature}`;
  return parseRequest({ ...wire, headers: { ...lines, authorization: [authorization] } });
}

function refusal(request: ApiRequest, parties = authenticity()): { code: string; message: string } {
  let refused: unknown;
  try {
    authenticate(request, parties);
  } catch (error) {
    refused = error;
  }
  assert.ok(refused instanceof Error && 'code' in refused, 'it was let in');
  return { code: String(refused.code), message: refused.message };
}

test('good signatures of both kinds are let in, with blanks in the common parameters', () => {
  assert.equal(authenticate(signedV1(), authenticity()).accessKeyId, 'testid');
  assert.equal(authenticate(signedAcs3(), authenticity()).accessKeyId, 'testid');
});

test('a wrong secret is answered with the string to sign and nothing after it', () => {
  const { code, message } = refusal(signedV1({}, 'wrong'));
  assert.equal(code, 'SignatureDoesNotMatch');
  const marker = 'Specified signature is not matched with our calculation. server string to sign is:';
  assert.ok(message.startsWith(`${marker}GET&%2F&AccessKeyId%3Dtestid%26Action`), message);
  assert.equal(refusal(signedAcs3({ secret: 'wrong' })).code, 'SignatureDoesNotMatch');
});

test('a nonce is used up once, and only by a good signature', () => {
  const parties = authenticity();
  assert.equal(refusal(signedV1({}, 'wrong'), parties).code, 'SignatureDoesNotMatch');
  authenticate(signedV1(), parties);
  assert.equal(refusal(signedV1(), parties).code, 'SignatureNonceUsed');
  assert.equal(refusal(signedAcs3(), parties).code, 'SignatureNonceUsed');
});

test('the clock may be off by fifteen minutes', () => {
  const limitMs = 15 * 60 * 1000;
  authenticate(signedV1({ Timestamp: formatSecond(NOW_MS - limitMs) }), authenticity());
  authenticate(signedV1({ Timestamp: formatSecond(NOW_MS + limitMs) }), authenticity());
  assert.equal(
    refusal(signedV1({ Timestamp: formatSecond(NOW_MS - limitMs - 1000) })).code,
    'InvalidTimeStamp.Expired',
  );
  assert.equal(
    refusal(signedAcs3({ headers: { 'x-acs-date': '2020-01-01T00:00:00Z' } })).code,
    'InvalidTimeStamp.Expired',
  );
  assert.equal(refusal(signedV1({ Timestamp: '2026-11-22 12:00:00' })).code, 'InvalidTimeStamp.Format');
  assert.equal(refusal(signedV1({ Timestamp: null })).code, 'IllegalTimestamp');
});

test('whoever is not known, or says nothing, is refused', () => {
  assert.equal(refusal(signedV1({ AccessKeyId: 'other' })).code, 'InvalidAccessKeyId.NotFound');
  assert.equal(refusal(v1Request([['Action', 'DescribeDisks']], null)).code, 'MissingAccessKeyId');
  assert.equal(refusal(v1Request([['AccessKeyId', 'testid']], null)).code, 'IncompleteSignature');
  assert.equal(refusal(signedV1({ SignatureNonce: '' })).code, 'IncompleteSignature');
  assert.equal(refusal(signedV1({ SignatureNonce: 'n'.repeat(300) })).code, 'IncompleteSignature');
});

test('other methods of signing and security tokens are refused', () => {
  assert.equal(refusal(signedV1({ SignatureMethod: 'HMAC-SHA256' })).code, 'InvalidParamater');
  assert.equal(refusal(signedV1({ SignatureVersion: '2.0' })).code, 'InvalidParamater');
  assert.equal(refusal(signedV1({ SignatureType: 'BEARERTOKEN' })).code, 'InvalidParamater');
  assert.equal(refusal(signedV1({ SecurityToken: 'sts' })).code, 'InvalidSecurityToken.Malformed');
  assert.equal(
    refusal(signedAcs3({ headers: { 'x-acs-security-token': 'sts' } })).code,
    'InvalidSecurityToken.Malformed',
  );
});

test('what the signature does not cover is not believed', () => {
  const headers = { 'x-acs-action': ['DeleteSnapshot'], 'x-acs-version': ['2014-05-26'] };
  const pairs: Pair[] = [
    ['AccessKeyId', 'testid'],
    ['SignatureMethod', 'HMAC-SHA1'],
    ['SignatureVersion', '1.0'],
    ['SignatureNonce', 'n1'],
    ['Timestamp', formatSecond(NOW_MS)],
  ];
  const unsignedAction = v1Request(pairs, signV1(stringToSignV1('GET', pairs), SECRET), headers);
  assert.equal(refusal(unsignedAction).code, 'IncompleteSignature');
  for (const name of ['host', 'x-acs-action', 'x-acs-date', 'x-acs-signature-nonce', 'x-acs-content-sha256']) {
    assert.deepEqual([name, refusal(signedAcs3({ unsigned: [name] })).code], [name, 'IncompleteSignature']);
  }
});

test('the body of a header-signed request must have the hash that was signed', () => {
  authenticate(signedAcs3({ body: 'DiskId=d-1' }), authenticity());
  const tampered = { ...signedAcs3({ body: 'DiskId=d-1' }), body: Buffer.from('DiskId=d-2') };
  assert.equal(refusal(tampered).code, 'IncompleteSignature');
});
