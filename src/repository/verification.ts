/**
 * Reads every byte of the repository again and again, a pack at a time (R5). A pass covers the packs that are there when it
 * begins, in the order in which they came; it goes on where it was after a restart. What a pass has found bad is remembered in
 * the index: it is read last, stored again by the next snapshot that meets it, and told.
 */
import { verifyPack } from './check-packs.ts';
import { checkRepository } from './check.ts';
import type { NamedRoot, RepositoryFinding } from './check.ts';
import type { Ledger } from './ledger.ts';
import { snapshotTreeName } from './needed-trees.ts';
import { packName } from './pack.ts';
import type { Stores } from './stores.ts';

const STARTED = 'passStartedAtMs';
const UP_TO = 'passUpTo';
const LAST = 'lastPassStartedAtMs';

export interface PassState {
  startedAtMs: number;
  leftBytes: number;
}

export interface StepResult {
  readBytes: number;
  /** What is wrong with the packs that were read, a sentence each. */
  findings: string[];
  /** When the pass ended with this step: the snapshots that are hurt, and where. */
  ended: RepositoryFinding[] | null;
}

export class Verification {
  readonly #stores: Stores;
  readonly #ledger: Ledger;

  constructor(stores: Stores, ledger: Ledger) {
    this.#stores = stores;
    this.#ledger = ledger;
  }

  /** Null between two passes. */
  findPass(): PassState | null {
    const { index } = this.#stores;
    const startedAtMs = index.findFact(STARTED) ?? 0;
    if (startedAtMs === 0) return null;
    return { startedAtMs, leftBytes: index.measureUnverified(index.findFact(UP_TO) ?? 0, startedAtMs) };
  }

  /** When the last pass began; 0: never. */
  findLastPass(): number {
    return this.#stores.index.findFact(LAST) ?? 0;
  }

  begin(nowMs: number): void {
    const { index } = this.#stores;
    index.setFact(UP_TO, index.latestNumber);
    index.setFact(STARTED, nowMs);
    index.setFact(LAST, nowMs);
    this.#ledger.beginPass();
  }

  /** The next pack of the pass. */
  async step(nowMs: number, listRoots: () => Promise<readonly NamedRoot[]>): Promise<StepResult> {
    const { index } = this.#stores;
    const startedAtMs = index.findFact(STARTED) ?? 0;
    const pack = index.findUnverified(index.findFact(UP_TO) ?? 0, startedAtMs);
    if (pack === undefined) return { readBytes: 0, findings: [], ended: await this.#end(startedAtMs, listRoots) };
    const findings = await verifyPack(this.#stores, pack);
    index.setVerified(pack.packId, Math.max(nowMs, startedAtMs));
    return {
      readBytes: pack.sizeBytes,
      findings: findings.map((what) => `${packName(pack.packId)}: ${what}`),
      ended: null,
    };
  }

  async #end(startedAtMs: number, listRoots: () => Promise<readonly NamedRoot[]>): Promise<RepositoryFinding[]> {
    const findings = await checkRepository(this.#stores, { readData: 'known', listRoots });
    const hurt = findings.flatMap(({ hurts }) => hurts.map(({ name }) => snapshotTreeName(name)));
    this.#ledger.endPass(startedAtMs, hurt);
    this.#stores.index.setFact(STARTED, 0);
    return findings;
  }
}
