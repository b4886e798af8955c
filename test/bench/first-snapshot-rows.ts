/**
 * P5: the first snapshot of an image, the next one while nothing has changed, and one after scattered small changes,
 * beside restic and borg on the same image.
 */
import { bytesRow, memoryRow, storeInTurn, timeAndBytesRow, timeRow, type Runs } from './archive-contest.ts';
import { openArchivers, OURS, type Archiver, type Stored } from './archivers.ts';
import { withBed, withFolder, type Bed } from './bed.ts';
import { change, copyIn, makeFileImage, makeNoiseImage, type Image } from './images.ts';
import type { BenchOptions, Row, RowMaker } from './row.ts';

const DISK_GIB = 20;

/** What is asked against restic. */
interface Goals {
  leastSpeed: number | null;
  mostBytes: number | null;
  mostRewrittenBytes: number | null;
}

export const firstSnapshotRows: RowMaker = {
  targets: ['P5'],
  make: (options) =>
    withFolder(options, async (folder) => {
      const files = await makeFileImage(options, folder);
      const rows = await rowsOf(files, { leastSpeed: 2.5, mostBytes: 1.1, mostRewrittenBytes: 1 }, options);
      const noise = makeNoiseImage(options, folder);
      return [
        ...rows,
        ...(await rowsOf(noise, { leastSpeed: null, mostBytes: null, mostRewrittenBytes: null }, options)),
      ];
    }),
};

async function rowsOf(image: Image, goals: Goals, options: BenchOptions): Promise<Row[]> {
  const first: Runs<Stored> = new Map();
  const rewritten: Runs<Stored> = new Map();
  const unchanged: Runs<Stored> = new Map();
  const changed: Runs<Stored> = new Map();
  let peers: Archiver[] = [];
  const runCount = options.quick ? 1 : 3;
  for (let run = 0; run < runCount; run += 1) {
    await withBed(options, DISK_GIB, async (bed) => {
      await copyIn(bed, image);
      const archivers = await openArchivers(bed, image.file);
      peers = archivers.filter(({ name }) => name !== OURS);
      const before = bed.server.repositoryBytes();
      await storeInTurn(archivers, first);
      if (goals.mostRewrittenBytes !== null) note(rewritten, await rewriteInBackground(bed, before));
      await storeInTurn(archivers, unchanged);
      if (run < runCount - 1) return; // every run begins with the same image
      await change(bed, image, { unitBytes: 4096, share: 0.01, alsoImage: true });
      await storeInTurn(archivers, changed);
    });
  }
  rewritten.set('restic', first.get('restic') ?? []);
  const beside = (what: string, runs: Runs<Stored>) =>
    peers.map((peer) => timeAndBytesRow({ target: 'P5', what, peer }, runs, null));
  return [
    ...peers.flatMap((peer) => firstRows(image, peer, first, peer.name === 'restic' ? goals : null)),
    ...peers.flatMap((peer) =>
      peer.name === 'restic' && goals.mostRewrittenBytes !== null
        ? [
            bytesRow(
              { target: 'P5', what: 'bytes after background rewriting', peer },
              rewritten,
              goals.mostRewrittenBytes,
            ),
          ]
        : [],
    ),
    memoryRow('P5', `memory of the first snapshot of ${image.what}, most`, first),
    ...beside(`unchanged snapshot of ${image.what}`, unchanged),
    ...beside(`snapshot of ${image.what}, 1 % of 4 KiB blocks changed, scattered`, changed),
  ];
}

/** What the first snapshot takes once all its packs are rewritten, which a server does when they are a day old. */
async function rewriteInBackground(bed: Bed, bytesBefore: number): Promise<Stored> {
  const { status, stderr } = bed.server.cli('repository', 'compact', '--data', bed.server.dataFolder);
  if (status !== 0) throw new Error(`hupo repository compact: ${stderr}`);
  return { seconds: 0, peakBytes: 0, addedBytes: bed.server.repositoryBytes() - bytesBefore };
}

function note(runs: Runs<Stored>, stored: Stored): void {
  runs.set(OURS, [...(runs.get(OURS) ?? []), stored]);
}

function firstRows({ what }: Image, peer: Archiver, runs: Runs<Stored>, goals: Goals | null): Row[] {
  return [
    timeRow({ target: 'P5', what: `first snapshot of ${what}, time`, peer }, runs, goals?.leastSpeed ?? null),
    bytesRow({ target: 'P5', what: 'its bytes stored', peer }, runs, goals?.mostBytes ?? null),
  ];
}
