import test, { type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as fc from 'fast-check';
import { MemoryDevice } from '../../test/support/block-devices.ts';
import { RawNbdClient } from '../../test/support/raw-nbd-client.ts';
import { NbdClient } from './client.ts';
import { Command, CommandFlag, Option, encodeOption, encodeRequest } from './protocol.ts';
import { serveNbd, type NbdServer } from './server.ts';

interface Setup {
  device: MemoryDevice;
  server: NbdServer;
  socketPath: string;
  errors: string[];
  connect: () => Promise<NbdClient>;
}

async function start(t: TestContext, sizeBytes = 1024 * 1024): Promise<Setup> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-nbd-'));
  const device = new MemoryDevice(sizeBytes);
  const socketPath = path.join(folder, 'd-1.sock');
  const errors: string[] = [];
  const server = await serveNbd({ socketPath, exportName: 'd-1', device, onError: (message) => errors.push(message) });
  t.after(async () => {
    await server.close().catch(() => undefined);
    fs.rmSync(folder, { recursive: true });
  });
  return { device, server, socketPath, errors, connect: () => NbdClient.connect({ socketPath, exportName: 'd-1' }) };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn();
}

test('what many clients do at once equals what a byte array would hold', async (t) => {
  const step = fc.record({
    act: fc.constantFrom('write', 'write', 'fua', 'read', 'zero', 'trim', 'flush'),
    offset: fc.integer({ min: 0, max: 400_000 }),
    lengthBytes: fc.oneof(fc.integer({ min: 0, max: 9000 }), fc.integer({ min: 0, max: 300_000 })),
    fill: fc.integer({ min: 1, max: 255 }),
  });
  const setup = await start(t);
  const clients = await Promise.all([setup.connect(), setup.connect()]);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.boolean(), async (steps, isSlow) => {
      const { device } = setup;
      device.isSlow = isSlow;
      for (const [index, client] of clients.entries()) {
        const base = index * 524_288; // each client has its half, so that order within a half is the only order
        const model = Buffer.from(device.bytes.subarray(base, base + 524_288));
        for (const { act, offset, lengthBytes: wanted, fill } of steps) {
          const lengthBytes = Math.min(wanted, 524_288 - offset);
          const at = base + offset;
          if (act === 'write' || act === 'fua') {
            model.fill(fill, offset, offset + lengthBytes);
            await client.write(at, Buffer.alloc(lengthBytes, fill), { fua: act === 'fua' });
          } else if (act === 'zero') {
            model.fill(0, offset, offset + lengthBytes);
            await client.writeZeroes(at, lengthBytes);
          } else if (act === 'trim') {
            model.fill(0, offset, offset + lengthBytes);
            await client.trim(at, lengthBytes);
          } else if (act === 'flush') await client.flush();
          else assert.deepEqual(await client.read(at, lengthBytes), model.subarray(offset, offset + lengthBytes));
        }
        assert.ok(model.equals(device.bytes.subarray(base, base + 524_288)));
      }
    }),
    { numRuns: 25 },
  );
  await Promise.all(clients.map((client) => client.close()));
  await until(() => setup.server.clientCount === 0);
});

test('hundreds of requests in flight are each answered with their own bytes', async (t) => {
  for (const isSlow of [false, true]) {
    const { device, connect } = await start(t, 8 * 1024 * 1024);
    device.isSlow = isSlow;
    const client = await connect();
    const blocks = Array.from({ length: 2048 }, (_, index) => index);
    await Promise.all(blocks.map((block) => client.write(block * 4096, Buffer.alloc(4096, block % 251))));
    const read = await Promise.all(blocks.map((block) => client.read(block * 4096, 4096)));
    for (const block of blocks) assert.ok(read[block]?.equals(Buffer.alloc(4096, block % 251)));
    assert.ok(device.commitCount < 1000, `commits are shared by a batch: ${device.commitCount}`);
    const whole = await client.read(0, 8 * 1024 * 1024);
    assert.ok(whole.equals(device.bytes));
    await client.close();
  }
});

test('FUA and FLUSH are answered after a flush that began after the write, plain writes after a commit', async (t) => {
  const { device, connect } = await start(t);
  const client = await connect();
  await client.write(0, Buffer.alloc(4096, 1));
  assert.deepEqual([device.commitCount, device.flushCount], [1, 0]);
  await client.write(0, Buffer.alloc(4096, 1), { fua: true });
  assert.deepEqual([device.commitCount, device.flushCount], [2, 1]);
  await Promise.all(Array.from({ length: 50 }, () => client.flush()));
  assert.ok(device.flushCount <= 4, `flushes are shared: ${device.flushCount}`);
});

test('every refusal has its number, with simple and with structured replies, and harms nobody', async (t) => {
  const { socketPath, connect, device } = await start(t);
  const other = await connect();
  const cases: [number, number, number, number, number][] = [
    [Command.read, 1024 * 1024, 1, 0, 22],
    [Command.write, 1024 * 1024, 0, 16, 22],
    [Command.writeZeroes, 1, 1024 * 1024, 0, 28],
    [Command.trim, 2 ** 52, 4096, 0, 22],
    [99, 0, 4096, 0, 22],
    [Command.flush, 1, 0, 0, 22],
  ];
  const simple = new RawNbdClient(socketPath);
  await simple.enterTransmission({ structured: false });
  const structured = new RawNbdClient(socketPath);
  await structured.enterTransmission({ structured: true });
  for (const [cookie, [command, offset, lengthBytes, flags, error]] of cases.entries()) {
    simple.request(command, cookie, offset, lengthBytes, flags);
    assert.deepEqual(await simple.takeSimple(), { error, cookie });
    structured.request(command, cookie, offset, lengthBytes, flags);
    const header = await structured.take(20);
    assert.deepEqual([header.readUInt32BE(0), header.readUInt16BE(4), header.readUInt16BE(6)], [0x668e33ef, 1, 0x8001]);
    const payload = await structured.take(header.readUInt32BE(16));
    assert.equal(payload.readUInt32BE(0), error);
    assert.equal(payload.readUInt16BE(4), payload.length - 6);
  }
  simple.request(Command.write, 50, 1024 * 1024 - 10, 100_000);
  simple.socket.write(Buffer.alloc(100_000, 9));
  assert.deepEqual(await simple.takeSimple(), { error: 28, cookie: 50 });
  simple.request(Command.write, 51, 0, 40 * 1024 * 1024);
  simple.socket.write(Buffer.alloc(40 * 1024 * 1024));
  assert.deepEqual(await simple.takeSimple(), { error: 22, cookie: 51 });
  simple.socket.write(
    Buffer.concat([
      Buffer.from('25609513000000010000000700000034fffffffffffffff000000003', 'hex'), // WRITE near 2^64
      Buffer.from('abc'),
    ]),
  );
  assert.deepEqual(await simple.takeSimple(), { error: 28, cookie: 52 });
  device.readOnly = true;
  simple.request(Command.trim, 53, 0, 4096);
  assert.deepEqual(await simple.takeSimple(), { error: 1, cookie: 53 });
  assert.ok(device.bytes.equals(Buffer.alloc(1024 * 1024)));
  assert.equal((await other.read(0, 4096)).length, 4096);
});

test('a structured read is one chunk of data with its offset; a read of nothing has no data', async (t) => {
  const { socketPath, device } = await start(t);
  device.bytes.fill(5, 4096, 8192);
  const client = new RawNbdClient(socketPath);
  await client.enterTransmission({ structured: true });
  client.request(Command.read, 1, 4096, 4096, CommandFlag.df);
  const reply = await client.take(20 + 8 + 4096);
  assert.deepEqual([reply.readUInt16BE(4), reply.readUInt16BE(6), reply.readUInt32BE(16)], [1, 1, 4104]);
  assert.equal(reply.readBigUInt64BE(20), 4096n);
  assert.ok(reply.subarray(28).equals(Buffer.alloc(4096, 5)));
  client.request(Command.read, 2, 4096, 0);
  assert.deepEqual([...(await client.take(20)).subarray(4, 8)], [0, 1, 0, 0]);
});

test('block status tells of holes in as few extents as there are, of one with REQ_ONE, of none without a context', async (t) => {
  const { socketPath, device } = await start(t);
  device.bytes.fill(5, 8192, 16_384);
  const client = new RawNbdClient(socketPath);
  await client.enterTransmission({ structured: true, status: true });
  const ask = async (offset: number, lengthBytes: number, flags = 0): Promise<number[]> => {
    client.request(Command.blockStatus, 3, offset, lengthBytes, flags);
    const { isLast, type, cookie, payload } = await client.takeChunk();
    assert.deepEqual([isLast, type, cookie, payload.readUInt32BE(0)], [true, 5, 3, 1]);
    return Array.from({ length: (payload.length - 4) / 4 }, (_, index) => payload.readUInt32BE(4 + 4 * index));
  };
  assert.deepEqual(await ask(0, 65_536), [8192, 3, 8192, 0, 49_152, 3]);
  assert.deepEqual(await ask(4097, 8192), [4095, 3, 4097, 0]);
  assert.deepEqual(await ask(0, 65_536, 8), [8192, 3]);
  device.failures.set('status', new Error('unknown'));
  client.request(Command.blockStatus, 4, 0, 4096);
  assert.deepEqual((await client.takeChunk()).payload.readUInt32BE(0), 5);
  const plain = new RawNbdClient(socketPath);
  await plain.enterTransmission({ structured: true });
  plain.request(Command.blockStatus, 5, 0, 4096);
  assert.deepEqual((await plain.takeChunk()).payload.readUInt32BE(0), 22);
});

test('a write or a long read that fails in one piece tells which, with structured replies', async (t) => {
  for (const isSlow of [false, true]) {
    const { socketPath, device } = await start(t, 4 * 1024 * 1024);
    const client = new RawNbdClient(socketPath);
    await client.enterTransmission({ structured: true });
    const { read, write } = { read: device.read.bind(device), write: device.write.bind(device) };
    device.isSlow = isSlow;
    const fail = (offset: number, bytes: Buffer, bad: number) => offset <= bad && offset + bytes.length > bad;
    const failing = async () => {
      await nextTurn();
      throw new Error('bad');
    };
    device.read = (offset, target) => (fail(offset, target, 2_500_000) ? failing() : read(offset, target));
    device.write = (offset, data) => (fail(offset, data, 700_000) ? failing() : write(offset, data));
    client.request(Command.read, 1, 0, 4 * 1024 * 1024);
    const atRead = await client.takeChunk();
    client.request(Command.write, 2, 0, 1024 * 1024);
    client.socket.write(Buffer.alloc(1024 * 1024, 6));
    const atWrite = await client.takeChunk();
    for (const chunk of [atRead, atWrite]) {
      assert.deepEqual([chunk.isLast, chunk.type, chunk.payload.readUInt32BE(0)], [true, 0x8002, 5]);
      assert.equal(chunk.payload.subarray(6, -8).toString(), 'bad');
    }
    assert.equal(atRead.payload.readBigUInt64BE(9), 2n * 1024n * 1024n);
    const writeOffset = Number(atWrite.payload.readBigUInt64BE(9));
    assert.ok(writeOffset <= 700_000 && writeOffset > 700_000 - 65_536 && writeOffset % 4096 === 0, `${writeOffset}`);
    assert.ok(device.bytes.subarray(0, writeOffset).equals(Buffer.alloc(writeOffset, 6)));
  }
});

test('several connections: what one has been answered another reads, and a flush of one covers them all', async (t) => {
  const { device, connect } = await start(t);
  const [one, other] = await Promise.all([connect(), connect()]);
  let durable = Buffer.alloc(0);
  device.flush = async () => {
    const state = Buffer.from(device.bytes); // what was written when the flush began
    await nextTurn();
    durable = state;
  };
  for (let turn = 1; turn <= 50; turn++) {
    await Promise.all([one.write(turn * 4096, Buffer.alloc(4096, turn)), one.write(0, Buffer.alloc(512, turn))]);
    assert.ok((await other.read(turn * 4096, 4096)).equals(Buffer.alloc(4096, turn)));
    if (turn % 2 === 0) await other.flush();
    else await other.write(1_000_000, Buffer.alloc(1, turn), { fua: true });
    assert.deepEqual([durable[turn * 4096], durable[0]], [turn, turn]);
  }
});

test('a device that fails is EIO, one that is full is ENOSPC, and the log is told once in a row', async (t) => {
  for (const isSlow of [false, true]) {
    const { device, connect, errors } = await start(t);
    device.isSlow = isSlow;
    const client = await connect();
    device.failures.set('read', new Error('chunk 3 cannot be read'));
    await assert.rejects(client.read(0, 4096), /EIO/);
    await assert.rejects(client.read(0, 2 * 4096), /EIO/);
    assert.equal(errors.length, 1);
    assert.match(errors[0] ?? '', /disk d-1: command 0 at 0 \+ 4096 answered with EIO: chunk 3 cannot be read/);
    device.failures.set('write', Object.assign(new Error('full'), { code: 'ENOSPC' }));
    await assert.rejects(client.write(0, Buffer.alloc(300_000)), /ENOSPC/);
    device.failures.clear();
    device.failures.set('commit', new Error('journal'));
    await assert.rejects(client.write(0, Buffer.alloc(4096), { fua: true }), /EIO/);
    await assert.rejects(client.trim(0, 65536), /EIO/);
    device.failures.clear();
    device.failures.set('flush', new Error('sync'));
    await assert.rejects(client.flush(), /EIO/);
    device.failures.clear();
    await client.flush();
    await client.close();
  }
});

test('a client that never reads its replies is not read from, and others go on', async (t) => {
  const { device, socketPath, connect } = await start(t);
  const stalled = new RawNbdClient(socketPath);
  await stalled.enterTransmission({ structured: false });
  stalled.socket.pause();
  let readCount = 0;
  const read = device.read.bind(device);
  device.read = (offset, target) => {
    readCount++;
    return read(offset, target);
  };
  for (let index = 0; index < 100; index++) stalled.request(Command.read, index, 0, 1024 * 1024);
  const other = await connect();
  for (let turn = 0; turn < 200; turn++) await other.write(0, Buffer.alloc(4096, 3));
  assert.ok(readCount < 16, `${readCount} MiB are kept for the stalled client`);
  stalled.socket.removeAllListeners('data').resume();
  await until(() => readCount === 100);
  stalled.socket.destroy();
});

test('a write of which the client sent only a part leaves whole blocks, is not answered, and ends with the client', async (t) => {
  const { device, socketPath, server } = await start(t);
  const client = new RawNbdClient(socketPath);
  await client.enterTransmission({ structured: false });
  client.request(Command.write, 1, 0, 16384);
  client.socket.write(Buffer.alloc(10_000, 9));
  await until(() => device.pieces.length > 0);
  client.socket.destroy();
  await until(() => server.clientCount === 0);
  const written = device.bytes.lastIndexOf(9) + 1;
  assert.ok(written === 8192 || written === 4096, `${written} bytes`);
});

test('goodbye ends the connection after what was asked for is answered', async (t) => {
  const { device, socketPath, server } = await start(t);
  device.isSlow = true;
  const client = new RawNbdClient(socketPath);
  await client.enterTransmission({ structured: false });
  client.request(Command.read, 1, 0, 4096);
  client.request(Command.disconnect, 2);
  client.request(Command.read, 3, 0, 4096);
  assert.equal((await client.take(16 + 4096)).readUInt32BE(12), 1);
  if (!client.socket.closed) await once(client.socket, 'close');
  assert.equal(client.received.length, 0);
  await until(() => server.clientCount === 0);
});

test('closing answers what is under way, flushes, ends every client, even a stalled one, and unlinks the socket', async (t) => {
  const { device, socketPath, server, connect } = await start(t);
  device.isSlow = true;
  const client = await connect();
  const stalled = new RawNbdClient(socketPath);
  await stalled.enterTransmission({ structured: false });
  stalled.socket.pause();
  const write = client.write(0, Buffer.alloc(4096, 8));
  await until(() => device.pieces.length === 1);
  await server.close();
  await write;
  assert.equal(device.flushCount, 1);
  assert.equal(server.clientCount, 0);
  assert.equal(fs.existsSync(socketPath), false);
  await assert.rejects(client.read(0, 4096), /closed the connection/);
  await assert.rejects(connect(), /no NBD connection to d-1/);
  stalled.socket.destroy();
});

test('closing tells of a flush that failed, after all else is done', async (t) => {
  const { device, socketPath, server } = await start(t);
  device.failures.set('flush', new Error('sync failed'));
  await assert.rejects(server.close(), /sync failed/);
  assert.equal(fs.existsSync(socketPath), false);
});

test('only the owner may connect, a leftover socket file is replaced, a wrong name is refused', async (t) => {
  const { socketPath, server } = await start(t);
  assert.equal(fs.statSync(socketPath).mode & 0o777, 0o600);
  await assert.rejects(NbdClient.connect({ socketPath, exportName: 'd-2' }), (error: Error) =>
    /the only export here is d-1/.test(String(error.cause)),
  );
  await (await NbdClient.connect({ socketPath, exportName: '' })).close();
  await server.close();
  fs.writeFileSync(socketPath, '');
  const again = await serveNbd({ socketPath, exportName: 'd-1', device: new MemoryDevice(4096) });
  await (await NbdClient.connect({ socketPath, exportName: 'd-1' })).close();
  await again.close();
});

test('random bytes after the handshake do no harm: each client is answered or disconnected', async (t) => {
  const { device, socketPath, server, connect } = await start(t);
  const request = fc.record({
    command: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 65535 })),
    flags: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 65535 })),
    cookieHigh: fc.nat(),
    cookieLow: fc.nat(),
    offset: fc.oneof(fc.integer({ min: 0, max: 1_100_000 }), fc.maxSafeNat()),
    lengthBytes: fc.oneof(fc.integer({ min: 0, max: 70_000 }), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  });
  const input = fc.array(
    fc.oneof(
      request.map((fields) => encodeRequest(fields)),
      fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
    ),
    { maxLength: 40 },
  );
  let caseCount = 0;
  await fc.assert(
    fc.asyncProperty(input, fc.boolean(), async (pieces, structured) => {
      device.isSlow = caseCount++ % 2 === 0;
      device.pieces.length = 0;
      const client = new RawNbdClient(socketPath);
      client.socket.resume();
      client.socket.write(Buffer.from([0, 0, 0, 3]));
      if (structured) client.socket.write(encodeOption(Option.structuredReply, Buffer.alloc(0)));
      client.socket.write(encodeOption(Option.exportName, Buffer.alloc(0)));
      for (const piece of pieces) client.socket.write(piece);
      client.socket.end();
      await once(client.socket, 'close');
    }),
    { numRuns: 1000 },
  );
  await until(() => server.clientCount === 0);
  device.isSlow = false;
  const client = await connect();
  await client.write(0, Buffer.from('still here'));
  assert.equal((await client.read(0, 10)).toString(), 'still here');
  await client.close();
});
