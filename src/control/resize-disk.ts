/** ResizeDisk as a request: what is checked and written before anything is done. */
import { updateDisk } from '../catalog/disks.ts';
import type { DiskRow, Queries } from '../catalog/schema.ts';
import { findSizeRange } from '../ecs/disk-categories.ts';
import { refuseResizeDisk } from '../ecs/disk-rules.ts';
import { change } from './change.ts';
import { awaitEarlier, findEarlierResult, rememberResult } from './client-token.ts';
import { RESIZE_DISK } from './operations/resize-disk.ts';
import type { ResizeDiskState } from './operations/resize-disk.ts';
import { assertUnlocked } from './instance-locks.ts';
import type { Parts } from './parts.ts';
import type { ChangeOptions, ResizeDiskRequest } from './requests.ts';
import { assertIdle } from './idle-disk.ts';
import { assertAllowed, diskFacts, findInstanceOf, getDisk, listUnfinished } from './rows.ts';
import type { OperationRunner } from './runner.ts';
import { waitSoon } from './wait-soon.ts';

/** The new size is shown when it answers; diskd has it by then, or right after. */
export async function resizeDisk(
  parts: Parts,
  runner: OperationRunner,
  request: ResizeDiskRequest,
  options: ChangeOptions,
): Promise<void> {
  const { diskId, sizeGib } = request;
  const operation = await change(parts, options, async (transaction) => {
    if ((await findEarlierResult<object>(transaction, options.idempotency)) !== null) return null;
    const disk = await getDisk(transaction, diskId);
    await assertUnlocked(transaction, 'ResizeDisk', disk.instance_id);
    await assertResizeAllowed(transaction, disk, request);
    await updateDisk(transaction, diskId, { size_gib: sizeGib });
    const token = await rememberResult(transaction, options.idempotency, {}, parts.clock.nowMs());
    const state: ResizeDiskState = { diskId, sizeGib, sizeGibBefore: disk.size_gib, token };
    return await runner.record(transaction, RESIZE_DISK, diskId, state);
  });
  if (operation === null) await awaitEarlier(parts, runner, options.idempotency);
  else await waitSoon(parts.clock, runner.start(operation).done());
}

async function assertResizeAllowed(transaction: Queries, disk: DiskRow, request: ResizeDiskRequest): Promise<void> {
  const { disk_id: diskId, category, performance_level: level, type } = disk;
  const [unfinished = null] = await listUnfinished(transaction, [diskId]);
  const range = findSizeRange(category, level, type);
  assertAllowed(
    refuseResizeDisk({
      disk: diskFacts(disk),
      isSystemDisk: type === 'system',
      instance: await findInstanceOf(transaction, disk),
      unfinished,
      online: request.online,
      size: { presentGib: disk.size_gib, wantedGib: request.sizeGib, range },
    }),
  );
  await assertIdle(transaction, diskId, { releasing: 'DiskCreatingSnapshot', resizing: 'Operation.Conflict' });
}
