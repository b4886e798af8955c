/**
 * The control protocol of diskd: JSON lines (`lib/line-channel.ts`) on `run/diskd.sock`. Every call is idempotent: a
 * caller that got no answer asks again. All ids are ECS ids; times are milliseconds since 1970.
 */
import type { TreeRef } from '../repository/tree-ref.ts';

export const DISKD_PROTOCOL = 2;

/**
 * The oldest diskd that this version's control plane works with: one that a guest's I/O kept alive over an upgrade. Calls
 * that it does not have are in `CALLS_SINCE`.
 */
export const OLDEST_DISKD_PROTOCOL = 1;

/** The version that brought a call, where that is later than the oldest. */
export const CALLS_SINCE: Readonly<Partial<Record<keyof DiskdCalls, number>>> = { resizeDisk: 2 };

/** What absent chunks of a disk read as. */
export interface BaseRef {
  /** The snapshot whose tree it is, for people and for usage; null for zeros. */
  snapshotId: string | null;
  tree: TreeRef;
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
  /** Whether a guest or an import ever wrote to it (data or zero entry of its own). */
  written: boolean;
  /** Chunks that hold data of the disk's own, and bytes its files take on the device. */
  dataChunkCount: number;
  allocatedBytes: number;
  /** The frozen view that is there, if any. */
  view: { snapshotId: string; generation: number; durable: boolean } | null;
  /** Why the next snapshot must compare every mapped chunk, or null when change tracking is whole. */
  compareReason: string | null;
  /** Why the disk answers EIO to every flush until it is reopened, or null. */
  syncFailure: string | null;
  readBytes: number;
  writtenBytes: number;
}

/** One chunk of a frozen view that is not as in the base: `slot` is null for a zero chunk. */
export interface ViewChunk {
  chunk: number;
  slot: number | null;
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
  /** The first generation since the base was set, or tracking was lost: earlier snapshots are nothing to compare with. */
  baseGeneration: number;
  compareReason: string | null;
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
  /** Makes the disk's folder. Again with the same values: nothing; with others: a request error. */
  createDisk: { request: { diskId: string; sizeBytes: number; base: BaseRef }; reply: { disk: DiskState } };
  /** Removes the folder and all its bytes. Absent: nothing. Refused while open to clients or frozen. */
  deleteDisk: { request: { diskId: string }; reply: object };
  /** Serves the disk on a socket; refused if `incarnation` is not the disk's (D13). Again: the same reply. */
  openDisk: { request: { diskId: string; incarnation: number }; reply: { disk: DiskState } };
  /**
   * Finishes what is in flight, flushes, ends every client and unlinks the socket; `clientCount` is how many there were. A
   * disk that was not opened since diskd began has nothing to close: null.
   */
  closeDisk: { request: { diskId: string }; reply: { disk: DiskState | null } };
  /** Fails for an unknown disk with a request error `InvalidDiskId.NotFound`. */
  describeDisk: { request: { diskId: string }; reply: { disk: DiskState } };
  listDisks: { request: object; reply: { disks: DiskState[] } };
  /**
   * Closes the current generation. Idempotent by snapshot id; refused after `cancelFreeze` of that id, and while another
   * view of the disk is there (`IncorrectDiskStatus.CreatingSnapshot`). Replies at once; durability follows.
   */
  freeze: { request: { diskId: string; snapshotId: string }; reply: FreezeReply };
  /** Resolves when everything before the freeze is synced; fails when it never will be (failed sync, no such view). */
  awaitDurable: { request: { diskId: string; snapshotId: string }; reply: object };
  /** No freeze of that id happens from now on; a view of that id is released. */
  cancelFreeze: { request: { diskId: string; snapshotId: string }; reply: object };
  /**
   * A page of the view's chunks whose generation is later than `sinceGeneration`, in chunk order from `fromChunk`.
   * `next` is null at the end. Slots stay readable at `dataFolder` until the view is released.
   */
  listViewChunks: {
    request: { diskId: string; snapshotId: string; sinceGeneration: number; fromChunk: number; limit: number };
    reply: { dataFolder: string; chunks: ViewChunk[]; next: number | null };
  };
  /** Ends the view; `committed` says that the snapshot is in the repository, so tracking may be trusted again. */
  releaseView: { request: { diskId: string; snapshotId: string; committed: boolean }; reply: object };
  /**
   * Makes the disk read as `base` (D7): closed disks only, no view. `incarnation` is the one that the disk has
   * afterwards; a disk that already has it with that base answers as done.
   */
  rollback: { request: { diskId: string; base: BaseRef; incarnation: number }; reply: { disk: DiskState } };
  /**
   * Grows the disk, open or closed, durably; never shrinks. Clients that connect from then on see the new size; what lies
   * beyond the old one reads as zeros. Refused while a view is there. A disk that has that size already answers as done.
   */
  resizeDisk: { request: { diskId: string; sizeBytes: number }; reply: { disk: DiskState } };
  /** Verifies map, journal, slots and views of one disk against the files. */
  checkDisk: { request: { diskId: string }; reply: { findings: DiskFinding[] } };
  /** Flushes everything and ends. Refused while a client is connected, unless `force`. */
  shutdown: { request: { force: boolean }; reply: { clientCount: number; ending: boolean } };
};
