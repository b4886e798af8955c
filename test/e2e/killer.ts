/** Kills a server's processes at random moments, and starts `serve` again as its supervisor would. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Chance } from './chance.ts';
import type { TestServer } from './server.ts';

export const killTargets = ['serve', 'diskd', 'transfer', 'serve and diskd'] as const;
export type KillTarget = (typeof killTargets)[number];

const LONGEST_PAUSE_MS = 500;
/** So long it waits for a transfer worker to kill. */
const WORKER_PATIENCE_MS = 1500;

export class Killer {
  /** Processes killed, of each target. */
  readonly counts: Record<KillTarget, number> = { serve: 0, diskd: 0, transfer: 0, 'serve and diskd': 0 };
  readonly #server: TestServer;
  readonly #chance: Chance;

  constructor(server: TestServer, chance: Chance) {
    this.#server = server;
    this.#chance = chance;
  }

  get total(): number {
    const { serve, diskd, transfer } = this.counts;
    return serve + diskd + transfer + 2 * this.counts['serve and diskd'];
  }

  /** Several kills, one after another; those whose target is not there are left out. */
  async run(targets: readonly KillTarget[]): Promise<void> {
    for (const target of targets) {
      await delay(this.#chance.below(LONGEST_PAUSE_MS));
      if (await this.#kill(target)) this.counts[target] += 1;
    }
  }

  async #kill(target: KillTarget): Promise<boolean> {
    if (target === 'transfer') return this.#killWorker();
    if (target === 'diskd') return this.#killDiskd();
    const isHit = target === 'serve' || this.#killDiskd();
    await this.#server.killServe();
    await delay(this.#chance.below(100));
    await this.#server.start();
    return isHit;
  }

  #killDiskd(): boolean {
    const [pid] = this.#server.diskdPids();
    return pid !== undefined && isKilled(pid);
  }

  async #killWorker(): Promise<boolean> {
    const until = performance.now() + WORKER_PATIENCE_MS;
    while (performance.now() < until) {
      const [pid] = this.#server.serveIsUp() ? this.#server.transferPids() : [];
      if (pid !== undefined) {
        await delay(this.#chance.below(60));
        return isKilled(pid);
      }
      await delay(3);
    }
    return false;
  }
}

function isKilled(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}
