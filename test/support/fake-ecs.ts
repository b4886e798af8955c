/** A small real HTTP server in the ECS API's place: answers each action as the test says, and remembers what was asked. */
import http from 'node:http';
import type net from 'node:net';
import type { CliContext } from '../../src/cli.ts';

export interface FakeCall {
  action: string;
  parameters: Record<string, string>;
  headers: http.IncomingHttpHeaders;
}

/** An answer, or a refusal with its HTTP status, or raw text. */
export type FakeAnswer = object | { refuse: number; body: object } | string;

export class FakeEcs {
  readonly calls: FakeCall[] = [];
  readonly #server: http.Server;
  readonly #answers: Record<string, FakeAnswer | (() => FakeAnswer)>;

  private constructor(answers: Record<string, FakeAnswer | (() => FakeAnswer)>) {
    this.#answers = answers;
    this.#server = http.createServer((request, response) => void this.#answer(request, response));
  }

  static async start(answers: Record<string, FakeAnswer | (() => FakeAnswer)>): Promise<FakeEcs> {
    const fake = new FakeEcs(answers);
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as net.AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    let body = '';
    for await (const piece of request.setEncoding('utf8')) body += String(piece);
    const query = new URL(request.url ?? '/', this.endpoint).searchParams;
    const parameters = Object.fromEntries([...query, ...new URLSearchParams(body)]);
    const action = String(request.headers['x-acs-action']);
    this.calls.push({ action, parameters, headers: request.headers });
    const given = this.#answers[action] ?? { refuse: 404, body: { Code: 'InvalidAction.NotFound', Message: action } };
    const answer = typeof given === 'function' ? given() : given;
    if (typeof answer === 'string') return void response.end(answer);
    const refused = 'refuse' in answer ? (answer as { refuse: number; body: object }) : undefined;
    response.writeHead(refused?.refuse ?? 200, { 'content-type': 'application/json;charset=utf-8' });
    return void response.end(JSON.stringify(refused?.body ?? answer));
  }
}

export interface TestContext extends CliContext {
  output: { out: string; err: string };
}

/** What the command line is handed, with its output kept. */
export function makeContext(environment: Partial<CliContext['environment']> = {}): TestContext {
  const output = { out: '', err: '' };
  return {
    output,
    environment: {
      accessKeyId: null,
      accessKeySecret: null,
      stsToken: null,
      endpoint: null,
      caFile: null,
      dataFolder: '/nonexistent/hupo',
      runtimeFolder: '/tmp',
      temporaryFolder: '/tmp',
      homeFolder: '/nonexistent',
      cacheFolder: '/nowhere/cache',
      command: 'hupo',
      ...environment,
    },
    program: { execPath: process.execPath, args: [] },
    out: (text) => {
      output.out += text;
    },
    err: (text) => {
      output.err += text;
    },
  };
}
