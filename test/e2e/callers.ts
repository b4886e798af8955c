/** The ways in which the documentation's reader calls the API: `hupo ecs` and the real SDKs, each as its own process. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import readline from 'node:readline';
import type { Answer, TestServer } from './server.ts';

export type Parameters = Record<string, string | number | boolean>;

/** Rejects with `{code, message}` for a refusal. */
export interface Caller extends AsyncDisposable {
  name: string;
  call(action: string, parameters?: Parameters): Promise<Answer>;
}

export const callerNames = ['hupo ecs', 'ecs20140526', 'openapi-client', 'pop-core GET', 'pop-core POST'] as const;

export function openCaller(name: (typeof callerNames)[number], server: TestServer): Caller {
  return name === 'hupo ecs' ? new CommandLine(server) : new Sdk(name, server);
}

class CommandLine implements Caller {
  readonly name = 'hupo ecs';
  readonly #server: TestServer;

  constructor(server: TestServer) {
    this.#server = server;
  }

  async call(action: string, parameters: Parameters = {}): Promise<Answer> {
    const words = Object.entries(parameters).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const { status, stdout, stderr } = this.#server.cli('ecs', action, ...words, '--data', this.#server.dataFolder);
    if (status === 0) return JSON.parse(stdout) as Answer;
    assert.equal(stdout, '', 'an error goes to standard error only');
    const code = /^ErrorCode: *(\S+)/m.exec(stderr)?.[1];
    throw Object.assign(new Error(stderr), { code });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // every call is a process of its own, and over
  }
}

class Sdk implements Caller {
  readonly name: string;
  readonly #process;
  readonly #lines: AsyncIterator<string>;

  constructor(name: string, server: TestServer) {
    this.name = name;
    const { accessKeyId, accessKeySecret } = server.accessKey;
    const script = path.join(import.meta.dirname, 'sdk-caller.ts');
    this.#process = spawn(process.execPath, [script, name, server.endpoint, accessKeyId, accessKeySecret], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, NODE_EXTRA_CA_CERTS: server.caFile ?? '' },
    });
    this.#lines = readline.createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  async call(action: string, parameters: Parameters = {}): Promise<Answer> {
    const texts = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, String(value)]));
    this.#process.stdin.write(`${JSON.stringify({ action, parameters: texts })}\n`);
    const { value: line = '' } = await this.#lines.next();
    assert.notEqual(line, '', `${this.name} ended`);
    const { body, error } = JSON.parse(line) as { body?: Answer; error?: { code?: string; message?: string } };
    if (error !== undefined) throw Object.assign(new Error(`${action}: ${error.message}`), { code: error.code });
    return body;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin.end();
    if (this.#process.exitCode === null) await new Promise((resolve) => this.#process.once('exit', resolve));
  }
}
