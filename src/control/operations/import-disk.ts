/**
 * `hupo disk import` (no ECS action does this), after the request has written the row as `Creating`.
 *
 * diskd makes the folder and serves the disk; an importer connects and writes. When it says that it is done, the disk is
 * flushed and closed, and the row is `Available` and counts as used. An import without a client for a minute, or whose
 * server ends before it is done, is dropped: closed, folder gone, row gone. A folder that does not go is tried again for
 * ever: its name must not go first.
 */
import { findDisk, updateDisk } from '../../catalog/disks.ts';
import { OperationalError } from '../../lib/errors.ts';
import { attachedDiskOf, createDiskFolder, forgetDisk } from '../disk-folder.ts';
import type { OperationKind } from '../operation-kind.ts';
import type { Parts } from '../parts.ts';

export const IMPORT_DISK = 'import-disk';

const IDLE_LIMIT_MS = 60_000;
const LOOK_EVERY_MS = 2000;

export interface ImportDiskState {
  diskId: string;
}

/** The imports that are done as far as their importers are concerned: `completeImport` fires their signals. */
export class ImportCompletions {
  readonly #completions = new Map<string, AbortController>();

  signalOf(diskId: string): AbortSignal {
    const completion = this.#completions.get(diskId) ?? new AbortController();
    this.#completions.set(diskId, completion);
    return completion.signal;
  }

  complete(diskId: string): void {
    this.#completions.get(diskId)?.abort();
  }

  forget(diskId: string): void {
    this.#completions.delete(diskId);
  }
}

export function importDiskOperation(
  parts: Parts,
  completions: ImportCompletions,
  ended: () => void,
): OperationKind<ImportDiskState> {
  return {
    kind: IMPORT_DISK,
    ended,
    steps: [
      {
        name: 'create',
        endsWithServer: true,
        run: async (state) => createDiskFolder(parts, await rowOf(parts, state)),
        undo: async ({ diskId }) => {
          await parts.dataPlane.call('deleteDisk', { diskId });
        },
      },
      {
        name: 'open',
        endsWithServer: true,
        run: async (state) => {
          await parts.openDisks.open(attachedDiskOf(await rowOf(parts, state)));
        },
        undo: async (state) => parts.driver.undoStart([attachedDiskOf(await rowOf(parts, state))]),
      },
      {
        name: 'receive',
        endsWithServer: true,
        run: ({ diskId }, { signal }) => receive(parts, diskId, { signal, completed: completions.signalOf(diskId) }),
      },
      {
        name: 'close',
        run: async ({ diskId }) => void (await parts.openDisks.close(diskId)),
        record: async (transaction, { diskId }) => {
          completions.forget(diskId);
          await updateDisk(transaction, diskId, { status: 'Available', ever_attached: 1 });
        },
      },
    ],
    abandon: async (transaction, { state }) => {
      completions.forget(state.diskId);
      await forgetDisk(transaction, state.diskId);
    },
  };
}

/** Resolves when the import is completed; throws when nobody was connected for a minute. */
async function receive(
  parts: Parts,
  diskId: string,
  signals: { signal: AbortSignal; completed: AbortSignal },
): Promise<void> {
  const either = AbortSignal.any([signals.signal, signals.completed]);
  let seenMs = parts.clock.monotonicMs();
  while (!signals.completed.aborted) {
    await parts.clock.sleep(LOOK_EVERY_MS, either).catch(() => undefined);
    signals.signal.throwIfAborted();
    if (signals.completed.aborted) return;
    const { disk } = await parts.dataPlane.call('describeDisk', { diskId });
    const nowMs = parts.clock.monotonicMs();
    if (disk.clientCount > 0) seenMs = nowMs;
    if (nowMs - seenMs >= IDLE_LIMIT_MS) {
      throw new OperationalError(`no importer was connected to ${diskId} for ${IDLE_LIMIT_MS / 1000} s`, {
        retryable: false,
      });
    }
  }
}

async function rowOf(parts: Parts, { diskId }: ImportDiskState) {
  const row = await findDisk(parts.catalog.queries, diskId);
  if (row === undefined) throw new OperationalError(`${diskId} is not in the catalog`, { retryable: false });
  return row;
}
