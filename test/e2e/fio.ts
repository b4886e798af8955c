/** fio, writing what it can tell again: its verifying jobs over NBD, to their end or stopped in the middle. */
import { spawn, type ChildProcess } from 'node:child_process';

export interface VerifiedJob {
  uri: string;
  /** What it writes: another seed, other bytes at every place and in another order (1 … 2 ** 32 − 1). */
  seed: number;
  offsetMib: number;
  sizeMib: number;
  /** fio's `bssplit`, or one block size. */
  blocks: string;
  depth: number;
  /** A checksum in every sector: notices what is torn or misplaced, but not what is old. Else the seed and the place. */
  checksum?: boolean;
  /** MiB a second at most. */
  rateMib?: number;
}

/** Sizes from one sector to 1 MiB: parts of blocks, whole ones, parts of chunks, and many chunks. */
export const MIXED_BLOCKS = '512/15:1536/5:4k/35:20k/10:64k/20:256k/10:1m/5';

/** The arguments that writing and verifying have in common: every place of the range is written once. */
export function jobArguments(job: VerifiedJob): string[] {
  return [
    `--name=seed-${job.seed}`,
    '--ioengine=nbd',
    `--uri=${job.uri}`,
    '--rw=randwrite',
    job.blocks.includes('/') ? `--bssplit=${job.blocks}` : `--bs=${job.blocks}`,
    `--offset=${job.offsetMib}m`,
    `--size=${job.sizeMib}m`,
    `--iodepth=${job.depth}`,
    `--randseed=${job.seed}`,
    '--allrandrepeat=1',
    ...(job.checksum === true
      ? ['--verify=crc32c', '--verify_interval=512']
      : ['--verify=pattern', `--verify_pattern=0x${job.seed.toString(16).padStart(8, '0')}%o`]),
    '--verify_fatal=1',
    ...(job.rateMib === undefined ? [] : [`--rate=${job.rateMib}m`]),
  ];
}

/** A running fio. Its state files go to `folder`. */
export class Fio {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  readonly #arguments: string[];
  #output = '';

  constructor(folder: string, args: string[]) {
    this.#arguments = args;
    this.#child = spawn('fio', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
    this.#ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code) => resolve(code));
    });
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Until it ends, content with what it read. */
  async succeed(): Promise<void> {
    const code = await this.#ended;
    if (code !== 0) throw new Error(`fio ${this.#arguments.join(' ')} ended with ${code}:\n${this.#output}`);
  }

  /** Until it ends; what it found wrong, or null when it was content. */
  async complaint(): Promise<string | null> {
    const code = await this.#ended;
    return code === 0 ? null : this.#output;
  }

  /** As Ctrl-C: it waits for what is under way and says how far it came. */
  async interrupt(): Promise<void> {
    this.#child.kill('SIGINT');
    await this.#ended;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
