/**
 * Random requests: broken HTTP, and signed ones with every parameter there is and values that nobody expects, in query or
 * body. Whatever comes, the answer is JSON, or XML if that was asked for, soon, and never a failure of ours. A failing case
 * prints its seed.
 */
import assert from 'node:assert/strict';
import net from 'node:net';
import test from 'node:test';
import { once } from 'node:events';
import * as fc from 'fast-check';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { coveredNames } from '../../src/api/parameters.ts';
import { versionOf } from '../../src/api/products.ts';
import { EMPTY_IMAGE_ID } from '../../src/control/empty-image.ts';
import { everyAction, makeUser, policyOf } from './access-fixture.ts';
import {
  ACCESS_KEY_ID,
  ACCESS_KEY_SECRET,
  commonPairs,
  encodePairs,
  openApi,
  signPairs,
  type ApiFixture,
} from './api-fixture.ts';

const ANSWER_WITHIN_MS = 5_000;
const RUNS = Number(process.env['HUPO_FUZZ'] ?? 2_500);

const likely = [
  'true',
  'false',
  '1',
  '20',
  '100',
  'all',
  'Available',
  'cloud_essd',
  'cloud',
  'PL1',
  'cn-hangzhou',
  'cn-hangzhou-a',
];
const plausible = [
  'ecs.external.large',
  EMPTY_IMAGE_ID,
  '["d-1"]',
  '[]',
  '/dev/xvdb',
  'name-1',
  '2026-01-01T00:00Z',
  'CreationStartTime',
];
const nasty = [
  '',
  ' ',
  '-1',
  '1e999',
  '９',
  '\0',
  '\u{1F600}',
  '{"__proto__":1}',
  '[[[[',
  '__proto__',
  'constructor',
  '*'.repeat(500),
  '%00',
  'a=b&c',
  '\r\n',
];

const value = fc.oneof(
  { arbitrary: fc.constantFrom(...likely, ...plausible), weight: 4 },
  { arbitrary: fc.constantFrom(...nasty), weight: 2 },
  { arbitrary: fc.string({ unit: 'binary', maxLength: 80 }).map((text) => text.toWellFormed()), weight: 1 },
);

const signedRequest = fc.constantFrom(...everyAction).chain((action) => {
  const names = coveredNames(action.parameters).flatMap((name) => [
    name.replaceAll('.N', '.1').replace('.*', '.Any'),
    name.replaceAll('.N', '.17'),
  ]);
  const name = fc.oneof(
    { arbitrary: fc.constantFrom('RegionId', ...names), weight: 9 },
    { arbitrary: fc.constantFrom('__proto__', 'Tag.', 'Tag..Key', 'DataDisk.99999.Size', 'x'.repeat(300)), weight: 1 },
  );
  return fc.record({
    action: fc.constant(action),
    method: fc.constantFrom('GET', 'POST'),
    format: fc.constantFrom('JSON', 'xml'),
    inBody: fc.boolean(),
    parameters: fc.dictionary(name, value, { maxKeys: 8 }),
  });
});

/** Root may do everything; the other may read disks and make them, so that some of its requests are refused and some done. */
const limited = policyOf(
  { Effect: 'Allow', Action: ['ecs:*Disk*', 'ecs:*Regions', 'ram:List*', 'sts:*'], Resource: '*' },
  { Effect: 'Deny', Action: '*', Resource: '*', Condition: { StringEquals: { 'acs:RequestTag/true': 'false' } } },
);

for (const who of ['root', 'a limited user'] as const) {
  test(`signed requests of ${who} with random parameters never fail by our fault`, async (context) => {
    await using api = await openApi();
    const eva = await makeUser(api, 'eva', limited);
    const root = { accessKeyId: ACCESS_KEY_ID, secret: ACCESS_KEY_SECRET };
    const { accessKeyId, secret } = who === 'root' ? root : eva.key;
    const counts = { good: 0, denied: 0 };
    await fc.assert(
      fc.asyncProperty(signedRequest, async ({ action, method, format, inBody, parameters }) => {
        const common = new Map([
          ...commonPairs(action.name),
          ['Version', versionOf(action.service)] as const,
          ['AccessKeyId', accessKeyId] as const,
          ['Format', format] as const,
        ]);
        const pairs = signPairs(method, [...common, ...Object.entries(parameters)], secret);
        const { status, body } = await ask(api, { method, format, encoded: encodePairs(pairs), inBody });
        assert.ok(status === 200 || (status >= 400 && status < 500), `${status} ${JSON.stringify(body)}`);
        assert.equal(status === 200, body['Code'] === undefined);
        assert.notEqual(body['Code'], 'SignatureDoesNotMatch');
        const isAllowed = /^ecs:.*(Disk|Regions$)|^ram:List|^sts:/.test(`${action.service}:${action.name}`);
        if (who !== 'root' && !isAllowed) assert.match(String(body['Code']), /^(Forbidden\.RAM|NoPermission|Invalid)/);
        assert.deepEqual(api.warnings, []);
        counts.good += status === 200 ? 1 : 0;
        counts.denied += body['Code'] === 'Forbidden.RAM' || body['Code'] === 'NoPermission' ? 1 : 0;
      }),
      { numRuns: RUNS },
    );
    context.diagnostic(`${counts.good} of ${RUNS} requests were good ones, ${counts.denied} were denied`);
    assert.ok(counts.good > 20, 'hardly a request was good: the generator reaches nothing');
    assert.equal(counts.denied > 100, who !== 'root');
  });
}

/** Sends the pairs in the query, or in the body of a POST, and takes the answer in the format that was asked for. */
async function ask(
  api: ApiFixture,
  request: { method: string; format: string; encoded: string; inBody: boolean },
): Promise<{ status: number; body: Record<string, unknown> }> {
  const { method, format, encoded, inBody } = request;
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
  const isForm = inBody && method === 'POST';
  const init = isForm ? { body: new Blob([encoded]), headers: FORM } : {};
  const response = await fetch(`http://${api.endpoint}/${isForm ? '' : `?${encoded}`}`, { method, signal, ...init });
  const text = await response.text();
  const type = response.headers.get('content-type');
  if (format === 'JSON' || type?.startsWith('application/json') === true) {
    assert.equal(type, 'application/json;charset=utf-8');
    return { status: response.status, body: JSON.parse(text) as Record<string, unknown> };
  }
  assert.deepEqual([type, XMLValidator.validate(text)], ['text/xml;charset=utf-8', true], text);
  const [body] = Object.values(new XMLParser({ ignoreDeclaration: true }).parse(text) as Record<string, object>);
  return { status: response.status, body: { ...body } };
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

const mutation = fc.record({ at: fc.nat(2_000), remove: fc.nat(30), insert: fc.uint8Array({ maxLength: 12 }) });

test('broken HTTP is answered or dropped, never hung on and never our failure', async () => {
  await using api = await openApi();
  const shapes = [
    (query: string) => `GET /?${query} HTTP/1.1\r\nHost: x\r\n\r\n`,
    (query: string) =>
      `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${query.length}\r\n\r\n${query}`,
    (query: string) =>
      `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${query.length.toString(16)}\r\n${query}\r\n0\r\n\r\n`,
  ];
  const requests = shapes.map((shape) =>
    Buffer.from(shape(encodePairs(signPairs('GET', commonPairs('DescribeDisks')))), 'latin1'),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...requests), fc.array(mutation, { maxLength: 4 }), async (request, mutations) => {
      const answer = await exchange(api, mutations.reduce(mutate, request));
      assert.doesNotMatch(answer, /^HTTP\/1\.1 5/m);
      checkAnswers(answer);
      assert.deepEqual(api.warnings, []);
    }),
    { numRuns: Math.ceil(RUNS * 0.6) },
  );
});

/** Every answer on a connection is whole and JSON; one to go on with the body may come before. */
function checkAnswers(received: string): void {
  let rest = Buffer.from(received);
  while (rest.length > 0) {
    const end = rest.indexOf('\r\n\r\n');
    const head = rest.subarray(0, end).toString();
    rest = rest.subarray(end + 4);
    if (head.startsWith('HTTP/1.1 100')) continue;
    assert.match(head, /^content-type: application\/json;charset=utf-8\r?$/im);
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1]);
    JSON.parse(rest.subarray(0, length).toString());
    rest = rest.subarray(length);
  }
}

function mutate(request: Buffer, { at, remove, insert }: { at: number; remove: number; insert: Uint8Array }): Buffer {
  const start = at % request.length;
  return Buffer.concat([request.subarray(0, start), insert, request.subarray(start + remove)]);
}

/** Sends the bytes, ends the sending side and returns all that comes back until the server closes. */
async function exchange(api: ApiFixture, bytes: Buffer): Promise<string> {
  const socket = net.connect({ port: api.port, host: '127.0.0.1', allowHalfOpen: true });
  const hung = AbortSignal.timeout(ANSWER_WITHIN_MS);
  let received = '';
  socket.setEncoding('utf8').on('data', (piece: string) => (received += piece));
  socket.on('error', () => undefined); // A reset is a dropped connection.
  const closed = once(socket, 'end', { signal: hung }).catch((error: unknown) => {
    if (hung.aborted) throw error;
  });
  socket.end(bytes);
  await closed;
  socket.destroy();
  return received;
}
