/** What a case of an error is, and the parts that cases of several actions share. */
import type { Updateable } from 'kysely';
import type { DiskRow, ImageRow, InstanceRow, SnapshotRow } from '../../../src/catalog/schema.ts';
import { formatSecond } from '../../../src/ecs/times.ts';
import { CONCURRENT_SNAPSHOT_QUOTA } from '../../../src/ecs/states.ts';
import { snapshotRequest } from '../../control/world.ts';
import type { Parameters } from '../recipes.ts';
import type { Scene } from '../scene.ts';

type Asked = Parameters | ((scene: Scene) => Parameters);

/** What is asked beside (or, blank, without) the good request of the action; `after` makes the scene such that it is refused. */
export type ErrorCase = Asked | { after: (scene: Scene) => Promise<unknown>; ask?: Asked };

/** Action → code → the case. */
export type ErrorCases = Record<string, Record<string, ErrorCase>>;

export const manyTags = numbered('Tag', 21, (at) => ({ [`${at}.Key`]: `key-${at}` }));

/** Of a new resource with `Tag.N.Key`, `Tag.N.Value`. */
export const newTagCases = {
  'Duplicate.TagKey': { 'Tag.5.Key': 'a', 'Tag.6.Key': 'a' },
  'InvalidTagKey.Malformed': { 'Tag.5.Key': 'acs:a' },
  'InvalidTagValue.Malformed': { 'Tag.5.Key': 'a', 'Tag.5.Value': 'acs:a' },
  'QuotaExceed.Tags': manyTags,
} satisfies Record<string, ErrorCase>;

/** Of filters with `Tag.N.Key`, `Tag.N.Value`. */
export const tagFilterCases: Record<string, ErrorCase> = {
  'InvalidTag.Mismatch': { 'Tag.1.Value': 'v' },
  InvalidTagCount: manyTags,
};

/** Of spans of time that monitoring is asked for. */
export const spanCases: Record<string, ErrorCase> = {
  'InvalidStartTime.Malformed': { StartTime: '2026-11-23T10:00Z' },
  'InvalidEndTime.Malformed': { EndTime: 'now' },
  'InvalidPeriod.ValueNotSupported': { Period: '120' },
  'InvalidStartTime.TooEarly': ({ world }) => ({ StartTime: formatSecond(world.clock.nowMs() - 31 * 86_400_000) }),
  'InvalidParameter.TooManyDataQueried': ({ world }) => ({
    StartTime: formatSecond(world.clock.nowMs() - 402 * 60_000),
  }),
};

export const elsewhere: ErrorCase = { RegionId: 'cn-nowhere' };
export const dryRun: ErrorCase = { DryRun: 'true' };

/** `make('Tag.1')`, … in one. */
export function numbered(name: string, count: number, make: (at: string) => Parameters): Parameters {
  const all = Array.from({ length: count }, (_, index) => Object.entries(make(`${name}.${index + 1}`)));
  return Object.fromEntries(all.flat());
}

export async function setDisk(scene: Scene, diskId: string, change: Updateable<DiskRow>): Promise<void> {
  await scene.world.catalog.queries.updateTable('disks').set(change).where('disk_id', '=', diskId).execute();
}

export async function setInstance(scene: Scene, id: string, change: Updateable<InstanceRow>): Promise<void> {
  await scene.world.catalog.queries.updateTable('instances').set(change).where('instance_id', '=', id).execute();
}

export async function setSnapshot(scene: Scene, id: string, change: Updateable<SnapshotRow>): Promise<void> {
  await scene.world.catalog.queries.updateTable('snapshots').set(change).where('snapshot_id', '=', id).execute();
}

export async function setImage(scene: Scene, id: string, change: Updateable<ImageRow>): Promise<void> {
  await scene.world.catalog.queries.updateTable('images').set(change).where('image_id', '=', id).execute();
}

/** As if an operation on the disk were under way. */
export async function recordOperation({ world }: Scene, kind: string, diskId: string): Promise<void> {
  const rest = { step: 'none', state: '{}', undoing: 0, reason: null, epoch: 0, created_at_ms: 0 };
  const row = { operation_id: 'op-made-up', kind, subject_id: diskId, ...rest };
  await world.catalog.queries.insertInto('operations').values(row).execute();
}

/** A snapshot of the disk that stays unfinished, and is not Available. */
export async function beginSnapshot({ world }: Scene, diskId: string): Promise<string> {
  world.diskd.before = (name) => (name === 'awaitDurable' ? new Promise(() => undefined) : Promise.resolve());
  const { snapshotId } = await world.control.createSnapshot(snapshotRequest(diskId));
  return snapshotId;
}

/** As many snapshots of the disk in the making, and Available, as there may be. */
export async function fillWithUploads({ world }: Scene, diskId: string): Promise<void> {
  world.holdUploads();
  for (let count = 0; count < CONCURRENT_SNAPSHOT_QUOTA; count++) await world.beginSnapshot(diskId);
}

/** As many snapshots of the disk as a quota counts, made by copying a row. */
export async function fillWithSnapshots(
  { world, snapshot, dataDisk }: Pick<Scene, 'world' | 'snapshot' | 'dataDisk'>,
  count: number,
  diskId = dataDisk,
): Promise<void> {
  const { queries } = world.catalog;
  const row = await queries
    .selectFrom('snapshots')
    .selectAll()
    .where('snapshot_id', '=', snapshot)
    .executeTakeFirstOrThrow();
  const rows = Array.from({ length: count }, (_, index) => ({
    ...row,
    snapshot_id: `s-copy${index}`,
    source_disk_id: diskId,
  }));
  await queries.insertInto('snapshots').values(rows).execute();
}
