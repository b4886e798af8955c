/** Another region of a world's server, as far as copies need it: a repository, and sources that are in it. */
import crypto from 'node:crypto';
import assert from 'node:assert/strict';
import type { CopiedImage, CopySource, RegionDesk } from '../../src/control/regions.ts';
import { repositoryIn } from '../../src/repository/stores.ts';
import { FakeRepository, fakeRepositories } from './fake-stores.ts';
import type { World } from './world.ts';

export class FakeRegion {
  readonly regionId: string;
  readonly #repository = new FakeRepository();

  /** From then on the world's server has this region too. */
  constructor(world: World, regionId: string) {
    this.regionId = regionId;
    const repositoryPlace = repositoryIn(`/nowhere/${crypto.randomUUID()}`);
    fakeRepositories.set(repositoryPlace.storeFolder, this.#repository);
    const desk: RegionDesk = {
      repositoryPlace,
      receiveSnapshot: async () => assert.fail('nothing is copied to it'),
      receiveImage: async () => assert.fail('nothing is copied to it'),
      hasSnapshot: async () => true,
      listCopiesOf: async () => [],
    };
    world.regions.add(regionId, desk);
  }

  snapshot(snapshotId: string, words: Record<string, string>): CopySource {
    return {
      ...{ regionId: this.regionId, snapshotId, diskId: 'd-far', diskType: 'system', sizeGib: 40 },
      ...{ tree: this.#repository.put(words), generation: 1, incarnation: 1 },
    };
  }

  image(imageId: string, systemDisk: CopySource): CopiedImage {
    return {
      ...{ regionId: this.regionId, imageId, platform: 'Ubuntu', architecture: 'x86_64' },
      ...{ imageFamily: '', imageVersion: '', bootMode: 'BIOS' },
      disks: [{ device: '/dev/xvda', type: 'system', sizeGib: 40, source: systemDisk }],
    };
  }
}
