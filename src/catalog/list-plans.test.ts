/** How SQLite runs what each filter of each list asks: by an index, where a table is large. Rows play no part in that. */
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import { Kysely } from 'kysely';
import { lists } from '../../test/bench/list-questions.ts';
import { migrate } from './migrations.ts';
import type { Queries, Schema } from './schema.ts';
import { createSqliteDialect } from './sqlite-dialect.ts';

/** Tables, and what statements call them. */
const LARGE = ['snapshots', 'disks', 'tags', 'tagged', 'other', 'one'];
/** Read from one end until the page is full. */
const ORDERED = [
  /^SCAN snapshots USING (COVERING )?INDEX snapshots_by_creation$/,
  /^SCAN disks USING (COVERING )?INDEX disks_by_creation$/,
  /^SCAN tags USING (COVERING )?INDEX sqlite_autoindex_tags_1$/,
];

interface Explained {
  database: DatabaseSync;
  queries: Queries;
  /** Of all statements since it was emptied. */
  steps: { step: string; statement: string }[];
}

async function openExplained(t: TestContext): Promise<Explained> {
  const database = new DatabaseSync(':memory:');
  const steps: Explained['steps'] = [];
  const prepare = database.prepare.bind(database);
  database.prepare = (text) => {
    if (/^select/i.test(text)) {
      const found = prepare(`EXPLAIN QUERY PLAN ${text}`).all() as { detail: string }[];
      steps.push(...found.map(({ detail }) => ({ step: detail, statement: text })));
    }
    return prepare(text);
  };
  const queries = new Kysely<Schema>({ dialect: createSqliteDialect(database) });
  t.after(() => queries.destroy());
  await migrate(queries);
  return { database, queries, steps };
}

/** As if there were many of everything that is asked for, so that nothing is looked for one by one. */
function pretendMany(database: DatabaseSync): void {
  const each = (column: string, values: readonly (string | number)[]) =>
    `(SELECT ${values.map((value) => JSON.stringify(value).replaceAll('"', "'")).join(` AS ${column} UNION ALL SELECT `)} AS ${column})`;
  const groups = each('rg', ['rg-bench0000000001', 'rg-default0000000000']);
  database.exec(`INSERT INTO snapshot_tally SELECT day, st, ca, ty, us, rg, 1000000
    FROM ${each('day', [-1, 20_200])}, ${each('st', ['progressing', 'accomplished', 'failed'])},
      ${each('ca', ['standard', 'archive'])}, ${each('ty', ['system', 'data'])},
      ${each('us', ['none', 'image', 'disk', 'image_disk'])}, ${groups}`);
  database.exec(`INSERT INTO disk_tally SELECT day, st, ca, ty, zo, rg, 1, 1, 1, 1, 0, 100000
    FROM ${each('day', [-1, 20_200])}, ${each('st', ['Available', 'In_use'])},
      ${each('ca', ['cloud_ssd', 'cloud_essd'])}, ${each('ty', ['system', 'data'])},
      ${each('zo', ['cn-hangzhou-a', 'cn-hangzhou-b'])}, ${groups}`);
  database.exec(`INSERT INTO tag_tally SELECT ty, ke, va, 1000000
    FROM ${each('ty', ['snapshot', 'disk', 'instance', 'image', 'snapshotgroup'])},
      ${each('ke', ['env', 'team', 'cluster', 'rare'])}, ${each('va', ['prod', 'team-7', 'k8s', 'yes'])}`);
}

for (const isLarge of [false, true]) {
  test(`each filter of each list is read by an index, ${isLarge ? 'where many rows match' : 'where few do'}`, async (t) => {
    const { database, queries, steps } = await openExplained(t);
    if (isLarge) pretendMany(database);
    let [asked, explained] = [0, 0];
    for (const { name, questions, ask } of lists) {
      for (const filter of Object.values(questions).flat()) {
        steps.length = 0;
        for (const pageNumber of [1, 500]) {
          await ask(queries, filter as never, { pageNumber, pageSize: 10, nextToken: null });
        }
        [asked, explained] = [asked + 1, explained + steps.length];
        const unindexed = steps.filter(({ step }) => scansLarge(step) && !ORDERED.some((whole) => whole.test(step)));
        assert.deepEqual(unindexed, [], `${name} ${JSON.stringify(filter)}`);
      }
    }
    assert.ok(asked > 150 && explained > asked, `${asked} questions, ${explained} steps`);
  });
}

function scansLarge(step: string): boolean {
  return LARGE.some((name) => step === `SCAN ${name}` || step.startsWith(`SCAN ${name} `));
}
