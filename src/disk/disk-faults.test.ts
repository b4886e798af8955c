/**
 * Real disks misbehave (F6): one script of everything a disk does, and every single call to the file system in it fails in
 * turn, once or for a while. The guest gets the error, what was acknowledged is there, the map is true and the disk goes on:
 * by itself when the cause is gone, after a failed sync when it is opened again (D11).
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Fault, FileCall } from '../../test/crash/recording-files.ts';
import { systemError } from '../../test/crash/recording-files.ts';
import { CHUNK_BYTES, DISK_ID, DiskHarness, FOLDER, baseByte, baseRef } from '../../test/model/disk-harness.ts';
import { BLOCK_BYTES } from '../lib/geometry.ts';
import { repairDisk } from './repair.ts';

const CHUNKS = 520;
/** Those that the script touches, on three pages of the map. */
const TOUCHED = [0, 1, 2, 256, 257, 519];
const BASE = 2;

/** What every block of a chunk may hold: any byte of it is one of these. */
type Block = Set<number>;

/** The blocks of the touched chunks: what may be read now, and what may be after unsynced writes were dropped. */
class Expected {
  now: Block[];
  afterLoss: Block[];

  constructor(base: number | null) {
    this.now = TOUCHED.flatMap((chunk) =>
      Array.from({ length: 16 }, () => new Set([base === null ? 0 : baseByte(base, chunk)])),
    );
    this.afterLoss = copyOf(this.now);
  }

  asked(first: number, count: number, byte: number): void {
    for (let block = first; block < first + count; block++) {
      this.now[block]!.add(byte);
      this.afterLoss[block]!.add(byte);
    }
  }

  acknowledged(first: number, count: number, byte: number): void {
    for (let block = first; block < first + count; block++) this.now[block] = new Set([byte]);
  }
}

function copyOf(blocks: readonly Block[]): Block[] {
  return blocks.map((block) => new Set(block));
}

/** Where block `index` of the touched ones lies on the disk. */
function offsetOf(index: number): number {
  return TOUCHED[index >>> 4]! * CHUNK_BYTES + (index & 15) * BLOCK_BYTES;
}

interface View {
  blocks: Block[];
  isDurable: boolean;
}

/** The script, and what it may find. */
class Script {
  readonly real: DiskHarness;
  expected = new Expected(BASE);
  readonly views = new Map<string, View>();
  failures: unknown[] = [];
  #byte = 10;
  #incarnation = 1;

  constructor(real: DiskHarness) {
    this.real = real;
  }

  async run(): Promise<void> {
    await this.write(0, 16);
    await this.write(20, 3);
    await this.read();
    await this.flush();
    await this.freeze('s-1');
    await this.write(2, 1);
    await this.write(48, 16);
    await this.durable('s-1');
    await this.checkpoint();
    await this.write(0, 16);
    await this.freeze('s-2');
    await this.write(1, 2);
    await this.zero(64, 16);
    await this.write(50, 20);
    await this.durable('s-2');
    await this.release('s-1');
    await this.maintain();
    await this.sweep();
    await this.checkpoint();
    await this.release('s-2');
    await this.maintain();
    await this.sweep();
    await this.list('s-2');
    await this.freeze('s-3');
    await this.durable('s-3');
    await this.write(3, 2);
    await this.list('s-3');
    await this.reopen();
    await this.write(80, 16);
    await this.rollbackToView('s-3');
    await this.write(5, 1);
    await this.sweep();
    await this.release('s-3');
    await this.maintain();
    await this.sweep();
    await this.rollback();
    await this.write(6, 30);
    await this.maintain();
    await this.sweep();
    await this.read();
    await this.checkpoint();
    await this.reopen();
  }

  async write(first: number, count: number): Promise<void> {
    const byte = this.#byte++;
    this.expected.asked(first, count, byte);
    for (let block = first; block < first + count; block++) {
      const isDone = await this.#may(() => this.real.write(offsetOf(block), Buffer.alloc(BLOCK_BYTES, byte)));
      if (isDone) this.expected.acknowledged(block, 1, byte);
    }
  }

  async zero(first: number, count: number): Promise<void> {
    this.expected.asked(first, count, 0);
    const isDone = await this.#may(() => this.real.zero(offsetOf(first), count * BLOCK_BYTES));
    if (isDone) this.expected.acknowledged(first, count, 0);
  }

  async read(): Promise<void> {
    await this.#may(async () => this.checkNow());
  }

  async flush(): Promise<void> {
    const before = copyOf(this.expected.now);
    if (await this.#may(() => this.real.disk.device.flush())) this.expected.afterLoss = before;
  }

  async checkpoint(): Promise<void> {
    await this.#may(() => this.real.disk.store.checkpoint());
  }

  async maintain(): Promise<void> {
    await this.#may(() => this.real.disk.store.maintain());
  }

  async sweep(): Promise<void> {
    for (let slices = 0; this.real.disk.sweep.isDue && slices < 1000; slices++) {
      await this.#may(async () => this.real.disk.sweep.slice(() => true));
    }
    await this.#may(async () => void (await this.real.disk.store.slots.giveSlackBack()));
  }

  async freeze(snapshotId: string): Promise<void> {
    const blocks = copyOf(this.expected.now);
    const isDone = await this.#may(async () => void this.real.disk.freeze(snapshotId));
    if (isDone) this.views.set(snapshotId, { blocks, isDurable: false });
  }

  async durable(snapshotId: string): Promise<void> {
    const view = this.views.get(snapshotId);
    if (view === undefined) return;
    if (await this.#may(() => this.real.disk.awaitDurable(snapshotId))) view.isDurable = true;
  }

  async release(snapshotId: string): Promise<void> {
    this.views.delete(snapshotId);
    await this.#may(async () => this.real.disk.releaseView(snapshotId, true));
  }

  async list(snapshotId: string): Promise<void> {
    const view = this.views.get(snapshotId);
    if (view === undefined) return;
    await this.#may(async () => this.checkView(snapshotId, view.blocks));
  }

  async rollback(): Promise<void> {
    await this.#rollback(() => this.real.disk.rollback(baseRef(BASE + 1), this.#incarnation), BASE + 1);
  }

  async rollbackToView(snapshotId: string): Promise<void> {
    const view = this.views.get(snapshotId);
    if (view === undefined) return;
    const base = { snapshotId, viewOf: DISK_ID };
    await this.#rollback(() => this.real.disk.rollback(base, this.#incarnation), view.blocks);
  }

  /** Whether it happened is told by the incarnation that an opening finds. */
  async #rollback(work: () => Promise<void>, to: number | Block[]): Promise<void> {
    this.#incarnation++;
    await this.#may(work);
    if (this.real.disk.store.map.head.incarnation < this.#incarnation) {
      this.#incarnation--;
      return;
    }
    this.expected = new Expected(typeof to === 'number' ? to : null);
    if (typeof to === 'number') return;
    this.expected.now = copyOf(to);
    this.expected.afterLoss = copyOf(to);
  }

  async reopen(): Promise<void> {
    await this.#may(() => this.real.disk.close());
    await this.open();
  }

  async open(): Promise<void> {
    await this.real.disk.store.abandon();
    for (let tries = 0; !(await this.#may(() => this.real.open())); tries++) {
      assert.ok(tries < 60, `it does not open: ${String(this.failures.at(-1))}`);
    }
  }

  checkNow(): Promise<void> {
    return this.#check(this.expected.now, (offset, length) => this.real.read(offset, length));
  }

  async checkView(snapshotId: string, blocks: Block[]): Promise<void> {
    const image = await this.real.readView(snapshotId);
    await this.#check(blocks, async (offset, length) => image.subarray(offset, offset + length));
  }

  async #check(blocks: Block[], read: (offset: number, length: number) => Promise<Buffer>): Promise<void> {
    for (const [index, allowed] of blocks.entries()) {
      const found = new Set(await read(offsetOf(index), BLOCK_BYTES));
      assert.ok(found.isSubsetOf(allowed), `block ${index} reads ${[...found].join()}, may be ${[...allowed].join()}`);
    }
  }

  /** Whether the work succeeded, and is not dropped again: after a failed sync the disk is opened anew. */
  async #may(work: () => Promise<void>): Promise<boolean> {
    const { disk } = this.real;
    let isDone = true;
    try {
      await work();
    } catch (error) {
      if (error instanceof assert.AssertionError || (error as Error).name === 'AssertionError') throw error;
      this.failures.push(error);
      isDone = false;
    }
    if (disk.store.distrust === null || this.real.disk !== disk || disk.store.isClosed) return isDone;
    await this.#dropUnsynced();
    return false;
  }

  async #dropUnsynced(): Promise<void> {
    await assert.rejects(this.real.disk.device.flush(), /a sync failed/);
    await this.open();
    this.expected.now = copyOf(this.expected.afterLoss);
    for (const [snapshotId, view] of this.views) {
      const isThere = this.real.disk.hasView(snapshotId);
      assert.ok(isThere || !view.isDurable, `the durable view of ${snapshotId} is gone`);
      if (!isThere) this.views.delete(snapshotId);
    }
    if (this.real.disk.store.map.head.incarnation > this.#incarnation) {
      assert.fail('rolled back and nobody asked');
    }
  }
}

interface Plan {
  name: string;
  /** Which calls count. */
  matches: (call: FileCall) => boolean;
  error: (call: FileCall, nth: number) => Fault;
  /** So many calls fail one after the other. */
  span: number;
}

const isData = (call: FileCall): boolean => call.path.includes('.seg');
const isMap = (call: FileCall): boolean => call.path.endsWith('/map');
const isJournal = (call: FileCall): boolean => call.path.includes('journal-');
const isCheckpoint = (call: FileCall): boolean => call.path.includes('checkpoint');
const isSync = (call: FileCall): boolean => call.name === 'syncData' || call.name === 'syncFolder';
const isChange = (call: FileCall): boolean =>
  !['read', 'readLater', 'find', 'list'].includes(call.name) && !isSync(call);

function failing(code: string): (call: FileCall) => Fault {
  return (call) => ({ error: systemError(code, `${call.name} ${call.path}`) });
}

/** A part of the write lands, at no particular border. */
const short = (call: FileCall, nth: number): Fault => ({
  error: systemError(nth % 2 === 0 ? 'EIO' : 'ENOSPC', `${call.name} ${call.path}`),
  writtenBytes: Math.floor(((call.lengthBytes ?? 0) * (1 + (nth % 7))) / 8),
});

const plans: Plan[] = [
  ...[isData, isMap, isJournal, isCheckpoint].map((matches, i) => ({
    name: `a short write on ${['data', 'map', 'journal', 'checkpoint'][i]!}`,
    matches: (call: FileCall) => matches(call) && call.name === 'write',
    error: short,
    span: 1,
  })),
  { name: 'ENOSPC at a change', matches: isChange, error: failing('ENOSPC'), span: 1 },
  { name: 'ENOSPC for a while', matches: isChange, error: failing('ENOSPC'), span: 40 },
  { name: 'EROFS for a while', matches: isChange, error: failing('EROFS'), span: 40 },
  { name: 'EIO at a change', matches: isChange, error: failing('EIO'), span: 1 },
  { name: 'EIO at a read', matches: (call) => call.name === 'read', error: failing('EIO'), span: 1 },
  { name: 'EIO at a sync', matches: isSync, error: failing('EIO'), span: 1 },
  { name: 'ENOSPC at a sync', matches: isSync, error: failing('ENOSPC'), span: 1 },
  { name: 'EIO at syncs for a while', matches: isSync, error: failing('EIO'), span: 3 },
  { name: 'EIO for a while', matches: () => true, error: failing('EIO'), span: 30 },
];

/** Runs the script with the calls from the n-th on failing; returns whether there were so many. */
async function runFaulty(plan: Plan, nth: number): Promise<boolean> {
  const real = await DiskHarness.create({
    chunkCount: CHUNKS,
    base: baseRef(BASE),
    checkpointRecords: 25,
    pageLimit: 1,
  });
  const script = new Script(real);
  let count = 0;
  real.machine.fault = (call) => {
    if (!plan.matches(call) || call.path.endsWith('sync-failed')) return undefined;
    count++;
    return count >= nth && count < nth + plan.span ? plan.error(call, count) : undefined;
  };
  await script.run();
  real.machine.fault = undefined;
  if (real.disk.store.distrust !== null) await script.open();
  await script.write(40, 2);
  await script.flush();
  await script.checkNow();
  for (const [snapshotId, { blocks }] of script.views) await script.checkView(snapshotId, blocks);
  await settleSyncFailure(real);
  real.check();
  await real.restart();
  await script.checkNow();
  await real.disk.store.checkpoint();
  await real.finish();
  return count >= nth;
}

/** What was dropped after a failed sync is told until a repair. */
async function settleSyncFailure(real: DiskHarness): Promise<void> {
  if (real.disk.store.pastSyncFailure === null) return;
  await real.disk.close();
  assert.equal((await repairDisk(real.process, FOLDER, { bootId: real.bootId, snapshotGeneration: 0 })).length, 1);
  await real.open();
}

/** Every `step`-th call fails; HUPO_FAULT_STEP=1 takes every one. */
const step = Number(process.env['HUPO_FAULT_STEP'] ?? 60);

for (const [index, plan] of plans.entries()) {
  test(`${plan.name}: an error and nothing worse, whichever call it is`, async () => {
    let isMore = true;
    for (let nth = 1 + (index % step); isMore; nth += step) {
      try {
        isMore = await runFaulty(plan, nth);
      } catch (error) {
        throw new Error(`call ${nth}`, { cause: error });
      }
    }
  });
}
