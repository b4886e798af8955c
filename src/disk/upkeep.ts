/** The work on open disks that nobody asks for: checkpoints when they are due, the sweep of layers, giving space back. */
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Disk } from './disk.ts';

/** How long the background work on one disk may hold up the others. */
const SWEEP_SLICE_MS = 0.7;

interface UpkeepOptions {
  clock: Clock;
  log: Log;
  /** Whether room is worth more than time just now. */
  isSpaceTight?: () => boolean;
}

export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #hosted: ReadonlyMap<string, { opening: Promise<Disk> | null }>;
  /** Whose slice the last one was. */
  #sweptTurn = 0;

  /** `hosted`: the disks of a thread, by id, as they come and go. */
  constructor(options: UpkeepOptions, hosted: ReadonlyMap<string, { opening: Promise<Disk> | null }>) {
    this.#options = options;
    this.#hosted = hosted;
  }

  async maintain(): Promise<void> {
    for (const [diskId, { opening }] of this.#hosted) {
      await this.#ifOpen(diskId, opening, async (disk) => {
        await disk.store.maintain();
        return true;
      });
    }
  }

  /** A slice of the background work on layers, for one disk after the other; resolves to whether any had work. */
  async sweep(): Promise<boolean> {
    const hosted = [...this.#hosted];
    for (let i = 1; i <= hosted.length; i++) {
      const turn = (this.#sweptTurn + i) % hosted.length;
      const [diskId, { opening }] = hosted[turn]!;
      if (!(await this.#ifOpen(diskId, opening, (disk) => this.#sweepDisk(disk)))) continue;
      this.#sweptTurn = turn;
      return true;
    }
    return false;
  }

  async #sweepDisk(disk: Disk): Promise<boolean> {
    const { sweep, store } = disk;
    if (store.distrust !== null) return false;
    if (!sweep.isDue) return await this.#giveSlackBack(disk);
    const { clock } = this.#options;
    const overMs = clock.monotonicMs() + SWEEP_SLICE_MS;
    sweep.slice(() => clock.monotonicMs() > overMs);
    return true;
  }

  async #giveSlackBack({ store, slackPace, device }: Disk): Promise<boolean> {
    const { clock, isSpaceTight = () => false } = this.#options;
    const runs = slackPace.runs(device.counters.writeCount, clock.monotonicMs(), isSpaceTight());
    return runs > 0 && (await store.slots.giveSlackBack(runs));
  }

  /** What fails is logged, and counts as nothing done. */
  async #ifOpen(
    diskId: string,
    opening: Promise<Disk> | null,
    work: (disk: Disk) => Promise<boolean>,
  ): Promise<boolean> {
    try {
      const disk = await opening;
      return disk !== null && !disk.store.isClosed && (await work(disk));
    } catch (error) {
      this.#options.log.warn(`${diskId}: ${messageOf(error)}`);
      return false;
    }
  }
}
