/** `hupo serve --tls`, the real program: kept across restarts and SIGKILL, renewed when its address changes. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import https from 'node:https';
import type http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import test from 'node:test';

const main = path.join(import.meta.dirname, '..', '..', 'src', 'main.ts');

interface Serving {
  child: ChildProcess;
  url: string;
  banner: string;
}

/** Starts the program and waits for its banner. */
async function serve(data: string, ...more: string[]): Promise<Serving> {
  const child = spawn(process.execPath, [main, 'serve', '--tls', '--data', data, ...more], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text));
  for await (const text of (child.stdout as Readable).setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    output += String(text);
    if (output.includes('Ctrl-C ends it.')) break;
  }
  assert.match(output, /Ctrl-C ends it\./, output);
  return { child, url: fs.readFileSync(path.join(data, 'run', 'endpoint'), 'utf8').trim(), banner: output };
}

async function end({ child }: Serving, signal: NodeJS.Signals): Promise<void> {
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

async function health(url: string, ca: string): Promise<number | undefined> {
  const request = https.get(`${url}/healthz`, { ca, agent: false });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  response.resume();
  return response.statusCode;
}

test('a client that trusted the CA once is served after restarts, SIGKILL and another address', async (context) => {
  const data = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-tls-e2e-'));
  const stop = () => spawn(process.execPath, [main, 'stop', '--data', data], { stdio: 'ignore' });
  context.after(async () => {
    await once(stop(), 'exit');
    fs.rmSync(data, { recursive: true });
  });
  const serverPem = () => fs.readFileSync(path.join(data, 'tls', 'server.pem'), 'utf8');
  const first = await serve(data, '--listen', '127.0.0.1:0');
  assert.match(first.url, /^https:\/\/127\.0\.0\.1:\d+$/);
  assert.match(first.banner, new RegExp(`API      ${first.url}`));
  const ca = fs.readFileSync(path.join(data, 'tls', 'ca.pem'), 'utf8');
  const made = serverPem();
  assert.equal(await health(first.url, ca), 200);
  await end(first, 'SIGKILL');
  const second = await serve(data, '--listen', '127.0.0.1:0');
  assert.equal(await health(second.url, ca), 200);
  assert.equal(serverPem(), made);
  await end(second, 'SIGTERM');
  const third = await serve(data, '--listen', '127.0.0.2:0');
  assert.match(third.url, /^https:\/\/127\.0\.0\.2:/);
  assert.equal(await health(third.url, ca), 200);
  assert.notEqual(serverPem(), made);
  await end(third, 'SIGTERM');
});
