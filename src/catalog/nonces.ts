/**
 * Nonces seen lately, so that a signed request cannot be sent twice (`SignatureNonceUsed`). Answered from memory;
 * written behind in batches, so a killed server forgets at most the last quarter of a second of them.
 */
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { messageOf } from '../lib/errors.ts';
import type { Catalog } from './catalog.ts';

/** A timestamp is accepted up to 15 minutes from now, either way. */
export const NONCE_KEPT_MS = 40 * 60_000;
const WRITE_BEHIND_MS = 250;
const ROWS_A_STATEMENT = 200;

interface Nonce {
  access_key_id: string;
  nonce: string;
  seen_at_ms: number;
}

export class CatalogNonceLog {
  readonly #catalog: Catalog;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Key and nonce → when it was seen; in order of insertion, so the oldest are first. */
  readonly #seen = new Map<string, number>();
  #unwritten: Nonce[] = [];
  #writing: Promise<void> | undefined;

  private constructor(catalog: Catalog, clock: Clock, log: Log) {
    this.#catalog = catalog;
    this.#clock = clock;
    this.#log = log;
  }

  /** Reads what earlier servers have seen. */
  static async open(catalog: Catalog, clock: Clock, log: Log): Promise<CatalogNonceLog> {
    const nonces = new CatalogNonceLog(catalog, clock, log);
    await catalog.queries
      .deleteFrom('nonces')
      .where('seen_at_ms', '<', clock.nowMs() - NONCE_KEPT_MS)
      .execute();
    const rows = await catalog.queries.selectFrom('nonces').selectAll().orderBy('seen_at_ms').execute();
    for (const row of rows) nonces.#seen.set(keyOf(row.access_key_id, row.nonce), row.seen_at_ms);
    return nonces;
  }

  /** False when `nonce` was seen before with this key. */
  accept(accessKeyId: string, nonce: string, nowMs: number): boolean {
    const key = keyOf(accessKeyId, nonce);
    if (this.#seen.has(key)) return false;
    this.#forgetBefore(nowMs - NONCE_KEPT_MS);
    this.#seen.set(key, nowMs);
    this.#unwritten.push({ access_key_id: accessKeyId, nonce, seen_at_ms: nowMs });
    this.#writing ??= this.#writeLater();
    return true;
  }

  /** Writes what is not written yet. Call it before the catalog is closed. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#write();
  }

  #forgetBefore(limitMs: number): void {
    for (const [key, seenAtMs] of this.#seen) {
      if (seenAtMs >= limitMs) return;
      this.#seen.delete(key);
    }
  }

  async #writeLater(): Promise<void> {
    await this.#clock.sleep(WRITE_BEHIND_MS);
    this.#writing = undefined;
    try {
      await this.#write();
    } catch (error) {
      this.#log.warn(`nonces are kept in memory only for now: ${messageOf(error)}`);
    }
  }

  async #write(): Promise<void> {
    const rows = this.#unwritten;
    if (rows.length === 0) return;
    this.#unwritten = [];
    await this.#catalog.transaction(async (transaction) => {
      for (let start = 0; start < rows.length; start += ROWS_A_STATEMENT) {
        const batch = rows.slice(start, start + ROWS_A_STATEMENT);
        await transaction
          .insertInto('nonces')
          .values(batch)
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }
      await transaction
        .deleteFrom('nonces')
        .where('seen_at_ms', '<', this.#clock.nowMs() - NONCE_KEPT_MS)
        .execute();
    });
  }
}

function keyOf(accessKeyId: string, nonce: string): string {
  return `${accessKeyId}\n${nonce}`;
}
