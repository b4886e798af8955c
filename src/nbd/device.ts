/** What the NBD server needs of a disk. The engine (`disk/`) and test devices implement it. */

/** A range and what is known of it without reading it. Neither hole nor zero is always true enough. */
export interface Extent {
  lengthBytes: number;
  /** Takes no space of its own. */
  isHole: boolean;
  /** Reads as zeros. */
  isZero: boolean;
}

/** Requests of a batch that were answered, and how long they took together, in milliseconds with fractions. */
export interface Answered {
  readCount: number;
  writeCount: number;
  readMs: number;
  writeMs: number;
}

/** All offsets and lengths are bytes; the server has checked them against `sizeBytes`. */
export interface BlockDevice {
  readonly sizeBytes: number;
  readonly readOnly: boolean;
  /**
   * Fills `target` from `offset`. Returns undefined when done at once (page cache), else a promise. Throws or rejects
   * with an OperationalError or CorruptionError: EIO for the client.
   */
  read(offset: number, target: Buffer): Promise<void> | undefined;
  /**
   * Takes `data` for `offset`; a promise says that it is not done yet, but `data` is the caller's again all the same.
   * Each 4 KiB block is wholly old or wholly new whatever happens. The write may be answered only after `commit`.
   */
  write(offset: number, data: Buffer): Promise<void> | undefined;
  /** Frees whole chunks in the range; the rest of the range keeps its bytes. */
  trim(offset: number, lengthBytes: number): Promise<void> | undefined;
  /** The range reads as zeros afterwards. */
  writeZeroes(offset: number, lengthBytes: number): Promise<void> | undefined;
  /**
   * What lies from `offset` on: at most `limit` extents that cover at least the first byte and end at or before
   * `offset + lengthBytes`. Never waits: what only a read could tell is neither hole nor zero.
   */
  status(offset: number, lengthBytes: number, limit: number): Extent[];
  /** Makes the records of all changes so far survive the death of the process (one journal write for a whole batch). */
  commit(): void;
  /** Every write answered before the call survives a power cut when it resolves. */
  flush(): Promise<void>;
  /** Told of each batch of replies that holds any to reads or writes. */
  answered?(answered: Answered): void;
}
