/**
 * The part of CreateSnapshot that moves bytes: a worker uploads what differs from the parent, and the manifest of it is
 * committed. A crash before the commit leaves packs that nothing refers to; after it, committing again changes nothing.
 */
import { findSnapshot } from '../catalog/snapshots.ts';
import type { SnapshotRow } from '../catalog/schema.ts';
import type { FreezeReply } from '../disk/protocol.ts';
import { assert } from '../lib/assert.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { WriterSession } from '../repository/writer.ts';
import type { UploadJob, UploadResult } from '../transfer/job.ts';
import type { StepContext } from './operation-kind.ts';
import type { CreateSnapshotState } from './operations/create-snapshot.ts';
import type { ParentChoice } from './parent.ts';
import type { Parts } from './parts.ts';
import { createProgressRecorder } from './progress.ts';
import { inSession } from './repository-book.ts';

/**
 * Uploads in a session, and commits. The result is saved before the commit, as the session ends: from then on its tree is
 * needed, and the manifest, which holds its figures, is the same however often it is committed. A snapshot that failed or was
 * deleted meanwhile gets no manifest: it is stored for those that stand on it.
 */
export async function storeSnapshot(
  parts: Parts,
  state: CreateSnapshotState,
  context: StepContext<CreateSnapshotState>,
): Promise<void> {
  const { snapshotId, frozen, parent } = state;
  assert(frozen !== undefined && parent !== undefined, `${snapshotId} is stored before it has a parent`);
  context.signal.throwIfAborted();
  const { result, ownerEpoch = 0 } =
    state.result === undefined ? await uploadInSession(parts, state, { frozen, parent, context }) : state;
  assert(result !== undefined, `${snapshotId} is committed before it is stored`);
  const row = await findSnapshot(parts.catalog.queries, snapshotId);
  if (row?.status !== 'progressing') return;
  await parts.repository.commitManifest({
    ...manifestOf(row, { frozen, parent, result, ownerEpoch }),
    ...(state.group && { group: state.group }),
  });
}

async function uploadInSession(
  parts: Parts,
  state: CreateSnapshotState,
  { frozen, parent, context }: { frozen: FreezeReply; parent: ParentChoice; context: StepContext<CreateSnapshotState> },
): Promise<Pick<CreateSnapshotState, 'result' | 'ownerEpoch'>> {
  return await inSession(parts, async (session, end) => {
    const result = await upload(parts, state, { frozen, parent, session, signal: context.signal });
    const stored = { result, ownerEpoch: session.fence.ownerEpoch };
    await context.save(stored, end);
    return stored;
  });
}

async function upload(
  parts: Parts,
  { diskId, snapshotId }: CreateSnapshotState,
  options: { frozen: FreezeReply; parent: ParentChoice; session: WriterSession; signal: AbortSignal },
): Promise<UploadResult> {
  const { frozen, parent, session, signal } = options;
  const progress = createProgressRecorder(parts, snapshotId);
  const job: UploadJob = {
    repository: parts.repositoryPlace,
    session,
    diskdSocket: parts.diskdSocket,
    diskId,
    snapshotId,
    sizeBytes: frozen.sizeBytes,
    parent: parent.tree,
    sinceGeneration: parent.sinceGeneration,
  };
  const result = await parts.transfer.upload(job, {
    signal,
    onProgress: (done, total) => progress.report(done, total),
  });
  await progress.settled();
  const compared = frozen.compareReason === null ? '' : `, all compared because ${frozen.compareReason}`;
  parts.log.info(
    `${snapshotId}: ${result.changedChunkCount} chunks read, ${result.newChunkCount} new, ${result.storedBytes} bytes stored${compared}`,
  );
  return result;
}

function manifestOf(
  row: SnapshotRow,
  facts: { frozen: FreezeReply; parent: ParentChoice; result: UploadResult; ownerEpoch: number },
): Manifest {
  const { frozen, parent, result, ownerEpoch } = facts;
  const { tree, ...statistics } = result;
  return {
    snapshotId: row.snapshot_id,
    diskId: row.source_disk_id,
    diskType: row.source_disk_type,
    sizeBytes: frozen.sizeBytes,
    tree,
    generation: frozen.generation,
    incarnation: frozen.incarnation,
    createdAtMs: frozen.frozenAtMs,
    parentSnapshotId: parent.snapshotId,
    name: row.snapshot_name,
    description: row.description,
    statistics,
    ownerEpoch,
  };
}
