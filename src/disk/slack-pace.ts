/**
 * How many holes may be punched into a disk's files at once. A hole holds up every write to its file for a millisecond and
 * more, and what is punched while guests write is often wanted again at once: so a busy disk gets few, except where the
 * space is needed.
 */
const LOOK_MS = 1000;
/** Writes from one look to the next that nobody would mind being held up. */
const FEW_WRITES = 100;
const QUIET_RUNS = 512;
const BUSY_RUNS = 8;

export class SlackPace {
  #lookedAtMs = -Infinity;
  #writeCount = 0;
  #isBusy = false;

  /** Runs of free slots for now; 0 when it is too soon. */
  runs(writeCount: number, nowMs: number, isSpaceTight: boolean): number {
    const isNewLook = nowMs - this.#lookedAtMs >= LOOK_MS;
    if (isNewLook) {
      this.#isBusy = writeCount - this.#writeCount > FEW_WRITES;
      this.#lookedAtMs = nowMs;
      this.#writeCount = writeCount;
    }
    if (isSpaceTight || !this.#isBusy) return QUIET_RUNS;
    return isNewLook ? BUSY_RUNS : 0;
  }
}
