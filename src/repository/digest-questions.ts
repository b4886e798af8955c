/** Asks the index of many digests at once: a question for each would cost four times as much. */
import type { StatementSync } from 'node:sqlite';
import { guardSqlite } from '../lib/sqlite-errors.ts';
import type { Digest } from './digest.ts';
import type { Location } from './pack.ts';
import { IS_BAD } from './pack-index.ts';
import type { PackIndex } from './pack-index.ts';

/** For each digest what `PackIndex.has` says. */
export class KnownDigests {
  readonly #index: PackIndex;
  readonly #ask;

  /** Of no use after `index` is closed. */
  constructor(index: PackIndex) {
    this.#index = index;
    // As many as a writer has in hand.
    this.#ask = prepareQuestion(index, 16, { columns: '', condition: `WHERE NOT isCondemned AND NOT ${IS_BAD}` });
  }

  hasEach(digests: readonly Digest[]): boolean[] {
    if (digests.length === 1) return digests.map((digest) => this.#index.has(digest));
    const known = digests.map(() => false);
    for (const { ordinal } of this.#ask(digests)) known[ordinal] = true;
    return known;
  }
}

/** For each digest the first place that `PackIndex.locate` names, or undefined. */
export class BatchLookup {
  readonly #ask;

  /** Of no use after `index` is closed. */
  constructor(index: PackIndex) {
    // As many as a leaf page has.
    this.#ask = prepareQuestion<Location>(index, 128, {
      columns: ', lower(hex(packs.id)) AS packId, groupOffset, storedLength, plainLength, codec, position, length',
      condition: `ORDER BY ordinal, ${IS_BAD}, isEndDamaged, isCondemned, pack`,
    });
  }

  locate(digests: readonly Digest[]): (Location | undefined)[] {
    const found: (Location | undefined)[] = digests.map(() => undefined);
    for (const { ordinal, ...location } of this.#ask(digests)) found[ordinal] ??= location;
    return found;
  }
}

/** Rows with which of the digests they are of; `digestCount` digests are asked for at once. */
function prepareQuestion<Row>(
  index: PackIndex,
  digestCount: number,
  { columns, condition }: { columns: string; condition: string },
): (digests: readonly Digest[]) => Generator<Row & { ordinal: number }> {
  const wanted = Array.from({ length: digestCount }, (_, ordinal) => `(${ordinal}, ?)`).join();
  const statement: StatementSync = index.database.prepare(
    `WITH wanted (ordinal, digest) AS (VALUES ${wanted})
     SELECT ordinal${columns} FROM wanted CROSS JOIN entries USING (digest) JOIN packs ON packs.number = entries.pack
     ${condition}`,
  );
  return function* ask(digests) {
    for (let start = 0; start < digests.length; start += digestCount) {
      // Nothing is stored under null: it fills up what is left of a question.
      const asked = Array.from({ length: digestCount }, (_, ordinal) => digests[start + ordinal] ?? null);
      const rows = guardSqlite('the repository', 'index.db', () => statement.all(...asked));
      for (const row of rows as unknown as (Row & { ordinal: number })[]) {
        row.ordinal += start;
        yield row;
      }
    }
  };
}
