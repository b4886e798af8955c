/** What an operation is: steps in order, each idempotent, each with its undo. `runner.ts` runs them. */
import type { Queries } from '../catalog/schema.ts';
import type { TreeRef } from '../repository/tree-ref.ts';

/** `S` is the operation's state: plain JSON, stored with it. */
export interface Step<S extends object> {
  name: string;
  /** When the server ends before this step is done, the operation is undone at the next start instead of going on. */
  endsWithServer?: boolean;
  /** Acts on the world, idempotently. What it returns is added to the state. */
  run?(state: S, context: StepContext<S>): Promise<Partial<S> | void>;
  /** Writes the catalog in the transaction that records the step as done. What it returns is added to the state. */
  record?(transaction: Queries, state: S): Promise<Partial<S> | void>;
  /** Takes back what `run` did, or may have done: idempotent. What it returns is added to the state. */
  undo?(state: S): Promise<Partial<S> | void>;
}

export interface StepContext<S extends object> {
  /** Fires when the operation is cancelled or the server ends: the step should end soon. */
  signal: AbortSignal;
  /** Makes an addition to the state durable before the step is done, with what `write` writes; when that throws, neither. */
  save(addition: Partial<S>, write?: (transaction: Queries) => Promise<void>): Promise<void>;
}

export interface OperationKind<S extends object> {
  kind: string;
  steps: Step<S>[];
  /**
   * Writes the catalog in the transaction that ends an undone operation. Without it the operation is never given up: a
   * failed step is tried again for ever.
   */
  abandon?(transaction: Queries, undone: Undone<S>): Promise<void>;
  /**
   * Asked after a failure for good, in the transaction that would turn the operation round: true when the step must be
   * tried again all the same, for something depends on it.
   */
  keep?(transaction: Queries, undone: Undone<S>): Promise<boolean>;
  /** Runs after either end. */
  ended?(): void;
  /** Trees that the operation may still read: roots for the collector (C6). */
  treesOf?(state: S): TreeRef[];
}

export interface Undone<S extends object> {
  state: S;
  /** The step that was not done. */
  step: string;
  /** For people. */
  reason: string;
}
