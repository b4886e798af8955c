/** Which digests need not be stored, asked of the index at once: a question for each would cost four times as much. */
import type { StatementSync } from 'node:sqlite';
import { guardSqlite } from '../lib/sqlite-errors.ts';
import type { Digest } from './digest.ts';
import type { PackIndex } from './pack-index.ts';

/** Digests of one question. */
const BATCH_DIGESTS = 16;

export class KnownDigests {
  readonly #index: PackIndex;
  readonly #statement: StatementSync;

  /** Of no use after `index` is closed. */
  constructor(index: PackIndex) {
    this.#index = index;
    const wanted = Array.from({ length: BATCH_DIGESTS }, (_, ordinal) => `(${ordinal}, ?)`).join();
    this.#statement = index.database.prepare(
      `WITH wanted (ordinal, digest) AS (VALUES ${wanted})
       SELECT ordinal FROM wanted CROSS JOIN entries USING (digest) JOIN packs ON packs.number = entries.pack
       WHERE NOT isCondemned
         AND NOT EXISTS (SELECT 1 FROM bad WHERE bad.digest = entries.digest AND bad.packId = packs.id)`,
    );
  }

  /** For each digest what `PackIndex.has` says. */
  hasEach(digests: readonly Digest[]): boolean[] {
    if (digests.length === 1) return digests.map((digest) => this.#index.has(digest));
    const known = digests.map(() => false);
    for (let start = 0; start < digests.length; start += BATCH_DIGESTS) {
      for (const ordinal of this.#ask(digests.slice(start, start + BATCH_DIGESTS))) known[start + ordinal] = true;
    }
    return known;
  }

  /** Nothing is stored under null: it fills up what is left of a question. */
  #ask(digests: readonly Digest[]): number[] {
    const wanted = Array.from({ length: BATCH_DIGESTS }, (_, ordinal) => digests[ordinal] ?? null);
    const rows = guardSqlite('the repository', 'index.db', () => this.#statement.all(...wanted));
    return rows.map((row) => row['ordinal'] as number);
  }
}
