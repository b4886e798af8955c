/**
 * The events table, and the triggers that fill it: what happens to disks, snapshots, groups of them, instances, images and tasks
 * is told by a row that is written in the transaction of the change itself, whoever makes it (docs/adr/0011-events.md).
 *
 * - **E1** An event is there exactly when the change that it tells is: a trigger of the same transaction writes it.
 * - **E2** Numbers rise in the order of the changes and are never used twice (AUTOINCREMENT), also after old rows are gone.
 * - **E3** The id is in the row, so that every telling of an event has the same.
 * - What is in no list is not told (C5): a snapshot before its freeze, what is kept for undoing, an image that is deleted, public
 *   images. It is told as new when it comes to be shown, and as `Deleted` when it is shown no more.
 *
 * Time and chance come from outside, as functions of the connection (`defineEventFunctions`). This is part of a migration: once it
 * is released, a change of it is a migration of its own.
 */
import type { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import type { Queries } from './schema.ts';

export interface EventSources {
  nowMs(): number;
  /** Of a new event; whoever is told of it asks for the event once the transaction is over. */
  newEventId(): string;
}

/** On each connection that may change a row that events tell of. */
export function defineEventFunctions(database: DatabaseSync, sources: EventSources): void {
  database.function('event_time_ms', () => sources.nowMs());
  database.function('new_event_id', () => sources.newEventId());
}

/**
 * What of this is wrong, for people: a thing whose last event says another status than it has, or that it is there though it is
 * not. Things of which no event is kept are not looked at.
 */
export async function checkEvents(queries: Queries): Promise<string[]> {
  const findings: string[] = [];
  for (const { table, id, type, shown, isDeletionTold } of told) {
    const row = shown('NEW').replaceAll('NEW.', `${table}.`);
    const { rows } = await sql<{ id: string }>`SELECT events.resource_id AS id FROM events
      LEFT JOIN ${sql.raw(table)} ON ${sql.raw(`${table}.${id} = events.resource_id AND ${row}`)}
      WHERE resource_type = ${type} AND sequence = (SELECT max(sequence) FROM events AS later
        WHERE later.resource_id = events.resource_id)
      AND ${sql.raw(
        isDeletionTold
          ? `new_status <> coalesce(${table}.status, 'Deleted')`
          : `new_status <> coalesce(${table}.status, new_status)`,
      )}`.execute(queries);
    findings.push(...rows.map((found) => `catalog.db: the last event of ${found.id} does not say how it is`));
  }
  return findings;
}

type Side = 'OLD' | 'NEW';

/** A table whose rows have a status that is told. */
interface Told {
  type: 'disk' | 'snapshot' | 'instance' | 'image' | 'task';
  table: string;
  id: string;
  /** Whether a row is shown. */
  shown: (side: Side) => string;
  /** Columns beside the status whose change may be one of what is shown. */
  watched: readonly string[];
  /** Names and columns of what is told besides; of a row that is deleted, as it was. */
  facts: Readonly<Record<string, string>>;
  /** The type of the event; `before` and `after` are statuses. */
  eventType: string;
  /** Whether rows that go are told: of tasks only their names go, after a while. */
  isDeletionTold: boolean;
}

const always = () => '1 = 1';

/** Becoming attached or detached, by way of a status between or, of a stopped instance, at once. */
const DISK_EVENT = `CASE
  WHEN after = 'Deleted' THEN 'ecs:Disk:StateChange'
  WHEN before IN ('Attaching', 'Detaching') THEN 'ecs:Disk:DiskOperationCompleted'
  WHEN before = 'Available' AND after = 'In_use' THEN 'ecs:Disk:DiskOperationCompleted'
  WHEN before = 'In_use' AND after = 'Available' THEN 'ecs:Disk:DiskOperationCompleted'
  ELSE 'ecs:Disk:StateChange' END`;

const SNAPSHOT_EVENT = `CASE
  WHEN before = 'progressing' AND after <> 'Deleted' THEN 'ecs:Snapshot:CreateSnapshotCompleted'
  ELSE 'ecs:Snapshot:StateChange' END`;

const told: readonly Told[] = [
  {
    ...{ type: 'disk', table: 'disks', id: 'disk_id', shown: always, watched: [], isDeletionTold: true },
    eventType: DISK_EVENT,
    facts: {
      name: 'disk_name',
      instanceId: 'instance_id',
      device: 'device',
      category: 'category',
      sizeGib: 'size_gib',
    },
  },
  {
    ...{ type: 'snapshot', table: 'snapshots', id: 'snapshot_id', watched: ['frozen', 'undo_until_ms'] },
    shown: (side) => `${side}.frozen = 1 AND ${side}.undo_until_ms IS NULL`,
    eventType: SNAPSHOT_EVENT,
    facts: {
      ...{ name: 'snapshot_name', diskId: 'source_disk_id', snapshotGroupId: 'snapshot_group_id' },
      ...{ reason: 'failure_reason', createdAtMs: 'created_at_ms', sourceSnapshotId: 'source_snapshot_id' },
    },
    isDeletionTold: true,
  },
  {
    ...{ type: 'instance', table: 'instances', id: 'instance_id', shown: always, watched: [], isDeletionTold: true },
    eventType: `'ecs:Instance:StateChange'`,
    facts: { name: 'instance_name' },
  },
  {
    ...{ type: 'image', table: 'images', id: 'image_id', watched: ['deleted'], isDeletionTold: true },
    shown: (side) => `${side}.deleted = 0 AND ${side}.owner_alias = 'self'`,
    eventType: `'ecs:Image:StateChange'`,
    facts: { name: 'image_name', reason: 'failure_reason' },
  },
  {
    ...{ type: 'task', table: 'tasks', id: 'task_id', shown: always, watched: [], isDeletionTold: false },
    eventType: `'ecs:Task:StateChange'`,
    facts: { taskAction: 'task_action', resourceId: 'resource_id' },
  },
];

const INTO = `INSERT INTO events (event_id, at_ms, type, resource_type, resource_id, old_status, new_status, data)`;
const GROUP = `SELECT new_event_id(), event_time_ms(), 'ecs:SnapshotGroup:StateChange', 'snapshotgroup',`;

/** In the order in which they can be run on a catalog that has rows. */
export const eventStatements: string[] = [
  `CREATE TABLE events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL, at_ms BIGINT NOT NULL, type TEXT NOT NULL,
    resource_type TEXT NOT NULL, resource_id TEXT NOT NULL, old_status TEXT, new_status TEXT NOT NULL, data TEXT NOT NULL)`,
  `CREATE INDEX events_by_resource ON events (resource_id, sequence)`,
  `CREATE INDEX events_by_type ON events (type, sequence)`,
  `CREATE TABLE event_subscriptions (
    subscription_id TEXT PRIMARY KEY, url TEXT NOT NULL, types TEXT NOT NULL, description TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL, delivered_sequence BIGINT NOT NULL, failures INTEGER NOT NULL, next_try_at_ms BIGINT,
    failing_since_ms BIGINT, last_error TEXT, last_success_at_ms BIGINT, missed_count BIGINT NOT NULL)`,
  ...told.flatMap(triggersOf),
  ...groupTriggers(),
];

function triggersOf(one: Told): string[] {
  const columns = ['status', ...one.watched].join(', ');
  const before = statusOf(one, 'OLD');
  const after = statusOf(one, 'NEW');
  const ending = one.isDeletionTold
    ? [
        trigger(
          `${one.table}_event_delete`,
          `DELETE ON ${one.table}`,
          one.shown('OLD'),
          tell(one, 'OLD', before, `'Deleted'`),
        ),
      ]
    : [];
  return [
    trigger(`${one.table}_event_insert`, `INSERT ON ${one.table}`, one.shown('NEW'), tell(one, 'NEW', 'NULL', after)),
    trigger(
      `${one.table}_event_update`,
      `UPDATE OF ${columns} ON ${one.table}`,
      `${before} IS NOT ${after}`,
      tell(one, 'NEW', before, `coalesce(${after}, 'Deleted')`),
    ),
    ...ending,
  ];
}

/** Null while it is not shown. */
function statusOf({ shown }: Told, side: Side): string {
  const condition = shown(side);
  return condition === always() ? `${side}.status` : `(CASE WHEN ${condition} THEN ${side}.status END)`;
}

function tell(one: Told, side: Side, before: string, after: string): string {
  const facts = Object.entries(one.facts).map(([name, column]) => `'${name}', ${factOf(one, column, side, before)}`);
  const isNew = before === 'NULL';
  const old = isNew ? 'NULL' : before;
  return `${INTO}
    SELECT new_event_id(), event_time_ms(), ${one.eventType}, '${one.type}', ${side}.${one.id}, before, after,
      json_object(${facts.join(', ')})
    FROM (SELECT ${old} AS before, ${after} AS after)`;
}

/** A disk that was detached is on no instance any more: the one that it was on is told. */
function factOf({ table }: Told, column: string, side: Side, before: string): string {
  const wasThere = table === 'disks' && side === 'NEW' && before !== 'NULL';
  return wasThere && (column === 'instance_id' || column === 'device')
    ? `coalesce(NEW.${column}, OLD.${column})`
    : `${side}.${column}`;
}

function trigger(name: string, event: string, when: string, statement: string): string {
  return `CREATE TRIGGER ${name} AFTER ${event} ${when === always() ? '' : `WHEN ${when}`} BEGIN ${statement}; END`;
}

/** A group has the status of its members (`snapshot-groups.ts`): it changes as they do, and they may go one by one. */
function groupTriggers(): string[] {
  const data = (side: string) => `json_object('name', ${side}.group_name, 'instanceId', ${side}.instance_id)`;
  const own = (side: Side) => `${side}.snapshot_group_id`;
  const shown = (side: Side, before: string, after: string) =>
    `${INTO} ${GROUP} ${own(side)}, ${before}, ${after}, ${data(side)}`;
  const started = shown('NEW', 'NULL', groupStatus(own('NEW'), null));
  return [
    trigger('snapshot_groups_event_insert', 'INSERT ON snapshot_groups', 'NEW.frozen = 1', started),
    trigger(
      'snapshot_groups_event_update',
      'UPDATE OF frozen ON snapshot_groups',
      'OLD.frozen = 0 AND NEW.frozen = 1',
      started,
    ),
    trigger(
      'snapshot_groups_event_delete',
      'DELETE ON snapshot_groups',
      'OLD.frozen = 1',
      // Its snapshots went before it: how it was is what was told of it last.
      shown(
        'OLD',
        `(SELECT new_status FROM events WHERE resource_id = OLD.snapshot_group_id ORDER BY sequence DESC LIMIT 1)`,
        `'Deleted'`,
      ),
    ),
    trigger(
      'snapshots_group_event_update',
      'UPDATE OF status ON snapshots',
      'OLD.snapshot_group_id IS NOT NULL',
      tellGroup(''),
    ),
    trigger(
      'snapshots_group_event_delete',
      'DELETE ON snapshots',
      'OLD.snapshot_group_id IS NOT NULL',
      tellGroup(`AND EXISTS (SELECT 1 FROM snapshots WHERE snapshot_group_id = OLD.snapshot_group_id)`),
    ),
  ];
}

function tellGroup(condition: string): string {
  return `${INTO} ${GROUP} snapshot_group_id, before, after, json_object('name', group_name, 'instanceId', instance_id)
    FROM (SELECT snapshot_group_id, group_name, instance_id,
      ${groupStatus('OLD.snapshot_group_id', 'OLD')} AS before, ${groupStatus('OLD.snapshot_group_id', null)} AS after
      FROM snapshot_groups WHERE snapshot_group_id = OLD.snapshot_group_id AND frozen = 1)
    WHERE before <> after ${condition}`;
}

/** Of the group as it is; with a side, as it was when that row was one of its members. */
function groupStatus(groupId: string, side: Side | null): string {
  const others = side === null ? '' : ` AND snapshot_id <> ${side}.snapshot_id`;
  const has = (status: string) => {
    const found = `EXISTS (SELECT 1 FROM snapshots WHERE snapshot_group_id = ${groupId} AND status = '${status}'${others})`;
    return side === null ? found : `(${side}.status = '${status}' OR ${found})`;
  };
  return `(CASE WHEN ${has('progressing')} THEN 'progressing' WHEN ${has('failed')} THEN 'failed' ELSE 'accomplished' END)`;
}
