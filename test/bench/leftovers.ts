/**
 * What the bench must not leave behind, however it ends. Folders, servers and peers are noted here when they are made; each
 * is undone by its owner, or all of them when a signal (Ctrl-C) or an error ends the bench. A SIGKILL of the bench leaves
 * them: the folders `hupo-bench-*` in the system's temporary folder and in `/dev/shm`, and their diskd.
 */
import fs from 'node:fs';
import os from 'node:os';

/** Undoes one thing at once. Called at most once. */
type Undo = () => void;

export class Leftovers {
  readonly #undos = new Set<Undo>();

  /** From now on a signal ends the process, and however it ends, everything is undone first. */
  listen(): void {
    process.on('exit', () => this.undoAll());
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => process.exit(128 + os.constants.signals[signal]));
    }
  }

  /** Returns what undoes it in good time; a second call does nothing. */
  add(undo: Undo): () => void {
    this.#undos.add(undo);
    return () => {
      if (this.#undos.delete(undo)) undo();
    };
  }

  /** The latest first, after everything that the bench itself started is dead. */
  undoAll(): void {
    for (const pid of childrenOf(process.pid)) killNow(pid);
    for (const undo of [...this.#undos].toReversed()) {
      this.#undos.delete(undo);
      try {
        undo();
      } catch (error) {
        console.error(`bench: cleaning up: ${String(error)}`);
      }
    }
  }
}

export function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended
  }
}

function childrenOf(parent: number): number[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent);
}

function parentOf(pid: number): number | null {
  try {
    return Number(/\) \S (\d+)/.exec(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]);
  } catch {
    return null; // it ended while we looked
  }
}
