/**
 * A transfer worker: a child process that uploads one frozen view for the control plane and ends. It ends at once when
 * its channel closes, wherever it is: what it has written by then are whole packs and files in `tmp/`.
 */
import type { DiskdCalls } from '../disk/protocol.ts';
import { systemClock } from '../lib/clock.ts';
import { LineClient } from '../lib/line-channel.ts';
import { systemRandom } from '../lib/random.ts';
import type { UploadJob, UploadResult } from './job.ts';
import { Courtesy } from './step-back.ts';
import { uploadView } from './upload.ts';
import { runOneJob } from './worker-channel.ts';

/** Takes one `UploadJob` from the channel. Returns the exit code. */
export async function runTransferWorker(): Promise<number> {
  return await runOneJob<UploadResult>('transfer', async (order, onProgress) => {
    const job = order as UploadJob;
    const diskd = await LineClient.connect<DiskdCalls>(job.diskdSocket);
    try {
      const courtesy = new Courtesy(systemClock);
      const pace = (bytes: number) => courtesy.pace(bytes);
      return await uploadView(job, { diskd, pace, clock: systemClock, random: systemRandom, onProgress });
    } finally {
      diskd.close();
    }
  });
}
