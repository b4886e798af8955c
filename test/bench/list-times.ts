/**
 * `npm run bench:lists -- FILE [WORD…]`: makes a large catalog in FILE, or takes the one that is there, and prints how
 * long the first page of each question takes, the one that its NextToken gives, and the last page by number, with how many rows
 * match. Milliseconds, the better of two. With words, only lines with one of them.
 */
import fs from 'node:fs';
import { Catalog } from '../../src/catalog/catalog.ts';
import type { Page } from '../../src/ecs/resources.ts';
import { writeLargeCatalog } from './large-catalog.ts';
import { lists } from './list-questions.ts';

const PAGE = { pageNumber: 1, pageSize: 10, nextToken: null };

const [file, ...words] = process.argv.slice(2);
if (file === undefined) throw new Error('name the file of the catalog');
if (!fs.existsSync(file)) await writeLargeCatalog(file);
const catalog = await Catalog.open(file, `${file} is in use`);
for (const { name, questions, ask } of lists) {
  for (const filter of Object.values(questions).flat()) {
    const what = `${name} ${JSON.stringify(filter)}`;
    if (words.length > 0 && !words.some((word) => what.includes(word))) continue;
    const pageOf = (paging: object) => ask(catalog.queries, filter as never, { ...PAGE, ...paging });
    const first = await timed(() => pageOf({}));
    const { totalCount, nextToken } = first.page;
    const next = nextToken === null ? null : await timed(() => pageOf({ nextToken }));
    const last = await timed(() => pageOf({ pageNumber: Math.max(1, Math.ceil(totalCount / PAGE.pageSize)) }));
    const times = [first, next, last].map((each) => each?.ms.toFixed(1).padStart(8) ?? '       –');
    console.log(`${times.join('')} ${String(totalCount).padStart(8)}  ${what}`);
  }
}
await catalog.close();

async function timed(ask: () => Promise<Page<unknown>>): Promise<{ ms: number; page: Page<unknown> }> {
  let ms = Infinity;
  for (;;) {
    const start = performance.now();
    const page = await ask();
    const taken = performance.now() - start;
    if (ms < Infinity || taken > 1000) return { ms: Math.min(ms, taken), page };
    ms = taken;
  }
}
