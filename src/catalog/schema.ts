/**
 * The catalog's tables as Kysely sees them; `migrations.ts` makes them. Portable SQL: flags are 0 or 1, times are
 * milliseconds since 1970, JSON is text.
 */
import type { Generated, Kysely } from 'kysely';
import type { LockReason } from '../ecs/operation-locks.ts';
import type { PeriodUnit, RenewalStatus } from '../ecs/subscription.ts';
import type { AccessSchema } from './access-schema.ts';
import type {
  DiskStatus,
  DiskType,
  ImageStatus,
  InstanceStatus,
  RecycledType,
  SnapshotCategory,
  SnapshotStatus,
  SnapshotUsage,
  TaskAction,
  TaskStatus,
} from '../ecs/resources.ts';

/** 0 or 1. */
export type Flag = number;

export interface Schema extends AccessSchema {
  settings: SettingRow;
  images: ImageRow;
  image_disks: ImageDiskRow;
  image_shares: ImageShareRow;
  instances: InstanceRow;
  user_data: UserDataRow;
  disks: DiskRow;
  snapshots: Omit<SnapshotRow, 'automatic' | 'kept_since_ms'> & {
    usage: Generated<SnapshotUsage>;
    automatic: Generated<Flag>;
    kept_since_ms: Generated<number | null>;
  };
  snapshot_groups: SnapshotGroupRow;
  snapshot_locks: SnapshotLockRow;
  recycle_bin: RecycledRow;
  instance_locks: InstanceLockRow;
  tags: TagRow & TagOfListed;
  chain_tally: ChainTallyRow;
  auto_snapshot_policies: PolicyRow;
  policy_disks: PolicyDiskRow;
  policy_runs: PolicyRunRow & { run_id: Generated<number> };
  policy_targets: PolicyTargetRow & { target_id: Generated<number> };
  policy_target_members: PolicyTargetMemberRow;
  policy_snapshots: PolicySnapshotRow;
  retention_holds: RetentionHoldRow;
  usage_marks: UsageMarkRow;
  operations: OperationRow;
  tasks: TaskRow;
  repository_sessions: RepositorySessionRow;
  condemned_packs: CondemnedPackRow;
  client_tokens: ClientTokenRow;
  nonces: NonceRow;
  events: EventRow & { sequence: Generated<number> };
  event_subscriptions: EventSubscriptionRow;
}

/** The database, or a transaction on it. */
export type Queries = Kysely<Schema>;

interface SettingRow {
  name: string;
  value: string;
}

export interface ImageRow {
  image_id: string;
  image_name: string;
  description: string;
  owner_alias: string;
  size_gib: number;
  os_type: string;
  os_name: string;
  platform: string;
  architecture: string;
  created_at_ms: number;
  image_family: string;
  image_version: string;
  boot_mode: string;
  status: ImageStatus;
  /** Why it is `CreateFailed`, for people. */
  failure_reason: string | null;
  /** 1: in no list any more, and without disks; the row stays while instances that were made from it refer to it. */
  deleted: Flag;
  /** Blank for public images. */
  resource_group_id: string;
}

/** A disk of an image: what a disk that is made for `device` begins as. */
export interface ImageDiskRow {
  image_id: string;
  device: string;
  type: DiskType;
  size_gib: number;
  /** The snapshot it was made from; null for an empty one. */
  snapshot_id: string | null;
  /** JSON BaseRef, a root for the collector; null until the snapshot is accomplished. */
  base: string | null;
}

/** An account that an image is shared with. */
export interface ImageShareRow {
  image_id: string;
  account_id: string;
  shared_at_ms: number;
}

export interface InstanceRow {
  instance_id: string;
  instance_name: string;
  host_name: string;
  description: string;
  zone_id: string;
  instance_type: string;
  image_id: string;
  status: InstanceStatus;
  created_at_ms: number;
  started_at_ms: number | null;
  serial_number: string;
  mac_address: string;
  private_ip: string;
  network_interface_id: string;
  deletion_protection: Flag;
  resource_group_id: string;
  /** When its subscription ends, by the time of `control/lock-clock.ts`; null: it is PostPaid. */
  expires_at_ms: number | null;
  /** What it is renewed by while it is `AutoRenewal`; both null otherwise. */
  renew_period: number | null;
  renew_unit: PeriodUnit | null;
  renewal_status: RenewalStatus;
}

interface UserDataRow {
  instance_id: string;
  /** Base64. */
  user_data: string;
}

export interface DiskRow {
  disk_id: string;
  zone_id: string;
  disk_name: string;
  description: string;
  category: string;
  performance_level: string | null;
  size_gib: number;
  status: DiskStatus;
  type: DiskType;
  created_at_ms: number;
  attached_at_ms: number | null;
  detached_at_ms: number | null;
  instance_id: string | null;
  device: string | null;
  delete_with_instance: Flag;
  delete_auto_snapshot: Flag;
  enable_auto_snapshot: Flag;
  portable: Flag;
  source_snapshot_id: string | null;
  image_id: string | null;
  ever_attached: Flag;
  /** JSON BaseRef: what its absent chunks read as; a tree is a root for the collector, a view holds its snapshot's upload up (C12). */
  base: string;
  /** Which life of the disk may be opened (D13). */
  incarnation: number;
  /** The instance that a system disk was made for, and the only one it may be attached to again as one; else null. */
  home_instance_id: string | null;
  /**
   * JSON BaseRef: what it began as, whatever it is now; never changed. No root: it may be used only while the snapshot or
   * image that it was made from is there, whose bytes are kept (C6). Null: nobody knows, and that source is deleted.
   */
  first_base: string | null;
  resource_group_id: string;
  /** 1: it is paid with the PrePaid instance that it is attached to, ends with that, and is neither detached nor deleted alone. */
  prepaid: Flag;
}

export interface SnapshotRow {
  snapshot_id: string;
  snapshot_name: string | null;
  description: string;
  status: SnapshotStatus;
  /** 0 until the freeze: in no answer before (C5). */
  frozen: Flag;
  progress_percent: number;
  remaining_seconds: number;
  created_at_ms: number;
  modified_at_ms: number;
  source_disk_id: string;
  source_disk_size_gib: number;
  source_disk_type: DiskType;
  retention_days: number | null;
  failure_reason: string | null;
  /** JSON TreeRef, once its manifest is committed. */
  tree: string | null;
  /** The generation that the freeze closed, in which incarnation of the disk. */
  generation: number | null;
  incarnation: number | null;
  /** 1: it can be used while it is progressing, for it is frozen durably, and its disk's category has that. */
  instant: Flag;
  category: SnapshotCategory;
  resource_group_id: string;
  snapshot_group_id: string | null;
  /** When one that keeps what a rollback replaced is deleted; null for any other. */
  undo_until_ms: number | null;
  /** Of a copy, what it is a copy of; both null for any other. Whatever generation it tells, it is no parent and no state of its disk. */
  source_region_id: string | null;
  source_snapshot_id: string | null;
  /** 1: a policy made it, or it is the copy that one wanted. */
  automatic: Flag;
  /** Since when its days of retention count, on the clock of `control/lock-clock.ts`; null: it is not frozen yet, or of an earlier server, which told only `created_at_ms`. */
  kept_since_ms: number | null;
}

export interface PolicyRow {
  policy_id: string;
  /** Blank: none. */
  policy_name: string;
  /** JSON: a schedule of `ecs/schedule.ts`. */
  hours: string;
  weekdays: string;
  /** -1: for ever. */
  retention_days: number;
  /** JSON KeepRules, or null. */
  keep_rules: string | null;
  /** Whether a run that was missed is made up for. */
  catches_up: Flag;
  /** JSON TagFilter[] of the instances whose disks it is applied to; null: to the disks of `policy_disks`. */
  target_tags: string | null;
  /** Whether its snapshots are copied to that region, which it may have without. */
  copies: Flag;
  copy_region_id: string | null;
  copied_retention_days: number;
  resource_group_id: string;
  created_at_ms: number;
  /** Its schedule was looked at until then; it goes with the clock, also back. */
  cursor_ms: number;
}

interface PolicyDiskRow {
  policy_id: string;
  disk_id: string;
  applied_at_ms: number;
}

/** A slot of a policy that has run: each once. */
interface PolicyRunRow {
  policy_id: string;
  slot_ms: number;
  begun_at_ms: number;
  /** Slots before it that nobody looked at and that it makes up for. */
  missed_count: number;
}

export type PolicyTargetState = 'pending' | 'making' | 'copying' | 'done' | 'skipped' | 'failed';

/** A disk of a run: one snapshot, for all policies that were due at once (`policy_target_members`). */
interface PolicyTargetRow {
  disk_id: string;
  /** The latest of its members. */
  slot_ms: number;
  begun_at_ms: number;
  state: PolicyTargetState;
  /** Snapshots of it that were begun. */
  attempts: number;
  snapshot_id: string | null;
  /** Why it was skipped or failed, or has no copy, for people. */
  reason: string | null;
}

/** What the policy said when the run began. */
interface PolicyTargetMemberRow {
  target_id: number;
  policy_id: string;
  run_id: number;
  slot_ms: number;
  retention_days: number;
  tiered: Flag;
  /** Null: no copy. */
  copy_region_id: string | null;
  copied_retention_days: number;
}

/** A policy that a snapshot was made for: stays when the policy goes. */
interface PolicySnapshotRow {
  snapshot_id: string;
  policy_id: string;
  slot_ms: number;
  retention_days: number;
  tiered: Flag;
}

/** Snapshots that retention would delete and somebody must agree to. */
interface RetentionHoldRow {
  /** The disk, or for copies its region and disk. */
  subject_id: string;
  /** JSON. */
  snapshot_ids: string;
  approved: Flag;
  held_since_ms: number;
}

/** From its hour (since 1970) on a chain took so much, until its next one. */
interface UsageMarkRow {
  disk_id: string;
  category: SnapshotCategory;
  hour: number;
  size_bytes: number;
}

interface ChainTallyRow {
  source_disk_id: string;
  total: number;
}

export interface SnapshotGroupRow {
  snapshot_group_id: string;
  group_name: string;
  description: string;
  /** Where all its disks were attached to one instance. */
  instance_id: string | null;
  /** 0 until the freeze: in no answer before (C5). */
  frozen: Flag;
  created_at_ms: number;
  resource_group_id: string;
}

/** Its times are those of `control/lock-clock.ts`. */
export interface SnapshotLockRow {
  snapshot_id: string;
  lock_days: number;
  cool_off_hours: number;
  created_at_ms: number;
  cool_off_until_ms: number;
  /** Both null until the snapshot is accomplished. */
  started_at_ms: number | null;
  expires_at_ms: number | null;
}

export interface TagRow {
  resource_id: string;
  tag_key: string;
  tag_value: string;
}

/** What triggers keep (`listing-schema.ts`); of what has the tag, while that is in lists. */
interface TagOfListed {
  resource_type: Generated<string | null>;
  created_at_ms: Generated<number | null>;
}

/** Somebody who writes to the repository (`repository/collector-book.ts`). */
export interface RepositorySessionRow {
  session: number;
  /** Of the list of condemned packs when it began. */
  epoch: number;
  /** The server start that it belongs to (C1). */
  holder_epoch: number;
}

export interface CondemnedPackRow {
  pack_id: string;
  /** Sessions that began at this epoch or later know that it is in this state. */
  epoch: number;
  /** One that is deleted is told to other servers' indexes for a while. */
  state: 'condemned' | 'dying' | 'deleted';
}

export interface OperationRow {
  operation_id: string;
  kind: string;
  /** The disk, instance or snapshot it works on; one operation of a kind at a time on each. */
  subject_id: string;
  /** The step to be done next, or being done. */
  step: string;
  /** JSON, the kind's own. */
  state: string;
  undoing: Flag;
  /** Why it is being undone. */
  reason: string | null;
  /** The server start that has it in its hands (C1). */
  epoch: number;
  created_at_ms: number;
}

/** What is shown of an operation whose request was answered before it ended. */
export interface TaskRow {
  task_id: string;
  task_action: TaskAction;
  status: TaskStatus;
  resource_id: string;
  /** Whether CancelTask may end it. */
  cancellable: Flag;
  progress_percent: number;
  created_at_ms: number;
  /** Null while it is `Processing`. */
  finished_at_ms: number | null;
  part_count: number;
  /** JSON, what its parts came to: TaskPart[]. */
  ended_parts: string;
}

export interface ClientTokenRow {
  action: string;
  token: string;
  parameters_digest: string;
  /** JSON: the reply to give again. */
  result: string;
  created_at_ms: number;
}

export interface NonceRow {
  access_key_id: string;
  nonce: string;
  seen_at_ms: number;
}

export interface InstanceLockRow {
  instance_id: string;
  reason: LockReason;
  /** When the instance is released, by the time of `control/lock-clock.ts`; null: never. */
  release_at_ms: number | null;
}

/** A snapshot or a disk that was deleted and can be restored (`recycle-bin.ts`). */
export interface RecycledRow {
  resource_id: string;
  resource_type: RecycledType;
  /** The disk, or the one that the snapshot is of. */
  disk_id: string;
  name: string | null;
  size_gib: number;
  /** Of a disk, as in its row: what it stands on, which others may change while it is here. A root, as there. */
  base: string | null;
  first_base: string | null;
  /** Of a snapshot, as in its row. */
  tree: string | null;
  generation: number | null;
  /** JSON RecycledDisk or RecycledSnapshot: what is put back. */
  content: string;
  /** Of the entry: the deletion. */
  created_at_ms: number;
  /** When it goes for good, by the time of `control/lock-clock.ts`. */
  until_ms: number;
}

/** What happened, written by triggers (`event-schema.ts`). */
export interface EventRow {
  /** Rises; never used twice. */
  sequence: number;
  event_id: string;
  at_ms: number;
  type: string;
  resource_type: string;
  resource_id: string;
  /** Null: it is shown from now on. */
  old_status: string | null;
  /** `Deleted`: it is shown no more. */
  new_status: string;
  /** JSON, what else is told. */
  data: string;
}

/** Whom events are told to by HTTP. Its secret is in `DIR/keys` (`webhook-secrets.ts`). */
export interface EventSubscriptionRow {
  subscription_id: string;
  url: string;
  /** JSON, the types that are wanted; an empty list for all. */
  types: string;
  description: string;
  created_at_ms: number;
  /** The event that was taken last, or was not wanted. */
  delivered_sequence: number;
  /** Tries in a row that failed. */
  failures: number;
  next_try_at_ms: number | null;
  failing_since_ms: number | null;
  last_error: string | null;
  last_success_at_ms: number | null;
  /** Events that were not kept long enough for it. */
  missed_count: number;
}
