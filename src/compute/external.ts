/**
 * Instances of type `ecs.external.*`: machines that the user runs. Running means that their disks are served over NBD,
 * each on a socket of its own; stopping ends the clients after a flush.
 */
import type { AttachedDisk, InstanceDriver, RunningInstance } from '../control/parts.ts';
import type { OpenDisks } from '../control/open-disks.ts';

export class ExternalDriver implements InstanceDriver {
  readonly #openDisks: OpenDisks;

  constructor(openDisks: OpenDisks) {
    this.#openDisks = openDisks;
  }

  async start(instance: RunningInstance): Promise<void> {
    for (const disk of instance.disks) await this.#openDisks.open(disk);
  }

  async stop(instance: RunningInstance): Promise<void> {
    for (const disk of instance.disks) await this.#openDisks.close(disk.diskId);
  }

  async attach(disk: AttachedDisk): Promise<void> {
    await this.#openDisks.open(disk);
  }

  async detach(disk: AttachedDisk): Promise<void> {
    await this.#openDisks.close(disk.diskId);
  }
}
