/** What `hupo repository` asks about the repository, of a server or, while none runs, of the command itself. */
import type { Catalog } from '../catalog/catalog.ts';
import { listToldSnapshots } from '../catalog/snapshots.ts';
import type { Clock } from '../lib/clock.ts';
import { OperationalError, messageOf } from '../lib/errors.ts';
import type { CollectResult } from '../repository/collect.ts';
import type { CollectorBook } from '../repository/collector-book.ts';
import { describeFinding } from '../repository/describe-finding.ts';
import type { Repository } from '../repository/repository.ts';
import type { RepositoryFinding } from '../repository/check.ts';
import { listNamedRoots } from './check-roots.ts';
import type { Compactor } from './compactor.ts';
import { RepositoryBook } from './repository-book.ts';
import type { ServeCalls } from './serve-calls.ts';

type Asked = ServeCalls['repository'];

export interface DeskOptions {
  catalog: Catalog;
  repository: Repository;
  clock: Clock;
  /** Null where none runs: then no operation does, nothing is healed, and nothing collected. */
  server: {
    heal: (findings: readonly RepositoryFinding[]) => Promise<number>;
    book: CollectorBook;
    compactor: Pick<Compactor, 'compact'>;
  } | null;
}

export class RepositoryDesk {
  readonly #options: DeskOptions;
  readonly #book: CollectorBook;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#book = options.server?.book ?? new RepositoryBook(options.catalog, () => []);
  }

  async answer({ action, sinceMs, asData = false }: Asked['request']): Promise<Asked['reply']> {
    const { catalog, repository, clock, server } = this.#options;
    const listRoots = () => listNamedRoots(catalog.queries);
    if (action === 'describe') {
      await repository.count(this.#book);
      const { snapshots, ...sizes } = await repository.describe();
      const told = new Map((await listToldSnapshots(catalog.queries)).map((each) => [each.snapshotId, each]));
      const named = snapshots.map((each) => {
        const { name = null, createdAtMs = null } = told.get(each.snapshotId) ?? {};
        return { ...each, name, createdAtMs };
      });
      return { report: { ...sizes, snapshots: named, pass: repository.findPass() } };
    }
    if (action === 'check') {
      const findings = await repository.check({ readData: 'known', listRoots });
      const healedCount = findings.length === 0 ? 0 : ((await server?.heal(findings)) ?? 0);
      return asData ? { findings, healedCount } : { texts: findings.map(describeFinding), healedCount };
    }
    if (action === 'verify') {
      await repository.count(this.#book);
      const { readBytes, findings, ended, leftBytes } = await repository.verifyNext(clock.nowMs(), listRoots, sinceMs);
      return { step: { readBytes, findings, leftBytes, isEnd: ended !== null } };
    }
    if (action === 'plan') return toCollected(await repository.collect(this.#book, { dryRun: true }));
    if (server === null) throw new OperationalError('only a server collects', { retryable: false });
    if (action === 'compact') return toCollected(await server.compactor.compact(0));
    return toCollected(await repository.collect(this.#book));
  }
}

function toCollected(result: CollectResult): Asked['reply'] {
  return { collected: { ...result, damaged: result.damaged.map(messageOf) } };
}
