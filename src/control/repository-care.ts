/** What a server does for its repository all the time, and what it answers about it: verification, healing, `hupo repository`. */
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { RepositoryFinding } from '../repository/check.ts';
import type { Repository } from '../repository/repository.ts';
import { listNamedRoots } from './check-roots.ts';
import { Compactor } from './compactor.ts';
import type { Control } from './control.ts';
import { healRepository } from './heal-repository.ts';
import type { Parts } from './parts.ts';
import { RepositoryDesk } from './repository-desk.ts';
import { Verifier } from './verifier.ts';

export interface CareOptions extends Pick<Parts, 'catalog' | 'dataPlane'> {
  repository: Repository;
  control: Control;
  /** Every byte is read again within it; 0: never. */
  verifyPeriodMs: number;
  /** After so long what uploads stored is rewritten; 0: never. */
  compactAfterMs: number;
  clock: Clock;
  log: Log;
}

/** `undo` ends it. */
export function startRepositoryCare(options: CareOptions, undo: AsyncDisposableStack): RepositoryDesk {
  const { catalog, repository, control, clock, log } = options;
  const heal = async (findings: readonly RepositoryFinding[]): Promise<number> => {
    const count = await healRepository(options, findings);
    control.collectSoon();
    return count;
  };
  const listRoots = () => listNamedRoots(catalog.queries);
  const verifier = new Verifier({ repository, listRoots, heal, periodMs: options.verifyPeriodMs, clock, log });
  verifier.start();
  undo.defer(() => verifier.stop());
  const compactor = new Compactor({ repository, book: control.book, afterMs: options.compactAfterMs, clock, log });
  compactor.start();
  undo.defer(() => compactor.stop());
  return new RepositoryDesk({ catalog, repository, clock, server: { heal, book: control.book, compactor } });
}
