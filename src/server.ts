/**
 * One running server: every part of it, started in order and stopped in reverse. Starting goes on with whatever an earlier
 * server left undone; stopping leaves every operation at a step that the next start goes on from.
 */
import fs from 'node:fs';
import path from 'node:path';
import type http from 'node:http';
import type https from 'node:https';
import type { AddressInfo } from 'node:net';
import { createApiServer, createSecureApiServer } from './api/server.ts';
import type { ApiServerOptions } from './api/server.ts';
import { formatCommand } from './cli/connection.ts';
import { Catalog } from './catalog/catalog.ts';
import { CatalogNonceLog } from './catalog/nonces.ts';
import { ExternalDriver } from './compute/external.ts';
import type { Environment } from './config.ts';
import { CatalogCopies } from './control/catalog-copies.ts';
import { checkEverything, disksOfDiskd } from './control/check.ts';
import { Control } from './control/control.ts';
import { ensureDataFolder, findExchangeFolder } from './control/data-folder.ts';
import type { DataFolder } from './control/data-folder.ts';
import { DiskdLink } from './control/diskd-link.ts';
import { spawnDiskd } from './control/diskd-process.ts';
import type { Program } from './control/diskd-process.ts';
import { openMonitor, startSampling } from './control/monitor-sampler.ts';
import { ExchangeProcesses } from './control/exchange-process.ts';
import { OpenDisks } from './control/open-disks.ts';
import { takeOwn } from './control/ownership.ts';
import { rememberRegion } from './control/region.ts';
import { ensureRootKey } from './control/root-key.ts';
import type { RootKey } from './control/root-key.ts';
import { startRepositoryCare } from './control/repository-care.ts';
import { rewriterOf } from './control/rewrite-process.ts';
import { ReserveFile } from './control/reserve-file.ts';
import type { ServeCalls } from './control/serve-calls.ts';
import { SpaceWatch } from './control/space-watch.ts';
import { TransferProcesses } from './control/transfer-process.ts';
import type { Clock } from './lib/clock.ts';
import { OperationalError, errnoOf, messageOf } from './lib/errors.ts';
import { systemFiles } from './lib/files.ts';
import { serveLines } from './lib/line-channel.ts';
import type { Handlers } from './lib/line-channel.ts';
import type { Log } from './lib/log.ts';
import type { Random } from './lib/random.ts';
import { folderIdentity } from './lib/run-folder.ts';
import { openRepository } from './repository/repository.ts';
import { repositoryIn } from './repository/stores.ts';
import { findAnyOwner } from './repository/owner.ts';
import type { Repository } from './repository/repository.ts';
import { ensureServerCertificate, serverNames } from './tls/tls-folder.ts';

const REPLIES_TIMEOUT_MS = 5000;

export interface ServerOptions {
  /** Absolute. */
  dataFolder: string;
  /** Absolute: whose folders are the buckets that images come from and go to; null: DIR's own. */
  exchangeFolder: string | null;
  host: string;
  /** 0: any that is free. */
  port: number;
  regionId: string;
  /** Over https, with a certificate for what this machine is reached by; null: over http. */
  tls: Machine | null;
  /** What is kept free; null: what suits the file system. */
  spaceLimits: { reserveBytes: number | null; highWaterBytes: number | null };
  /** How often every byte of the repository is read again; 0: never. */
  verifyPeriodMs: number;
  /** After so long what uploads stored is rewritten in larger groups; 0: never. */
  compactAfterMs: number;
  /** How long what a rollback replaced is kept; 0: not at all. */
  undoMs: number;
  /** Whether disks do in a second no more than their kind does at ECS. */
  limitsDisks: boolean;
  environment: Environment;
  program: Program;
  clock: Clock;
  random: Random;
  log: Log;
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
  /** Ends it; the data plane too unless clients are connected to it, or by `force` whoever is. */
  stop(options: { force: boolean }): Promise<StopOutcome>;
  /** Resolves when it has ended, by whatever it was asked. */
  stopped: Promise<StopOutcome>;
}

export interface StopOutcome {
  /** Clients that were connected to disks. */
  clientCount: number;
  /** Disks that they are connected to; null when that is not known. */
  usedDiskCount: number | null;
  /** Whether the data plane goes on for them. */
  dataPlaneStays: boolean;
}

/** Throws an OperationalError that says what is in the way; everything that was started by then is ended again. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const undo = new AsyncDisposableStack();
  try {
    return await startParts(options, undo);
  } catch (error) {
    await undo.disposeAsync();
    throw error;
  }
}

async function startParts(options: ServerOptions, undo: AsyncDisposableStack): Promise<Server> {
  const folder = ensureDataFolder(options.dataFolder, options.environment.runtimeFolder);
  const reserveFile = new ReserveFile(folder.root, options.random);
  if (reserveFile.giveUpWhenFull()) options.log.warn(`the file system of ${folder.root} is full: make room on it`);
  const catalog = await Catalog.open(folder.catalogFile, heldMessage(folder, options));
  undo.defer(() => catalog.close());
  catalog.makeRoom = () => {
    const isGivenUp = reserveFile.giveUpWhenFull();
    if (isGivenUp) options.log.warn('the catalog has no room: the reserve file was given up');
    return isGivenUp;
  };
  await rememberRegion(catalog, options.regionId, folder.root);
  const key = await findKey(options, folder);
  try {
    return await startWithKey(options, { folder, catalog, key, reserveFile, undo });
  } catch (error) {
    // Nobody has seen its secret: the next start makes another, and shows it.
    if (key.isNew) fs.rmSync(path.join(folder.keysFolder, 'root.json'), { force: true });
    throw error;
  }
}

async function startWithKey(
  options: ServerOptions,
  given: {
    folder: DataFolder;
    catalog: Catalog;
    key: Server['key'];
    reserveFile: ReserveFile;
    undo: AsyncDisposableStack;
  },
): Promise<Server> {
  const { clock, random, log, regionId } = options;
  const { folder, catalog, key, undo } = given;
  const nonces = await CatalogNonceLog.open(catalog, clock, log);
  undo.defer(() => nonces.close());
  const ending = new AbortController();
  const place = repositoryIn(folder.root);
  const repository = await openRepository(place, random, rewriterOf(options.program, place, ending.signal));
  undo.defer(async () => repository.close());
  const space = new SpaceWatch({
    folders: [folder.disksFolder, folder.repositoryFolder, folder.root],
    limits: options.spaceLimits,
    reserveFile: given.reserveFile,
    clock,
    log,
  });
  await repository.useCachesOf((await findAnyOwner(repository.store))?.mark ?? null);
  await repository.changeOwner((store) =>
    takeOwn({ catalog, store, clock, random }, (command) => formatCommand(options, command, folder.root)),
  );
  const { control, link, dataPlaneEnd } = await startControl(options, { folder, catalog, repository, space, undo });
  undo.defer(async () => ending.abort());
  const region = { regionId, zoneIds: [`${regionId}-a`, `${regionId}-b`], endpoint: '' };
  const keys = { find: (id: string) => (id === key.accessKeyId ? key.accessKeySecret : null) };
  const health = async () => describeHealth(link);
  const api = await createApi({ control, keys, nonces, clock, random, region, health, log }, options, folder);
  undo.defer(() => closeApi(api, clock));
  const { endpoint, isExposed } = await listen(api.server, options);
  region.endpoint = endpoint;
  const check = ({ readData, heal }: ServeCalls['check']['request']) =>
    checkEverything(catalog.queries, disksOfDiskd(link), repository, { readData, heal });
  const fetch = (asked: ServeCalls['fetch']['request']) => control.fetchBase(asked);
  const { verifyPeriodMs, compactAfterMs } = options;
  const care = { catalog, dataPlane: link, repository, control, verifyPeriodMs, compactAfterMs, clock, log };
  const desk = startRepositoryCare(care, undo);
  const face = { endpoint, isExposed, caFile: api.caFile };
  const parts = undo.move();
  try {
    return await open({
      folder,
      face,
      key,
      calls: { check, fetch, repository: (asked) => desk.answer(asked) },
      dataPlaneEnd,
      clock,
      parts,
    });
  } catch (error) {
    await parts.disposeAsync();
    throw error;
  }
}

/** Makes the server known: its socket for `hupo stop` and others (`ServeCalls`), and the file with its URL. */
async function open(started: {
  folder: DataFolder;
  face: Pick<Server, 'endpoint' | 'isExposed' | 'caFile'>;
  key: Server['key'];
  calls: Omit<Handlers<ServeCalls>, 'stop'>;
  dataPlaneEnd: DataPlaneEnd;
  clock: Clock;
  parts: AsyncDisposableStack;
}): Promise<Server> {
  const { folder, face, key, dataPlaneEnd, parts, clock, calls } = started;
  const finished = Promise.withResolvers<StopOutcome>();
  let ending: Promise<StopOutcome> | undefined;
  const end = async (): Promise<StopOutcome> => {
    fs.rmSync(folder.endpointFile, { force: true });
    await parts.disposeAsync();
    return dataPlaneEnd.outcome;
  };
  const stop = ({ force }: { force: boolean }): Promise<StopOutcome> => {
    dataPlaneEnd.force ||= force;
    ending ??= end();
    void ending.then(finished.resolve, finished.reject);
    return ending;
  };
  const lines = await serveLines<ServeCalls>(folder.serveSocket, {
    stop: async () => ({ pid: process.pid, clientCount: (await stop({ force: true })).clientCount }),
    ...calls,
  });
  const scheme = face.caFile === null ? 'http' : 'https';
  try {
    fs.writeFileSync(folder.endpointFile, `${scheme}://${face.endpoint}\n`, { mode: 0o600 });
  } catch (error) {
    await lines.close();
    throw new OperationalError(`${folder.endpointFile} cannot be written: ${messageOf(error)}`, {
      retryable: false,
      cause: error,
    });
  }
  const finish = async (): Promise<StopOutcome> => {
    try {
      return await finished.promise;
    } finally {
      await clock.sleep(0); // the answer to `hupo stop` goes out first
      await lines.close();
    }
  };
  return { folder, ...face, key, stop, stopped: finish() };
}

/** How the data plane is to end with the server, and how it did. */
interface DataPlaneEnd {
  force: boolean;
  outcome: StopOutcome;
}

async function startControl(
  options: ServerOptions,
  given: {
    folder: DataFolder;
    catalog: Catalog;
    repository: Repository;
    space: SpaceWatch;
    undo: AsyncDisposableStack;
  },
): Promise<{ control: Control; link: DiskdLink; dataPlaneEnd: DataPlaneEnd }> {
  const { clock, random, log, regionId, program } = options;
  const { folder, catalog, repository, space, undo } = given;
  const reserveBytes = await space.planReserve(folder.disksFolder);
  const dataPlaneEnd: DataPlaneEnd = {
    force: false,
    outcome: { clientCount: 0, usedDiskCount: null, dataPlaneStays: false },
  };
  const link: DiskdLink = new DiskdLink({
    socketPath: folder.diskdSocket,
    folder: folderIdentity(folder.root),
    spawn: () => spawnDiskd(program, folder, reserveBytes),
    onConnected: () => control.reopenDisks(),
    clock,
    log,
  });
  const monitor = openMonitor(folder.monitorFile, log, undo);
  const openDisks = new OpenDisks(link, { isLimited: options.limitsDisks });
  const parts = {
    catalog,
    dataPlane: link,
    openDisks,
    driver: new ExternalDriver(openDisks, log),
    transfer: space.limit(new TransferProcesses(program)),
    repository,
    exchange: new ExchangeProcesses(
      findExchangeFolder(options.exchangeFolder, folder),
      program,
      repositoryIn(folder.root),
    ),
    space,
    monitor,
    clock,
    random,
    log,
    region: { regionId, zoneIds: [`${regionId}-a`, `${regionId}-b`] },
    repositoryPlace: repositoryIn(folder.root),
    dataFolder: folder.root,
    diskdSocket: folder.diskdSocket,
    undoMs: options.undoMs,
  };
  const copies = new CatalogCopies(parts);
  const control: Control = new Control({ ...parts, onStored: () => copies.wake() });
  undo.defer(() => endDataPlane(link, dataPlaneEnd, log));
  await link.start();
  undo.defer(() => control.stop());
  space.start();
  undo.defer(() => space.stop());
  await control.reopenDisks();
  await control.start();
  copies.start();
  undo.defer(() => copies.stop());
  startSampling({ store: monitor, dataPlane: link, control, clock, log }, undo);
  return { control, link, dataPlaneEnd };
}

async function endDataPlane(link: DiskdLink, end: DataPlaneEnd, log: Log): Promise<void> {
  try {
    const { clientCount, ending } = await link.shutdown({ force: end.force });
    const usedDiskCount = ending ? null : await countUsedDisks(link);
    end.outcome = { clientCount, usedDiskCount, dataPlaneStays: !ending };
  } catch (error) {
    log.warn(`the data plane was left as it is: ${messageOf(error)}`);
    end.outcome = { clientCount: 0, usedDiskCount: null, dataPlaneStays: true };
  }
  await link.close();
}

/** Only said to a person: whatever is in the way, nothing depends on it. */
async function countUsedDisks(link: DiskdLink): Promise<number | null> {
  try {
    const { disks } = await link.call('listDisks', {}, { timeoutMs: REPLIES_TIMEOUT_MS });
    return disks.filter(({ clientCount }) => clientCount > 0).length;
  } catch {
    return null;
  }
}

function heldMessage(folder: DataFolder, options: ServerOptions): string {
  return `another hupo works on ${folder.root} already: end it with \`${formatCommand(options, 'stop', folder.root)}\`, or choose another folder with --data`;
}

async function findKey({ environment, random }: ServerOptions, folder: DataFolder): Promise<Server['key']> {
  const { accessKeyId, accessKeySecret } = environment;
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

function describeHealth(link: DiskdLink): object {
  if (link.problem !== null) throw new OperationalError(link.problem, { retryable: true });
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
