import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import tls from 'node:tls';
import { systemClock } from '../lib/clock.ts';
import { systemFiles } from '../lib/files.ts';
import { systemRandom } from '../lib/random.ts';
import { shareOnePort } from './one-port.ts';
import { ensureServerCertificate } from './tls-folder.ts';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-one-port-'));
test.after(() => fs.rmSync(root, { recursive: true }));

const certificate = await ensureServerCertificate({
  files: systemFiles,
  folder: path.join(root, 'tls'),
  hostName: 'box',
  names: ['localhost', '127.0.0.1'],
  clock: systemClock,
  random: systemRandom,
  log: { info: () => undefined, warn: () => undefined },
});
const ca = fs.readFileSync(certificate.caFile);

async function openPort(patienceMs = 60_000) {
  const tell = (what: string) => (request: http.IncomingMessage, response: http.ServerResponse) => {
    let length = 0;
    request.on('data', (piece: Buffer) => (length += piece.length));
    request.on('end', () => response.end(`${what} ${request.url} ${length}`));
  };
  const server = https.createServer(certificate, tell('secure'));
  const endPlain = shareOnePort(server, http.createServer(tell('plain')), { patienceMs });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const connect = async () => {
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    return socket.setEncoding('latin1');
  };
  const close = async () => {
    server.close();
    server.closeAllConnections();
    endPlain();
    await once(server, 'close');
  };
  return { server, port, connect, endPlain, [Symbol.asyncDispose]: close };
}

async function readAll(socket: net.Socket): Promise<string> {
  return (await Array.fromAsync(socket as AsyncIterable<string>)).join('');
}

test('https is served, plain http on the same port goes to the other server', async () => {
  await using place = await openPort();
  const url = `127.0.0.1:${place.port}/x`;
  const secure = https.request(`https://${url}`, { method: 'POST', ca, agent: false });
  secure.end('a'.repeat(100_000));
  const [answer] = (await once(secure, 'response')) as [http.IncomingMessage];
  assert.equal((await Array.fromAsync(answer as AsyncIterable<Buffer>)).join(''), 'secure /x 100000');
  const plain = await fetch(`http://${url}`, { method: 'POST', body: 'b'.repeat(100_000) });
  assert.equal(await plain.text(), 'plain /x 100000');
});

test('what comes in single bytes is put together again, of both kinds', async () => {
  await using place = await openPort();
  const plain = await place.connect();
  for (const byte of 'GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n') {
    plain.write(byte);
    await new Promise(setImmediate);
  }
  assert.match(await readAll(plain), /plain \/slow 0/);
  const through = net.createServer((from) => {
    const to = net.connect(place.port, '127.0.0.1');
    to.pipe(from);
    from.once('data', (hello: Buffer) => {
      to.setNoDelay(true).write(hello.subarray(0, 1));
      setImmediate(() => {
        to.write(hello.subarray(1));
        from.pipe(to);
      });
    });
  });
  through.listen(0, '127.0.0.1');
  await once(through, 'listening');
  const socket = tls.connect({ port: (through.address() as AddressInfo).port, host: '127.0.0.1', ca });
  await once(socket, 'secureConnect');
  socket.write('GET /split HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  assert.match(await readAll(socket.setEncoding('latin1')), /secure \/split 0/);
  through.close();
});

test('a client that ends its side after a plain request still gets the answer', async () => {
  await using place = await openPort();
  const socket = await place.connect();
  socket.end('GET /half HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.match(await readAll(socket), /plain \/half 0/);
});

test('connections that say nothing, or speak http slowly, end when patience does', async () => {
  await using place = await openPort(50);
  for (const said of ['', 'GET / HT']) {
    const socket = await place.connect();
    socket.write(said);
    assert.equal(await readAll(socket), '');
  }
});

test('a connection that ends or breaks before its first byte leaves nothing', async () => {
  await using place = await openPort();
  const ended = await place.connect();
  ended.end();
  assert.equal(await readAll(ended), '');
  const accepted = once(place.server, 'connection') as Promise<[net.Socket]>;
  const broken = await place.connect();
  const [socket] = await accepted;
  const closed = new Promise((resolve) => socket.once('close', resolve)); // `once` would take the error for its own
  broken.resetAndDestroy();
  await closed;
});

test('closing ends what waits and what is plain', async () => {
  await using place = await openPort();
  const [silent, plain] = [await place.connect(), await place.connect()];
  plain.write('GET /kept HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(plain, 'data');
  place.endPlain();
  assert.deepEqual([await readAll(silent), await readAll(plain)], ['', '']);
});

test('closing ends a handshake that is half done', async () => {
  await using port = await openPort();
  const socket = await port.connect();
  socket.write(Buffer.from('16030100c8010000c40303', 'hex'));
  const whole = https.get({ host: '127.0.0.1', port: port.port, ca, path: '/', agent: false });
  const [answer] = (await once(whole, 'response')) as [http.IncomingMessage];
  answer.resume(); // by now the server has read what came before
  port.endPlain();
  assert.equal(await readAll(socket), '');
});

test('a broken handshake ends its connection', async () => {
  await using place = await openPort();
  const socket = await place.connect();
  socket.write('\x16\x03\x01\x00\x05garbage');
  const received = await readAll(socket);
  assert.ok(received === '' || received.startsWith('\x15'), 'neither nothing nor a TLS alert');
});
