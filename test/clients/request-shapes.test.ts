/**
 * One request of each client of `clients.md` 1, as it was seen on the wire: method, where Action and parameters are, what
 * is blank, how spaces are written, which headers. Each makes a disk whose description has every awkward character, over
 * http and over https, and reads the answer in the format it asked for.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import test from 'node:test';
import tls from 'node:tls';
import { XMLParser } from 'fast-xml-parser';
import { percentEncode, type Pair } from '../../src/api/percent.ts';
import { parseRequest } from '../../src/api/request.ts';
import { sha256Hex, signAcs3, stringToSignAcs3 } from '../../src/api/signature-acs3.ts';
import { formatSecond } from '../../src/ecs/times.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { ACCESS_KEY_ID, ACCESS_KEY_SECRET, call, commonPairs, openApi, signPairs } from './api-fixture.ts';
import { openSecureApi } from './secure-fixture.ts';

const DESCRIPTION = "a b+c *~!'() 测 <&> 100%";

const FORM = 'content-type: application/x-www-form-urlencoded';
const CLOSE = 'connection: close';

type Encode = (text: string) => string;
/** Go and Python's urlencode: a space is a plus. */
const plus: Encode = (text) => percentEncode(text).replaceAll('%20', '+');
/** The npm SDKs: what encodeURIComponent leaves alone goes raw. */
const raw: Encode = (text) => encodeURIComponent(text);

function join(pairs: readonly Pair[], encode: Encode): string {
  return pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
}

function business(description: string): Pair[] {
  return [
    ['ZoneId', 'cn-hangzhou-a'],
    ['DiskCategory', 'cloud_essd'],
    ['Size', '20'],
    ['Description', description],
    ['Tag.1.Key', 'k 1'],
    ['Tag.1.Value', 'v=1&2'],
  ];
}

function common(changes: Record<string, string> = {}): Pair[] {
  return [...new Map([...commonPairs('CreateDisk'), ...Object.entries(changes)])];
}

function message(line: string, headers: readonly string[], body = ''): string {
  const length = headers.some((header) => header.startsWith('transfer-encoding'))
    ? []
    : [`content-length: ${body.length}`];
  return `${[`${line} HTTP/1.1`, ...headers, ...length, CLOSE].join('\r\n')}\r\n\r\n${body}`;
}

function chunked(body: string): string {
  const pieces = body.match(/.{1,40}/gs) ?? [];
  return `${pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('')}0\r\n\r\n`;
}

/** A request signed in its headers, as the clients of ACS3 send it: a POST with the parameters in the query. */
function acs3(host: string, options: { extra?: Record<string, string>; chunkedForm?: boolean } = {}): string {
  const query = options.chunkedForm === true ? '' : join(business(DESCRIPTION), raw);
  const body = options.chunkedForm === true ? join(business(DESCRIPTION), raw) : '';
  const signed: Record<string, string> = {
    host,
    'x-acs-action': 'CreateDisk',
    'x-acs-version': '2014-05-26',
    'x-acs-date': formatSecond(systemClock.nowMs()),
    'x-acs-signature-nonce': systemRandom.bytes(32).toString('hex'),
    'x-acs-content-sha256': sha256Hex(body),
    ...(body === '' ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    ...options.extra,
  };
  const names = Object.keys(signed).sort();
  const request = parseRequest({
    method: 'POST',
    target: `/?${query}`,
    headers: Object.fromEntries(Object.entries(signed).map(([name, value]) => [name, [value]])),
    body: Buffer.from(body),
  });
  const signature = signAcs3(stringToSignAcs3(request, names), ACCESS_KEY_SECRET);
  const authorization = `ACS3-HMAC-SHA256 Credential=${ACCESS_KEY_ID},SignedHeaders=${names.join(';')},Signature=${signature}`;
  const headers = [...Object.entries(signed), ['authorization', authorization], ['accept', 'application/json']];
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  if (body === '') return message(`POST /?${query}`, lines);
  return message(`POST /?${query}`, [...lines, 'transfer-encoding: chunked'], chunked(body));
}

const shapes: Record<string, (host: string) => string> = {
  'aliyun CLI, Go SDK v1: everything in the query of a POST, blanks too': (host) => {
    const pairs = [
      ...common({ SignatureType: '', RegionId: 'cn-hangzhou', SecurityToken: '' }),
      ...business(DESCRIPTION),
    ];
    return message(`POST /?${join(signPairs('POST', pairs), plus)}`, [
      `host: ${host}`,
      'user-agent: AlibabaCloud (linux; amd64) Golang/1.24 Core/1.63.107 Aliyun-CLI/3.0.230',
      'x-acs-action: CreateDisk',
      'x-acs-version: 2014-05-26',
      'x-sdk-client: golang/1.0.0',
      'x-sdk-invoke-type: common',
      'accept-encoding: identity',
      FORM,
    ]);
  },
  'aliyun CLI --method GET, RegionId beside regionId': (host) => {
    const pairs = [
      ...common({ SignatureType: '', RegionId: 'cn-hangzhou', regionId: 'cn-hangzhou' }),
      ...business(DESCRIPTION),
    ];
    return message(`GET /?${join(signPairs('GET', pairs), plus)}`, [`host: ${host}`, 'accept-encoding: identity']);
  },
  'aliyun CLI --header Accept=application/xml': (host) => {
    const pairs = [...common({ Format: 'XML', RegionId: 'cn-hangzhou' }), ...business(DESCRIPTION)];
    return message(`POST /?${join(signPairs('POST', pairs), plus)}`, [
      `host: ${host}`,
      'accept: application/xml',
      FORM,
    ]);
  },
  'Python SDK core: spaces as %20, blanks, an Accept of everything': (host) => {
    const pairs = [...common({ RegionId: 'cn-hangzhou', SignatureType: '' }), ...business(DESCRIPTION)];
    return message(`POST /?${join(signPairs('POST', pairs), percentEncode)}`, [
      `host: ${host}`,
      'accept: */*',
      'accept-encoding: identity',
      'x-sdk-client: python/2.0.0',
      FORM,
    ]);
  },
  'pop-core GET': (host) => {
    const pairs = [...common(), ...business(DESCRIPTION)];
    return message(`GET /?${join(signPairs('GET', pairs), percentEncode)}`, [
      `host: ${host}`,
      'x-acs-action: CreateDisk',
      'x-acs-version: 2014-05-26',
      'x-sdk-client: Node.js(v20.20.2), Core/1.8.0',
    ]);
  },
  'pop-core POST: everything in the body, signature too': (host) => {
    const body = join(signPairs('POST', [...common(), ...business(DESCRIPTION)]), percentEncode);
    return message('POST /', [`host: ${host}`, 'x-acs-action: CreateDisk', 'x-acs-version: 2014-05-26', FORM], body);
  },
  'libcloud: GET, always XML': (host) => {
    const pairs = [...common({ Format: 'XML' }), ...business(DESCRIPTION)];
    return message(`GET /?${join(signPairs('GET', pairs), plus)}`, [
      `host: ${host}`,
      'user-agent: libcloud/3.4.1 (Aliyun ECS)',
      'accept-encoding: gzip, deflate',
      'accept: */*',
    ]);
  },
  'fog-aliyun: two slashes': (host) => {
    const pairs = [...common(), ...business(DESCRIPTION)];
    return message(`GET //?${join(signPairs('GET', pairs), percentEncode)}`, [`host: ${host}`]);
  },
  'Terraform: the business parameters in the body, the others in the query, json in lower case': (host) =>
    terraform(host, business(DESCRIPTION)),
  'Terraform on images: business parameters in both places': (host) => terraform(host, business(DESCRIPTION).slice(2)),
  'npm ecs20140526: all but the parameters in signed headers': (host) =>
    acs3(host, { extra: { 'x-acs-credentials-provider': 'static_ak' } }),
  'Go SDK v2, no credentials provider': (host) => acs3(host),
  'openapi-client: a chunked form': (host) => acs3(host, { chunkedForm: true }),
  'openapi-client with signature v2: POST, all in the query': (host) => {
    const pairs = [...common({ Format: 'json' }), ...business(DESCRIPTION)];
    return message(`POST /?${join(signPairs('POST', pairs), raw)}`, [`host: ${host}`, 'accept: application/json']);
  },
  'Packer 1.6.6 behind HTTP_PROXY: absolute form, another host': () => {
    const pairs = [...common({ SignatureType: '', RegionId: 'cn-hangzhou' }), ...business(DESCRIPTION)];
    const target = `http://ecs-cn-hangzhou.aliyuncs.com/?${join(signPairs('POST', pairs), plus)}`;
    return message(`POST ${target}`, ['host: ecs-cn-hangzhou.aliyuncs.com', FORM]);
  },
};

function terraform(host: string, inBody: readonly Pair[]): string {
  const names = new Set(inBody.map(([name]) => name));
  const signed = signPairs('POST', [...common({ Format: 'json' }), ...business(DESCRIPTION)]);
  const query = join(
    signed.filter(([name]) => !names.has(name)),
    plus,
  );
  const headers = [`host: ${host}`, 'x-acs-action: CreateDisk', `${FORM}; charset=utf-8`];
  return message(`POST /?${query}`, headers, join(inBody, plus));
}

for (const [client, shape] of Object.entries(shapes)) {
  test(`${client}: understood over http and https`, async () => {
    await using api = await openApi();
    await using secure = await openSecureApi(api);
    const connections = [
      { host: api.endpoint, connect: () => net.connect(api.port, '127.0.0.1') },
      { host: secure.endpoint, connect: () => tls.connect({ port: secure.port, host: '127.0.0.1', ca: secure.ca }) },
    ];
    for (const { host, connect } of connections) {
      const bytes = shape(host);
      const answer = parse(await exchange(connect(), bytes));
      const isXml = bytes.includes('Format=XML');
      assert.deepEqual([answer.status, answer.root], [200, isXml ? 'CreateDiskResponse' : 'JSON'], answer.text);
      const { DiskId: diskId, RequestId: requestId } = answer.body;
      assert.match(requestId ?? '', /^[0-9A-F-]{36}$/);
      const { body } = await call(api, 'DescribeDisks', { DiskIds: JSON.stringify([diskId]) });
      const [disk] = (body['Disks'] as { Disk: { Description: string; Tags: { Tag: Record<string, string>[] } }[] })
        .Disk;
      assert.equal(disk?.Description, DESCRIPTION);
      assert.deepEqual(
        disk.Tags.Tag.map((tag) => [tag['TagKey'], tag['TagValue']]),
        [['k 1', 'v=1&2']],
      );
    }
    assert.deepEqual([...api.warnings, ...secure.warnings], []);
  });
}

async function exchange(socket: net.Socket, bytes: string): Promise<string> {
  await once(socket, socket instanceof tls.TLSSocket ? 'secureConnect' : 'connect');
  socket.write(bytes);
  return (await Array.fromAsync(socket.setEncoding('utf8') as AsyncIterable<string>)).join('');
}

function parse(received: string): { status: number; root: string; body: Record<string, string>; text: string } {
  const [head = '', text = ''] = received.split('\r\n\r\n', 2);
  const status = Number(head.split(' ', 2)[1]);
  if (/^content-type: application\/json;charset=utf-8\r?$/im.test(head)) {
    return { status, root: 'JSON', body: JSON.parse(text) as Record<string, string>, text };
  }
  assert.match(head, /^content-type: text\/xml;charset=utf-8\r?$/im, received);
  const [, [root, body] = ['', {}]] = Object.entries(new XMLParser().parse(text) as Record<string, object>);
  return { status, root, body: body as Record<string, string>, text };
}
