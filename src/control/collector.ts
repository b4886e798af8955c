/**
 * Returns the bytes that nothing needs any more, soon after they became garbage and alone: uploads wait (C7). Its roots are
 * read when it is alone, so whatever an operation has written down by then is kept (C6). A crash leaves the mark in the
 * catalog, and the next server collects.
 */
import { listAllDisks } from '../catalog/disks.ts';
import { listImageBases } from '../catalog/images.ts';
import { listAccomplishedSnapshots } from '../catalog/snapshots.ts';
import { formatBytes } from '../lib/byte-units.ts';
import { messageOf } from '../lib/errors.ts';
import type { TreeRef } from '../repository/tree-ref.ts';
import { baseOf, treesOfBase } from './disk-folder.ts';
import { findGarbageMark, lowerGarbageMark } from './garbage.ts';
import type { Parts } from './parts.ts';
import type { UploadGate } from './upload-gate.ts';

/** Deletions that come together are collected together. */
const GATHER_MS = 500;
const RETRY_MS = 10_000;

export class Collector {
  readonly #parts: Parts;
  readonly #gate: UploadGate;
  readonly #listOperationTrees: () => Promise<TreeRef[]>;
  readonly #stopping = new AbortController();
  #working: Promise<void> | undefined;
  #woken = false;

  constructor(parts: Parts, gate: UploadGate, listOperationTrees: () => Promise<TreeRef[]>) {
    this.#parts = parts;
    this.#gate = gate;
    this.#listOperationTrees = listOperationTrees;
  }

  /** There may be garbage. */
  wake(): void {
    this.#woken = true;
    if (this.#stopping.signal.aborted) return;
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
      if (this.#woken) this.wake();
    });
  }

  /** Resolves when no collection is under way; none begins afterwards. */
  async stop(): Promise<void> {
    this.#woken = false;
    this.#stopping.abort();
    await this.#working;
  }

  async #work(): Promise<void> {
    const { clock, log } = this.#parts;
    const { signal } = this.#stopping;
    while (this.#woken && !signal.aborted) {
      this.#woken = false;
      try {
        await this.#collect();
      } catch (error) {
        if (signal.aborted) return;
        log.warn(`garbage could not be collected, next try in ${RETRY_MS / 1000} s: ${messageOf(error)}`);
        this.#woken = true;
        await clock.sleep(RETRY_MS, signal).catch(() => undefined);
      }
    }
  }

  async #collect(): Promise<void> {
    const { catalog, clock, log, repository } = this.#parts;
    if ((await findGarbageMark(catalog.queries)) === undefined) return;
    await clock.sleep(GATHER_MS, this.#stopping.signal);
    await this.#gate.alone(async () => {
      this.#stopping.signal.throwIfAborted();
      const mark = await findGarbageMark(catalog.queries);
      if (mark === undefined) return;
      const startedMs = clock.monotonicMs();
      const { freedBytes } = await repository.collect({ roots: await this.#listRoots() });
      await lowerGarbageMark(catalog.queries, mark);
      if (freedBytes === 0) return;
      log.info(`${formatBytes(freedBytes)} of garbage collected in ${Math.round(clock.monotonicMs() - startedMs)} ms`);
    });
  }

  /** What disks began as is not among them: whoever may still use it has its snapshot or its image here (`reinit-disk.ts`). */
  async #listRoots(): Promise<TreeRef[]> {
    const { queries } = this.#parts.catalog;
    const disks = (await listAllDisks(queries)).flatMap((row) => treesOfBase(baseOf(row)));
    const images = (await listImageBases(queries)).flatMap((base) => treesOfBase(baseOf({ base })));
    const snapshots = (await listAccomplishedSnapshots(queries)).map(
      (row) => JSON.parse(row.tree ?? 'null') as TreeRef,
    );
    return [...disks, ...images, ...snapshots, ...(await this.#listOperationTrees())];
  }
}
