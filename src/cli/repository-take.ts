/**
 * `hupo repository import` and `adopt`: a catalog that was lost or restored from a copy learns what the repository holds; a
 * repository is taken over from another catalog. Nothing else may run on the folder.
 */
import fs from 'node:fs';
import path from 'node:path';
import { findSetting } from '../catalog/settings.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { CliContext } from '../cli.ts';
import { ensureDataFolder } from '../control/data-folder.ts';
import type { DataFolder } from '../control/data-folder.ts';
import { importInto, restoreCatalog } from '../control/import-repository.ts';
import { keepFormerTrees, readFormerTrees } from '../control/former-trees.ts';
import { findStanding, take } from '../control/ownership.ts';
import type { Standing } from '../control/ownership.ts';
import { systemClock } from '../lib/clock.ts';
import { OperationalError } from '../lib/errors.ts';
import { systemRandom } from '../lib/random.ts';
import type { ObjectStore } from '../repository/object-store/object-store.ts';
import { listAccomplishedSnapshots } from '../catalog/snapshots.ts';
import { listDiskFolders } from '../disk/disk-folder.ts';
import { systemFiles } from '../lib/files.ts';
import { findAnyOwner } from '../repository/owner.ts';
import { openObjectStore, openStores, repositoryIn } from '../repository/stores.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { formatCommand } from './connection.ts';
import { isThere } from './known-folder.ts';
import { openCatalog, openDisks } from './open-folder.ts';

export interface TakeOptions {
  data: string;
  region: string;
}

/** The exit code. Again: nothing is left to do. */
export async function runRepositoryImport(options: TakeOptions, context: CliContext): Promise<number> {
  return await withFolder(options, context, async ({ folder, store, openWhole }) => {
    const place = repositoryIn(folder.root);
    const isLost = !isThere(folder.catalogFile) || (await isFresh(folder, openWhole));
    if (isLost) {
      if (listDiskFolders(systemFiles, folder.disksFolder).length === 0) await refuseEmpty(store, folder, context);
      setAside(folder.catalogFile);
      const tell = (sentence: string) => context.err(`${sentence}\n`);
      const copy = await restoreCatalog(place, store, folder.catalogFile, tell);
      context.out(
        copy === null
          ? 'There is no copy of the catalog in the repository: a new one is made.\n'
          : `The catalog is that of ${new Date(copy.takenAtMs).toISOString()}, restored from the repository.\n`,
      );
    }
    await openWhole(async (catalog) => {
      const standing = await findStanding({ catalog, store });
      if (standing.is === 'foreign' && !isLost) refuseForeign(standing, folder, context);
      if (!isLost) await refuseAbsent(catalog, store, folder);
      await takeIn({ catalog, store, folder, options, standing, context });
    });
  });
}

export async function runRepositoryAdopt(options: TakeOptions, context: CliContext): Promise<number> {
  return await withFolder(options, context, async ({ folder, store, openWhole }) => {
    await openWhole(async (catalog) => {
      const standing = await findStanding({ catalog, store });
      if (standing.is === 'ours') {
        context.out('The repository is this catalog’s already.\n');
        return;
      }
      if (standing.is === 'foreign') {
        const since = new Date(standing.owner.takenAtMs).toISOString();
        context.out(
          `The repository was that of the catalog ${standing.owner.catalogId} (epoch ${standing.owner.ownerEpoch}, since ${since}), which may only read it from now on.\n` +
            'What its disks and images need is kept as far as its latest copy in the repository tells.\n',
        );
      }
      const kept = await readFormerTrees(repositoryIn(folder.root), store);
      await catalog.transaction((transaction) => keepFormerTrees(transaction, kept));
      await takeIn({ catalog, store, folder, options, standing, context });
    });
  });
}

/** What a refused start has made; nothing is removed that somebody may miss. */
function setAside(file: string): void {
  for (const name of ['', '-wal', '-shm']) {
    if (fs.existsSync(`${file}${name}`)) fs.renameSync(`${file}${name}`, `${file}.before-import${name}`);
  }
}

/** A folder without a disk is hardly the one whose catalog was lost: the other may be at work. */
async function refuseEmpty(store: ObjectStore, folder: DataFolder, context: CliContext): Promise<void> {
  const owner = await findAnyOwner(store);
  if (owner === null) return;
  const adopt = formatCommand(context, 'repository adopt', folder.root);
  throw new OperationalError(
    `${folder.root} has no disk, so it is not the folder of the catalog that was lost (${owner.catalogId}, epoch ${owner.ownerEpoch}): \`${adopt}\` takes the repository over for ever`,
    { retryable: false },
  );
}

/** A repository that nobody ever owned is not the one that the catalog's snapshots are in: nothing of them would be left. */
async function refuseAbsent(catalog: Catalog, store: ObjectStore, folder: DataFolder): Promise<void> {
  const { length: count } = await listAccomplishedSnapshots(catalog.queries);
  if (count === 0 || (await findAnyOwner(store)) !== null) return;
  throw new OperationalError(
    `the catalog has ${count} snapshots, and there is no repository in ${repositoryIn(folder.root).storeFolder}: copy or link it there first, then import; with an empty one all of them would be gone`,
    { retryable: false },
  );
}

function refuseForeign(standing: Standing, folder: DataFolder, context: CliContext): never {
  const adopt = formatCommand(context, 'repository adopt', folder.root);
  const of = `catalog ${standing.owner?.catalogId}, epoch ${standing.owner?.ownerEpoch}`;
  throw new OperationalError(
    `the repository belongs to another ${of}, which may be at work: \`${adopt}\` takes it over for ever`,
    { retryable: false },
  );
}

interface Opened {
  folder: DataFolder;
  store: ObjectStore;
  /** The catalog and the disks, locked. */
  openWhole: (work: (catalog: Catalog) => Promise<void>) => Promise<void>;
}

async function withFolder(
  options: TakeOptions,
  context: CliContext,
  work: (opened: Opened) => Promise<void>,
): Promise<number> {
  const root = path.resolve(options.data);
  const store = openObjectStore(repositoryIn(root));
  const folder = ensureDataFolder(root, context.environment.runtimeFolder);
  const stop = formatCommand(context, 'stop', folder.root);
  const openWhole = async (use: (catalog: Catalog) => Promise<void>) => {
    await using cleanup = new AsyncDisposableStack();
    await use(await openCatalog(folder, `a server runs on ${folder.root}: \`${stop}\`, then again`, cleanup));
  };
  await work({ folder, store, openWhole });
  return 0;
}

/** A catalog that no server has served yet: a start that was refused has made it. */
async function isFresh(_folder: DataFolder, openWhole: Opened['openWhole']): Promise<boolean> {
  let fresh = false;
  await openWhole(async (catalog) => {
    fresh = (await findSetting(catalog.queries, 'repository-marks')) === undefined;
  });
  return fresh;
}

async function takeIn(given: {
  catalog: Catalog;
  store: ObjectStore;
  folder: DataFolder;
  options: TakeOptions;
  standing: Standing;
  context: CliContext;
}): Promise<void> {
  const { catalog, store, folder, options, standing, context } = given;
  await using cleanup = new AsyncDisposableStack();
  const disks = await (await openDisks(folder, cleanup)).list();
  const regionId = (await findSetting(catalog.queries, 'region')) ?? options.region;
  const isOld = standing.is !== 'ours';
  const { index } = await openStores(repositoryIn(folder.root));
  cleanup.defer(() => index.close());
  const hasTree = ({ root }: TreeRef) => index.locate(Buffer.from(root ?? '', 'hex')).length > 0;
  const zoneId = `${regionId}-a`;
  const done = await importInto(catalog, { store, hasTree, disks, clock: systemClock, zoneId, isOld });
  await take({ catalog, store, clock: systemClock, random: systemRandom });
  for (const sentence of done) context.out(`${sentence}\n`);
  context.out(done.length === 0 ? 'The catalog knows all that the repository holds.\n' : 'Done.\n');
}
