/**
 * An NBD server that never goes away, for clients that cannot reconnect (fio): it hands every request to a disk whose
 * server may die, and asks again on a new connection until it is answered. What it has answered, the disk has answered.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { OperationalError } from '../../src/lib/errors.ts';
import type { NbdClient } from '../../src/nbd/client.ts';
import type { BlockDevice } from '../../src/nbd/device.ts';
import { serveNbd, type NbdServer } from '../../src/nbd/server.ts';
import { formatNbdUri } from '../../src/nbd/uri.ts';

const PATIENCE_MS = 60_000;

export class ReconnectingDisk implements BlockDevice {
  readonly sizeBytes: number;
  readonly readOnly = false;
  /** How often the connection was lost and made anew. */
  reconnectCount = 0;
  readonly #connect: () => Promise<NbdClient>;
  #client: Promise<NbdClient>;
  #server: NbdServer | null = null;

  private constructor(connect: () => Promise<NbdClient>, client: NbdClient) {
    this.#connect = connect;
    this.#client = Promise.resolve(client);
    this.sizeBytes = client.sizeBytes;
  }

  /** Serves at `socketPath` the disk that `connect` reaches (it may fail while the server is away). */
  static async open(
    socketPath: string,
    connect: () => Promise<NbdClient>,
  ): Promise<{ uri: string; disk: ReconnectingDisk }> {
    const disk = new ReconnectingDisk(connect, await connect());
    disk.#server = await serveNbd({ socketPath, exportName: 'disk', device: disk });
    return { uri: formatNbdUri({ socketPath, exportName: 'disk' }), disk };
  }

  async close(): Promise<void> {
    await this.#server?.close();
    await (await this.#client).close();
  }

  read(offset: number, target: Buffer): Promise<void> {
    return this.#insist(async (client) => void (await client.read(offset, target.length)).copy(target));
  }

  write(offset: number, data: Buffer): Promise<void> {
    const kept = Buffer.from(data);
    return this.#insist((client) => client.write(offset, kept));
  }

  trim(offset: number, lengthBytes: number): Promise<void> {
    return this.#insist((client) => client.trim(offset, lengthBytes));
  }

  writeZeroes(offset: number, lengthBytes: number): Promise<void> {
    return this.#insist((client) => client.writeZeroes(offset, lengthBytes));
  }

  status(_offset: number, lengthBytes: number): { lengthBytes: number; isHole: boolean; isZero: boolean }[] {
    return [{ lengthBytes, isHole: false, isZero: false }];
  }

  commit(): void {
    // the disk has done it before it answered
  }

  flush(): Promise<void> {
    return this.#insist((client) => client.flush());
  }

  async #insist(request: (client: NbdClient) => Promise<void>): Promise<void> {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const connection = this.#client;
      try {
        await request(await connection);
        return;
      } catch (error) {
        const isLost = error instanceof OperationalError && error.retryable;
        if (!isLost || performance.now() > until) throw error;
        if (this.#client === connection) this.#client = this.#reconnect();
      }
    }
  }

  async #reconnect(): Promise<NbdClient> {
    this.reconnectCount += 1;
    await delay(20);
    return this.#connect();
  }
}
