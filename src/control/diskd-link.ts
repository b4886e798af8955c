/**
 * The control plane's hold on diskd: finds the one that serves this data folder or starts one, and starts another when it
 * dies. A call that was under way then is asked again, for every call is idempotent. diskd itself outlives this
 * process: it has a session and a log file of its own. So after an upgrade the one that runs may be a version older: it is
 * used all the same, and only what it does not know is refused.
 */
import { CALLS_SINCE, DISKD_PROTOCOL, OLDEST_DISKD_PROTOCOL } from '../disk/protocol.ts';
import type { DiskdCalls } from '../disk/protocol.ts';
import type { Clock } from '../lib/clock.ts';
import { OperationalError, RequestError, messageOf } from '../lib/errors.ts';
import { LineClient } from '../lib/line-channel.ts';
import type { Log } from '../lib/log.ts';
import type { DataPlane } from './parts.ts';
import { within } from './patience.ts';

const CALL_TIMEOUT_MS = 30_000;
const HELLO_TIMEOUT_MS = 2000;
const START_TIMEOUT_MS = 10_000;
const START_POLL_MS = 10;
const START_ATTEMPTS = 3;
const RESTART_PAUSE_MS = 200;
/** One that lives longer than this died of something else than its start. */
const STABLE_MS = 10_000;
const LONGEST_PAUSE_MS = 5000;
const SHUTDOWN_TIMEOUT_MS = 120_000;

export interface DiskdLinkOptions {
  socketPath: string;
  /** `folderIdentity` of DIR: another folder's diskd is never adopted. */
  folder: string;
  /** Starts a diskd; `ended` resolves, with what is known of why, if it ends. */
  spawn: () => { ended: Promise<string> };
  /** After each connection, the first included. */
  onConnected: () => Promise<void>;
  clock: Clock;
  log: Log;
  /** The version that brought a call, where it is later than the oldest that is spoken. */
  callsSince?: Readonly<Partial<Record<keyof DiskdCalls, number>>>;
}

export class DiskdLink implements DataPlane {
  readonly #options: DiskdLinkOptions;
  readonly #closing = new AbortController();
  #client: LineClient<DiskdCalls> | undefined;
  #connected = Promise.withResolvers<LineClient<DiskdCalls>>();
  #supervising: Promise<void> | undefined;
  #problem: string | null = null;
  /** Of the diskd that answers. */
  #protocol = DISKD_PROTOCOL;

  constructor(options: DiskdLinkOptions) {
    this.#options = options;
  }

  /** Resolves when diskd answers. Throws when it cannot be started. */
  async start(): Promise<void> {
    const client = await this.#connect();
    this.#supervising = this.#supervise(client);
  }

  /** Why diskd does not answer at the moment, or null. */
  get problem(): string | null {
    return this.#client === undefined ? (this.#problem ?? 'the data plane is being started') : null;
  }

  async call<K extends keyof DiskdCalls>(
    name: K,
    body: DiskdCalls[K]['request'],
    options: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<DiskdCalls[K]['reply']> {
    const { clock } = this.#options;
    const timeoutMs = options.timeoutMs ?? CALL_TIMEOUT_MS;
    const untilMs = clock.monotonicMs() + timeoutMs;
    for (;;) {
      const patience = {
        timeoutMs: untilMs - clock.monotonicMs(),
        signal: options.signal,
        message: `the data plane did not answer ${name} within ${timeoutMs / 1000} s`,
      };
      const client = await within(clock, this.#connected.promise, patience);
      assertKnown((this.#options.callsSince ?? CALLS_SINCE)[name], this.#protocol);
      try {
        return await within(clock, client.call(name, body), patience);
      } catch (error) {
        if (this.#closing.signal.aborted || !(await this.#isLost(client))) throw error;
      }
    }
  }

  /**
   * Ends diskd, flushed: `ending` is false when clients are connected, unless `force`. It is not started again in any
   * case: this link is at its end.
   */
  async shutdown(options: { force: boolean }): Promise<{ clientCount: number; ending: boolean }> {
    const client = this.#client;
    this.#closing.abort();
    if (client === undefined) return { clientCount: 0, ending: true };
    const { clock } = this.#options;
    const message = `the data plane did not end within ${SHUTDOWN_TIMEOUT_MS / 1000} s`;
    const patience = { timeoutMs: SHUTDOWN_TIMEOUT_MS, signal: undefined, message };
    const reply = await within(clock, client.call('shutdown', options), patience);
    if (reply.ending) await within(clock, client.closed, patience);
    return reply;
  }

  /** Lets go of diskd, which goes on. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#client?.close();
    this.#connected.promise.catch(() => undefined);
    this.#connected.reject(new OperationalError('the server is ending', { retryable: true }));
    await this.#supervising;
  }

  async #supervise(first: LineClient<DiskdCalls>): Promise<void> {
    const { clock, log } = this.#options;
    let failures = 0;
    for (let client: LineClient<DiskdCalls> | undefined = first; ; client = await this.#reconnect()) {
      if (client === undefined) failures++;
      else if (await this.#watch(client)) failures = 0;
      else failures++;
      if (this.#closing.signal.aborted) return;
      if (client !== undefined) log.warn('the data plane ended; it is started again');
      if (failures > 1) {
        const pauseMs = Math.min(LONGEST_PAUSE_MS, 100 * 2 ** failures);
        await clock.sleep(pauseMs, this.#closing.signal).catch(() => undefined);
      }
    }
  }

  /** Uses the connection until it ends; true when it lasted. */
  async #watch(client: LineClient<DiskdCalls>): Promise<boolean> {
    const { clock, log, onConnected } = this.#options;
    const sinceMs = clock.monotonicMs();
    this.#client = client;
    this.#problem = null;
    this.#connected.resolve(client);
    onConnected().catch((error: unknown) => log.warn(`after the data plane came back: ${messageOf(error)}`));
    await client.closed;
    this.#client = undefined;
    this.#connected = Promise.withResolvers();
    return clock.monotonicMs() - sinceMs > STABLE_MS;
  }

  async #reconnect(): Promise<LineClient<DiskdCalls> | undefined> {
    if (this.#closing.signal.aborted) return undefined;
    try {
      return await this.#connect();
    } catch (error) {
      this.#problem = messageOf(error);
      this.#options.log.warn(this.#problem);
      return undefined;
    }
  }

  /** Whether the connection that a call failed on has ended, so that the call can be asked on the next. */
  async #isLost(client: LineClient<DiskdCalls>): Promise<boolean> {
    const stillThere = this.#options.clock.sleep(0).then(() => false);
    return await Promise.race([client.closed.then(() => true), stillThere]);
  }

  async #connect(): Promise<LineClient<DiskdCalls>> {
    const running = await this.#adopt();
    if (running !== undefined) return running;
    const { clock } = this.#options;
    const untilMs = clock.monotonicMs() + START_TIMEOUT_MS;
    for (let attempt = 1; clock.monotonicMs() < untilMs && !this.#closing.signal.aborted; attempt++) {
      const started = await this.#startOne(untilMs);
      if (started instanceof LineClient) return started;
      if (attempt === START_ATTEMPTS) {
        throw new OperationalError(`the data plane cannot be started: ${started}`, { retryable: true });
      }
      await clock.sleep(RESTART_PAUSE_MS);
    }
    throw new OperationalError(`the data plane did not start within ${START_TIMEOUT_MS / 1000} s`, { retryable: true });
  }

  /** A new diskd, or why it ended. One that was just told to end may hold the folder's lock for a moment more. */
  async #startOne(untilMs: number): Promise<LineClient<DiskdCalls> | string> {
    const { clock, spawn } = this.#options;
    let end: string | undefined;
    void spawn().ended.then((reason) => (end = reason));
    while (clock.monotonicMs() < untilMs && !this.#closing.signal.aborted) {
      const client = await this.#adopt();
      if (client !== undefined) return client;
      if (end !== undefined) return end;
      await clock.sleep(START_POLL_MS);
    }
    return 'it does not answer';
  }

  /** The diskd that serves this folder, or undefined when there is none. */
  async #adopt(): Promise<LineClient<DiskdCalls> | undefined> {
    const { socketPath, folder, clock } = this.#options;
    const client = await LineClient.connect<DiskdCalls>(socketPath).catch(() => undefined);
    if (client === undefined) return undefined;
    try {
      const message = 'the data plane is there but does not answer';
      const patience = { timeoutMs: HELLO_TIMEOUT_MS, signal: this.#closing.signal, message };
      const hello = await within(clock, client.call('hello', { protocol: DISKD_PROTOCOL }), patience);
      if (hello.folder === folder && isSpoken(hello.protocol)) {
        this.#protocol = hello.protocol;
        return client;
      }
      client.close();
      if (hello.folder !== folder) return undefined;
    } catch (error) {
      const lost = await this.#isLost(client);
      client.close();
      if (lost) return undefined;
      throw error;
    }
    throw new OperationalError(
      'the data plane that runs is of another version of hupo: end it with `hupo stop`, then start again',
      { retryable: false },
    );
  }
}

function isSpoken(protocol: number): boolean {
  return protocol >= OLDEST_DISKD_PROTOCOL && protocol <= DISKD_PROTOCOL;
}

function assertKnown(since: number | undefined, protocol: number): void {
  if ((since ?? OLDEST_DISKD_PROTOCOL) <= protocol) return;
  throw new RequestError(
    'OperationDenied',
    'The data plane that runs is of an older version of hupo, which cannot do this: end it with `hupo stop` (that ends every guest’s I/O), then start again.',
  );
}
