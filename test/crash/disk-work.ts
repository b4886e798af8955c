/**
 * Random work on a disk, told to the machine as marks: writes, freezes, releases in any order, rollbacks, and the work in
 * the background between them. Flushes and durability are awaited in the background, as clients do.
 */
import { setImmediate } from 'node:timers/promises';
import { VIEW_LIMIT, isViewBase } from '../../src/disk/protocol.ts';
import type { DiskHarness } from '../model/disk-harness.ts';
import { CHUNK_BYTES, DISK_ID } from '../model/disk-harness.ts';
import type { Layout, Mark } from './disk-expectation.ts';
import { FIRST_STAMP, SECTOR, SECTORS_A_CHUNK, stamped, treeRef } from './disk-expectation.ts';

interface View {
  snapshotId: string;
  isDurable: boolean;
}

export class Work {
  readonly real: DiskHarness;
  readonly #layout: Layout;
  readonly #pick: (limit: number) => number;
  readonly #steps: (() => Promise<void> | void)[];
  readonly #background: Promise<void>[] = [];
  #views: View[] = [];
  #stamp = FIRST_STAMP;
  #flushCount = 0;
  #freezeCount = 0;
  #incarnation = 1;
  #isChanging = false;
  #isRebased = false;
  /** A slice of the base is being fetched: no other change of the head begins. */
  #isFetching = false;
  /** So many views at once: with few, more is merged. */
  readonly #viewLimit: number;
  #killed = Promise.withResolvers<void>();

  constructor(real: DiskHarness, layout: Layout, pick: (limit: number) => number) {
    this.real = real;
    this.#layout = layout;
    this.#pick = pick;
    this.#viewLimit = [1, 2, 4, VIEW_LIMIT][pick(4)]!;
    const weighted: [number, () => Promise<void> | void][] = [
      [14, () => this.#put()],
      [2, () => this.#putRun()],
      [1, () => this.#wipe()],
      [4, () => this.#flush()],
      [5, () => this.#freeze()],
      [5, () => this.#release()],
      [3, () => this.#cycle()],
      [2, () => this.#rollback()],
      [2, () => this.real.disk.store.checkpoint()],
      [2, () => this.#restart()],
      [2, () => this.real.disk.store.maintain()],
      [2, () => this.#readSpot()],
      [2, () => this.#list()],
      [5, () => this.#sweep(3)],
      [2, () => this.#sweep(Infinity)],
      [2, () => this.#giveSlackBack()],
      [1, () => this.#resize()],
      [1, () => this.#rebase()],
      [3, () => this.#fetch()],
    ];
    this.#steps = weighted.flatMap(([weight, step]) => Array.from({ length: weight }, () => step));
  }

  async run(stepCount: number): Promise<void> {
    for (let count = 0; count < stepCount; count++) {
      await this.#steps[this.#pick(this.#steps.length)]!();
      await this.#turns(this.#pick(4));
    }
    await Promise.all(this.#background);
  }

  async #turns(count: number): Promise<void> {
    for (let turns = count; turns > 0; turns--) await setImmediate();
  }

  #mark(mark: Mark): void {
    this.real.machine.mark(mark);
  }

  /** Spots that the disk has now. */
  #spotCount(): number {
    const chunkCount = this.real.disk.device.sizeBytes / CHUNK_BYTES;
    return this.#layout.spots.filter((chunk) => chunk < chunkCount).length;
  }

  async #put(): Promise<void> {
    const spotCount = this.#spotCount();
    const kind = this.#pick(4);
    if (kind === 0) return await this.#putAt(this.#pick(spotCount) * SECTORS_A_CHUNK, SECTORS_A_CHUNK);
    if (kind === 1) return await this.#putAt(this.#pick(spotCount * 16) * 8, 8);
    return await this.#putAt(this.#pick(spotCount * SECTORS_A_CHUNK), 1 + this.#pick(20));
  }

  /** A block of each of some neighbouring chunks: fresh slots, one after the other. */
  async #putRun(): Promise<void> {
    const spotCount = this.#spotCount();
    const first = this.#pick(spotCount);
    const block = this.#pick(16);
    const count = Math.min(spotCount - first, 1 + this.#pick(Math.max(8, spotCount)));
    for (let spot = first; spot < first + count; spot++) await this.#putAt(spot * SECTORS_A_CHUNK + block * 8, 8);
  }

  /** Up to `count` sectors that are neighbours on the disk, too. */
  async #putAt(first: number, count: number): Promise<void> {
    const { spots } = this.#layout;
    const end = this.#spotCount() * SECTORS_A_CHUNK;
    let spot = Math.floor(first / SECTORS_A_CHUNK);
    const offset = spots[spot]! * CHUNK_BYTES + (first % SECTORS_A_CHUNK) * SECTOR;
    while (spots[spot + 1] === spots[spot]! + 1) spot++;
    const held = Math.min(count, end - first, (spot + 1) * SECTORS_A_CHUNK - first);
    const value = this.#pick(4) === 0 ? 0 : this.#stamp++;
    this.#mark({ type: 'put', first, count: held, value });
    if (value === 0) await this.real.zero(offset, held * SECTOR);
    else await this.real.write(offset, stamped(held, value));
  }

  /** All that the disk holds, but the chunks that are never touched. */
  async #wipe(): Promise<void> {
    const { sizeBytes } = this.real.disk.device;
    const { first, count } = this.#layout.filled;
    const end = (first + count) * CHUNK_BYTES;
    if (this.#pick(2) === 0) return;
    this.#mark({ type: 'wipe' });
    const wipe = (from: number, to: number) =>
      this.#pick(2) === 0 ? this.real.trim(from, to - from) : this.real.zero(from, to - from);
    if (count === 0) return await wipe(0, sizeBytes);
    await wipe(0, first * CHUNK_BYTES);
    await wipe(end, sizeBytes);
  }

  #flush(): void {
    const number = this.#flushCount++;
    this.#mark({ type: 'flush', number });
    this.#inBackground(this.real.disk.device.flush(), () => this.#mark({ type: 'flushed', number }));
  }

  #freeze(): void {
    if (this.#views.length >= this.#viewLimit || this.#isChanging) return;
    const view = { snapshotId: `s-v${this.#freezeCount++}`, isDurable: false };
    const { snapshotId } = view;
    this.#mark({ type: 'freeze', snapshotId });
    const { generation } = this.real.disk.freeze(snapshotId);
    this.#mark({ type: 'frozen', snapshotId, generation });
    this.#views.push(view);
    this.#awaitDurable(view);
  }

  #awaitDurable(view: View): void {
    const released = new Error('released');
    const durable = this.real.disk.awaitDurable(view.snapshotId).catch((error: unknown) => {
      if (this.#views.includes(view)) throw error;
      return released;
    });
    this.#inBackground(durable, (end) => {
      if (end === released) return;
      this.#mark({ type: 'durable', snapshotId: view.snapshotId });
      view.isDurable = true;
    });
  }

  /** A snapshot as it goes: some blocks are written over it, its view ends, and what it held is merged. */
  async #cycle(): Promise<void> {
    this.#freeze();
    const view = this.#views.at(-1);
    if (this.#pick(2) === 0) await Promise.all(this.#background);
    for (let puts = 1 + this.#pick(3); puts > 0; puts--) {
      await this.#putAt(this.#pick(this.#spotCount() * 16) * 8, 8 + this.#pick(9));
    }
    if (this.#pick(2) === 0) await this.real.disk.device.flush();
    if (view !== undefined) this.#release(view);
    if (this.#pick(2) === 0) await this.real.disk.device.flush();
    this.#sweep(Infinity);
    if (this.#pick(2) === 0) await this.#putAt(this.#pick(this.#spotCount() * 16) * 8, 8);
  }

  /** A snapshot is committed only when its freeze is durable. */
  #release(view = this.#views[this.#pick(Math.max(1, this.#views.length))]): void {
    if (view === undefined) return;
    this.#views = this.#views.filter((other) => other !== view);
    this.#mark({ type: 'release', snapshotId: view.snapshotId });
    this.real.disk.releaseView(view.snapshotId, view.isDurable && this.#pick(3) > 0);
  }

  /** Closed to clients; what goes on in the background does so meanwhile. */
  async #rollback(): Promise<void> {
    if (this.#isChanging || this.#isFetching) return;
    if (this.#pick(2) === 0) await Promise.all(this.#background);
    const view = this.#pick(2) === 0 ? undefined : this.#views[this.#pick(Math.max(1, this.#views.length))];
    const base = this.#pick(2) === 0 ? null : this.#pick(5);
    const snapshotId = view?.snapshotId ?? null;
    this.#mark({ type: 'rollback', base, snapshotId });
    this.#isChanging = true;
    const target = snapshotId === null ? treeRef(base) : { snapshotId, viewOf: DISK_ID };
    const done = this.real.disk.rollback(target, ++this.#incarnation);
    for (let turns = this.#pick(8); turns > 0; turns--) {
      await setImmediate();
      await this.#besides(view);
    }
    await done;
    this.#isChanging = false;
    this.#mark({ type: 'rolled-back' });
  }

  async #besides(kept: View | undefined): Promise<void> {
    const choice = this.#pick(6);
    if (choice === 0) this.#sweep(3);
    else if (choice === 1) this.#sweep(Infinity);
    else if (choice === 2) await this.#list();
    else if (choice === 3 && kept === undefined) this.#release();
  }

  /** One size after the other, with clients writing to the end of the disk meanwhile. */
  async #resize(): Promise<void> {
    const { disk } = this.real;
    const { spots } = this.#layout;
    const chunkCount = disk.device.sizeBytes / CHUNK_BYTES + 1;
    if (this.#isChanging || this.#isFetching || chunkCount > spots.at(-1)! + 1) return;
    this.#mark({ type: 'resize', chunkCount });
    this.#isChanging = true;
    this.#inBackground(disk.resize(chunkCount * CHUNK_BYTES), () => {
      this.#mark({ type: 'resized', chunkCount });
      this.#isChanging = false;
    });
    for (let writes = this.#pick(6); writes > 0; writes--) {
      await setImmediate();
      await this.#putAt((this.#spotCount() - 1) * SECTORS_A_CHUNK, SECTORS_A_CHUNK);
      this.#flush();
    }
  }

  #rebase(): void {
    const { base, hasViewBase } = this.#layout;
    if (!hasViewBase || this.#isRebased || this.#isFetching) return;
    this.#inBackground(this.real.disk.rebase(`s-${base}`, treeRef(base).tree), () => {
      this.#isRebased = true;
      this.#mark({ type: 'rebased' });
    });
  }

  #fetch(): void {
    const { baseFetch, store } = this.real.disk;
    if (this.#isChanging || this.#isFetching || isViewBase(store.map.head.live.base)) return;
    this.#isFetching = true;
    const fetchOn = async (): Promise<boolean> =>
      (await baseFetch.slice(1 + this.#pick(6))).isOver && baseFetch.leave();
    this.#inBackground(fetchOn(), (hasLeft) => {
      this.#isFetching = false;
      if (hasLeft) this.#mark({ type: 'left' });
    });
  }

  async #readSpot(): Promise<void> {
    const spot = this.#layout.spots[this.#pick(this.#spotCount())]!;
    await this.real.read(spot * CHUNK_BYTES + this.#pick(16) * 4096, 4096);
    this.real.disk.device.commit();
  }

  /** Chunks of which a part is in the base are fetched. */
  async #list(): Promise<void> {
    const view = this.#views[this.#pick(Math.max(1, this.#views.length))];
    if (view !== undefined) await this.real.listView(view.snapshotId, -1);
  }

  #sweep(chunks: number): void {
    const { sweep } = this.real.disk;
    let count = 0;
    if (sweep.isDue) sweep.slice(() => ++count > chunks);
  }

  #giveSlackBack(): void {
    this.#inBackground(this.real.disk.store.slots.giveSlackBack(), () => {});
  }

  /** An opened disk has its size for good. */
  async #restart(): Promise<void> {
    this.#killed.resolve();
    this.#killed = Promise.withResolvers<void>();
    await this.real.restart();
    this.#isChanging = false;
    this.#isFetching = false;
    this.#mark({ type: 'resized', chunkCount: this.real.disk.device.sizeBytes / CHUNK_BYTES });
    for (const view of this.#views) if (!view.isDurable) this.#awaitDurable(view);
  }

  /** What a killed process was doing never ends. */
  #inBackground<T>(work: Promise<T>, noteDone: (result: T) => void): void {
    const { process } = this.real;
    const ended = work.then(
      (result) => {
        if (process === this.real.process) noteDone(result);
      },
      (error: unknown) => {
        if (process === this.real.process) throw error;
      },
    );
    this.#background.push(Promise.race([ended, this.#killed.promise]));
  }
}
