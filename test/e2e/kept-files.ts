/**
 * Files that a guest made, synced and removed while the disk below was frozen or its server killed: which of them must be
 * there at an instant, and with what in them. `fsync-writer.ts` is the guest.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { waitFor } from './server.ts';

const LARGEST_BYTES = 600_000;

/** An instant that lies between two readings of CLOCK_MONOTONIC, in nanoseconds. */
export interface Instant {
  earliest: bigint;
  latest: bigint;
}

interface FileEvents {
  madeIssued: bigint;
  madeDone: bigint;
  removedIssued: bigint;
  removedDone: bigint;
}

/** What `verify` needs to know of an instant. */
export interface FileRecord {
  instant: Instant;
  events: ReadonlyMap<number, FileEvents>;
}

const NEVER = 2n ** 63n;

/** The bytes of file `number`: 1 … 600 000 of them that do not compress. */
export function contentOf(number: number): Buffer {
  const seed = crypto.createHash('sha256').update(`file ${number}`).digest();
  const sizeBytes = 1 + Math.floor((seed.readUInt32LE(16) / 2 ** 32) ** 2 * LARGEST_BYTES);
  return crypto.createCipheriv('aes-128-ctr', seed.subarray(0, 16), Buffer.alloc(16)).update(Buffer.alloc(sizeBytes));
}

/** `fsync-writer.ts` on a folder of a mounted file system. */
export class KeptFiles {
  readonly #folder: string;
  #events = new Map<number, FileEvents>();
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  #next = 0;

  /** `folder` is relative to the mount point, which may change between two starts. */
  constructor(folder = 'kept') {
    this.#folder = folder;
  }

  get doneCount(): number {
    return [...this.#events.values()].filter(({ madeDone }) => madeDone !== NEVER).length;
  }

  /** Begins to write, after the files of an earlier start; keeps about `kept` files. */
  start(mount: string, kept = 60): void {
    const folder = path.join(mount, this.#folder);
    fs.mkdirSync(folder, { recursive: true });
    const script = path.join(import.meta.dirname, 'fsync-writer.ts');
    const child = spawn(process.execPath, [script, folder, String(this.#next), String(kept)], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('close', () => resolve()));
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#note(line);
    });
  }

  /** Until `count` more files are made and synced. */
  async more(count: number): Promise<void> {
    const goal = this.doneCount + count;
    await waitFor(`${count} more files`, 60_000, async () => (this.doneCount >= goal ? true : null));
  }

  /** Lets the guest end after the file under way; after the death of its disk it has ended by itself. */
  async stop(): Promise<void> {
    this.#child?.stdin?.end();
    await this.#ended;
    this.#child = null;
  }

  abandon(): void {
    this.#child?.kill('SIGKILL');
  }

  /** What happened, for an instant of now or a moment ago; what is heard of later is in it too. */
  recordOf(instant: Instant): FileRecord {
    return { instant, events: this.#events };
  }

  /**
   * The file system at `mount` is what it was at the record's instant: what happened later never did, and what was under
   * way then is settled by what is there. New files get new numbers all the same.
   */
  goBackTo({ instant, events }: FileRecord, mount: string): void {
    this.#events = new Map();
    for (const [number, { madeIssued, madeDone, removedDone }] of events) {
      const isRemoved = removedDone < instant.earliest;
      const isThere = fs.existsSync(path.join(mount, this.#folder, String(number)));
      if (madeDone > instant.earliest || isThere === isRemoved) continue;
      const removed = isRemoved ? 0n : NEVER;
      this.#events.set(number, { madeIssued, madeDone, removedIssued: removed, removedDone: removed });
    }
  }

  /**
   * Compares with the file system as it was at the record's instant: what was synced before it is whole there, what was
   * begun after it is not. Returns how many files were sure to be there.
   */
  verify(mount: string, { instant, events: all }: FileRecord): number {
    const folder = path.join(mount, this.#folder);
    const present = new Set(fs.existsSync(folder) ? fs.readdirSync(folder).map(Number) : []);
    let sureCount = 0;
    for (const [number, events] of all) {
      const { madeIssued, madeDone, removedIssued, removedDone } = events;
      const mustBe = madeDone < instant.earliest && removedIssued > instant.latest;
      const mustNotBe = madeIssued > instant.latest || removedDone < instant.earliest;
      if (mustNotBe) assert.ok(!present.has(number), `file ${number} is there`);
      if (!mustBe) continue;
      assert.ok(present.has(number), `file ${number}, synced before the instant, is missing`);
      const bytes = fs.readFileSync(path.join(folder, String(number)));
      assert.ok(bytes.equals(contentOf(number)), `file ${number}, synced before the instant, differs`);
      sureCount += 1;
    }
    return sureCount;
  }

  #note(line: string): void {
    const [what, number = '0', issued = '0', done = '0'] = line.split(' ');
    this.#next = Math.max(this.#next, Number(number) + 1);
    const events = this.#events.get(Number(number)) ?? {
      ...{ madeIssued: NEVER, madeDone: NEVER, removedIssued: NEVER, removedDone: NEVER },
    };
    this.#events.set(Number(number), events);
    const doneAt = done === '0' ? NEVER : BigInt(done);
    if (what === 'made') Object.assign(events, { madeIssued: BigInt(issued), madeDone: doneAt });
    else Object.assign(events, { removedIssued: BigInt(issued), removedDone: doneAt });
  }
}

/** Readings of the clock around something that happens at one instant. */
export async function instantOf<T>(act: () => Promise<T>): Promise<{ instant: Instant; result: T }> {
  const earliest = process.hrtime.bigint();
  const result = await act();
  return { instant: { earliest, latest: process.hrtime.bigint() }, result };
}
