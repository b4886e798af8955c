import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { FakeEcs } from '../../test/support/fake-ecs.ts';
import { systemClock } from '../lib/clock.ts';
import { systemRandom } from '../lib/random.ts';
import { makeAuthority, makeKey, makeServerCertificate } from '../tls/certificates.ts';
import { EcsClient, EcsError, type EcsClientOptions } from './ecs-client.ts';
import { signRequest } from '../lib/acs3-request.ts';
import { nodeDigests } from '../lib/node-digests.ts';

const KEY = { accessKeyId: 'testid', accessKeySecret: 'testsecret' };

test('a request is signed as the recorded vector says', () => {
  const request = signRequest(
    KEY,
    {
      action: 'CreateSnapshot',
      parameters: { SnapshotName: 'a b+c', DiskId: 'd-bp1 *~测', 'Tag.1.Value': '', 'Tag.1.Key': 'k' },
      host: 'ecs.example.internal:8080',
      date: '2026-01-02T03:04:05Z',
      nonce: '0123456789abcdef0123456789abcdef',
    },
    nodeDigests,
  );
  assert.equal(request.path, '/?DiskId=d-bp1%20%2A~%E6%B5%8B&SnapshotName=a%20b%2Bc&Tag.1.Key=k&Tag.1.Value=');
  assert.equal(
    request.headers['authorization'],
    'ACS3-HMAC-SHA256 Credential=testid,' +
      'SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,' +
      'Signature=a0f0036e5fdec7b94c6cd9bc2d33b84c3f861c62e5f5b53c85f99846ab07501d',
  );
});

test('headers of one’s own travel along, those of the protocol signed; a GET has no body', () => {
  const call = { action: 'A', parameters: { P: '1' }, host: 'h', date: 'd', nonce: 'n' };
  const request = signRequest(
    { ...KEY, stsToken: 'token' },
    { ...call, method: 'GET', headers: { 'X-Acs-Source-Ip': '127.0.0.1', 'X-Mine': 'v', Accept: 'text/xml' } },
    nodeDigests,
  );
  assert.equal(request.method, 'GET');
  assert.equal(request.headers['x-mine'], 'v');
  assert.equal(request.headers['accept'], 'text/xml');
  assert.equal(request.headers['content-length'], undefined);
  assert.match(
    request.headers['authorization'] ?? '',
    /SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-security-token;x-acs-signature-nonce;x-acs-source-ip;x-acs-version,/,
  );
  const form = signRequest(KEY, { ...call, body: 'Q=2' }, nodeDigests);
  assert.equal(form.path, '/?P=1');
  assert.match(form.headers['authorization'] ?? '', /SignedHeaders=content-type;host;/);
});

test('long parameters travel in a form, short ones in the query', async () => {
  const ecs = await FakeEcs.start({ Echo: { RequestId: 'R' } });
  const client = new EcsClient({ endpoint: ecs.endpoint, ...KEY, region: 'cn-test' });
  await client.call('Echo', { Text: 'ü '.repeat(3000) });
  await client.call('Echo', { Text: 'short', RegionId: 'other' });
  await ecs.close();
  const [long, short] = ecs.calls;
  assert.equal(long?.headers['content-type'], 'application/x-www-form-urlencoded');
  assert.deepEqual(long?.parameters, { RegionId: 'cn-test', Text: 'ü '.repeat(3000) });
  assert.equal(short?.headers['content-type'], undefined);
  assert.deepEqual(short?.parameters, { RegionId: 'other', Text: 'short' });
  assert.notEqual(long?.headers['x-acs-signature-nonce'], short?.headers['x-acs-signature-nonce']);
});

test('a refusal carries code, message, request id and status', async () => {
  const body = { Code: 'InvalidDiskId.NotFound', Message: 'no such disk', RequestId: 'R-1', Recommend: 'https://x' };
  const ecs = await FakeEcs.start({ DeleteDisk: { refuse: 404, body } });
  const client = new EcsClient({ endpoint: ecs.endpoint, ...KEY });
  await assert.rejects(client.call('DeleteDisk'), (error) => {
    assert.ok(error instanceof EcsError);
    const { code, message, requestId, status, recommend } = error;
    assert.deepEqual([code, message, requestId, status, recommend], [body.Code, body.Message, 'R-1', 404, 'https://x']);
    return true;
  });
  await ecs.close();
});

test('a refusal in XML is read as well, and a differing string to sign tells a changed request', async () => {
  const xml =
    '<?xml version="1.0"?><Error><RequestId>R</RequestId><Code>C.D</Code><Message>a &lt;b&gt; &amp;lt;</Message></Error>';
  const server = http.createServer((_request, response) => void response.writeHead(400).end(xml));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = new EcsClient({ endpoint: `http://127.0.0.1:${port}`, ...KEY });
  await assert.rejects(client.send('Echo', { Format: 'XML' }), { code: 'C.D', message: 'a <b> &lt;', requestId: 'R' });
  server.close();
  const Message = 'Specified signature is not matched with our calculation. server string to sign is:other';
  const ecs = await FakeEcs.start({ Echo: { refuse: 400, body: { Code: 'SignatureDoesNotMatch', Message } } });
  await assert.rejects(new EcsClient({ endpoint: ecs.endpoint, ...KEY }).call('Echo'), { isSecretWrong: false });
  await ecs.close();
});

test('a RegionId in any case is not sent a second time', async () => {
  const ecs = await FakeEcs.start({ Echo: { RequestId: 'R' } });
  await new EcsClient({ endpoint: ecs.endpoint, ...KEY, region: 'own' }).call('Echo', { regionId: 'given' });
  await ecs.close();
  assert.deepEqual(ecs.calls[0]?.parameters, { regionId: 'given' });
});

test('a server that takes the request and never answers is given up', async () => {
  const server = net.createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = new EcsClient({ endpoint: `http://127.0.0.1:${port}`, ...KEY, readTimeoutMs: 100 });
  await assert.rejects(client.call('Echo'), /no answer within 0\.1 s/);
  server.close();
});

test('over https only a CA that is given is trusted, and the certificate’s names', async (t) => {
  const random = systemRandom;
  const making = { nowMs: systemClock.nowMs(), random };
  const [caKey, serverKey] = [makeKey(), makeKey()];
  const ca = await makeAuthority(caKey, 'Test CA', making);
  const cert = await makeServerCertificate(
    serverKey.publicKey,
    ['127.0.0.1'],
    { ...caKey, commonName: 'Test CA' },
    making,
  );
  const key = serverKey.privateKey.export({ type: 'pkcs8', format: 'pem' });
  const server = https.createServer({ key, cert }, (_request, response) => void response.end('{"RequestId":"R"}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const call = async (options: Partial<EcsClientOptions>, host = '127.0.0.1') =>
    new EcsClient({ endpoint: `https://${host}:${port}`, ...KEY, ...options }).call('Echo');
  assert.deepEqual(await call({ ca }), { RequestId: 'R' });
  assert.deepEqual(await call({ skipSecureVerify: true }), { RequestId: 'R' });
  await assert.rejects(call({}), /is not one that this command trusts .*--ca FILE or HUPO_CA/);
  await assert.rejects(call({ ca }, 'localhost'), /is not for this name/);
});

test('https to a server that speaks http says so', async () => {
  const ecs = await FakeEcs.start({});
  const client = new EcsClient({ endpoint: ecs.endpoint.replace('http:', 'https:'), ...KEY });
  await assert.rejects(client.call('Echo'), /does not speak https: if it speaks http, give http:\/\/…/);
  await ecs.close();
});

test('whoever answers with something else, or not at all, is named with what to do', async () => {
  const ecs = await FakeEcs.start({ Echo: '<html>' });
  const { endpoint } = ecs;
  const client = new EcsClient({ endpoint, ...KEY, startHint: 'start one with: hupo serve' });
  await assert.rejects(client.call('Echo'), /but not with the JSON of an ECS API/);
  await ecs.close();
  await assert.rejects(client.call('Echo'), /no Hupo server answers at http.*; start one with: hupo serve$/);
});
