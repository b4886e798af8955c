/** What the API needs of the control plane. `main.ts` passes the real one (`control/`), tests a small one in memory. */
import type { Disk, Image, Instance, Page, Snapshot } from '../ecs/resources.ts';
import type {
  AttachDiskRequest,
  CreateDiskRequest,
  CreateSnapshotRequest,
  DiskFilter,
  Idempotency,
  ImageFilter,
  InstanceFilter,
  Paging,
  RunInstancesRequest,
  SnapshotFilter,
} from '../control/requests.ts';

export interface ControlPlane {
  createDisk(request: CreateDiskRequest, idempotency: Idempotency | null): Promise<{ diskId: string }>;
  listDisks(filter: DiskFilter, paging: Paging): Promise<Page<Disk>>;
  attachDisk(request: AttachDiskRequest): Promise<void>;
  resetDisk(request: { diskId: string; snapshotId: string }): Promise<void>;
  createSnapshot(request: CreateSnapshotRequest, idempotency: Idempotency | null): Promise<{ snapshotId: string }>;
  listSnapshots(filter: SnapshotFilter, paging: Paging): Promise<Page<Snapshot>>;
  deleteSnapshot(request: { snapshotId: string; force: boolean }): Promise<void>;
  runInstances(request: RunInstancesRequest, idempotency: Idempotency | null): Promise<{ instanceIds: string[] }>;
  listInstances(filter: InstanceFilter, paging: Paging): Promise<Page<Instance>>;
  startInstance(request: { instanceId: string }): Promise<void>;
  stopInstance(request: { instanceId: string; force: boolean }): Promise<void>;
  listImages(filter: ImageFilter, paging: Paging): Promise<Page<Image>>;
  /**
   * Extension (no ECS action does this): a new disk in state `Creating` whose `nbdUri` a local importer writes to.
   * It goes away by itself when no client is connected to it for 60 s.
   */
  beginImport(request: CreateDiskRequest): Promise<{ diskId: string; nbdUri: string }>;
  /** Flushes, closes the socket and makes the disk `Available` and used. */
  completeImport(request: { diskId: string }): Promise<void>;
}

/** Nonces seen lately (`SignatureNonceUsed`); kept across restarts for longer than a timestamp is accepted. */
export interface NonceLog {
  /** False when `nonce` was seen before with this key. */
  accept(accessKeyId: string, nonce: string, nowMs: number): boolean;
}

export interface AccessKeys {
  /** The secret, or null for an unknown key. */
  find(accessKeyId: string): string | null;
}
