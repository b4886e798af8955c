/**
 * What one client has made the server hold: requests under way and replies that it has not taken. A client whose backlog
 * is full is not read from until it has room again, so its memory is bounded and nobody else waits for it.
 *
 * What is counted is at least half of the memory that is held, and the last request taken may exceed the limit: a client
 * costs at most 8 MiB, what one read of its socket brought (256 KiB), and one request, of 32 MiB or less.
 */
const LIMIT_BYTES = 4 * 1024 * 1024;

export class Backlog {
  #bytes = 0;
  readonly #onRoom: () => void;

  /** `onRoom` is called each time the backlog stops being full. */
  constructor(onRoom: () => void) {
    this.#onRoom = onRoom;
  }

  get isFull(): boolean {
    return this.#bytes >= LIMIT_BYTES;
  }

  add(byteCount: number): void {
    this.#bytes += byteCount;
  }

  remove(byteCount: number): void {
    const wasFull = this.isFull;
    this.#bytes -= byteCount;
    if (wasFull && !this.isFull) this.#onRoom();
  }
}
