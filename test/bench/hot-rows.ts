/** P1: small random requests in the page cache, against qemu-nbd on qcow2; raw and nbdkit beside. */
import { fill, openOwn, redirect, withBed, type Bed, type OwnDisk } from './bed.ts';
import { compete, scoreRow, type ServedDisk } from './contest.ts';
import { MIB, settle, type Load } from './load.ts';
import { openPeer, PEER_KINDS } from './peers.ts';
import type { Row, RowMaker } from './row.ts';

const SIZE_BYTES = 1024 * MIB;
const REDIRECTED = 'Hupo, redirected';
const PLAIN = 'Hupo, plain';

export const hotRows: RowMaker = {
  targets: ['P1'],
  make: (options) => withBed(options, 1, async (bed) => makeRows(bed, options.quick)),
};

async function makeRows(bed: Bed, quick: boolean): Promise<Row[]> {
  const disks = await prepare(bed);
  const views = await redirect(bed, disks.redirected, SIZE_BYTES);
  await settle();
  const load: Load = { rw: 'randwrite', blockBytes: 4096, depth: 32, seconds: quick ? 1 : 2, sizeBytes: SIZE_BYTES };
  const loads: [string, Load, number | null][] = [
    // Reads first: a redirected disk that is written goes on changing.
    ['4 KiB random read, depth 32, hot', { ...load, rw: 'randread' }, 3],
    ['4 KiB random write, depth 32, hot', load, 3.5],
    ['4 KiB random write, depth 32, fsync after every 32', { ...load, fsync: 32 }, null],
  ];
  const rows: Row[] = [];
  for (const [what, each, least] of loads) {
    const scores = await compete(disks.all, each, quick ? 1 : 5);
    const row = (how: string, ours: string) =>
      scoreRow({ target: 'P1', what: `${what}, ${how}`, ours, peers: PEER_KINDS, least }, scores, each);
    rows.push(row(`through redirects (${views} views)`, REDIRECTED), row('plain map', PLAIN));
  }
  for (const disk of disks.all) if (disk !== disks.redirected) await disk.close(); // it has views: it goes with the server
  return rows;
}

async function prepare(bed: Bed): Promise<{ all: ServedDisk[]; redirected: OwnDisk }> {
  const redirected = await openOwn(bed, 20, REDIRECTED);
  const all: ServedDisk[] = [redirected, await openOwn(bed, 20, PLAIN)];
  for (const kind of PEER_KINDS) all.push(await openPeer(kind, bed.folder, 20));
  for (const disk of all) await fill(disk, SIZE_BYTES);
  return { all, redirected };
}
