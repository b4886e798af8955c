/**
 * Holds uploads where they are for as long as a test needs them to run: every transfer worker of a server is stopped as it
 * appears, and goes on when the brake is let go.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { TestServer } from './server.ts';

const LOOK_EVERY_MS = 5;

export class UploadBrake {
  readonly #server: TestServer;
  readonly #held = new Set<number>();
  #isOn = false;
  #watching: Promise<void> = Promise.resolve();

  constructor(server: TestServer) {
    this.#server = server;
  }

  /** Workers that were stopped since it was put on. */
  get heldCount(): number {
    return this.#held.size;
  }

  on(): void {
    this.#isOn = true;
    this.#watching = this.#watch();
  }

  async release(): Promise<void> {
    this.#isOn = false;
    await this.#watching;
    for (const pid of this.#held) signal(pid, 'SIGCONT');
    this.#held.clear();
  }

  async #watch(): Promise<void> {
    while (this.#isOn) {
      for (const pid of this.#server.serveIsUp() ? this.#server.transferPids() : []) {
        if (this.#held.has(pid)) continue;
        signal(pid, 'SIGSTOP');
        this.#held.add(pid);
      }
      await delay(LOOK_EVERY_MS);
    }
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // it ended before
  }
}
