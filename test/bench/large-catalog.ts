/**
 * A catalog of a million snapshots and a hundred thousand disks, through the real migrations, its rows in one transaction.
 * Repeatable: the same rows each time. Nothing but the catalog is made: its disks have no folders, and its snapshots, all empty,
 * no manifests.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import { Catalog } from '../../src/catalog/catalog.ts';
import { migrate, migrations } from '../../src/catalog/migrations.ts';
import { applyToDisk, insertPolicy } from '../../src/catalog/policies.ts';
import type { Schema } from '../../src/catalog/schema.ts';
import { createSqliteDialect } from '../../src/catalog/sqlite-dialect.ts';
import { DEFAULT_RESOURCE_GROUP_ID } from '../../src/ecs/resource-groups.ts';

export interface CatalogSize {
  snapshotCount: number;
  diskCount: number;
}

export const LARGE: CatalogSize = { snapshotCount: 1_000_000, diskCount: 100_000 };

const FIRST_MS = Date.UTC(2025, 0, 1);
const DAYS = 400;
/** Snapshots that are made in the same second, as by a schedule. */
const BURST = 10;
const GROUP_MEMBERS = 5;

/** Ids and values that a question can be about. */
export const known = {
  diskId: idOf('d', 14),
  busyDiskId: idOf('d', 0),
  instanceId: idOf('i', 3),
  imageId: idOf('m', 2),
  groupId: idOf('ssg', 5),
  snapshotId: idOf('s', 1234),
  policyId: 'sp-bp100000000000000001',
  sourceSnapshotId: idOf('s', 40),
  resourceGroupId: groupOf(1),
  middleMs: FIRST_MS + (DAYS / 2) * 86_400_000,
  lastMs: FIRST_MS + DAYS * 86_400_000,
};

/** The id of the thing of that number. */
export function idOf(prefix: string, number: number): string {
  return `${prefix}-bp1${createHash('md5').update(`${prefix}${number}`).digest('hex').slice(0, 17)}`;
}

/** Most resources are in the default group, every fiftieth in each of nine others. */
function groupOf(number: number): string {
  const group = number % 50;
  return group >= 1 && group <= 9 ? `rg-bench000000000${group}` : DEFAULT_RESOURCE_GROUP_ID;
}

type Put = (row: Record<string, string | number | null>) => void;

/** The last before triggers keep what lists are read from: the next one tells all of it at once, in a third of the time. */
const VERSION = 11;
/** Every so manieth disk has the policy. */
const DISKS_OF_POLICY = 50;

/** Makes it in `file`, which is not there yet. */
export async function writeLargeCatalog(file: string, size: CatalogSize = LARGE): Promise<void> {
  fs.closeSync(fs.openSync(file, 'wx', 0o600));
  const database = new DatabaseSync(file);
  const dialect = createSqliteDialect(database);
  await migrate(
    new Kysely<Schema>({ dialect }),
    migrations.filter(({ version }) => version <= VERSION),
  );
  database.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000; BEGIN');
  const into = (table: string) => inserter(database, table);
  const tags = into('tags');
  const counts = { ...size, instanceCount: Math.ceil(size.diskCount / 5), imageCount: Math.ceil(size.diskCount / 100) };
  putImages(counts, into('images'), into('image_disks'));
  putInstances(counts, into('instances'), tags);
  putDisks(counts, into('disks'), tags);
  putSnapshots(counts, into('snapshots'), into('snapshot_groups'), tags);
  putRest(counts, into('tasks'), into('snapshot_locks'));
  database.exec('COMMIT');
  database.close();
  const catalog = await Catalog.open(file, 'held');
  await putPolicy(catalog, size);
  await catalog.close();
}

/** One of ten snapshots is automatic. */
async function putPolicy({ queries }: Catalog, { diskCount }: CatalogSize): Promise<void> {
  await queries.updateTable('snapshots').set({ automatic: 1 }).where('snapshot_name', 'like', 'snapshot-%2').execute();
  await insertPolicy(queries, {
    ...{ policy_id: known.policyId, policy_name: 'daily', hours: '[2]', weekdays: '[1,2,3,4,5,6,7]' },
    ...{ retention_days: 30, keep_rules: null, catches_up: 1, target_tags: null, copies: 0, copy_region_id: null },
    ...{ copied_retention_days: -1, resource_group_id: DEFAULT_RESOURCE_GROUP_ID },
    ...{ created_at_ms: FIRST_MS, cursor_ms: known.lastMs },
  });
  for (let n = 0; n < diskCount; n += DISKS_OF_POLICY) {
    await applyToDisk(queries, { policyId: known.policyId, diskId: idOf('d', n) }, FIRST_MS);
  }
}

type Counts = CatalogSize & { instanceCount: number; imageCount: number };

function inserter(database: DatabaseSync, table: string): Put {
  let run: Put | null = null;
  return (row) => {
    if (run === null) {
      const names = Object.keys(row);
      const statement = database.prepare(
        `INSERT INTO ${table} (${names.join()}) VALUES (${names.map((name) => `:${name}`).join()})`,
      );
      run = (values) => void statement.run(values);
    }
    run(row);
  };
}

/** One on 3 %, one of a hundred values on 5 %, one on 30 %, a value of its own on 1 %, and one on every 50 000th. */
function putTags(put: Put, resourceId: string, number: number): void {
  const tag = (key: string, value: string) => put({ resource_id: resourceId, tag_key: key, tag_value: value });
  if (number % 100 < 3) tag('env', 'prod');
  if (number % 20 === 1) tag('team', `team-${Math.floor(number / 20) % 100}`);
  if (number % 10 < 3) tag('cluster', 'k8s');
  if (number % 100 === 50) tag('ticket', String(number));
  if (number % 50_000 === 5) tag('rare', 'yes');
}

function putImages({ imageCount }: Counts, images: Put, disks: Put): void {
  for (let n = 0; n < imageCount; n += 1) {
    const image = { image_id: idOf('m', n), image_name: `image-${n}`, description: '', owner_alias: 'self' };
    const system = { os_type: 'linux', os_name: 'Debian', platform: 'Debian', architecture: 'x86_64' };
    images({
      ...{ ...image, ...system, size_gib: 40, created_at_ms: FIRST_MS + n, image_family: `family-${n % 50}` },
      resource_group_id: groupOf(n),
    });
    const disk = { image_id: image.image_id, device: '/dev/xvda', type: 'system', size_gib: 40 };
    disks({ ...disk, snapshot_id: idOf('s', n * 100 + 30), base: emptyBase });
  }
}

const emptyBase = JSON.stringify({ snapshotId: null, tree: { root: null, levels: 0, dataChunkCount: 0 } });

function putInstances({ instanceCount, imageCount }: Counts, put: Put, tags: Put): void {
  for (let n = 0; n < instanceCount; n += 1) {
    const instance_id = idOf('i', n);
    const where = { zone_id: `cn-hangzhou-${n % 10 === 0 ? 'b' : 'a'}`, instance_type: 'ecs.external.large' };
    const address = `10.${n >> 16}.${(n >> 8) % 256}.${n % 256}`;
    put({
      ...{ instance_id, instance_name: `node-${n}`, host_name: `node-${n}`, description: '', ...where },
      ...{ image_id: idOf('m', n % imageCount), status: 'Stopped', created_at_ms: FIRST_MS + n * 1000 },
      ...{ started_at_ms: null, serial_number: `serial-${n}`, mac_address: `mac-${n}`, private_ip: address },
      ...{ network_interface_id: `eni-${n}`, resource_group_id: groupOf(n) },
    });
    putTags(tags, instance_id, n);
  }
}

/** Four of five instances have a system disk and three data disks; the rest of the disks are attached to nothing. */
function putDisks({ diskCount, instanceCount }: Counts, put: Put, tags: Put): void {
  for (let n = 0; n < diskCount; n += 1) {
    const instance = n < diskCount * 0.8 ? Math.floor(n / 4) % instanceCount : null;
    const isSystem = instance !== null && n % 4 === 0;
    const instance_id = instance === null ? null : idOf('i', instance);
    const disk_id = idOf('d', n);
    const flag = (every: number) => (n % every === 0 ? 0 : 1);
    put({
      ...{ disk_id, zone_id: `cn-hangzhou-${n % 10 === 0 ? 'b' : 'a'}`, disk_name: n % 4 === 0 ? 'root' : `data-${n}` },
      ...{
        description: '',
        category: n % 20 === 0 ? 'cloud_ssd' : 'cloud_essd',
        performance_level: null,
        size_gib: 40,
      },
      ...{ status: instance === null ? 'Available' : 'In_use', type: isSystem ? 'system' : 'data' },
      ...{
        created_at_ms: FIRST_MS + Math.floor((n * DAYS * 86_400_000) / diskCount),
        attached_at_ms: null,
        detached_at_ms: null,
        instance_id,
      },
      device: instance === null ? null : `/dev/xvd${'abcd'.charAt(n % 4)}`,
      ...{
        delete_with_instance: isSystem ? 1 : flag(7),
        delete_auto_snapshot: flag(11),
        enable_auto_snapshot: flag(13),
      },
      ...{ portable: isSystem ? 0 : 1, source_snapshot_id: n % 20 === 4 ? idOf('s', n * 10) : null, image_id: null },
      ...{ ever_attached: 1, base: emptyBase, incarnation: 1, home_instance_id: isSystem ? instance_id : null },
      ...{ first_base: emptyBase, resource_group_id: groupOf(n) },
    });
    putTags(tags, disk_id, n);
  }
}

/** One of a hundred is of the busiest disk, one of fifty of a disk that is deleted, two of a hundred in groups. */
function putSnapshots({ snapshotCount, diskCount }: Counts, put: Put, groups: Put, tags: Put): void {
  const stepMs = (DAYS * 86_400_000) / snapshotCount;
  for (let n = 0; n < snapshotCount; n += 1) {
    const created_at_ms = FIRST_MS + Math.floor(stepMs * (n - (n % BURST)));
    const snapshot_id = idOf('s', n);
    const group = n % 250 < GROUP_MEMBERS ? Math.floor(n / 250) : null;
    if (group !== null && n % 250 === 0) {
      const row = { snapshot_group_id: idOf('ssg', group), group_name: `group-${group % 500}`, description: '' };
      groups({
        ...{ ...row, instance_id: idOf('i', group), frozen: 1, created_at_ms, resource_group_id: groupOf(group) },
      });
      putTags(tags, row.snapshot_group_id, group);
    }
    put({
      ...{ snapshot_id, snapshot_name: n % 10 < 3 ? 'daily' : `snapshot-${n}`, description: '' },
      ...{
        created_at_ms,
        modified_at_ms: created_at_ms,
        source_disk_id: diskOf(n, diskCount),
        source_disk_size_gib: 40,
      },
      ...{ source_disk_type: n % 5 === 0 ? 'system' : 'data', retention_days: n % 3 === 0 ? 30 : null },
      ...{
        category: n % 20 === 3 ? 'archive' : 'standard',
        snapshot_group_id: group === null ? null : idOf('ssg', group),
      },
      ...{
        undo_until_ms: null,
        source_region_id: null,
        source_snapshot_id: null,
        instant: 0,
        resource_group_id: groupOf(n),
        ...progressOf(n, snapshotCount),
      },
    });
    putTags(tags, snapshot_id, n);
  }
}

function diskOf(number: number, diskCount: number): string {
  if (number % 100 === 0) return known.busyDiskId;
  return idOf('d', number % 50 === 1 ? diskCount + (number % 5000) : (number * 7) % diskCount);
}

/** The last two hundred are in the making, one of five hundred failed. */
function progressOf(number: number, snapshotCount: number): Record<string, string | number | null> {
  const stored = { frozen: 1, generation: number + 1, incarnation: 1, remaining_seconds: 0 };
  const none = { ...stored, tree: null, progress_percent: 40 };
  if (number >= snapshotCount - 200) return { ...none, status: 'progressing', failure_reason: null };
  if (number % 500 === 77) return { ...none, status: 'failed', failure_reason: 'the device was full' };
  const tree = JSON.stringify({ root: null, levels: 0, dataChunkCount: 0 });
  return { ...stored, tree, progress_percent: 100, status: 'accomplished', failure_reason: null };
}

function putRest({ snapshotCount }: Counts, tasks: Put, locks: Put): void {
  for (let n = 0; n < snapshotCount / 100; n += 1) {
    const times = { created_at_ms: FIRST_MS + n * 1000, finished_at_ms: FIRST_MS + n * 1000 + 500 };
    const kind = {
      task_action: n % 2 === 0 ? 'ImportImage' : 'ExportImage',
      status: 'Finished',
      resource_id: idOf('m', n),
    };
    tasks({
      ...{ task_id: idOf('t', n), ...kind, cancellable: 0, progress_percent: 100, ...times },
      ...{ part_count: 1, ended_parts: '[]' },
    });
    const lock = { snapshot_id: idOf('s', n * 100 + 1), lock_days: 30, cool_off_hours: 0 };
    const from = FIRST_MS + n * 1000;
    locks({
      ...{ ...lock, created_at_ms: from, cool_off_until_ms: from },
      ...{ started_at_ms: from, expires_at_ms: from + 30 * 86_400_000 },
    });
  }
}
