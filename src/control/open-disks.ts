/**
 * Which disks diskd serves to clients at the moment, and where. Remembered only: diskd is asked again at every start, and
 * a disk is opened, closed and reopened one after the other, never at once.
 */
import type { DiskState } from '../disk/protocol.ts';
import { findDiskPerformance } from '../ecs/disk-performance.ts';
import type { DiskKind, DiskPerformance } from '../ecs/disk-performance.ts';
import { formatNbdUri } from '../nbd/uri.ts';
import { Mutex } from '../lib/mutex.ts';
import { assert } from '../lib/assert.ts';
import { OperationalError, RequestError, isRetryable } from '../lib/errors.ts';
import type { AttachedDisk, DataPlane } from './parts.ts';

export class OpenDisks {
  readonly #dataPlane: DataPlane;
  readonly #isLimited: boolean;
  readonly #uris = new Map<string, string>();
  readonly #turns = new Map<string, Mutex>();

  /** With `isLimited` each disk does in a second what a disk of its kind does at ECS, and no more. */
  constructor(dataPlane: DataPlane, { isLimited = false }: { isLimited?: boolean } = {}) {
    this.#dataPlane = dataPlane;
    this.#isLimited = isLimited;
  }

  /** Serves the disk; its NBD URI. Open already: the same. */
  async open(disk: AttachedDisk): Promise<string> {
    return await this.#turn(disk.diskId).run(() => this.#open(disk));
  }

  /** Serves the disk if `wanted` still says so when its turn has come; null if not. */
  async openIf(diskId: string, wanted: () => Promise<AttachedDisk | null>): Promise<string | null> {
    return await this.#turn(diskId).run(async () => {
      const disk = await wanted();
      return disk === null ? null : await this.#open(disk);
    });
  }

  /**
   * Flushes, ends every client and closes the socket; how many clients there were. Not open: nothing. Throws an
   * OperationalError when what clients wrote could not be flushed: the socket is closed all the same, and closing again is
   * no failure.
   */
  async close(diskId: string): Promise<number> {
    return await this.#turn(diskId).run(async () => {
      const disk = await this.#closeDisk(diskId);
      this.#uris.delete(diskId);
      const failure = disk?.syncFailure ?? null;
      if (failure !== null) throw new OperationalError(`${diskId} was not flushed: ${failure}`, { retryable: false });
      return disk?.clientCount ?? 0;
    });
  }

  /** Gives an open disk that has grown its new limits. Not open, or not limited: nothing. */
  async renewLimits(disk: AttachedDisk): Promise<void> {
    if (!this.#isLimited) return;
    await this.openIf(disk.diskId, async () => (this.#uris.has(disk.diskId) ? disk : null));
  }

  /** What is shown of how the disk is served. */
  serviceOf({ diskId, kind }: AttachedDisk): { nbdUri: string | null; performance: DiskPerformance | null } {
    return { nbdUri: this.uriOf(diskId), performance: this.#limitsOf(kind) };
  }

  /** Where the disk is served, or null. */
  uriOf(diskId: string): string | null {
    return this.#uris.get(diskId) ?? null;
  }

  #limitsOf(kind: DiskKind): DiskPerformance | null {
    return this.#isLimited ? findDiskPerformance(kind) : null;
  }

  async #open({ diskId, incarnation, kind }: AttachedDisk): Promise<string> {
    const limits = this.#limitsOf(kind);
    const request = { diskId, incarnation, ...(limits !== null && { limits }) };
    const { disk } = await this.#dataPlane.call('openDisk', request).catch((error: unknown) => {
      if (!isRetryable(error)) this.#uris.delete(diskId);
      throw error;
    });
    assert(disk.socketPath !== null, `diskd opened ${diskId} without a socket`);
    const uri = formatNbdUri({ socketPath: disk.socketPath, exportName: diskId });
    this.#uris.set(diskId, uri);
    return uri;
  }

  /** Null for a disk that could not be open: it is damaged, or its folder is gone. */
  async #closeDisk(diskId: string): Promise<DiskState | null> {
    try {
      return (await this.#dataPlane.call('closeDisk', { diskId })).disk;
    } catch (error) {
      if (error instanceof RequestError && error.code === 'InvalidDiskId.NotFound') return null;
      throw error;
    }
  }

  #turn(diskId: string): Mutex {
    const turn = this.#turns.get(diskId) ?? new Mutex();
    this.#turns.set(diskId, turn);
    return turn;
  }
}
