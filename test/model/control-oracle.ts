/**
 * What must be true of a control plane whatever it was asked, in any order, at once, and wherever it died: kept as the
 * contents of disks and snapshots, the names under which things were asked for, and a log of every change of state that a
 * trigger in the catalog writes.
 */
import assert from 'node:assert/strict';
import { sql } from 'kysely';
import { listAllDisks } from '../../src/catalog/disks.ts';
import { listAllRecycled, listRecycledSnapshots } from '../../src/catalog/recycle-bin.ts';
import { listAccomplishedSnapshots } from '../../src/catalog/snapshots.ts';
import type { World } from '../control/world.ts';

export type Words = Record<string, string>;

/** Something that was asked to be made, under a name that nothing else has. */
export interface Attempt {
  name: string;
  outcome: 'made' | 'refused' | 'unknown';
  id: string | null;
  /** The client token with its parameters, under which it is made once. */
  token: string | null;
}

/** Table → from → to. */
const legal: Record<string, Record<string, string[]>> = {
  disks: {
    Creating: ['Available', 'In_use'],
    Available: ['Attaching', 'In_use', 'ReIniting'],
    Attaching: ['In_use', 'Available'],
    In_use: ['Detaching', 'ReIniting', 'Available'],
    Detaching: ['Available', 'In_use'],
    ReIniting: ['In_use', 'Available'],
  },
  instances: {
    Pending: ['Starting', 'Stopped'],
    Starting: ['Running', 'Stopped', 'Stopping'],
    Running: ['Stopping'],
    Stopping: ['Stopped', 'Running', 'Starting'],
    Stopped: ['Starting', 'Stopping'],
  },
  snapshots: { progressing: ['accomplished', 'failed'] },
  images: { Creating: ['Available', 'CreateFailed'], Available: ['Deprecated'], Deprecated: ['Available'] },
};

export class ControlOracle {
  readonly #world: World;
  readonly #disks = new Map<string, Words>();
  /** Also of those that are deleted: disks may stand on them. */
  readonly #snapshots = new Map<string, Words>();
  /** What each disk held when it was seen first. */
  readonly #began = new Map<string, Words>();
  readonly attempts: Attempt[] = [];
  /** How often it was asked that something go away and not refused. */
  readonly #doomed = new Map<string, number>();
  readonly #tokens = new Map<string, string>();
  /** Uploads were made to fail: snapshots and images that were made may be `failed`. */
  mayFail = false;
  /** Disk → what it may hold after this batch beside what it held before. */
  #targets = new Map<string, Words[]>();
  /** What was in lists or the recycle bin at the last check, what was in the bin, and what may go from it until the next. */
  #whole: string[] = [];
  #recycled: string[] = [];
  readonly #emptied = new Set<string>();
  #isAllEmptied = false;

  constructor(world: World) {
    this.#world = world;
  }

  /** Logs every change of a status from now on, also across restarts. */
  async watch(): Promise<void> {
    const { queries } = this.#world.catalog;
    await sql`CREATE TABLE changes (of_table TEXT, from_status TEXT, to_status TEXT)`.execute(queries);
    for (const table of Object.keys(legal)) {
      const statement = `CREATE TRIGGER watch_${table} AFTER UPDATE OF status ON ${table} WHEN old.status <> new.status
        BEGIN INSERT INTO changes VALUES ('${table}', old.status, new.status); END`;
      await sql.raw(statement).execute(queries);
    }
  }

  /** The disk may be rolled back by what is asked now: to a snapshot, or with null to how it began, if that is known still. */
  async mayReset(diskId: string, snapshotId: string | null): Promise<void> {
    const targets = this.#targets.get(diskId) ?? [];
    if (snapshotId !== null) targets.push(this.#snapshots.get(snapshotId) ?? {});
    else if (await this.#hasSource(diskId)) targets.push(this.#began.get(diskId) ?? {});
    this.#targets.set(diskId, targets);
  }

  /** Whether the snapshot or image that it was made from is there. */
  async #hasSource(diskId: string): Promise<boolean> {
    const { queries } = this.#world.catalog;
    const row = await queries.selectFrom('disks').selectAll().where('disk_id', '=', diskId).executeTakeFirst();
    const snapshots = queries.selectFrom('snapshots').where('snapshot_id', '=', row?.source_snapshot_id ?? '');
    const images = queries
      .selectFrom('images')
      .where('image_id', '=', row?.image_id ?? '')
      .where('deleted', '=', 0);
    const isRecycled = this.#recycled.includes(row?.source_snapshot_id ?? ''); // and may be restored first
    const hasSnapshot = isRecycled || (await snapshots.selectAll().executeTakeFirst()) !== undefined;
    const hasImage = (await images.selectAll().executeTakeFirst()) !== undefined;
    const [noSnapshot, noImage] = [(row?.source_snapshot_id ?? null) === null, (row?.image_id ?? null) === null];
    return (noSnapshot || hasSnapshot) && (noImage || hasImage);
  }

  /** What the disk's image has for the device where it is: the one it was made for, when it is seen first. */
  async #imageDiskOf(disk: { image_id: string | null; device: string | null }): Promise<Words | null> {
    const parts = this.#world.catalog.queries.selectFrom('image_disks').select('snapshot_id');
    const ofImage = parts.where('image_id', '=', disk.image_id ?? '').where('device', '=', disk.device ?? '');
    const part = await ofImage.executeTakeFirst();
    if (part === undefined) return null;
    return part.snapshot_id === null ? {} : (this.#snapshots.get(part.snapshot_id) ?? {});
  }

  doom(id: string): void {
    this.#doomed.set(id, (this.#doomed.get(id) ?? 0) + 1);
  }

  /** It was refused after all. */
  spare(id: string): void {
    this.#doomed.set(id, (this.#doomed.get(id) ?? 0) - 1);
  }

  wrote(diskId: string, chunk: number, word: string): void {
    this.#disks.set(diskId, { ...this.#disks.get(diskId), [chunk]: word });
  }

  /** Every answer to the same token and parameters is the same. */
  answered(token: string, id: string): void {
    const before = this.#tokens.get(token);
    if (before !== undefined) assert.equal(id, before, `the token ${token} got two results`);
    this.#tokens.set(token, id);
  }

  /** These may go from the recycle bin by what is asked now, or with null everything. */
  mayEmpty(ids: readonly string[] | null): void {
    for (const id of ids ?? []) this.#emptied.add(id);
    this.#isAllEmptied ||= ids === null;
  }

  /** What was whole once is in a list or in the bin until it is told to go for good, however it was deleted. */
  async #checkBin(): Promise<void> {
    const { queries } = this.#world.catalog;
    const bin = (await listAllRecycled(queries)).map((row) => row.resource_id);
    const snapshots = (await listAccomplishedSnapshots(queries)).filter((row) => row.undo_until_ms === null);
    const there = [
      ...(await listAllDisks(queries)).map((row) => row.disk_id),
      ...snapshots.map((row) => row.snapshot_id),
    ];
    assert.equal(new Set(there).size, there.length, 'something is in a list and in the recycle bin');
    const isLost = (id: string) => !there.includes(id) && !this.#isAllEmptied && !this.#emptied.has(id);
    assert.deepEqual(this.#whole.filter(isLost), [], 'it is neither in a list nor in the recycle bin');
    this.#whole = there;
    this.#recycled = bin;
    this.#emptied.clear();
    this.#isAllEmptied = false;
  }

  /** Checks everything; nothing may be under way, or with `uploading` nothing but uploads. */
  async check({ uploading = false } = {}): Promise<void> {
    assert.deepEqual(this.#world.diskd.violations, []);
    if (!uploading) await this.#world.checkSettled();
    await this.#checkChanges();
    if (!uploading) await this.#checkShape();
    await this.#checkEffects();
    await this.#checkBin();
    await this.#checkContents();
    this.#targets = new Map();
  }

  async #checkChanges(): Promise<void> {
    const { queries } = this.#world.catalog;
    const { rows } = await sql<{ of_table: string; from_status: string; to_status: string }>`
      SELECT DISTINCT of_table, from_status, to_status FROM changes`.execute(queries);
    for (const { of_table: table, from_status: from, to_status: to } of rows) {
      assert.ok(legal[table]?.[from]?.includes(to), `one of ${table} went from ${from} to ${to}`);
    }
  }

  /** What holds of any catalog at rest. */
  async #checkShape(): Promise<void> {
    const { queries } = this.#world.catalog;
    const disks = await queries.selectFrom('disks').selectAll().execute();
    const instances = await queries.selectFrom('instances').selectAll().execute();
    const images = await queries.selectFrom('images').selectAll().execute();
    for (const { instance_id: id, status } of instances) {
      assert.ok(['Running', 'Stopped'].includes(status), `${id} is left ${status}`);
      const system = disks.filter((disk) => disk.instance_id === id && disk.type === 'system');
      assert.ok(system.length <= 1, `${id} has ${system.length} system disks`);
      assert.ok(status === 'Stopped' || system.length === 1, `${id} runs without a system disk`);
    }
    for (const disk of disks) {
      assert.equal(disk.status === 'In_use', disk.instance_id !== null, `${disk.disk_id} is ${disk.status}`);
      assert.equal(disk.device !== null, disk.instance_id !== null, `the device of ${disk.disk_id}`);
    }
    for (const { image_id: id, status } of images) assert.notEqual(status, 'Creating', `${id} is left Creating`);
    const left = await queries.selectFrom('tags').select('resource_id').distinct().execute();
    const there = new Set<string>([...disks.map((x) => x.disk_id), ...instances.map((x) => x.instance_id)]);
    const others = left.map((tag) => tag.resource_id).filter((id) => /^(d|i)-/.test(id) && !there.has(id));
    assert.deepEqual(others, [], 'tags of what is gone');
  }

  /** Nothing that was made is lost, nothing is there twice, nothing that was refused is there. */
  async #checkEffects(): Promise<void> {
    await this.#checkGroups();
    const named = await this.#listNamed();
    const failed = this.mayFail ? await this.#listFailed() : [];
    for (const asked of Map.groupBy(this.attempts, ({ token, name }) => token ?? name).values()) {
      const names = asked.map(({ name }) => name);
      const found = named.filter((item) => names.includes(item.name ?? ''));
      assert.ok(found.length <= 1, `${names.join(', ')}, of one token, were made ${found.length} times`);
    }
    for (const { name, outcome, id } of this.attempts) {
      const found = named.filter((item) => item.name === name);
      if (outcome === 'refused') assert.deepEqual(found, [], `${name} was refused and is there`);
      if (outcome !== 'made' || id === null || (this.#doomed.get(id) ?? 0) > 0 || failed.includes(id)) continue;
      assert.ok(
        named.some((item) => item.id === id),
        `${name} was made as ${id} and is lost`,
      );
    }
  }

  /** What is shown of a group is whole, and what is not shown is gone. */
  async #checkGroups(): Promise<void> {
    const { queries } = this.#world.catalog;
    const groups = await queries.selectFrom('snapshot_groups').select(['snapshot_group_id', 'frozen']).execute();
    const members = await queries
      .selectFrom('snapshots')
      .select(['snapshot_group_id', 'frozen', 'created_at_ms'])
      .where('snapshot_group_id', 'is not', null)
      .execute();
    const byGroup = Map.groupBy(members, (member) => member.snapshot_group_id);
    for (const { snapshot_group_id: id, frozen } of groups) {
      assert.equal(frozen, 1, `the group ${id} is hidden for ever`);
      assert.equal(new Set(byGroup.get(id)?.map((member) => member.created_at_ms)).size, 1, `${id}: one instant`);
    }
    assert.deepEqual(new Set(byGroup.keys()), new Set(groups.map((row) => row.snapshot_group_id)));
    assert.ok(members.every((member) => member.frozen === 1));
  }

  async #listFailed(): Promise<string[]> {
    const { queries } = this.#world.catalog;
    const snapshots = queries.selectFrom('snapshots').select('snapshot_id as id').where('status', '=', 'failed');
    const images = queries.selectFrom('images').select('image_id as id').where('status', '=', 'CreateFailed');
    return [...(await snapshots.execute()), ...(await images.execute())].map(({ id }) => id);
  }

  async #listNamed(): Promise<{ id: string; name: string | null }[]> {
    const { queries } = this.#world.catalog;
    const disks = await queries.selectFrom('disks').select(['disk_id as id', 'disk_name as name']).execute();
    const instances = queries.selectFrom('instances').select(['instance_id as id', 'instance_name as name']);
    const snapshots = queries.selectFrom('snapshots').select(['snapshot_id as id', 'snapshot_name as name']);
    const images = queries.selectFrom('images').select(['image_id as id', 'image_name as name']);
    const groups = queries.selectFrom('snapshot_groups').select(['snapshot_group_id as id', 'group_name as name']);
    return [
      ...(await groups.execute()),
      ...disks,
      ...(await instances.execute()),
      ...(await snapshots.where('status', '<>', 'failed').execute()),
      ...(await images.where('deleted', '=', 0).where('status', '<>', 'CreateFailed').execute()),
    ];
  }

  async #checkContents(): Promise<void> {
    const { queries } = this.#world.catalog;
    const rows = await listAllDisks(queries);
    const shown = queries.selectFrom('snapshots').where('status', '<>', 'failed').where('frozen', '=', 1);
    const listed = await shown.selectAll().orderBy('created_at_ms').execute();
    const snapshots = [...listed, ...(await listRecycledSnapshots(queries))];
    for (const row of snapshots) {
      if (row.source_snapshot_id === null) this.#checkSnapshot(row.snapshot_id, row.source_disk_id);
    }
    for (const { snapshot_id: id, source_snapshot_id: sourceId, tree } of snapshots) {
      if (sourceId !== null && tree !== null) this.#checkCopy(id, sourceId);
    }
    const now = new Map(rows.map((row) => [row.disk_id, this.#world.diskWords(row.disk_id)]));
    for (const row of rows) {
      const words = now.get(row.disk_id) ?? {};
      const base = (JSON.parse(row.base) as { snapshotId: string | null }).snapshotId;
      const origin = base === null ? {} : (this.#snapshots.get(base) ?? {});
      if (!this.#began.has(row.disk_id)) this.#began.set(row.disk_id, (await this.#imageDiskOf(row)) ?? origin);
      const before = this.#disks.get(row.disk_id) ?? this.#began.get(row.disk_id) ?? {};
      assertOneOf(words, [before, ...(this.#targets.get(row.disk_id) ?? [])], `the content of ${row.disk_id}`);
    }
    this.#disks.clear();
    for (const [diskId, words] of now) this.#disks.set(diskId, words);
  }

  /** One that is not stored yet has no bytes of its own. */
  #checkCopy(snapshotId: string, sourceId: string): void {
    const words = this.#world.snapshotWords(snapshotId);
    const known = this.#snapshots.get(snapshotId) ?? this.#snapshots.get(sourceId);
    if (known !== undefined) assert.deepEqual(words, known, `${snapshotId} is not what ${sourceId} held`);
    this.#snapshots.set(snapshotId, words);
  }

  #checkSnapshot(snapshotId: string, diskId: string): void {
    const words = this.#world.snapshotWords(snapshotId, diskId);
    const known = this.#snapshots.get(snapshotId);
    if (known !== undefined) assert.deepEqual(words, known, `${snapshotId} changed`);
    else {
      const before = this.#disks.get(diskId);
      const allowed = [...(before === undefined ? [] : [before]), ...(this.#targets.get(diskId) ?? [])];
      assertOneOf(words, allowed.length === 0 ? [words] : allowed, `the content of ${snapshotId} of ${diskId}`);
    }
    this.#snapshots.set(snapshotId, words);
  }
}

function assertOneOf(words: Words, allowed: Words[], what: string): void {
  const key = (of: Words) => JSON.stringify(Object.entries(of).toSorted(([a], [b]) => Number(a) - Number(b)));
  assert.ok(
    allowed.some((candidate) => key(candidate) === key(words)),
    `${what} is ${key(words)}, none of ${allowed.map(key).join(' or ')}`,
  );
}
