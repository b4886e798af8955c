/**
 * One region of a running server: a data folder with all that works on it. It is opened, when nothing runs yet and others may
 * be told of it, and then started, when it goes on with whatever an earlier server left undone.
 */
import { Catalog } from './catalog/catalog.ts';
import { formatCommand } from './cli/connection.ts';
import { ExternalDriver } from './compute/external.ts';
import type { Environment } from './config.ts';
import { copyCatalog } from './control/catalog-backup.ts';
import type { PriceList } from './ecs/price-list.ts';
import { CatalogCopies } from './control/catalog-copies.ts';
import { checkEverything, disksOfDiskd } from './control/check.ts';
import { Control } from './control/control.ts';
import { ensureDataFolder, findExchangeFolder } from './control/data-folder.ts';
import type { DataFolder } from './control/data-folder.ts';
import { DiskdLink } from './control/diskd-link.ts';
import { spawnDiskd } from './control/diskd-process.ts';
import type { Program } from './control/diskd-process.ts';
import { ExchangeProcesses } from './control/exchange-process.ts';
import { openMonitor, startSampling } from './control/monitor-sampler.ts';
import { OpenDisks } from './control/open-disks.ts';
import { takeOwn } from './control/ownership.ts';
import { rememberRegion, zonesOf } from './control/region.ts';
import type { Regions } from './control/regions.ts';
import { startRepositoryCare } from './control/repository-care.ts';
import { ReserveFile } from './control/reserve-file.ts';
import { rewriterOf } from './control/rewrite-process.ts';
import type { ServeCalls } from './control/serve-calls.ts';
import { SpaceWatch } from './control/space-watch.ts';
import { TransferProcesses } from './control/transfer-process.ts';
import type { Clock } from './lib/clock.ts';
import { messageOf } from './lib/errors.ts';
import type { Handlers } from './lib/line-channel.ts';
import type { Log } from './lib/log.ts';
import type { Random } from './lib/random.ts';
import { folderIdentity } from './lib/run-folder.ts';
import { findAnyOwner } from './repository/owner.ts';
import { openRepository } from './repository/repository.ts';
import type { Repository } from './repository/repository.ts';
import { repositoryIn } from './repository/stores.ts';
import type { MeasuredRegion } from './web/region-metrics.ts';

const REPLIES_TIMEOUT_MS = 5000;

/** A region, and the folder that has everything of it. */
export interface RegionPlace {
  regionId: string;
  /** Absolute. */
  dataFolder: string;
}

/** What is the same for every region of a server. */
export interface RegionOptions {
  /** Absolute: whose folders are the buckets that images come from and go to; null: DIR's own. */
  exchangeFolder: string | null;
  /** What is kept free; null: what suits the file system. */
  spaceLimits: { reserveBytes: number | null; highWaterBytes: number | null };
  /** How often every byte of the repository is read again; 0: never. */
  verifyPeriodMs: number;
  /** After so long what uploads stored is rewritten in larger groups; 0: never. */
  compactAfterMs: number;
  /** How long what a rollback replaced is kept; 0: not at all. */
  undoMs: number;
  /** Of 1: so much of a disk's good snapshots retention deletes at a time without being told to. */
  retentionShare: number;
  recycleMs: number;
  /** So long after its subscription ended an instance is released; 0: never. */
  expiredKeptMs: number;
  /** How long events are kept. */
  eventsKeptMs: number;
  /** What snapshots cost, by region; of a region that is not there nobody said. */
  priceLists: ReadonlyMap<string, PriceList>;
  /** Whether disks do in a second no more than their kind does at ECS. */
  limitsDisks: boolean;
  environment: Environment;
  program: Program;
  clock: Clock;
  random: Random;
  log: Log;
}

export interface RegionServer {
  regionId: string;
  folder: DataFolder;
  catalog: Catalog;
  control: Control;
  /** What it tells in GET /metrics. */
  measured: MeasuredRegion;
  /** What is wrong with its data plane, for people; null: nothing. */
  readonly problem: string | null;
  dataPlaneEnd: DataPlaneEnd;
  /** Resolves to what it answers to others on this machine. */
  start(): Promise<RegionCalls>;
}

type RegionCalls = Omit<Handlers<ServeCalls>, 'stop'>;

/** How the data plane is to end with the server, and how it did. */
interface DataPlaneEnd {
  force: boolean;
  outcome: StopOutcome;
}

export interface StopOutcome {
  /** The data folder. */
  root: string;
  /** Clients that were connected to disks. */
  clientCount: number;
  /** Disks that they are connected to; null when that is not known. */
  usedDiskCount: number | null;
  /** Whether the data plane goes on for them. */
  dataPlaneStays: boolean;
}

/** `undo` closes it, and ends what was started. Throws an OperationalError that says what is in the way. */
export async function openRegion(
  options: RegionOptions,
  { regionId, dataFolder }: RegionPlace,
  regions: Regions,
  undo: AsyncDisposableStack,
): Promise<RegionServer> {
  const folder = ensureDataFolder(dataFolder, options.environment.runtimeFolder);
  const reserveFile = new ReserveFile(folder.root, options.random);
  const catalog = await openCatalog(options, folder, reserveFile, undo);
  await rememberRegion(catalog, regionId, folder.root);
  const ending = new AbortController();
  const repository = await openOwnRepository(options, { folder, catalog, ending: ending.signal }, undo);
  const stores = { regionId, folder, catalog, repository, reserveFile };
  const working = await prepareWork(options, stores, regions, undo);
  const { control, link } = working;
  const dataPlaneEnd: DataPlaneEnd = {
    force: false,
    outcome: { root: folder.root, clientCount: 0, usedDiskCount: null, dataPlaneStays: false },
  };
  return {
    ...{ regionId, folder, catalog, control, dataPlaneEnd },
    measured: describeMeasured(options, stores, working),
    get problem() {
      return link.problem;
    },
    start: async () => {
      undo.defer(() => endDataPlane(link, dataPlaneEnd, options.log));
      await startWork(options, working, undo);
      undo.defer(async () => ending.abort());
      const desk = startRepositoryCare({ ...options, catalog, dataPlane: link, repository, control }, undo);
      return {
        check: (asked) => checkEverything(catalog.queries, disksOfDiskd(link), repository, asked),
        fetch: (asked) => control.fetchBase(asked),
        backup: async () => {
          const outside = { random: options.random, nowMs: options.clock.nowMs() };
          return { copy: await copyCatalog(catalog, folder.cacheFolder, outside), regionId };
        },
        repository: (asked) => desk.answer(asked),
      };
    },
  };
}

function describeMeasured(
  { spaceLimits }: RegionOptions,
  {
    regionId,
    folder,
    catalog,
    repository,
  }: { regionId: string; folder: DataFolder; catalog: Catalog; repository: Repository },
  { control, link, copies }: Working,
): MeasuredRegion {
  return {
    ...{ regionId, catalog, dataPlane: link, spaceLimits },
    failureCounts: () => control.failureCounts,
    listWebhooks: () => control.events.webhooks.list(),
    repository: async () => repository.measure(),
    catalogCopyAtMs: () => copies.lastCopyAtMs,
    folders: { disks: folder.disksFolder, repository: folder.repositoryFolder, catalog: folder.root },
  };
}

/** What works on a region, not yet started. */
interface Working {
  control: Control;
  link: DiskdLink;
  space: SpaceWatch;
  copies: CatalogCopies;
  monitor: ReturnType<typeof openMonitor>;
}

async function prepareWork(
  options: RegionOptions,
  stores: {
    regionId: string;
    folder: DataFolder;
    catalog: Catalog;
    repository: Repository;
    reserveFile: ReserveFile;
  },
  regions: Regions,
  undo: AsyncDisposableStack,
): Promise<Working> {
  const { clock, random, log, program } = options;
  const { regionId, folder, catalog, repository, reserveFile } = stores;
  const space = new SpaceWatch({
    folders: [folder.disksFolder, folder.repositoryFolder, folder.root],
    limits: options.spaceLimits,
    ...{ reserveFile, clock, log },
  });
  const reserveBytes = await space.planReserve(folder.disksFolder);
  const link: DiskdLink = new DiskdLink({
    socketPath: folder.diskdSocket,
    folder: folderIdentity(folder.root),
    spawn: () => spawnDiskd(program, folder, reserveBytes),
    onConnected: () => control.reopenDisks(),
    ...{ clock, log },
  });
  const monitor = openMonitor(folder.monitorFile, log, undo);
  const openDisks = new OpenDisks(link, { isLimited: options.limitsDisks });
  const place = repositoryIn(folder.root);
  const parts = {
    ...{ catalog, repository, space, monitor, clock, random, log, regions, openDisks },
    ...{ dataPlane: link, driver: new ExternalDriver(openDisks, log), repositoryPlace: place },
    transfer: space.limit(new TransferProcesses(program)),
    exchange: new ExchangeProcesses(findExchangeFolder(options.exchangeFolder, folder), program, place),
    region: { regionId, zoneIds: zonesOf(regionId) },
    ...{ dataFolder: folder.root, diskdSocket: folder.diskdSocket, eventsKeptMs: options.eventsKeptMs },
    expiredKeptMs: options.expiredKeptMs,
    ...{ undoMs: options.undoMs, recycleMs: options.recycleMs, retentionShare: options.retentionShare },
    priceList: options.priceLists.get(regionId) ?? null,
  };
  const copies = new CatalogCopies(parts);
  const control: Control = new Control({ ...parts, onStored: () => copies.wake() });
  return { control, link, space, copies, monitor };
}

async function startWork(
  { clock, log }: RegionOptions,
  { control, link, space, copies, monitor }: Working,
  undo: AsyncDisposableStack,
): Promise<void> {
  await link.start();
  undo.defer(() => control.stop());
  space.start();
  undo.defer(() => space.stop());
  await control.reopenDisks();
  await control.start();
  copies.start();
  undo.defer(() => copies.stop());
  startSampling({ store: monitor, dataPlane: link, control, clock, log }, undo);
}

async function openCatalog(
  options: RegionOptions,
  folder: DataFolder,
  reserveFile: ReserveFile,
  undo: AsyncDisposableStack,
): Promise<Catalog> {
  const { log } = options;
  if (reserveFile.giveUpWhenFull()) log.warn(`the file system of ${folder.root} is full: make room on it`);
  const stop = formatCommand(options, 'stop', folder.root);
  const catalog = await Catalog.open(
    folder.catalogFile,
    `another hupo works on ${folder.root} already: end it with \`${stop}\`, or choose another folder`,
    options,
  );
  undo.defer(() => catalog.close());
  catalog.makeRoom = () => {
    const isGivenUp = reserveFile.giveUpWhenFull();
    if (isGivenUp) log.warn('the catalog has no room: the reserve file was given up');
    return isGivenUp;
  };
  return catalog;
}

async function openOwnRepository(
  options: RegionOptions,
  { folder, catalog, ending }: { folder: DataFolder; catalog: Catalog; ending: AbortSignal },
  undo: AsyncDisposableStack,
): Promise<Repository> {
  const { clock, random, program } = options;
  const place = repositoryIn(folder.root);
  const repository = await openRepository(place, random, rewriterOf(program, place, ending));
  undo.defer(async () => repository.close());
  await repository.useCachesOf((await findAnyOwner(repository.store))?.mark ?? null);
  await repository.changeOwner((store) =>
    takeOwn({ catalog, store, clock, random }, (command) => formatCommand(options, command, folder.root)),
  );
  return repository;
}

async function endDataPlane(link: DiskdLink, end: DataPlaneEnd, log: Log): Promise<void> {
  const { root } = end.outcome;
  try {
    const { clientCount, ending } = await link.shutdown({ force: end.force });
    const usedDiskCount = ending ? null : await countUsedDisks(link);
    end.outcome = { root, clientCount, usedDiskCount, dataPlaneStays: !ending };
  } catch (error) {
    log.warn(`the data plane of ${root} was left as it is: ${messageOf(error)}`);
    end.outcome = { root, clientCount: 0, usedDiskCount: null, dataPlaneStays: true };
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
