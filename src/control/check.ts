/**
 * `hupo check`: whether catalog, disks and repository say the same, and each is whole in itself. Reads only. Beside a running
 * server things change while they are read, so what does not agree is looked at twice, and only what both looks saw is told.
 */
import path from 'node:path';
import { sql } from 'kysely';
import { listAllDisks } from '../catalog/disks.ts';
import { checkEvents } from '../catalog/event-schema.ts';
import { checkListing } from '../catalog/listing-schema.ts';
import { listOperations } from '../catalog/operations.ts';
import type { DiskRow, Queries } from '../catalog/schema.ts';
import { listAccomplishedSnapshots } from '../catalog/snapshots.ts';
import { checkDisk } from '../disk/check.ts';
import { listDiskFolders, recoverDisk } from '../disk/disk-folder.ts';
import { isViewBase } from '../disk/protocol.ts';
import type { BaseRef, DiskFinding } from '../disk/protocol.ts';
import { readBootId } from '../lib/boot-id.ts';
import { RequestError, messageOf } from '../lib/errors.ts';
import type { Files } from '../lib/files.ts';
import { CHUNK_BYTES, GIB } from '../lib/geometry.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { CheckRequest, RepositoryFinding } from '../repository/check.ts';
import { describeFinding } from '../repository/describe-finding.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { listNamedRoots } from './check-roots.ts';
import { compareDisk } from './compare-disks.ts';
import type { Compared } from './compare-disks.ts';
import { baseOf } from './disk-folder.ts';
import type { DataPlane } from './parts.ts';
import type { CheckReport } from './serve-calls.ts';

/** A disk as its folder says it is. */
export interface StoredDisk {
  diskId: string;
  sizeBytes: number;
  incarnation: number;
  base: BaseRef;
}

/** The disks, through diskd while it runs, else from their files. */
export interface DiskSource {
  list(): Promise<StoredDisk[]>;
  check(diskId: string): Promise<DiskFinding[]>;
  /** Null when none runs: then disks are not compared with their snapshots. */
  dataPlane: DataPlane | null;
}

export interface CheckedRepository {
  /** What is wrong with the damaged ones `check` tells. */
  readManifests(): Promise<{ manifests: Manifest[]; damagedIds: string[] }>;
  /** Beside uploads; the collector waits. */
  check(options: CheckRequest): Promise<RepositoryFinding[]>;
}

export interface Records {
  disks: { diskId: string; sizeBytes: number; incarnation: number; base: BaseRef }[];
  snapshots: { snapshotId: string; tree: TreeRef }[];
  /** Operations, and the disks that one of them changes without naming it, as text: what is in it is being changed. */
  changing: string;
}

export async function checkEverything(
  queries: Queries,
  disks: DiskSource,
  repository: CheckedRepository,
  options: { readData: boolean; heal: boolean },
): Promise<CheckReport> {
  const look = async () => {
    const { manifests, damagedIds } = await repository.readManifests();
    const stored = await disks.list();
    const records = await readRecords(queries);
    records.snapshots = records.snapshots.filter(({ snapshotId }) => !damagedIds.includes(snapshotId));
    return { records, stored, findings: compareRecords(records, stored, manifests) };
  };
  const first = await look();
  const second = first.findings.length === 0 ? first : await look();
  const findings = second.findings.filter((finding) => first.findings.includes(finding));
  const listed = second.stored.map(({ diskId }) => diskId);
  const missing = second.records.disks.map(({ diskId }) => diskId).filter((diskId) => !listed.includes(diskId));
  for (const diskId of [...listed, ...missing]) findings.push(...(await checkOne(disks, diskId)));
  const checked = await repository.check({
    readData: options.readData ? true : 'known',
    listRoots: () => listNamedRoots(queries),
  });
  findings.push(...checked.map((finding) => `the repository: ${describeFinding(finding)}`));
  findings.push(...(await checkCatalog(queries)));
  const compared = options.readData ? await compareAll(queries, disks.dataPlane, listed, options.heal) : null;
  const counts = { diskCount: second.records.disks.length, snapshotCount: second.records.snapshots.length };
  return {
    findings: [...findings, ...(compared?.findings ?? [])],
    ...counts,
    comparedBytes: compared?.comparedBytes ?? null,
    uncomparedBytes: compared?.uncomparedBytes ?? 0,
  };
}

/** Null without a data plane that can. */
async function compareAll(
  queries: Queries,
  dataPlane: DataPlane | null,
  diskIds: readonly string[],
  heal: boolean,
): Promise<(Compared & { uncomparedBytes: number }) | null> {
  if (dataPlane === null) return null;
  const all: Compared = { comparedBytes: 0, findings: [] };
  const { disks } = await dataPlane.call('listDisks', {});
  const heldBytes = disks.reduce((sum, { mapping }) => sum + mapping.dataChunkCount * CHUNK_BYTES, 0);
  for (const diskId of diskIds) {
    const compared = await compareDisk(queries, dataPlane, diskId, heal);
    if (compared === null) return null;
    all.comparedBytes += compared.comparedBytes;
    all.findings.push(...compared.findings);
  }
  return { ...all, uncomparedBytes: Math.max(0, heldBytes - all.comparedBytes) };
}

/** What SQLite finds wrong with its own file, and what it keeps of other rows. */
async function checkCatalog(queries: Queries): Promise<string[]> {
  const { rows } = await sql<{ quick_check: string }>`PRAGMA quick_check(20)`.execute(queries);
  const damages = rows.flatMap(({ quick_check: what }) => (what === 'ok' ? [] : [`catalog.db: ${what}`]));
  return [...damages, ...(await checkListing(queries)), ...(await checkEvents(queries))];
}

async function readRecords(queries: Queries): Promise<Records> {
  const disks = await listAllDisks(queries);
  const snapshots = await listAccomplishedSnapshots(queries);
  return {
    disks: disks.map((row) => ({
      diskId: row.disk_id,
      sizeBytes: row.size_gib * GIB,
      incarnation: row.incarnation,
      base: baseOf(row),
    })),
    snapshots: snapshots.map((row) => ({
      snapshotId: row.snapshot_id,
      tree: JSON.parse(row.tree ?? 'null') as TreeRef,
    })),
    changing: describeChanging(disks, JSON.stringify(await listOperations(queries))),
  };
}

/**
 * An operation on an instance changes its disks too, and one that makes or drops them names the instance only. A disk that
 * stands on a view is moved to its tree whenever that is there, in diskd first.
 */
function describeChanging(disks: DiskRow[], operations: string): string {
  const isChanging = (row: DiskRow) =>
    row.status === 'Creating' ||
    isViewBase(baseOf(row)) ||
    (row.instance_id !== null && operations.includes(row.instance_id));
  return [operations, ...disks.filter(isChanging).map(({ disk_id: diskId }) => diskId)].join(' ');
}

/** Where catalog, disks and manifests disagree; what an operation is changing is left out. */
export function compareRecords(records: Records, stored: StoredDisk[], manifests: Manifest[]): string[] {
  const settled = (id: string) => !records.changing.includes(id);
  return [
    ...compareDisks(
      records.disks.filter(({ diskId }) => settled(diskId)),
      stored.filter(({ diskId }) => settled(diskId)),
    ),
    ...compareSnapshots(
      records.snapshots.filter(({ snapshotId }) => settled(snapshotId)),
      manifests.filter(({ snapshotId }) => settled(snapshotId)),
    ),
  ];
}

function compareDisks(recorded: Records['disks'], stored: StoredDisk[]): string[] {
  const found = new Map(stored.map((disk) => [disk.diskId, disk]));
  const known = new Set(recorded.map(({ diskId }) => diskId));
  const findings = stored
    .filter(({ diskId }) => !known.has(diskId))
    .map(({ diskId }) => `disks/${diskId} is there, but the catalog knows no such disk`);
  for (const disk of recorded) {
    const there = found.get(disk.diskId);
    if (there === undefined) {
      findings.push(
        `the disk ${disk.diskId} is in the catalog, but disks/${disk.diskId} is not there or cannot be read`,
      );
      continue;
    }
    for (const [what, expected, actual] of differences(disk, there)) {
      const advice = what === 'base' && actual === 'zeros' ? ` (\`hupo disk fetch ${disk.diskId}\` settles that)` : '';
      findings.push(`the disk ${disk.diskId} has ${what} ${actual}, the catalog says ${expected}${advice}`);
    }
  }
  return findings;
}

function differences(recorded: StoredDisk, stored: StoredDisk): [string, string | number, string | number][] {
  const pairs: [string, string | number, string | number][] = [
    ['size', recorded.sizeBytes, stored.sizeBytes],
    ['incarnation', recorded.incarnation, stored.incarnation],
    ['base', describeBase(recorded.base), describeBase(stored.base)],
  ];
  return pairs.filter(([, expected, actual]) => expected !== actual);
}

function describeBase(base: BaseRef): string {
  if (isViewBase(base)) return `the frozen view of ${base.snapshotId} on ${base.viewOf}`;
  return base.tree.root ?? 'zeros';
}

function compareSnapshots(recorded: Records['snapshots'], manifests: Manifest[]): string[] {
  const found = new Map(manifests.map((manifest) => [manifest.snapshotId, manifest]));
  const known = new Set(recorded.map(({ snapshotId }) => snapshotId));
  const findings = manifests
    .filter(({ snapshotId }) => !known.has(snapshotId))
    .map(({ snapshotId }) => `the repository has the snapshot ${snapshotId}, but the catalog knows no such snapshot`);
  for (const { snapshotId, tree } of recorded) {
    const manifest = found.get(snapshotId);
    if (manifest === undefined) {
      findings.push(`the snapshot ${snapshotId} is accomplished, but the repository has no manifest of it`);
    } else if (manifest.tree.root !== tree.root) {
      findings.push(`the snapshot ${snapshotId} has another tree in the repository than in the catalog`);
    }
  }
  return findings;
}

/** A disk that is not there at all is told by `compareRecords`. */
async function checkOne(disks: DiskSource, diskId: string): Promise<string[]> {
  try {
    return (await disks.check(diskId)).map(formatFinding);
  } catch (error) {
    if (error instanceof RequestError && error.code === 'InvalidDiskId.NotFound') return [];
    return [`the disk ${diskId} cannot be checked: ${messageOf(error)}`];
  }
}

function formatFinding(finding: DiskFinding): string {
  const can = finding.repair === null ? 'cannot mend it' : `would ${finding.repair}`;
  return `the disk ${finding.diskId}: ${finding.what} (\`hupo check --repair\` ${can})`;
}

/** The disks of a running diskd. */
export function disksOfDiskd(dataPlane: DataPlane): DiskSource {
  return {
    dataPlane,
    list: async () => (await dataPlane.call('listDisks', {})).disks,
    check: async (diskId) => (await dataPlane.call('checkDisk', { diskId }, { timeoutMs: Infinity })).findings,
  };
}

/** The disks' files, which nobody may have open. A disk that cannot be read is only in what `check` tells. */
export function disksOfFolder(files: Files, disksFolder: string): DiskSource {
  return {
    dataPlane: null,
    list: async () =>
      listDiskFolders(files, disksFolder).flatMap((diskId) => readHead(files, path.join(disksFolder, diskId))),
    check: async (diskId) => {
      const folder = path.join(disksFolder, diskId);
      return files.find(folder) === undefined ? [] : checkDisk(files, folder);
    },
  };
}

function readHead(files: Files, folder: string): StoredDisk[] {
  try {
    const { map, store } = recoverDisk(files, folder, readBootId(), { mode: 'read' });
    store.close();
    const { diskId, sizeBytes, incarnation, live } = map.head;
    return [{ diskId, sizeBytes, incarnation, base: live.base }];
  } catch {
    return []; // `check` tells why
  }
}
