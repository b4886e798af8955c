/** Every kind of operation there is. */
import type { OperationKind } from './operation-kind.ts';
import { attachDiskOperation } from './operations/attach-disk.ts';
import { copySnapshotOperation } from './operations/copy-snapshot.ts';
import { createDiskOperation } from './operations/create-disk.ts';
import { createImageOperation } from './operations/create-image.ts';
import { createSnapshotGroupOperation } from './operations/create-snapshot-group.ts';
import { createSnapshotOperation } from './operations/create-snapshot.ts';
import { deleteDiskOperation } from './operations/delete-disk.ts';
import { deleteInstanceOperation } from './operations/delete-instance.ts';
import { deleteSnapshotOperation } from './operations/delete-snapshot.ts';
import { detachDiskOperation } from './operations/detach-disk.ts';
import { exportOperation } from './operations/export.ts';
import { fetchBaseOperation } from './operations/fetch-base.ts';
import type { FetchNotes } from './operations/fetch-base.ts';
import { importDiskOperation } from './operations/import-disk.ts';
import type { ImportCompletions } from './operations/import-disk.ts';
import { importImageOperation } from './operations/import-image.ts';
import { modifyDiskSpecOperation } from './operations/modify-disk-spec.ts';
import { rebootInstanceOperation } from './operations/reboot-instance.ts';
import { replaceSystemDiskOperation } from './operations/replace-system-disk.ts';
import { resetDiskOperation } from './operations/reset-disk.ts';
import { resizeDiskOperation } from './operations/resize-disk.ts';
import { runInstancesOperation } from './operations/run-instances.ts';
import { startInstanceOperation } from './operations/start-instance.ts';
import { stopInstanceOperation } from './operations/stop-instance.ts';
import type { Parts } from './parts.ts';
import type { OperationRunner } from './runner.ts';
import type { UploadGate } from './upload-gate.ts';

/** What some of them need beside the parts. */
interface Beside {
  runner: () => OperationRunner;
  gate: UploadGate;
  completions: ImportCompletions;
  fetchNotes: FetchNotes;
  /** There may be garbage. */
  collect: () => void;
  /** A snapshot is stored, or deleted. */
  stored: () => void;
}

export function operationKinds(parts: Parts, beside: Beside): OperationKind<object>[] {
  const { runner, gate, completions, fetchNotes, collect, stored } = beside;
  return [
    createDiskOperation(parts, collect),
    attachDiskOperation(parts),
    detachDiskOperation(parts),
    deleteDiskOperation(parts, runner, collect),
    resizeDiskOperation(parts),
    modifyDiskSpecOperation(parts),
    replaceSystemDiskOperation(parts, runner, collect),
    resetDiskOperation(parts, runner, collect),
    createSnapshotOperation(parts, gate, stored),
    copySnapshotOperation(parts, gate, stored),
    createSnapshotGroupOperation(parts, runner),
    deleteSnapshotOperation(parts, stored),
    runInstancesOperation(parts, collect),
    startInstanceOperation(parts),
    stopInstanceOperation(parts),
    rebootInstanceOperation(parts),
    deleteInstanceOperation(parts, runner, collect),
    createImageOperation(parts, runner),
    importDiskOperation(parts, completions, collect),
    importImageOperation(parts, runner, collect),
    exportOperation(parts),
    fetchBaseOperation(parts, fetchNotes, collect),
  ];
}
