/** An API server on a loopback port before the control plane of a `World`, and hand-made signed requests to it. */
import net, { type AddressInfo } from 'node:net';
import { once } from 'node:events';
import type http from 'node:http';
import { Account } from '../../src/access/account.ts';
import { AuditLog } from '../../src/access/audit-log.ts';
import { MasterKey } from '../../src/access/master-key.ts';
import type { ControlPlane } from '../../src/api/control-plane.ts';
import { Guard } from '../../src/api/guard.ts';
import { percentEncode, type Pair } from '../../src/api/percent.ts';
import { ApiRegions } from '../../src/api/regions.ts';
import { createApiServer } from '../../src/api/server.ts';
import { signV1, stringToSignV1 } from '../../src/api/signature-v1.ts';
import { listTags } from '../../src/catalog/tags.ts';
import { formatSecond } from '../../src/ecs/times.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Log } from '../../src/lib/log.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { World } from '../control/world.ts';

export const ACCESS_KEY_ID = 'testid';
export const ACCESS_KEY_SECRET = 'testsecret';

export interface ApiFixture extends AsyncDisposable {
  /** The control plane, its catalog and what is fake around it; it ends with the fixture. */
  world: World;
  /** What the API asks: the world's control plane, with the overrides. */
  control: ControlPlane;
  /** Users, keys and policies, and the audit log, which is in memory. */
  guard: Guard;
  /** Each request that the API made to the control plane, with the name of the method. */
  calls: ControlCall[];
  server: http.Server;
  /** `127.0.0.1:PORT`. */
  endpoint: string;
  port: number;
  /** What was logged as a warning: failures that are ours. */
  warnings: string[];
}

export interface ControlCall {
  method: string;
  request: unknown;
  /** The second argument: options of a change, paging of a list. */
  more: unknown;
}

export interface Answer {
  status: number;
  headers: Headers;
  // Answers are looked into by hand in tests; their types are checked against the documented ones elsewhere.
  body: Record<string, unknown>;
}

/**
 * Starts a world, whose time passes as ours (npm clients have the patience of people), and the server; `overrides` replace
 * methods of the control plane. In the end the server is started once more, as after a crash: everything that was under
 * way must come to its end, and the records are compared; without `checkAtEnd` a test may leave rows that it made up.
 */
export async function openApi(
  overrides: Partial<ControlPlane> = {},
  { checkAtEnd = true }: { checkAtEnd?: boolean } = {},
): Promise<ApiFixture> {
  const world = await World.create(1);
  world.recycleMs = 24 * 3_600_000;
  await world.restart();
  const calls: ControlCall[] = [];
  const control = recordingControl(world, overrides, calls);
  const region = { regionId: 'cn-hangzhou', zoneIds: ['cn-hangzhou-a', 'cn-hangzhou-b'], endpoint: '' };
  const seen = new Set<string>();
  const warnings: string[] = [];
  const log = { info: () => undefined, warn: (message: string) => void warnings.push(message) };
  const guard = await openGuard(world, log);
  const server = createApiServer({
    guard,
    nonces: { accept: (_id, nonce) => !seen.has(nonce) && seen.add(nonce).size > 0 },
    clock: systemClock,
    random: systemRandom,
    regions: new ApiRegions([{ control, region, readTags: (ids) => listTags(world.catalog.queries, ids) }]),
    health: async () => await Promise.resolve({ Status: 'ok' }),
    log,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  region.endpoint = `127.0.0.1:${port}`;
  const close = async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
    await guard.audit.close();
    try {
      if (!checkAtEnd) return;
      await world.restart();
      await world.settle();
      await world.checkSettled();
    } finally {
      await world.end();
    }
  };
  return {
    world,
    guard,
    control,
    calls,
    server,
    endpoint: region.endpoint,
    port,
    warnings,
    [Symbol.asyncDispose]: close,
  };
}

async function openGuard({ catalog }: World, log: Log): Promise<Guard> {
  const [clock, random] = [systemClock, systemRandom];
  const masterKey = new MasterKey(random.bytes(32), random);
  const rootKey = { accessKeyId: ACCESS_KEY_ID, accessKeySecret: ACCESS_KEY_SECRET };
  const account = await Account.open({ catalog, masterKey, rootKey, clock, random, log });
  const audit = AuditLog.open(':memory:', { clock, log, keepDays: 90 });
  return new Guard(account, audit, { reads: null, changes: null });
}

type Method = (this: unknown, request: unknown, more: unknown) => Promise<unknown>;

/** The control plane that the world has at each call: a restarted one too. */
function recordingControl(world: World, overrides: Partial<ControlPlane>, calls: ControlCall[]): ControlPlane {
  return new Proxy(world.control as ControlPlane, {
    get: (_target, name) => {
      const { control } = world;
      const found: unknown = Reflect.get(overrides, name) ?? Reflect.get(control, name, control);
      if (typeof found === 'object' && found !== null) return recordingPart(found, String(name), calls);
      return recording(control, found as Method, { name: String(name), calls });
    },
  });
}

/** What a part of the control plane is asked: `policies.create`, `events.feed.list`. */
function recordingPart(part: object, partName: string, calls: ControlCall[]): object {
  return new Proxy(part, {
    get: (_target, name) => {
      const found: unknown = Reflect.get(part, name, part);
      const fullName = `${partName}.${String(name)}`;
      if (typeof found === 'object' && found !== null) return recordingPart(found, fullName, calls);
      return recording(part, found as Method, { name: fullName, calls });
    },
  });
}

function recording(owner: object, method: Method, to: { name: string; calls: ControlCall[] }) {
  return (request: unknown, more: unknown) => {
    to.calls.push({ method: to.name, request, more });
    return method.call(owner, request, more);
  };
}

/** The common parameters of version 1 with a fresh nonce. */
export function commonPairs(action: string): Pair[] {
  return [
    ['Action', action],
    ['Version', '2014-05-26'],
    ['Format', 'JSON'],
    ['AccessKeyId', ACCESS_KEY_ID],
    ['SignatureMethod', 'HMAC-SHA1'],
    ['SignatureVersion', '1.0'],
    ['SignatureNonce', systemRandom.bytes(16).toString('hex')],
    ['Timestamp', formatSecond(systemClock.nowMs())],
  ];
}

/** The pairs with their signature. */
export function signPairs(method: string, pairs: readonly Pair[], secret = ACCESS_KEY_SECRET): Pair[] {
  return [...pairs, ['Signature', signV1(stringToSignV1(method, pairs), secret)]];
}

export function encodePairs(pairs: readonly Pair[]): string {
  return pairs.map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`).join('&');
}

/** A POST as the aliyun CLI sends it: everything in the query, no body. */
export async function call(api: ApiFixture, action: string, parameters: Record<string, string> = {}): Promise<Answer> {
  const pairs = signPairs('POST', [...commonPairs(action), ...Object.entries(parameters)]);
  return await send(api, `/?${encodePairs(pairs)}`, { method: 'POST' });
}

/** Any request; the answer must be JSON. */
export async function send(api: ApiFixture, target: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`http://${api.endpoint}${target}`, init);
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer['body'] };
}

/** Writes raw bytes to the server and reads until it closes the connection, or has sent one whole answer. */
export async function sendRaw(api: ApiFixture, bytes: string | Buffer): Promise<string> {
  const socket = net.connect(api.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(bytes);
  let received = '';
  for await (const piece of socket.setEncoding('utf8')) {
    received += String(piece);
    if (isWhole(received)) break;
  }
  socket.destroy();
  return received;
}

/** The status and the JSON body of a raw answer; throws when it is not one. */
export function parseRaw(received: string): { status: number; body: Record<string, unknown> } {
  const [head = '', body = ''] = received.split('\r\n\r\n', 2);
  if (!/^content-type: application\/json;charset=utf-8\r?$/im.test(head))
    throw new Error(`no JSON answer: ${received}`);
  return { status: Number(head.split(' ', 2)[1]), body: JSON.parse(body) as Record<string, unknown> };
}

function isWhole(received: string): boolean {
  const [head = '', body] = received.split('\r\n\r\n', 2);
  const length = /^content-length: (\d+)/im.exec(head)?.[1];
  return body !== undefined && length !== undefined && Buffer.byteLength(body) >= Number(length);
}
