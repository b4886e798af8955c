/**
 * What `serve` and a transfer worker (a child process; Node IPC channel) say to each other. A worker uploads one frozen
 * view, or copies a tree, and ends; when its channel closes it ends at once. It writes packs and index rows only: committing the
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

/** A tree of another repository is to be there in this one. */
export interface CopyJob {
  source: RepositoryPlace;
  tree: TreeRef;
  repository: RepositoryPlace;
  /** That it writes in. */
  session: WriterSession;
  /** The copy, for those who end it. */
  snapshotId: string;
  /** In the repository already: what is equal in it is not looked at. */
  begin: TreeRef;
  /** What differed when the copy began, once that was counted; null: not yet. */
  totalBytes: number | null;
  /** It ends once it has read so many bytes. */
  mostBytes: number;
}

export interface CopyResult {
  /** What is in the repository now: the tree itself when nothing is left to copy. */
  reached: TreeRef;
  /** What differed when the copy began. */
  totalBytes: number;
  /** Chunks that differed and are there now, and those that the repository did not know. */
  changedChunkCount: number;
  newChunkCount: number;
  /** Of chunks, plain. */
  readBytes: number;
  /** Bytes added to the repository: packs, compressed. */
  storedBytes: number;
}

export type WorkerMessage<Result = UploadResult> =
  | { type: 'progress'; doneBytes: number; totalBytes: number }
  | { type: 'done'; result: Result }
  | { type: 'failed'; message: string; retryable: boolean };
