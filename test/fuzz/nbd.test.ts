/**
 * Random NBD clients, several at once: handshakes and requests that are right, wrong or changed at random places, cut
 * anywhere, from clients that read or do not, against a disk that answers at once, late or with errors. The server must not
 * fail, hang or grow, must answer everything that a client asked rightly, and a client beside them must find its data as
 * it left it. A failing case prints its seed; `HUPO_FUZZ` is the number of clients.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import test from 'node:test';
import * as fc from 'fast-check';
import { NbdClient } from '../../src/nbd/client.ts';
import type { BlockDevice, Extent } from '../../src/nbd/device.ts';
import { Command, Option, encodeOption, encodeRequest, type Request } from '../../src/nbd/protocol.ts';
import { serveNbd } from '../../src/nbd/server.ts';
import { encodeMetaQuery } from '../support/raw-nbd-client.ts';
import { checkReplies } from '../support/nbd-replies.ts';

const RUNS = Number(process.env['HUPO_FUZZ'] ?? 2_000);
const CLIENTS_AT_ONCE = 8;
const ENDED_WITHIN_MS = 10_000;
const MIB = 1024 ** 2;
const MEMORY_LIMIT_BYTES = 400 * MIB;

const LOW_BYTES = 2 * MIB;
const SIZE_BYTES = 2 ** 45;
/** The last MiB, where no random request comes by chance. */
const GUARDED_AT = SIZE_BYTES - MIB;

/** Keeps its first and its last bytes; what lies between takes everything and reads as zeros. */
class WideDevice implements BlockDevice {
  readonly sizeBytes = SIZE_BYTES;
  readonly readOnly = false;
  readonly low = Buffer.alloc(LOW_BYTES);
  readonly guarded = Buffer.alloc(MIB);
  mood: 'quick' | 'slow' | 'mixed' | 'failing' = 'quick';
  #callCount = 0;

  read(offset: number, target: Buffer): Promise<void> | undefined {
    return this.#perform(offset, () => {
      target.fill(0);
      this.low.copy(target, 0, Math.min(offset, LOW_BYTES), Math.min(offset + target.length, LOW_BYTES));
      if (offset >= GUARDED_AT) this.guarded.copy(target, 0, offset - GUARDED_AT);
    });
  }

  write(offset: number, data: Buffer): Promise<void> | undefined {
    const kept = Buffer.from(data);
    data.fill(0xdb); // nobody may need it any more
    return this.#perform(offset, () => {
      if (offset < LOW_BYTES) kept.copy(this.low, offset);
      if (offset >= GUARDED_AT) kept.copy(this.guarded, offset - GUARDED_AT);
    });
  }

  trim(offset: number): Promise<void> | undefined {
    return this.#perform(offset, () => undefined);
  }

  writeZeroes(offset: number, lengthBytes: number): Promise<void> | undefined {
    return this.#perform(offset, () => {
      this.low.fill(0, Math.min(offset, LOW_BYTES), Math.min(offset + lengthBytes, LOW_BYTES));
    });
  }

  status(offset: number, lengthBytes: number, limit: number): Extent[] {
    if (this.#fails(offset)) throw new Error('status');
    const count = Math.min(limit, 3, lengthBytes);
    return Array.from({ length: count }, (_, index) => ({ lengthBytes: 1, isHole: index === 1, isZero: index > 0 }));
  }

  commit(): void {
    if (this.mood === 'failing' && this.#callCount % 7 === 0) throw new Error('commit');
  }

  async flush(): Promise<void> {
    await nextTurn();
  }

  #fails(offset: number): boolean {
    return this.mood === 'failing' && offset < GUARDED_AT && this.#callCount % 3 === 0;
  }

  #perform(offset: number, act: () => void): Promise<void> | undefined {
    this.#callCount++;
    const fails = this.#fails(offset);
    const isLate = this.mood === 'slow' || (this.mood !== 'quick' && this.#callCount % 2 === 0);
    if (isLate) return this.#performLate(act, fails);
    if (fails) throw new Error('now');
    act();
    return undefined;
  }

  async #performLate(act: () => void, fails: boolean): Promise<void> {
    await nextTurn();
    if (fails) throw new Error('late');
    act();
  }
}

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
const noData = Buffer.alloc(0);

function encodeInfo(name: string, infos: readonly number[]): Buffer {
  const data = Buffer.alloc(6 + name.length + 2 * infos.length);
  data.writeUInt32BE(name.length, 0);
  data.write(name, 4);
  data.writeUInt16BE(infos.length, 4 + name.length);
  for (const [index, info] of infos.entries()) data.writeUInt16BE(info, 6 + name.length + 2 * index);
  return data;
}

const name = fc.constantFrom('d-1', 'd-1', '', 'd-2');
const query = fc.constantFrom('base:allocation', 'base:allocation', 'base:', 'qemu:dirty-bitmap:a', '', ':');
const infos = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 5 });
const metaOption = fc
  .tuple(fc.constantFrom(Option.listMetaContext, Option.setMetaContext), name, fc.array(query, { maxLength: 4 }))
  .map(([option, exportName, queries]) => encodeOption(option, encodeMetaQuery(exportName, queries)));
const option = fc.oneof(
  { arbitrary: fc.constant(encodeOption(Option.structuredReply, noData)), weight: 4 },
  { arbitrary: metaOption, weight: 4 },
  { arbitrary: fc.constant(encodeOption(Option.list, noData)), weight: 1 },
  { arbitrary: fc.tuple(name, infos).map((info) => encodeOption(Option.info, encodeInfo(...info))), weight: 2 },
  {
    arbitrary: fc.tuple(fc.constantFrom(4, 5, 6, 8, 9, 10, 11, 12, 99), bytes(60)).map((any) => encodeOption(...any)),
    weight: 1,
  },
  { arbitrary: fc.constantFrom(17_000, 100_000).map((length) => encodeOption(77, Buffer.alloc(length))), weight: 1 },
);

const lengthBytes = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 9000 }), weight: 8 },
  { arbitrary: fc.integer({ min: 0, max: 200_000 }), weight: 1 },
);
const anyLength = fc.oneof(lengthBytes, fc.constantFrom(2 ** 32 - 1, 32 * MIB + 1, 2 ** 31));
const offset = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: LOW_BYTES }), weight: 10 },
  { arbitrary: fc.constantFrom(SIZE_BYTES, 2 ** 53, 2 ** 40, 2 ** 63), weight: 1 },
);
const flags = fc.oneof(
  { arbitrary: fc.constantFrom(0, 0, 0, 1, 4, 8), weight: 9 },
  { arbitrary: fc.integer({ min: 0, max: 65_535 }), weight: 1 },
);
const withoutPayload = fc.constantFrom(
  Command.read,
  Command.read,
  Command.trim,
  Command.writeZeroes,
  Command.blockStatus,
  Command.flush,
  Command.cache,
  99,
);
const plainRequest = fc
  .record({ command: withoutPayload, flags, offset, lengthBytes: anyLength })
  .map((request) =>
    request.command === Command.read ? { ...request, lengthBytes: shorten(request.lengthBytes) } : request,
  );
const writeRequest = fc.record({ command: fc.constant(Command.write), flags, offset, lengthBytes });
const request = fc.oneof({ arbitrary: plainRequest, weight: 3 }, { arbitrary: writeRequest, weight: 1 });

/** Reads over 32 MiB are refused, those below it cost time. */
function shorten(length: number): number {
  return length > 32 * MIB ? length : Math.min(length, 100_000);
}

const mutation = fc.record({ at: fc.nat(), remove: fc.nat(12), insert: bytes(12) });

const plan = fc.record({
  clientFlags: fc.constantFrom(3, 3, 3, 3, 3, 3, 1, 7),
  options: fc.array(option, { maxLength: 6 }),
  begin: fc.constantFrom('go', 'go', 'go', 'go', 'go', 'name', 'none', 'abort'),
  requests: fc.array(request, { maxLength: 12, size: 'medium' }),
  mutations: fc.oneof(
    { arbitrary: fc.constant([]), weight: 1 },
    { arbitrary: fc.array(mutation, { maxLength: 3 }), weight: 1 },
  ),
  cuts: fc.array(fc.nat(), { maxLength: 6 }),
  ending: fc.constantFrom('goodbye', 'goodbye', 'goodbye', 'end', 'destroy'),
  reads: fc.constantFrom(true, true, true, false),
});
type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never;

function encodeHandshake({ clientFlags, options, begin }: Plan): Buffer {
  const last = {
    go: [encodeOption(Option.go, encodeInfo('d-1', [3]))],
    name: [encodeOption(Option.exportName, Buffer.from('d-1'))],
    abort: [encodeOption(Option.abort, noData)],
    none: [],
  }[begin];
  return Buffer.concat([Buffer.from([0, 0, 0, clientFlags]), ...options, ...last]);
}

function numbered({ requests, ending }: Plan): Request[] {
  const all: Omit<Request, 'cookieHigh' | 'cookieLow'>[] = [...requests];
  if (ending === 'goodbye') all.push({ command: Command.disconnect, flags: 0, offset: 0, lengthBytes: 0 });
  return all.map((fields, index) => ({ ...fields, cookieHigh: 0xabcd, cookieLow: index }));
}

function encodeRequests(requests: readonly Request[]): Buffer {
  const payload = ({ command, lengthBytes: length }: Request) =>
    command === Command.write ? [Buffer.alloc(length, 0xd1)] : [];
  return Buffer.concat(requests.flatMap((one) => [encodeRequest(one), ...payload(one)]));
}

function mutate(stream: Buffer, mutations: Plan['mutations']): Buffer {
  let changed = stream;
  for (const { at, remove, insert } of mutations) {
    const start = at % (changed.length + 1);
    changed = Buffer.concat([changed.subarray(0, start), insert, changed.subarray(start + remove)]);
  }
  return changed;
}

/** A client that asks properly, says goodbye and waits for the server to close. */
function isProper({ mutations, begin, clientFlags, reads, ending }: Plan): boolean {
  return mutations.length === 0 && begin === 'go' && clientFlags === 3 && reads && ending === 'goodbye';
}

/** Plays one client to its end and returns what the server said, as far as it was read. */
async function play(socketPath: string, given: Plan, stream: Buffer): Promise<Buffer> {
  const socket = net.connect(socketPath);
  const received: Buffer[] = [];
  socket.on('error', () => undefined); // A reset is a dropped connection.
  if (given.reads) socket.on('data', (data: Buffer) => received.push(data));
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const cuts = given.cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b);
  let from = 0;
  for (const to of [...cuts, stream.length]) {
    if (to > from) socket.write(stream.subarray(from, to)); // to write nothing after the goodbye would be an error
    from = to;
    await nextTurn();
  }
  if (!given.reads || given.ending === 'destroy') socket.destroy();
  else if (!isProper(given)) socket.end();
  await ended;
  return Buffer.concat(received);
}

async function endSoon<T>(work: Promise<T>): Promise<T> {
  const hung = new AbortController();
  const timer = setTimeout(() => hung.abort(), ENDED_WITHIN_MS);
  try {
    const late = once(hung.signal, 'abort').then(() => assert.fail(`not ended within ${ENDED_WITHIN_MS} ms`));
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A client whose every read must show its own last write. */
class Witness {
  readonly #client: NbdClient;
  readonly #model = Buffer.alloc(MIB);
  #turn = 0;

  constructor(client: NbdClient) {
    this.#client = client;
  }

  async look(): Promise<void> {
    const turn = this.#turn++;
    const at = (turn * 12_288) % (MIB - 70_000);
    const data = Buffer.alloc(1 + ((turn * 977) % 65_536), turn);
    data.copy(this.#model, at);
    await this.#client.write(GUARDED_AT + at, data);
    const from = (turn * 4_097) % (MIB - 70_000);
    assert.ok((await this.#client.read(GUARDED_AT + from, 65_536)).equals(this.#model.subarray(from, from + 65_536)));
  }

  async lookAtAll(): Promise<void> {
    await this.#client.flush();
    assert.ok((await this.#client.read(GUARDED_AT, MIB)).equals(this.#model));
    await this.#client.close();
  }
}

function checkMemory(): void {
  const { arrayBuffers } = process.memoryUsage();
  assert.ok(arrayBuffers < MEMORY_LIMIT_BYTES, `${Math.round(arrayBuffers / MIB)} MiB of buffers`);
}

test('random clients do no harm to the server or to a client beside them, and are answered where they are right', async (context) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-nbd-'));
  const socketPath = path.join(folder, 's.sock');
  const device = new WideDevice();
  const server = await serveNbd({ socketPath, exportName: 'd-1', device, connectionLimit: CLIENTS_AT_ONCE * 4 });
  context.after(async () => {
    await server.close();
    fs.rmSync(folder, { recursive: true });
  });
  const witness = new Witness(await NbdClient.connect({ socketPath, exportName: 'd-1' }));
  let roundCount = 0;
  let checkedCount = 0;
  let answeredCount = 0;
  const mood = fc.constantFrom<WideDevice['mood'][]>('quick', 'slow', 'mixed', 'failing');
  const clients = fc.array(plan, { minLength: CLIENTS_AT_ONCE, maxLength: CLIENTS_AT_ONCE });
  await fc.assert(
    fc.asyncProperty(clients, mood, async (plans, deviceMood) => {
      device.mood = deviceMood;
      const playing = plans.map(async (given) => {
        const requests = numbered(given);
        const stream = mutate(Buffer.concat([encodeHandshake(given), encodeRequests(requests)]), given.mutations);
        const received = await play(socketPath, given, stream);
        if (!isProper(given)) return;
        checkedCount++;
        answeredCount += checkReplies(received, requests.slice(0, -1));
      });
      const looking = deviceMood === 'failing' ? [] : [witness.look()];
      await endSoon(Promise.all([...playing, ...looking]));
      if (roundCount++ % 64 === 0) checkMemory();
    }),
    { numRuns: Math.ceil(RUNS / CLIENTS_AT_ONCE), endOnFailure: true },
  );
  device.mood = 'quick';
  await endSoon(witness.lookAtAll());
  while (server.clientCount > 0) await nextTurn();
  context.diagnostic(`${RUNS} clients, ${checkedCount} of them right to the end, with ${answeredCount} answers`);
  assert.ok(checkedCount > RUNS / 100, 'hardly a client was right: the generator reaches nothing');
});
