/**
 * Copies of the catalog in the repository (R2): soon after a snapshot is there, and every hour in which anything changed. A copy is
 * a session like an upload. With each the repository is taken anew, so a catalog that is restored from an older one is found
 * out (`ownership.ts`).
 */
import fs from 'node:fs';
import path from 'node:path';
import { findSetting, putSetting } from '../catalog/settings.ts';
import { CorruptionError, messageOf } from '../lib/errors.ts';
import { putCopy, removeDamagedCopies, storeFile } from '../repository/catalog-copy.ts';
import type { Repository } from '../repository/repository.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { emptyTree } from '../repository/tree-ref.ts';
import { openRepositoryWriter } from '../repository/writer.ts';
import type { RepositoryWriter, WriterSession } from '../repository/writer.ts';
import { raiseGarbageMark } from './garbage.ts';
import { take } from './ownership.ts';
import type { Parts } from './parts.ts';
import { CATALOG_COPY, inSession } from './repository-book.ts';

/** What comes together is copied together. */
const GATHER_MS = 5000;
const HOUR_MS = 3_600_000;
const KEPT = 5;

export class CatalogCopies {
  readonly #parts: Omit<Parts, 'repository' | 'lockClock'> & { repository: Repository };
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #wake: () => void = () => undefined;
  #isWoken = false;
  #number = 0;
  /** When this server made the last one; null: none yet. */
  lastCopyAtMs: number | null = null;

  constructor(parts: Omit<Parts, 'repository' | 'lockClock'> & { repository: Repository }) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** There is something that must not be lost. */
  wake(): void {
    this.#isWoken = true;
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#parts;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#awaitWork();
      if (signal.aborted) return;
      await clock.sleep(GATHER_MS, signal).catch(() => undefined);
      this.#isWoken = false;
      if (signal.aborted) return;
      try {
        await this.copy();
      } catch (error) {
        log.warn(`the catalog could not be copied into the repository: ${messageOf(error)}`);
      }
    }
  }

  async #awaitWork(): Promise<void> {
    if (this.#isWoken) return;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await this.#parts.clock
      .sleep(HOUR_MS, AbortSignal.any([woken.signal, this.#stopping.signal]))
      .catch(() => undefined);
    this.#wake = () => undefined;
  }

  /** Resolves when a copy of all that is committed now is in the repository. */
  async copy(): Promise<void> {
    const { catalog, repository, repositoryPlace } = this.#parts;
    await repository.assertOwned();
    const file = path.join(repositoryPlace.cacheFolder, 'catalog-copy.db');
    fs.rmSync(file, { force: true });
    try {
      await catalog.copyTo(file);
      await this.#store(file);
    } finally {
      fs.rmSync(file, { force: true });
    }
  }

  async #store(file: string): Promise<void> {
    const { catalog, repository, clock, random } = this.#parts;
    const { tree, sizeBytes } = await inSession(this.#parts, async (session, end) => {
      const written = await this.#write(file, session);
      await catalog.transaction(async (transaction) => {
        await end(transaction);
        await putSetting(transaction, CATALOG_COPY, JSON.stringify(written.tree));
        await raiseGarbageMark(transaction); // what only the oldest copy holds
      });
      return written;
    });
    const { catalogId, ownerEpoch } = await repository.changeOwner((store) => take({ catalog, store, clock, random }));
    const copy = { catalogId, ownerEpoch, number: ++this.#number, takenAtMs: clock.nowMs(), sizeBytes, tree };
    await putCopy(repository.store, copy, KEPT);
    this.lastCopyAtMs = clock.nowMs();
  }

  async #write(file: string, session: WriterSession): Promise<{ tree: TreeRef; sizeBytes: number }> {
    const { repositoryPlace, random } = this.#parts;
    const writer = await openRepositoryWriter(repositoryPlace, session, random);
    try {
      const stored = await this.#storeOver(await this.#findLast(), file, writer);
      await writer.packs.finish();
      return stored;
    } finally {
      writer.close();
    }
  }

  /** Where the latest copy is damaged, the next is whole: nothing may depend on it for ever. */
  async #storeOver(parent: TreeRef, file: string, writer: RepositoryWriter) {
    try {
      return await storeFile(file, parent, writer);
    } catch (error) {
      if (!(error instanceof CorruptionError)) throw error;
      this.#parts.log.warn(`the latest copy of the catalog is damaged, another is made: ${messageOf(error)}`);
      const stored = await storeFile(file, emptyTree, writer);
      await removeDamagedCopies(this.#parts.repository.store, writer.pages);
      return stored;
    }
  }

  async #findLast(): Promise<TreeRef> {
    const text = await findSetting(this.#parts.catalog.queries, CATALOG_COPY);
    return text === undefined ? emptyTree : (JSON.parse(text) as TreeRef);
  }
}
