/** Tests of both signatures with the vectors of `ecs-api.md` 1.4 and 1.5. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Pair } from './percent.ts';
import { parseRequest } from './request.ts';
import { parseAcs3Authorization, signAcs3, stringToSignAcs3 } from './signature-acs3.ts';
import { signV1, stringToSignV1 } from './signature-v1.ts';

const common: Pair[] = [
  ['AccessKeyId', 'testid'],
  ['SignatureMethod', 'HMAC-SHA1'],
  ['SignatureNonce', '3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf'],
  ['SignatureVersion', '1.0'],
  ['Timestamp', '2016-02-23T12:46:24Z'],
  ['Version', '2014-05-26'],
];

test('version 1 signs the documented GET request', () => {
  const pairs: Pair[] = [...common, ['Action', 'DescribeRegions'], ['Format', 'XML']];
  assert.equal(signV1(stringToSignV1('GET', pairs), 'testsecret'), 'OLeaidS1JvxuMvnyHOwuJ+uX5qY=');
});

test('version 1 signs a POST request with blanks and characters of every kind', () => {
  const pairs: Pair[] = [
    ...common,
    ['Action', 'CreateSnapshot'],
    ['Format', 'JSON'],
    ['DiskId', 'd-bp1 *~测'],
    ['RegionId', ''],
    ['Tag.1.Key', 'k'],
    ['Tag.1.Value', ''],
    ['Signature', 'is not signed'],
  ];
  assert.equal(signV1(stringToSignV1('POST', pairs), 'testsecret'), 'HRyYVYD0Qd16uFqVkm2cBaLDqkI=');
});

test('ACS3 signs query, headers of the list and the hash of the body', () => {
  const signedHeaders = 'host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version';
  const documented = '/?DiskId=d-bp1%20%2A~%E6%B5%8B&SnapshotName=a%20b%2Bc&Tag.1.Key=k&Tag.1.Value=';
  const asSdksSendIt = '/?DiskId=d-bp1%20*~%E6%B5%8B&Tag.1.Value=&SnapshotName=a+b%2Bc&Tag.1.Key=k';
  for (const target of [documented, asSdksSendIt]) {
    const request = parseRequest({
      method: 'POST',
      target,
      headers: {
        host: ['ecs.example.internal:8080'],
        'x-acs-action': ['CreateSnapshot'],
        'x-acs-version': ['2014-05-26'],
        'x-acs-date': ['2026-01-02T03:04:05Z'],
        'x-acs-signature-nonce': ['0123456789abcdef0123456789abcdef'],
        'x-acs-content-sha256': ['e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
      },
      body: Buffer.alloc(0),
    });
    const stringToSign = stringToSignAcs3(request, signedHeaders.split(';'));
    assert.equal(stringToSign, 'ACS3-HMAC-SHA256\n194a8bdff2687ce40d5a71c99c30d8bb15b5a69d69fafc17c5181337cc47b6b9');
    assert.equal(
      signAcs3(stringToSign, 'testsecret'),
      'a0f0036e5fdec7b94c6cd9bc2d33b84c3f861c62e5f5b53c85f99846ab07501d',
    );
  }
});

test('an Authorization header of another algorithm or with a part missing is refused', () => {
  assert.throws(() => parseAcs3Authorization('ACS3-RSA-SHA256 Credential=a'), { code: 'InvalidParamater' });
  assert.throws(() => parseAcs3Authorization('Basic abc'), { code: 'InvalidParamater' });
  assert.throws(() => parseAcs3Authorization('ACS3-HMAC-SHA256 Credential=a,Signature=b'), {
    code: 'IncompleteSignature',
  });
  assert.deepEqual(
    parseAcs3Authorization('ACS3-HMAC-SHA256 Credential=a, SignedHeaders=Host;x-acs-date, Signature=b='),
    {
      accessKeyId: 'a',
      signedHeaders: ['host', 'x-acs-date'],
      signature: 'b=',
    },
  );
});
