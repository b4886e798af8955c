/** Where many digests are stored, asked of the index at once: a question for each would cost four times as much. */
import type { StatementSync } from 'node:sqlite';
import { guardSqlite } from '../lib/sqlite-errors.ts';
import type { Digest } from './digest.ts';
import type { Location } from './pack.ts';
import type { PackIndex } from './pack-index.ts';

/** Digests of one question; a leaf page has as many. */
const BATCH_DIGESTS = 128;

interface Row extends Location {
  /** Which of the digests that were asked for. */
  ordinal: number;
}

export class BatchLookup {
  readonly #statement: StatementSync;

  /** Of no use after `index` is closed. */
  constructor(index: PackIndex) {
    const wanted = Array.from({ length: BATCH_DIGESTS }, (_, ordinal) => `(${ordinal}, ?)`).join();
    this.#statement = index.database.prepare(
      `WITH wanted (ordinal, digest) AS (VALUES ${wanted})
       SELECT ordinal, lower(hex(packs.id)) AS packId, groupOffset, storedLength, plainLength, codec, position, length
       FROM wanted CROSS JOIN entries USING (digest) JOIN packs ON packs.number = entries.pack
       ORDER BY ordinal,
         EXISTS (SELECT 1 FROM bad WHERE bad.digest = entries.digest AND bad.packId = packs.id), isCondemned, pack`,
    );
  }

  /** For each digest the first place that `PackIndex.locate` names, or undefined. */
  locate(digests: readonly Digest[]): (Location | undefined)[] {
    const found: (Location | undefined)[] = digests.map(() => undefined);
    for (let start = 0; start < digests.length; start += BATCH_DIGESTS) {
      for (const row of this.#ask(digests.slice(start, start + BATCH_DIGESTS))) found[start + row.ordinal] ??= row;
    }
    return found;
  }

  /** Nothing is stored under null: it fills up what is left of a question. */
  #ask(digests: readonly Digest[]): Row[] {
    const wanted = Array.from({ length: BATCH_DIGESTS }, (_, ordinal) => digests[ordinal] ?? null);
    return guardSqlite('the repository', 'index.db', () => this.#statement.all(...wanted)) as unknown as Row[];
  }
}
