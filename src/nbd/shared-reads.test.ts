/** Sockets that share a buffer: nobody sees another's bytes, and the server's own bookkeeping ends with each. */
import test from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { readShared } from './shared-reads.ts';

function newPath(t: test.TestContext): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-shared-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  return path.join(folder, 'socket');
}

test('sockets are read into one buffer, and each gets its own bytes', async (t) => {
  const socketPath = newPath(t);
  const buffers = new Set<ArrayBufferLike>();
  const received: string[] = [];
  const server = net.createServer((accepted) => {
    const index = received.push('') - 1;
    const socket = readShared(accepted, (data) => {
      buffers.add(data.buffer);
      received[index] += data.toString('latin1');
      socket.write(data.subarray(0, 1));
    });
    assert.notEqual(socket, accepted, 'this Node hides the handle: every read makes a buffer');
  });
  server.listen(socketPath);
  await once(server, 'listening');
  const clients = ['a', 'b', 'c'].map((letter) => ({ letter, socket: net.connect(socketPath) }));
  for (let round = 0; round < 20; round++) {
    for (const { letter, socket } of clients) {
      socket.write(letter.repeat(1000));
      await once(socket, 'data');
    }
  }
  for (const { socket } of clients) {
    socket.end();
    await once(socket, 'close');
  }
  assert.deepEqual(
    received.toSorted(),
    ['a', 'b', 'c'].map((letter) => letter.repeat(20_000)),
  );
  assert.equal(buffers.size, 1);
  server.close();
  await once(server, 'close');
});

test('a socket that is paused brings nothing, and all of it after it is resumed', async (t) => {
  const socketPath = newPath(t);
  let received = 0;
  const accepting = Promise.withResolvers<net.Socket>();
  const server = net.createServer((accepted) => {
    accepting.resolve(
      readShared(accepted, (data) => {
        received += data.length;
      }),
    );
  });
  server.listen(socketPath);
  await once(server, 'listening');
  const client = net.connect(socketPath);
  const socket = await accepting.promise;
  socket.pause();
  const sent = new Promise((resolve) => client.end(Buffer.alloc(3_000_000), () => resolve(undefined)));
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(received, 0);
  socket.resume();
  await sent;
  await once(socket, 'close');
  assert.equal(received, 3_000_000);
  server.close();
  await once(server, 'close');
});
