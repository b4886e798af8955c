/** Writes the fixture of the version that the program writes: `node test/compat/write-fixture.ts`. Never over another. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CHUNK_BYTES } from '../../src/lib/geometry.ts';
import { PACK_VERSION } from '../../src/repository/pack.ts';
import { writeSample } from '../format/sample-repository.ts';
import type { Sample, SampleSnapshot } from '../format/sample-repository.ts';
import { expectationFile, expectationOf, fixtureFolder } from './expectation.ts';
import type { Expectation } from './expectation.ts';

const target = fixtureFolder(PACK_VERSION);
if (fs.existsSync(target)) throw new Error(`${target} is there: what a released version wrote is never written again`);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hupo-fixture-'));
try {
  const sample = await writeSample(folder);
  fs.rmSync(path.join(sample.place.storeFolder, 'tmp'), { recursive: true });
  fs.cpSync(sample.place.storeFolder, target, { recursive: true });
  fs.writeFileSync(expectationFile(PACK_VERSION), `${JSON.stringify(await expect(sample), null, 2)}\n`);
} finally {
  fs.rmSync(folder, { recursive: true });
}

async function expect(sample: Sample): Promise<Expectation> {
  const snapshots: Expectation['snapshots'] = [];
  for (const snapshot of sample.snapshots) {
    const { snapshotId, diskId, createdAtMs } = snapshot;
    snapshots.push({ snapshotId, diskId, createdAtMs, ...(await expectationOf(imageOfSample(snapshot))) });
  }
  const catalog = await expectationOf([sample.catalog]);
  return { snapshots, deletedIds: [sample.deletedId], catalog, ownerEpoch: sample.ownerEpoch };
}

function* imageOfSample({ chunks, sizeBytes }: SampleSnapshot): Generator<Buffer> {
  const zeros = Buffer.alloc(CHUNK_BYTES);
  for (let chunk = 0; chunk * CHUNK_BYTES < sizeBytes; chunk++) yield chunks.get(chunk) ?? zeros;
}
