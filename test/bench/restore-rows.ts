/** P8: a whole snapshot restored to a file, beside restic, borg and `zstd -d` of the same image. */
import fs from 'node:fs';
import path from 'node:path';
import { inTurn, memoryRow, storeInTurn, timeRow, type Runs } from './archive-contest.ts';
import { openArchivers, OURS } from './archivers.ts';
import { withBed } from './bed.ts';
import { copyIn, makeFileImage } from './images.ts';
import { output } from './load.ts';
import type { RowMaker } from './row.ts';
import { spend, type Spent } from './spent.ts';

/** How much faster than each peer we must be. */
const LEAST_SPEED = new Map([
  ['restic', 7],
  ['zstd -d', 2],
]);

/** Whoever makes the image anew from what it has kept. */
interface Restorer {
  name: string;
  how: string;
  restore: () => Promise<Spent>;
}

export const restoreRows: RowMaker = {
  targets: ['P8'],
  make: (options) =>
    withBed(options, 20, async (bed) => {
      const image = await makeFileImage(options, bed.folder);
      await copyIn(bed, image);
      const archivers = await openArchivers(bed, image.file);
      await storeInTurn(archivers, new Map());
      const restorers: Restorer[] = [...archivers, await packed(image.file)];
      const runs: Runs<Spent> = new Map();
      for (let run = 0; run < (options.quick ? 1 : 3); run += 1) {
        await inTurn(restorers, runs, async (restorer) => restorer.restore());
      }
      const what = `whole restore of ${image.what} to a file`;
      return [
        ...restorers
          .filter(({ name }) => name !== OURS)
          .map((peer) => timeRow({ target: 'P8', what, peer }, runs, LEAST_SPEED.get(peer.name) ?? null)),
        memoryRow('P8', `memory of the ${what}, most`, runs),
      ];
    }),
};

async function packed(image: string): Promise<Restorer> {
  const source = `${image}.zst`;
  const target = path.join(path.dirname(image), 'plain.img');
  await output('zstd', ['-q', '-T0', image, '-o', source]);
  return {
    name: 'zstd -d',
    how: ' of the same image',
    restore: async () =>
      spend('zstd', ['-q', '-d', source, '-o', target]).finally(() => fs.rmSync(target, { force: true })),
  };
}
