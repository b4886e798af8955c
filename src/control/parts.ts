/** What the control plane is made of, as interfaces: `serve.ts` passes the real ones, tests small fakes. */
import type { Catalog } from '../catalog/catalog.ts';
import type { DiskdCalls } from '../disk/protocol.ts';
import type { ExportFormat } from '../ecs/exchange-names.ts';
import type { DiskKind } from '../ecs/disk-performance.ts';
import type { PriceList } from '../ecs/price-list.ts';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Random } from '../lib/random.ts';
import type { ChainSize } from '../repository/chain-sizes.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { CollectorBook } from '../repository/collector-book.ts';
import type { Fence } from '../repository/pack.ts';
import type { RepositoryPlace } from '../repository/stores.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import type { ObjectPlace } from '../transfer/exchange-folder.ts';
import type { ImageFacts, ImportFormat } from '../transfer/image-header.ts';
import type { CopyJob, CopyResult, UploadJob, UploadResult } from '../transfer/job.ts';
import type { LockClock } from './lock-clock.ts';
import type { MonitorStore } from './monitor-store.ts';
import type { OpenDisks } from './open-disks.ts';
import type { Regions } from './regions.ts';

/** diskd, over whatever connection there is at the moment: a call lost with a connection is asked again. */
export interface DataPlane {
  /**
   * Throws what diskd answers; an OperationalError (retryable) when it does not answer within `timeoutMs` (default
   * 30 s); an AbortError when `signal` fires.
   */
  call<K extends keyof DiskdCalls>(
    name: K,
    body: DiskdCalls[K]['request'],
    options?: { timeoutMs?: number; signal?: AbortSignal },
  ): Promise<DiskdCalls[K]['reply']>;
}

/** Uploads frozen views and copies trees, each in a process of its own. */
export interface Transfer {
  /** Rejects once the worker is gone: with its failure, or an AbortError when `signal` fired. */
  upload(job: UploadJob, options: TransferOptions): Promise<UploadResult>;
  /** The same, of a tree of another region's repository. */
  copy(job: CopyJob, options: TransferOptions): Promise<CopyResult>;
}

export interface TransferOptions {
  signal: AbortSignal;
  onProgress: (doneBytes: number, totalBytes: number) => void;
}

/** Whether there is room for what takes room for long (D12). */
export interface SpaceCheck {
  /** Throws a RequestError with `code` when there is not; `what` is what is asked for, for people: `a snapshot`. */
  assertRoom(code: string, what: string): Promise<void>;
  /** Gives room back while it is short, a piece at a time, for the reason `facts`; false when there is nothing more to give. */
  onShort(giveWay: (facts: string) => Promise<boolean>): void;
}

/** The region's repository, as far as deciding needs it. */
export interface SnapshotRepository {
  /** Durable when it resolves. The same manifest again: nothing. */
  commitManifest(manifest: Manifest): Promise<unknown>;
  /** Absent: nothing. */
  deleteManifest(snapshotId: string): Promise<unknown>;
  /** What a worker of that session writes into packs. */
  fenceOf(session: number): Fence;
  /** Whether damaged copies are there, whose packs go once what they hold is stored again. */
  hasBadCopies(): boolean;
  /** A writer has died: it may have left packs that nobody knows. */
  expectStrangers(): void;
  /** Counts what is needed now, so that the next collection and everybody who asks for sizes has little to do. */
  count(book: CollectorBook, signal: AbortSignal): Promise<void>;
  /** What the snapshots of a chain with these trees take, as far as it is counted. */
  sizeChain(trees: readonly TreeRef[]): ChainSize;
  /** Returns the space of what neither a manifest nor a tree of the book needs. */
  collect(book: CollectorBook): Promise<{ freedBytes: number; waiting: { packCount: number } }>;
}

export interface WorkOptions {
  signal: AbortSignal;
  /** Of 1. */
  onProgress: (share: number) => void;
}

/** A file onto a disk. */
export interface LoadOrder {
  place: ObjectPlace;
  format: ImportFormat;
  /** The disk's, which reads as zeros. */
  sizeBytes: number;
  nbdUri: string;
}

/** A tree to a new file. */
export interface ExportOrder {
  tree: TreeRef;
  sizeBytes: number;
  bucket: string;
  object: string;
  format: ExportFormat;
}

/** Images as files: objects in buckets, which are folders in the one that the server is told. */
export interface Exchange {
  /** Throws a RequestError with `code` when the program that converts images is not there. */
  assertConverter(code: string): Promise<void>;
  /** Throws `InvalidOSSBucket.NotFound`. */
  assertBucket(bucket: string): Promise<void>;
  /** What the file is. Throws a RequestError when it is not there, or no image of the wanted format (null: any). */
  inspect(place: ObjectPlace, wanted: ImportFormat | null): Promise<ImageFacts>;
  /** Not flushed when it resolves. */
  load(order: LoadOrder, options: WorkOptions): Promise<void>;
  /** The file has its name, durably, when it resolves; what an earlier try left is replaced. */
  write(order: ExportOrder, options: WorkOptions): Promise<void>;
  /** Removes files, whole or not. Absent: nothing. */
  remove(bucket: string, objects: readonly string[]): Promise<void>;
}

/** How instances of a kind run. Each call is idempotent. */
export interface InstanceDriver {
  start(instance: RunningInstance): Promise<void>;
  stop(instance: RunningInstance): Promise<void>;
  /** Gives a running instance one more disk. */
  attach(disk: AttachedDisk): Promise<void>;
  /** Takes a disk away again. */
  detach(disk: AttachedDisk): Promise<void>;
  /** Takes back a start or an attaching, done or half done. What never can be closed is told to the log, no failure. */
  undoStart(disks: AttachedDisk[]): Promise<void>;
  /** Takes back a stop or a detaching, done or half done. What never can be served again is told to the log, no failure. */
  undoStop(disks: AttachedDisk[]): Promise<void>;
}

export interface AttachedDisk {
  diskId: string;
  incarnation: number;
  /** What its limits follow from. */
  kind: DiskKind;
}

export interface RunningInstance {
  instanceId: string;
  disks: AttachedDisk[];
}

export interface RegionNames {
  regionId: string;
  zoneIds: string[];
}

export interface Parts {
  catalog: Catalog;
  dataPlane: DataPlane;
  openDisks: OpenDisks;
  driver: InstanceDriver;
  transfer: Transfer;
  repository: SnapshotRepository;
  exchange: Exchange;
  space: SpaceCheck;
  /** What was sampled (`monitor-sampler.ts`). */
  monitor: Pick<MonitorStore, 'readDisk' | 'readSnapshots'>;
  clock: Clock;
  /** The control plane's own. */
  lockClock: LockClock;
  random: Random;
  log: Log;
  region: RegionNames;
  /** This one and the others of this server. */
  regions: Regions;
  /** How long what a rollback replaced is kept; 0: not at all. */
  undoMs: number;
  /** Of 1: so much of a disk's good snapshots retention deletes at a time without being told to. */
  retentionShare: number;
  /** How long deleted snapshots and disks can be restored; 0: not at all. */
  recycleMs: number;
  /** So long after its subscription ended an instance is released; 0: never. Absent: 15 days, as ECS keeps them. */
  expiredKeptMs?: number;
  /** How long events are kept; absent: a week. */
  eventsKeptMs?: number;
  /** What snapshots cost; null: nobody said. */
  priceList: PriceList | null;
  /** Called when a snapshot is stored, locked or deleted. */
  onStored?: () => void;
  /** Told to transfer workers. */
  repositoryPlace: RepositoryPlace;
  /** DIR, which no reason that is told names. */
  dataFolder: string;
  diskdSocket: string;
}
