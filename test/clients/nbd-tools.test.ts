/** The NBD server with the tools that people have: libnbd's, QEMU's and fio. */
import test, { type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { serveNbd, type NbdServer } from '../../src/nbd/server.ts';
import { formatNbdUri } from '../../src/nbd/uri.ts';
import { needsPrograms } from '../requires.ts';
import { MemoryDevice, openFileDevice } from '../support/block-devices.ts';

const MIB = 1024 ** 2;

interface Served {
  uri: string;
  folder: string;
  device: MemoryDevice;
  server: NbdServer;
}

async function serveMemory(t: TestContext): Promise<Served> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-nbd-'));
  const socketPath = path.join(folder, 'd-1.sock');
  const device = new MemoryDevice(64 * MIB);
  for (let at = 0; at < 16 * MIB; at += 4096) device.bytes.fill(1 + (at % 251), at, at + 4096);
  const server = await serveNbd({ socketPath, exportName: 'd-1', device });
  t.after(async () => {
    await server.close();
    fs.rmSync(folder, { recursive: true });
  });
  return { uri: formatNbdUri({ socketPath, exportName: 'd-1' }), folder, device, server };
}

/** Runs a program beside this process, which serves it; fails with its output unless it exits with 0. */
async function run(program: string, ...args: string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  assert.equal(exitCode, 0, `${program} ${args.join(' ')}: ${output}`);
  return output;
}

test('nbdinfo sees size, block sizes and every ability', { skip: needsPrograms('nbdinfo') }, async (t) => {
  const { uri } = await serveMemory(t);
  const { exports } = JSON.parse(await run('nbdinfo', '--json', uri)) as { exports: Record<string, unknown>[] };
  const found = exports[0] ?? {};
  const expected = {
    'export-name': 'd-1',
    'export-size': 64 * MIB,
    is_read_only: false,
    can_cache: true,
    can_df: true,
    can_flush: true,
    can_fua: true,
    can_multi_conn: true,
    can_trim: true,
    can_zero: true,
    block_size_minimum: 1,
    block_size_preferred: 4096,
    block_size_maximum: 32 * MIB,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(found[name], value, name);
  assert.match(await run('nbdinfo', '--list', uri), /export="d-1"/);
});

test('nbdinfo shows where a disk has data', { skip: needsPrograms('nbdinfo') }, async (t) => {
  const { uri, device } = await serveMemory(t);
  device.bytes.fill(7, 20 * MIB + 4096, 20 * MIB + 12_288);
  const { exports } = JSON.parse(await run('nbdinfo', '--json', uri)) as { exports: { contexts: string[] }[] };
  assert.deepEqual(exports[0]?.contexts, ['base:allocation']);
  const map = JSON.parse(await run('nbdinfo', '--map', '--json', uri)) as Record<string, unknown>[];
  assert.deepEqual(
    map.map(({ offset, length, type }) => [offset, length, type]),
    [
      [0, 16 * MIB, 0],
      [16 * MIB, 4 * MIB + 4096, 3],
      [20 * MIB + 4096, 8192, 0],
      [20 * MIB + 12_288, 44 * MIB - 12_288, 3],
    ],
  );
  assert.match(await run('nbdinfo', '--map', '--totals', uri), /16785408\s+25\.0%\s+0 data/);
});

test('qemu-img map and convert see the holes', { skip: needsPrograms('qemu-img') }, async (t) => {
  const { uri, folder, device } = await serveMemory(t);
  const map = JSON.parse(await run('qemu-img', 'map', '--output=json', uri)) as Record<string, unknown>[];
  assert.deepEqual(
    map.map(({ start, length, zero, data }) => [start, length, zero, data]),
    [
      [0, 16 * MIB, false, true],
      [16 * MIB, 48 * MIB, true, false],
    ],
  );
  let readBytes = 0;
  const read = device.read.bind(device);
  device.read = (offset, target) => {
    readBytes += target.length;
    return read(offset, target);
  };
  await run('qemu-img', 'convert', '-O', 'raw', uri, path.join(folder, 'copy'));
  assert.ok(readBytes < 18 * MIB, `${readBytes / MIB} MiB were read`);
  await run('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', uri, path.join(folder, 'copy'));
});

test('nbdcopy copies out and in, with several connections', { skip: needsPrograms('nbdcopy') }, async (t) => {
  const { uri, folder, device, server } = await serveMemory(t);
  const file = path.join(folder, 'copy');
  await run('nbdcopy', uri, file);
  assert.ok(fs.readFileSync(file).equals(device.bytes));
  const allocatedBytes = fs.statSync(file).blocks * 512;
  assert.ok(allocatedBytes < 17 * MIB, `holes stay holes: ${allocatedBytes / MIB} MiB`);
  device.bytes.fill(0xee);
  let mostClients = 0;
  const write = device.write.bind(device);
  device.write = (offset, data) => {
    mostClients = Math.max(mostClients, server.clientCount);
    return write(offset, data);
  };
  let durable = Buffer.alloc(0);
  device.flush = async () => void (durable = await Promise.resolve(Buffer.from(device.bytes)));
  await run('nbdcopy', '--connections=4', '--threads=4', '--requests=32', '--flush', file, uri);
  assert.equal(mostClients, 4);
  assert.ok(fs.readFileSync(file).equals(device.bytes));
  assert.ok(durable.equals(device.bytes), 'a flush covers what any connection was answered');
});

test('qemu-img reads, converts and compares', { skip: needsPrograms('qemu-img') }, async (t) => {
  const { uri, folder } = await serveMemory(t);
  assert.match(await run('qemu-img', 'info', uri), /virtual size: 64 MiB/);
  const file = path.join(folder, 'copy.qcow2');
  await run('qemu-img', 'convert', '-O', 'qcow2', uri, file);
  await run('qemu-img', 'compare', uri, file);
  await run('qemu-img', 'bench', '-f', 'raw', '-w', '-c', '2000', '-d', '32', '--flush-interval', '100', uri);
});

test('qemu-io writes with FUA, zeroes and discards', { skip: needsPrograms('qemu-io') }, async (t) => {
  const { uri, device } = await serveMemory(t);
  const commands = ['write -f -P 7 12345 54321', 'read -P 7 12345 54321', 'write -z 0 65536', 'discard 1M 1M', 'flush'];
  const output = await run('qemu-io', '-f', 'raw', ...commands.flatMap((command) => ['-c', command]), uri);
  assert.doesNotMatch(output, /fail|error|mismatch/i);
  assert.ok(device.bytes.subarray(0, 65536).equals(Buffer.alloc(65536)));
  assert.ok(device.bytes.subarray(MIB, 2 * MIB).equals(Buffer.alloc(MIB)));
});

test('fio verifies over two connections what it wrote over two others', { skip: needsPrograms('fio') }, async (t) => {
  const { uri, server } = await serveMemory(t);
  const jobs = ['--ioengine=nbd', `--uri=${uri}`, '--size=16M', '--offset_increment=16M', '--numjobs=2', '--thread'];
  const verify = ['--rw=randwrite', '--bs=4k', '--iodepth=16', '--verify=crc32c', '--verify_state_save=0'];
  await run('fio', '--name=write', '--do_verify=0', '--end_fsync=1', '--verify_interval=4k', ...verify, ...jobs);
  assert.equal(server.clientCount, 0);
  await run('fio', '--name=write', '--verify_only', '--verify_interval=4k', ...verify, ...jobs);
});

test('fio verifies what it wrote', { skip: needsPrograms('fio') }, async (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-nbd-'));
  const socketPath = path.join(folder, 'd-1.sock');
  const device = openFileDevice(path.join(folder, 'disk'), 64 * MIB);
  const server = await serveNbd({ socketPath, exportName: 'd-1', device });
  t.after(async () => {
    await server.close();
    device.close();
    fs.rmSync(folder, { recursive: true });
  });
  const uri = formatNbdUri({ socketPath, exportName: 'd-1' });
  const job = [
    '--ioengine=nbd',
    `--uri=${uri}`,
    '--size=64M',
    '--iodepth=32',
    '--verify=crc32c',
    '--verify_state_save=0',
    '--fsync=500',
  ];
  await run('fio', '--name=mixed', '--rw=randrw', '--bsrange=512-128k', '--bs_unaligned', ...job);
});
