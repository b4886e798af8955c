/**
 * Shut for a moment while several disks are frozen at one instant: of the disk's clients nothing is begun and nothing is
 * answered meanwhile. So nobody can have learned of a write that came after the freeze of one disk before all are frozen,
 * and nothing that follows from it is in the view of another.
 */
export class Gate {
  readonly #waiting = new Set<() => void>();
  #isShut = false;

  get isShut(): boolean {
    return this.#isShut;
  }

  shut(): void {
    this.#isShut = true;
  }

  open(): void {
    this.#isShut = false;
    for (const goOn of [...this.#waiting]) goOn();
  }

  /** `goOn` is called whenever it opens, until `leave`. */
  join(goOn: () => void): { leave: () => void } {
    this.#waiting.add(goOn);
    return { leave: () => void this.#waiting.delete(goOn) };
  }
}
