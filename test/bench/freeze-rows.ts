/**
 * P3: how long a freeze holds what a guest asked for. It cannot be seen from outside which part of a request's time a
 * freeze has cost, so the row tells the most that it can be: of the requests in flight between the freeze's call and its
 * reply, the longest time from the call to the request's end, and of these, over all freezes, the p99. The same is taken
 * in the same run at instants without a freeze, and told beside. Where a request takes longer than the target even then,
 * what the freeze adds to that p99 is judged instead, and the row says so.
 *
 * Freezes go to diskd itself (a group's as `freezeGroup`, which holds all until the last is frozen), so that the window is short and no upload follows; what the upload costs is P4's, and
 * CreateSnapshot's reply is timed on its own.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { DiskdCalls } from '../../src/disk/protocol.ts';
import type { LineClient } from '../../src/lib/line-channel.ts';
import { fill, openOwn, withBed, type Bed, type OwnDisk } from './bed.ts';
import { dropCaches, fio, MIB, settle } from './load.ts';
import { Guest, type GuestRequest, type Window } from './guest.ts';
import { limitRow, quantile, type Row, type RowMaker } from './row.ts';

const SIZE_BYTES = 1024 * MIB;
const GROUP_BYTES = 64 * MIB;
const GROUP_COUNT = 16;
const LARGE_GIB = 32 * 1024;
/** So many scattered blocks make the map of the large disk as wide as it can be. */
const SCATTERED_COUNT = 10_000;
/** How long after a freeze its syncing may be felt. */
const AFTERMATH_MS = 50;
/** Instants without a freeze to each with one. */
const IDLE_INSTANTS = 4;

interface GuestLoad {
  what: string;
  request: (sizeBytes: number) => GuestRequest;
  pauseMs: number;
  cold: boolean;
}

const offset = (sizeBytes: number, unit: number) => Math.floor((Math.random() * sizeBytes) / unit) * unit;
const block = Buffer.alloc(4096, 7);
const mebibyte = Buffer.alloc(MIB, 8);
const writeSmall =
  (sizeBytes: number): GuestRequest =>
  (client) =>
    client.write(offset(sizeBytes, 4096), block, { fua: true });
const writeLarge =
  (sizeBytes: number): GuestRequest =>
  (client) =>
    client.write(offset(sizeBytes, MIB), mebibyte);
const readSmall =
  (sizeBytes: number): GuestRequest =>
  (client) =>
    client.read(offset(sizeBytes, 4096), 4096);

const loads: GuestLoad[] = [
  { what: '4 KiB writes with fsync', request: writeSmall, pauseMs: 0, cold: false },
  { what: '1 MiB writes at an easy pace', request: writeLarge, pauseMs: 20, cold: false },
  { what: '1 MiB writes, saturated', request: writeLarge, pauseMs: 0, cold: false },
  { what: 'cold 4 KiB reads', request: readSmall, pauseMs: 0, cold: true },
];

interface Target {
  name: string;
  disks: OwnDisk[];
  /** The part of each that the guest uses. */
  sizeBytes: number;
  mostMs: number;
}

export const freezeRows: RowMaker = {
  targets: ['P3'],
  make: (options) =>
    withBed(options, 1, async (bed) => {
      const freezes = options.quick ? 10 : 100;
      const rows: Row[] = [];
      for (const open of [openOne, openLarge, openGroup]) {
        const target = await open(bed);
        for (const load of loads) rows.push(await holdRow(bed, target, load, freezes));
        for (const disk of target.disks) await disk.close();
      }
      return [...rows, ...(await replyRows(bed, freezes))];
    }),
};

async function openOne(bed: Bed): Promise<Target> {
  const disk = await openOwn(bed, 20);
  await fill(disk, SIZE_BYTES);
  return { name: 'one disk', disks: [disk], sizeBytes: SIZE_BYTES, mostMs: 10 };
}

async function openLarge(bed: Bed): Promise<Target> {
  const disk = await openOwn(bed, LARGE_GIB);
  await fill(disk, SIZE_BYTES);
  const sizeBytes = LARGE_GIB * 1024 * MIB;
  await fio(disk.uri, { rw: 'randwrite', blockBytes: 4096, depth: 32, sizeBytes, count: SCATTERED_COUNT });
  return { name: 'one disk of 32 TiB', disks: [disk], sizeBytes: SIZE_BYTES, mostMs: 10 };
}

async function openGroup(bed: Bed): Promise<Target> {
  const disks: OwnDisk[] = [];
  for (let index = 0; index < GROUP_COUNT - 1; index += 1) disks.push(await openOwn(bed, 1));
  // The bed's own disk is the sixteenth: an instance takes no more.
  const own = { name: 'Hupo', diskId: bed.diskId, uri: bed.uri, pid: 0, close: async () => undefined };
  disks.push(own);
  for (const disk of disks) await fill(disk, GROUP_BYTES);
  return { name: `${GROUP_COUNT} disks together`, disks, sizeBytes: GROUP_BYTES, mostMs: 25 };
}

async function holdRow(bed: Bed, target: Target, load: GuestLoad, freezes: number): Promise<Row> {
  const { disks, sizeBytes } = target;
  await settle();
  // A group's guests do together what one disk's guest does with four lanes.
  const lanes = disks.length === 1 ? 4 : 1;
  const how = { lanes, pauseMs: load.pauseMs * Math.max(1, disks.length / 4) };
  const guests = await Promise.all(disks.map(async ({ uri }) => Guest.start(uri, load.request(sizeBytes), how)));
  const { frozen, idle } = await freezeOften(bed, disks, { freezes, cold: load.cold });
  await Promise.all(guests.map(async (guest) => guest.stop()));
  const p99 = (windows: Window[], measure: (guest: Guest, window: Window) => number) =>
    quantile(
      windows.map((window) => Math.max(...guests.map((guest) => measure(guest, window)))),
      0.99,
    );
  const held = (windows: Window[]) => p99(windows, (guest, window) => guest.longestFrom(window));
  const felt = (windows: Window[]) =>
    p99(windows, (guest, { from }) => guest.longest({ from, to: from + AFTERMATH_MS }));
  const usual = held(idle);
  const total = held(frozen);
  const asAdded = usual > target.mostMs;
  const beside = [
    ...(asAdded ? [`judged by what it adds to the p99: ${Math.max(0, total - usual).toFixed(1)} ms`] : []),
    `at random instants ${usual.toFixed(1)} ms`,
    `longest request in the ${AFTERMATH_MS} ms after ${felt(frozen).toFixed(1)} ms against ${felt(idle).toFixed(1)} ms`,
  ];
  const what = `held by a freeze at most, p99 of ${freezes}, ${target.name}, ${load.what} (${beside.join('; ')})`;
  const row = limitRow('P3', what, total, 'ms', target.mostMs);
  return asAdded ? { ...row, reached: total - usual <= target.mostMs } : row;
}

/** Freezes all disks at once, again and again; the windows of the freezes, and more of the same lengths without one. */
async function freezeOften(
  bed: Bed,
  disks: OwnDisk[],
  how: { freezes: number; cold: boolean },
): Promise<{ frozen: Window[]; idle: Window[] }> {
  const diskd = await bed.server.diskd();
  const frozen: Window[] = [];
  const idle: Window[] = [];
  for (let freeze = 0; freeze < how.freezes; freeze += 1) {
    if (how.cold && freeze % 10 === 0) await dropCaches();
    await delay(20 + 40 * Math.random());
    const instants: number[] = [];
    while (instants.length < IDLE_INSTANTS) {
      instants.push(performance.now());
      await delay(10 + 5 * Math.random());
    }
    await delay(AFTERMATH_MS - 10);
    const window = await freezeAll(diskd, disks, `s-bench${Math.round(performance.now() * 1000)}`);
    frozen.push(window);
    for (const from of instants) idle.push({ from, to: from + window.to - window.from });
  }
  await delay(AFTERMATH_MS);
  diskd.close();
  return { frozen, idle };
}

async function freezeAll(diskd: LineClient<DiskdCalls>, disks: OwnDisk[], snapshotId: string): Promise<Window> {
  const from = performance.now();
  const [first] = disks;
  const members = disks.map(({ diskId }, index) => ({ diskId, snapshotId: `${snapshotId}-${index}` }));
  if (disks.length === 1) await diskd.call('freeze', { diskId: first!.diskId, snapshotId: `${snapshotId}-0` });
  else await diskd.call('freezeGroup', { groupId: snapshotId, members });
  const to = performance.now();
  await delay(AFTERMATH_MS);
  await Promise.all(members.map(async (name) => diskd.call('awaitDurable', name)));
  await Promise.all(members.map(async (name) => diskd.call('releaseView', { ...name, committed: false })));
  return { from, to };
}

async function replyRows(bed: Bed, count: number): Promise<Row[]> {
  const disk = await openOwn(bed, 20);
  await fill(disk, GROUP_BYTES);
  const guest = await Guest.start(disk.uri, writeSmall(GROUP_BYTES), { lanes: 4, pauseMs: 5 });
  const replies: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const start = performance.now();
    const answer = await bed.server.call('CreateSnapshot', { DiskId: disk.diskId });
    replies.push(performance.now() - start);
    await bed.server.finishedSnapshot(answer.SnapshotId, 600_000);
  }
  await guest.stop();
  await disk.close();
  const what = `CreateSnapshot's reply, p99 of ${count}, under 4 KiB writes with fsync (median ${quantile(replies, 0.5).toFixed(1)} ms)`;
  return [limitRow('P3', what, quantile(replies, 0.99), 'ms', 100)];
}
