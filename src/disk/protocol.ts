/**
 * The control protocol of diskd: JSON lines (`lib/line-channel.ts`) on `run/diskd.sock`. Every call is idempotent: a
 * caller that got no answer asks again. All ids are ECS ids; times are milliseconds since 1970.
 */
import type { Answered } from '../nbd/device.ts';
import type { TreeRef } from '../repository/tree-ref.ts';

export const DISKD_PROTOCOL = 6;

/**
 * The oldest diskd that this version's control plane works with: one that a guest's I/O kept alive over an upgrade. Calls
 * that it does not have are in `CALLS_SINCE`.
 */
export const OLDEST_DISKD_PROTOCOL = 4;

/** The version that brought a call, where that is later than the oldest. */
export const CALLS_SINCE: Readonly<Partial<Record<keyof DiskdCalls, number>>> = { findChunks: 5, freezeGroup: 6 };

/** What absent chunks of a disk read as. */
export type BaseRef = TreeBase | ViewBase;

export interface TreeBase {
  /** The snapshot whose tree it is, for people and for usage; null for zeros. */
  snapshotId: string | null;
  tree: TreeRef;
}

/** A snapshot that is not in the repository yet: it is read from its frozen view, on the disk that it was taken of. */
export interface ViewBase {
  snapshotId: string;
  /** The disk whose frozen view it is. */
  viewOf: string;
}

export function isViewBase(base: BaseRef): base is ViewBase {
  return 'viewOf' in base;
}

/** At most so many frozen views has a disk at once: of ten snapshots in the making, and three that keep what rollbacks replaced. */
export const VIEW_LIMIT = 13;

/** What a disk may do in a second; a burst of one second is let through at once. */
export interface DiskLimits {
  iops: number;
  bytesPerSecond: number;
}

export interface ViewState {
  snapshotId: string;
  generation: number;
  frozenAtMs: number;
  sizeBytes: number;
  durable: boolean;
}

/** Counted since the disk was opened. */
export interface DiskCounters {
  readCount: number;
  writeCount: number;
  flushCount: number;
  /** TRIM and WRITE_ZEROES. */
  zeroCount: number;
  readBytes: number;
  writtenBytes: number;
}

/** Of reads and writes that were answered since then: how many, and how long they took together, in milliseconds. */
export interface DiskAnswers extends Answered {
  /** When the disk began to count, the `counters` too: another value is another count. */
  countedSinceMs: number;
}

export interface DiskMapping {
  /** Chunks that hold data of the disk's own, in whatever generation. */
  dataChunkCount: number;
  /** Slots in use by the disk, its views, and what waits to be merged. */
  usedSlotCount: number;
  /** Slots freed whose record is not durable yet, or which are still being read. */
  freeingSlotCount: number;
  /** Older layers of chunks: kept for views, or waiting to be merged. */
  olderLayerCount: number;
  /** Map pages that hold anything, and those in memory now. */
  pageCount: number;
  cachedPageCount: number;
  /** Records since the last checkpoint. */
  journalRecordCount: number;
}

export interface DiskState {
  diskId: string;
  sizeBytes: number;
  /** The NBD socket's absolute path while the disk is open to clients, else null. */
  socketPath: string | null;
  /** Clients connected now. */
  clientCount: number;
  /** The generation that is being written. */
  generation: number;
  incarnation: number;
  base: BaseRef;
  /** Chunks of the base that `fetchBase` has passed since the disk was opened; absent in protocol 3. */
  fetchedChunkCount?: number;
  /** Whether a guest or an import ever wrote to it (data or zero entry of its own). */
  written: boolean;
  /** Bytes that its files take on the device. */
  allocatedBytes: number;
  /** The frozen views that are there, oldest first. */
  views: ViewState[];
  mapping: DiskMapping;
  counters: DiskCounters;
  /** Absent from a diskd of an earlier version. */
  answers?: DiskAnswers;
  /** What clients are held to, or null. */
  limits: DiskLimits | null;
  /** Why the next snapshot must compare every mapped chunk, or null when change tracking is whole. */
  compareReason: string | null;
  /** Why the disk answers EIO to every flush until it is reopened, or null. */
  syncFailure: string | null;
}

/** One chunk of a frozen view that is not as in the base: whole in a slot (null: zeros), or put together. */
export type ViewChunk = { chunk: number; slot: number | null } | { chunk: number; parts: ViewPart[] };

/** Of a chunk's sixteen 4 KiB blocks, those of `mask` (bit 0 is the first) lie at their place in `slot`; null: zeros. */
export interface ViewPart {
  slot: number | null;
  mask: number;
}

export interface FreezeReply {
  snapshotId: string;
  /** The generation that the freeze closed: the view holds chunks of generation ≤ this. */
  generation: number;
  incarnation: number;
  /** The instant of the freeze. */
  frozenAtMs: number;
  sizeBytes: number;
  base: BaseRef;
  /**
   * The first generation written over the base, or since tracking was lost: earlier snapshots are nothing to compare with.
   * Chunks that were fetched from the base have the generation before it.
   */
  baseGeneration: number;
  /**
   * The generations that the view is made of, as ranges `[first, last]`, rising: without those that a rollback undid. A
   * snapshot of this disk whose generation is in none of them is nothing to compare with.
   */
  history: [number, number][];
  compareReason: string | null;
}

/** A disk of a group, and what its frozen view is called. */
export interface GroupMember {
  diskId: string;
  snapshotId: string;
}

/** How much of a disk's base is the disk's own; counted anew when the disk was opened anew. */
export interface FetchProgress {
  /** Chunks of the base that are not zeros: those that were passed, and all. */
  chunkCount: number;
  totalCount: number;
  /** By this call. */
  fetchedBytes: number;
  /** The disk has left its base: it reads as before, and needs nothing of the repository. */
  isOver: boolean;
}

/** A chunk that is not as in the tree. */
export interface Differing {
  chunk: number;
  isHealed: boolean;
  /** Why it could not be healed, or null. */
  failure: string | null;
}

export interface Comparison {
  /** False for a snapshot that the disk is not made of (any more), another incarnation, or when it is not known what was written since. */
  isComparable: boolean;
  comparedCount: number;
  differing: Differing[];
  /** Where to go on, null at the end. */
  next: number | null;
}

export interface DiskFinding {
  diskId: string;
  what: string;
  /** What `hupo check --repair` would do about it, or null when nothing can be done. */
  repair: string | null;
}

export type DiskdCalls = {
  hello: {
    request: { protocol: number };
    /** `folder` is `<device>:<inode>` of DIR, so that a copied or moved DIR never adopts a stranger. */
    reply: { protocol: number; pid: number; folder: string; startedAtMs: number };
  };
  /**
   * Makes the disk's folder. Again with the same values: nothing; with others: a request error. A view as base must be
   * there (`InvalidSnapshotId.NotReady`), and must not be released before `rebase` has replaced it.
   */
  createDisk: { request: { diskId: string; sizeBytes: number; base: BaseRef }; reply: { disk: DiskState } };
  /** Removes the folder and all its bytes. Absent: nothing. Refused while open to clients or frozen. */
  deleteDisk: { request: { diskId: string }; reply: object };
  /**
   * Serves the disk on a socket; refused if `incarnation` is not the disk's (D13). Again: the same reply, and the limits
   * are from then on those that are given (absent: none).
   */
  openDisk: { request: { diskId: string; incarnation: number; limits?: DiskLimits }; reply: { disk: DiskState } };
  /**
   * Finishes what is in flight, flushes, ends every client and unlinks the socket; `clientCount` is how many there were. A
   * disk that was not opened since diskd began has nothing to close: null.
   */
  closeDisk: { request: { diskId: string }; reply: { disk: DiskState | null } };
  /** Fails for an unknown disk with a request error `InvalidDiskId.NotFound`. */
  describeDisk: { request: { diskId: string }; reply: { disk: DiskState } };
  /** All, each opened for it; `active`: only those that are served, or that were read or written since they were opened. */
  listDisks: { request: { active?: boolean }; reply: { disks: DiskState[] } };
  /**
   * Closes the current generation. Idempotent by snapshot id; refused after `cancelFreeze` of that id, and while
   * VIEW_LIMIT views of the disk are there (`IncorrectDiskStatus.CreatingSnapshot`). Replies at once; durability follows.
   */
  freeze: { request: { diskId: string; snapshotId: string }; reply: FreezeReply };
  /**
   * Freezes several disks at one instant, which every reply tells: clients of all are held until all are frozen, briefly at
   * most. Asked again, the same answer. When it fails some may be frozen, without that promise: `cancelFreeze` each.
   */
  freezeGroup: { request: { groupId: string; members: GroupMember[] }; reply: { members: FreezeReply[] } };
  /** Resolves when everything before the freeze is synced; fails when it never will be (failed sync, no such view). */
  awaitDurable: { request: { diskId: string; snapshotId: string }; reply: object };
  /** No freeze of that id happens from now on; a view of that id is released. */
  cancelFreeze: { request: { diskId: string; snapshotId: string }; reply: object };
  /**
   * A page of the view's chunks whose generation is later than `sinceGeneration` (−1: everything that the disk holds
   * itself, chunks fetched from the base too), in chunk order from `fromChunk`. `next` is null at the end. Chunks of which
   * a part still lies in the base are fetched first. Slots stay readable at `dataFolder` until the view is released.
   */
  listViewChunks: {
    request: { diskId: string; snapshotId: string; sinceGeneration: number; fromChunk: number; limit: number };
    reply: { dataFolder: string; chunks: ViewChunk[]; next: number | null };
  };
  /** Ends the view; `committed` says that the snapshot is in the repository, so tracking may be trusted again. */
  releaseView: { request: { diskId: string; snapshotId: string; committed: boolean }; reply: object };
  /**
   * Makes the disk read as `base` (D7): closed disks only. A view must be the disk's own and durable; the base is then that
   * of the view, and `history` goes on from it. Other views stay as they are. `incarnation` is the one that the disk has
   * afterwards; a disk that already has it answers as done.
   */
  rollback: { request: { diskId: string; base: BaseRef; incarnation: number }; reply: { disk: DiskState } };
  /**
   * Puts the tree of `snapshotId`, which is in the repository now and holds the same bytes, in the place of its view as the
   * base of the disk, and of the disk's own views. Durable when it resolves; open or closed. A disk whose base is no such view answers as done.
   */
  rebase: { request: { diskId: string; snapshotId: string; tree: TreeRef }; reply: { disk: DiskState } };
  /**
   * Brings up to `chunkLimit` more chunks of the base into the disk, open or closed; after the last the disk leaves its base,
   * durably: that is zeros then, with the `snapshotId` of before. One call a disk at a time. Refused over a view
   * (`InvalidSnapshotId.NotReady`), for another incarnation, and with ENOSPC while room is short. A disk that stands on zeros answers as done.
   */
  fetchBase: {
    request: { diskId: string; incarnation: number; chunkLimit: number };
    reply: { disk: DiskState; progress: FetchProgress };
  };
  /**
   * Grows the disk, open or closed, durably; never shrinks. Clients that connect from then on see the new size; what lies
   * beyond the old one reads as zeros. Refused while a view is there. A disk that has that size already answers as done.
   */
  resizeDisk: { request: { diskId: string; sizeBytes: number }; reply: { disk: DiskState } };
  /** Verifies map, journal, slots and views of one disk against the files. */
  checkDisk: { request: { diskId: string }; reply: { findings: DiskFinding[] } };
  /**
   * Compares up to `limit` chunks, from `fromChunk` on, that were not written since the snapshot that closed `generation`, with its
   * tree (D8); of the disk's base `generation` is null. `heal`: those that differ are written anew from the tree.
   */
  compareDisk: {
    request: {
      diskId: string;
      incarnation: number;
      tree: TreeRef;
      generation: number | null;
      fromChunk: number;
      limit: number;
      heal: boolean;
    };
    reply: Comparison;
  };
  /**
   * Chunks of the disk that hold exactly what their digests (hex) name, as base64; others are left out. A few at a time.
   */
  findChunks: {
    request: { diskId: string; wanted: { chunk: number; digest: string }[] };
    reply: { found: { digest: string; bytes: string }[] };
  };
  /** Flushes everything and ends. Refused while a client is connected, unless `force`. */
  shutdown: { request: { force: boolean }; reply: { clientCount: number; ending: boolean } };
};
