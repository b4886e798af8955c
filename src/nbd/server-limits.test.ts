/** What slow and hostile clients may do to the server and to others: nothing but wait for themselves. */
import test, { type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createFastClock } from '../../test/control/fast-clock.ts';
import { MemoryDevice } from '../../test/support/block-devices.ts';
import { RawNbdClient } from '../../test/support/raw-nbd-client.ts';
import { systemClock, type Clock } from '../lib/clock.ts';
import { NbdClient } from './client.ts';
import { Command, encodeRequest } from './protocol.ts';
import { serveNbd, type NbdServer, type ServeOptions } from './server.ts';
import { Throttle } from './throttle.ts';

const MIB = 1024 * 1024;

interface Setup {
  device: MemoryDevice;
  server: NbdServer;
  socketPath: string;
  told: string[];
  connect: () => Promise<NbdClient>;
  raw: (options?: { structured: boolean; status?: boolean }) => Promise<RawNbdClient>;
}

async function start(t: TestContext, options: Partial<ServeOptions> = {}, sizeBytes = MIB): Promise<Setup> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-nbd-'));
  const device = new MemoryDevice(sizeBytes);
  const socketPath = path.join(folder, 'd-1.sock');
  const told: string[] = [];
  const onError = (message: string) => void told.push(message);
  const server = await serveNbd({ socketPath, exportName: 'd-1', device, onError, ...options });
  const raws: RawNbdClient[] = [];
  t.after(async () => {
    for (const client of raws) client.socket.destroy();
    await server.close().catch(() => undefined);
    fs.rmSync(folder, { recursive: true });
  });
  const raw = async (phase = { structured: false }) => {
    const client = new RawNbdClient(socketPath);
    raws.push(client);
    await client.enterTransmission(phase);
    return client;
  };
  return { device, server, socketPath, told, raw, connect: () => NbdClient.connect({ socketPath, exportName: 'd-1' }) };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn();
}

function encodeMany(count: number, command: number, lengthBytes: number): Buffer {
  const one = { command, flags: 0, cookieHigh: 0, offset: 0, lengthBytes };
  return Buffer.concat(Array.from({ length: count }, (_, cookieLow) => encodeRequest({ ...one, cookieLow })));
}

test('one client more than allowed is closed at once and told of, seldom; a place that is left can be taken', async (t) => {
  const { socketPath, server, told, connect } = await start(t, { connectionLimit: 3 });
  const clients = await Promise.all([connect(), connect(), connect()]);
  for (let count = 0; count < 50; count++) {
    const refused = net.connect(socketPath);
    const bytes: Buffer[] = [];
    refused.on('data', (data: Buffer) => bytes.push(data));
    refused.on('error', () => undefined);
    await once(refused, 'close');
    assert.equal(bytes.length, 0);
  }
  assert.equal(server.clientCount, 3);
  assert.deepEqual(told, ['disk d-1: a client was refused: 3 are connected already']);
  await clients[0]?.close();
  await until(() => server.clientCount === 2);
  const next = await connect();
  assert.equal((await next.read(0, 512)).length, 512);
});

test('a client that does not end its handshake is disconnected and leaves its place, others stay', async (t) => {
  const { socketPath, told, server, connect } = await start(t, { clock: createFastClock(50) });
  const client = await connect();
  const idle = new RawNbdClient(socketPath);
  const half = new RawNbdClient(socketPath);
  half.socket.write(Buffer.from([0, 0, 0, 3, 0x49, 0x48]));
  await Promise.all([once(idle.socket, 'close'), once(half.socket, 'close')]);
  assert.deepEqual(told, ['disk d-1: a client was disconnected: no handshake within 10 s']);
  await until(() => server.clientCount === 1);
  assert.equal((await client.read(0, 512)).length, 512);
});

test('a client that asks for 32 MiB again and again and never reads costs one such reply and the backlog', async (t) => {
  const { device, raw, connect } = await start(t, {}, 32 * MIB);
  for (const structured of [false, true]) {
    let readBytes = 0;
    const read = device.read.bind(device);
    device.read = (offset, target) => {
      readBytes += target.length;
      return read(offset, target);
    };
    globalThis.gc?.();
    const before = process.memoryUsage().arrayBuffers;
    const client = await raw({ structured });
    client.socket.pause();
    client.socket.write(encodeMany(200, Command.read, 32 * MIB));
    const other = await connect();
    for (let turn = 0; turn < 300; turn++) await other.write(0, Buffer.alloc(4096, turn));
    const grownBytes = process.memoryUsage().arrayBuffers - before;
    assert.equal(readBytes, 32 * MIB);
    assert.ok(grownBytes < 40 * MIB, `${Math.round(grownBytes / MIB)} MiB`);
    client.socket.destroy();
    device.read = read;
  }
});

test('unread replies of little requests that come one by one are bounded as well', async (t) => {
  for (const command of [Command.read, Command.trim]) {
    const { device, raw, connect } = await start(t);
    const client = await raw({ structured: true });
    client.socket.pause();
    let takenCount = 0;
    device.read = () => void takenCount++;
    device.trim = () => void takenCount++;
    const other = await connect();
    const before = process.memoryUsage().arrayBuffers;
    let takenBefore = -1;
    while (takenCount > takenBefore) {
      takenBefore = takenCount;
      for (let index = 0; index < 100; index++) {
        client.request(command, index, 0, 512);
        await other.flush();
      }
    }
    const grownBytes = process.memoryUsage().arrayBuffers - before;
    assert.ok(takenCount > 1000 && takenCount < 20_000, `${takenCount} replies are kept`);
    assert.ok(grownBytes < 16 * MIB, `${Math.round(grownBytes / MIB)} MiB`);
  }
});

test('requests that the disk cannot answer yet are bounded, and with them what they keep', async (t) => {
  for (const command of [Command.read, Command.write]) {
    const { device, raw, connect } = await start(t);
    const never = Promise.withResolvers<void>();
    const kept: Buffer[] = [];
    let stuckCount = 0;
    const other = await connect();
    const stick = (offset: number, bytes: Buffer) => {
      if (offset > 0) return undefined;
      stuckCount++;
      kept.push(bytes);
      return never.promise;
    };
    if (command === Command.read) device.read = stick;
    else device.write = stick;
    const client = await raw();
    client.socket.removeAllListeners('data').resume();
    const before = process.memoryUsage().arrayBuffers;
    let stuckBefore = -1;
    while (stuckCount > stuckBefore) {
      stuckBefore = stuckCount;
      for (let index = 0; index < 20; index++) {
        client.socket.write(oneOfMany(command, 100));
        await other.flush();
      }
    }
    const grownBytes = process.memoryUsage().arrayBuffers - before;
    assert.ok(stuckCount >= 16 && stuckCount <= 4096, `${stuckCount} are under way`);
    assert.ok(grownBytes < 24 * MIB, `${Math.round(grownBytes / MIB)} MiB for ${stuckCount}`);
    never.resolve();
  }
});

/** Requests of 512 bytes in one packet, of which the first is for offset 0. */
function oneOfMany(command: number, count: number): Buffer {
  const payload = command === Command.write ? [Buffer.alloc(512)] : [];
  const parts = Array.from({ length: count }, (_, index) => {
    const range = { offset: index * 512, lengthBytes: 512 };
    return [encodeRequest({ command, flags: 0, cookieHigh: 0, cookieLow: index, ...range }), ...payload];
  });
  return Buffer.concat(parts.flat());
}

test('a client that is halted is not read from: what it sends stays with it', async (t) => {
  const { device, raw, connect } = await start(t);
  const later = Promise.withResolvers<void>();
  device.write = () => later.promise;
  const client = await raw();
  const other = await connect();
  const before = process.memoryUsage().arrayBuffers;
  const piece = Buffer.concat([encodeMany(1, Command.write, MIB), Buffer.alloc(MIB)]);
  for (let sent = 0; sent < 64; sent++) client.socket.write(piece);
  for (let turn = 0; turn < 2000; turn++) await other.read(0, 512);
  const grownBytes = process.memoryUsage().arrayBuffers - before;
  client.socket.destroy();
  later.resolve();
  assert.ok(grownBytes < 20 * MIB, `${Math.round(grownBytes / MIB)} MiB`);
});

test('half a request, and a payload that comes byte by byte, hold up nobody', async (t) => {
  const { device, raw, connect } = await start(t);
  const half = await raw();
  half.socket.write(encodeMany(1, Command.write, 4096).subarray(0, 20));
  const dribble = await raw();
  dribble.request(Command.write, 5, 8192, 8192);
  const other = await connect();
  for (let turn = 0; turn < 8191; turn++) {
    dribble.socket.write(Buffer.from([7]));
    if (turn % 16 === 0) await other.write(0, Buffer.alloc(4096, 1 + (turn % 250)), { fua: true });
  }
  await other.flush();
  assert.ok(
    device.pieces.every(({ offset }) => offset !== 12_288),
    'a block is written when it is whole',
  );
  dribble.socket.write(Buffer.from([7]));
  assert.deepEqual(await dribble.takeSimple(), { error: 0, cookie: 5 });
  assert.ok(device.bytes.subarray(8192, 16_384).equals(Buffer.alloc(8192, 7)));
});

/** Time that passes only by what the disk does. */
class WorkClock implements Clock {
  ms = 0;
  nowMs(): number {
    return this.ms;
  }
  monotonicMs(): number {
    return this.ms;
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(ms, signal);
  }
}

test('a packet of two thousand requests gives way to another client after a millisecond of work', async (t) => {
  for (const command of [Command.trim, Command.read]) {
    const clock = new WorkClock();
    const { device, raw } = await start(t, { clock }, 64 * MIB);
    const busy = await raw();
    const other = await raw();
    let doneCount = 0;
    let doneBefore = Infinity;
    const work = (offset: number) => {
      if (offset > 0) {
        doneBefore = doneCount;
        return undefined;
      }
      clock.ms += 0.1;
      if (++doneCount === 5) other.request(command, 1, 4096, 16_384);
      return undefined;
    };
    device.trim = work;
    device.read = work;
    busy.socket.write(encodeMany(2340, command, 16_384));
    busy.socket.removeAllListeners('data').resume();
    await other.take(16);
    assert.ok(doneBefore < 60, `${doneBefore} requests came first`);
    await until(() => doneCount === 2340);
  }
});

test('large writes of one client give way to another, and what follows is in order', async (t) => {
  const clock = new WorkClock();
  const { device, raw } = await start(t, { clock }, 64 * MIB);
  const busy = await raw();
  const other = await raw();
  const write = device.write.bind(device);
  const seen: number[] = [];
  device.write = (offset, data) => {
    clock.ms += data.length / 65_536;
    seen.push(offset);
    return write(offset, data);
  };
  for (let index = 0; index < 16; index++) {
    busy.request(Command.write, index, index * MIB, MIB);
    busy.socket.write(Buffer.alloc(MIB, index + 1));
  }
  other.request(Command.write, 99, 60 * MIB, 4096);
  other.socket.write(Buffer.alloc(4096, 9));
  await other.takeSimple();
  const before = seen.indexOf(60 * MIB);
  assert.ok(before < 100, `${before} pieces came first`);
  for (let index = 0; index < 16; index++) assert.deepEqual(await busy.takeSimple(), { error: 0, cookie: index });
  const own = seen.filter((offset) => offset < 60 * MIB);
  assert.deepEqual(
    own,
    own.toSorted((a, b) => a - b),
  );
  for (let index = 0; index < 16; index++) assert.equal(device.bytes[index * MIB + 77_777], index + 1);
});

test('a disk with limits answers no more than they allow, evenly to its clients, and everything in the end', async (t) => {
  const throttle = new Throttle({ iops: 2000, bytesPerSecond: 64 * MIB }, systemClock);
  const { connect } = await start(t, { throttle });
  const clients = await Promise.all([connect(), connect()]);
  const startMs = performance.now();
  const counts = await Promise.all(
    clients.map(async (client) => {
      let count = 0;
      const act = async (): Promise<void> => {
        while (performance.now() - startMs < 1500) {
          await (count % 2 === 0 ? client.write(4096, Buffer.alloc(4096, 1)) : client.read(4096, 4096));
          count++;
        }
      };
      await Promise.all(Array.from({ length: 8 }, act));
      return count;
    }),
  );
  const seconds = (performance.now() - startMs) / 1000;
  const sum = counts.reduce((total, count) => total + count, 0);
  assert.ok(sum <= 2000 * (seconds + 1) + 2, `${sum} in ${seconds} s`);
  assert.ok(sum >= 2000, `${sum} in ${seconds} s`);
  for (const client of clients) await client.flush();
  throttle.limits = null;
  const [client] = clients;
  await Promise.all(Array.from({ length: 5000 }, () => client?.read(0, 512)));
});

test('a client that is held to its limits is closed like any other', async (t) => {
  const throttle = new Throttle({ iops: 1, bytesPerSecond: 1024 }, systemClock);
  const { server, raw, device } = await start(t, { throttle });
  const client = await raw();
  client.socket.write(Buffer.concat([encodeMany(50, Command.trim, 65_536), encodeMany(1, Command.flush, 0)]));
  await client.takeSimple().catch(() => undefined);
  await server.close();
  assert.equal(device.flushCount, 1);
});

test('a refused write costs no tokens, however long its payload', async (t) => {
  const throttle = new Throttle({ iops: 1000, bytesPerSecond: MIB }, systemClock);
  const { raw, connect } = await start(t, { throttle });
  const client = await raw();
  client.request(Command.write, 1, 0, 100 * MIB);
  for (let sent = 0; sent < 100; sent++) client.socket.write(Buffer.alloc(MIB));
  assert.equal((await client.take(16)).readUInt32BE(4), 22);
  const startMs = performance.now();
  await (await connect()).read(0, 4096);
  assert.ok(performance.now() - startMs < 20_000, 'the disk was not charged for it');
});
