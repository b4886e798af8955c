/** The API over https as `serve --tls` offers it: who trusts the CA is served, who does not refuses, who speaks http is told. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import test from 'node:test';
import tls from 'node:tls';
import { commonPairs, encodePairs, openApi, signPairs } from './api-fixture.ts';
import { openSecureApi } from './secure-fixture.ts';

interface Answer {
  status: number;
  type: string;
  text: string;
}

async function get(url: string, options: https.RequestOptions = {}): Promise<Answer> {
  const request = url.startsWith('https:')
    ? https.get(url, { agent: false, ...options })
    : http.get(url, { agent: false });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const text = (await Array.fromAsync(response as AsyncIterable<Buffer>)).join('');
  return { status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', text };
}

function signedTarget(): string {
  return `/?${encodePairs(signPairs('GET', commonPairs('DescribeRegions')))}`;
}

test('a client that trusts the CA is served, by address and by name', async () => {
  await using api = await openApi();
  await using secure = await openSecureApi(api);
  const { port, ca } = secure;
  for (const host of ['127.0.0.1', 'localhost']) {
    const answer = await get(`https://${host}:${port}${signedTarget()}`, { ca, family: 4 });
    assert.equal(answer.status, 200, answer.text);
    const { Regions } = JSON.parse(answer.text) as { Regions: { Region: { RegionEndpoint: string }[] } };
    assert.equal(Regions.Region[0]?.RegionEndpoint, secure.endpoint);
  }
  assert.deepEqual(await get(`https://127.0.0.1:${port}/healthz`, { ca }), {
    status: 200,
    type: 'application/json;charset=utf-8',
    text: '{"status":"ok"}',
  });
});

test('a client that does not trust the CA, or wants another name, refuses', async () => {
  await using api = await openApi();
  await using secure = await openSecureApi(api);
  await using other = await openSecureApi(api);
  const url = `https://127.0.0.1:${secure.port}${signedTarget()}`;
  await assert.rejects(get(url), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  await assert.rejects(get(url, { ca: other.ca }), { code: /CERT|SIGNATURE|VERIFY|ISSUER/ });
  await assert.rejects(get(url, { ca: secure.ca, servername: 'evil.example' }), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  });
  assert.deepEqual([api.calls, secure.warnings], [[], []]);
});

test('http to the port of https is told to use https, in the format that it asked for', async () => {
  await using api = await openApi();
  await using secure = await openSecureApi(api);
  const url = `http://127.0.0.1:${secure.port}`;
  for (const target of ['/healthz', '/nowhere', '/?Format=YAML', signedTarget()]) {
    const { status, type, text } = await get(`${url}${target}`);
    assert.deepEqual([target, status, type], [target, 400, 'application/json;charset=utf-8']);
    const body = JSON.parse(text) as Record<string, string>;
    assert.deepEqual([body['Code'], body['HostId']], ['InvalidProtocol.NeedSsl', secure.endpoint]);
  }
  const seen = signedTarget();
  await get(`${url}${seen}`);
  const again = await get(`https://127.0.0.1:${secure.port}${seen}`, { ca: secure.ca });
  assert.match(again.text, /"Code":"SignatureNonceUsed"/, 'what was seen on the way is of no use any more');
  const xml = await get(`${url}/?Format=XML`);
  assert.deepEqual([xml.status, xml.type], [400, 'text/xml;charset=utf-8']);
  assert.match(xml.text, /<Error>.*<Code>InvalidProtocol\.NeedSsl<\/Code>/);
  const posted = await fetch(`${url}/`, { method: 'POST', body: 'x'.repeat(300_000) });
  assert.equal(((await posted.json()) as Record<string, string>)['Code'], 'InvalidProtocol.NeedSsl');
  const broken = net.connect(secure.port, '127.0.0.1').setEncoding('utf8');
  broken.write('hello\r\n\r\n');
  const said = (await Array.fromAsync(broken as AsyncIterable<string>)).join('');
  assert.match(said, /^HTTP\/1\.1 400 .*"Code":"InvalidParameter"/s);
  assert.deepEqual(api.calls, []);
});

test('old TLS and broken handshakes are refused, and nobody hears of it', async () => {
  await using api = await openApi();
  await using secure = await openSecureApi(api);
  const { port, ca } = secure;
  const old = tls.connect({
    port,
    host: '127.0.0.1',
    ca,
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'ALL@SECLEVEL=0',
  });
  const [refusal] = (await once(old, 'error')) as [NodeJS.ErrnoException];
  assert.match(refusal.code ?? '', /PROTOCOL_VERSION|ALERT|ECONNRESET/);
  for (let index = 0; index < 20; index += 1) {
    const socket = net.connect(port, '127.0.0.1').on('error', () => undefined);
    socket.write(index % 2 === 0 ? '\x16\x03\x01\x00\x05garbage' : '\x16');
    if (index % 2 === 0) await once(socket.resume(), 'close');
    else socket.resetAndDestroy();
  }
  const modern = await get(`https://127.0.0.1:${port}${signedTarget()}`, { ca, minVersion: 'TLSv1.3' });
  const older = await get(`https://127.0.0.1:${port}${signedTarget()}`, { ca, maxVersion: 'TLSv1.2' });
  assert.deepEqual([modern.status, older.status, secure.warnings], [200, 200, []]);
});

test('broken http inside TLS gets its JSON answer', async () => {
  await using api = await openApi();
  await using secure = await openSecureApi(api);
  const socket = tls.connect({ port: secure.port, host: '127.0.0.1', ca: secure.ca }).setEncoding('utf8');
  socket.write('hello\r\n\r\n');
  const said = (await Array.fromAsync(socket as AsyncIterable<string>)).join('');
  assert.match(said, /^HTTP\/1\.1 400 .*"Code":"InvalidParameter"/s);
});
