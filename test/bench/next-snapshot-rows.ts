/**
 * P6: the next snapshot of a large sparse disk of which little has changed: whole chunks, or single blocks in many chunks.
 * Restic reads the whole disk each time, so that the peers have one run where we have three.
 */
import { CHUNK_BYTES } from '../../src/lib/geometry.ts';
import { memoryRow, storeInTurn, timeAndBytesRow, type Runs } from './archive-contest.ts';
import { openArchivers, OURS, type Archiver, type Stored } from './archivers.ts';
import { withBed, type Bed } from './bed.ts';
import { change, copyIn, GIB, makeSparseImage, type Image } from './images.ts';
import type { Row, RowMaker } from './row.ts';

const CHANGES = [
  { what: '1 % of chunks changed', unitBytes: CHUNK_BYTES, leastSpeed: 30 },
  { what: '1 % of 4 KiB blocks changed, scattered', unitBytes: 4096, leastSpeed: 3 },
];

export const nextSnapshotRows: RowMaker = {
  targets: ['P6'],
  make: async (options) => {
    const { quick } = options;
    const sizeGib = quick ? 16 : 64;
    return withBed(options, sizeGib, async (bed) => {
      const image = makeSparseImage(bed.folder, sizeGib, quick ? GIB / 2 : 4 * GIB);
      await copyIn(bed, image);
      const archivers = await openArchivers(bed, image.file);
      await storeInTurn(archivers, new Map());
      const rows: Row[] = [];
      for (const each of CHANGES) {
        const runs = await storeChanges(bed, image, archivers, { unitBytes: each.unitBytes, count: quick ? 1 : 3 });
        rows.push(...rowsOf(`next snapshot of ${image.what}, ${each.what}`, archivers, runs, each.leastSpeed));
      }
      return rows;
    });
  },
};

/** The first change is everybody's. What only we store is not in the file: the peers' next backup would store it too. */
async function storeChanges(
  bed: Bed,
  image: Image,
  archivers: Archiver[],
  { unitBytes, count }: { unitBytes: number; count: number },
): Promise<Runs<Stored>> {
  const runs: Runs<Stored> = new Map();
  for (let run = 0; run < count; run += 1) {
    await change(bed, image, { unitBytes, share: 0.01, alsoImage: run === 0 });
    await storeInTurn(run === 0 ? archivers : archivers.filter(({ name }) => name === OURS), runs);
  }
  return runs;
}

function rowsOf(what: string, archivers: Archiver[], runs: Runs<Stored>, leastSpeed: number): Row[] {
  const peers = archivers.filter(({ name }) => name !== OURS);
  return [
    ...peers.map((peer) =>
      timeAndBytesRow({ target: 'P6', what, peer }, runs, peer.name === 'restic' ? leastSpeed : null),
    ),
    memoryRow('P6', `memory of the ${what}, most`, runs),
  ];
}
