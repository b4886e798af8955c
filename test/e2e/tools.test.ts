/** A stranger's tools on a real NbdUri, and import and export of files by Hupo's own. */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { needsPrograms } from '../requires.ts';
import { run } from './mounted-disk.ts';
import { TestServer } from './server.ts';

const MIB = 1024 ** 2;
const skip = needsPrograms('nbdinfo', 'nbdcopy', 'qemu-img', 'qemu-io', 'fio');

/** Runs `use` with a server and a scratch folder; both are gone afterwards. */
async function withServer(use: (server: TestServer, scratch: string) => Promise<void>): Promise<void> {
  const server = new TestServer();
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-tools-'));
  try {
    await server.start();
    await use(server, scratch);
    await server.stop();
  } finally {
    for (const left of server.leftProcesses()) process.kill(Number(left.split(' ')[0]), 'SIGKILL');
    fs.rmSync(server.dataFolder, { recursive: true, force: true });
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

test('nbdinfo, qemu-img, qemu-io, nbdcopy and fio work on an NbdUri', { skip }, async () => {
  await withServer(async (server, scratch) => {
    const { diskId, uri } = await server.runInstance({ Category: 'cloud_essd', PerformanceLevel: 'PL0', Size: 1 });
    const info = JSON.parse(run('nbdinfo', '--json', uri)) as { exports: Record<string, unknown>[] };
    assert.equal(info.exports[0]?.['export-size'], 1024 * MIB);
    assert.equal(info.exports[0]?.['export-name'], diskId);
    assert.match(run('qemu-img', 'info', uri), /virtual size: 1 GiB/);
    run('qemu-io', '-f', 'raw', '-c', 'write -P 7 4096 65536', '-c', 'flush', '-c', 'read -P 7 4096 65536', uri);
    const image = path.join(scratch, 'in.img');
    fs.writeFileSync(image, Buffer.concat([crypto.randomBytes(3 * MIB), Buffer.alloc(MIB), crypto.randomBytes(MIB)]));
    fs.truncateSync(image, 1024 * MIB);
    run('nbdcopy', image, uri);
    run('nbdcopy', uri, path.join(scratch, 'out.img'));
    run('cmp', image, path.join(scratch, 'out.img'));
    const verify = [
      '--verify=crc32c',
      '--rw=randwrite',
      '--bs=4k',
      '--iodepth=16',
      '--size=32m',
      '--output-format=json',
    ];
    const result = run('fio', '--name=verified', '--ioengine=nbd', `--uri=${uri}`, ...verify);
    const { jobs } = JSON.parse(result.slice(result.indexOf('{'))) as { jobs: { error: number }[] };
    assert.equal(jobs[0]?.error, 0);
  });
});

test('an imported file comes back byte for byte from a snapshot, and counts as used', async () => {
  await withServer(async (server, scratch) => {
    const image = path.join(scratch, 'odd.img');
    fs.writeFileSync(image, crypto.randomBytes(5 * MIB + 12_345));
    const imported = server.cli('disk', 'import', image, '--data', server.dataFolder, '--name', 'imported');
    assert.equal(imported.status, 0, imported.stderr);
    const diskId = /d-[0-9a-z]{20}/.exec(imported.stdout)?.[0];
    assert.ok(diskId, imported.stdout);
    const disk = await server.disk(diskId);
    assert.deepEqual([disk.Status, disk.DiskName, disk.Size], ['Available', 'imported', 20]);
    const made = await server.call('CreateSnapshot', { DiskId: diskId });
    assert.equal((await server.finishedSnapshot(made.SnapshotId)).Status, 'accomplished');
    const out = path.join(scratch, 'out.img');
    const exported = server.cli('snapshot', 'export', made.SnapshotId, out, '--data', server.dataFolder);
    assert.equal(exported.status, 0, exported.stderr);
    run('cmp', '-n', String(5 * MIB + 12_345), image, out);
    assert.ok(fs.statSync(out).blocks * 512 < 8 * MIB, 'the export is not sparse');
    const again = server.cli('snapshot', 'export', made.SnapshotId, out, '--data', server.dataFolder);
    assert.equal(again.status, 1);
    assert.match(again.stderr, /is there already/);
  });
});
