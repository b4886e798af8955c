/**
 * The demo's own server, on a temporary folder. It runs in a session of its own, so that Ctrl-C reaches the demo alone,
 * which then stops it. A demo that is killed at once leaves server and folder behind; `hupo stop --data` ends it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { CliContext } from '../cli.ts';
import type { Clock } from '../lib/clock.ts';
import { OperationalError, messageOf } from '../lib/errors.ts';
import { ensureRunFolder } from '../lib/run-folder.ts';
import { findConnection, findEndpoint } from './connection.ts';
import type { EcsClient } from './ecs-client.ts';
import { waitFor } from './wait.ts';
import { repositoryIn } from '../repository/stores.ts';
import type { RepositoryPlace } from '../repository/stores.ts';

const START_TIMEOUT_MS = 30_000;
const LOG_TAIL_BYTES = 2000;

export class DemoServer {
  readonly folder: string;
  readonly #context: CliContext;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(folder: string, context: CliContext, child: ChildProcess) {
    this.folder = folder;
    this.#context = context;
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('close', () => resolve()));
    child.once('error', () => undefined); // it could not be started: told by `awaitHealthy`
    child.unref();
  }

  /** Makes the folder and starts `hupo serve` on it; `awaitHealthy` follows. */
  static launch(context: CliContext): DemoServer {
    const folder = fs.mkdtempSync(path.join(context.environment.temporaryFolder, 'hupo-demo-'));
    const { execPath, args } = context.program;
    const log = fs.openSync(path.join(folder, 'serve.log'), 'w', 0o600);
    try {
      const child = spawn(
        execPath,
        [...args, 'serve', '--data', folder, '--listen', '127.0.0.1:0', '--recycle-hours', '0'],
        {
          stdio: ['ignore', log, log],
          detached: true,
        },
      );
      return new DemoServer(folder, context, child);
    } finally {
      fs.closeSync(log);
    }
  }

  get repository(): RepositoryPlace {
    return repositoryIn(this.folder);
  }

  /** Resolves with a client once the server answers. */
  async awaitHealthy(clock: Clock, signal: AbortSignal): Promise<EcsClient> {
    const { environment } = this.#context;
    await waitFor({ what: 'the server to answer', timeoutMs: START_TIMEOUT_MS, clock, signal }, async () => {
      if (this.#child.pid === undefined || this.#child.exitCode !== null) throw this.#describeEnd();
      const endpoint = findEndpoint(this.folder, environment.runtimeFolder);
      return endpoint !== null && (await isHealthy(endpoint)) ? endpoint : undefined;
    });
    const own = { ...this.#context, environment: { ...environment, endpoint: null } };
    return findConnection({ data: this.folder }, own).client;
  }

  /** Ends server and data plane and removes the folder. Throws an OperationalError, and leaves the folder, if they stay. */
  async remove(): Promise<void> {
    const { environment, program } = this.#context;
    this.#child.ref();
    if (this.#child.pid !== undefined) {
      this.#child.kill('SIGTERM'); // heeded also while it starts, when it has no socket yet
      await this.#ended;
    }
    const runFolder = ensureRunFolder(this.folder, environment.runtimeFolder);
    const result = await run(program.execPath, [...program.args, 'stop', '--data', this.folder]);
    if (result.exitCode !== 0) {
      throw new OperationalError(
        `the demo's server could not be stopped: ${result.output.trim()}; try: ${environment.command} stop --data ${this.folder}`,
        { retryable: true },
      );
    }
    fs.rmSync(this.folder, { recursive: true, force: true });
    fs.rmSync(runFolder, { recursive: true, force: true });
  }

  #describeEnd(): OperationalError {
    const log = fs.readFileSync(path.join(this.folder, 'serve.log'), 'utf8').slice(-LOG_TAIL_BYTES).trim();
    return new OperationalError(`the server ended before it answered:\n${log}`, { retryable: false });
  }
}

async function isHealthy(endpoint: string): Promise<boolean> {
  try {
    return (await fetch(`${endpoint}/healthz`)).ok;
  } catch {
    return false; // not up yet
  }
}

/** Runs a program to its end; its output is standard output and error together. */
export async function run(file: string, args: string[]): Promise<{ exitCode: number; output: string }> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ exitCode: -1, output: messageOf(error) }));
    child.once('close', (exitCode) => resolve({ exitCode: exitCode ?? -1, output }));
  });
}
