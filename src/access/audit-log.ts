/**
 * The audit log, `DIR/audit.db`: who changed what, from where, and what came of it. A file of its own, so that neither the catalog
 * nor its copies grow with it, and so that writing it waits for nobody's transaction.
 *
 * | died …                                        | is                              | and then                                         |
 * | --------------------------------------------- | ------------------------------- | ------------------------------------------------ |
 * | before the record of a change is durable      | nothing: the change is not begun | asked again                                     |
 * | after it, whatever became of the change       | a record without a result       | the next start writes `ResultUnknown` into it    |
 * | after the answer, within a quarter of a second | the same: results follow later  | the same                                         |
 *
 * So no change is without a record of who asked for it; the result is what may be missing. Refusals are written later, and only so
 * many: a flood of them is counted. When the file cannot be written, changes go on and the log says so: a full device must not
 * keep anybody from deleting.
 */
import fs from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { inTransaction } from '../lib/cache-database.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { AUDIT_SCHEMA, AuditTable } from './audit-table.ts';
import type { AuditEvent, AuditFilter, AuditOutcome, AuditRecord } from './audit-event.ts';
import { Throttle } from './throttle.ts';

const WRITE_BEHIND_MS = 250;
const SWEEP_EVERY_MS = 3_600_000;
const DAY_MS = 86_400_000;
const REFUSALS: { perSecond: number; burst: number } = { perSecond: 5, burst: 500 };

export interface AuditLogOptions {
  clock: Clock;
  log: Log;
  /** Days; 0: for ever. */
  keepDays: number;
}

type Write = (table: AuditTable) => void;

export class AuditLog {
  readonly #database: DatabaseSync;
  readonly #table: AuditTable;
  readonly #options: AuditLogOptions;
  readonly #refusals = new Throttle(REFUSALS);
  #pending: Write[] = [];
  #durable: PromiseWithResolvers<void> | undefined;
  #writing: Promise<void> | undefined;
  #sweptAtMs: number;
  #dropped = 0;
  #warnedAtMs = -Infinity;
  readonly #closing = new AbortController();

  private constructor(database: DatabaseSync, options: AuditLogOptions) {
    this.#database = database;
    this.#table = new AuditTable(database);
    this.#options = options;
    // The first sweep comes later: a clock that is wrong at the start has some time to be set right.
    this.#sweptAtMs = options.clock.monotonicMs();
  }

  /** `:memory:` for tests. A file that is damaged is put aside. */
  static open(file: string, options: AuditLogOptions): AuditLog {
    const log = new AuditLog(openDatabase(file, options), options);
    log.#table.endUnknown();
    return log;
  }

  /** Before a change is begun: resolves when the record of it is durable. One sync for all that ask at once. */
  begin(event: AuditEvent): Promise<void> {
    this.#pending.push((table) => table.insert(event, null));
    if (this.#durable === undefined) {
      this.#durable = Promise.withResolvers();
      setImmediate(() => this.#flush());
    }
    return this.#durable.promise;
  }

  /** What came of it. */
  end(eventId: string, outcome: AuditOutcome): void {
    this.#pending.push((table) => table.end(eventId, outcome));
    this.#writeSoon();
  }

  /** What was refused before it began; of many in a short time only how many. */
  refuse(event: AuditEvent, outcome: AuditOutcome): void {
    if (this.#refusals.take('all', this.#options.clock.monotonicMs()) > 0) {
      this.#dropped++;
      return;
    }
    const text = this.#dropped === 0 ? '' : ` (${this.#dropped} refusals before this one are not in the log)`;
    this.#dropped = 0;
    const told = { ...outcome, errorMessage: `${outcome.errorMessage ?? ''}${text}` };
    this.#pending.push((table) => table.insert(event, told));
    this.#writeSoon();
  }

  /** The latest first, unless `oldestFirst`. */
  lookup(filter: AuditFilter): { events: AuditRecord[]; nextToken: string | null } {
    this.#flush();
    return this.#table.select(filter);
  }

  /** Writes what is not written yet. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#writing;
    this.#flush();
    this.#database.close();
  }

  #writeSoon(): void {
    this.#writing ??= this.#writeLater();
  }

  async #writeLater(): Promise<void> {
    await this.#options.clock.sleep(WRITE_BEHIND_MS, this.#closing.signal).catch(() => undefined);
    this.#writing = undefined;
    this.#flush();
  }

  #flush(): void {
    const writes = this.#pending;
    const durable = this.#durable;
    this.#pending = [];
    this.#durable = undefined;
    try {
      if (writes.length > 0) inTransaction(this.#database, () => writes.forEach((write) => write(this.#table)));
      this.#sweep();
    } catch (error) {
      this.#warn(`${writes.length} records of the audit log are lost: ${messageOf(error)}`);
    }
    durable?.resolve();
  }

  #sweep(): void {
    const { clock, keepDays } = this.#options;
    if (clock.monotonicMs() - this.#sweptAtMs < SWEEP_EVERY_MS) return;
    this.#sweptAtMs = clock.monotonicMs();
    this.#table.deleteOld(keepDays === 0 ? -Infinity : clock.nowMs() - keepDays * DAY_MS);
  }

  #warn(text: string): void {
    const { clock, log } = this.#options;
    if (clock.monotonicMs() - this.#warnedAtMs < 60_000) return;
    this.#warnedAtMs = clock.monotonicMs();
    log.warn(text);
  }
}

function openDatabase(file: string, { clock, log }: AuditLogOptions): DatabaseSync {
  try {
    return openFile(file);
  } catch (error) {
    if (!/malformed|not a database/.test(messageOf(error))) throw error;
    const aside = `${file}.damaged-${clock.nowMs()}`;
    for (const end of ['-wal', '-shm']) fs.rmSync(file + end, { force: true });
    fs.renameSync(file, aside);
    log.warn(`the audit log is damaged and was put aside as ${aside}: ${messageOf(error)}`);
    return openFile(file);
  }
}

function openFile(file: string): DatabaseSync {
  if (file !== ':memory:') fs.closeSync(fs.openSync(file, 'a', 0o600));
  const database = new DatabaseSync(file);
  try {
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; ${AUDIT_SCHEMA}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
