/**
 * F2 for the local engine: random work on a recorded machine, a power cut at its moments, and in every state that may
 * be left the disk opens and holds its size, D1 (what was flushed is there, what was not is there or not, nothing else), D2 (a
 * durable view is intact), D5 (a later snapshot finds every change) and D10.
 */
import test from 'node:test';
import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { CHUNK_BYTES, DiskHarness, ZERO_BASE, baseByte, baseRef } from '../model/disk-harness.ts';
import type { BaseRef } from '../../src/disk/protocol.ts';
import type { RecordingFiles } from './recording-files.ts';
import { powerCuts, seededPick } from './recording-files.ts';

const CHUNKS = 4;
/** As large as a disk comes to be here; what it does not have counts as zeros. */
const MOST_CHUNKS = 6;
const SECTOR = 512;
const SECTORS_A_CHUNK = CHUNK_BYTES / SECTOR;
const SECTORS = MOST_CHUNKS * SECTORS_A_CHUNK;

/** What was asked and acknowledged, in order: the machine's marks. Sector values are written in whole sectors. */
type Mark =
  | { type: 'put'; first: number; count: number; value: number }
  | { type: 'flush'; number: number }
  | { type: 'flushed'; number: number }
  | { type: 'freeze'; snapshotId: string }
  | { type: 'frozen'; snapshotId: string; generation: number }
  | { type: 'durable'; snapshotId: string }
  | { type: 'release'; snapshotId: string }
  | { type: 'rollback'; base: number | null }
  | { type: 'rolled-back' }
  | { type: 'resize'; chunkCount: number }
  | { type: 'resized'; chunkCount: number };

const FIRST_STAMP = 1000;

function baseValue(base: number | null, sector: number): number {
  return base === null ? 0 : baseByte(base, Math.floor((sector * SECTOR) / CHUNK_BYTES));
}

function stamped(first: number, count: number, value: number): Buffer {
  const data = Buffer.alloc(count * SECTOR);
  for (let at = 0; at < data.length; at += 4) data.writeUInt32LE(value, at);
  assert.ok(first + count <= SECTORS);
  return data;
}

/** One value a sector: a stamp, or a base's byte, or zero; −1 for bytes that are none of them. */
function sectorValues(found: Buffer): number[] {
  const image = Buffer.concat([found, Buffer.alloc(MOST_CHUNKS * CHUNK_BYTES - found.length)]);
  return Array.from({ length: SECTORS }, (_, sector) => {
    const bytes = image.subarray(sector * SECTOR, (sector + 1) * SECTOR);
    const stamp = bytes.readUInt32LE(0);
    const value = stamp >= FIRST_STAMP && stamp < 1_000_000 ? stamp : bytes[0]!;
    const expected = stamp === value && value !== 0 ? stamped(0, 1, value) : Buffer.alloc(SECTOR, value);
    return bytes.equals(expected) ? value : -1;
  });
}

interface Snapshot {
  snapshotId: string;
  generation: number;
  values: number[];
  isDurable: boolean;
  isReleased: boolean;
  rollbackCount: number;
}

/** What the marks say the disk may hold. */
class Expectation {
  /** By sector: what may be read, oldest first; the first is sure to have been flushed. */
  allowed: Set<number>[];
  values: number[];
  readonly snapshots = new Map<string, Snapshot>();
  rollbackCount = 0;
  /** Acknowledged, and asked for. */
  chunkCount = CHUNKS;
  askedChunkCount = CHUNKS;
  /** A rollback was asked and not acknowledged: the base it may have come to. */
  pendingRollback: { base: number | null } | null = null;
  readonly #flushes = new Map<number, { values: number[]; rollbackCount: number; laterPuts: Set<number>[] }>();

  constructor(base: number | null, marks: readonly Mark[]) {
    this.values = Array.from({ length: SECTORS }, (_, sector) => baseValue(base, sector));
    this.allowed = this.values.map((value) => new Set([value]));
    for (const mark of marks) this.#apply(mark);
  }

  #apply(mark: Mark): void {
    switch (mark.type) {
      case 'put':
        for (let sector = mark.first; sector < mark.first + mark.count; sector++) {
          this.values[sector] = mark.value;
          this.allowed[sector]!.add(mark.value);
          for (const { laterPuts } of this.#flushes.values()) laterPuts[sector]!.add(mark.value);
        }
        return;
      case 'flush': {
        const laterPuts = this.values.map(() => new Set<number>());
        this.#flushes.set(mark.number, { values: [...this.values], rollbackCount: this.rollbackCount, laterPuts });
        return;
      }
      case 'flushed': {
        const flush = this.#flushes.get(mark.number)!;
        if (flush.rollbackCount !== this.rollbackCount) return;
        this.allowed = this.allowed.map((set, sector) => {
          const sure = new Set([flush.values[sector]!, ...flush.laterPuts[sector]!]);
          return new Set([...set].filter((value) => sure.has(value)));
        });
        return;
      }
      case 'freeze':
        this.snapshots.set(mark.snapshotId, {
          snapshotId: mark.snapshotId,
          generation: -1,
          values: [...this.values],
          isDurable: false,
          isReleased: false,
          rollbackCount: this.rollbackCount,
        });
        return;
      case 'frozen':
        this.snapshots.get(mark.snapshotId)!.generation = mark.generation;
        return;
      case 'durable':
        this.snapshots.get(mark.snapshotId)!.isDurable = true;
        return;
      case 'release':
        this.snapshots.get(mark.snapshotId)!.isReleased = true;
        return;
      case 'rollback':
        this.pendingRollback = { base: mark.base };
        return;
      case 'rolled-back':
        this.values = this.values.map((_, sector) => baseValue(this.pendingRollback!.base, sector));
        this.allowed = this.values.map((value) => new Set([value]));
        this.pendingRollback = null;
        this.rollbackCount++;
        return;
      case 'resize':
        this.askedChunkCount = mark.chunkCount;
        return;
      case 'resized':
        this.chunkCount = mark.chunkCount;
        this.askedChunkCount = mark.chunkCount;
        return;
    }
  }
}

function refOf(base: number | null): BaseRef {
  return base === null ? ZERO_BASE : baseRef(base);
}

/** Random work on a disk; flushes and durability are awaited in the background, as clients do. */
class Work {
  readonly real: DiskHarness;
  readonly #pick: (limit: number) => number;
  readonly #background: Promise<void>[] = [];
  #stamp = FIRST_STAMP;
  #flushCount = 0;
  #freezeCount = 0;
  #frozen: string | null = null;
  #durable: string | null = null;
  #incarnation = 1;
  #isResizing = false;
  #killed = Promise.withResolvers<void>();

  constructor(real: DiskHarness, pick: (limit: number) => number) {
    this.real = real;
    this.#pick = pick;
  }

  /** `choiceCount`: 21, or 20 to leave resizing out. */
  async run(stepCount: number, choiceCount: number): Promise<void> {
    for (let step = 0; step < stepCount; step++) await this.#step(this.#pick(choiceCount));
    await Promise.all(this.#background);
  }

  async #step(choice: number): Promise<void> {
    if (choice < 9) await this.#put();
    else if (choice < 12) this.#flush();
    else if (choice < 14) this.#freeze();
    else if (choice < 15) this.#release();
    else if (choice < 16) await this.#rollback();
    else if (choice < 17) await this.real.disk.store.checkpoint();
    else if (choice < 18) await this.#restart();
    else if (choice < 19) await this.real.disk.store.maintain();
    else if (choice < 20) await this.real.readAll();
    else await this.#resize();
    for (let turns = this.#pick(4); turns > 0; turns--) await setImmediate();
  }

  async #put(): Promise<void> {
    const isWhole = this.#pick(3) === 0;
    const sectors = this.real.disk.device.sizeBytes / SECTOR;
    const first = isWhole ? this.#pick(sectors / SECTORS_A_CHUNK) * SECTORS_A_CHUNK : this.#pick(sectors);
    const count = isWhole ? SECTORS_A_CHUNK : Math.min(1 + this.#pick(20), sectors - first);
    await this.#putAt(first, count);
  }

  async #putAt(first: number, count: number): Promise<void> {
    const value = this.#pick(4) === 0 ? 0 : this.#stamp++;
    this.real.machine.mark({ type: 'put', first, count, value } satisfies Mark);
    if (value === 0) await this.real.zero(first * SECTOR, count * SECTOR);
    else await this.real.write(first * SECTOR, stamped(first, count, value));
  }

  #flush(): void {
    const number = this.#flushCount++;
    this.real.machine.mark({ type: 'flush', number } satisfies Mark);
    const { process } = this.real;
    const done = this.real.disk.device.flush().then(() => {
      if (process === this.real.process) this.real.machine.mark({ type: 'flushed', number } satisfies Mark);
    });
    this.#inBackground(done);
  }

  #freeze(): void {
    if (this.#frozen !== null || this.#isResizing) return;
    const snapshotId = `s-${this.#freezeCount++}`;
    const { machine, disk } = this.real;
    machine.mark({ type: 'freeze', snapshotId } satisfies Mark);
    const { generation } = disk.freeze(snapshotId);
    machine.mark({ type: 'frozen', snapshotId, generation } satisfies Mark);
    this.#frozen = snapshotId;
    this.#inBackground(
      disk.awaitDurable(snapshotId).then(() => {
        machine.mark({ type: 'durable', snapshotId } satisfies Mark);
        this.#durable = snapshotId;
      }),
    );
  }

  /** A snapshot is committed only when its freeze is durable. */
  #release(): void {
    if (this.#frozen === null || this.#durable !== this.#frozen) return;
    this.real.machine.mark({ type: 'release', snapshotId: this.#frozen } satisfies Mark);
    this.real.disk.releaseView(this.#frozen, true);
    this.#frozen = null;
  }

  async #rollback(): Promise<void> {
    if (this.#frozen !== null) return;
    await Promise.all(this.#background);
    const base = this.#pick(2) === 0 ? null : this.#pick(5);
    this.real.machine.mark({ type: 'rollback', base } satisfies Mark);
    await this.real.disk.rollback(refOf(base), ++this.#incarnation);
    this.real.machine.mark({ type: 'rolled-back' } satisfies Mark);
  }

  /** One size after the other, with clients writing to the end of the disk meanwhile. */
  async #resize(): Promise<void> {
    const { machine, disk, process } = this.real;
    const chunkCount = disk.device.sizeBytes / CHUNK_BYTES + 1;
    if (this.#frozen !== null || this.#isResizing || chunkCount > MOST_CHUNKS) return;
    machine.mark({ type: 'resize', chunkCount } satisfies Mark);
    this.#isResizing = true;
    const done = disk.resize(chunkCount * CHUNK_BYTES).then(() => {
      if (process !== this.real.process) return;
      machine.mark({ type: 'resized', chunkCount } satisfies Mark);
      this.#isResizing = false;
    });
    this.#inBackground(done);
    for (let writes = this.#pick(6); writes > 0; writes--) {
      await setImmediate();
      await this.#putAt(disk.device.sizeBytes / SECTOR - SECTORS_A_CHUNK, SECTORS_A_CHUNK);
      this.#flush();
    }
  }

  /** An opened disk has its size for good. */
  async #restart(): Promise<void> {
    this.#killed.resolve();
    this.#killed = Promise.withResolvers<void>();
    await this.real.restart();
    this.#isResizing = false;
    const chunkCount = this.real.disk.device.sizeBytes / CHUNK_BYTES;
    this.real.machine.mark({ type: 'resized', chunkCount } satisfies Mark);
    if (this.#frozen === null || this.#durable === this.#frozen) return;
    const snapshotId = this.#frozen;
    await this.real.disk.awaitDurable(snapshotId);
    this.real.machine.mark({ type: 'durable', snapshotId } satisfies Mark);
    this.#durable = snapshotId;
  }

  /** What a killed process was doing never ends. */
  #inBackground(work: Promise<void>): void {
    this.#background.push(Promise.race([work, this.#killed.promise]));
  }
}

async function examine(files: RecordingFiles, base: number | null, marks: Mark[]): Promise<void> {
  const expected = new Expectation(base, marks);
  const real = new DiskHarness(files);
  real.bootId = 'boot-2';
  await real.open();
  files.mark('opened');
  real.check();
  checkSize(expected, real);
  const wasRolledBack = checkContent(expected, sectorValues(await real.readAll()), real);
  await checkViewAfterCut(expected, real, wasRolledBack);
  if (!wasRolledBack) await checkTracking(expected, real);
  await real.finish();
}

/** The size that was acknowledged, or the one that was being made. */
function checkSize(expected: Expectation, real: DiskHarness): void {
  const found = real.disk.device.sizeBytes / CHUNK_BYTES;
  const possible = [expected.chunkCount, expected.askedChunkCount];
  assert.ok(possible.includes(found), `the disk has ${found} chunks, may have ${possible.join(' or ')}`);
}

/** D1. Returns whether the disk shows a rollback that was not acknowledged yet. */
function checkContent(expected: Expectation, found: number[], real: DiskHarness): boolean {
  const { head } = real.disk.store.map;
  if (head.incarnation > expected.rollbackCount + 1) {
    const { pendingRollback } = expected;
    assert.ok(pendingRollback !== null, 'the disk was rolled back and nobody asked');
    found.forEach((value, sector) => assert.equal(value, baseValue(pendingRollback.base, sector), `sector ${sector}`));
    return true;
  }
  assert.equal(head.incarnation, expected.rollbackCount + 1, 'an acknowledged rollback is undone');
  found.forEach((value, sector) => {
    const allowed = expected.allowed[sector]!;
    assert.ok(allowed.has(value), `sector ${sector} reads ${value}, may be ${[...allowed].join(' or ')}`);
  });
  return false;
}

/** D2. */
async function checkViewAfterCut(expected: Expectation, real: DiskHarness, wasRolledBack: boolean): Promise<void> {
  const { view } = real.disk.store.map;
  for (const snapshot of expected.snapshots.values()) {
    const mustBeThere = snapshot.isDurable && !snapshot.isReleased && !wasRolledBack;
    if (mustBeThere) assert.equal(view?.snapshotId, snapshot.snapshotId, 'a durable view is gone');
  }
  if (view === null) return;
  const snapshot = expected.snapshots.get(view.snapshotId)!;
  assert.deepEqual(sectorValues(await real.readView(view.snapshotId)), snapshot.values, 'the view changed');
}

/** D5: a committed snapshot, and what the disk says changed since, make the disk. */
async function checkTracking(expected: Expectation, real: DiskHarness): Promise<void> {
  const committed = [...expected.snapshots.values()].findLast(
    (snapshot) => snapshot.isDurable && snapshot.isReleased && snapshot.rollbackCount === expected.rollbackCount,
  );
  if (committed === undefined) return;
  const { view } = real.disk.store.map;
  if (view !== null) real.disk.releaseView(view.snapshotId, false);
  real.disk.freeze('s-next');
  const request = { snapshotId: 's-next', sinceGeneration: committed.generation, fromChunk: 0, limit: MOST_CHUNKS };
  const changed = new Set(real.disk.listViewChunks(request).chunks.map(({ chunk }) => chunk));
  sectorValues(await real.readAll()).forEach((value, sector) => {
    const chunk = Math.floor(sector / SECTORS_A_CHUNK);
    if (!changed.has(chunk)) assert.equal(value, committed.values[sector], `sector ${sector} changed unseen`);
  });
}

/** Cuts the power at moments of a recording, and now and then again while the disk opens after that. */
async function examineCuts(
  machine: RecordingFiles,
  base: number | null,
  fromEvent: number,
  seed: number,
): Promise<number> {
  const pick = seededPick(seed + 1);
  let stateCount = 0;
  for (const cut of powerCuts(machine, { pick, statesPerMoment: 4, fromEvent, skip: 6 })) {
    const marks = cut.marks as Mark[];
    try {
      await examine(cut.files, base, marks);
      stateCount++;
      if (pick(8) === 0) {
        for (const again of powerCuts(cut.files, { pick, statesPerMoment: 3, skip: 4 })) {
          if (again.marks.length === 0) await examine(again.files, base, marks);
        }
      }
    } catch (error) {
      throw new Error(`seed ${seed}: ${cut.description}; last marks ${JSON.stringify(marks.slice(-8))}`, {
        cause: error,
      });
    }
  }
  return stateCount;
}

const seedCount = Number(process.env['HUPO_SEEDS'] ?? 4);

/**
 * Seeds that once found something, before disks could grow: a rename not yet durable when a killed process's successor
 * removed what it replaced.
 */
const foundBefore = [72, 452, 544, 583, 662];
/** Seeds that find a size which is used before it is durable. */
const growing = [27, 30];
const seeds = new Set([...foundBefore, ...growing, ...Array.from({ length: seedCount }, (_, index) => 11 + index)]);

for (const seed of seeds) {
  test(`every state that a power cut may leave opens, with all that was flushed (seed ${seed})`, async () => {
    const pick = seededPick(seed);
    const base = pick(2) === 0 ? null : pick(5);
    const real = await DiskHarness.create({
      chunkCount: CHUNKS,
      base: refOf(base),
      record: true,
      checkpointRecords: 12,
    });
    real.machine.syncGate = async () => {
      for (let turns = pick(4); turns > 0; turns--) await setImmediate();
    };
    const fromEvent = real.machine.eventCount;
    await new Work(real, pick).run(50, foundBefore.includes(seed) ? 20 : 21);
    real.check();
    real.process.kill();
    const stateCount = await examineCuts(real.machine, base, fromEvent, seed);
    assert.ok(stateCount > 30, `only ${stateCount} states were looked at`);
  });
}
