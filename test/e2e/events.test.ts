/** `hupo events --follow` and a webhook on the real program, whose server is killed in between. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { TestServer, waitFor } from './server.ts';

const main = path.join(import.meta.dirname, '..', '..', 'src', 'main.ts');

interface Line {
  Id: string;
  Sequence: number;
  Subject: string;
  Data: { oldStatus?: string; newStatus: string };
}

function follow(server: TestServer): { lines: () => Line[]; end: () => void } {
  const args = [main, 'events', '--follow', '--json', '--since', '1d', '--data', server.dataFolder];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more));
  const lines = () =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Line);
  return { lines, end: () => child.kill('SIGKILL') };
}

/** An endpoint that takes every event but each third try. */
async function endpoint(t: TestContext): Promise<{ url: string; taken: { id: string; sequence: string }[] }> {
  const taken: { id: string; sequence: string }[] = [];
  let tries = 0;
  const receiver = http.createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (more: string) => (body += more));
    request.on('end', () => {
      const isTaken = ++tries % 3 !== 0;
      if (isTaken) taken.push(JSON.parse(body) as { id: string; sequence: string });
      response.writeHead(isTaken ? 200 : 503).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    receiver.closeAllConnections();
    receiver.close();
  });
  return { url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`, taken };
}

function hupo(server: TestServer, ...args: string[]): { stdout: string; stderr: string } {
  return server.cli(...args, '--data', server.dataFolder);
}

test('who follows, and a webhook, miss nothing and see nothing twice when the server is killed', async (t) => {
  const server = new TestServer();
  t.after(() => server.abandon());
  await server.start();
  const { lines, end } = follow(server);
  t.after(end);
  const { url, taken } = await endpoint(t);
  const added = await server.call('HupoCreateEventSubscription', { Url: url });
  const { instanceId, diskId } = await server.runInstance({ Category: 'cloud_essd', Size: 20 });
  const first = await server.takeSnapshot(diskId);
  await server.finishedSnapshot(first);
  await server.killServe();
  await server.start();
  const second = await server.takeSnapshot(diskId);
  await server.finishedSnapshot(second);
  await server.call('DeleteSnapshot', { SnapshotId: first });
  const gone = (line: Line) => line.Subject === first && line.Data.newStatus === 'Deleted';
  await waitFor('the deletion to be told', 60_000, async () => (lines().some(gone) ? true : null));
  const sequences = lines().map(({ Sequence }) => Sequence);
  assert.deepEqual(
    sequences,
    sequences.map((_each, index) => (sequences[0] ?? 0) + index),
    'in order, without a gap',
  );
  const statuses = lines()
    .filter(({ Subject }) => Subject === second)
    .map(({ Data }) => Data.newStatus);
  assert.deepEqual(statuses, ['progressing', 'accomplished']);
  assert.ok(lines().some(({ Subject, Data }) => Subject === instanceId && Data.newStatus === 'Running'));
  await waitFor('the webhook to be told all', 60_000, async () => (taken.length >= sequences.length ? true : null));
  const ids = [...new Set(taken.map(({ id }) => id))];
  assert.deepEqual(
    ids,
    lines().map(({ Id }) => Id),
  );
  const listed = hupo(server, 'events', 'webhook', 'list');
  assert.match(listed.stdout, new RegExp(`^${String(added.SubscriptionId)}  \\w+  ${url}`));
  const shown = hupo(server, 'events', '--resource', second);
  assert.match(shown.stdout, /ecs:Snapshot:CreateSnapshotCompleted {2}s-\S+ {2}progressing → accomplished/);
  assert.match(hupo(server, 'events', 'webhook', 'remove', String(added.SubscriptionId)).stdout, /is removed/);
  assert.match(
    hupo(server, 'events', 'webhook', 'test', 'es-none').stderr,
    /InvalidEventSubscriptionId.NotFound|no event subscription/,
  );
  end();
  await server.stop();
});
