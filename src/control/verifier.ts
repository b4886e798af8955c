/**
 * Reads the whole repository again within `periodMs`, evenly: a pass begins every period, and its bytes are spread over nine tenths
 * of it. What is found goes to the log, once a pass; damage is mended by the next snapshot that meets the chunk.
 */
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { NamedRoot, RepositoryFinding } from '../repository/check.ts';
import { describeFinding } from '../repository/describe-finding.ts';
import type { PassState, StepResult } from '../repository/verification.ts';

/** After a start others come first. */
const FIRST_MS = 600_000;
const RETRY_MS = 600_000;
const LONGEST_PAUSE_MS = 21_600_000;
/** Packs of 16 MiB at 32 MiB/s, however late it is. */
const SHORTEST_PAUSE_MS = 500;
const SHARE = 0.9;

export interface VerifiedRepository {
  findPass(): PassState | null;
  findLastPass(): number;
  verifyNext(
    nowMs: number,
    listRoots: () => Promise<readonly NamedRoot[]>,
  ): Promise<StepResult & { leftBytes: number }>;
}

export interface VerifierOptions {
  repository: VerifiedRepository;
  listRoots: () => Promise<readonly NamedRoot[]>;
  /** Tries to mend what was found; how many chunks were. */
  heal: (findings: readonly RepositoryFinding[]) => Promise<number>;
  /** 0: never. */
  periodMs: number;
  clock: Clock;
  log: Log;
}

export class Verifier {
  readonly #options: VerifierOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: VerifierOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#options.periodMs > 0) this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stopping;
    let pauseMs = FIRST_MS;
    for (;;) {
      await clock.sleep(pauseMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        pauseMs = await this.#step();
      } catch (error) {
        if (signal.aborted) return;
        log.warn(`the repository could not be verified, next try in ${RETRY_MS / 60_000} min: ${messageOf(error)}`);
        pauseMs = RETRY_MS;
      }
    }
  }

  async #heal(findings: readonly RepositoryFinding[]): Promise<void> {
    const count = await this.#options.heal(findings);
    if (count > 0) this.#options.log.info(`${count} damaged chunks were stored again, from disks that have them`);
  }

  /** How long to wait before the next. */
  async #step(): Promise<number> {
    const { repository, listRoots, clock, log, periodMs } = this.#options;
    const nowMs = clock.nowMs();
    if (repository.findPass() === null) {
      const dueMs = repository.findLastPass() + periodMs;
      // A clock that was set back must not end the passes.
      if (dueMs > nowMs && dueMs <= nowMs + periodMs) return Math.min(LONGEST_PAUSE_MS, dueMs - nowMs);
    }
    const { readBytes, findings, ended, leftBytes } = await repository.verifyNext(nowMs, listRoots);
    for (const finding of findings) log.warn(`damage in the repository: ${finding}`);
    for (const finding of ended ?? []) log.warn(`damage in the repository: ${describeFinding(finding)}`);
    if (ended !== null && ended.length > 0) await this.#heal(ended);
    const startedAtMs = repository.findPass()?.startedAtMs ?? nowMs;
    const timeLeftMs = Math.max(0, startedAtMs + SHARE * periodMs - nowMs);
    const pauseMs = (timeLeftMs * readBytes) / Math.max(1, leftBytes + readBytes);
    return Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, pauseMs));
  }
}
