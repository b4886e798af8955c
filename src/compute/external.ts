/**
 * Instances of type `ecs.external.*`: machines that the user runs. Running means that their disks are served over NBD,
 * each on a socket of its own; stopping ends the clients after a flush.
 */
import type { AttachedDisk, InstanceDriver, RunningInstance } from '../control/parts.ts';
import type { OpenDisks } from '../control/open-disks.ts';
import { isRetryable, messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';

export class ExternalDriver implements InstanceDriver {
  readonly #openDisks: OpenDisks;
  readonly #log: Log;

  constructor(openDisks: OpenDisks, log: Log) {
    this.#openDisks = openDisks;
    this.#log = log;
  }

  async start(instance: RunningInstance): Promise<void> {
    for (const disk of instance.disks) await this.#openDisks.open(disk);
  }

  async stop(instance: RunningInstance): Promise<void> {
    for (const disk of instance.disks) await this.#close(disk, `${instance.instanceId} was stopped`);
  }

  async attach(disk: AttachedDisk): Promise<void> {
    await this.#openDisks.open(disk);
  }

  async detach(disk: AttachedDisk): Promise<void> {
    await this.#close(disk, `${disk.diskId} was detached`);
  }

  /** A machine whose disk goes away while it is connected was not told: that is worth a line. */
  async #close({ diskId }: AttachedDisk, what: string): Promise<void> {
    const clientCount = await this.#openDisks.close(diskId);
    if (clientCount === 0) return;
    const connections = clientCount === 1 ? '1 connection was' : `${clientCount} connections were`;
    this.#log.info(`${what} while ${connections} open to ${diskId}; what was written is flushed`);
  }

  async undoStart(disks: AttachedDisk[]): Promise<void> {
    for (const { diskId } of disks) await this.#tryIt(`${diskId} may stay open`, () => this.#openDisks.close(diskId));
  }

  async undoStop(disks: AttachedDisk[]): Promise<void> {
    for (const disk of disks) {
      const consequence = `${disk.diskId} stays closed; when it is mended, stop and start its instance`;
      await this.#tryIt(consequence, () => this.#openDisks.open(disk));
    }
  }

  /** An undoing that can only fail would never end, and nothing could be done with the instance any more. */
  async #tryIt(consequence: string, act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (isRetryable(error)) throw error;
      this.#log.warn(`${consequence}: ${messageOf(error)}`);
    }
  }
}
