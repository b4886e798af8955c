/** `hupo backup` of a server at work, the loss of its catalog and keys, `hupo restore`, `hupo repository import`: all is there. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { TestServer } from './server.ts';

const main = path.join(import.meta.dirname, '..', '..', 'src', 'main.ts');

/** Beside what the test itself does; throws unless it exits with 0. */
const hupo = (...args: string[]) => promisify(execFile)(process.execPath, [main, ...args]);

test('a backup under load is restored, imports, and knows all that was made before and after it', async (t) => {
  const server = new TestServer();
  t.after(() => server.abandon());
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-backups-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'backup');
  const options = ['--data', server.dataFolder];
  await server.start();
  const { instanceId, diskId } = await server.runInstance({ Category: 'cloud_essd', Size: 20 });
  const before = await server.takeSnapshot(diskId);
  await server.finishedSnapshot(before);
  const over = new AbortController();
  let n = 0;
  const load = (async () => {
    for (; !over.signal.aborted; n += 1)
      await server.call('ModifyDiskAttribute', { DiskId: diskId, DiskName: `name-${n}` });
  })();
  const saved = await hupo('backup', file, ...options);
  over.abort();
  await load;
  assert.ok(n > 5, `only ${n} changes beside the backup`);
  assert.match(saved.stdout, /holds the catalog and \d+ files of keys/);
  assert.deepEqual(
    fs.readdirSync(path.join(server.dataFolder, 'cache')).filter((name) => name.startsWith('backup-')),
    [],
  );
  const after = await server.takeSnapshot(diskId);
  await server.finishedSnapshot(after);
  const { accessKeyId } = server.accessKey;
  assert.match(server.cli('restore', file, ...options).stderr, /catalog\.db is there/);
  await server.stopInstance(instanceId);
  assert.equal(server.cli('stop', ...options).status, 0);
  for (const name of ['catalog.db', 'catalog.db-wal', 'keys']) {
    fs.rmSync(path.join(server.dataFolder, name), { recursive: true, force: true });
  }
  const restored = server.cli('restore', file, ...options);
  assert.equal(restored.status, 0, restored.stderr);
  assert.match(restored.stdout, /repository import/);
  assert.equal(fs.statSync(path.join(server.dataFolder, 'catalog.db')).mode & 0o077, 0);
  const refused = server.cli('serve', '--listen', '127.0.0.1:0', ...options);
  assert.match(refused.stderr, /older than the repository.*repository import/);
  const imported = server.cli('repository', 'import', ...options);
  assert.equal(imported.status, 0, imported.stderr);
  await server.start();
  assert.equal(server.accessKey.accessKeyId, accessKeyId);
  for (const snapshotId of [before, after]) assert.equal((await server.snapshot(snapshotId)).Status, 'accomplished');
  assert.equal((await server.disk(diskId)).DiskId, diskId);
  const events = await server.call('HupoDescribeEvents', { Position: 'Earliest', MaxResults: 100 });
  assert.ok(events.Events.Event.length > 0);
  await server.stop();
});
