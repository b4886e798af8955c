/**
 * The errors of the gateway (`ecs-api.md` 1.7), each by a request that is wrong in one way: its code, its status, the words
 * that clients look for. And what is no request at all: whatever comes, the answer is JSON or XML, never empty, never HTML.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import test from 'node:test';
import { XMLParser } from 'fast-xml-parser';
import type { Pair } from '../../src/api/percent.ts';
import { RequestError } from '../../src/lib/errors.ts';
import { formatSecond } from '../../src/ecs/times.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { gatewayCodes } from '../conformance/gateway-codes.ts';
import { call, commonPairs, encodePairs, openApi, parseRaw, send, sendRaw, signPairs } from './api-fixture.ts';

/** A signed GET whose parameters are changed before it is signed; null takes one away. */
function target(changes: Record<string, string | null> = {}, sign = true): string {
  const pairs = [
    ...new Map<string, string | null>([...commonPairs('DescribeDisks'), ...Object.entries(changes)]),
  ].filter((pair): pair is [string, string] => pair[1] !== null);
  return `/?${encodePairs(sign ? signPairs('GET', pairs) : pairs)}`;
}

function minutesAgo(minutes: number): string {
  return formatSecond(systemClock.nowMs() - minutes * 60_000);
}

const MARKER = 'Specified signature is not matched with our calculation. server string to sign is:';

const cases: [code: string, status: number, target: string, message: RegExp | string][] = [
  ['MissingAction', 400, target({ Action: null }), 'Action is mandatory for this action.'],
  ['MissingAction', 400, target({ Action: '' }), 'Action is mandatory for this action.'],
  ['MissingVersion', 400, target({ Version: null }), 'Version is mandatory for this action.'],
  ['MissingAccessKeyId', 400, target({ AccessKeyId: null }), /^AccessKeyId is mandatory for this action\./],
  ['InvalidVersion', 400, target({ Version: '2017-12-14' }), /"2017-12-14".*2014-05-26/],
  ['InvalidAction.NotFound', 404, target({ Action: 'DescribeDisk' }), /"DescribeDisk"; did you mean DescribeDisks\?$/],
  ['InvalidAction.NotFound', 404, target({ Action: 'describedisks' }), /did you mean DescribeDisks\?$/],
  [
    'InvalidAction.NotFound',
    404,
    target({ Action: 'DescribeCommands' }),
    /"DescribeCommands"; this server does not have it/,
  ],
  ['InvalidApi.NotFound', 404, '/favicon.ico', /"\/favicon.ico".*"\/"/],
  ['InvalidParameter.Format', 400, target({ Format: 'YAML' }), /"Format".*"YAML".*JSON or XML/],
  ['IncompleteSignature', 400, target({}, false), /lacks: Signature$/],
  ['IncompleteSignature', 400, target({ SignatureNonce: null }), /SignatureNonce/],
  ['IncompleteSignature', 400, target({ SignatureMethod: null }), /SignatureMethod/],
  ['IncompleteSignature', 400, target({ SignatureVersion: null }), /SignatureVersion/],
  ['InvalidParamater', 400, target({ SignatureMethod: 'HMAC-MD5' }), /HMAC-SHA1/],
  ['InvalidParamater', 400, target({ SignatureVersion: '2.0' }), /1\.0/],
  ['InvalidParamater', 400, target({ SignatureType: 'BEARERTOKEN' }), /SignatureType/],
  ['SignatureDoesNotMatch', 400, `${target()}x`, new RegExp(`^${MARKER}GET&%2F&AccessKeyId%3D[^ ]+$`)],
  ['IllegalTimestamp', 400, target({ Timestamp: null }), /Timestamp/],
  ['InvalidTimeStamp.Format', 400, target({ Timestamp: '22.11.2026' }), /"22\.11\.2026".*yyyy-MM-ddTHH:mm:ssZ/],
  ['InvalidTimeStamp.Expired', 400, target({ Timestamp: minutesAgo(30) }), /15 minutes/],
  ['InvalidTimeStamp.Expired', 400, target({ Timestamp: minutesAgo(-30) }), /15 minutes/],
  ['InvalidAccessKeyId.NotFound', 400, target({ AccessKeyId: 'LTAInobody' }), 'Specified access key is not found.'],
  ['InvalidSecurityToken.Malformed', 400, target({ SecurityToken: 'sts' }), /SecurityToken/],
  ['InvalidOwnerId', 400, target({ OwnerId: 'me' }), /OwnerId.*"me".*number/],
  ['InvalidOwnerId', 400, target({ ResourceOwnerId: '1e3' }), /ResourceOwnerId/],
  ['InvalidRegionId.NotFound', 404, target({ RegionId: 'mars-1' }), /"mars-1".*cn-hangzhou/],
  ['InvalidParameter', 400, '/?Action=%zz', /percent-encoded/],
  ['InvalidParameter', 400, '/?Action=%ff', /percent-encoded UTF-8/],
  ['InvalidParameter', 400, '/?Action=a&Action=b', /"Action" is given twice/],
  ['InvalidParameter', 400, target({ PageNumber: 'x' }), /"PageNumber"/],
  ['InvalidParameter', 400, target({ 'Tag.a.Key': 'k' }), /"Tag\.a\.Key" is no item.*Tag\.1\.<member>/],
  ['InvalidParameter', 400, target({ 'Tag.0x1.Key': 'k' }), /"Tag\.0x1\.Key"/],
  ['InvalidParameter', 400, target({ 'tag.01.key': 'k' }), /"tag\.01\.key"/],
  ['InvalidParameter', 400, target({ 'Tag.1': 'k' }), /"Tag\.1".*Tag\.1\.<member>/],
  ['InvalidParameter', 400, target({ Tag: '[{"Key":"k"}]' }), /"Tag".*Tag\.1\.<member>/],
];

test('each error of the gateway has its code, its status and its words, in JSON and in XML', async () => {
  await using api = await openApi();
  for (const [code, status, query, message] of cases) {
    const { body, ...answer } = await send(api, query);
    assert.deepEqual([query, answer.status, body['Code']], [query, status, code]);
    assert.equal(gatewayCodes[code], status, `docs/api.md names ${code}`);
    if (typeof message === 'string') assert.equal(body['Message'], message);
    else assert.match(String(body['Message']), message);
    assert.deepEqual(Object.keys(body), ['RequestId', 'HostId', 'Code', 'Message', 'Recommend']);
    for (const value of Object.values(body)) assert.ok(typeof value === 'string' && value !== '');
    assert.equal(body['HostId'], api.endpoint);
    assert.equal(answer.headers.get('x-acs-request-id'), body['RequestId']);
  }
  assert.deepEqual([api.warnings, api.calls], [[], []]);
});

test('a request that asks for XML hears of an error in XML, even one that nobody signed', async () => {
  await using api = await openApi();
  const xmlTarget = (query: string) =>
    query.includes('Format=JSON') ? query.replace('Format=JSON', 'Format=xml') : null;
  let compared = 0;
  for (const [code, status, query] of cases) {
    const asked = xmlTarget(query);
    if (asked === null) continue;
    const response = await fetch(`http://${api.endpoint}${asked}`);
    const text = await response.text();
    assert.equal(response.headers.get('content-type'), 'text/xml;charset=utf-8', text);
    const { Error: error } = new XMLParser({ parseTagValue: false }).parse(text) as { Error: Record<string, string> };
    assert.deepEqual(Object.keys(error), ['RequestId', 'HostId', 'Code', 'Message', 'Recommend']);
    // The signature covers Format, so what a signature is needed for ends there.
    if (error['Code'] !== 'SignatureDoesNotMatch') assert.deepEqual([error['Code'], response.status], [code, status]);
    compared += 1;
  }
  assert.ok(compared > 25);
});

test('a nonce that was used and a conflict with something under way have their codes', async () => {
  await using api = await openApi({
    listDisks: () => {
      throw new RequestError('OperationConflict', 'x');
    },
  });
  const query = target();
  const first = await send(api, query);
  assert.deepEqual([first.status, first.body['Code']], [409, 'OperationConflict']);
  const { status, body } = await send(api, query);
  assert.deepEqual([status, body['Code']], [400, 'SignatureNonceUsed']);
});

test('a host of another product is no host of ours, whichever way it is named', async () => {
  await using api = await openApi();
  const query = target().slice(2);
  for (const [line, host, isOurs] of [
    ['http://ecs-cn-hangzhou.aliyuncs.com/', 'ecs-cn-hangzhou.aliyuncs.com', true],
    ['http://ecs.aliyuncs.com', 'x', true],
    ['/', 'ecs-vpc.cn-hangzhou.aliyuncs.com:80', true],
    ['/', 'box.example', true],
    ['http://vpc.aliyuncs.com/', 'vpc.aliyuncs.com', false],
    ['/', 'location-readonly.aliyuncs.com', false],
    ['HTTP://Business.AP-1.aliyuncs.com:80/', 'x', false],
  ] as const) {
    const { status, body } = parseRaw(await sendRaw(api, `GET ${line}?${query} HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
    if (isOurs) assert.notEqual(body['Code'], 'InvalidProduct.NotFound', `${line} ${host}`);
    else assert.deepEqual([line, status, body['Code']], [line, 404, 'InvalidProduct.NotFound']);
  }
});

const FORM = 'Content-Type: application/x-www-form-urlencoded\r\n';

function post(headers: string, body: string): string {
  return `POST / HTTP/1.1\r\nHost: x\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

test('what is no API request still gets a JSON answer', async () => {
  await using api = await openApi();
  const fine = target().slice(2);
  const requests: [name: string, request: string, status: number, code: string, message?: RegExp][] = [
    ['nothing asked', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'MissingAction'],
    ['an empty POST', post('', ''), 400, 'MissingAction'],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400, 'MissingAction'],
    ['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', 400, 'MissingAction'],
    ['three slashes', 'GET ///? HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'MissingAction'],
    ['PUT', 'PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n', 403, 'UnsupportedHTTPMethod', /PUT.*GET or POST/],
    ['OPTIONS', 'OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n', 403, 'UnsupportedHTTPMethod'],
    ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n', 403, 'UnsupportedHTTPMethod'],
    ['CONNECT', 'CONNECT ecs.aliyuncs.com:443 HTTP/1.1\r\nHost: x\r\n\r\n', 403, 'UnsupportedHTTPMethod'],
    [
      'an upgrade',
      `GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
      400,
      'MissingAction',
    ],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'InvalidParameter'],
    ['an unheard Expect', post('Expect: miracles\r\n', ''), 400, 'MissingAction'],
    ['another path', 'GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n', 404, 'InvalidApi.NotFound'],
    ['JSON', post('Content-Type: application/json\r\n', '{}'), 400, 'UnsupportedParameter', /application\/json.*form/],
    [
      'a multipart form',
      post('Content-Type: multipart/form-data; boundary=x\r\n', '--x--'),
      400,
      'UnsupportedParameter',
    ],
    [
      'gzip',
      post(`${FORM}Content-Encoding: gzip\r\n`, '\x1f\x8b'),
      400,
      'UnsupportedParameter',
      /compressed as "gzip"/,
    ],
    ['two types', post(`${FORM}Content-Type: text/plain\r\n`, 'a=b'), 400, 'InvalidParameter', /content-type.*twice/],
    [
      'two keys',
      `GET /?${fine} HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n`,
      400,
      'InvalidParameter',
    ],
    [
      'a line too long',
      `GET /?a=${'x'.repeat(200_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
      431,
      'InvalidParameter',
      /131072/,
    ],
    ['two lengths', post('Content-Length: 7\r\n', 'a=b'), 400, 'InvalidParameter', /not valid HTTP/],
    ['a length and chunks', post('Transfer-Encoding: chunked\r\n', '0\r\n\r\n'), 400, 'InvalidParameter'],
    [
      'a broken chunk',
      'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      400,
      'InvalidParameter',
    ],
    ['garbage', 'hello\r\n\r\n', 400, 'InvalidParameter'],
  ];
  for (const [name, request, status, code, message] of requests) {
    const answer = parseRaw(await sendRaw(api, request));
    assert.deepEqual([name, answer.status, answer.body['Code']], [name, status, code]);
    if (status !== 431) assert.equal(gatewayCodes[code], status, `docs/api.md names ${code}`);
    if (message !== undefined) assert.match(String(answer.body['Message']), message);
  }
  assert.deepEqual(api.warnings, []);
});

test('what clients do besides is understood', async () => {
  await using api = await openApi();
  const signedForm = (changes: Pair[] = []) =>
    encodePairs(signPairs('POST', [...commonPairs('DescribeDisks'), ...changes]));
  const inGet = encodePairs(signPairs('GET', commonPairs('DescribeDisks')));
  const body = signedForm();
  const requests: [name: string, request: string][] = [
    ['a charset', post('Content-Type: application/x-www-form-urlencoded;charset=UTF-8\r\n', signedForm())],
    ['a type in capitals', post('CONTENT-TYPE: Application/X-WWW-Form-URLencoded\r\n', signedForm())],
    ['no type', post('', signedForm())],
    ['one type twice', post(`${FORM}${FORM}`, signedForm())],
    ['an identity encoding', post(`${FORM}Content-Encoding: identity\r\n`, signedForm())],
    ['a body on GET', `GET / HTTP/1.1\r\nHost: x\r\n${FORM}Content-Length: ${inGet.length}\r\n\r\n${inGet}`],
    ['HTTP/1.0', `GET ${target()} HTTP/1.0\r\n\r\n`],
    ['an owner', `GET ${target({ OwnerId: '1234567890', OwnerAccount: 'a@b' })} HTTP/1.1\r\nHost: x\r\n\r\n`],
    [
      'single chunks',
      `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${body.replace(/./g, '1\r\n$&\r\n')}0\r\n\r\n`,
    ],
    [
      'JSON announced, nothing sent',
      `POST ${target()} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n`.replace(
        'POST',
        'GET',
      ),
    ],
  ];
  for (const [name, request] of requests) {
    const answer = parseRaw(await sendRaw(api, request));
    assert.deepEqual([name, answer.status], [name, 200], JSON.stringify(answer.body));
  }
});

test('HEAD has the headers of an answer, and says how well the server is', async () => {
  await using api = await openApi();
  const refused = await fetch(`http://${api.endpoint}/`, { method: 'HEAD' });
  assert.deepEqual([refused.status, refused.headers.get('content-type')], [403, 'application/json;charset=utf-8']);
  assert.ok(Number(refused.headers.get('content-length')) > 0);
  assert.equal((await fetch(`http://${api.endpoint}/healthz`, { method: 'HEAD' })).status, 200);
});

test('a client that waits to be told goes on with its body', async () => {
  await using api = await openApi();
  const socket = net.connect(api.port, '127.0.0.1').setEncoding('utf8');
  const body = encodePairs(signPairs('POST', commonPairs('DescribeDisks')));
  socket.write(
    `POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${FORM}Expect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  const [told] = (await once(socket, 'data')) as [string];
  assert.match(told, /^HTTP\/1\.1 100 /);
  socket.write(body);
  const answer = (await Array.fromAsync(socket as AsyncIterable<string>)).join('');
  assert.equal(parseRaw(answer).status, 200);
});

test('a request that does not come to its end in time is told so', async () => {
  await using api = await openApi();
  const accepted = once(api.server, 'connection') as Promise<[net.Socket]>;
  const socket = net.connect(api.port, '127.0.0.1').setEncoding('utf8');
  const [mine] = await accepted;
  api.server.emit('clientError', Object.assign(new Error('slow'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), mine);
  const { status, body } = parseRaw((await Array.fromAsync(socket as AsyncIterable<string>)).join(''));
  assert.deepEqual([status, body['Code']], [408, 'InvalidParameter']);
});

test('a client that speaks TLS to plain http is let go without a word', async () => {
  await using api = await openApi();
  assert.equal(await sendRaw(api, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'), '');
  assert.deepEqual(api.warnings, []);
});

test('a tunnel that breaks off while it is refused does no harm', async () => {
  await using api = await openApi();
  const closed = new Promise((resolve) =>
    api.server.once('connect', (_message, socket) => socket.once('close', resolve)),
  );
  const socket = net.connect(api.port, '127.0.0.1');
  socket.write('CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(api.server, 'connect');
  socket.resetAndDestroy();
  await closed;
  assert.equal((await call(api, 'DescribeRegions')).status, 200);
});
