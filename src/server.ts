/**
 * One running server: its regions, the API before them, and what makes it known; started in order and stopped in reverse. Starting
 * goes on with whatever an earlier server left undone; stopping leaves every operation at a step that the next start goes on from.
 */
import fs from 'node:fs';
import path from 'node:path';
import type http from 'node:http';
import type https from 'node:https';
import type { AddressInfo } from 'node:net';
import { Account } from './access/account.ts';
import { AuditLog } from './access/audit-log.ts';
import { ensureMasterKey } from './access/master-key.ts';
import { Guard } from './api/guard.ts';
import type { RequestRates } from './api/guard.ts';
import { ApiRegions } from './api/regions.ts';
import type { ServedRegion } from './api/regions.ts';
import { createApiServer, createSecureApiServer } from './api/server.ts';
import type { ApiServerOptions } from './api/server.ts';
import { listRecycledTags } from './catalog/recycle-bin.ts';
import { CatalogNonceLog } from './catalog/nonces.ts';
import { listTags } from './catalog/tags.ts';
import type { DataFolder } from './control/data-folder.ts';
import { Regions } from './control/regions.ts';
import { assertRegionId, zonesOf } from './control/region.ts';
import { ensureRootKey } from './control/root-key.ts';
import type { RootKey } from './control/root-key.ts';
import type { ServeCalls } from './control/serve-calls.ts';
import { regionCode } from './ecs/ids.ts';
import type { Clock } from './lib/clock.ts';
import { OperationalError, errnoOf, messageOf } from './lib/errors.ts';
import { systemFiles } from './lib/files.ts';
import { serveLines } from './lib/line-channel.ts';
import { writeServedRegions } from './lib/served-regions.ts';
import { openRegion } from './region-server.ts';
import type { RegionOptions, RegionPlace, RegionServer, StopOutcome } from './region-server.ts';
import { ConsoleFiles } from './web/console-files.ts';
import { MetricsPage } from './web/metrics-page.ts';
import type { MetricsAccess } from './web/metrics-page.ts';
import { ensureServerCertificate, serverNames } from './tls/tls-folder.ts';

const REPLIES_TIMEOUT_MS = 5000;
/** Beside the sources, and beside what they are compiled to. */
const builtConsole = path.join(import.meta.dirname, '..', 'dist', 'console');

export interface ServerOptions extends RegionOptions, RegionPlace {
  /** Regions besides the first. */
  addedRegions: readonly RegionPlace[];
  host: string;
  /** 0: any that is free. */
  port: number;
  /** Over https, with a certificate for what this machine is reached by; null: over http. */
  tls: Machine | null;
  /** How long the audit log keeps what it has; 0: for ever. */
  auditDays: number;
  /** How many requests a key may make. */
  requestRates: RequestRates;
  /** Who may read GET /metrics, and whether it has each open disk. */
  metrics: MetricsAccess & { hasDisks: boolean };
}

export interface Machine {
  hostName: string;
  /** IP addresses, but those of the machine to itself. */
  addresses: readonly string[];
}

export interface Server {
  folder: DataFolder;
  /** `HOST:PORT`, as programs on this machine reach it. */
  endpoint: string;
  /** What clients must trust: a path. Null over http. */
  caFile: string | null;
  /** Whether other machines may reach it. */
  isExposed: boolean;
  /** Where its secret is, when it is not from the environment; `isNew`: it was made at this start. */
  key: RootKey & { isNew: boolean; isStored: boolean };
  /** Ends it; the data planes too unless clients are connected to them, or by `force` whoever is. */
  stop(options: { force: boolean }): Promise<StopOutcome[]>;
  /** Resolves when it has ended, by whatever it was asked: how each region did. */
  stopped: Promise<StopOutcome[]>;
}

/** Throws an OperationalError that says what is in the way; everything that was started by then is ended again. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const undo = new AsyncDisposableStack();
  try {
    return await startRegions(options, undo);
  } catch (error) {
    await undo.disposeAsync();
    throw error;
  }
}

/** All are open before the first is started: a copy goes on at once, and reads another. */
async function startRegions(options: ServerOptions, undo: AsyncDisposableStack): Promise<Server> {
  const { regionId, dataFolder, addedRegions } = options;
  const places = [{ regionId, dataFolder }, ...addedRegions];
  assertApart(places);
  const known = new Regions();
  const main = await openRegion(options, { regionId, dataFolder }, known, undo);
  const key = await findKey(options, main.folder);
  try {
    const regions = [main];
    for (const place of addedRegions) regions.push(await openRegion(options, place, known, undo));
    return await startWithKey(options, { main, regions, key, undo });
  } catch (error) {
    // Nobody has seen its secret: the next start makes another, and shows it.
    if (key.isNew) fs.rmSync(path.join(main.folder.keysFolder, 'root.json'), { force: true });
    throw error;
  }
}

function assertApart(places: readonly RegionPlace[]): void {
  for (const [position, { regionId, dataFolder }] of places.entries()) {
    assertRegionId(regionId);
    const before = places.slice(0, position);
    const around = places.find((other) => dataFolder.startsWith(`${other.dataFolder}${path.sep}`));
    if (around !== undefined && path.dirname(dataFolder) !== path.join(around.dataFolder, 'regions')) {
      throw unusable(
        `${dataFolder} lies in the folder of ${around.regionId}: choose another one, or one in ${path.join(around.dataFolder, 'regions')}`,
      );
    }
    if (before.some((other) => other.dataFolder === dataFolder)) {
      throw unusable(`${dataFolder} cannot be the folder of two regions: give each its own`);
    }
    const like = before.find((other) => regionCode(other.regionId) === regionCode(regionId));
    if (like === undefined) continue;
    if (like.regionId === regionId) throw unusable(`the region ${regionId} is given twice`);
    throw unusable(`ids of ${regionId} and ${like.regionId} would look the same: choose another name for one of them`);
  }
}

function unusable(problem: string): OperationalError {
  return new OperationalError(problem, { retryable: false });
}

async function startWithKey(
  options: ServerOptions,
  given: { main: RegionServer; regions: readonly RegionServer[]; key: Server['key']; undo: AsyncDisposableStack },
): Promise<Server> {
  const { clock, random, log } = options;
  const { main, regions, key, undo } = given;
  const nonces = await CatalogNonceLog.open(main.catalog, clock, log);
  undo.defer(() => nonces.close());
  const started: Started[] = [];
  for (const region of regions) started.push({ region, calls: await region.start() });
  const served = new ApiRegions([serveRegion(main), ...regions.slice(1).map(serveRegion)]);
  const guard = await openGuard(options, { main, key, undo });
  const health = async () => describeHealth(regions);
  const metrics = new MetricsPage({
    ...{ access: options.metrics, hasDisks: options.metrics.hasDisks, clock, log },
    regions: regions.map(({ measured }) => measured),
  });
  const consoleFiles = new ConsoleFiles({ folder: builtConsole, random });
  const api = await createApi(
    { regions: served, guard, nonces, clock, random, health, metrics, consoleFiles, log },
    options,
    main.folder,
  );
  undo.defer(() => closeApi(api, clock));
  const { endpoint, isExposed } = await listen(api.server, options);
  served.tellEndpoint(endpoint);
  const parts = undo.move();
  try {
    return await open(started, { endpoint, isExposed, caFile: api.caFile }, { folder: main.folder, key, clock, parts });
  } catch (error) {
    await parts.disposeAsync();
    throw error;
  }
}

/** Users, keys and policies are the account's, and so in the first region. */
async function openGuard(
  { clock, random, log, auditDays, requestRates }: ServerOptions,
  { main, key, undo }: { main: RegionServer; key: RootKey; undo: AsyncDisposableStack },
): Promise<Guard> {
  const { catalog, folder } = main;
  const masterKey = await ensureMasterKey(systemFiles, folder.keysFolder, random);
  const account = await Account.open({ catalog, masterKey, rootKey: key, clock, random, log });
  const audit = AuditLog.open(folder.auditFile, { clock, log, keepDays: auditDays });
  undo.defer(() => audit.close());
  return new Guard(account, audit, requestRates);
}

function serveRegion({ regionId, control, catalog }: RegionServer): ServedRegion {
  const readTags = async (ids: string[]) =>
    new Map([...(await listRecycledTags(catalog.queries, ids)), ...(await listTags(catalog.queries, ids))]);
  return { control, readTags, region: { regionId, zoneIds: zonesOf(regionId), endpoint: '' } };
}

interface Started {
  region: RegionServer;
  calls: Awaited<ReturnType<RegionServer['start']>>;
}

/** Makes the server known: the sockets for `hupo stop` and others (`ServeCalls`), and the file with its URL. */
async function open(
  started: readonly Started[],
  face: Pick<Server, 'endpoint' | 'isExposed' | 'caFile'>,
  given: { folder: DataFolder; key: Server['key']; clock: Clock; parts: AsyncDisposableStack },
): Promise<Server> {
  const { folder, key, clock, parts } = given;
  const finished = Promise.withResolvers<StopOutcome[]>();
  let ending: Promise<StopOutcome[]> | undefined;
  const end = async (): Promise<StopOutcome[]> => {
    for (const { region } of started) fs.rmSync(region.folder.endpointFile, { force: true });
    for (const { region } of started) region.control.events.feed.release();
    await parts.disposeAsync();
    return started.map(({ region }) => region.dataPlaneEnd.outcome);
  };
  const stop = ({ force }: { force: boolean }): Promise<StopOutcome[]> => {
    for (const { region } of started) region.dataPlaneEnd.force ||= force;
    ending ??= end();
    void ending.then(finished.resolve, finished.reject);
    return ending;
  };
  const lines = new AsyncDisposableStack();
  try {
    for (const { region, calls } of started) {
      const channel = await serveLines<ServeCalls>(region.folder.serveSocket, {
        stop: async () => ({ pid: process.pid, clientCount: countClients(await stop({ force: true })) }),
        ...calls,
      });
      lines.defer(() => channel.close());
    }
    const folders = Object.fromEntries(started.map(({ region }) => [region.regionId, region.folder.root]));
    for (const { region } of started) {
      writeServedRegions(region.folder.runFolder, { root: folder.root, folders });
      writeEndpoint(region.folder.endpointFile, face);
    }
  } catch (error) {
    await lines.disposeAsync();
    throw error;
  }
  const finish = async (): Promise<StopOutcome[]> => {
    try {
      return await finished.promise;
    } finally {
      await clock.sleep(0); // the answer to `hupo stop` goes out first
      await lines.disposeAsync();
    }
  };
  return { folder, ...face, key, stop, stopped: finish() };
}

function countClients(outcomes: readonly StopOutcome[]): number {
  return outcomes.reduce((sum, { clientCount }) => sum + clientCount, 0);
}

function writeEndpoint(file: string, { endpoint, caFile }: Pick<Server, 'endpoint' | 'caFile'>): void {
  const scheme = caFile === null ? 'http' : 'https';
  try {
    fs.writeFileSync(file, `${scheme}://${endpoint}\n`, { mode: 0o600 });
  } catch (error) {
    throw new OperationalError(`${file} cannot be written: ${messageOf(error)}`, { retryable: false, cause: error });
  }
}

async function findKey({ environment, random }: ServerOptions, folder: DataFolder): Promise<Server['key']> {
  const { accessKeyId, accessKeySecret, stsToken } = environment;
  if (accessKeyId !== null && (stsToken !== null || accessKeyId.startsWith('STS.'))) {
    throw new OperationalError(
      'the key in HUPO_ACCESS_KEY_ID is a temporary one, as `hupo role assume` gives; a service has it from somebody else, so unset it here',
      { retryable: false },
    );
  }
  if (accessKeyId !== null && accessKeySecret !== null) {
    return { accessKeyId, accessKeySecret, isNew: false, isStored: false };
  }
  if (accessKeyId !== null || accessKeySecret !== null) {
    throw new OperationalError('HUPO_ACCESS_KEY_ID and HUPO_ACCESS_KEY_SECRET belong together: set both or neither', {
      retryable: false,
    });
  }
  return { ...(await ensureRootKey(systemFiles, folder.keysFolder, random)), isStored: true };
}

function describeHealth(regions: readonly RegionServer[]): object {
  for (const { problem } of regions) if (problem !== null) throw new OperationalError(problem, { retryable: true });
  return { status: 'ok' };
}

/** The API's server, not yet listening, and how to end what it does not know of. */
interface Api {
  server: http.Server | https.Server;
  endPlain: () => void;
  caFile: string | null;
}

async function createApi(
  apiOptions: ApiServerOptions,
  { tls, host, clock, random, log }: ServerOptions,
  folder: DataFolder,
): Promise<Api> {
  if (tls === null) return { server: createApiServer(apiOptions), endPlain: () => undefined, caFile: null };
  const certificate = await ensureServerCertificate({
    files: systemFiles,
    folder: folder.tlsFolder,
    hostName: tls.hostName,
    names: serverNames(host, tls),
    clock,
    random,
    log,
  });
  return { ...createSecureApiServer(apiOptions, certificate), caFile: certificate.caFile };
}

async function listen(
  server: http.Server | https.Server,
  { host, port }: ServerOptions,
): Promise<{ endpoint: string; isExposed: boolean }> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, host, resolve);
  try {
    await promise;
  } catch (error) {
    const why =
      errnoOf(error) === 'EADDRINUSE' ? 'is in use by another program' : `cannot be used (${messageOf(error)})`;
    throw new OperationalError(`${host}:${port} ${why}: choose another address with --listen HOST:PORT`, {
      retryable: false,
      cause: error,
    });
  }
  const { address, port: chosen } = server.address() as AddressInfo;
  const isExposed = !/^(127\.|::1$|::ffff:127\.)/.test(address);
  return { endpoint: `${reachableHost(host)}:${chosen}`, isExposed };
}

/** Every address is no address to connect to, nor one that a certificate can name. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

/** Replies under way are finished, idle connections end at once. */
async function closeApi({ server, endPlain }: Api, clock: Clock): Promise<void> {
  if (!server.listening) return;
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeIdleConnections();
  endPlain();
  const done = new AbortController();
  const impatient = clock.sleep(REPLIES_TIMEOUT_MS, done.signal).then(
    () => server.closeAllConnections(),
    () => undefined,
  );
  await closed;
  done.abort();
  await impatient;
}
