/** A copy of the catalog that cannot be stored leaves the server the owner of its repository. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { Catalog } from '../catalog/catalog.ts';
import { systemClock } from '../lib/clock.ts';
import { OperationalError } from '../lib/errors.ts';
import { systemRandom } from '../lib/random.ts';
import { listCopyNames, readCopy } from '../repository/catalog-copy.ts';
import { openRepository } from '../repository/repository.ts';
import { repositoryIn } from '../repository/stores.ts';
import { CatalogCopies } from './catalog-copies.ts';
import { findStanding, takeOwn } from './ownership.ts';
import type { Parts } from './parts.ts';
import { RepositoryBook } from './repository-book.ts';

test('a device that is full while a copy is named, or while the owner is taken, is forgotten when it has room again', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-copies-'));
  const repositoryPlace = repositoryIn(folder);
  const catalog = await Catalog.open(path.join(folder, 'catalog.db'), 'held');
  const repository = await openRepository(repositoryPlace, systemRandom);
  try {
    const facts = { catalog, clock: systemClock, random: systemRandom };
    await repository.changeOwner((store) => takeOwn({ ...facts, store }, (command) => command));
    const log = { info: () => undefined, warn: () => undefined };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what copies need of them
    const parts = { ...facts, repository, repositoryPlace, log } as unknown as Parts & {
      repository: typeof repository;
    };
    const copies = new CatalogCopies(parts);
    await copies.copy();
    const { store } = repository;
    const put = store.put.bind(store);
    for (const [prefix, isDone] of [
      ['catalogs/', false],
      ['owners/', false],
      ['owners/', true],
    ] as const) {
      store.put = async (name, bytes) => {
        if (!name.startsWith(prefix)) return put(name, bytes);
        if (isDone) await put(name, bytes);
        throw new OperationalError('cannot write: ENOSPC', { retryable: true });
      };
      await copies.copy().catch((error: unknown) => assert.match(String(error), /ENOSPC/));
      store.put = put;
      await repository.assertOwned();
      await repository.collect(new RepositoryBook(catalog, () => []));
      await copies.copy();
      assert.equal((await findStanding({ catalog, store })).is, 'ours');
    }
    const names = await listCopyNames(store);
    assert.ok(names.length >= 3);
    assert.equal((await readCopy(store, names.at(-1) ?? ''))?.name, names.at(-1));
  } finally {
    repository.close();
    await catalog.close();
    fs.rmSync(folder, { recursive: true });
  }
});
