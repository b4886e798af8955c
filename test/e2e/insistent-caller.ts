/** Calls of the API that are made again until they are answered: the server may die in any of them. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, TestServer } from './server.ts';

const PATIENCE_MS = 90_000;
/** What a call ends with when `serve`, or diskd below it, is gone. */
const INTERRUPTED = new Set(['ServiceUnavailable', 'InternalError', 'UND_ERR_SOCKET', 'undefined']);

export interface Expected {
  /** Refusals after which it is asked again, for something else has to end first. */
  wait?: readonly string[];
  /** Refusals that say that it was done already; the answer is then undefined. */
  done?: readonly string[];
  /** Refusals that are the caller's to handle: they are thrown. */
  refused?: readonly string[];
}

export class InsistentCaller {
  /** Refusals met, by code. */
  readonly refusals = new Map<string, number>();
  /** Calls that broke off and were made again. */
  interruptedCount = 0;
  readonly #server: TestServer;

  constructor(server: TestServer) {
    this.#server = server;
  }

  async call(
    action: string,
    parameters: Record<string, string | number | boolean>,
    { wait = [], done = [], refused = [] }: Expected = {},
  ): Promise<Answer> {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await this.#server.call(action, parameters);
      } catch (error) {
        const code = String((error as { code?: unknown }).code);
        const isInterrupted = INTERRUPTED.has(code) || /^E[A-Z]+$/.test(code);
        if (isInterrupted) this.interruptedCount += 1;
        else this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
        if (refused.includes(code)) throw error;
        if (done.includes(code)) return undefined;
        assert.ok(
          isInterrupted || wait.includes(code),
          `${action} failed for another reason: ${String(error)} (${code})`,
        );
        assert.ok(performance.now() < until, `${action} was not done within ${PATIENCE_MS} ms: ${String(error)}`);
      }
      await delay(50);
    }
  }

  /** Asks until the answer is as it should be. */
  async until<T>(what: string, look: () => Promise<T | null>): Promise<T> {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = await look();
      if (found !== null) return found;
      assert.ok(performance.now() < until, `waited ${PATIENCE_MS} ms for ${what}`);
      await delay(50);
    }
  }

  async disk(diskId: string): Promise<Answer> {
    const answer = await this.call('DescribeDisks', { DiskIds: JSON.stringify([diskId]) });
    return answer.Disks.Disk[0];
  }

  async snapshot(snapshotId: string): Promise<Answer> {
    const answer = await this.call('DescribeSnapshots', { SnapshotIds: JSON.stringify([snapshotId]) });
    return answer.Snapshots.Snapshot[0];
  }

  async diskStatus(diskId: string, status: string): Promise<void> {
    await this.until(`disk ${diskId} to be ${status}`, async () =>
      (await this.disk(diskId))?.Status === status ? true : null,
    );
  }

  async instanceStatus(instanceId: string, status: string): Promise<void> {
    await this.until(`instance ${instanceId} to be ${status}`, async () => {
      const answer = await this.call('DescribeInstances', { InstanceIds: JSON.stringify([instanceId]) });
      return answer.Instances.Instance[0]?.Status === status ? true : null;
    });
  }
}
