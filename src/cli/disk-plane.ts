/**
 * The data plane of a folder on this machine, asked over its control socket: what `hupo disk` shows is what serves the
 * guests, and is there while no server runs. Looks only.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { CliContext } from '../cli.ts';
import { within } from '../control/patience.ts';
import { DISKD_PROTOCOL, OLDEST_DISKD_PROTOCOL } from '../disk/protocol.ts';
import type { DiskState, DiskdCalls } from '../disk/protocol.ts';
import type { Clock } from '../lib/clock.ts';
import { OperationalError, RequestError, errnoOf } from '../lib/errors.ts';
import { LineClient } from '../lib/line-channel.ts';
import { ensureRunFolder, folderIdentity } from '../lib/run-folder.ts';
import { formatCommand } from './connection.ts';
import { isThere } from './known-folder.ts';
import { UsageError } from './usage-error.ts';

const ANSWER_TIMEOUT_MS = 10_000;

export interface PlaneOptions {
  /** DIR; as typed. */
  data: string;
  context: CliContext;
  clock: Clock;
}

export class DiskPlane {
  readonly root: string;
  readonly #options: PlaneOptions;
  readonly #socketPath: string;
  #client: LineClient<DiskdCalls> | undefined;

  private constructor(options: PlaneOptions, root: string, socketPath: string) {
    this.#options = options;
    this.root = root;
    this.#socketPath = socketPath;
  }

  /** Throws an OperationalError that says what is not there and what to do. */
  static async connect(options: PlaneOptions): Promise<DiskPlane> {
    const root = path.resolve(options.data);
    assertDataFolder(root);
    const runFolder = ensureRunFolder(root, options.context.environment.runtimeFolder);
    const plane = new DiskPlane(options, root, path.join(runFolder, 'diskd.sock'));
    await plane.#connect();
    return plane;
  }

  /** By id. */
  async list(): Promise<DiskState[]> {
    const { disks } = await this.#call('listDisks', {});
    return disks.toSorted((a, b) => (a.diskId < b.diskId ? -1 : 1));
  }

  async describe(diskId: string): Promise<DiskState> {
    try {
      return (await this.#call('describeDisk', { diskId })).disk;
    } catch (error) {
      if (error instanceof RequestError && error.code === 'InvalidDiskId.NotFound') throw await this.#unknown(diskId);
      throw error;
    }
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  /** On a new connection where the last one has ended: the data plane may have been started again meanwhile. */
  async #call<K extends keyof DiskdCalls>(name: K, body: DiskdCalls[K]['request']): Promise<DiskdCalls[K]['reply']> {
    const client = this.#client ?? (await this.#connect());
    const message = `the data plane of ${this.root} did not answer within ${ANSWER_TIMEOUT_MS / 1000} s`;
    const patience = { timeoutMs: ANSWER_TIMEOUT_MS, signal: undefined, message };
    return await within(this.#options.clock, client.call(name, body), patience);
  }

  async #connect(): Promise<LineClient<DiskdCalls>> {
    const client = await LineClient.connect<DiskdCalls>(this.#socketPath).catch((error: unknown) => {
      throw this.#unreachable(error);
    });
    this.#client = client;
    void client.closed.then(() => {
      if (this.#client === client) this.#client = undefined;
    });
    try {
      await this.#greet();
    } catch (error) {
      this.close();
      throw error;
    }
    return client;
  }

  async #greet(): Promise<void> {
    const { folder, protocol } = await this.#call('hello', { protocol: DISKD_PROTOCOL });
    if (folder !== folderIdentity(this.root)) throw this.#notRunning('what answers there serves another folder');
    if (protocol >= OLDEST_DISKD_PROTOCOL && protocol <= DISKD_PROTOCOL) return;
    const stop = formatCommand(this.#options.context, 'stop', this.root);
    throw new OperationalError(
      `the data plane of ${this.root} is of another version of hupo (protocol ${protocol}, this one speaks ${DISKD_PROTOCOL}): ` +
        `end it with \`${stop}\` and start it anew, or look with the version that it is of`,
      { retryable: false },
    );
  }

  #unreachable(error: unknown): OperationalError {
    const cause = error instanceof OperationalError ? error.cause : error;
    if (errnoOf(cause) !== 'EACCES') return this.#notRunning('nothing answers');
    return new OperationalError(
      `${this.#socketPath} belongs to another user: run this as the one who runs the service`,
      {
        retryable: false,
        cause,
      },
    );
  }

  #notRunning(why: string): OperationalError {
    const { context } = this.#options;
    const serve = formatCommand(context, 'serve', this.root);
    const check = formatCommand(context, 'check', this.root);
    return new OperationalError(
      `no data plane runs on ${this.root} (${why} at ${this.#socketPath}): start the service with \`${serve}\`; ` +
        `\`${check}\` looks at the disks' files while nothing runs`,
      { retryable: true },
    );
  }

  async #unknown(diskId: string): Promise<UsageError> {
    const disks = await this.list();
    const list = formatCommand(this.#options.context, 'disk list', this.root);
    const has = disks.length === 0 ? 'it has no disks' : `\`${list}\` prints the ${disks.length} that there are`;
    return new UsageError(`the data plane of ${this.root} has no disk ${JSON.stringify(diskId)}; ${has}`);
  }
}

function assertDataFolder(root: string): void {
  const name = 'name the folder of a service with --data';
  const stat = fs.statSync(root, { throwIfNoEntry: false });
  if (stat === undefined) throw new UsageError(`there is no folder ${root}: ${name}`);
  if (!stat.isDirectory()) throw new UsageError(`${root} is not a folder: ${name}`);
  if (isThere(path.join(root, 'disks'))) return;
  throw new UsageError(`${root} is no data folder of hupo, it has no disks/ in it: ${name}`);
}
