/**
 * What `hupo doctor` says of the facts that it gathered (`doctor-facts.ts`): pure. `unsafe` is what may lose or show data, `missing` what
 * some command wants and is not there, `unknown` what this machine does not tell.
 */
import { formatBytes } from '../lib/byte-units.ts';
import type { Space } from '../lib/disk-space.ts';
import { planSpaceLimits } from '../lib/disk-space.ts';
import { GIB } from '../lib/geometry.ts';

export interface Finding {
  level: 'ok' | 'missing' | 'unsafe' | 'unknown';
  /** What was looked at. */
  subject: string;
  /** What was found, and what to do. */
  text: string;
}

/** What a block device says of itself; null where it does not. */
export interface DeviceFacts {
  name: string;
  physicalBlockBytes: number | null;
  atomicWriteBytes: number | null;
  /** `write back` or `write through`. */
  writeCache: string | null;
}

export interface PlaceFacts {
  folder: string;
  /** Device numbers: equal for what one loss takes. */
  deviceId: string;
  fileSystem: string | null;
  mountOptions: readonly string[];
  device: DeviceFacts | null;
  space: Space;
}

export interface DoctorFacts {
  nodeVersion: string;
  platform: string;
  memoryBytes: number;
  openFilesLimit: number | null;
  /** Null while there is no folder. */
  disks: PlaceFacts | null;
  repository: PlaceFacts | null;
  /** Of the disks' folder; null where it could not be tried. */
  probe: { syncs: boolean; punches: boolean | null; readsDirectly: boolean | null } | null;
  clock: { nowMs: number; lastWrittenMs: number | null; isSynchronized: boolean | null };
  keyFiles: readonly { file: string; mode: number }[];
  tools: readonly { name: string; isThere: boolean; forWhat: string }[];
  kvm: 'usable' | 'closed' | 'absent';
  /** Of the server that runs on the folder. */
  server: { endpoint: string; answers: boolean; isExposed: boolean } | null;
  /** Whether the usual port can be listened on; null while a server of ours runs. */
  isPortFree: boolean | null;
  catalogCopyAtMs: number | null;
}

const LEAST_NODE = 24;
const LEAST_MEMORY_BYTES = GIB;
const LEAST_OPEN_FILES = 4096;
const CLOCK_SLACK_MS = 5000;
const COPY_AGE_MS = 2 * 3_600_000;
const BLOCK_BYTES = 4096;

export function judge(facts: DoctorFacts): Finding[] {
  return [
    ...judgeMachine(facts),
    ...judgePlaces(facts),
    ...(facts.probe === null ? [] : judgeProbe(facts.probe)),
    ...judgeClock(facts.clock),
    ...judgeKeys(facts.keyFiles),
    ...judgeServer(facts),
    ...judgeCopy(facts),
    ...judgeTools(facts),
  ];
}

export function isUnsafe(findings: readonly Finding[]): boolean {
  return findings.some(({ level }) => level === 'unsafe');
}

function judgeMachine({ nodeVersion, platform, memoryBytes, openFilesLimit }: DoctorFacts): Finding[] {
  const major = Number(/^v?(\d+)/.exec(nodeVersion)?.[1]);
  const isNew = major >= LEAST_NODE;
  return [
    finding(isNew ? 'ok' : 'missing', 'Node', isNew ? nodeVersion : `${nodeVersion}: ${LEAST_NODE} or newer is needed`),
    platform === 'linux'
      ? finding('ok', 'platform', platform)
      : finding('missing', 'platform', `${platform}: the data plane is made for Linux`),
    memoryBytes >= LEAST_MEMORY_BYTES
      ? finding('ok', 'memory', formatBytes(memoryBytes))
      : finding(
          'missing',
          'memory',
          `${formatBytes(memoryBytes)}: uploads and maps of disks want ${formatBytes(LEAST_MEMORY_BYTES)}`,
        ),
    openFilesLimit === null
      ? finding('unknown', 'open files', 'the limit is not told')
      : openFilesLimit >= LEAST_OPEN_FILES
        ? finding('ok', 'open files', `up to ${openFilesLimit}`)
        : finding(
            'missing',
            'open files',
            `up to ${openFilesLimit}: each disk has some files; raise it to ${LEAST_OPEN_FILES} (ulimit -n, LimitNOFILE=)`,
          ),
  ];
}

function judgePlaces({ disks, repository }: DoctorFacts): Finding[] {
  if (disks === null) return [finding('unknown', 'data folder', 'it is not there yet: `hupo serve` makes it')];
  const places = repository === null || repository.deviceId === disks.deviceId ? [disks] : [disks, repository];
  const apart =
    repository !== null && repository.deviceId === disks.deviceId
      ? finding(
          'unsafe',
          'disks and repository',
          `both on the device of ${disks.folder}: one loss takes disks and snapshots. Put the repository (a mount or a symbolic link) on another device, or copy snapshots to a region on one`,
        )
      : finding('ok', 'disks and repository', 'on two devices');
  return [apart, ...places.flatMap(judgePlace)];
}

function judgePlace(place: PlaceFacts): Finding[] {
  return [judgeFileSystem(place), judgeTearing(place), judgeBarriers(place), judgeSpace(place)];
}

function judgeFileSystem({ folder, fileSystem }: PlaceFacts): Finding {
  const subject = `file system of ${folder}`;
  if (fileSystem === null) return finding('unknown', subject, 'its kind is not told');
  if (fileSystem === 'tmpfs' || fileSystem === 'ramfs')
    return finding('unsafe', subject, `${fileSystem}: all is lost with power`);
  if (fileSystem === 'overlay')
    return finding('unsafe', subject, 'overlay: all goes with the container; mount a volume there');
  if (/^(nfs|cifs|smb|fuse|9p)/.test(fileSystem))
    return finding(
      'unknown',
      subject,
      `${fileSystem}: whether its syncs and locks hold is for its server to say; ext4 and xfs are tested`,
    );
  return finding('ok', subject, fileSystem);
}

/** What lies below others says nothing of what is below it: their sizes of blocks are often made up. */
const STACKED = /^(dm-|loop|md|nbd|rbd|drbd|zram|vd|xvd)/;

function judgeTearing({ folder, device }: PlaceFacts): Finding {
  const subject = `4 KiB writes of ${folder}`;
  if (device === null) return finding('unknown', subject, 'no block device of its own is found');
  const { name, physicalBlockBytes, atomicWriteBytes } = device;
  if ((atomicWriteBytes ?? 0) >= BLOCK_BYTES) return finding('ok', subject, `whole: ${name} promises it`);
  if (STACKED.test(name))
    return finding('unknown', subject, `${name} stands on other devices, and those decide at a power cut`);
  if (physicalBlockBytes === null) return finding('unknown', subject, `${name} does not tell its blocks`);
  if (physicalBlockBytes >= BLOCK_BYTES)
    return finding('ok', subject, `whole: a block of ${name} has ${physicalBlockBytes} bytes`);
  return finding(
    'unsafe',
    subject,
    `${name} has blocks of ${physicalBlockBytes} bytes: a power cut may tear what a guest was writing. Use a device with blocks of 4096, or a supply that does not fail`,
  );
}

function judgeBarriers({ folder, mountOptions, device }: PlaceFacts): Finding {
  const subject = `flushes of ${folder}`;
  const off = mountOptions.find((option) => option === 'nobarrier' || option === 'barrier=0');
  if (off !== undefined)
    return finding('unsafe', subject, `mounted with ${off}: what was synced may be lost; mount it without`);
  if (device?.writeCache === null || device === null)
    return finding('unknown', subject, 'the device does not tell its cache');
  if (device.writeCache === 'write back')
    return finding('ok', subject, `${device.name} has a cache and is told to flush it`);
  return finding('ok', subject, `${device.name} says that it has no volatile cache`);
}

function judgeSpace({ folder, space }: PlaceFacts): Finding {
  const subject = `room in ${folder}`;
  if (!Number.isFinite(space.sizeBytes)) return finding('unknown', subject, 'the file system does not tell its size');
  const { reserveBytes, highWaterBytes } = planSpaceLimits(space.sizeBytes, {
    reserveBytes: null,
    highWaterBytes: null,
  });
  const free = `${formatBytes(space.freeBytes)} free`;
  if (space.freeBytes < reserveBytes)
    return finding('unsafe', subject, `${free}, less than the reserve: guests' writes fail; make room`);
  if (space.freeBytes < highWaterBytes)
    return finding('missing', subject, `${free}: below ${formatBytes(highWaterBytes)} no snapshot is begun; make room`);
  return finding('ok', subject, free);
}

function judgeProbe({ syncs, punches, readsDirectly }: NonNullable<DoctorFacts['probe']>): Finding[] {
  return [
    syncs
      ? finding('ok', 'sync', 'files and folders can be synced')
      : finding('unsafe', 'sync', 'files cannot be synced there: nothing would survive a power cut'),
    punches === null
      ? finding('missing', 'holes', 'node:ffi is not there: space returns by whole files only')
      : punches
        ? finding('ok', 'holes', 'space returns by punched holes')
        : finding('missing', 'holes', 'the file system punches none: space returns by whole files only'),
    readsDirectly === null
      ? finding('unknown', 'direct reads', 'not tried')
      : finding(
          'ok',
          'direct reads',
          readsDirectly ? 'O_DIRECT works (and is not needed)' : 'no O_DIRECT; it is not needed',
        ),
  ];
}

function judgeClock({ nowMs, lastWrittenMs, isSynchronized }: DoctorFacts['clock']): Finding[] {
  const aheadMs = (lastWrittenMs ?? 0) - nowMs;
  const seconds = Math.round(aheadMs / 1000);
  return [
    aheadMs > CLOCK_SLACK_MS
      ? finding(
          'unsafe',
          'clock',
          `it is ${seconds} s behind the last write of the catalog: it was put back, or is wrong. Set it; locks of snapshots do not end earlier by that`,
        )
      : finding('ok', 'clock', 'not behind what was written last'),
    isSynchronized === null
      ? finding('unknown', 'clock source', 'timedatectl is not there to say whether anything keeps the clock right')
      : isSynchronized
        ? finding('ok', 'clock source', 'synchronized')
        : finding(
            'unsafe',
            'clock source',
            'nothing keeps the clock right: requests are refused when it differs by 15 minutes; run an NTP client',
          ),
  ];
}

function judgeKeys(files: DoctorFacts['keyFiles']): Finding[] {
  const open = files.filter(({ mode }) => (mode & 0o077) !== 0);
  if (open.length === 0) return files.length === 0 ? [] : [finding('ok', 'keys', 'readable by their owner alone')];
  return open.map(({ file, mode }) =>
    finding(
      'unsafe',
      'keys',
      `${file} is open to others (${(mode & 0o777).toString(8)}): chmod go= it, and make new keys if others were there`,
    ),
  );
}

function judgeServer({ server, isPortFree }: DoctorFacts): Finding[] {
  if (server === null) {
    return isPortFree === false
      ? [
          finding(
            'missing',
            'server',
            'none runs on the folder, and the port 7400 is in use by another program: choose another with --listen',
          ),
        ]
      : [finding('ok', 'server', 'none runs on the folder')];
  }
  const { endpoint, answers, isExposed } = server;
  const isPlain = endpoint.startsWith('http:');
  return [
    answers
      ? finding('ok', 'server', `${endpoint} is well`)
      : finding('unsafe', 'server', `${endpoint} does not answer, or is not well: its log says why`),
    isExposed && isPlain
      ? finding(
          'unsafe',
          'network',
          `others reach ${endpoint} without TLS, and read all of it on the way: start with --tls`,
        )
      : finding('ok', 'network', isExposed ? 'others reach it, over TLS' : 'only this machine reaches it'),
  ];
}

function judgeCopy({ catalogCopyAtMs, clock, server }: DoctorFacts): Finding[] {
  if (catalogCopyAtMs === null)
    return server === null
      ? []
      : [finding('missing', 'copy of the catalog', 'none is in the repository yet: one is made within the hour')];
  const ageMs = clock.nowMs - catalogCopyAtMs;
  const age = `${Math.max(0, Math.round(ageMs / 60_000))} minutes old`;
  if (server === null || ageMs <= COPY_AGE_MS) return [finding('ok', 'copy of the catalog', age)];
  return [
    finding(
      'unsafe',
      'copy of the catalog',
      `${age}: the server makes one each hour, and its log says why it does not`,
    ),
  ];
}

function judgeTools({ tools, kvm }: DoctorFacts): Finding[] {
  const found = tools.map(({ name, isThere, forWhat }) =>
    finding(isThere ? 'ok' : 'missing', name, isThere ? 'found' : `not found; ${forWhat}`),
  );
  const texts = {
    usable: finding('ok', 'KVM', '/dev/kvm can be opened; whether it boots a guest was not tried'),
    closed: finding('missing', 'KVM', '/dev/kvm is there, but not for this user: add it to the group kvm'),
    absent: finding('missing', 'KVM', 'no /dev/kvm: machines would be slow; nothing that is built needs it yet'),
  };
  return [...found, texts[kvm]];
}

function finding(level: Finding['level'], subject: string, text: string): Finding {
  return { level, subject, text };
}
