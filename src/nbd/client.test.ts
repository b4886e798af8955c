import test from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { MemoryDevice } from '../../test/support/block-devices.ts';
import { NbdClient } from './client.ts';
import { Option, OptionReply, encodeOptionReply } from './protocol.ts';
import { serveNbd } from './server.ts';
import { formatNbdUri } from './uri.ts';

/** Runs `body` against a listener that treats each client as `onClient` says. */
async function withListener(
  onClient: (socket: net.Socket) => void,
  body: (socketPath: string) => Promise<void>,
): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-nbd-'));
  const socketPath = path.join(folder, 's.sock');
  const listener = net.createServer(onClient);
  await new Promise<void>((resolve) => listener.listen(socketPath, resolve));
  try {
    await body(socketPath);
  } finally {
    listener.close();
    fs.rmSync(folder, { recursive: true });
  }
}

/** Why connecting failed. */
async function causeOf(socketPath: string): Promise<string> {
  const error: unknown = await NbdClient.connect({ socketPath, exportName: 'd-1' }).catch((reason: unknown) => reason);
  return error instanceof Error ? String(error.cause) : 'none';
}

test('a client connects by URI and learns size and mode', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-nbd-'));
  const socketPath = path.join(folder, 's.sock');
  const device = new MemoryDevice(12_288);
  device.readOnly = true;
  const server = await serveNbd({ socketPath, exportName: 'd-1', device });
  const client = await NbdClient.connect(formatNbdUri({ socketPath, exportName: 'd-1' }));
  assert.deepEqual([client.sizeBytes, client.readOnly], [12_288, true]);
  await assert.rejects(client.write(0, Buffer.alloc(1)), /EPERM/);
  await client.close();
  await assert.rejects(client.read(0, 1), /was closed/);
  await server.close();
  fs.rmSync(folder, { recursive: true });
});

test('when the server goes away everything under way fails, and so does what follows', async () => {
  const sockets: net.Socket[] = [];
  const greeting = Buffer.from('4e42444d4147494349484156454f50540003', 'hex');
  const answer = Buffer.concat([
    encodeOptionReply(Option.go, OptionReply.info, Buffer.from('000000000000001000000001', 'hex')),
    encodeOptionReply(Option.go, OptionReply.ack, Buffer.alloc(0)),
  ]);
  await withListener(
    (socket) => {
      sockets.push(socket);
      socket.write(greeting);
      socket.once('data', () => socket.write(answer));
    },
    async (socketPath) => {
      const client = await NbdClient.connect({ socketPath, exportName: 'd-1' });
      const pending = [client.read(0, 4096), client.flush(), client.write(0, Buffer.alloc(4096))];
      sockets[0]?.destroy();
      for (const result of await Promise.allSettled(pending)) {
        assert.ok(result.status === 'rejected' && /closed the connection/.test(String(result.reason)));
      }
      await client.closed;
      await assert.rejects(client.flush(), /closed the connection/);
      await client.close();
    },
  );
});

test('what is no NBD server, or ends during the handshake, is told apart from an absent one', async () => {
  await withListener(
    (socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    async (socketPath) => assert.match(await causeOf(socketPath), /no newstyle NBD server/),
  );
  await withListener(
    (socket) => void socket.end('NBD'),
    async (socketPath) => assert.match(await causeOf(socketPath), /closed the connection during the handshake/),
  );
  assert.match(await causeOf('/nonexistent/s.sock'), /closed the connection during the handshake/);
});
