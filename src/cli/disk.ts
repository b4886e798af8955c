/**
 * `hupo disk list`, `show` and `top`: what the data plane of a folder on this machine serves, and what its disks do now. A rate
 * is the difference of two looks, so that nothing is measured while nobody looks.
 */
import type { CliContext } from '../cli.ts';
import type { DiskState } from '../disk/protocol.ts';
import { systemClock } from '../lib/clock.ts';
import type { Clock } from '../lib/clock.ts';
import { isRetryable, messageOf } from '../lib/errors.ts';
import { formatDisk } from './disk-facts.ts';
import { DiskPlane } from './disk-plane.ts';
import { ratesBetween } from './disk-rates.ts';
import type { DiskRates, DiskSample } from './disk-rates.ts';
import { formatDisks, sortByLoad } from './disk-table.ts';
import type { TableKind } from './disk-table.ts';
import { Screen } from './disk-screen.ts';
import type { Terminal } from './disk-screen.ts';
import { withInterrupt } from './interrupt.ts';
import { UsageError } from './usage-error.ts';

const FIRST_LOOK_MS = 500;
const WATCH_SECONDS = 1;

export interface DiskOptions {
  data: string;
  json?: boolean;
  /** Seconds between two looks; true: one. */
  watch?: string | true;
  /** After so many it ends by itself. */
  count?: string;
}

/** Time and terminal, as a test or the process has them. */
export interface Stage {
  context: CliContext;
  clock: Clock;
  terminal: Terminal;
}

/** One disk is shown, or all are listed. */
type What = { diskId: string } | { table: TableKind };

export function runDisks(what: What, options: DiskOptions, context: CliContext): Promise<number> {
  const { stdout } = process;
  let isGone = false;
  stdout.on('error', () => {
    isGone = true; // standard output never says so otherwise; `main.ts` tells a person what is to be told
  });
  const terminal = {
    isTerminal: stdout.isTTY,
    size: () => ({ columns: stdout.columns, rows: stdout.rows }),
    isGone: () => isGone,
  };
  return withInterrupt((signal) => showDisks(what, options, { context, clock: systemClock, terminal }, signal));
}

/** Returns the exit code; a signal ends a watch well, and nothing else. */
export async function showDisks(what: What, options: DiskOptions, stage: Stage, signal: AbortSignal): Promise<number> {
  const watch = parseWatch(options);
  const { context, clock } = stage;
  const plane = await DiskPlane.connect({ data: options.data, context, clock });
  try {
    const look = async (): Promise<DiskSample> => {
      const disks = 'diskId' in what ? [await plane.describe(what.diskId)] : await plane.list();
      return { atMs: clock.monotonicMs(), disks };
    };
    const printer = new Printer(what, options.json === true, stage);
    const before = await look();
    await clock.sleep(Math.min(FIRST_LOOK_MS, watch?.everyMs ?? FIRST_LOOK_MS), signal);
    if (watch !== null) await watchDisks(watch, { printer, before, look, stage, signal });
    else printer.print(await look(), before);
    return 0;
  } catch (error) {
    if (watch !== null && signal.aborted) return 0; // Ctrl-C is how a watch ends
    throw error;
  } finally {
    plane.close();
  }
}

interface Watch {
  everyMs: number;
  count: number;
}

async function watchDisks(
  { everyMs, count }: Watch,
  running: { printer: Printer; before: DiskSample; look: () => Promise<DiskSample>; stage: Stage; signal: AbortSignal },
): Promise<void> {
  const { printer, look, stage, signal } = running;
  let before: DiskSample | null = running.before;
  printer.begin();
  try {
    for (let left = count; left > 0 && !stage.terminal.isGone(); left--) {
      try {
        const after = await look();
        printer.print(after, before);
        before = after;
      } catch (error) {
        if (!isRetryable(error)) throw error;
        before = null; // it may be started again: what it counts begins anew
        printer.lost(messageOf(error));
      }
      if (left > 1) await stage.clock.sleep(everyMs, signal);
    }
  } finally {
    printer.end();
  }
}

function parseWatch({ watch, count }: DiskOptions): Watch | null {
  if (watch === undefined && count === undefined) return null;
  const seconds = watch === undefined || watch === true ? WATCH_SECONDS : Number(watch);
  if (!(seconds >= 0.1 && seconds <= 3600)) {
    throw new UsageError(`a pause of ${String(watch)} between two looks: give seconds, from 0.1 to 3600`);
  }
  const times = count === undefined ? Infinity : Number(count);
  if (times !== Infinity && !(Number.isSafeInteger(times) && times > 0)) {
    throw new UsageError(`--count ${count}: give a whole number of looks, 1 or more`);
  }
  return { everyMs: seconds * 1000, count: times };
}

/** What one look is printed as: JSON, the facts of one disk, or a table. */
class Printer {
  readonly #what: What;
  readonly #isJson: boolean;
  readonly #stage: Stage;
  readonly #screen: Screen;
  #isLost = false;

  constructor(what: What, isJson: boolean, stage: Stage) {
    this.#what = what;
    this.#isJson = isJson;
    this.#stage = stage;
    this.#screen = new Screen(stage.context.out, {
      ...stage.terminal,
      isTerminal: stage.terminal.isTerminal && !isJson,
    });
  }

  begin(): void {
    this.#screen.begin();
  }

  end(): void {
    this.#screen.end();
  }

  print(after: DiskSample, before: DiskSample | null): void {
    this.#isLost = false;
    const rates = before === null ? new Map<string, DiskRates>() : ratesBetween(before, after);
    if (this.#isJson) this.#printJson(after.disks, rates);
    else if ('diskId' in this.#what) this.#printDisk(after.disks, rates);
    else this.#printTable(this.#what.table, after.disks, rates);
  }

  /** Said once, until there is something to print again. */
  lost(why: string): void {
    if (this.#isLost) return;
    this.#isLost = true;
    const line = `${why}; waiting for it`;
    if (this.#screen.isLive) this.#screen.draw({ lines: [line], titles: 0 });
    else this.#stage.context.err(`hupo: ${line}\n`);
  }

  /** One line a look. */
  #printJson(disks: readonly DiskState[], rates: ReadonlyMap<string, DiskRates>): void {
    const all = disks.map((disk) => ({ ...disk, perSecond: rates.get(disk.diskId) ?? null }));
    const at = new Date(this.#stage.clock.nowMs()).toISOString();
    const value = 'diskId' in this.#what ? { at, ...all[0] } : { at, disks: all };
    this.#stage.context.out(`${JSON.stringify(value)}\n`);
  }

  #printDisk(disks: readonly DiskState[], rates: ReadonlyMap<string, DiskRates>): void {
    const lines = disks.flatMap((disk) =>
      formatDisk(disk, rates.get(disk.diskId), this.#stage.clock.nowMs()).trimEnd().split('\n'),
    );
    this.#screen.draw({ lines, titles: 0 });
  }

  #printTable(kind: TableKind, disks: readonly DiskState[], rates: ReadonlyMap<string, DiskRates>): void {
    if (disks.length === 0) return this.#screen.draw({ lines: ['No disks.'], titles: 0 });
    const shown = kind === 'top' && this.#screen.isLive ? sortByLoad(disks, rates) : disks;
    return this.#screen.draw({ lines: formatDisks(kind, shown, rates), titles: 1 });
  }
}
