/**
 * The control plane: the only place that decides. It answers what `api/` asks (`ControlPlane` there), by checking, writing
 * the catalog and starting an operation; everything after that is the operations' (`operations/`, one file each).
 */
import { deleteOldClientTokens } from '../catalog/client-tokens.ts';
import { unconditionally } from './change.ts';
import { Collector } from './collector.ts';
import { cancelCopyImage, copyImage, copySnapshot, openDesk } from './copies.ts';
import { createImage, deleteImage, modifyImage } from './images.ts';
import { deleteDisk } from './delete-disk.ts';
import { deleteInstances } from './delete-instances.ts';
import { detachDisk } from './detach-disk.ts';
import { attachDisk, createDisk } from './disks.ts';
import { reopenDisks } from './reopen-disks.ts';
import { resetDisk, resetDisks } from './reset-disks.ts';
import { ensureEmptyImage } from './empty-image.ts';
import { Events } from './events.ts';
import { exportImage, exportSnapshot } from './export.ts';
import { describeFetch, startFetch, stopFetch } from './fetches.ts';
import { importImage } from './import-image.ts';
import { beginImport, completeImport } from './imports.ts';
import { modifyDisks } from './modify-disks.ts';
import { modifyInstance } from './modify-instance.ts';
import { modifyDiskSpec } from './modify-disk-spec.ts';
import { modifySnapshotCategory } from './modify-snapshot-category.ts';
import { FetchNotes } from './operations/fetch-base.ts';
import { ImportCompletions } from './operations/import-disk.ts';
import { AccountLock } from './account-lock.ts';
import { InstanceLocks } from './instance-locks.ts';
import { LockClock } from './lock-clock.ts';
import { operationKinds } from './operation-kinds.ts';
import { ControlReads } from './control-reads.ts';
import type { Parts } from './parts.ts';
import { Metering } from './metering.ts';
import { Policies } from './policies/policies.ts';
import { powerInstances } from './power-instances.ts';
import { RecycleBin } from './recycle-bin.ts';
import { reInitDisk } from './reinit-disk.ts';
import type {
  AttachDiskRequest,
  ChangeOptions,
  CopyImageRequest,
  CopySnapshotRequest,
  CreateDiskRequest,
  CreateImageRequest,
  CreateSnapshotGroupRequest,
  CreateSnapshotRequest,
  DeleteInstancesRequest,
  DetachDiskRequest,
  ItemOutcome,
  LockSnapshotRequest,
  JoinResourceGroupRequest,
  ExportImageRequest,
  ExportSnapshotRequest,
  ImportImageRequest,
  ModifyDisksRequest,
  ModifyImageRequest,
  ModifyInstanceRequest,
  ModifySnapshotGroupRequest,
  ModifyDiskSpecRequest,
  ModifySnapshotCategoryRequest,
  ModifySnapshotRequest,
  PowerOutcome,
  PowerRequest,
  ReInitDiskRequest,
  ResetDisksRequest,
  ReplaceSystemDiskRequest,
  ResizeDiskRequest,
  RunInstancesRequest,
  ShareImageRequest,
  TagResourcesRequest,
  UntagResourcesRequest,
} from './requests.ts';
import type { FetchReport, ServeCalls } from './serve-calls.ts';
import { RepositoryBook, endEarlierSessions } from './repository-book.ts';
import { replaceSystemDisk } from './replace-system-disk.ts';
import { resizeDisk } from './resize-disk.ts';
import { joinResourceGroup } from './resource-groups.ts';
import { releaseForgottenViews } from './view-bases.ts';
import { runInstances } from './run-instances.ts';
import { OperationRunner } from './runner.ts';
import { createSnapshotGroup, deleteSnapshotGroup, modifySnapshotGroup } from './snapshot-groups.ts';
import { lockSnapshot, unlockSnapshot } from './snapshot-locks.ts';
import type { ShownLock } from './snapshot-locks.ts';
import { shareImage } from './share-image.ts';
import { Subscriptions } from './subscriptions.ts';
import { createSnapshot, deleteSnapshot, modifySnapshot } from './snapshots.ts';
import { tagResources, untagResources } from './tags.ts';
import { deleteOldestUndo, deleteOverdueUndo } from './undo.ts';
import { cancelTask } from './tasks.ts';
import { UploadGate } from './upload-gate.ts';

export class Control extends ControlReads {
  readonly #parts: Parts;
  readonly #runner: OperationRunner;
  readonly #gate = new UploadGate();
  /** What the collector goes by. */
  readonly book: RepositoryBook;
  readonly recycleBin: RecycleBin;
  readonly instanceLocks: InstanceLocks;
  readonly subscriptions: Subscriptions;
  readonly accountLock: AccountLock;
  readonly events: Events;
  readonly #collector: Collector;
  readonly #completions = new ImportCompletions();
  readonly #fetchNotes = new FetchNotes();
  /** Automatic snapshots. */
  readonly policies: Policies;
  /** What snapshots take, hour by hour, and cost. */
  readonly metering: Metering;
  readonly #ending = new AbortController();
  #undoEnded: Promise<void> = Promise.resolve();

  constructor(given: Omit<Parts, 'lockClock'>) {
    const parts = { ...given, lockClock: new LockClock(given) };
    super(parts);
    this.#parts = parts;
    this.events = new Events(parts);
    this.book = new RepositoryBook(parts.catalog, (operation) => this.#runner.treesOf(operation));
    this.#collector = new Collector(parts, this.book);
    this.recycleBin = new RecycleBin(parts, () => this.#runner);
    this.instanceLocks = new InstanceLocks(parts, () => this.#runner);
    this.subscriptions = new Subscriptions(parts);
    this.accountLock = new AccountLock(parts, () => this.#runner);
    const collect = () => this.#collector.wake();
    const stored = () => {
      parts.onStored?.();
      this.metering.wake();
      this.#collector.wake();
    };
    this.#runner = new OperationRunner(
      parts,
      operationKinds(parts, {
        ...{ runner: () => this.#runner, gate: this.#gate, collect, stored },
        ...{ completions: this.#completions, fetchNotes: this.#fetchNotes },
      }),
    );
    this.policies = new Policies(parts, this.#runner);
    this.metering = new Metering(parts);
    parts.regions.add(parts.region.regionId, openDesk(parts, this.#runner));
  }

  /** Goes on with what earlier servers left, and collects what they left as garbage. diskd must answer. */
  async start(): Promise<void> {
    const { catalog, clock, lockClock } = this.#parts;
    await lockClock.start();
    await ensureEmptyImage(this.#parts);
    await endEarlierSessions(this.#parts);
    await releaseForgottenViews(this.#parts);
    await deleteOldClientTokens(catalog.queries, clock.nowMs());
    await this.events.start();
    await this.#runner.resume();
    this.#collector.wake();
    this.recycleBin.start((facts) => deleteOldestUndo(this.#parts, this.#runner, facts));
    this.instanceLocks.start();
    this.subscriptions.start();
    this.accountLock.start();
    this.policies.start();
    this.metering.start();
    this.#undoEnded = deleteOverdueUndo(this.#parts, this.#runner, this.#ending.signal);
  }

  /** Of each kind of operation, how many failed for good since the start. */
  get failureCounts(): ReadonlyMap<string, number> {
    return this.#runner.failureCounts;
  }

  /** There may be garbage. */
  collectSoon(): void {
    this.#collector.wake();
  }

  /** Leaves every operation where it is; the next start goes on. */
  async stop(): Promise<void> {
    this.#ending.abort();
    const policiesEnded = this.policies.stop(); // They may wait for what the runner runs.
    await this.#undoEnded;
    const looking = [this.recycleBin, this.instanceLocks, this.subscriptions, this.accountLock];
    await Promise.all(looking.map((one) => one.stop()));
    await this.#runner.stop();
    await Promise.all([policiesEnded, this.metering.stop()]);
    await this.#collector.stop();
    await this.events.stop();
    await this.#parts.lockClock.stop();
  }

  /** After diskd came (back): the disks of every running instance are served again. */
  async reopenDisks(): Promise<void> {
    await reopenDisks(this.#parts);
  }

  createDisk(request: CreateDiskRequest, options: ChangeOptions = unconditionally): ReturnType<typeof createDisk> {
    return createDisk(this.#parts, this.#runner, request, options);
  }

  attachDisk(request: AttachDiskRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return attachDisk(this.#parts, this.#runner, request, options);
  }

  detachDisk(request: DetachDiskRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return detachDisk(this.#parts, this.#runner, request, options);
  }

  deleteDisk(request: { diskId: string }, options: ChangeOptions = unconditionally): Promise<void> {
    return deleteDisk(this.#parts, this.#runner, request, options);
  }

  resetDisks(request: ResetDisksRequest, options: ChangeOptions = unconditionally): Promise<ItemOutcome[]> {
    return resetDisks(this.#parts, this.#runner, request, options);
  }

  resetDisk(request: { diskId: string; snapshotId: string }, options: ChangeOptions = unconditionally): Promise<void> {
    return resetDisk(this.#parts, this.#runner, request, options);
  }

  reInitDisk(request: ReInitDiskRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return reInitDisk(this.#parts, this.#runner, request, options);
  }

  resizeDisk(request: ResizeDiskRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return resizeDisk(this.#parts, this.#runner, request, options);
  }

  modifyDisks(request: ModifyDisksRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return modifyDisks(this.#parts, request, options);
  }

  replaceSystemDisk(
    request: ReplaceSystemDiskRequest,
    options: ChangeOptions = unconditionally,
  ): Promise<{ diskId: string }> {
    return replaceSystemDisk(this.#parts, this.#runner, request, options);
  }

  modifyDiskSpec(
    request: ModifyDiskSpecRequest,
    options: ChangeOptions = unconditionally,
  ): Promise<{ taskId: string | null }> {
    return modifyDiskSpec(this.#parts, this.#runner, request, options);
  }

  createSnapshot(
    request: CreateSnapshotRequest,
    options: ChangeOptions = unconditionally,
  ): Promise<{ snapshotId: string }> {
    return createSnapshot(this.#parts, this.#runner, request, options);
  }

  modifySnapshot(request: ModifySnapshotRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return modifySnapshot(this.#parts, request, options);
  }

  modifySnapshotCategory(
    request: ModifySnapshotCategoryRequest,
    options: ChangeOptions = unconditionally,
  ): Promise<{ taskId: string | null }> {
    return modifySnapshotCategory(this.#parts, request, options);
  }

  deleteSnapshot(
    request: { snapshotId: string; force: boolean },
    options: ChangeOptions = unconditionally,
  ): Promise<void> {
    return deleteSnapshot(this.#parts, this.#runner, request, options);
  }

  copySnapshot(
    request: CopySnapshotRequest,
    options: ChangeOptions = unconditionally,
  ): Promise<{ snapshotId: string }> {
    return copySnapshot(this.#parts, request, options);
  }

  copyImage(request: CopyImageRequest, options: ChangeOptions = unconditionally): Promise<{ imageId: string }> {
    return copyImage(this.#parts, request, options);
  }

  cancelCopyImage(request: { imageId: string }, options: ChangeOptions = unconditionally): Promise<void> {
    return cancelCopyImage(this.#parts, this.#runner, request, options);
  }

  createSnapshotGroup(
    request: CreateSnapshotGroupRequest,
    options: ChangeOptions = unconditionally,
  ): Promise<{ groupId: string }> {
    return createSnapshotGroup(this.#parts, this.#runner, request, options);
  }

  modifySnapshotGroup(request: ModifySnapshotGroupRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return modifySnapshotGroup(this.#parts, request, options);
  }

  deleteSnapshotGroup(request: { groupId: string }, options: ChangeOptions = unconditionally): Promise<ItemOutcome[]> {
    return deleteSnapshotGroup(this.#parts, this.#runner, request, options);
  }

  lockSnapshot(request: LockSnapshotRequest, options: ChangeOptions = unconditionally): Promise<ShownLock> {
    return lockSnapshot(this.#parts, request, options);
  }

  unlockSnapshot(request: { snapshotId: string }, options: ChangeOptions = unconditionally): Promise<void> {
    return unlockSnapshot(this.#parts, request, options);
  }

  runInstances(
    request: RunInstancesRequest,
    options: ChangeOptions = unconditionally,
  ): ReturnType<typeof runInstances> {
    return runInstances(this.#parts, this.#runner, request, options);
  }

  powerInstances(request: PowerRequest, options: ChangeOptions = unconditionally): Promise<PowerOutcome[]> {
    return powerInstances(this.#parts, this.#runner, request, options);
  }

  modifyInstance(request: ModifyInstanceRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return modifyInstance(this.#parts, request, options);
  }

  deleteInstances(request: DeleteInstancesRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return deleteInstances(this.#parts, this.#runner, request, options);
  }

  createImage(request: CreateImageRequest, options: ChangeOptions = unconditionally): Promise<{ imageId: string }> {
    return createImage(this.#parts, this.#runner, request, options);
  }

  modifyImage(request: ModifyImageRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return modifyImage(this.#parts, request, options);
  }

  importImage(
    request: ImportImageRequest,
    options: ChangeOptions = unconditionally,
  ): Promise<{ imageId: string; taskId: string }> {
    return importImage(this.#parts, this.#runner, request, options);
  }

  exportImage(request: ExportImageRequest, options: ChangeOptions = unconditionally): Promise<{ taskId: string }> {
    return exportImage(this.#parts, this.#runner, request, options);
  }

  exportSnapshot(
    request: ExportSnapshotRequest,
    options: ChangeOptions = unconditionally,
  ): Promise<{ taskId: string }> {
    return exportSnapshot(this.#parts, this.#runner, request, options);
  }

  shareImage(request: ShareImageRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return shareImage(this.#parts, request, options);
  }

  async deleteImage(
    request: { imageId: string; force: boolean },
    options: ChangeOptions = unconditionally,
  ): Promise<void> {
    await deleteImage(this.#parts, this.#runner, request, options);
    this.#collector.wake();
  }

  tagResources(request: TagResourcesRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return tagResources(this.#parts, request, options);
  }

  untagResources(request: UntagResourcesRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return untagResources(this.#parts, request, options);
  }

  joinResourceGroup(request: JoinResourceGroupRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return joinResourceGroup(this.#parts, request, options);
  }

  cancelTask(request: { taskId: string }, options: ChangeOptions = unconditionally): Promise<void> {
    return cancelTask(this.#parts, this.#runner, request, options);
  }

  beginImport(
    request: CreateDiskRequest,
    options: ChangeOptions = unconditionally,
  ): Promise<{ diskId: string; nbdUri: string }> {
    return beginImport(this.#parts, this.#runner, request, options);
  }

  completeImport(request: { diskId: string }): Promise<void> {
    return completeImport(this.#parts, this.#runner, this.#completions, request.diskId);
  }

  async fetchBase({ diskId, action }: ServeCalls['fetch']['request']): Promise<FetchReport> {
    if (action === 'start') await startFetch(this.#parts, this.#runner, this.#fetchNotes, diskId);
    if (action === 'stop') await stopFetch(this.#parts, this.#runner, diskId);
    return await describeFetch(this.#parts, this.#fetchNotes, diskId);
  }
}
