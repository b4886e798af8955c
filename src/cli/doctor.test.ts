import assert from 'node:assert/strict';
import test from 'node:test';
import { GIB } from '../lib/geometry.ts';
import { findMount, isListeningToOthers, parseOpenFiles } from './doctor-facts.ts';
import { formatFindings } from './doctor.ts';
import { isUnsafe, judge } from './doctor-judge.ts';
import type { DoctorFacts, PlaceFacts } from './doctor-judge.ts';

const NOW_MS = Date.UTC(2026, 10, 23);

const place = (change: Partial<PlaceFacts> = {}): PlaceFacts => ({
  ...{ folder: '/srv/hupo/disks', deviceId: '1', fileSystem: 'ext4', mountOptions: ['rw'] },
  device: { name: 'nvme0n1', physicalBlockBytes: 4096, atomicWriteBytes: 0, writeCache: 'write back' },
  space: { freeBytes: 500 * GIB, sizeBytes: 1000 * GIB },
  ...change,
});

/** A machine where all is well. */
const well: DoctorFacts = {
  ...{ nodeVersion: 'v26.1.0', platform: 'linux', memoryBytes: 8 * GIB, openFilesLimit: 65_536 },
  disks: place(),
  repository: place({ folder: '/srv/hupo/repository', deviceId: '2' }),
  probe: { syncs: true, punches: true, readsDirectly: true },
  clock: { nowMs: NOW_MS, lastWrittenMs: NOW_MS - 1000, isSynchronized: true },
  keyFiles: [{ file: '/srv/hupo/keys/root.json', mode: 0o100600 }],
  tools: [{ name: 'qemu-img', isThere: true, forWhat: '' }],
  kvm: 'usable',
  server: { endpoint: 'http://127.0.0.1:7400', answers: true, isExposed: false },
  isPortFree: null,
  catalogCopyAtMs: NOW_MS - 60_000,
};

const levelsOf = (change: Partial<DoctorFacts>, subject: RegExp) =>
  judge({ ...well, ...change })
    .filter((finding) => subject.test(finding.subject))
    .map(({ level }) => level);

test('on a machine where all is well nothing else is said', () => {
  const findings = judge(well);
  assert.deepEqual([...new Set(findings.map(({ level }) => level))], ['ok']);
  assert.equal(isUnsafe(findings), false);
});

test('what may lose or show data is unsafe, and each of it alone makes the whole unsafe', () => {
  const device = (change: object) => ({ disks: place({ device: { ...place().device!, ...change } }) });
  const cases: [Partial<DoctorFacts>, RegExp][] = [
    [{ repository: place({ folder: '/srv/hupo/repository' }) }, /^disks and repository$/],
    [device({ physicalBlockBytes: 512 }), /^4 KiB writes of .*disks$/],
    [{ disks: place({ mountOptions: ['rw', 'nobarrier'] }) }, /^flushes of .*disks$/],
    [{ disks: place({ fileSystem: 'tmpfs' }) }, /^file system of .*disks$/],
    [{ disks: place({ fileSystem: 'overlay' }) }, /^file system of .*disks$/],
    [{ disks: place({ space: { freeBytes: 0, sizeBytes: 1000 * GIB } }) }, /^room in .*disks$/],
    [{ probe: { syncs: false, punches: true, readsDirectly: null } }, /^sync$/],
    [{ clock: { ...well.clock, lastWrittenMs: NOW_MS + 60_000 } }, /^clock$/],
    [{ clock: { ...well.clock, isSynchronized: false } }, /^clock source$/],
    [{ keyFiles: [{ file: 'root.json', mode: 0o100644 }] }, /^keys$/],
    [{ server: { endpoint: 'http://10.0.0.1:7400', answers: true, isExposed: true } }, /^network$/],
    [{ server: { ...well.server!, answers: false } }, /^server$/],
    [{ catalogCopyAtMs: NOW_MS - 86_400_000 }, /^copy of the catalog$/],
  ];
  for (const [change, subject] of cases) {
    assert.deepEqual(levelsOf(change, subject), ['unsafe'], String(subject));
    assert.equal(judge({ ...well, ...change }).filter(({ level }) => level === 'unsafe').length, 1, String(subject));
  }
});

test('what is not told is unknown, never well', () => {
  const on = (name: string) => ({ disks: place({ device: { ...place().device!, name, physicalBlockBytes: 512 } }) });
  for (const name of ['dm-0', 'loop3', 'md127', 'vda'])
    assert.deepEqual(levelsOf(on(name), /^4 KiB .*disks$/), ['unknown']);
  assert.deepEqual(levelsOf({ disks: place({ device: null }) }, /^(4 KiB|flushes) .*disks$/), ['unknown', 'unknown']);
  assert.deepEqual(levelsOf({ disks: place({ fileSystem: 'nfs4' }) }, /^file system of .*disks$/), ['unknown']);
  assert.deepEqual(levelsOf({ clock: { ...well.clock, isSynchronized: null } }, /^clock source$/), ['unknown']);
  assert.deepEqual(levelsOf({ openFilesLimit: null }, /^open files$/), ['unknown']);
  assert.deepEqual(levelsOf({ disks: null, repository: null }, /^data folder$/), ['unknown']);
});

test('what some command wants and is not there is missing, and no danger', () => {
  const change: Partial<DoctorFacts> = {
    ...{
      nodeVersion: 'v20.1.0',
      memoryBytes: GIB / 2,
      openFilesLimit: 256,
      kvm: 'absent',
      server: null,
      isPortFree: false,
    },
    tools: [{ name: 'qemu-img', isThere: false, forWhat: 'images' }],
    disks: place({ space: { freeBytes: 3 * GIB, sizeBytes: 1000 * GIB } }),
  };
  const findings = judge({ ...well, ...change });
  assert.equal(findings.filter(({ level }) => level === 'missing').length, 7);
  assert.equal(isUnsafe(findings), false);
  assert.match(formatFindings(findings), /^missing  Node: v20.1.0: 24 or newer/);
});

test('a device that promises 4 KiB is believed, whatever it stands on', () => {
  const device = { name: 'vda', physicalBlockBytes: 512, atomicWriteBytes: 4096, writeCache: 'write through' };
  assert.deepEqual(levelsOf({ disks: place({ device }) }, /^4 KiB .*disks$/), ['ok']);
});

test('mounts, limits and listening sockets are read as Linux writes them', () => {
  const mountinfo = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,barrier=0
40 22 254:16 / /srv/a\\040b rw,noatime - xfs /dev/vdb rw,attr2
`;
  assert.deepEqual(findMount(mountinfo, '/srv/a b/disks'), {
    ...{ folder: '/srv/a b', fileSystem: 'xfs', source: '/dev/vdb', options: ['rw', 'noatime', 'rw', 'attr2'] },
  });
  assert.equal(findMount(mountinfo, '/srv/a bc')?.fileSystem, 'ext4');
  assert.equal(parseOpenFiles('Max open files            1024                 524288               files\n'), 1024);
  assert.equal(parseOpenFiles('Max open files            unlimited            unlimited            files\n'), Infinity);
  const line = (address: string) => `   0: ${address}:1CE8 00000000:0000 0A 00000000:00000000 00:00000000\n`;
  assert.equal(isListeningToOthers(line('0100007F'), 7400), false);
  assert.equal(isListeningToOthers(line('00000000'), 7400), true);
  assert.equal(isListeningToOthers(line('00000000000000000000000001000000'), 7400), false);
  assert.equal(isListeningToOthers(line('00000000000000000000000000000000'), 7400), true);
  assert.equal(isListeningToOthers(line('00000000'), 80), false);
});
