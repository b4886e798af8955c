/**
 * What `hupo doctor` finds on this machine: read from /proc, /sys and the folder itself. It writes one small file of its own into the
 * disks' folder, to try what the file system can, and removes it; a crash leaves `doctor-probe`, which the next time is overwritten.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { CliContext } from '../cli.ts';
import type { Clock } from '../lib/clock.ts';
import { freeSpaceSync } from '../lib/disk-space.ts';
import { canFallocate, punchRanges } from '../lib/fallocate.ts';
import { findConnection, findEndpoint } from './connection.ts';
import type { DeviceFacts, DoctorFacts, PlaceFacts } from './doctor-judge.ts';

const USUAL_PORT = 7400;
const PROBE_BYTES = 65_536;

export async function gatherFacts(root: string, context: CliContext, clock: Clock): Promise<DoctorFacts> {
  const folder = (name: string) => path.join(root, name);
  const hasFolder = fs.existsSync(folder('disks'));
  const server = hasFolder ? await findServer(root, context) : null;
  return {
    nodeVersion: process.version,
    platform: process.platform,
    memoryBytes: os.totalmem(),
    openFilesLimit: parseOpenFiles(readText('/proc/self/limits')),
    disks: hasFolder ? describePlace(folder('disks')) : null,
    repository: fs.existsSync(folder('repository')) ? describePlace(folder('repository')) : null,
    probe: hasFolder ? await probe(folder('disks')) : null,
    clock: {
      nowMs: clock.nowMs(),
      lastWrittenMs: newest([folder('catalog.db'), folder('catalog.db-wal')]),
      isSynchronized: askTimedatectl(),
    },
    keyFiles: listKeyFiles([folder('keys'), folder('tls')]),
    tools: tools.map((tool) => ({ ...tool, isThere: isInPath(tool.name) })),
    kvm: findKvm(),
    server,
    isPortFree: server === null ? await canListen() : null,
    catalogCopyAtMs: newest(listFiles(folder('repository/catalogs'))),
  };
}

const tools = [
  { name: 'qemu-img', forWhat: 'ImportImage and ExportImage of other formats than raw want it (qemu-utils)' },
  { name: 'nbdfuse', forWhat: 'it mounts a disk without the kernel module nbd (libnbd-bin)' },
  { name: 'nbdcopy', forWhat: 'it copies disks over NBD (libnbd-bin)' },
  { name: 'nbdkit', forWhat: 'only tests and plugins of yours want it (nbdkit)' },
  { name: 'qemu-system-x86_64', forWhat: 'machines of yours that boot from a disk want it (qemu-system-x86)' },
] as const;

function isInPath(name: string): boolean {
  // A program that is not there cannot be spawned at all; what it answers does not matter.
  return spawnSync(name, ['--version'], { stdio: 'ignore', timeout: 5000 }).error === undefined;
}

function describePlace(folder: string): PlaceFacts {
  const real = fs.realpathSync(folder);
  const { dev } = fs.statSync(real);
  const mount = findMount(readText('/proc/self/mountinfo') ?? '', real);
  const number = `${(dev >> 8) & 0xfff}:${(dev & 0xff) | ((dev >> 12) & 0xfff00)}`;
  return {
    folder: real,
    deviceId: String(dev),
    fileSystem: mount?.fileSystem ?? null,
    mountOptions: mount?.options ?? [],
    device:
      describeDevice(number) ?? (mount?.source.startsWith('/dev/') === true ? describeDeviceFile(mount.source) : null),
    space: freeSpaceSync(real),
  };
}

export interface Mount {
  folder: string;
  fileSystem: string;
  source: string;
  options: string[];
}

/** The mount that a folder is in, by `proc(5)`, /proc/self/mountinfo: the longest that it begins with, and of equal ones the last. */
export function findMount(mountinfo: string, folder: string): Mount | null {
  let found: Mount | null = null;
  for (const line of mountinfo.split('\n')) {
    const [own = '', other = ''] = line.split(' - ');
    const [, , , , at = '', options = ''] = own.split(' ');
    const [fileSystem = '', source = '', superOptions = ''] = other.split(' ');
    const point = at.replaceAll(/\\(\d{3})/g, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
    const isAround = point === '/' || folder === point || folder.startsWith(`${point}/`);
    if (fileSystem === '' || !isAround || point.length < (found?.folder.length ?? 0)) continue;
    found = { folder: point, fileSystem, source, options: [...options.split(','), ...superOptions.split(',')] };
  }
  return found;
}

function describeDeviceFile(file: string): DeviceFacts | null {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat === undefined
    ? null
    : describeDevice(`${(stat.rdev >> 8) & 0xfff}:${(stat.rdev & 0xff) | ((stat.rdev >> 12) & 0xfff00)}`);
}

/** A partition has no queue: its disk's, one folder above, counts. */
function describeDevice(number: string): DeviceFacts | null {
  const link = `/sys/dev/block/${number}`;
  if (!fs.existsSync(link)) return null;
  const own = fs.realpathSync(link);
  const disk = fs.existsSync(path.join(own, 'queue')) ? own : path.dirname(own);
  const read = (name: string) => readText(path.join(disk, 'queue', name))?.trim() ?? null;
  const count = (name: string) => (/^\d+$/.test(read(name) ?? '') ? Number(read(name)) : null);
  return {
    name: path.basename(disk),
    physicalBlockBytes: count('physical_block_size'),
    atomicWriteBytes: count('atomic_write_unit_max_bytes'),
    writeCache: read('write_cache'),
  };
}

async function probe(folder: string): Promise<DoctorFacts['probe']> {
  const file = path.join(folder, 'doctor-probe');
  try {
    const fd = fs.openSync(file, 'w+', 0o600);
    try {
      fs.writeSync(fd, Buffer.alloc(PROBE_BYTES, 1));
      const syncs = succeeds(() => fs.fsyncSync(fd));
      const punches = canFallocate
        ? await punchRanges(fd, [[0, PROBE_BYTES]]).then(
            () => true,
            () => false,
          )
        : null;
      return { syncs, punches, readsDirectly: succeeds(() => openDirectly(file)) };
    } finally {
      fs.closeSync(fd);
      fs.rmSync(file, { force: true });
    }
  } catch {
    return null; // not this user's, or full: other findings say so
  }
}

function openDirectly(file: string): void {
  fs.closeSync(fs.openSync(file, fs.constants.O_RDONLY | (fs.constants.O_DIRECT ?? 0)));
}

function succeeds(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

/** The soft limit, by `proc(5)`, /proc/self/limits. */
export function parseOpenFiles(limits: string | null): number | null {
  const [, soft] = /^Max open files +(\d+|unlimited)/m.exec(limits ?? '') ?? [];
  if (soft === undefined) return null;
  return soft === 'unlimited' ? Infinity : Number(soft);
}

function askTimedatectl(): boolean | null {
  const { stdout, status } = spawnSync('timedatectl', ['show', '--property=NTPSynchronized', '--value'], {
    encoding: 'utf8',
    timeout: 5000,
  });
  if (status !== 0) return null;
  return { yes: true, no: false }[stdout.trim()] ?? null;
}

function findKvm(): DoctorFacts['kvm'] {
  if (!fs.existsSync('/dev/kvm')) return 'absent';
  return succeeds(() => fs.accessSync('/dev/kvm', fs.constants.R_OK | fs.constants.W_OK)) ? 'usable' : 'closed';
}

async function findServer(root: string, context: CliContext): Promise<DoctorFacts['server']> {
  const endpoint = findEndpoint(root, context.environment.runtimeFolder);
  if (endpoint === null) return null;
  const tables = `${readText('/proc/net/tcp') ?? ''}${readText('/proc/net/tcp6') ?? ''}`;
  const port = Number(new URL(endpoint).port || (endpoint.startsWith('https:') ? 443 : 80));
  const answers = await findConnection({ data: root, endpoint }, context)
    .client.call('DescribeRegions')
    .then(
      () => true,
      () => false,
    );
  return { endpoint, answers, isExposed: isListeningToOthers(tables, port) };
}

const LISTEN = '0A';
/** 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/104, each as /proc/net/tcp writes them on a machine of this byte order. */
const LOOPBACK = /^([0-9A-F]{6}7F|0{24}01000000|0{16}FFFF0000[0-9A-F]{6}7F)$/;

/** Whether a socket listens on that port at an address that others reach, by `proc(5)`, /proc/net/tcp and tcp6. */
export function isListeningToOthers(tables: string, port: number): boolean {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return tables.split('\n').some((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    const [address = '', at] = local.split(':');
    return state === LISTEN && at === wanted && !LOOPBACK.test(address);
  });
}

async function canListen(): Promise<boolean> {
  const server = net.createServer();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  server.once('error', () => resolve(false));
  server.listen(USUAL_PORT, '127.0.0.1', () => server.close(() => resolve(true)));
  return await promise;
}

function listKeyFiles(folders: readonly string[]): { file: string; mode: number }[] {
  return folders
    .flatMap(listFiles)
    .filter((file) => !file.endsWith('ca.pem'))
    .map((file) => ({ file, mode: fs.statSync(file).mode }));
}

function listFiles(folder: string): string[] {
  try {
    return fs
      .readdirSync(folder)
      .map((name) => path.join(folder, name))
      .filter((file) => fs.statSync(file).isFile());
  } catch {
    return [];
  }
}

function newest(files: readonly string[]): number | null {
  const times = files.map((file) => fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  return Math.max(0, ...times) || null;
}

function readText(file: string): string | null {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
