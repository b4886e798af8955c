/**
 * What lists and their totals are read from at any size (docs/adr/0008): kept by triggers, in the transaction of whatever
 * changes, so that no code can forget it and no crash can come between.
 *
 * | kept | is always |
 * |---|---|
 * | `snapshots.usage` | what disks and images are made from it |
 * | `tags.resource_type`, `tags.created_at_ms` | of what has the tag; null while that is in no list |
 * | `snapshot_tally`, `disk_tally` | how many are in lists, by each combination of the columns that have few values: on each day of creation, and in all (`EVERY_DAY`) |
 * | `tag_tally` | how many in lists have the tag |
 * | `chain_tally` | how many snapshots the chain of a disk has |
 *
 * `hupo check` holds them against what they are of (`checkListing`). This is part of a migration: once it is released, a
 * change of it is a migration of its own.
 */
import { sql } from 'kysely';
import type { Queries } from './schema.ts';

/**
 * What of this is wrong, for people: nothing, unless the file was damaged or changed by something else. Reads everything that
 * is counted.
 */
export async function checkListing(queries: Queries): Promise<string[]> {
  const wrong = [
    ...tallies.map((tally) => ({ what: tally.name, of: differing(tally) })),
    { what: 'snapshots.usage', of: `SELECT 1 FROM snapshots WHERE usage <> ${usageOf('snapshots.snapshot_id')}` },
    {
      what: 'tags',
      of: `SELECT 1 FROM tags LEFT JOIN (${listedIds(taggable)}) AS listed ON listed.id = tags.resource_id
        WHERE tags.resource_type IS NOT listed.type OR tags.created_at_ms IS NOT listed.at`,
    },
  ];
  const findings: string[] = [];
  for (const { what, of: rows } of wrong) {
    const found = await sql<{ count: number }>`SELECT count(*) AS count FROM (${sql.raw(rows)})`.execute(queries);
    const count = found.rows[0]?.count ?? 0;
    if (count > 0) findings.push(`catalog.db: ${count} rows of ${what} do not say what is there`);
  }
  return findings;
}

/** Of a snapshot: it is frozen (C5), and not kept for undoing a rollback. */
const SHOWN = 'frozen = 1 AND undo_until_ms IS NULL';

const DAY_MS = 86_400_000;
/** The day under which a tally has the sums of all days. */
export const EVERY_DAY = -1;

/** A table that is counted, and what it is counted by. */
export interface Tally {
  table: string;
  /** The table of the sums: the columns, and `total`. */
  name: string;
  /** What is counted, of a row of the table. */
  listed: string;
  columns: readonly { name: string; type: 'TEXT' | 'INTEGER' }[];
  /** Whether it is also counted by the day of its creation, under `day`. */
  byDay: boolean;
}

const texts = (...names: string[]) => names.map((name) => ({ name, type: 'TEXT' as const }));
const flags = (...names: string[]) => names.map((name) => ({ name, type: 'INTEGER' as const }));

export const snapshotTally: Tally = {
  ...{ table: 'snapshots', name: 'snapshot_tally', listed: SHOWN, byDay: true },
  columns: texts('status', 'category', 'source_disk_type', 'usage', 'resource_group_id'),
};

/** Until there were subscriptions. */
const firstDiskTally: Tally = {
  ...{ table: 'disks', name: 'disk_tally', listed: '1 = 1', byDay: true },
  columns: [
    ...texts('status', 'category', 'type', 'zone_id', 'resource_group_id'),
    ...flags('portable', 'delete_with_instance', 'delete_auto_snapshot', 'enable_auto_snapshot'),
  ],
};

export const diskTally: Tally = { ...firstDiskTally, columns: [...firstDiskTally.columns, ...flags('prepaid')] };

const tagTally: Tally = {
  ...{ table: 'tags', name: 'tag_tally', listed: 'resource_type IS NOT NULL', byDay: false },
  columns: texts('resource_type', 'tag_key', 'tag_value'),
};

const chainTally: Tally = {
  ...{ table: 'snapshots', name: 'chain_tally', listed: `${SHOWN} AND status <> 'failed'`, byDay: false },
  columns: texts('source_disk_id'),
};

const firstTallies: readonly Tally[] = [snapshotTally, firstDiskTally, tagTally, chainTally];
export const tallies: readonly Tally[] = [snapshotTally, diskTally, tagTally, chainTally];

interface Taggable {
  type: string;
  table: string;
  id: string;
  listed: string;
  watched: string;
}

/** Of what had tags first, as it is when it is in lists. */
const firstTaggable: readonly Taggable[] = [
  { type: 'instance', table: 'instances', id: 'instance_id', listed: '1 = 1', watched: 'created_at_ms' },
  { type: 'disk', table: 'disks', id: 'disk_id', listed: '1 = 1', watched: 'created_at_ms' },
  {
    type: 'snapshot',
    table: 'snapshots',
    id: 'snapshot_id',
    listed: SHOWN,
    watched: 'created_at_ms, frozen, undo_until_ms',
  },
  { type: 'image', table: 'images', id: 'image_id', listed: 'deleted = 0', watched: 'created_at_ms, deleted' },
  {
    ...{ type: 'snapshotgroup', table: 'snapshot_groups', id: 'snapshot_group_id', listed: 'frozen = 1' },
    watched: 'created_at_ms, frozen',
  },
];

const taggablePolicy: Taggable = {
  ...{ type: 'snapshotpolicy', table: 'auto_snapshot_policies', id: 'policy_id', listed: '1 = 1' },
  watched: 'created_at_ms',
};

const taggable: readonly Taggable[] = [...firstTaggable, taggablePolicy];

/** In the order in which they can be run on a catalog that has rows. */
export const listingStatements: string[] = [
  ...usageColumn(),
  ...tagColumns(),
  ...indexes(),
  ...firstTallies.flatMap((tally) => [createTable(tally), `INSERT INTO ${tally.name} ${recount(tally)}`]),
  ...triggers(),
];

/** Disks are counted by whether they are PrePaid too. */
export const prepaidTallyStatements: string[] = [
  ...['insert', 'enter', 'leave', 'delete'].map((event) => `DROP TRIGGER ${diskTally.name}_${event}`),
  `DROP TABLE ${diskTally.name}`,
  `DROP INDEX disks_by_tally`,
  createTable(diskTally),
  `INSERT INTO ${diskTally.name} ${recount(diskTally)}`,
  orderedIndex('disks_by_tally', diskTally, 'disk_id'),
  ...tallyTriggers(diskTally),
];

/** Automatic snapshot policies have tags. */
export const policyTagStatements: string[] = [
  `DROP TRIGGER tags_insert`,
  tagInsertTrigger(taggable),
  ...tagTriggers(taggablePolicy),
];

/** What should be in the table of the tally. */
function recount({ table, listed, columns, byDay }: Tally): string {
  const names = columns.map(({ name }) => name).join(', ');
  const sums = (day: string) =>
    `SELECT ${day}${names}, count(*) AS total FROM ${table} WHERE ${listed} GROUP BY ${byDay ? '1, ' : ''}${names}`;
  if (!byDay) return sums('');
  return `${sums(`${EVERY_DAY} AS day, `)} UNION ALL ${sums(`created_at_ms / ${DAY_MS} AS day, `)}`;
}

function differing(tally: Tally): string {
  const [kept, right] = [`SELECT * FROM ${tally.name}`, `SELECT * FROM (${recount(tally)})`];
  return `SELECT * FROM (${kept} EXCEPT ${right}) UNION ALL SELECT * FROM (${right} EXCEPT ${kept})`;
}

function createTable({ name, columns, byDay }: Tally): string {
  const all = [...(byDay ? [{ name: 'day', type: 'INTEGER' }] : []), ...columns];
  const declared = all.map((column) => `${column.name} ${column.type} NOT NULL`).join(', ');
  const key = all.map((column) => column.name).join(', ');
  return `CREATE TABLE ${name} (${declared}, total INTEGER NOT NULL, PRIMARY KEY (${key})) WITHOUT ROWID`;
}

function usageOf(id: string): string {
  return `CASE
  WHEN EXISTS (SELECT 1 FROM disks WHERE source_snapshot_id = ${id}) THEN
    CASE WHEN ${usedByImage(id)} THEN 'image_disk' ELSE 'disk' END
  WHEN ${usedByImage(id)} THEN 'image' ELSE 'none' END`;
}

/** By one that is there, or being made: a deleted image has no disks, and one that failed needs its snapshots no more. */
function usedByImage(id: string): string {
  return `EXISTS (SELECT 1 FROM image_disks JOIN images ON images.image_id = image_disks.image_id
    WHERE image_disks.snapshot_id = ${id} AND images.status <> 'CreateFailed')`;
}

function usageColumn(): string[] {
  return [
    `ALTER TABLE snapshots ADD COLUMN usage TEXT NOT NULL DEFAULT 'none'
      CHECK (usage IN ('none', 'image', 'disk', 'image_disk'))`,
    `UPDATE snapshots SET usage = ${usageOf('snapshots.snapshot_id')} WHERE snapshot_id IN (
      SELECT source_snapshot_id FROM disks UNION SELECT snapshot_id FROM image_disks)`,
  ];
}

function tagColumns(): string[] {
  return [
    `ALTER TABLE tags ADD COLUMN resource_type TEXT`,
    `ALTER TABLE tags ADD COLUMN created_at_ms BIGINT`,
    `UPDATE tags SET ${ofResource(firstTaggable, 'tags.resource_id')}`,
  ];
}

/** One of the tables has the id, or none: ids differ between types. */
function ofResource(among: readonly Taggable[], id: string): string {
  return `(resource_type, created_at_ms) = (SELECT type, at FROM (${listedIds(among, id)}))`;
}

/** What is in lists; with an id, that alone. */
function listedIds(among: readonly Taggable[], id?: string): string {
  const found = among.map((one) => {
    const only = id === undefined ? '' : `${one.id} = ${id} AND `;
    return `SELECT ${one.id} AS id, '${one.type}' AS type, created_at_ms AS at FROM ${one.table} WHERE ${only}${one.listed}`;
  });
  return found.join(' UNION ALL ');
}

/** For equal values of all columns of a tally, rows are in the order of the lists. */
function orderedIndex(name: string, { table, listed, columns }: Tally, id: string): string {
  return `CREATE INDEX ${name} ON ${table} (${columns.map((column) => column.name).join(', ')}, created_at_ms, ${id})
    ${listed === '1 = 1' ? '' : `WHERE ${listed}`}`;
}

function indexes(): string[] {
  const replaced = ['creation', 'disk', 'name', 'status', 'category', 'resource_group'].map(
    (by) => `snapshots_by_${by}`,
  );
  return [
    ...[...replaced, 'disks_by_status', 'disks_by_name', 'disks_by_resource_group', 'tags_by_key'].map(
      (index) => `DROP INDEX ${index}`,
    ),
    `CREATE INDEX snapshots_by_creation ON snapshots (created_at_ms, snapshot_id) WHERE ${SHOWN}`,
    `CREATE INDEX snapshots_by_disk ON snapshots (source_disk_id, created_at_ms, snapshot_id, frozen)`,
    `CREATE INDEX snapshots_by_name ON snapshots (snapshot_name, created_at_ms, snapshot_id) WHERE ${SHOWN}`,
    orderedIndex('snapshots_by_tally', snapshotTally, 'snapshot_id'),
    `CREATE INDEX disks_by_name ON disks (disk_name, created_at_ms, disk_id)`,
    orderedIndex('disks_by_tally', firstDiskTally, 'disk_id'),
    `CREATE INDEX instances_by_name ON instances (instance_name, created_at_ms, instance_id)`,
    `CREATE INDEX tags_by_value ON tags (resource_type, tag_key, tag_value, created_at_ms, resource_id)
      WHERE resource_type IS NOT NULL`,
    `CREATE INDEX tags_by_key ON tags (resource_type, tag_key, created_at_ms, resource_id)
      WHERE resource_type IS NOT NULL`,
    `CREATE INDEX tags_by_type ON tags (resource_type, resource_id, tag_key) WHERE resource_type IS NOT NULL`,
  ];
}

type Side = 'OLD' | 'NEW';

/** Two statements that count a row out, or one that counts it in. */
function counting(tally: Tally, side: Side): string[] {
  const values = tally.columns.map(({ name }) => `${side}.${name}`);
  const days = tally.byDay ? [String(EVERY_DAY), `${side}.created_at_ms / ${DAY_MS}`] : [];
  if (side === 'NEW') {
    const rows = tally.byDay ? days.map((day) => [day, ...values]) : [values];
    const listed = rows.map((row) => `(${row.join(', ')}, 1)`).join(', ');
    return [`INSERT INTO ${tally.name} VALUES ${listed} ON CONFLICT DO UPDATE SET total = total + 1`];
  }
  const equal = tally.columns.map(({ name }, index) => `${name} = ${values[index]}`);
  const where = [...(tally.byDay ? [`day IN (${days.join(', ')})`] : []), ...equal].join(' AND ');
  return [
    `UPDATE ${tally.name} SET total = total - 1 WHERE ${where}`,
    `DELETE FROM ${tally.name} WHERE ${where} AND total = 0`,
  ];
}

/** `frozen = 1` of the old row, or the new one. */
function of(side: Side, condition: string): string {
  return condition.replaceAll(/\b(frozen|deleted|status|resource_type|undo_until_ms)\b/g, `${side}.$1`);
}

function trigger(name: string, event: string, when: string, statements: string[]): string {
  return `CREATE TRIGGER ${name} AFTER ${event} ${when === '1 = 1' ? '' : `WHEN ${when}`} BEGIN
    ${statements.join('; ')}; END`;
}

function triggers(): string[] {
  return [
    ...firstTallies.flatMap(tallyTriggers),
    ...firstTaggable.flatMap(tagTriggers),
    tagInsertTrigger(firstTaggable),
    ...usageTriggers(),
  ];
}

function tagInsertTrigger(among: readonly Taggable[]): string {
  const told = ofResource(among, 'NEW.resource_id');
  return trigger('tags_insert', 'INSERT ON tags', '1 = 1', [
    `UPDATE tags SET ${told} WHERE resource_id = NEW.resource_id AND tag_key = NEW.tag_key`,
  ]);
}

function tallyTriggers(tally: Tally): string[] {
  const { table, name, listed } = tally;
  const watched = [
    ...new Set([
      ...tally.columns.map((column) => column.name),
      ...(listed.includes('frozen') ? ['frozen', 'status', 'undo_until_ms'] : []),
    ]),
    ...(tally.byDay ? ['created_at_ms'] : []),
  ];
  const update = `UPDATE OF ${watched.join(', ')} ON ${table}`;
  // Triggers on one event run in no known order: what changes a column of the tally comes after the count, in one of them.
  const then = tally === snapshotTally ? [tell('NEW.snapshot_id')] : [];
  return [
    trigger(`${name}_insert`, `INSERT ON ${table}`, of('NEW', listed), [...counting(tally, 'NEW'), ...then]),
    trigger(`${name}_enter`, update, of('NEW', listed), counting(tally, 'NEW')),
    trigger(`${name}_leave`, update, of('OLD', listed), counting(tally, 'OLD')),
    trigger(`${name}_delete`, `DELETE ON ${table}`, of('OLD', listed), counting(tally, 'OLD')),
  ];
}

function tagTriggers({ type, table, id, listed, watched }: Taggable): string[] {
  const told = (side: Side) =>
    `UPDATE tags SET resource_type = CASE WHEN ${of(side, listed)} THEN '${type}' END,
      created_at_ms = CASE WHEN ${of(side, listed)} THEN ${side}.created_at_ms END WHERE resource_id = ${side}.${id}`;
  const untold = `UPDATE tags SET resource_type = NULL, created_at_ms = NULL WHERE resource_id = OLD.${id}`;
  return [
    trigger(`${table}_tags_insert`, `INSERT ON ${table}`, '1 = 1', [told('NEW')]),
    trigger(`${table}_tags_update`, `UPDATE OF ${watched} ON ${table}`, '1 = 1', [told('NEW')]),
    trigger(`${table}_tags_delete`, `DELETE ON ${table}`, '1 = 1', [untold]),
  ];
}

/** What these snapshots are used by. */
function tell(ids: string): string {
  return `UPDATE snapshots SET usage = ${usageOf('snapshots.snapshot_id')} WHERE snapshot_id IN (${ids})`;
}

function usageTriggers(): string[] {
  const disksOf = (side: Side) => `SELECT snapshot_id FROM image_disks WHERE image_id = ${side}.image_id`;
  return [
    trigger('snapshots_usage_insert', 'INSERT ON snapshots', `NOT (${of('NEW', SHOWN)})`, [tell('NEW.snapshot_id')]),
    trigger('disks_usage_insert', 'INSERT ON disks', 'NEW.source_snapshot_id IS NOT NULL', [
      tell('NEW.source_snapshot_id'),
    ]),
    trigger('disks_usage_update', 'UPDATE OF source_snapshot_id ON disks', '1 = 1', [
      tell('OLD.source_snapshot_id, NEW.source_snapshot_id'),
    ]),
    trigger('disks_usage_delete', 'DELETE ON disks', 'OLD.source_snapshot_id IS NOT NULL', [
      tell('OLD.source_snapshot_id'),
    ]),
    trigger('image_disks_usage_insert', 'INSERT ON image_disks', '1 = 1', [tell('NEW.snapshot_id')]),
    trigger('image_disks_usage_update', 'UPDATE OF snapshot_id, image_id ON image_disks', '1 = 1', [
      tell('OLD.snapshot_id, NEW.snapshot_id'),
    ]),
    trigger('image_disks_usage_delete', 'DELETE ON image_disks', '1 = 1', [tell('OLD.snapshot_id')]),
    trigger('images_usage_update', 'UPDATE OF status ON images', '1 = 1', [tell(disksOf('NEW'))]),
  ];
}
