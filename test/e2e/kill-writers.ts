/** The load under the kills: clients that write, zero, trim and flush a disk, each on a new connection when the last broke. */
import crypto from 'node:crypto';
import { OperationalError } from '../../src/lib/errors.ts';
import { CHUNK_BYTES } from '../../src/lib/geometry.ts';
import type { NbdClient } from '../../src/nbd/client.ts';
import type { BlockModel } from './block-model.ts';
import type { Chance } from './chance.ts';
import type { TestServer } from './server.ts';

const CLIENT_COUNT = 2;
const LANES_PER_CLIENT = 4;
const LANE_COUNT = CLIENT_COUNT * LANES_PER_CLIENT;
/** Seldom: what is synced says nothing of what is only acknowledged. */
const FLUSH_SHARE = 0.01;
const FUA_SHARE = 0.003;
const NOISE_OFFSET = 512 * 1024 * 1024;
const NOISE_CHUNKS = 256;

export class KillWriters {
  readonly #server: TestServer;
  readonly #diskId: string;
  readonly #model: BlockModel;
  readonly #chance: Chance;
  /** How often a client came back and found everything. */
  comeBackCount = 0;
  #isStopped = false;
  #done: Promise<void>[] = [];

  constructor(server: TestServer, diskId: string, model: BlockModel, chance: Chance) {
    this.#server = server;
    this.#diskId = diskId;
    this.#model = model;
    this.#chance = chance;
  }

  async start(): Promise<void> {
    const clients = await Promise.all(
      Array.from({ length: CLIENT_COUNT }, async () => this.#server.connect(this.#diskId)),
    );
    const [first] = clients;
    if (first !== undefined) await writeNoise(first);
    this.#done = clients.map(async (client, index) => this.#run(client, index));
    for (const done of this.#done) done.catch(() => undefined); // `stop` tells
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#done);
  }

  async #run(first: NbdClient, index: number): Promise<void> {
    let client = first;
    const lanes = Array.from({ length: LANES_PER_CLIENT }, (_, lane) => index * LANES_PER_CLIENT + lane);
    while (!this.#isStopped) {
      try {
        await settledTogether(lanes.map(async (lane) => this.#act(client, lane)));
        if (this.#chance.next() < FLUSH_SHARE) await client.flush();
      } catch (error) {
        assertLost(error);
        client.destroy();
        client = await this.#comeBack(lanes);
      }
    }
    await client.close();
  }

  /** A new connection, on which everything that was acknowledged on the old one must be found before it is overwritten. */
  async #comeBack(lanes: number[]): Promise<NbdClient> {
    for (;;) {
      const client = await this.#server.connect(this.#diskId);
      try {
        for (const chunk of lanes.flatMap((lane) => this.#chunksOf(lane))) {
          await this.#model.checkChunk(client, chunk, 'after the connection broke');
        }
        this.comeBackCount += 1;
        return client;
      } catch (error) {
        assertLost(error);
        client.destroy();
      }
    }
  }

  #chunksOf(lane: number): number[] {
    return Array.from({ length: Math.floor(this.#model.chunkCount / LANE_COUNT) }, (_, row) => lane + LANE_COUNT * row);
  }

  /** One act on a chunk of the lane's own. */
  async #act(client: NbdClient, lane: number): Promise<void> {
    const chunks = this.#chunksOf(lane);
    const chunk = chunks[this.#chance.below(chunks.length)] ?? lane;
    const [kind, pick, fua] = [this.#chance.next(), this.#chance.next(), this.#chance.next() < FUA_SHARE];
    if (kind < 0.65) await this.#model.writeBlock(client, chunk, { pick, fua });
    else if (kind < 0.8) await this.#model.writeChunk(client, chunk, { fua });
    else if (kind < 0.9) await this.#model.zero(client, chunk, { pick });
    else await this.#model.trimChunk(client, chunk);
  }
}

/** Fresh incompressible chunks, so that an upload takes a while. */
async function writeNoise(client: NbdClient): Promise<void> {
  const noise = crypto.randomBytes(CHUNK_BYTES);
  for (let index = 0; index < NOISE_CHUNKS; index += 1) {
    noise.writeUInt32LE(index, 0);
    await client.write(NOISE_OFFSET + index * CHUNK_BYTES, noise);
  }
}

/** A connection may end at any time; that anything else fails is a failure of the test. */
function assertLost(error: unknown): void {
  if (!(error instanceof OperationalError && error.retryable)) throw error;
}

/** Rejects if one does, but only when none is under way any more: a block is in one act at a time. */
async function settledTogether(acts: Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(acts)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
