/**
 * The catalog's schema, as numbered migrations: each runs once, in one transaction with the note that it ran, so a crash
 * leaves the catalog at a whole version. A released migration is never changed, only followed by another.
 */
import { sql } from 'kysely';
import { accessStatements } from './access-schema.ts';
import { eventStatements } from './event-schema.ts';
import { listingStatements, policyTagStatements, prepaidTallyStatements } from './listing-schema.ts';
import type { Queries } from './schema.ts';
import { OperationalError } from '../lib/errors.ts';

interface Migration {
  version: number;
  statements: string[];
}

const first: Migration = {
  version: 1,
  statements: [
    `CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)`,
    `CREATE TABLE images (
      image_id TEXT PRIMARY KEY, image_name TEXT NOT NULL, description TEXT NOT NULL,
      owner_alias TEXT NOT NULL CHECK (owner_alias IN ('system', 'self')),
      size_gib INTEGER NOT NULL CHECK (size_gib > 0), os_type TEXT NOT NULL, os_name TEXT NOT NULL,
      platform TEXT NOT NULL, architecture TEXT NOT NULL, created_at_ms BIGINT NOT NULL, base TEXT NOT NULL)`,
    `CREATE TABLE instances (
      instance_id TEXT PRIMARY KEY, instance_name TEXT NOT NULL, host_name TEXT NOT NULL, description TEXT NOT NULL,
      zone_id TEXT NOT NULL, instance_type TEXT NOT NULL, image_id TEXT NOT NULL REFERENCES images (image_id),
      status TEXT NOT NULL CHECK (status IN ('Pending', 'Starting', 'Running', 'Stopping', 'Stopped')),
      created_at_ms BIGINT NOT NULL, started_at_ms BIGINT, serial_number TEXT NOT NULL, mac_address TEXT NOT NULL UNIQUE,
      private_ip TEXT NOT NULL UNIQUE, network_interface_id TEXT NOT NULL UNIQUE)`,
    `CREATE INDEX instances_by_creation ON instances (created_at_ms, instance_id)`,
    `CREATE TABLE disks (
      disk_id TEXT PRIMARY KEY, zone_id TEXT NOT NULL, disk_name TEXT NOT NULL, description TEXT NOT NULL,
      category TEXT NOT NULL, performance_level TEXT, size_gib INTEGER NOT NULL CHECK (size_gib > 0),
      status TEXT NOT NULL
        CHECK (status IN ('Creating', 'Available', 'Attaching', 'In_use', 'Detaching', 'ReIniting')),
      type TEXT NOT NULL CHECK (type IN ('system', 'data')), created_at_ms BIGINT NOT NULL, attached_at_ms BIGINT,
      detached_at_ms BIGINT, instance_id TEXT REFERENCES instances (instance_id), device TEXT,
      delete_with_instance INTEGER NOT NULL CHECK (delete_with_instance IN (0, 1)),
      delete_auto_snapshot INTEGER NOT NULL CHECK (delete_auto_snapshot IN (0, 1)),
      enable_auto_snapshot INTEGER NOT NULL CHECK (enable_auto_snapshot IN (0, 1)),
      portable INTEGER NOT NULL CHECK (portable IN (0, 1)), source_snapshot_id TEXT, image_id TEXT,
      ever_attached INTEGER NOT NULL CHECK (ever_attached IN (0, 1)), base TEXT NOT NULL, incarnation INTEGER NOT NULL,
      CHECK (status NOT IN ('In_use', 'Attaching') OR instance_id IS NOT NULL),
      CHECK (status <> 'Available' OR instance_id IS NULL), UNIQUE (instance_id, device))`,
    `CREATE INDEX disks_by_creation ON disks (created_at_ms, disk_id)`,
    `CREATE INDEX disks_by_source ON disks (source_snapshot_id)`,
    `CREATE TABLE snapshots (
      snapshot_id TEXT PRIMARY KEY, snapshot_name TEXT, description TEXT NOT NULL,
      status TEXT NOT NULL CHECK (status IN ('progressing', 'accomplished', 'failed')),
      frozen INTEGER NOT NULL CHECK (frozen IN (0, 1)),
      progress_percent INTEGER NOT NULL CHECK (progress_percent BETWEEN 0 AND 100), remaining_seconds INTEGER NOT NULL,
      created_at_ms BIGINT NOT NULL, modified_at_ms BIGINT NOT NULL, source_disk_id TEXT NOT NULL,
      source_disk_size_gib INTEGER NOT NULL, source_disk_type TEXT NOT NULL, retention_days INTEGER,
      failure_reason TEXT, tree TEXT, generation BIGINT, incarnation INTEGER,
      CHECK (status <> 'accomplished' OR (frozen = 1 AND tree IS NOT NULL AND generation IS NOT NULL)),
      CHECK (status = 'progressing' OR frozen = 1), CHECK ((status = 'failed') = (failure_reason IS NOT NULL)))`,
    `CREATE INDEX snapshots_by_creation ON snapshots (created_at_ms, snapshot_id)`,
    `CREATE INDEX snapshots_by_disk ON snapshots (source_disk_id, created_at_ms, snapshot_id)`,
    `CREATE INDEX snapshots_by_name ON snapshots (snapshot_name)`,
    `CREATE TABLE tags (
      resource_id TEXT NOT NULL, tag_key TEXT NOT NULL, tag_value TEXT NOT NULL, PRIMARY KEY (resource_id, tag_key))`,
    `CREATE INDEX tags_by_key ON tags (tag_key, tag_value, resource_id)`,
    `CREATE TABLE operations (
      operation_id TEXT PRIMARY KEY, kind TEXT NOT NULL, subject_id TEXT NOT NULL, step TEXT NOT NULL,
      state TEXT NOT NULL, undoing INTEGER NOT NULL CHECK (undoing IN (0, 1)), reason TEXT, epoch BIGINT NOT NULL,
      created_at_ms BIGINT NOT NULL, UNIQUE (kind, subject_id))`,
    `CREATE TABLE client_tokens (
      action TEXT NOT NULL, token TEXT NOT NULL, parameters_digest TEXT NOT NULL, result TEXT NOT NULL,
      created_at_ms BIGINT NOT NULL, PRIMARY KEY (action, token))`,
    `CREATE INDEX client_tokens_by_age ON client_tokens (created_at_ms)`,
    `CREATE TABLE nonces (
      access_key_id TEXT NOT NULL, nonce TEXT NOT NULL, seen_at_ms BIGINT NOT NULL, PRIMARY KEY (access_key_id, nonce))`,
    `CREATE INDEX nonces_by_age ON nonces (seen_at_ms)`,
  ],
};

/**
 * Custom images with several disks, deletion protection, system disks that know where they belong, and disks that know what
 * they began as. Of an older disk that is `base`, unless it was rolled back: then its image, its snapshot, or zeros. Once
 * that snapshot is deleted nobody can tell any more: NULL, and nothing asks.
 */
const second: Migration = {
  version: 2,
  statements: [
    `ALTER TABLE instances ADD COLUMN
      deletion_protection INTEGER NOT NULL DEFAULT 0 CHECK (deletion_protection IN (0, 1))`,
    `ALTER TABLE disks ADD COLUMN home_instance_id TEXT`,
    `UPDATE disks SET home_instance_id = instance_id WHERE type = 'system'`,
    `ALTER TABLE disks ADD COLUMN first_base TEXT`,
    `UPDATE disks SET first_base = CASE
      WHEN incarnation = 1 THEN base
      WHEN image_id IS NOT NULL THEN (SELECT images.base FROM images WHERE images.image_id = disks.image_id)
      WHEN source_snapshot_id IS NULL THEN '{"snapshotId":null,"tree":{"root":null,"levels":0,"dataChunkCount":0}}'
      ELSE (SELECT '{"snapshotId":"' || snapshot_id || '","tree":' || tree || '}' FROM snapshots
        WHERE snapshot_id = disks.source_snapshot_id AND tree IS NOT NULL) END`,
    `ALTER TABLE images ADD COLUMN image_family TEXT NOT NULL DEFAULT ''`,
    `ALTER TABLE images ADD COLUMN image_version TEXT NOT NULL DEFAULT ''`,
    `ALTER TABLE images ADD COLUMN boot_mode TEXT NOT NULL DEFAULT 'BIOS'`,
    `ALTER TABLE images ADD COLUMN status TEXT NOT NULL DEFAULT 'Available'
      CHECK (status IN ('Creating', 'Available', 'CreateFailed', 'Deprecated'))`,
    `ALTER TABLE images ADD COLUMN failure_reason TEXT`,
    `ALTER TABLE images ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1))`,
    `CREATE TABLE image_disks (
      image_id TEXT NOT NULL REFERENCES images (image_id), device TEXT NOT NULL,
      type TEXT NOT NULL CHECK (type IN ('system', 'data')), size_gib INTEGER NOT NULL CHECK (size_gib > 0),
      snapshot_id TEXT, base TEXT, PRIMARY KEY (image_id, device))`,
    `CREATE INDEX image_disks_by_snapshot ON image_disks (snapshot_id)`,
    `INSERT INTO image_disks (image_id, device, type, size_gib, snapshot_id, base)
      SELECT image_id, '/dev/xvda', 'system', size_gib, NULL, base FROM images`,
    `ALTER TABLE images DROP COLUMN base`,
    `CREATE UNIQUE INDEX images_by_name ON images (image_name) WHERE deleted = 0 AND status <> 'CreateFailed'`,
    `CREATE INDEX images_by_creation ON images (created_at_ms, image_id)`,
    `CREATE INDEX images_by_family ON images (image_family, created_at_ms, image_id)`,
    `CREATE INDEX instances_by_image ON instances (image_id)`,
    `CREATE INDEX disks_by_home ON disks (home_instance_id)`,
    `CREATE INDEX disks_by_name ON disks (disk_name)`,
    `CREATE INDEX disks_by_status ON disks (status, created_at_ms, disk_id)`,
    `CREATE INDEX snapshots_by_status ON snapshots (status, created_at_ms, snapshot_id)`,
  ],
};

/** Several snapshots of a disk at once, each an operation of its own, that are Available before they are stored. */
const third: Migration = {
  version: 3,
  statements: [
    `ALTER TABLE snapshots ADD COLUMN instant INTEGER NOT NULL DEFAULT 0 CHECK (instant IN (0, 1))`,
    `UPDATE operations SET subject_id = json_extract(state, '$.snapshotId') WHERE kind = 'create-snapshot'`,
  ],
};

/** Uploads beside the collector. */
const fourth: Migration = {
  version: 4,
  statements: [
    `CREATE TABLE repository_sessions (
      session BIGINT PRIMARY KEY, epoch BIGINT NOT NULL, holder_epoch BIGINT NOT NULL)`,
    `CREATE TABLE condemned_packs (
      pack_id TEXT PRIMARY KEY, epoch BIGINT NOT NULL, state TEXT NOT NULL
        CHECK (state IN ('condemned', 'dying', 'deleted')))`,
    `CREATE INDEX condemned_packs_by_epoch ON condemned_packs (state, epoch)`,
  ],
};

/** Groups of snapshots. */
const fifth: Migration = {
  version: 5,
  statements: [
    `CREATE TABLE snapshot_groups (
      snapshot_group_id TEXT PRIMARY KEY, group_name TEXT NOT NULL, description TEXT NOT NULL, instance_id TEXT,
      frozen INTEGER NOT NULL CHECK (frozen IN (0, 1)), created_at_ms BIGINT NOT NULL)`,
    `CREATE INDEX snapshot_groups_by_creation ON snapshot_groups (created_at_ms, snapshot_group_id)`,
    `CREATE INDEX snapshot_groups_by_name ON snapshot_groups (group_name, created_at_ms, snapshot_group_id)`,
    `CREATE INDEX snapshot_groups_by_instance ON snapshot_groups (instance_id, created_at_ms, snapshot_group_id)`,
    `ALTER TABLE snapshots ADD COLUMN snapshot_group_id TEXT`,
    `CREATE INDEX snapshots_by_group ON snapshots (snapshot_group_id, status) WHERE snapshot_group_id IS NOT NULL`,
    `CREATE INDEX snapshots_in_groups_by_status ON snapshots (status, snapshot_group_id)
      WHERE snapshot_group_id IS NOT NULL`,
  ],
};

/** Snapshots that keep what a rollback replaced. */
const sixth: Migration = {
  version: 6,
  statements: [
    `ALTER TABLE snapshots ADD COLUMN undo_until_ms BIGINT`,
    `CREATE INDEX snapshots_by_undo ON snapshots (undo_until_ms) WHERE undo_until_ms IS NOT NULL`,
  ],
};

/** Locks of snapshots: the database itself refuses that a snapshot goes and its lock stays. And chains of snapshots. */
const seventh: Migration = {
  version: 7,
  statements: [
    `CREATE TABLE snapshot_locks (
      snapshot_id TEXT PRIMARY KEY REFERENCES snapshots (snapshot_id) DEFERRABLE INITIALLY DEFERRED,
      lock_days INTEGER NOT NULL CHECK (lock_days > 0), cool_off_hours INTEGER NOT NULL CHECK (cool_off_hours >= 0),
      created_at_ms BIGINT NOT NULL, cool_off_until_ms BIGINT NOT NULL, started_at_ms BIGINT, expires_at_ms BIGINT,
      CHECK ((started_at_ms IS NULL) = (expires_at_ms IS NULL)))`,
    `CREATE INDEX snapshot_locks_by_creation ON snapshot_locks (created_at_ms, snapshot_id)`,
    `CREATE INDEX snapshots_by_chain ON snapshots (source_disk_id) WHERE frozen = 1 AND status <> 'failed'`,
  ],
};

/** User data of instances, and resource groups: whatever was there is in the default one, but public images in none. */
const eighth: Migration = {
  version: 8,
  statements: [
    `CREATE TABLE user_data (
      instance_id TEXT PRIMARY KEY REFERENCES instances (instance_id), user_data TEXT NOT NULL)`,
    ...['instances', 'disks', 'snapshots', 'images', 'snapshot_groups'].flatMap((table) => [
      `ALTER TABLE ${table} ADD COLUMN resource_group_id TEXT NOT NULL DEFAULT 'rg-default0000000000'`,
      `CREATE INDEX ${table}_by_resource_group ON ${table} (resource_group_id, created_at_ms, ${table.slice(0, -1)}_id)`,
    ]),
    `UPDATE images SET resource_group_id = '' WHERE owner_alias = 'system'`,
  ],
};

/** Tasks, and archived snapshots. */
const ninth: Migration = {
  version: 9,
  statements: [
    `CREATE TABLE tasks (
      task_id TEXT PRIMARY KEY, task_action TEXT NOT NULL,
      status TEXT NOT NULL CHECK (status IN ('Processing', 'Finished', 'Failed')), resource_id TEXT NOT NULL,
      cancellable INTEGER NOT NULL CHECK (cancellable IN (0, 1)),
      progress_percent INTEGER NOT NULL CHECK (progress_percent BETWEEN 0 AND 100), created_at_ms BIGINT NOT NULL,
      finished_at_ms BIGINT, part_count INTEGER NOT NULL CHECK (part_count > 0), ended_parts TEXT NOT NULL,
      CHECK ((status = 'Processing') = (finished_at_ms IS NULL)))`,
    `CREATE INDEX tasks_by_creation ON tasks (created_at_ms, task_id)`,
    `CREATE INDEX tasks_by_resource ON tasks (resource_id, created_at_ms, task_id)`,
    `CREATE INDEX tasks_by_action ON tasks (task_action, created_at_ms, task_id)`,
    `CREATE INDEX tasks_by_status ON tasks (status, created_at_ms, task_id)`,
    `CREATE INDEX tasks_by_end ON tasks (finished_at_ms)`,
    `ALTER TABLE snapshots ADD COLUMN category TEXT NOT NULL DEFAULT 'standard'
      CHECK (category IN ('standard', 'archive'))`,
    `CREATE TABLE image_shares (
      image_id TEXT NOT NULL REFERENCES images (image_id), account_id TEXT NOT NULL, shared_at_ms BIGINT NOT NULL,
      PRIMARY KEY (image_id, account_id))`,
    `CREATE INDEX snapshots_by_category ON snapshots (category, created_at_ms, snapshot_id)`,
  ],
};

/** Snapshots that are copies: of which one, of which region. The next copy of a chain begins as the latest that is there. */
const tenth: Migration = {
  version: 10,
  statements: [
    `ALTER TABLE snapshots ADD COLUMN source_region_id TEXT`,
    `ALTER TABLE snapshots ADD COLUMN source_snapshot_id TEXT`,
    `CREATE INDEX snapshots_by_source ON snapshots (source_region_id, source_disk_id, created_at_ms)
      WHERE source_region_id IS NOT NULL`,
  ],
};

/** What is kept for undoing rollbacks is in no chain. */
const eleventh: Migration = {
  version: 11,
  statements: [
    `DROP INDEX snapshots_by_chain`,
    `CREATE INDEX snapshots_by_chain ON snapshots (source_disk_id)
      WHERE frozen = 1 AND status <> 'failed' AND undo_until_ms IS NULL`,
  ],
};

/** What lists and their totals are read from. */
const twelfth: Migration = { version: 12, statements: listingStatements };

/** Automatic snapshot policies, their runs, and what says how long a snapshot is kept. */
const thirteenth: Migration = {
  version: 13,
  statements: [
    `CREATE TABLE auto_snapshot_policies (
      policy_id TEXT PRIMARY KEY, policy_name TEXT NOT NULL, hours TEXT NOT NULL, weekdays TEXT NOT NULL,
      retention_days INTEGER NOT NULL CHECK (retention_days = -1 OR retention_days > 0), keep_rules TEXT,
      catches_up INTEGER NOT NULL CHECK (catches_up IN (0, 1)), target_tags TEXT,
      copies INTEGER NOT NULL CHECK (copies IN (0, 1)), copy_region_id TEXT,
      copied_retention_days INTEGER NOT NULL CHECK (copied_retention_days = -1 OR copied_retention_days > 0),
      resource_group_id TEXT NOT NULL, created_at_ms BIGINT NOT NULL, cursor_ms BIGINT NOT NULL)`,
    `CREATE INDEX auto_snapshot_policies_by_creation ON auto_snapshot_policies (created_at_ms, policy_id)`,
    `CREATE TABLE policy_disks (
      policy_id TEXT NOT NULL REFERENCES auto_snapshot_policies (policy_id),
      disk_id TEXT NOT NULL, applied_at_ms BIGINT NOT NULL, PRIMARY KEY (policy_id, disk_id))`,
    `CREATE INDEX policy_disks_by_disk ON policy_disks (disk_id, applied_at_ms, policy_id)`,
    `CREATE TABLE policy_runs (
      run_id INTEGER PRIMARY KEY, policy_id TEXT NOT NULL, slot_ms BIGINT NOT NULL, begun_at_ms BIGINT NOT NULL,
      missed_count INTEGER NOT NULL, UNIQUE (policy_id, slot_ms))`,
    `CREATE TABLE policy_targets (
      target_id INTEGER PRIMARY KEY, disk_id TEXT NOT NULL, slot_ms BIGINT NOT NULL, begun_at_ms BIGINT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('pending', 'making', 'copying', 'done', 'skipped', 'failed')),
      attempts INTEGER NOT NULL, snapshot_id TEXT, reason TEXT)`,
    `CREATE INDEX policy_targets_by_state ON policy_targets (state, target_id)`,
    `CREATE INDEX policy_targets_by_disk ON policy_targets (disk_id, target_id)`,
    `CREATE TABLE policy_target_members (
      target_id INTEGER NOT NULL REFERENCES policy_targets (target_id) ON DELETE CASCADE, policy_id TEXT NOT NULL,
      run_id INTEGER NOT NULL, slot_ms BIGINT NOT NULL, retention_days INTEGER NOT NULL,
      tiered INTEGER NOT NULL CHECK (tiered IN (0, 1)), copy_region_id TEXT, copied_retention_days INTEGER NOT NULL,
      PRIMARY KEY (target_id, policy_id))`,
    `CREATE INDEX policy_target_members_by_run ON policy_target_members (run_id, target_id)`,
    `CREATE TABLE policy_snapshots (
      snapshot_id TEXT NOT NULL, policy_id TEXT NOT NULL, slot_ms BIGINT NOT NULL, retention_days INTEGER NOT NULL,
      tiered INTEGER NOT NULL CHECK (tiered IN (0, 1)), PRIMARY KEY (snapshot_id, policy_id))`,
    `CREATE TABLE retention_holds (
      subject_id TEXT PRIMARY KEY, snapshot_ids TEXT NOT NULL, approved INTEGER NOT NULL CHECK (approved IN (0, 1)),
      held_since_ms BIGINT NOT NULL)`,
    `ALTER TABLE snapshots ADD COLUMN automatic INTEGER NOT NULL DEFAULT 0 CHECK (automatic IN (0, 1))`,
    `ALTER TABLE snapshots ADD COLUMN kept_since_ms BIGINT`,
    `CREATE INDEX snapshots_by_type ON snapshots (automatic, created_at_ms, snapshot_id)
      WHERE frozen = 1 AND undo_until_ms IS NULL`,
    `CREATE INDEX snapshots_by_retention ON snapshots (source_disk_id)
      WHERE retention_days IS NOT NULL OR automatic = 1`,
    ...policyTagStatements,
  ],
};

/** Deleted snapshots and disks that can be restored. */
const fourteenth: Migration = {
  version: 14,
  statements: [
    `CREATE TABLE recycle_bin (
      resource_id TEXT PRIMARY KEY, resource_type TEXT NOT NULL CHECK (resource_type IN ('disk', 'snapshot')),
      disk_id TEXT NOT NULL, name TEXT, size_gib INTEGER NOT NULL, base TEXT, first_base TEXT, tree TEXT,
      generation INTEGER, content TEXT NOT NULL, created_at_ms BIGINT NOT NULL, until_ms BIGINT NOT NULL,
      CHECK ((resource_type = 'disk') = (base IS NOT NULL)))`,
    `CREATE INDEX recycle_bin_by_creation ON recycle_bin (created_at_ms, resource_id)`,
    `CREATE INDEX recycle_bin_by_end ON recycle_bin (until_ms, resource_id)`,
    `CREATE INDEX recycle_bin_by_disk ON recycle_bin (disk_id, resource_type)`,
    `CREATE INDEX recycle_bin_by_base ON recycle_bin (base) WHERE base IS NOT NULL`,
  ],
};

/** Locks of instances. */
const fifteenth: Migration = {
  version: 15,
  statements: [
    `CREATE TABLE instance_locks (
      instance_id TEXT NOT NULL REFERENCES instances (instance_id) DEFERRABLE INITIALLY DEFERRED,
      reason TEXT NOT NULL CHECK (reason IN ('financial', 'security')), release_at_ms BIGINT,
      PRIMARY KEY (instance_id, reason))`,
    `CREATE INDEX instance_locks_by_release ON instance_locks (release_at_ms) WHERE release_at_ms IS NOT NULL`,
  ],
};

const sixteenth: Migration = { version: 16, statements: accessStatements };

/** What happens is told: events, and who is told of them. */
const seventeenth: Migration = { version: 17, statements: eventStatements };

/** What chains of snapshots take, for metering. */
const eighteenth: Migration = {
  version: 18,
  statements: [
    `CREATE TABLE usage_marks (
      disk_id TEXT NOT NULL, category TEXT NOT NULL CHECK (category IN ('standard', 'archive')), hour INTEGER NOT NULL,
      size_bytes BIGINT NOT NULL, PRIMARY KEY (disk_id, category, hour))`,
  ],
};

/** Subscriptions: instances that are paid until some time, and the disks that are paid with them. */
const nineteenth: Migration = {
  version: 19,
  statements: [
    `ALTER TABLE instances ADD COLUMN expires_at_ms BIGINT`,
    `ALTER TABLE instances ADD COLUMN renew_period INTEGER`,
    `ALTER TABLE instances ADD COLUMN renew_unit TEXT CHECK (renew_unit IN ('Week', 'Month', 'Year'))`,
    `ALTER TABLE instances ADD COLUMN renewal_status TEXT NOT NULL DEFAULT 'Normal'
      CHECK (renewal_status IN ('AutoRenewal', 'Normal', 'NotRenewal'))`,
    `CREATE INDEX instances_by_expiry ON instances (expires_at_ms) WHERE expires_at_ms IS NOT NULL`,
    `ALTER TABLE disks ADD COLUMN prepaid INTEGER NOT NULL DEFAULT 0 CHECK (prepaid IN (0, 1))`,
    ...prepaidTallyStatements,
  ],
};

export const migrations: Migration[] = [
  ...[first, second, third, fourth, fifth, sixth, seventh, eighth, ninth],
  ...[tenth, eleventh, twelfth, thirteenth, fourteenth, fifteenth, sixteenth, seventeenth, eighteenth, nineteenth],
];

/** Brings the catalog to the newest version. Throws an OperationalError when it is newer than this program. */
export async function migrate(database: Queries, wanted: Migration[] = migrations): Promise<void> {
  await sql`CREATE TABLE IF NOT EXISTS schema_versions (version INTEGER PRIMARY KEY)`.execute(database);
  const { rows } = await sql<{ version: number | null }>`SELECT max(version) AS version FROM schema_versions`.execute(
    database,
  );
  const present = rows[0]?.version ?? 0;
  const newest = wanted.at(-1)?.version ?? 0;
  if (present > newest) {
    throw new OperationalError(
      `the catalog has version ${present}, this hupo knows up to ${newest}: run a newer hupo on it`,
      { retryable: false },
    );
  }
  for (const migration of wanted) {
    if (migration.version > present) await apply(database, migration);
  }
}

async function apply(database: Queries, migration: Migration): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    for (const statement of migration.statements) await sql.raw(statement).execute(transaction);
    await sql`INSERT INTO schema_versions (version) VALUES (${migration.version})`.execute(transaction);
  });
}
