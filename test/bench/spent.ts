/** What work takes: seconds, and the most memory of the processes that do it. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { text } from 'node:stream/consumers';

const LOOK_MS = 20;

export interface Spent {
  seconds: number;
  /** Resident at most, with what of a process's files is mapped. */
  peakBytes: number;
}

/** Runs a program that must succeed. */
export async function spend(
  command: string,
  args: string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<Spent> {
  const start = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], ...options });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const meter = new MemoryMeter(() => (child.pid === undefined ? [] : [child.pid]));
  const [code, errors] = await Promise.all([ended, text(child.stderr)]).finally(() => meter.stop());
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${errors}`);
  return { seconds: (performance.now() - start) / 1000, peakBytes: meter.peakBytes };
}

/**
 * The kernel's own high-water mark of each process, read every 20 ms until it ends, and their sum. Processes are looked
 * for only while none of those that are known lives, so that the look at every process of the machine costs the work nothing.
 */
export class MemoryMeter {
  readonly #find: () => number[];
  readonly #peakOf = new Map<number, number>();
  readonly #timer: NodeJS.Timeout;

  constructor(find: () => number[]) {
    this.#find = find;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** 0 where no process was seen. */
  get peakBytes(): number {
    return [...this.#peakOf.values()].reduce((sum, each) => sum + each, 0);
  }

  #look(): void {
    const living = [...this.#peakOf.keys()].filter((pid) => this.#note(pid));
    if (living.length === 0) for (const pid of this.#find()) this.#note(pid);
  }

  /** False where it has ended. */
  #note(pid: number): boolean {
    const peak = peakOf(pid);
    if (peak !== null) this.#peakOf.set(pid, peak);
    return peak !== null;
  }
}

function peakOf(pid: number): number | null {
  try {
    const found = /^VmHWM:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return found === undefined ? null : Number(found) * 1024;
  } catch {
    return null; // it has ended
  }
}
