/** Uploads and copies, each by a worker of its own. */
import type { CopyJob, CopyResult, UploadJob, UploadResult } from '../transfer/job.ts';
import type { Program } from './diskd-process.ts';
import type { Transfer } from './parts.ts';
import { runWorker } from './worker-process.ts';
import type { WorkerOptions } from './worker-process.ts';

export class TransferProcesses implements Transfer {
  readonly #program: Program;

  constructor(program: Program) {
    this.#program = program;
  }

  async upload(job: UploadJob, options: WorkerOptions): Promise<UploadResult> {
    return await runWorker(this.#program, 'transfer', job, options);
  }

  async copy(job: CopyJob, options: WorkerOptions): Promise<CopyResult> {
    return await runWorker(this.#program, 'copy', job, options);
  }
}
