/**
 * What `serve` and a transfer worker (a child process; Node IPC channel) say to each other. A worker uploads one frozen
 * view and ends; when its channel closes it ends at once. It writes packs and index rows only: committing the
 * manifest is the control plane's, so a worker that outlives its server can never commit.
 */
import type { RepositoryPlace } from '../repository/stores.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import type { WriterSession } from '../repository/writer.ts';

export interface UploadJob {
  repository: RepositoryPlace;
  /** That it writes in. */
  session: WriterSession;
  diskdSocket: string;
  diskId: string;
  snapshotId: string;
  sizeBytes: number;
  /** The tree that unchanged chunks come from: the parent snapshot's or the disk's base's. */
  parent: TreeRef;
  /** Chunks of the view later than this generation differ from `parent`, or may; −1: every chunk that the disk holds. */
  sinceGeneration: number;
}

export interface UploadResult {
  tree: TreeRef;
  /** Chunks looked at, and those whose bytes were new to the repository. */
  changedChunkCount: number;
  newChunkCount: number;
  readBytes: number;
  /** Bytes added to the repository: packs, compressed. */
  storedBytes: number;
}

export type WorkerMessage<Result = UploadResult> =
  | { type: 'progress'; doneBytes: number; totalBytes: number }
  | { type: 'done'; result: Result }
  | { type: 'failed'; message: string; retryable: boolean };
