/**
 * Automatic snapshot policies of a region: what is asked of them, and the loop that lets them run. The loop plans from the catalog
 * alone, so a server that comes after another goes on where that was.
 */
import { listAssociations, listPolicies } from '../../catalog/policies.ts';
import { listRuns } from '../../catalog/policy-runs.ts';
import { forgetGone } from '../../catalog/retention.ts';
import type { Policy, PolicyAssociation, PolicyFilter, PolicyRun } from '../../ecs/auto-snapshot-policy.ts';
import type { Paging } from '../../ecs/list-filters.ts';
import { HOUR_MS } from '../../ecs/lock-rules.ts';
import type { Page } from '../../ecs/resources.ts';
import { messageOf } from '../../lib/errors.ts';
import { unconditionally } from '../change.ts';
import type { Parts } from '../parts.ts';
import type { ChangeOptions } from '../requests.ts';
import type { OperationRunner } from '../runner.ts';
import { beginDueRuns, findNextSlot } from './begin-runs.ts';
import { previewPolicy } from './preview.ts';
import type { PolicyPreview } from './preview.ts';
import { applyPolicy, cancelPolicy, createPolicy, deletePolicy, getPolicy, modifyPolicy } from './requests.ts';
import type { CreatePolicyRequest, ModifyPolicyRequest, PolicyOfDisksRequest } from './requests.ts';
import { approve, retain, retainAll } from './retention.ts';
import { workOnTargets } from './targets.ts';

const LOOK_EVERY_MS = 15_000;
const PASS_EVERY_MS = HOUR_MS;

export class Policies {
  readonly #parts: Parts;
  readonly #runner: OperationRunner;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  /** When the next pass of retention is, by the monotonic clock. */
  #nextPassMs = 0;

  constructor(parts: Parts, runner: OperationRunner) {
    this.#parts = parts;
    this.#runner = runner;
  }

  start(): void {
    this.#nextPassMs = this.#parts.clock.monotonicMs();
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#look(signal);
      } catch (error) {
        if (!signal.aborted) this.#parts.log.warn(`automatic snapshots: ${messageOf(error)}`);
      }
      await this.#pause(signal);
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock, catalog, lockClock } = this.#parts;
    await beginDueRuns(this.#parts);
    const finished = await workOnTargets(this.#parts, this.#runner, signal);
    const nowMs = clock.monotonicMs();
    if (!lockClock.isSettled) return;
    for (const diskId of finished) await retain(this.#parts, this.#runner, { diskId, sourceRegionId: null });
    if (nowMs < this.#nextPassMs) return;
    this.#nextPassMs = nowMs + PASS_EVERY_MS;
    await retainAll(this.#parts, this.#runner, signal);
    await forgetGone(catalog.queries);
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const nextMs = await findNextSlot(this.#parts).catch(() => null);
    const untilNext = nextMs === null ? LOOK_EVERY_MS : Math.max(1, nextMs - clock.nowMs());
    await clock.sleep(Math.min(LOOK_EVERY_MS, untilNext), signal).catch(() => undefined);
  }

  create(request: CreatePolicyRequest, options: ChangeOptions = unconditionally): Promise<{ policyId: string }> {
    return createPolicy(this.#parts, request, options);
  }

  modify(request: ModifyPolicyRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return modifyPolicy(this.#parts, request, options);
  }

  delete(request: { policyId: string }, options: ChangeOptions = unconditionally): Promise<void> {
    return deletePolicy(this.#parts, request, options);
  }

  apply(request: PolicyOfDisksRequest, options: ChangeOptions = unconditionally): Promise<void> {
    return applyPolicy(this.#parts, request, options);
  }

  cancel(
    request: { policyId: string | null; diskIds: string[] },
    options: ChangeOptions = unconditionally,
  ): Promise<void> {
    return cancelPolicy(this.#parts, request, options);
  }

  list(filter: PolicyFilter, paging: Paging): Promise<Page<Policy>> {
    return listPolicies(this.#parts.catalog.queries, filter, paging);
  }

  listAssociations(
    wanted: { policyId?: string; diskId?: string },
    paging: Pick<Paging, 'pageSize' | 'nextToken'>,
  ): Promise<Page<PolicyAssociation>> {
    return listAssociations(this.#parts.catalog.queries, wanted, paging);
  }

  async listRuns(wanted: { policyId?: string }, paging: Paging): Promise<Page<PolicyRun>> {
    const { queries } = this.#parts.catalog;
    if (wanted.policyId !== undefined) await getPolicy(queries, wanted.policyId);
    return await listRuns(queries, wanted, paging);
  }

  preview(asked: { policyId: string; runCount: number; diskId: string | null }): Promise<PolicyPreview> {
    return previewPolicy(this.#parts, asked);
  }

  /** The snapshots that go. */
  approve(subjectId: string): Promise<string[]> {
    return approve(this.#parts, this.#runner, subjectId);
  }
}
