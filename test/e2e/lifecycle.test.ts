/** Starting, stopping, killing and moving the real program. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { EcsClient } from '../../src/cli/ecs-client.ts';
import { NbdClient } from '../../src/nbd/client.ts';
import { TestServer, waitFor } from './server.ts';

const root = path.dirname(path.dirname(import.meta.dirname));
const smallDisk = { Category: 'cloud_essd', PerformanceLevel: 'PL0', Size: 1 };

/** A started server that is stopped and checked when the test passes, and killed when it fails. */
async function started(t: TestContext, folder?: string): Promise<TestServer> {
  const server = new TestServer(folder);
  t.after(() => {
    for (const left of server.leftProcesses()) process.kill(Number(left.split(' ')[0]), 'SIGKILL');
    fs.rmSync(server.dataFolder, { recursive: true, force: true });
  });
  await server.start();
  return server;
}

test('the first start makes the root key, keeps it 0600 and shows it once', async (t) => {
  const server = await started(t);
  const file = path.join(server.dataFolder, 'keys', 'root.json');
  const key = JSON.parse(fs.readFileSync(file, 'utf8')) as { accessKeyId: string; accessKeySecret: string };
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  await waitFor('the key to be shown', 5000, async () => (server.output.includes(key.accessKeySecret) ? true : null));
  assert.equal(await server.terminate(), 0);
  await server.start();
  await server.call('DescribeRegions');
  assert.ok(!server.output.includes(key.accessKeySecret), 'the secret is shown again');
  await server.stop();
});

test('a key in the environment wins over the stored one', async (t) => {
  const server = await started(t);
  await server.terminate();
  const environment = { ...process.env, HUPO_ACCESS_KEY_ID: 'from-environment', HUPO_ACCESS_KEY_SECRET: 'its-secret' };
  const args = [path.join(root, 'src', 'main.ts'), 'serve', '--data', server.dataFolder, '--listen', '127.0.0.1:0'];
  const child = spawn(process.execPath, args, { env: environment, stdio: 'ignore' });
  const endpointFile = path.join(server.runFolder, 'endpoint');
  const endpoint = await waitFor('the endpoint', 20_000, async () =>
    fs.existsSync(endpointFile) ? fs.readFileSync(endpointFile, 'utf8').trim() || null : null,
  );
  const client = new EcsClient({ endpoint, accessKeyId: 'from-environment', accessKeySecret: 'its-secret' });
  const answer = (await client.call('DescribeRegions', {})) as { Regions: { Region: unknown[] } };
  assert.equal(answer.Regions.Region.length, 1);
  const stored = JSON.parse(fs.readFileSync(path.join(server.dataFolder, 'keys', 'root.json'), 'utf8')) as {
    accessKeyId: string;
    accessKeySecret: string;
  };
  await assert.rejects(new EcsClient({ endpoint, ...stored }).call('DescribeRegions', {}), {
    code: 'InvalidAccessKeyId.NotFound',
  });
  child.kill('SIGINT');
  assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 0);
  await server.stop();
});

test('a second start on the same folder is refused while the first runs', async (t) => {
  const server = await started(t);
  const second = server.cli('serve', '--data', server.dataFolder, '--listen', '127.0.0.1:0');
  assert.equal(second.status, 1);
  assert.match(second.stderr, /already|another/i);
  assert.ok(second.stderr.includes(server.dataFolder), second.stderr);
  await server.call('DescribeRegions');
  await server.stop();
});

test('SIGTERM ends both processes when nobody is connected', async (t) => {
  const server = await started(t);
  await server.runInstance(smallDisk);
  assert.equal(await server.terminate(), 0);
  await waitFor('diskd to end', 5000, async () => (server.leftProcesses().length === 0 ? true : null));
  assert.deepEqual(server.leftSockets(), []);
  await server.stop();
});

test('SIGTERM leaves the data plane to a connected client and says so; the next start adopts it', async (t) => {
  const server = await started(t);
  const { diskId, uri } = await server.runInstance(smallDisk);
  const client = await NbdClient.connect(uri);
  await client.write(0, Buffer.alloc(4096, 1));
  const diskd = await server.diskdPid();
  assert.equal(await server.terminate(), 0);
  assert.match(server.output, /hupo stop/);
  await client.write(4096, Buffer.alloc(4096, 2));
  await client.flush();
  await server.start();
  assert.equal(await server.diskdPid(), diskd, 'the data plane was not adopted');
  assert.equal((await server.disk(diskId)).NbdUri, uri);
  assert.deepEqual(await client.read(0, 8192), Buffer.concat([Buffer.alloc(4096, 1), Buffer.alloc(4096, 2)]));
  await client.close();
  await server.stop();
});

test('hupo stop ends both although a client is connected, and what was written is there afterwards', async (t) => {
  const server = await started(t);
  const { instanceId, diskId, uri } = await server.runInstance(smallDisk);
  const client = await NbdClient.connect(uri);
  await client.write(65536 * 3 + 4096, Buffer.alloc(8192, 9));
  const stop = server.cli('stop', '--data', server.dataFolder);
  assert.equal(stop.status, 0, stop.stderr);
  await waitFor('everything to end', 5000, async () => (server.leftProcesses().length === 0 ? true : null));
  await client.close().catch(() => undefined);
  await server.start();
  await server.instanceStatus(instanceId, 'Running');
  const again = await NbdClient.connect((await server.disk(diskId)).NbdUri);
  assert.deepEqual(await again.read(65536 * 3 + 4096, 8192), Buffer.alloc(8192, 9));
  await again.close();
  await server.stop();
  assert.equal(server.cli('stop', '--data', server.dataFolder).status, 0, 'stopping nothing is no error');
});

test('a killed control plane interrupts no guest, and a killed data plane answers again within 2 s', async (t) => {
  const server = await started(t);
  const { diskId, uri } = await server.runInstance(smallDisk);
  const client = await NbdClient.connect(uri);
  await server.killServe();
  await client.write(0, Buffer.alloc(4096, 3));
  await client.flush();
  await client.close();
  await server.start();
  const pid = await server.diskdPid();
  process.kill(pid, 'SIGKILL');
  const start = performance.now();
  const socketPath = path.join(server.runFolder, `${diskId}.sock`);
  const again = await waitFor('the disk to answer', 10_000, async () =>
    NbdClient.connect({ socketPath, exportName: diskId }).catch(() => null),
  );
  assert.deepEqual(await again.read(0, 4096), Buffer.alloc(4096, 3));
  const taken = performance.now() - start;
  assert.ok(taken < 2000, `it took ${taken} ms`);
  assert.notEqual(await server.diskdPid(), pid);
  await again.close();
  await server.stop();
});

test('a folder may be moved while stopped, also to a path too long for a socket', async (t) => {
  const server = await started(t);
  const { instanceId, diskId, uri } = await server.runInstance(smallDisk);
  const client = await NbdClient.connect(uri);
  await client.write(0, Buffer.alloc(4096, 5));
  await client.flush();
  await client.close();
  await server.terminate();
  const parent = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-moved-'));
  t.after(() => fs.rmSync(parent, { recursive: true, force: true }));
  const moved = path.join(parent, 'a-rather-long-name-for-a-folder'.repeat(4));
  fs.renameSync(server.dataFolder, moved);
  const again = await started(t, moved);
  await again.instanceStatus(instanceId, 'Running');
  const disk = await again.disk(diskId);
  assert.ok(!disk.NbdUri.includes(encodeURIComponent(moved)), 'the socket cannot be there');
  const reader = await NbdClient.connect(disk.NbdUri);
  assert.deepEqual(await reader.read(0, 4096), Buffer.alloc(4096, 5));
  await reader.close();
  await again.stop();
});

test('a folder keeps its region, and an address in use is said', async (t) => {
  const server = await started(t);
  const port = new URL(server.endpoint).port;
  const other = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-port-'));
  const inUse = server.cli('serve', '--data', other, '--listen', `127.0.0.1:${port}`);
  assert.equal(inUse.status, 1);
  assert.match(inUse.stderr, new RegExp(port));
  // What users' secrets are sealed under is shown to nobody, and stays for the next start.
  assert.deepEqual(fs.readdirSync(path.join(other, 'keys')), ['master.json'], 'a key that nobody saw is kept');
  spawnSync(process.execPath, [path.join(root, 'src', 'main.ts'), 'stop', '--data', other]);
  fs.rmSync(other, { recursive: true, force: true });
  await server.terminate();
  const moved = server.cli('serve', '--data', server.dataFolder, '--listen', '127.0.0.1:0', '--region', 'cn-beijing');
  assert.equal(moved.status, 1);
  assert.match(moved.stderr, /cn-hangzhou/);
  await server.stop();
});

test('a start that fails at its last step ends everything that it started', async (t) => {
  const server = new TestServer();
  t.after(() => {
    for (const left of server.leftProcesses()) process.kill(Number(left.split(' ')[0]), 'SIGKILL');
    fs.rmSync(server.dataFolder, { recursive: true, force: true });
  });
  fs.mkdirSync(path.join(server.runFolder, 'endpoint'), { recursive: true });
  const { status, stderr } = server.cli('serve', '--data', server.dataFolder, '--listen', '127.0.0.1:0');
  assert.equal(status, 1);
  assert.match(stderr, /endpoint cannot be written: EISDIR/);
  await waitFor('the data plane to end', 10_000, async () => (server.leftProcesses().length === 0 ? true : null));
  assert.ok(!fs.existsSync(path.join(server.dataFolder, 'keys', 'root.json')), 'a secret that nobody saw is kept');
});

test('`hupo stop` on a folder that is not one of hupo says so and leaves nothing in it', (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-other-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const result = spawnSync(process.execPath, [path.join(root, 'src', 'main.ts'), 'stop', '--data', folder], {
    encoding: 'utf8',
  });
  assert.match(result.stdout, /no data folder/);
  assert.deepEqual([result.status, fs.readdirSync(folder)], [0, []]);
});

test('a folder that cannot be made is said at once', () => {
  const args = [path.join(root, 'src', 'main.ts'), 'serve', '--data', '/proc/nothing/here', '--listen', '127.0.0.1:0'];
  const result = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 });
  assert.equal(result.status, 1);
  assert.match(result.stderr, /\/proc\/nothing cannot be made/);
});

test('output that cannot be written is an error, but for a reader that is gone', () => {
  const hupo = `'${process.execPath}' '${path.join(root, 'src', 'main.ts')}'`;
  const run = (line: string) => spawnSync('bash', ['-c', `set -o pipefail; ${line}`], { encoding: 'utf8' });
  const full = run(`${hupo} completion bash > /dev/full`);
  assert.equal(full.status, 1);
  assert.match(full.stderr, /standard output cannot be written: ENOSPC/);
  const gone = run(`${hupo} completion bash | head -n 0`);
  assert.deepEqual([gone.status, gone.stderr], [0, '']);
});

test('Ctrl-C at any moment of the demo leaves neither process nor folder', async () => {
  for (const afterMs of [300, 700, 2500]) {
    const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-interrupt-'));
    const child = spawn(process.execPath, [path.join(root, 'src', 'main.ts'), 'demo'], {
      env: { ...process.env, TMPDIR: temporary },
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await delay(afterMs);
    child.kill('SIGINT');
    await ended;
    assert.deepEqual(fs.readdirSync(temporary), [], `after ${afterMs} ms`);
    fs.rmSync(temporary, { recursive: true });
  }
});
